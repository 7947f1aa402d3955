"""Opening hours of an experience point: at which minutes of each weekday it is open."""

from __future__ import annotations

import re
from typing import NamedTuple

from hymio.errors import SetupError

MINUTES_A_DAY = 24 * 60
_MINUTE_MS = 60_000
_THURSDAY = 3
"""The weekday, from Monday, of 1970-01-01, where instants begin."""

Day = tuple[tuple[int, int], ...]
"""Half-open ranges of minutes after local midnight; without any the point is closed."""


class OpeningHours(NamedTuple):
    """The opening hours of a week. A policy without opening hours (None) means that a point is always open."""

    monday: Day
    tuesday: Day
    wednesday: Day
    thursday: Day
    friday: Day
    saturday: Day
    sunday: Day

    def is_closed(self, at: int, offset: int) -> bool:
        """Whether an instant (ms UTC) is outside the opening hours in local time; `offset` is in minutes."""
        day, minute = _day_and_minute(at, offset)
        return not any(start <= minute < end for start, end in self[day])

    def is_hour_closed(self, at: int, offset: int) -> bool:
        """Whether the whole local hour that contains an instant (ms UTC) is outside the opening hours."""
        day, minute = _day_and_minute(at, offset)
        first = minute - minute % 60
        return not any(start < first + 60 and first < end for start, end in self[day])


def parse_opening_hours(text: str) -> OpeningHours:
    """Opening hours from a text such as `mon-fri 8:00-20:00, sat 10:00-16:00`. SetupError.

    A day that is not named is closed; one that is named twice is open at both times.
    """
    days: list[list[tuple[int, int]]] = [[] for _ in OpeningHours._fields]
    for part in text.lower().split(","):
        named_days, _, hours = part.strip().partition(" ")
        first, _, last = named_days.partition("-")
        start, _, end = hours.replace(" ", "").partition("-")
        for day in range(_day(first, text), _day(last or first, text) + 1):
            days[day].append((_minute(start, text), _minute(end, text)))
    if any(start >= end for day in days for start, end in day) or not any(days):
        raise _refused(text)
    return OpeningHours(*(tuple(sorted(day)) for day in days))


def _day_and_minute(at: int, offset: int) -> tuple[int, int]:
    """The weekday, from Monday, and the minute after midnight of an instant in local time."""
    day, minute = divmod(at // _MINUTE_MS + offset, MINUTES_A_DAY)
    return (day + _THURSDAY) % 7, minute


def _day(name: str, text: str) -> int:
    """The number of a weekday, from 0 for Monday, by the first three letters of its name. SetupError."""
    short = [day[:3] for day in OpeningHours._fields]
    if name[:3] not in short:
        raise _refused(text)
    return short.index(name[:3])


def _minute(clock: str, text: str) -> int:
    """Minutes after midnight of a time such as `8` or `20:30`. SetupError."""
    hour_and_minute = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?", clock)
    minute = int(hour_and_minute[1]) * 60 + int(hour_and_minute[2] or 0) if hour_and_minute else -1
    if not 0 <= minute <= MINUTES_A_DAY:
        raise _refused(text)
    return minute


def _refused(text: str) -> SetupError:
    """The error for a text that is not opening hours."""
    return SetupError(
        "bad-opening-hours",
        "got opening hours {text!r}; accepted is for example: mon-fri 8:00-20:00, sat 10:00-16:00",
        text=text,
    )
