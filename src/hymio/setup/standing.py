"""Resolution of a smiley's presses over time: ranges of instants with an assignment or a reason for quarantine."""

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
    """What a press belongs to: the assignment, the zone of its point, and the number of buttons of its scale."""

    assignment: Assignment
    zone: ZoneInfo
    buttons: int


class Standing(NamedTuple):
    """The instants [start, end) in which presses of a smiley have the same result of resolution."""

    start: int
    end: int
    answer: Where | Verdict


class Asked(NamedTuple):
    """The instants [start, end) in which an assignment is active."""

    start: int
    end: int
    answer: Where


class Standings:
    """The results of resolution for a smiley at all instants, as contiguous ranges from BEGINNING to END."""

    __slots__ = ("_starts", "ranges")

    def __init__(self, ranges: Iterable[Standing]) -> None:
        self.ranges = tuple(standing for standing in ranges if standing.start < standing.end)
        self._starts = [standing.start for standing in self.ranges]

    def at(self, instant: int) -> Standing:
        """The range that contains an instant."""
        return self.ranges[bisect_right(self._starts, instant) - 1]

    def within(self, start: int, end: int) -> Iterator[Standing]:
        """The parts of the ranges that are in [start, end)."""
        for standing in self.ranges[bisect_right(self._starts, start) - 1 : bisect_left(self._starts, end)]:
            yield Standing(max(standing.start, start), min(standing.end, end), standing.answer)


def standings_of(
    smiley: int, placements: Iterable[Placement], asked_at: Callable[[int], Iterable[Asked]]
) -> Iterator[Standing]:
    """The results of resolution for a smiley at all instants, in order of time.

    `placements` are in order of their start; `asked_at` gives the active ranges of assignments at a node. SetupError if
    two placements overlap.
    """
    cursor = BEGINNING
    for placement in placements:
        end = END if placement.end is None else placement.end
        if placement.start < cursor:
            raise SetupError(
                "smiley-placed-twice",
                "smiley {smiley} is placed twice at once: at node {node} and before it",
                smiley=smiley,
                node=placement.node,
            )
        yield Standing(cursor, placement.start, Verdict.NO_PLACEMENT)
        yield from _while_placed(placement.start, end, asked_at(placement.node))
        cursor = end
    yield Standing(cursor, END, Verdict.NO_PLACEMENT)


def _while_placed(start: int, end: int, asked: Iterable[Asked]) -> Iterator[Standing]:
    """The results during a placement [start, end): active ranges of assignments, and NO_SURVEY between them."""
    cursor = start
    for active in asked:
        asked_from, asked_to = max(active.start, start), min(active.end, end)
        if asked_from < asked_to:
            yield Standing(cursor, asked_from, Verdict.NO_SURVEY)
            yield Standing(asked_from, asked_to, active.answer)
            cursor = asked_to
    yield Standing(cursor, end, Verdict.NO_SURVEY)


def merged(on_all: list[Asked], on_one: list[Asked]) -> list[Asked]:
    """The active ranges of a smiley in order of time; assignments on this one smiley replace those on all smileys.

    SetupError if two ranges of the same list overlap.
    """
    on_all, on_one = _in_order(on_all), _in_order(on_one)
    return sorted([*on_one, *_not_hidden(on_all, on_one)], key=attrgetter("start"))


def _in_order(asked: list[Asked]) -> list[Asked]:
    """The ranges by start. SetupError if two overlap."""
    ordered = sorted(asked, key=attrgetter("start"))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            raise SetupError(
                "survey-overlap",
                "assignments {first} and {second} ask two surveys of one smiley at the same time",
                first=before.answer.assignment.id,
                second=after.answer.assignment.id,
            )
    return ordered


def _not_hidden(on_all: list[Asked], on_one: list[Asked]) -> Iterator[Asked]:
    """The parts of `on_all` that no range of `on_one` covers."""
    for active in on_all:
        start = active.start
        for hiding in on_one:
            if hiding.start < active.end and hiding.end > start:
                yield Asked(start, max(start, hiding.start), active.answer)
                start = max(start, hiding.end)
        yield Asked(start, max(start, active.end), active.answer)
