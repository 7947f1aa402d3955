"""Cuts ranges of time into tiles of about equally many rows, by the numbers of rows in stored hours.

Descending order is ascending order on an axis on which every instant is negated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil
from typing import Final, NamedTuple

from hymio.period import DAY_MS, HOUR_MS, Instant
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


def tiles_of(sizes: Sequence[HourSize], start: Instant, end: Instant, rows: int, *, descending: bool) -> Iterator[Tile]:
    """[start, end) cut at the edges of hours into tiles of about `rows` rows, in the order in which they are read.

    An hour with more than twice as many rows is cut into equal parts.
    """
    edge, in_tile = (end, 0) if descending else (start, 0)
    for starts_at, size in reversed(sizes) if descending else sizes:
        in_tile += size
        if in_tile >= rows:
            cut = min(max(starts_at if descending else starts_at + HOUR_MS, start), end)
            yield from _parts(min(edge, cut), max(edge, cut), ceil(in_tile / rows), descending=descending)
            edge, in_tile = cut, 0
    last = (start, edge) if descending else (edge, end)
    if last[0] < last[1]:
        yield last


def _parts(start: Instant, end: Instant, count: int, *, descending: bool) -> list[Tile]:
    """[start, end) in `count` parts of equal length, at most MAX_TILES_PER_HOUR; in one if `count` is 1 or 2."""
    parts = min(count, MAX_TILES_PER_HOUR, end - start) if count > 2 else 1
    edges = [start + (end - start) * part // parts for part in range(parts + 1)] if end > start else []
    tiles = list(pairwise(edges))
    return tiles[::-1] if descending else tiles
