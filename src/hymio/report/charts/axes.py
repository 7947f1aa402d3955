"""Axes of charts: round numbers that a range is divided by, and labels that do not overlap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hymio.report.values import Figure

_LEAST_SHARE = 0.2
"""An axis shows at least this part of the index's range, so that chance does not look like a change."""


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, the first at or below `low` and the last at or above `high`."""
    span = (high - low) or 1.0
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def index_ticks(figures: Iterable[Figure], limits: tuple[int, int]) -> list[float]:
    """The ticks of an axis that has all indexes and intervals, within the limits of the index."""
    values = [value for one in figures for value in (one.low, one.index, one.high) if value is not None]
    low, high = (min(values), max(values)) if values else limits
    least, middle = (limits[1] - limits[0]) * _LEAST_SHARE, (low + high) / 2
    if high - low < least:
        low, high = middle - least / 2, middle + least / 2
    low, high = max(low, limits[0]), min(high, limits[1])
    return [tick for tick in ticks(low, high) if limits[0] <= tick <= limits[1]] or [*limits]


def labelled(number: int, most: int) -> range:
    """The places of so many that have a label, evenly spaced and at most `most`."""
    return range(0, number, max(1, math.ceil(number / max(1, most))))


def scaled(value: float, ticks: Sequence[float], start: float, end: float) -> float:
    """Where a value lies between two coordinates, which belong to the first and the last tick."""
    first, last = ticks[0], ticks[-1]
    share = (min(max(value, first), last) - first) / (last - first)
    return start + share * (end - start)
