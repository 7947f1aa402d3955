"""The zone in which a node's hours are shown: that of its points if they all have the same one, else the node's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from hymio.hierarchy import BEGINNING, Timeline
from hymio.period import DAY_MS, Grain, Instant, bucket_start, first_instant, nominal_start, offset_at, offset_range
from hymio.setup import END, Layout

Stamp = tuple[Instant, int, int]
"""The beginning of a bucket: its first instant, the offset then, and its first local hour."""


class Clock:
    """The zones of the points at and below a node over time; `several` is whether they differ today."""

    def __init__(self, layout: Layout, node: int) -> None:
        own = layout.zones_at(node)
        lines = {line.steps: line for line in (layout.zones_at(point.id) for point in layout.hierarchy.points(node))}
        self._lines: Sequence[Timeline[ZoneInfo]] = tuple(lines.values()) or (own,)
        today = {str(line.at(END - 1)): line.at(END - 1) for line in self._lines}
        self.several = len(today) > 1
        shared = self._lines[0] if len(self._lines) == 1 else Timeline((BEGINNING, zone) for zone in today.values())
        self._shown = own if self.several else shared
        self._unchanged: dict[int, tuple[Instant, Instant]] = {}  # by offset: a range of instants with this offset

    def first(self, hour: int, offset: int) -> Instant:
        """The first instant of a local hour with an offset, at any of the points."""
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
        """A function that gives the stamp of a bucket of a grain from its first local hour."""
        stamps: dict[int, Stamp] = {}
        since = until = offset = 0  # cached: a range of instants in which the shown zone has one offset

        def stamp(hour: int) -> Stamp:
            """The stamp of a bucket: cached, or computed with the cached offset, or looked up in the shown zone."""
            nonlocal since, until, offset
            cached = stamps.get(hour)
            if cached is not None:
                return cached
            start = nominal_start(hour, offset)
            if grain is Grain.HOUR and since <= start < until:
                result = start, offset, hour
            else:
                result = *bucket_start(hour, grain, self._shown.at(nominal_start(hour, 0))), hour
                if len(self._shown.steps) == 1:
                    since, until, offset = offset_range(result[0], self._shown.steps[0][1])
                    since += DAY_MS
            stamps[hour] = result
            return result

        return stamp
