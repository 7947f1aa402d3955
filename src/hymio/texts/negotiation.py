"""The choice of a language: a person's own, else what the request's Accept-Language prefers, else a default."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from hymio.texts.catalog import LANGUAGES

_MAX_CHARACTERS: Final = 1_000
_RANGE: Final = re.compile(
    r"[ \t]*(?P<language>[A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*"
    r"[ \t]*(?:;[ \t]*[Qq]=(?P<quality>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)


def choose(person: str | None, accept_language: str, organization: str) -> str:
    """The language of an answer: the person's choice, else that of Accept-Language, else the organization's default."""
    return person if person is not None and person in LANGUAGES else negotiate(accept_language, organization)


def negotiate(accept_language: str, default: str) -> str:
    """The one of LANGUAGES that an Accept-Language header prefers (RFC 9110, section 12.5.4).

    A range with a country or script, `fi-FI`, matches its language. Of equal qualities the first in the header wins.
    `default` is given where none of them matches, and for a header of more than 1,000 characters; parts that cannot
    be read are ignored.
    """
    ranges = _ranges(accept_language) if len(accept_language) <= _MAX_CHARACTERS else []
    preferred = [each for each in ranges if each.quality > 0]
    named = {each.language for each in ranges}
    for each in sorted(preferred, key=lambda each: -each.quality):
        if each.language in LANGUAGES:
            return each.language
        if each.language == "*":
            rest = [language for language in (default, *LANGUAGES) if language not in named]
            return rest[0] if rest else default
    return default


class _Range(NamedTuple):
    language: str
    quality: float


def _ranges(accept_language: str) -> list[_Range]:
    """The language ranges of an Accept-Language header, with their qualities."""
    matches = (_RANGE.fullmatch(part) for part in accept_language.split(","))
    return [_Range(match["language"].lower(), float(match["quality"] or 1)) for match in matches if match]
