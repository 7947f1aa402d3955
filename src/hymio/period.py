"""All calendar: wall clocks and instants, the hours and days of a zone, periods by name, timestamps as text.

An instant is whole milliseconds since 1970 in UTC, an offset whole minutes east of it, a local hour the number of whole
hours that a wall clock counts since 1970 on its own dial. Ranges hold their start and not their end.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hymio.errors import BadRequest, Phrase, SetupError

Instant: TypeAlias = int

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

_EPOCH: Final = datetime.combine(date(1970, 1, 1), time.min)  # without zone: the zero of every wall clock
_EPOCH_UTC: Final = _EPOCH.replace(tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIRST_DAY: Final = _EPOCH.toordinal()


# Zones and their offsets

_ZONE_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}")
_BLOCK_MS: Final = 400 * DAY_MS
_PROBE_MS: Final = 6 * HOUR_MS  # no zone has changed its offset twice within days since 1970
_EARLIEST: Final = -62_135_596_800_000 + 2 * DAY_MS  # zones answer for the years 1 to 9999;
_LATEST: Final = 253_402_300_800_000 - 2 * DAY_MS  # beyond, the nearest answer stands


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as `Europe/Tallinn` or `UTC`; SetupError names one that is unknown."""
    try:
        if not _ZONE_NAME.fullmatch(name) or name == "Factory":
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a whole area, as "America"
        raise SetupError(
            "unknown-zone",
            "unknown time zone {zone!r}: an IANA name such as Europe/Tallinn is needed",
            zone=name[:80],
        ) from None


def offset_at(at: Instant, zone: ZoneInfo) -> int:
    """Minutes east of UTC that the clocks of a zone are set to (whole minutes, as all are since 1972)."""
    changes, offsets = _changes(at // _BLOCK_MS, zone)
    return offsets[bisect_right(changes, at)]


def offset_stretch(at: Instant, zone: ZoneInfo) -> tuple[Instant, Instant, int]:
    """A range [start, end) around an instant in which the offset does not change, and that offset."""
    block = at // _BLOCK_MS
    changes, offsets = _changes(block, zone)
    following = bisect_right(changes, at)
    start = changes[following - 1] if following else block * _BLOCK_MS
    end = changes[following] if following < len(changes) else (block + 1) * _BLOCK_MS
    return start, end, offsets[following]


@lru_cache(maxsize=4096)
def _changes(block: int, zone: ZoneInfo) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The instants in a block and the day after it at which the offset changes, and the offsets around them.

    The offsets are one more than the changes: asking the zone for each press would cost several times as much.
    """
    start = block * _BLOCK_MS
    end = start + _BLOCK_MS + DAY_MS
    probes = range(start, end, _PROBE_MS)
    changes = tuple(change for probe in probes for change in _changes_between(probe, probe + _PROBE_MS, zone))
    return changes, tuple(_asked(at, zone) for at in (start, *changes))


def _changes_between(start: Instant, end: Instant, zone: ZoneInfo) -> Iterator[Instant]:
    if _asked(start, zone) == _asked(end, zone):
        return
    if end - start == SECOND_MS:
        yield end
        return
    middle = (start + end) // (2 * SECOND_MS) * SECOND_MS
    yield from _changes_between(start, middle, zone)
    yield from _changes_between(middle, end, zone)


def _asked(at: Instant, zone: ZoneInfo) -> int:
    seconds = min(max(at, _EARLIEST), _LATEST) // SECOND_MS
    wall = datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)
    return (wall - _EPOCH - timedelta(seconds=seconds)) // timedelta(minutes=1)


def _next_change(at: Instant, zone: ZoneInfo) -> Instant:
    """The next instant at which the offset changes; if none is near, some instant over a day on."""
    changes, _ = _changes(at // _BLOCK_MS, zone)
    following = bisect_right(changes, at)
    if following < len(changes):
        return changes[following]
    return (at // _BLOCK_MS + 1) * _BLOCK_MS + DAY_MS


# Wall time and instants


def wall_of(at: Instant, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone show, as a datetime without zone; OverflowError outside the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=at + offset_at(at, zone) * MINUTE_MS)


def instant_of(wall: datetime, zone: ZoneInfo) -> Instant:
    """The first instant at which the clocks of a zone show `wall` (without zone) or more.

    So a wall time that does not exist is the first instant after the gap, and a doubled one the earlier. Parts of a
    millisecond are dropped.
    """
    shown = (wall - _EPOCH) // _MILLISECOND
    at = shown - DAY_MS  # no clock is a day ahead of UTC, so none shows `wall` yet
    while True:
        change = _next_change(at, zone)
        found = max(at, shown - offset_at(at, zone) * MINUTE_MS)
        if found < change:
            return found
        at = change


# Ranges


@dataclass(frozen=True, slots=True)
class InstantRange:
    """The instants from `start` up to, not including, `end`; ValueError when it would end before it starts."""

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a range cannot end ({self.end}) before it starts ({self.start})")

    def __contains__(self, at: Instant) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class DateRange:
    """The local dates from `start` up to, not including, `end`; ValueError when it would end before it starts."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a range cannot end ({self.end}) before it starts ({self.start})")

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def instants(self, zone: ZoneInfo) -> InstantRange:
        """The same dates in a zone, from the first existing instant of the first date."""
        return InstantRange(_first_instant_of_date(self.start, zone), _first_instant_of_date(self.end, zone))


