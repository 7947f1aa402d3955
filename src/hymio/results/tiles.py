"""Cuts ranges of time into tiles of about equally many rows, by the numbers of rows in stored hours.

Descending order is ascending order on an axis on which every instant is negated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import ceil
from typing import Final, NamedTuple

from hymio.period import DAY_MS, HOUR_MS, Instant
from hymio.store.export import RowRange
from hymio.store.hours import HourSize

FIRST_RANGE_MS: Final = 2 * DAY_MS
"""The length of the first range of `growing_ranges`; every further one is four times as long as the one before."""

MAX_TILES_PER_HOUR: Final = 1_000

Tile = tuple[Instant, Instant]
"""A range [start, end) of instants."""


class Axis(NamedTuple):
    """Time in the direction of reading: when descending, instants are negated and an hour begins at minus its end."""

    descending: bool

    def ends(self, start: Instant, end: Instant) -> tuple[int, int]:
        """Where [start, end) begins and ends on the axis."""
        return (-end, -start) if self.descending else (start, end)

    def hour(self, starts_at: Instant) -> int:
        """Where the hour with a nominal start begins on the axis."""
        return -(starts_at + HOUR_MS) if self.descending else starts_at

    def hour_starts(self, low: int, high: int) -> tuple[Instant, Instant]:
        """The range of the nominal starts of hours that begin in [low, high) on the axis."""
        return (1 - high - HOUR_MS, 1 - low - HOUR_MS) if self.descending else (low, high)

    def read_before(self, start: Instant, end: Instant, edge: int) -> Tile:
        """The part of [start, end) that is read before an edge on the axis."""
        if self.descending:
            return max(start, min(end, -edge)), end
        return start, max(start, min(end, edge))

    def range(self, low: int, high: int) -> Tile:
        """The instants in [low, high) on the axis."""
        return (-high, -low) if self.descending else (low, high)

    def hours(self, sizes: list[HourSize]) -> list[HourSize]:
        """Hours in the order in which they are read."""
        return sizes[::-1] if self.descending else sizes


def growing_ranges(start: Instant, end: Instant, *, descending: bool) -> Iterator[Tile]:
    """[start, end) cut into ranges of growing length, in the order in which they are read.

    The sizes of hours are read range by range, so that a small page reads few of them.
    """
    length, since = FIRST_RANGE_MS, 0
    while since < end - start:
        until = min(end - start, since + length)
        yield (end - until, end - since) if descending else (start + since, start + until)
        since, length = until, 4 * length


def tiles_of(
    sizes: Sequence[HourSize], start: Instant, end: Instant, rows: Callable[[], int], *, descending: bool
) -> Iterator[Tile]:
    """[start, end) cut into tiles of about `rows()` rows, asked before each, in the order in which they are read.

    The rows of an hour are taken to be spread evenly over it; hours of several zones may overlap.
    """
    axis = Axis(descending)
    low, high = axis.ends(start, end)
    edge, wanted, in_tile = low, _wanted(sizes, rows), 0.0
    for since, until, rate in _rates(sizes, low, high, axis):
        at = since
        while rate > 0 and in_tile + rate * (until - at) >= wanted:
            at = min(until, at + max(1, ceil((wanted - in_tile) / rate)))
            yield axis.range(edge, at)
            edge, wanted, in_tile = at, _wanted(sizes, rows), 0.0
        in_tile += rate * (until - at)
    if edge < high:
        yield axis.range(edge, high)


def _wanted(sizes: Sequence[HourSize], rows: Callable[[], int]) -> float:
    """The rows of the next tile; so many that no hour has more than MAX_TILES_PER_HOUR of them."""
    return max(rows(), max((size.rows for size in sizes), default=0) / MAX_TILES_PER_HOUR)


def _rates(sizes: Sequence[HourSize], low: int, high: int, axis: Axis) -> Iterator[tuple[int, int, float]]:
    """Ranges of an axis, in order, with the rows that begin in each of their milliseconds."""
    steps: dict[int, int] = {low: 0, high: 0}
    for starts_at, size in sizes:
        since = axis.hour(starts_at)
        if since < high and since + HOUR_MS > low:
            steps[max(low, since)] = steps.get(max(low, since), 0) + size
            steps[min(high, since + HOUR_MS)] = steps.get(min(high, since + HOUR_MS), 0) - size
    size_now = 0
    for since, until in pairwise(sorted(steps)):
        size_now += steps[since]
        yield since, until, size_now / HOUR_MS


def ranges_of_at_most(sizes: Sequence[HourSize], start: Instant, end: Instant, most: int) -> Iterator[RowRange]:
    """[start, end) cut where hours begin, so that a range has at most `most` rows unless a single hour has more.

    `sizes` are those of all hours that overlap it, in order. The rows of an hour that overlaps two ranges, as those of
    zones with :30 and :45 do, may all be in either.
    """
    edge, rows, overlapping = start, 0, list[HourSize]()
    for size in sizes:
        overlapping = [*(before for before in overlapping if before.starts_at > size.starts_at - HOUR_MS), size]
        if rows + size.rows > most and edge < size.starts_at < end:
            yield RowRange(edge, size.starts_at, rows)
            edge, rows = size.starts_at, sum(before.rows for before in overlapping[:-1])
        rows += size.rows
    yield RowRange(edge, end, rows)
