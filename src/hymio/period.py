"""Calendar: local time and instants, the hours and days of a zone, periods by name, timestamps as text.

An instant is whole milliseconds since 1970 UTC, an offset whole minutes east of UTC, and a local hour the number of
whole hours since 1970-01-01 00:00 in local time. Local time without a zone is a naive datetime, called `wall`. Ranges
are half-open.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hymio.errors import BadRequest, Phrase, SetupError

Instant: TypeAlias = int

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

_EPOCH: Final = datetime.combine(date(1970, 1, 1), time.min)  # naive: hour 0 of local time in every zone
_EPOCH_UTC: Final = _EPOCH.replace(tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIRST_DAY: Final = _EPOCH.toordinal()


# Zones and their offsets

_ZONE_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}")
_BLOCK_MS: Final = 400 * DAY_MS
_PROBE_MS: Final = DAY_MS  # no zone has changed its offset twice within six days since 1970
_EARLIEST: Final = -62_135_596_800_000 + 2 * DAY_MS  # zoneinfo knows the years 1 to 9999;
_LATEST: Final = 253_402_300_800_000 - 2 * DAY_MS  # instants outside have the offset of the nearest one inside


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as `Europe/Tallinn` or `UTC`. SetupError if the name is unknown."""
    try:
        if not _ZONE_NAME.fullmatch(name) or name == "Factory":
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a whole area, as "America"
        raise SetupError(
            "unknown-zone",
            "unknown time zone {zone!r}: an IANA name such as {example} is needed",
            zone=name[:80],
            example=_similar_zone(name[:80]),
        ) from None


def _similar_zone(name: str) -> str:
    """The zone that is probably meant by a name of another case or with a slip; a common one if none is similar."""
    known = _known_zones()
    folded = " ".join(name.split()).replace(" ", "_").casefold()
    similar = get_close_matches(folded, known, n=1) or [name for name in known if name.endswith(f"/{folded}")]
    return known[similar[0]] if similar else "Europe/Tallinn"


@lru_cache(maxsize=1)
def _known_zones() -> dict[str, str]:
    """The names of all zones, by their names in lower case."""
    return {name.casefold(): name for name in sorted(available_timezones())}


def offset_at(at: Instant, zone: ZoneInfo) -> int:
    """The zone's offset at an instant, in whole minutes (since 1972 all offsets are)."""
    changes, offsets = _offset_changes(at // _BLOCK_MS, zone)
    return offsets[bisect_right(changes, at)]


def offset_range(at: Instant, zone: ZoneInfo) -> tuple[Instant, Instant, int]:
    """A range [start, end) around an instant with one offset, and that offset; the zone may keep it for longer."""
    block = at // _BLOCK_MS
    changes, offsets = _offset_changes(block, zone)
    following = bisect_right(changes, at)
    start = changes[following - 1] if following else block * _BLOCK_MS
    end = changes[following] if following < len(changes) else (block + 1) * _BLOCK_MS
    return start, end, offsets[following]


@lru_cache(maxsize=4096)
def _offset_changes(block: int, zone: ZoneInfo) -> tuple[tuple[Instant, ...], tuple[int, ...]]:
    """The instants at which the offset changes in a block of 400 days and the day after it, and the offsets.

    `offsets[i]` applies before `changes[i]`, and the last offset after the last change. The cached table makes the
    lookup for each press several times faster than zoneinfo.
    """
    start = block * _BLOCK_MS
    end = start + _BLOCK_MS + DAY_MS
    probes = range(start, end + 1, _PROBE_MS)
    offsets = [_zoneinfo_offset(at, zone) for at in probes]
    days = zip(pairwise(probes), pairwise(offsets), strict=True)
    changed = [day for day, (before, after) in days if before != after]
    changes = tuple(change for day in changed for change in _changes_between(*day, zone))
    return changes, tuple(_zoneinfo_offset(at, zone) for at in (start, *changes))


def _changes_between(start: Instant, end: Instant, zone: ZoneInfo) -> Iterator[Instant]:
    """The instants in (start, end] at which the offset changes, found by bisection to the second."""
    if _zoneinfo_offset(start, zone) == _zoneinfo_offset(end, zone):
        return
    if end - start == SECOND_MS:
        yield end
        return
    middle = (start + end) // (2 * SECOND_MS) * SECOND_MS
    yield from _changes_between(start, middle, zone)
    yield from _changes_between(middle, end, zone)


def _zoneinfo_offset(at: Instant, zone: ZoneInfo) -> int:
    """The offset from the zone database, uncached, rounded down to whole minutes."""
    seconds = min(max(at, _EARLIEST), _LATEST) // SECOND_MS
    wall = datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)
    return (wall - _EPOCH - timedelta(seconds=seconds)) // timedelta(minutes=1)


