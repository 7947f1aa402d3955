"""Whether an hour is complete: all smileys of a subject have reported through its end, also where it is repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from hymio.hierarchy import BEGINNING
from hymio.period import HOUR_MS, MINUTE_MS, Instant, hour_ranges, nominal_start
from hymio.setup import END, Layout, Where
from hymio.smiley import SmileyType

DELIVERY_MS: Final = MINUTE_MS
"""A digital smiley sends presses at once and never reports; it counts as reported through `now` minus this."""

Unreported = Mapping[ZoneInfo, list[tuple[Instant, Instant]]]
"""Ranges of instants of which some smiley may still report presses, by the zone of its point."""


def unreported(
    layout: Layout, assignments: Iterable[int], reported_through: Mapping[int, Instant], now: Instant
) -> Unreported:
    """The ranges in which presses of a smiley belong to one of the assignments and it has not reported yet.

    `reported_through` has no value for a smiley that never reported.
    """
    selected = set(assignments)
    nodes = {layout.assignments[key].node for key in selected}
    placed = sorted({placement.smiley for node in nodes for placement in layout.placed_at(node)})
    ranges: dict[ZoneInfo, list[tuple[Instant, Instant]]] = {}
    for smiley in (layout.smileys[key] for key in placed):
        through = reported_through.get(smiley.id, -END)
        if smiley.type is SmileyType.DIGITAL:
            through = max(through, now - DELIVERY_MS)
        for start, end, result in layout.resolved_ranges(smiley.id, BEGINNING, END):
            if isinstance(result, Where) and result.assignment.id in selected and through < end:
                ranges.setdefault(result.zone, []).append((max(start, through), end))
    return {zone: _merged(sorted(in_zone)) for zone, in_zone in ranges.items()}


def is_complete(unreported: Unreported, hour: int, offset: int | None) -> bool:
    """Whether no range overlaps a local hour: with an offset only its part with this offset, otherwise all of it."""
    return not any(
        start < until and since < end
        for zone, ranges in unreported.items()
        for start, end in _ranges_of(hour, offset, zone)
        for since, until in ranges
    )


def _ranges_of(hour: int, offset: int | None, zone: ZoneInfo) -> list[tuple[Instant, Instant]]:
    """The ranges of instants of a local hour in a zone, only those with `offset` if it is given.

    An hour that never has this offset in the zone is the one that begins at its nominal start.
    """
    ranges = list(hour_ranges(hour, zone))
    if offset is None:
        return [(start, end) for start, end, _ in ranges]
    nominal = nominal_start(hour, offset)
    return [(start, end) for start, end, range_offset in ranges if range_offset == offset] or [
        (nominal, nominal + HOUR_MS)
    ]


def _merged(ranges: list[tuple[Instant, Instant]]) -> list[tuple[Instant, Instant]]:
    """Sorted ranges, those that touch or overlap merged."""
    merged = ranges[:1]
    for start, end in ranges[1:]:
        if start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
