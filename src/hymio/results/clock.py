"""The clocks that hours are shown by: those of the points where all agree, otherwise that of the node above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from hymio.hierarchy import BEGINNING, Timeline
from hymio.period import DAY_MS, Grain, Instant, bucket_start, first_instant, nominal_start, offset_at, offset_range
from hymio.setup import END, Layout

Stamp = tuple[Instant, int, int]
"""Where a bucket begins: its first instant, the offset then, and the local hour."""


class Clock:
    """The zones of the points at and below a node over time; `several`: today they are more than one."""

    def __init__(self, layout: Layout, node: int) -> None:
        own = layout.zones_at(node)
        lines = {line.steps: line for line in (layout.zones_at(point.id) for point in layout.hierarchy.points(node))}
        self._lines: Sequence[Timeline[ZoneInfo]] = tuple(lines.values()) or (own,)
        today = {str(line.at(END - 1)): line.at(END - 1) for line in self._lines}
        self.several = len(today) > 1
        shared = self._lines[0] if len(self._lines) == 1 else Timeline((BEGINNING, zone) for zone in today.values())
        self._shown = own if self.several else shared
        self._unchanged: dict[int, tuple[Instant, Instant]] = {}  # by offset: a range in which a zone has it throughout

    def first(self, hour: int, offset: int) -> Instant:
        """The first instant at which a clock at any of the points shows a local hour with an offset."""
        full = nominal_start(hour, offset)
        since, until = self._unchanged.get(offset, (0, 0))
        if since <= full < until:
            return full
        zones = [line.at(full) for line in self._lines]
        for line, zone in zip(self._lines, zones, strict=True):
            since, until, offset_then = offset_range(full, zone)
            if offset_then == offset:
                if len(line.steps) == 1:
                    self._unchanged[offset] = since, until
                return full
        firsts = ((first_instant(hour, offset, zone), zone) for zone in zones)
        return min((first for first, zone in firsts if offset_at(first, zone) == offset), default=full)

    def stamps(self, grain: Grain) -> Callable[[int], Stamp]:
        """A function of the local hour with which a bucket of a grain begins."""
        stamps: dict[int, Stamp] = {}
        since = until = offset = 0  # in this range of instants the clock has this offset throughout

        def stamp(hour: int) -> Stamp:
            nonlocal since, until, offset
            known = stamps.get(hour)
            if known is not None:
                return known
            full = nominal_start(hour, offset)
            if grain is Grain.HOUR and since <= full < until:
                made = full, offset, hour
            else:
                made = *bucket_start(hour, grain, self._shown.at(nominal_start(hour, 0))), hour
                if len(self._shown.steps) == 1:
                    since, until, offset = offset_range(made[0], self._shown.steps[0][1])
                    since += DAY_MS
            stamps[hour] = made
            return made

        return stamp
