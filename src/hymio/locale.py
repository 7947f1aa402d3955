"""Locales: a language of two letters, perhaps with a country, as BCP 47 writes it and as API v2 shows it."""

import re
from typing import Final

from hymio.errors import SetupError

_LOCALE: Final = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_TYPED: Final = re.compile(r"([A-Za-z]{2})(?:[-_]([A-Za-z]{2}))?")


def check_locale(text: str) -> None:
    """Refuses (SetupError) what is not a locale such as `en` or `en-US`."""
    if not _LOCALE.fullmatch(text):
        raise SetupError(
            "bad-locale", "got locale {got!r}; accepted are a language and perhaps a country: en, en-US", got=text[:40]
        )


def typed_locale(text: str) -> str:
    """The locale that people mean by `en_us`: `en-US`. SetupError."""
    found = _TYPED.fullmatch(text)
    locale = text if found is None else "-".join([found[1].lower(), *([found[2].upper()] if found[2] else [])])
    check_locale(locale)
    return locale


def underscored(locale: str) -> str:
    """A locale as API v2 shows it: `en_US`."""
    return locale.replace("-", "_")
