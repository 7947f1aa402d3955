"""The catalogs: English texts and their translations, from the `.po` file of each language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import IO, TYPE_CHECKING, Final

import structlog

from hymio.errors import Phrase

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from babel.messages.catalog import Catalog, Message

SOURCE: Final = "en"
"""The language that texts are written in where they are used; it has no catalog."""

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "fi": "suomi"}
"""The languages of Hymio by their codes (ISO 639), each with its own name for itself."""

PAGE_LANGUAGES: Final[Mapping[str, str]] = {
    **LANGUAGES,
    "sv": "svenska",
    "de": "Deutsch",
    "fr": "français",
    "es": "español",
    "ar": "العربية",
}
"""The languages of pages: those of Hymio, and further ones whose catalogs have the texts of pages alone."""

RIGHT_TO_LEFT: Final = frozenset({"ar"})
"""The languages of pages that are written from right to left."""

DOMAIN: Final = "hymio"

log = structlog.get_logger("hymio.texts")


def translate(text: str, language: str) -> str:
    """A text in one of PAGE_LANGUAGES; English where the catalog lacks it or the language has none.

    Of a Phrase the template is translated and the values are put in, those that are Phrases translated too. Other
    values are data and stay as they are.
    """
    if language == SOURCE:
        return str(text)
    translations = _translations(language)
    if not isinstance(text, Phrase):
        return translations.get(text, text)
    template = translations.get(text.template, text.template)
    if not text.values:
        return template
    return template.format(**{name: _value(value, language) for name, value in text.values.items()})


def _value(value: object, language: str) -> object:
    """A value of a text: a Phrase is translated too."""
    return translate(value, language) if isinstance(value, Phrase) else value


def load_catalogs() -> None:
    """Reads every catalog, so that the first request in a language does not wait for its file."""
    for language in PAGE_LANGUAGES:
        translate("", language)


# --- the files -------------------------------------------------------------------------------------------------------


def catalog_file(language: str) -> Traversable:
    """The `.po` file of a language in the package."""
    return files("hymio.texts") / "locales" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalog(file: IO[bytes], language: str) -> Catalog:
    """The content of a `.po` file. ValueError where it is not one."""
    from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415  English alone does not need it

    try:
        return read_po(file, locale=language, domain=DOMAIN, abort_invalid=True)
    except PoFileError as error:
        raise ValueError(str(error)) from error


def faults(message: Message) -> Iterator[str]:
    """Why a translation cannot be used: it is missing, not confirmed by a person, or its placeholders differ."""
    if not isinstance(message.id, str) or not isinstance(message.string, str) or not message.string:
        yield "missing"
    elif message.fuzzy:
        yield "fuzzy"
    elif placeholders(message.id) != placeholders(message.string):
        yield "placeholders differ"


def placeholders(template: str) -> frozenset[tuple[str, str, str]] | None:
    """The placeholders of a `str.format` text: name, conversion and format; None where it is no such text."""
    try:
        fields = list(Formatter().parse(template))
    except ValueError:
        return None
    return frozenset((name, conversion or "", form or "") for _, name, form, conversion in fields if name is not None)


@cache
def _translations(language: str) -> Mapping[str, str]:
    """English texts and their translations; unusable ones are logged and left out, so that the text stays English."""
    if language not in PAGE_LANGUAGES:
        return {}
    try:
        with catalog_file(language).open("rb") as file:
            catalog = read_catalog(file, language)
    except (OSError, ValueError) as error:
        log.error("catalog cannot be read", language=language, error=str(error))
        return {}
    return dict(_usable(catalog, language))


def _usable(catalog: Catalog, language: str) -> Iterator[tuple[str, str]]:
    """The texts and translations of a catalog; faulty translations are logged and left out."""
    for message in catalog:
        if not message.id:  # the header
            continue
        wrong = list(faults(message))
        if wrong:
            log.error("translation cannot be used", language=language, text=message.id, reason=wrong[0])
        else:
            yield str(message.id), str(message.string)
