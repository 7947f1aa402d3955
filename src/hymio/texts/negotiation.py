"""Chooses a language: a person's own, else the one that Accept-Language prefers, else a default."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from hymio.texts.catalog import LANGUAGES

_MAX_CHARACTERS: Final = 1_000
_RANGE: Final = re.compile(
    r"[ \t]*(?P<language>[A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*"
    r"[ \t]*(?:;[ \t]*[Qq]=(?P<quality>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)


def choose(person: str | None, accept_language: str, organization: str, among: Collection[str] = LANGUAGES) -> str:
    """The language of an answer: the person's choice, else that of Accept-Language, else the organization's default."""
    return person if person is not None and person in among else negotiate(accept_language, organization, among)


def negotiate(accept_language: str, default: str, among: Collection[str] = LANGUAGES) -> str:
    """The language among some that an Accept-Language header prefers (RFC 9110, section 12.5.4).

    A range with a country or script, `fi-FI`, matches its language. Of equal qualities the first in the header wins.
    `default` is given where none of them matches, and for a header of more than 1,000 characters; parts that cannot
    be read are ignored.
    """
    ranges = _ranges(accept_language) if len(accept_language) <= _MAX_CHARACTERS else []
    accepted = [language_range for language_range in ranges if language_range.quality > 0]
    listed = {language_range.language for language_range in ranges}
    for language_range in sorted(accepted, key=lambda language_range: -language_range.quality):
        if language_range.language in among:
            return language_range.language
        if language_range.language == "*":
            others = [language for language in (default, *among) if language not in listed]
            return others[0] if others else default
    return default


class _Range(NamedTuple):
    """A language or `*` in an Accept-Language header, with its quality from 0.0 (refused) to 1.0."""

    language: str
    quality: float


def _ranges(accept_language: str) -> list[_Range]:
    """The language ranges of an Accept-Language header, with their qualities."""
    matches = (_RANGE.fullmatch(part) for part in accept_language.split(","))
    return [_Range(match["language"].lower(), float(match["quality"] or 1)) for match in matches if match]
