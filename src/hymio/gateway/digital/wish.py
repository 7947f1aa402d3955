"""In which language somebody wants to read, and in which of those there are they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hymio.survey import Localized
from hymio.texts import PAGE_LANGUAGES, SOURCE, negotiate
from hymio.texts.localization import Localization

_MAX_LANG: Final = 20
_MAX_ACCEPTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """In which language somebody wants to read: the parameter `lang`, then the header Accept-Language."""

    lang: str = ""
    accepted: str = ""

    def locale(self, wording: Localized) -> str:
        """The locale of a text in which they read it: `lang`, then what the browser prefers, then the default one."""
        languages = {locale.partition("-")[0] for locale in wording.texts}
        preferred = negotiate(self.accepted, "", languages)
        regions = [tag for tag in _tags(self.accepted) if tag.partition("-")[0].lower() == preferred]
        wanted = _as_written([self.lang[:_MAX_LANG].replace("_", "-"), *regions[:1], preferred], wording.texts)
        return wording.locale(wanted)

    def language(self, among: Mapping[str, str] = PAGE_LANGUAGES, default: str = SOURCE) -> str:
        """The language of Hymio's own texts in which they read them."""
        language = self.lang[:_MAX_LANG].replace("_", "-").partition("-")[0].lower()
        return language if language in among else negotiate(self.accepted, default, among)


def look_of(locale: str) -> Localization:
    """Hymio's own texts beside a text in a locale: in its language, where Hymio has it."""
    language = locale.partition("-")[0]
    return Localization(language if language in PAGE_LANGUAGES else SOURCE, locale)


def _tags(accepted: str) -> Iterator[str]:
    """The languages of an Accept-Language header with their regions, in its order, without those that are refused."""
    for part in accepted[:_MAX_ACCEPTED].split(","):
        tag, _, quality = part.partition(";")
        if quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            yield tag.strip()


def _as_written(wanted: Iterable[str], locales: Iterable[str]) -> Iterator[str]:
    """The wanted locales as a text's locales are written, in whatever case they came; without empty ones."""
    known = {locale.lower(): locale for locale in locales}
    return (known.get(tag.lower(), tag) for tag in wanted if tag)
