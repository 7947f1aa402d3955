"""How far the numbers can be relied on: misuse by reason and day, hours that may still change, silent terminals."""

from __future__ import annotations

from datetime import date
from typing import Final

from hymio.feedback import Verdict
from hymio.period import DAY_MS, HOUR_MS, Instant, offset_at
from hymio.report.clock import local
from hymio.report.source import AllHours, Source, Sums
from hymio.report.values import Completeness, Misuse, MisuseLine, SilentLine
from hymio.results import NodeReader, PeriodHour, Progress
from hymio.smiley import SmileyType

SILENT_MS: Final = DAY_MS
"""A terminal that has not reported for so long is silent."""

LATE_MS: Final = DAY_MS
"""An hour that changed last so long after its end was restated."""

REASONS: Final = (
    Verdict.CLOSED, Verdict.REPEAT, Verdict.BURST, Verdict.INTERVAL, Verdict.ROBOT, Verdict.SCANNER,
)  # fmt: skip


def misuse_of(source: Source) -> Misuse:
    """Raw results as counted ones and misuse by reason, in all and on each date.

    With a minimum number of answers, days of which some are left out are missing from the dates and not from the sum.
    """
    days = [_day(day, sums) for day, sums in sorted(source.by_day().items())]
    whole = _day(source.selection.dates.start, source.total())
    return Misuse(
        raw=whole.raw, counted=whole.counted, closed=whole.closed, repeat=whole.repeat, burst=whole.burst,
        interval=whole.interval, robot=whole.robot, scanner=whole.scanner, days=tuple(day for day in days if day.raw),
    )  # fmt: skip


def _day(day: date, sums: Sums) -> MisuseLine:
    numbers = {verdict: sum(counts) for verdict, counts in sums.items()}
    return MisuseLine(
        day=day,
        raw=sum(numbers.values()),
        counted=numbers.get(Verdict.COUNTED, 0),
        closed=numbers.get(Verdict.CLOSED, 0),
        repeat=numbers.get(Verdict.REPEAT, 0),
        burst=numbers.get(Verdict.BURST, 0),
        interval=numbers.get(Verdict.INTERVAL, 0),
        robot=numbers.get(Verdict.ROBOT, 0),
        scanner=numbers.get(Verdict.SCANNER, 0),
    )


def completeness_of(source: AllHours, now: Instant) -> Completeness:
    """The progress of the smileys of the survey at the node, and what of its hours may change or changed late."""
    progress = _progress(source)
    return Completeness(
        open_hours=progress.open,
        restated_hours=progress.restated,
        hours=progress.hours,
        hour_only=source.reader.placeholders(source.selection),
        silent=silent_lines(source, now),
    )


def _progress(source: AllHours) -> Progress:
    """The hours with answers, those that changed late, and those that overlap a range that no smiley has reported."""
    ranges = [one for in_zone in source.reader.unreported(source.selection.survey).values() for one in in_zone]
    added = source.progress(HOUR_MS + LATE_MS, ranges)
    if added is not None:
        return added
    hours = [hour for hour in source.hours if hour.verdict == Verdict.COUNTED and any(hour.counts)]
    starts = {hour.start for hour in hours}
    still_open = sum(any(start < at + HOUR_MS and at < end for start, end in ranges) for at in starts)
    return Progress(len({(hour.start, hour.hour) for hour in hours}), _restated(source, hours), still_open)


def _restated(source: AllHours, hours: list[PeriodHour]) -> int:
    """How many hours changed last more than LATE_MS after their end."""
    received = source.reader.received_at({hour.revision for hour in hours})
    late = {
        (hour.start, hour.hour)
        for hour in hours
        if received.get(hour.revision, hour.start) > hour.start + HOUR_MS + LATE_MS
    }
    return len(late)


def silent_smileys(reader: NodeReader, now: Instant) -> tuple[tuple[int, int, Instant | None], ...]:
    """The terminals and touch devices placed at or below the node now that have not reported for a day, in no order.

    Smiley, node, and how far it has reported: None where it never has.
    """
    reported, layout = reader.reported_through(), reader.layout
    points = {point.id for point in layout.hierarchy.points(reader.node.id)}
    silent = []
    for smiley in layout.smileys.values():
        placement = layout.placement(smiley.id, now)
        if smiley.type is SmileyType.DIGITAL or placement is None or placement.node not in points:
            continue
        through = reported.get(smiley.id)
        if through is None or through < now - SILENT_MS:
            silent.append((smiley.id, placement.node, through))
    return tuple(silent)


def silent_lines(source: Source, now: Instant) -> tuple[SilentLine, ...]:
    """`silent_smileys` by name, with times in the zones of their points."""
    layout, lines = source.reader.layout, []
    for key, node, through in silent_smileys(source.reader, now):
        smiley, zone = layout.smileys[key], layout.zone_of(node, now)
        at = None if through is None else local(through, offset_at(through, zone))
        lines.append(SilentLine(id=smiley.id, serial=smiley.serial, name=smiley.name, node=node, reported=at))
    return tuple(sorted(lines, key=lambda line: (line.name, line.id)))
