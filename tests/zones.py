"""Zones whose clocks do unusual things, and Hypothesis strategies that look where they do.

What is said here about clock changes comes from the zone data by scanning days, not from the code under test.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = (
    "America/New_York",
    "Europe/Tallinn",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Chatham",  # +12:45, changes at 02:45
    "Asia/Kathmandu",  # +05:45, never changes
    "Antarctica/Troll",  # two hours of summer time
    "Asia/Beirut",  # changes at midnight: the spring day begins at 01:00
    "UTC",
    "Pacific/Apia",  # skipped 2011-12-30
    "America/St_Johns",  # until 2011 set back over midnight, a minute after it
)
HOUR = 3_600_000
DAY = 24 * HOUR
FIRST = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1000
LAST = int(datetime(2038, 1, 1, tzinfo=UTC).timestamp()) * 1000 - 1


def told_offset(at: int, zone: ZoneInfo) -> int:
    """Minutes east of UTC, straight from the zone data."""
    offset = datetime.fromtimestamp(at // 1000, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60


@cache
def clock_changes(name: str) -> tuple[int, ...]:
    """The instants from 2000 to 2037 at which the clocks of a zone are set to another offset."""
    zone = ZoneInfo(name)
    days = range(FIRST, LAST, DAY)
    return tuple(_change_within(day, zone) for day in days if told_offset(day, zone) != told_offset(day + DAY, zone))


def _change_within(day: int, zone: ZoneInfo) -> int:
    low, high = day // 1000, (day + DAY) // 1000
    while high - low > 1:
        middle = (low + high) // 2
        if told_offset(middle * 1000, zone) == told_offset(day, zone):
            low = middle
        else:
            high = middle
    return high * 1000


zone_names = st.sampled_from(ZONES)


def instants(name: str) -> st.SearchStrategy[int]:
    """Instants from 2000 to 2037, half of them around a clock change: within two days, two hours, or a millisecond."""
    anywhere = st.integers(FIRST, LAST)
    if not clock_changes(name):
        return anywhere
    distances = st.one_of(st.integers(-2 * DAY, 2 * DAY), st.integers(-2 * HOUR, 2 * HOUR), st.integers(-1, 1))
    near = st.builds(int.__add__, st.sampled_from(clock_changes(name)), distances)
    return st.one_of(anywhere, near.filter(lambda at: FIRST <= at <= LAST))


def dates(name: str) -> st.SearchStrategy[date]:
    """Local dates from 2000 to 2037, half of them on or beside a clock change."""
    zone = ZoneInfo(name)
    return instants(name).map(lambda at: datetime.fromtimestamp(at // 1000, zone).date())


@st.composite
def zones_and_instants(draw: st.DrawFn) -> tuple[ZoneInfo, int]:
    name = draw(zone_names)
    return ZoneInfo(name), draw(instants(name))


@st.composite
def zones_and_dates(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    name = draw(zone_names)
    return ZoneInfo(name), draw(dates(name))


def change_dates(name: str) -> list[date]:
    """The local dates around the clock changes of a zone: the day before, the day, the day after."""
    zone = ZoneInfo(name)
    days = [datetime.fromtimestamp(change // 1000, zone).date() for change in clock_changes(name)]
    return sorted({day + timedelta(days=beside) for day in days for beside in (-1, 0, 1)})
