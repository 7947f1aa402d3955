"""The query string of a v1 request as typed values, or a BadRequest that names the parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from hymio.errors import BadRequest
from hymio.period import TIMESTAMP_FORM, Grain, Instant, InstantRange, local_day, parse_timestamp
from hymio.results import EVERYTHING
from hymio.survey import State

DEFAULT_LIMIT: Final = 50
MOST: Final = 100
_FAR: Final = 10**15
_NUMBER: Final = re.compile(r"[0-9]{1,16}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME_ACCEPTED: Final = f"{TIMESTAMP_FORM}, or a date yyyy-MM-dd"

STATES: Final[Mapping[str, State]] = {"active": State.ACTIVE, "ended": State.ENDED, "starting": State.UPCOMING}
"""The words of v1 for the states of a survey."""

GRAINS: Final[Mapping[str, Grain]] = {grain.value: grain for grain in Grain}
_FLAGS: Final = {"true": True, "false": False}

T = TypeVar("T")


class Query:
    """A query string, read parameter by parameter; what nobody asks for is ignored, as v1 clients may send more."""

    __slots__ = ("_values",)

    def __init__(self, query_string: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
            self._values.setdefault(name, []).append(value)

    def text(self, name: str, accepted: str) -> str | None:
        """The value of a parameter, None when it is not there. BadRequest when it is there more than once."""
        values = self._values.get(name, [])
        if len(values) > 1:
            raise BadRequest(parameter=name, got=" and ".join(values), accepted=f"{accepted}; once")
        return values[0] if values else None

    def word(self, name: str, words: Mapping[str, T]) -> T | None:
        """What a word stands for; upper and lower case are the same."""
        accepted = ", ".join(words)
        got = self.text(name, accepted)
        if got is None:
            return None
        if got.lower() not in words:
            raise BadRequest(parameter=name, got=got, accepted=accepted)
        return words[got.lower()]

    def number(self, name: str, least: int, most: int | None) -> int | None:
        """A whole number from `least` to `most`; without `most` as large as anything can be."""
        accepted = f"a whole number from {least} to {most}" if most else f"a whole number, {least} or more"
        got = self.text(name, accepted)
        if got is None:
            return None
        if not _NUMBER.fullmatch(got) or not least <= int(got) <= (most or _FAR):
            raise BadRequest(parameter=name, got=got, accepted=accepted)
        return int(got)

    def instant(self, name: str, zone: ZoneInfo) -> Instant | None:
        """An instant from a timestamp, or from a date: the beginning of that day in the zone."""
        got = self.text(name, _TIME_ACCEPTED)
        if got is None:
            return None
        try:
            return _midnight(got, zone) if _DATE.fullmatch(got) else parse_timestamp(got)
        except (ValueError, OverflowError):
            raise BadRequest(parameter=name, got=got, accepted=_TIME_ACCEPTED) from None


def _midnight(text: str, zone: ZoneInfo) -> Instant:
    return local_day(date.fromisoformat(text), zone).start


class Tree(NamedTuple):
    """What a folder request wants to see: surveys too, and of these only those in a state."""

    surveys: bool
    state: State | None


def tree(query: Query) -> Tree:
    """Parameters of `/folders` and `/folders/:key`."""
    return Tree(query.word("surveys", _FLAGS) or False, state(query))


def state(query: Query) -> State | None:
    """The parameter `state`."""
    return query.word("state", STATES)


class Page(NamedTuple):
    """A page of a list of questions or surveys."""

    offset: int
    limit: int


def page(query: Query) -> Page:
    """Parameters of the lists that v1 pages."""
    limit = query.number("limit", 1, MOST)
    return Page(query.number("offset", 0, None) or 0, DEFAULT_LIMIT if limit is None else limit)


def within(query: Query, zone: ZoneInfo) -> InstantRange:
    """The half-open range from `date_start` to `date_end`; a side that is not given is open."""
    start, end = query.instant("date_start", zone), query.instant("date_end", zone)
    if start is not None and end is not None and end < start:
        got = query.text("date_end", _TIME_ACCEPTED)
        raise BadRequest(parameter="date_end", got=got, accepted="a time that is not before date_start")
    return InstantRange(EVERYTHING.start if start is None else start, EVERYTHING.end if end is None else end)


def grain(query: Query) -> Grain:
    """The parameter `truncate`, by default a day."""
    return query.word("truncate", GRAINS) or Grain.DAY


@dataclass(frozen=True, slots=True)
class Rows:
    """Which raw results, texts or follow-ups are wanted; no limit means all."""

    within: InstantRange
    offset: int
    limit: int | None


def rows(query: Query, zone: ZoneInfo) -> Rows:
    """Parameters of `/rawresults`, `/openfeedback` and `/followup`."""
    return Rows(within(query, zone), query.number("offset", 0, None) or 0, query.number("limit", 1, None))
