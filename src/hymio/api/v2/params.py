"""The query string of a v2 request as typed values, or a BadRequest that names the parameter."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hymio.api.query import FLAGS, Query
from hymio.errors import BadRequest, Phrase
from hymio.period import DateRange, Instant, InstantRange, Period, wall_of
from hymio.results import Within

DEFAULT_LIMIT: Final = 1_000
MOST: Final = 10_000
_ORDERS: Final[Mapping[str, bool]] = {"asc": False, "desc": True}
_IDENTITY: Final = re.compile(r"-?[0-9]{1,19}")
_LARGEST: Final = 1 << 63
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_ACCEPTED: Final = Phrase("a date yyyy-MM-dd")


def separator(query: Query) -> str:
    """The character between two values of CSV."""
    accepted = Phrase('one character, neither " nor the end of a line')
    got = query.text("csvSeparator", accepted)
    if got is None:
        return ","
    if len(got) != 1 or got in '"\r\n':
        raise BadRequest(parameter="csvSeparator", got=got, accepted=accepted)
    return got


def bom(query: Query, *, otherwise: bool) -> bool:
    """Whether CSV begins with a byte order mark."""
    return flag(query, "csvBom", otherwise=otherwise)


def identity(query: Query, name: str) -> int | None:
    """The id that a parameter names, a 64-bit integer."""
    accepted = Phrase("an integer")
    got = query.text(name, accepted)
    if got is None:
        return None
    if not _IDENTITY.fullmatch(got) or not -_LARGEST <= int(got) < _LARGEST:
        raise BadRequest(parameter=name, got=got, accepted=accepted)
    return int(got)


class Window(NamedTuple):
    """A part of a listing."""

    offset: int
    limit: int


def window(query: Query) -> Window:
    """The parameters `offset` and `limit`."""
    limit = query.number("limit", 0, MOST)
    return Window(query.number("offset", 0, None) or 0, DEFAULT_LIMIT if limit is None else limit)


def flag(query: Query, name: str, *, otherwise: bool) -> bool:
    """A parameter that is true or false."""
    got = query.word(name, FLAGS)
    return otherwise if got is None else got


def descending(query: Query) -> bool:
    """Whether the latest come first."""
    return query.word("order", _ORDERS) or False


@dataclass(frozen=True, slots=True)
class Dates:
    """The requested dates. Their instants, and which date is today, depend on the zone."""

    period: str | None
    start: date | None
    end: date | None

    def in_zone(self, zone: ZoneInfo, now: Instant) -> InstantRange:
        """The instants of the dates in a zone; an empty range where they end before they start there."""
        today = wall_of(now, zone).date()
        if self.start is None and self.end is None and self.period is not None:
            return Period.parse(self.period, today).instants(zone)
        start, end = self.start or today, self.end or today + timedelta(days=1)
        return DateRange(start, max(start, end)).instants(zone)


def within(dates: Dates, zones: Collection[ZoneInfo], now: Instant) -> Within:
    """The instants of dates in each of some zones: one range where there is one zone."""
    ranges = {zone: dates.in_zone(zone, now) for zone in zones}
    return next(iter(ranges.values())) if len(ranges) == 1 else ranges


def dates(query: Query, zone: ZoneInfo, now: Instant) -> Dates:
    """The parameters `period`, `startDate` and `endDate`, checked by the date of today in a zone."""
    period = query.text("period", Phrase("a period such as last-week"))
    start, end = _date(query, "startDate"), _date(query, "endDate")
    today = wall_of(now, zone).date()
    if period is not None:
        Period.parse(period, today)
    first, last = start or today, end or today + timedelta(days=1)
    if (start or end) and last < first:
        raise BadRequest(
            "period-ends-before-it-begins",
            parameter="endDate" if end else "startDate",
            got=f"{first} to {last}",
            accepted=Phrase("an end that is not before the start (without a start today, without an end tomorrow)"),
        )
    if (start or end) and last > _a_year_after(first):
        raise BadRequest(
            "period-too-long",
            parameter="startDate" if start else "endDate",
            got=f"{first} to {last}",
            accepted=Phrase("a year at most"),
        )
    return Dates(period, start, end)


def _date(query: Query, name: str) -> date | None:
    """A date parameter in the form yyyy-MM-dd, None if it is missing. BadRequest."""
    got = query.text(name, _DATE_ACCEPTED)
    if got is None:
        return None
    try:
        if not _DATE.fullmatch(got):
            raise ValueError(got)
        return date.fromisoformat(got)
    except ValueError:
        raise BadRequest(parameter=name, got=got, accepted=_DATE_ACCEPTED) from None


def _a_year_after(day: date) -> date:
    """The same date a year later; 1 March for 29 February."""
    if day.year >= date.max.year:
        return date.max
    # From 29 February a year lasts to 1 March.
    shifted = day + timedelta(days=1) if (day.month, day.day) == (2, 29) else day
    return shifted.replace(year=day.year + 1)
