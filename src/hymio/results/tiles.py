"""Cutting time: where to begin reading so that an offset is skipped, and tiles that hold about as many rows as wanted.

Both go by how many rows the stored hours hold. Reading backwards is reading forwards on an axis on which each instant
is its negative.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil
from typing import Final, NamedTuple

from hymio.period import DAY_MS, HOUR_MS, Instant
from hymio.store.hours import HourSize

FIRST_LOOK: Final = 2 * DAY_MS
"""How much of a span's hours is looked at at first for where rows lie; then four times as much, and so on."""

MOST_PARTS: Final = 1_000
"""Into how many tiles an hour is cut at most."""

Tile = tuple[Instant, Instant]
"""A range [start, end) of instants."""


class Axis(NamedTuple):
    """Time in the direction of reading: backwards an instant is its negative, and an hour lies where it ends."""

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


def looks(start: Instant, end: Instant, *, descending: bool) -> Iterator[Tile]:
    """[start, end) cut into ranges that grow, from the end that is read first."""
    length, done = FIRST_LOOK, 0
    while done < end - start:
        until = min(end - start, done + length)
        yield (end - until, end - done) if descending else (start + done, start + until)
        done, length = until, 4 * length


def tiles_of(sizes: Sequence[HourSize], start: Instant, end: Instant, rows: int, *, descending: bool) -> Iterator[Tile]:
    """[start, end) cut at the edges of hours into tiles of about so many rows, in the order in which they are read.

    An hour that holds more than twice as many is cut within.
    """
    edge, held = (end, 0) if descending else (start, 0)
    for starts_at, size in reversed(sizes) if descending else sizes:
        held += size
        if held >= rows:
            cut = min(max(starts_at if descending else starts_at + HOUR_MS, start), end)
            yield from _parts(min(edge, cut), max(edge, cut), ceil(held / rows), descending=descending)
            edge, held = cut, 0
    rest = (start, edge) if descending else (edge, end)
    if rest[0] < rest[1]:
        yield rest


def _parts(start: Instant, end: Instant, wanted: int, *, descending: bool) -> list[Tile]:
    """[start, end) in parts of equal length: one, or as many as wanted where those are more than two."""
    parts = min(wanted, MOST_PARTS, end - start) if wanted > 2 else 1
    edges = [start + (end - start) * part // parts for part in range(parts + 1)] if end > start else []
    tiles = list(pairwise(edges))
    return tiles[::-1] if descending else tiles
