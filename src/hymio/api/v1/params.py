"""The query string of a v1 request as typed values, or a BadRequest that names the parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hymio.api.query import FLAGS, TIME_ACCEPTED, Query
from hymio.errors import BadRequest, Phrase
from hymio.period import Grain, InstantRange
from hymio.results import EVERYTHING
from hymio.survey import State

DEFAULT_LIMIT: Final = 50
MOST: Final = 100

STATES: Final[Mapping[str, State]] = {"active": State.ACTIVE, "ended": State.ENDED, "starting": State.UPCOMING}
"""The words of v1 for the states of a survey."""

GRAINS: Final[Mapping[str, Grain]] = {grain.value: grain for grain in Grain}


class Tree(NamedTuple):
    """Which surveys a folder request includes: any at all, and only those in a state unless it is None."""

    surveys: bool
    state: State | None


def tree(query: Query) -> Tree:
    """Parameters of `/folders` and `/folders/:key`."""
    return Tree(query.word("surveys", FLAGS) or False, state(query))


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
        got = query.text("date_end", TIME_ACCEPTED)
        accepted = Phrase("a time that is not before {start}", start="date_start")
        raise BadRequest("period-ends-before-it-begins", parameter="date_end", got=got, accepted=accepted)
    return InstantRange(EVERYTHING.start if start is None else start, EVERYTHING.end if end is None else end)


def grain(query: Query) -> Grain:
    """The parameter `truncate`, by default a day."""
    return query.word("truncate", GRAINS) or Grain.DAY


@dataclass(frozen=True, slots=True)
class Rows:
    """The range of instants and the page of raw results, texts or follow-ups; without a limit all of them."""

    within: InstantRange
    offset: int
    limit: int | None


def rows(query: Query, zone: ZoneInfo) -> Rows:
    """Parameters of `/rawresults`, `/openfeedback` and `/followup`."""
    return Rows(within(query, zone), query.number("offset", 0, None) or 0, query.number("limit", 1, None))