def _first_instant_of_date(day: date, zone: ZoneInfo) -> Instant:
    return instant_of(datetime.combine(day, time.min), zone)


def local_day(day: date, zone: ZoneInfo) -> InstantRange:
    """A date in a zone, from its first existing instant to that of the next date.

    A date that a zone skipped (Apia, 2011-12-30) is an empty range. Where a clock is set back over midnight once the
    new date has begun (St. John's until 2011, one minute past midnight), the part of the evening that is shown again
    stays with the new date, so that days are whole ranges and tile the time line. `bucket_of`, which knows no zone,
    counts that part to the date shown.
    """
    return InstantRange(_first_instant_of_date(day, zone), _first_instant_of_date(day + timedelta(days=1), zone))


# Local hours


@dataclass(frozen=True, slots=True)
class LocalHour:
    """An hour of a wall clock: the doubled autumn hour is two of them, told apart by their offsets."""

    hour: int
    offset: int


def hour_of(at: Instant, offset: int) -> int:
    """The local hour that a clock with this offset shows."""
    return (at + offset * MINUTE_MS) // HOUR_MS


def nominal_start(hour: int, offset: int) -> Instant:
    """The full hour by the offset, whatever any zone shows; with the hour it tells the offset."""
    return hour * HOUR_MS - offset * MINUTE_MS


def first_instant(hour: int, offset: int, zone: ZoneInfo) -> Instant:
    """The first instant at which the clocks of a zone show this hour with this offset.

    That is the full hour, or the change of the clock within it (Lord Howe changes by half an hour). For an hour that
    the zone never shows with this offset, as facts stored under another zone may ask for, it is the full hour by the
    offset.
    """
    full = hour * HOUR_MS - offset * MINUTE_MS
    if offset_at(full, zone) == offset:
        return full
    change = _next_change(full, zone)
    return change if change < full + HOUR_MS and offset_at(change, zone) == offset else full


def hour_end(hour: int, offset: int, zone: ZoneInfo) -> Instant:
    """The first instant after `first_instant` at which the clocks no longer show this hour with this offset."""
    full_end = (hour + 1) * HOUR_MS - offset * MINUTE_MS
    first = first_instant(hour, offset, zone)
    return min(full_end, _next_change(first, zone)) if offset_at(first, zone) == offset else full_end


def hour_showings(hour: int, zone: ZoneInfo) -> Iterator[tuple[Instant, Instant, int]]:
    """The ranges [start, end) in which the clocks of a zone show an hour, and their offsets: one, or two in autumn.

    A range may be given in two parts that touch. An hour that a clock skips in spring has none.
    """
    at, last = hour * HOUR_MS - DAY_MS, hour * HOUR_MS + DAY_MS
    while at < last:
        _, end, offset = offset_stretch(at, zone)
        full = nominal_start(hour, offset)
        if max(full, at) < min(full + HOUR_MS, end):
            yield max(full, at), min(full + HOUR_MS, end), offset
        at = end


def hours_of_day(day: date, zone: ZoneInfo) -> tuple[LocalHour, ...]:
    """The hours of `local_day`, in order: 24, or 22 to 26 when the clock changes, none on a skipped date.

    Casey station, whose clock has moved by three hours, has had days of 21 and 27.
    """
    instants = local_day(day, zone)
    hours = []
    at = instants.start
    while at < instants.end:
        offset = offset_at(at, zone)
        hours.append(LocalHour(hour_of(at, offset), offset))
        at = hour_end(hours[-1].hour, offset, zone)
    return tuple(hours)


# Buckets of hours


