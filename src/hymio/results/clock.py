"""The clocks that a subject's hours are shown by: its points' own where they agree, otherwise its node's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from hymio.hierarchy import BEGINNING, Timeline
from hymio.period import DAY_MS, Grain, Instant, bucket_start, first_instant, nominal_start, offset_at, offset_range
from hymio.results.subject import Subject, node_of, points_of
from hymio.setup import END, Layout


class Clock:
    """The zones of the points of a subject over time; `several`: today they are more than one."""

    def __init__(self, layout: Layout, subject: Subject) -> None:
        own = layout.zones_at(node_of(layout, subject))
        lines = {line.steps: line for line in map(layout.zones_at, points_of(layout, subject))}
        self._lines: Sequence[Timeline[ZoneInfo]] = tuple(lines.values()) or (own,)
        today = {str(line.at(END - 1)): line.at(END - 1) for line in self._lines}
        self.several = len(today) > 1
        shared = self._lines[0] if len(self._lines) == 1 else Timeline((BEGINNING, each) for each in today.values())
        self._shown = own if self.several else shared
        self._steady: dict[int, tuple[Instant, Instant]] = {}  # by offset: where full hours begin when they say

    def first(self, hour: int, offset: int) -> Instant:
        """The first instant at which a clock at any of the points shows an hour with an offset."""
        full = nominal_start(hour, offset)
        since, until = self._steady.get(offset, (0, 0))
        if since <= full < until:
            return full
        zones = [line.at(full) for line in self._lines]
        for line, zone in zip(self._lines, zones, strict=True):
            since, until, shown = offset_range(full, zone)
            if shown == offset:
                if len(line.steps) == 1:
                    self._steady[offset] = since, until
                return full
        firsts = ((first_instant(hour, offset, zone), zone) for zone in zones)
        return min((first for first, zone in firsts if offset_at(first, zone) == offset), default=full)

    def stamps(self, grain: Grain) -> Callable[[int], tuple[Instant, int, int]]:
        """Where the bucket of a grain that begins with a local hour begins, the offset then, and that hour."""
        found: dict[int, tuple[Instant, int, int]] = {}
        since = until = shown = 0  # by this offset hours begin when they say

        def stamp(hour: int) -> tuple[Instant, int, int]:
            nonlocal since, until, shown
            known = found.get(hour)
            if known is not None:
                return known
            at = nominal_start(hour, shown)
            if not (grain is Grain.HOUR and since <= at < until):
                at, offset = bucket_start(hour, grain, self._shown.at(nominal_start(hour, 0)))
                if len(self._shown.steps) == 1:
                    since, until, shown = offset_range(at, self._shown.steps[0][1])
                    since += DAY_MS
                found[hour] = at, offset, hour
                return found[hour]
            found[hour] = at, shown, hour
            return found[hour]

        return stamp