def changes_at_full_hours(start: Instant, end: Instant, zone: ZoneInfo) -> bool:
    """Whether every change of the offset in [start, end) is at a full local hour by the new offset.

    Then `first_instant` of every hour in the range is its nominal start.
    """
    for block in range(start // _BLOCK_MS, end // _BLOCK_MS + 1):
        changes, offsets = _offset_changes(block, zone)
        for change, offset in zip(changes, offsets[1:], strict=True):
            if start <= change < end and (change + offset * MINUTE_MS) % HOUR_MS:
                return False
    return True


def _next_change(at: Instant, zone: ZoneInfo) -> Instant:
    """The next instant at which the offset changes; without a change in this block, an instant over a day later.

    Until then the offset is that at `at`.
    """
    changes, _ = _offset_changes(at // _BLOCK_MS, zone)
    following = bisect_right(changes, at)
    if following < len(changes):
        return changes[following]
    return (at // _BLOCK_MS + 1) * _BLOCK_MS + DAY_MS


# Local time and instants


def wall_of(at: Instant, zone: ZoneInfo) -> datetime:
    """The local time at an instant, as a naive datetime. OverflowError outside the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=at + offset_at(at, zone) * MINUTE_MS)


def instant_of(wall: datetime, zone: ZoneInfo) -> Instant:
    """The first instant whose local time is `wall` (a naive datetime) or later.

    If the zone skips this local time, it is the first instant after the gap; if the local time occurs twice, it is the
    earlier instant. Fractions of a millisecond are dropped.
    """
    wall_ms = (wall - _EPOCH) // _MILLISECOND
    at = wall_ms - DAY_MS  # no zone is a day ahead of UTC, so the local time is still before `wall`
    while True:
        change = _next_change(at, zone)
        candidate = max(at, wall_ms - offset_at(at, zone) * MINUTE_MS)
        if candidate < change:
            return candidate
        at = change


# Ranges


@dataclass(frozen=True, slots=True)
class InstantRange:
    """The instants in [start, end). ValueError if `end` is before `start`."""

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a range cannot end ({self.end}) before it starts ({self.start})")

    def __contains__(self, at: Instant) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class DateRange:
    """The local dates in [start, end). ValueError if `end` is before `start`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a range cannot end ({self.end}) before it starts ({self.start})")

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def instants(self, zone: ZoneInfo) -> InstantRange:
        """The instants of these dates in a zone, from the first instant of the first date."""
        return InstantRange(_first_instant_of_date(self.start, zone), _first_instant_of_date(self.end, zone))


def _first_instant_of_date(day: date, zone: ZoneInfo) -> Instant:
    return instant_of(datetime.combine(day, time.min), zone)


def local_day(day: date, zone: ZoneInfo) -> InstantRange:
    """The instants of a date in a zone, from its first instant to the first instant of the next date.

    A date that a zone skipped (Apia, 2011-12-30) is an empty range. If clocks go back over midnight after the new date
    began (St. John's until 2011, at 00:01), the repeated part of the evening belongs to the new date, so that days are
    contiguous ranges. `bucket_of`, which has no zone, counts that part to its local date.
    """
    return InstantRange(_first_instant_of_date(day, zone), _first_instant_of_date(day + timedelta(days=1), zone))


# Local hours


@dataclass(frozen=True, slots=True)
class LocalHour:
    """A local hour with its offset; the two hours of a clock change in autumn have different offsets."""

    hour: int
    offset: int


def hour_of(at: Instant, offset: int) -> int:
    """The number of the local hour of an instant, given the offset in minutes."""
    return (at + offset * MINUTE_MS) // HOUR_MS


def nominal_start(hour: int, offset: int) -> Instant:
    """The instant at which a local hour begins if the offset (in minutes) applies, without regard to any zone.

    The hour and its nominal start together determine the offset.
    """
    return hour * HOUR_MS - offset * MINUTE_MS


def first_instant(hour: int, offset: int, zone: ZoneInfo) -> Instant:
    """The first instant of a local hour with an offset in a zone.

    Usually it is the nominal start. If the zone changes to the offset within the hour, it is the change (Lord Howe
    changes by half an hour). If the hour never has this offset in the zone (the press was stored under another zone),
    it is the nominal start too.
    """
    start = nominal_start(hour, offset)
    if offset_at(start, zone) == offset:
        return start
    change = _next_change(start, zone)
    return change if change < start + HOUR_MS and offset_at(change, zone) == offset else start


def hour_end(hour: int, offset: int, zone: ZoneInfo) -> Instant:
    """The end (exclusive) of the range that begins at `first_instant`: the next full hour or change of the offset."""
    nominal_end = nominal_start(hour + 1, offset)
    first = first_instant(hour, offset, zone)
    return min(nominal_end, _next_change(first, zone)) if offset_at(first, zone) == offset else nominal_end


def hour_ranges(hour: int, zone: ZoneInfo) -> Iterator[tuple[Instant, Instant, int]]:
    """The ranges [start, end) of instants of a local hour in a zone, in order, each with its offset.

    A repeated hour has two ranges, a skipped hour none. One range may come in two contiguous parts.
    """
    at, last = hour * HOUR_MS - DAY_MS, hour * HOUR_MS + DAY_MS
    while at < last:
        _, end, offset = offset_range(at, zone)
        start = nominal_start(hour, offset)
        if max(start, at) < min(start + HOUR_MS, end):
            yield max(start, at), min(start + HOUR_MS, end), offset
        at = end


@lru_cache(maxsize=1024)
def hours_of_day(day: date, zone: ZoneInfo) -> tuple[LocalHour, ...]:
    """The hours of `local_day`, in order: 24, on days with a clock change 22 to 26, none on a skipped date.

    Cached, as a file of hours takes those of each day of its period, which is mostly this year.

    Casey station has had days of 21 and 27 hours, because it changed its offset by three hours.
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
    """The unit that results are grouped by; the values are the words of the APIs."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


def bucket_of(hour: int, grain: Grain) -> int:
    """The bucket of a local hour: the first local hour of its day, week (from Monday), month or year.

    It depends on local time only, so equal local hours of different zones have the same bucket.
    """
    return hour if grain is Grain.HOUR else _bucket_of_day(hour // 24, grain)


@lru_cache(maxsize=8192)
def _bucket_of_day(day: int, grain: Grain) -> int:
    """The bucket of a day, which is numbered from 1970-01-01."""
    return (_first_date(date.fromordinal(_FIRST_DAY + day), grain).toordinal() - _FIRST_DAY) * 24


def _first_date(day: date, grain: Grain) -> date:
    """The first date of the week, month or year of a date."""
    if grain is Grain.WEEK:
        return date.fromordinal(day.toordinal() - day.weekday())
    if grain is Grain.MONTH:
        return day.replace(day=1)
    if grain is Grain.YEAR:
        return day.replace(month=1, day=1)
    return day


def bucket_start(bucket: int, grain: Grain, zone: ZoneInfo) -> tuple[Instant, int]:
    """The first instant of a bucket in a zone and its offset, for display.

    With `Grain.HOUR`, a repeated hour gives the earlier instant; `first_instant` distinguishes the two by their offset.
    """
    at = instant_of(_EPOCH + timedelta(hours=bucket_of(bucket, grain)), zone)
    return at, offset_at(at, zone)


# Periods by name


class Period(Enum):
    """The named periods of API v2: the current or the previous day, week, month or year."""

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
        """The dates of the period, given the date of today."""
        start = _shifted(_first_date(today, self.grain), self.grain, self.shift)
        return DateRange(start, _shifted(start, self.grain, 1))

    @classmethod
    def parse(cls, text: str, today: date) -> DateRange:
        """The dates of a named period, or of a year `2023`, month `2023-12` or quarter `2023-q3`. BadRequest."""
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
    """The dates of `2023`, `2023-12` or `2023-q3`; None if the text has another form or the year is 0 or 9999."""
    matched = _CALENDAR.fullmatch(text)
    if matched is None or not 1 <= int(matched[1]) <= 9998:
        return None
    year, month, quarter = int(matched[1]), matched[2], matched[3]
    if month:
        return _months(year, int(month), 1)
    return _months(year, 3 * int(quarter) - 2, 3) if quarter else _months(year, 1, 12)


def _months(year: int, month: int, count: int) -> DateRange:
    """`count` whole months from a month (1 to 12) on."""
    start = date(year, month, 1)
    return DateRange(start, _add_months(start, count))


def _add_months(first: date, months: int) -> date:
    """The first date of a month, so many months after the month that begins with `first`."""
    month = first.year * 12 + first.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


def _shifted(first: date, grain: Grain, count: int) -> date:
    """The first date of a day, week, month or year, shifted by `count` of them (negative: into the past)."""
    if grain is Grain.MONTH:
        return _add_months(first, count)
    if grain is Grain.YEAR:
        return first.replace(year=first.year + count)
    return first + timedelta(days=count * (7 if grain is Grain.WEEK else 1))


# Timestamps as text

TIMESTAMP_FORM: Final = Phrase("yyyy-MM-ddTHH:mm:ss[.SSS] followed by Z, ±HH:mm or ±HHmm")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+ -](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
)


def parse_timestamp(text: str) -> Instant:
    """The instant of an RFC 3339 timestamp. ValueError, with the accepted form, for any other text.

    The offset may lack its colon, as in the documentation of API v1. A space before the offset is read as `+`, because
    query strings decode `+` as a space. Digits beyond milliseconds are dropped.
    """
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text.upper().replace(" ", "+"))
    except ValueError:  # also for a date that does not exist
        raise ValueError(f"got {text[:80]!r}, accepted: {TIMESTAMP_FORM}") from None
    return (moment - _EPOCH_UTC) // _MILLISECOND


def format_timestamp(at: Instant, offset: int, utc: bool = False) -> str:
    """The local time as `2016-01-18T12:37:05.000+02:00`; with `utc` (the zone is UTC) as `2016-01-18T10:37:05.000Z`.

    Exports call it for each row, so its parts come from tables and caches. ValueError outside the years 1 to 9999,
    OverflowError far outside.
    """
    wall_ms = at if utc else at + offset * MINUTE_MS
    in_hour = wall_ms % HOUR_MS
    suffix = "Z" if utc else format_offset(offset)
    return f"{_hour_text(wall_ms // HOUR_MS)}{_CLOCK[in_hour // SECOND_MS]}{_FRACTION[in_hour % SECOND_MS]}{suffix}"


@lru_cache(maxsize=8192)
def _hour_text(hour: int) -> str:
    """The date and hour of a local hour, `2016-01-18T12:`."""
    return f"{date.fromordinal(_FIRST_DAY + hour // 24).isoformat()}T{hour % 24:02d}:"


_CLOCK: Final = tuple(f"{second // 60:02d}:{second % 60:02d}" for second in range(3600))
_FRACTION: Final = tuple(f".{millisecond:03d}" for millisecond in range(1000))


@lru_cache(maxsize=4096)
def format_offset(offset: int) -> str:
    """An offset in minutes as `+02:00`."""
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
