"""What a smiley's presses resolve to, and in which ranges of instants."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hymio.errors import SetupError
from hymio.feedback import Verdict
from hymio.hierarchy import BEGINNING
from hymio.smiley import Placement
from hymio.survey import Assignment

END = -BEGINNING
"""The instant after all others."""


class Where(NamedTuple):
    """What a press resolves to: the assignment, the zone at its point, and how many buttons its scale has."""

    assignment: Assignment
    zone: ZoneInfo
    buttons: int


class Standing(NamedTuple):
    """The instants [start, end) in which a smiley's presses resolve to the same answer."""

    start: int
    end: int
    answer: Where | Verdict


class Asked(NamedTuple):
    """The instants [start, end) in which an assignment gathers."""

    start: int
    end: int
    answer: Where


class Standings:
    """What a smiley's presses resolve to at every instant: contiguous ranges from BEGINNING to END."""

    __slots__ = ("_starts", "ranges")

    def __init__(self, ranges: Iterable[Standing]) -> None:
        self.ranges = tuple(standing for standing in ranges if standing.start < standing.end)
        self._starts = [standing.start for standing in self.ranges]

    def at(self, instant: int) -> Standing:
        """The range that holds an instant."""
        return self.ranges[bisect_right(self._starts, instant) - 1]

    def within(self, start: int, end: int) -> Iterator[Standing]:
        """The ranges in [start, end), cut off at its ends."""
        for standing in self.ranges[bisect_right(self._starts, start) - 1 : bisect_left(self._starts, end)]:
            yield Standing(max(standing.start, start), min(standing.end, end), standing.answer)


def standings_of(
    smiley: int, placements: Iterable[Placement], asked_at: Callable[[int], Iterable[Asked]]
) -> Iterator[Standing]:  # fmt: skip
    """What a smiley's presses resolve to, by its placements in order of start and what is asked at a node.

    SetupError where the smiley is placed twice at once.
    """
    cursor = BEGINNING
    for placement in placements:
        end = END if placement.end is None else placement.end
        if placement.start < cursor:
            raise SetupError(
                "smiley-placed-twice", "smiley {smiley} is placed twice at once: at node {node} and before it",
                smiley=smiley, node=placement.node,
            )  # fmt: skip
        yield Standing(cursor, placement.start, Verdict.NO_PLACEMENT)
        yield from _while_placed(placement.start, end, asked_at(placement.node))
        cursor = end
    yield Standing(cursor, END, Verdict.NO_PLACEMENT)


def _while_placed(start: int, end: int, asked: Iterable[Asked]) -> Iterator[Standing]:
    cursor = start
    for each in asked:
        asked_from, asked_to = max(each.start, start), min(each.end, end)
        if asked_from < asked_to:
            yield Standing(cursor, asked_from, Verdict.NO_SURVEY)
            yield Standing(asked_from, asked_to, each.answer)
            cursor = asked_to
    yield Standing(cursor, end, Verdict.NO_SURVEY)


def merged(on_all: list[Asked], on_one: list[Asked]) -> list[Asked]:
    """What is asked of a smiley in order of time: what is asked `on_one` smiley hides what is asked `on_all`.

    SetupError where two of the same list overlap.
    """
    on_all, on_one = _in_order(on_all), _in_order(on_one)
    return sorted([*on_one, *_not_hidden(on_all, on_one)], key=attrgetter("start"))


def _in_order(asked: list[Asked]) -> list[Asked]:
    ordered = sorted(asked, key=attrgetter("start"))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            raise SetupError(
                "survey-overlap", "assignments {first} and {second} ask two surveys of one smiley at the same time",
                first=before.answer.assignment.id, second=after.answer.assignment.id,
            )  # fmt: skip
    return ordered


def _not_hidden(on_all: list[Asked], on_one: list[Asked]) -> Iterator[Asked]:
    for each in on_all:
        start = each.start
        for hiding in on_one:
            if hiding.start < each.end and hiding.end > start:
                yield Asked(start, max(start, hiding.start), each.answer)
                start = max(start, hiding.end)
        yield Asked(start, max(start, each.end), each.answer)