class Grain(Enum):
    """How finely results are grouped; the value is the word of the APIs."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


def bucket_of(hour: int, grain: Grain) -> int:
    """The local hour at which the hour, day, week (from Monday), month or year that holds a local hour begins.

    It goes by the wall clock alone, so hours of several zones fall into the same buckets.
    """
    return hour if grain is Grain.HOUR else _bucket_of_day(hour // 24, grain)


@lru_cache(maxsize=8192)
def _bucket_of_day(day: int, grain: Grain) -> int:
    return (_beginning(date.fromordinal(_FIRST_DAY + day), grain).toordinal() - _FIRST_DAY) * 24


def _beginning(day: date, grain: Grain) -> date:
    """The first date of the week, month or year that holds a date."""
    if grain is Grain.WEEK:
        return date.fromordinal(day.toordinal() - day.weekday())
    if grain is Grain.MONTH:
        return day.replace(day=1)
    if grain is Grain.YEAR:
        return day.replace(month=1, day=1)
    return day


def bucket_start(bucket: int, grain: Grain, zone: ZoneInfo) -> tuple[Instant, int]:
    """The first existing instant, and its offset, of the bucket that holds a local hour, for printing.

    With `Grain.HOUR` a doubled hour is the earlier; where the offset is known, `first_instant` tells them apart.
    """
    at = instant_of(_EPOCH + timedelta(hours=bucket_of(bucket, grain)), zone)
    return at, offset_at(at, zone)


# Periods by name


class Period(Enum):
    """The named periods of API v2: the dates of the grain that holds today, or of the one before it."""

    TODAY = ("today", Grain.DAY, 0)
    YESTERDAY = ("yesterday", Grain.DAY, -1)
    THIS_WEEK = ("this-week", Grain.WEEK, 0)
    LAST_WEEK = ("last-week", Grain.WEEK, -1)
    THIS_MONTH = ("this-month", Grain.MONTH, 0)
    LAST_MONTH = ("last-month", Grain.MONTH, -1)
    THIS_YEAR = ("this-year", Grain.YEAR, 0)
    LAST_YEAR = ("last-year", Grain.YEAR, -1)

    def __init__(self, text: str, grain: Grain, shift: int) -> None:
        self.text = text
        self.grain = grain
        self.shift = shift

    def dates(self, today: date) -> DateRange:
        start = _moved(_beginning(today, self.grain), self.grain, self.shift)
        return DateRange(start, _moved(start, self.grain, 1))

    @classmethod
    def parse(cls, text: str, today: date) -> DateRange:
        """Read a name, or a year, month or quarter such as `2023`, `2023-12`, `2023-q3`; BadRequest for all else."""
        for period in cls:
            if period.text == text:
                return period.dates(today)
        dates = _calendar_dates(text)
        if dates is None:
            accepted = ", ".join(period.text for period in cls) + ", 2023, 2023-12, 2023-q3"
            raise BadRequest("unknown-period", parameter="period", got=text, accepted=accepted)
        return dates


_CALENDAR: Final = re.compile(r"([0-9]{4})(?:-(?:(0[1-9]|1[0-2])|q([1-4])))?")


def _calendar_dates(text: str) -> DateRange | None:
    matched = _CALENDAR.fullmatch(text)
    if matched is None or not 1 <= int(matched[1]) <= 9998:
        return None
    year, month, quarter = int(matched[1]), matched[2], matched[3]
    if month:
        return _months(year, int(month), 1)
    return _months(year, 3 * int(quarter) - 2, 3) if quarter else _months(year, 1, 12)


def _months(year: int, month: int, count: int) -> DateRange:
    start = date(year, month, 1)
    return DateRange(start, _month_later(start, count))


def _month_later(first: date, months: int) -> date:
    month = first.year * 12 + first.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


def _moved(beginning: date, grain: Grain, count: int) -> date:
    if grain is Grain.MONTH:
        return _month_later(beginning, count)
    if grain is Grain.YEAR:
        return beginning.replace(year=beginning.year + count)
    return beginning + timedelta(days=count * (7 if grain is Grain.WEEK else 1))


# Timestamps as text

TIMESTAMP_FORM: Final = Phrase("yyyy-MM-ddTHH:mm:ss[.SSS] followed by Z, ±HH:mm or ±HHmm")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+ -](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
)


def parse_timestamp(text: str) -> Instant:
    """Read an RFC 3339 timestamp; ValueError, saying what is accepted, for all else.

    The offset may lack its colon, as API v1 documents it, and a space stands for the plus sign that a query string
    turns into one. Digits beyond milliseconds are dropped.
    """
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text.upper().replace(" ", "+"))
    except ValueError:  # also a date that no calendar has
        raise ValueError(f"got {text[:80]!r}, accepted: {TIMESTAMP_FORM}") from None
    return (moment - _EPOCH_UTC) // _MILLISECOND


def format_timestamp(at: Instant, offset: int, utc: bool = False) -> str:
    """Write `2016-01-18T12:37:05.000+02:00`; with `utc`, for points in the zone UTC, `2016-01-18T10:37:05.000Z`.

    It is called for each row of an export, so all but the looking up is remembered. ValueError outside years 1 to 9999,
    OverflowError far outside.
    """
    shown = at if utc else at + offset * MINUTE_MS
    within = shown % HOUR_MS
    suffix = "Z" if utc else format_offset(offset)
    return f"{_hour_text(shown // HOUR_MS)}{_CLOCK[within // SECOND_MS]}{_FRACTION[within % SECOND_MS]}{suffix}"


@lru_cache(maxsize=8192)
def _hour_text(hour: int) -> str:
    return f"{date.fromordinal(_FIRST_DAY + hour // 24).isoformat()}T{hour % 24:02d}:"


_CLOCK: Final = tuple(f"{second // 60:02d}:{second % 60:02d}" for second in range(3600))
_FRACTION: Final = tuple(f".{millisecond:03d}" for millisecond in range(1000))


@lru_cache(maxsize=4096)
def format_offset(offset: int) -> str:
    """Write `+02:00`."""
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
