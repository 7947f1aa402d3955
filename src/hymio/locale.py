"""Locales: a language of two letters with an optional country, in the spelling of BCP 47 or of API v2."""

import re
from typing import Final

from hymio.errors import SetupError

_LOCALE: Final = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_TYPED: Final = re.compile(r"([A-Za-z]{2})(?:[-_]([A-Za-z]{2}))?")


def check_locale(text: str) -> None:
    """Raises SetupError unless the text is a locale such as `en` or `en-US`."""
    if not _LOCALE.fullmatch(text):
        raise SetupError(
            "bad-locale", "got locale {got!r}; accepted are a language and perhaps a country: en, en-US", got=text[:40]
        )


def parse_locale(text: str) -> str:
    """The locale in the spelling of BCP 47, from any case and with `-` or `_`: `en_us` gives `en-US`. SetupError."""
    match = _TYPED.fullmatch(text)
    locale = text if match is None else "-".join([match[1].lower(), *([match[2].upper()] if match[2] else [])])
    check_locale(locale)
    return locale


def underscored(locale: str) -> str:
    """A locale in the spelling of API v2: `en_US`."""
    return locale.replace("-", "_")
