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


class ResolvedRange(NamedTuple):
    """The instants [start, end) in which all presses of a smiley have one result: where they belong, or why not."""

    start: int
    end: int
    result: Where | Verdict


class ActiveRange(NamedTuple):
    """The instants [start, end) in which an assignment is active, and what presses in it belong to."""

    start: int
    end: int
    where: Where


class Resolution:
    """The results for a smiley's presses at all instants, as contiguous ranges from BEGINNING to END."""

    __slots__ = ("_starts", "ranges")

    def __init__(self, ranges: Iterable[ResolvedRange]) -> None:
        self.ranges = tuple(resolved for resolved in ranges if resolved.start < resolved.end)
        self._starts = [resolved.start for resolved in self.ranges]

    def at(self, instant: int) -> ResolvedRange:
        """The range that contains an instant."""
        return self.ranges[bisect_right(self._starts, instant) - 1]

    def within(self, start: int, end: int) -> Iterator[ResolvedRange]:
        """The parts of the ranges that are in [start, end)."""
        for resolved in self.ranges[bisect_right(self._starts, start) - 1 : bisect_left(self._starts, end)]:
            yield ResolvedRange(max(resolved.start, start), min(resolved.end, end), resolved.result)


def resolved_ranges(
    smiley: int, placements: Iterable[Placement], active_at: Callable[[int], Iterable[ActiveRange]]
) -> Iterator[ResolvedRange]:
    """The results for a smiley's presses at all instants, as contiguous ranges, of which some are empty.

    `placements` are in order of their start; `active_at` gives the active ranges of assignments at a node, in order.
    SetupError if two placements overlap.
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
        yield ResolvedRange(cursor, placement.start, Verdict.NO_PLACEMENT)
        yield from _while_placed(placement.start, end, active_at(placement.node))
        cursor = end
    yield ResolvedRange(cursor, END, Verdict.NO_PLACEMENT)


def _while_placed(start: int, end: int, active_ranges: Iterable[ActiveRange]) -> Iterator[ResolvedRange]:
    """The results during a placement [start, end): active ranges of assignments, and NO_SURVEY between them."""
    cursor = start
    for active in active_ranges:
        active_from, active_to = max(active.start, start), min(active.end, end)
        if active_from < active_to:
            yield ResolvedRange(cursor, active_from, Verdict.NO_SURVEY)
            yield ResolvedRange(active_from, active_to, active.where)
            cursor = active_to
    yield ResolvedRange(cursor, end, Verdict.NO_SURVEY)


def merged(on_all: list[ActiveRange], on_one: list[ActiveRange]) -> list[ActiveRange]:
    """The active ranges of a smiley in order of time; assignments on this one smiley replace those on all smileys.

    SetupError if two ranges of the same list overlap.
    """
    on_all, on_one = _in_order(on_all), _in_order(on_one)
    return sorted([*on_one, *_not_hidden(on_all, on_one)], key=attrgetter("start"))


def _in_order(ranges: list[ActiveRange]) -> list[ActiveRange]:
    """The ranges by start. SetupError if two overlap."""
    ordered = sorted(ranges, key=attrgetter("start"))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            raise SetupError(
                "survey-overlap",
                "assignments {first} and {second} ask two surveys of one smiley at the same time",
                first=before.where.assignment.id,
                second=after.where.assignment.id,
            )
    return ordered


def _not_hidden(on_all: list[ActiveRange], on_one: list[ActiveRange]) -> Iterator[ActiveRange]:
    """The parts of `on_all` that no range of `on_one` covers."""
    for active in on_all:
        start = active.start
        for hiding in on_one:
            if hiding.start < active.end and hiding.end > start:
                yield ActiveRange(start, max(start, hiding.start), active.where)
                start = max(start, hiding.end)
        yield ActiveRange(start, max(start, active.end), active.where)
