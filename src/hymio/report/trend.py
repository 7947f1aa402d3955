"""The answers over time: the trend at the grain that fits, the heat map of weekdays and hours, the hours of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache, partial
from typing import Final

from hymio.period import DateRange, Grain, bucket_of, hours_of_day
from hymio.report.clock import local
from hymio.report.figures import figure
from hymio.report.source import AllHours, Source, first_hour
from hymio.report.values import Bands, Cell, Figure, TrendLine
from hymio.scale import IndexType

FEW: Final = 10
"""A cell with fewer answers is hatched: the interval of its index is wider than a band."""

HAPPY_LIMITS: Final = (40.0, 60.0, 75.0, 85.0)
"""The limits between the five bands of the Happy Index; those of the average are at the same shares of its scale."""

NPS_LIMITS: Final = (-50.0, 0.0, 30.0, 70.0)

_MOST_DAYS: Final = ((2, Grain.HOUR), (62, Grain.DAY), (372, Grain.WEEK), (6 * 366, Grain.MONTH))
"""The longest period, in days, of each grain."""


def grain_of(dates: DateRange) -> Grain:
    """The grain of a period's trend: at most about 60 or 70 lines."""
    return next((grain for most, grain in _MOST_DAYS if dates.days <= most), Grain.YEAR)


def trend_lines(source: Source, grain: Grain, *, with_intervals: bool = True) -> tuple[TrendLine, ...]:
    """The answers of each hour, day, week, month or year of the period, in order, those without answers too."""
    dates = source.selection.dates
    if grain is Grain.HOUR and isinstance(source, AllHours):
        if len(source.reader.zones()) == 1:
            return _hour_lines(source, dates, with_intervals=with_intervals)
        of_type = cache(partial(figure, index_type=source.index_type, with_interval=with_intervals))
        figures = {hour: of_type(counts) for hour, counts in source.counted_by_hour.items()}
    else:
        figures = source.by_bucket(grain)
    start_of = source.reader.shown.bucket_starts(grain)
    # Clocks that go back over midnight give a period hours of the local date before it; they have a line of their own.
    buckets = {**dict.fromkeys(figures, True), **dict(_buckets(dates, grain))}
    lines = []
    for bucket, is_partial in sorted(buckets.items()):
        at, offset, _ = start_of(bucket)
        lines.append(
            TrendLine(start=local(at, offset), figure=figures.get(bucket) or _empty(source), partial=is_partial)
        )
    return tuple(lines)


def _hour_lines(source: AllHours, dates: DateRange, *, with_intervals: bool) -> tuple[TrendLine, ...]:
    """The answers of each hour in one zone: the two hours of a clock change in autumn are two lines."""
    [zone] = source.reader.zones()
    counts: dict[tuple[int, int], tuple[int, ...]] = {
        (local_hour.hour, local_hour.offset): (0,) * source.buttons
        for day in _days(dates)
        for local_hour in hours_of_day(day, zone)
    }
    counts |= source.counted_by_offset
    of_type = cache(partial(figure, index_type=source.index_type, with_interval=with_intervals))
    first = source.reader.shown.hour_start
    starts = sorted((first(*key), key) for key in counts)
    holds = source.selection.hours.holds
    return tuple(
        TrendLine(start=local(at, key[1]), figure=of_type(counts[key]), partial=False)
        for at, key in starts
        if holds(key[0])
    )


def _days(dates: DateRange) -> Iterator[date]:
    return (dates.start + timedelta(days=day) for day in range(dates.days))


def _buckets(dates: DateRange, grain: Grain) -> list[tuple[int, bool]]:
    """The buckets of a period by their first local hour, and whether the period has only a part of each."""
    first, end = first_hour(dates.start), first_hour(dates.end)
    step = 1 if grain is Grain.HOUR else 24
    buckets = list(dict.fromkeys(bucket_of(hour, grain) for hour in range(first, end, step)))
    after = [*buckets[1:], bucket_of(end + (0 if bucket_of(end, grain) == end else _longest(grain)), grain)]
    return [(start, start < first or stop > end) for start, stop in zip(buckets, after, strict=True)]


def _longest(grain: Grain) -> int:
    """Local hours after which the next bucket has begun and the one after it has not."""
    return {Grain.WEEK: 7, Grain.MONTH: 28, Grain.YEAR: 365}.get(grain, 1) * 24


def _empty(source: Source) -> Figure:
    return figure((0,) * source.buttons, source.index_type)


# --- cells -----------------------------------------------------------------------------------------------------------


def cells(source: Source) -> tuple[Bands, tuple[Cell, ...], tuple[Cell, ...]]:
    """The bands of colours, the 168 cells of the heat map (weekday, then hour), and the 24 hours of the day."""
    by_cell = source.by_cell
    by_hour = source.by_hour_of_day
    empty = _empty(source)
    numbers = [one.number for one in by_cell.values() if one.number]
    bands = Bands(index=limits_of(source.index_type, source.buttons), answers=_quintiles(numbers), few=FEW)
    profile_limits = _quintiles([one.number for one in by_hour.values() if one.number])
    heat_map = tuple(
        _cell(weekday, hour, by_cell.get(weekday * 24 + hour) or empty, bands.index, bands.answers)
        for weekday in range(7)
        for hour in range(24)
    )
    profile = tuple(_cell(None, hour, by_hour.get(hour) or empty, bands.index, profile_limits) for hour in range(24))
    return bands, heat_map, profile


def limits_of(index_type: IndexType, buttons: int) -> tuple[float, ...]:
    """The limits between the bands of an index."""
    if index_type is IndexType.HAPPY:
        return HAPPY_LIMITS
    if index_type is IndexType.AVERAGE:
        return tuple(1 + (buttons - 1) * limit / 100 for limit in HAPPY_LIMITS)
    return NPS_LIMITS


def _cell(weekday: int | None, hour: int, one: Figure, limits: Sequence[float], quintiles: Sequence[int]) -> Cell:
    has_answers = bool(one.number)
    return Cell(
        weekday=weekday,
        hour=hour,
        figure=one,
        band=None if one.index is None else band_of(one.index, limits),
        count_band=band_of(one.number or 0, quintiles) if has_answers else None,
        few=has_answers and (one.number or 0) < FEW,
    )


def band_of(value: float, limits: Sequence[float]) -> int:
    """The band of a value between limits, 0 below the first."""
    return sum(value >= limit for limit in limits)


def _quintiles(numbers: Sequence[int]) -> tuple[int, ...]:
    """The numbers that a fifth, two fifths, three fifths and four fifths of the numbers are below."""
    ordered = sorted(numbers)
    return tuple(ordered[len(ordered) * part // 5] for part in range(1, 5)) if ordered else ()
