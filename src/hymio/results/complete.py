"""Whether everything of an hour has been reported: by every smiley, and each time that a clock shows the hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from hymio.hierarchy import BEGINNING
from hymio.period import HOUR_MS, MINUTE_MS, Instant, hour_ranges, nominal_start
from hymio.setup import END, Layout, Where
from hymio.smiley import SmileyType

DELIVERY_MS: Final = MINUTE_MS
"""A digital smiley delivers at once and never reports: so long after an instant it has reported everything of it."""

Unreported = Mapping[ZoneInfo, list[tuple[Instant, Instant]]]
"""Ranges of instants of which some smiley may still report presses, by the zone that acts at its point."""


def unreported(
    layout: Layout, assignments: Iterable[int], reported_through: Mapping[int, Instant], now: Instant
) -> Unreported:
    """When smileys gather for the assignments and have not reported.

    `reported_through` gives the instant through which a smiley has, and has no value for one that never did.
    """
    wanted = set(assignments)
    ranges: dict[ZoneInfo, list[tuple[Instant, Instant]]] = {}
    for smiley in layout.smileys.values():
        through = reported_through.get(smiley.id, -END)
        if smiley.type is SmileyType.DIGITAL:
            through = max(through, now - DELIVERY_MS)
        for start, end, answer in layout.standings(smiley.id, BEGINNING, END):
            if isinstance(answer, Where) and answer.assignment.id in wanted and through < end:
                ranges.setdefault(answer.zone, []).append((max(start, through), end))
    return {zone: _merged(sorted(found)) for zone, found in ranges.items()}


def is_complete(unreported: Unreported, hour: int, offset: int | None) -> bool:
    """Whether nothing is missing of a local hour: with an offset, of that showing of it, otherwise of all of them."""
    return not any(
        start < until and since < end
        for zone, ranges in unreported.items()
        for start, end in _showings(hour, offset, zone)
        for since, until in ranges
    )


def _showings(hour: int, offset: int | None, zone: ZoneInfo) -> list[tuple[Instant, Instant]]:
    """The ranges of instants of a local hour in a zone, only those with `offset` if it is given."""
    showings = list(hour_ranges(hour, zone))
    if offset is None:
        return [(start, end) for start, end, _ in showings]
    full = nominal_start(hour, offset)
    return [(start, end) for start, end, shown in showings if shown == offset] or [(full, full + HOUR_MS)]


def _merged(ranges: list[tuple[Instant, Instant]]) -> list[tuple[Instant, Instant]]:
    """Sorted ranges, with those that touch or overlap made one."""
    merged = ranges[:1]
    for start, end in ranges[1:]:
        if start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
