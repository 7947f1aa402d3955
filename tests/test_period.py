"""Laws of the calendar, in zones whose clocks do unusual things, against the zone data asked minute by minute."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import period
from hymio.errors import BadRequest, SetupError
from hymio.period import (
    HOUR_MS,
    MINUTE_MS,
    DateRange,
    Grain,
    InstantRange,
    LocalHour,
    Period,
    bucket_of,
    bucket_start,
    first_instant,
    hour_end,
    hour_of,
    hours_of_day,
    instant_of,
    local_day,
    offset_at,
    wall_of,
)
from tests.zones import (
    DAY,
    ZONES,
    change_dates,
    clock_changes,
    dates,
    instants,
    told_offset,
    zone_names,
    zones_and_dates,
    zones_and_instants,
)

NEW_YORK = ZoneInfo("America/New_York")
TALLINN = ZoneInfo("Europe/Tallinn")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
TROLL = ZoneInfo("Antarctica/Troll")
BEIRUT = ZoneInfo("Asia/Beirut")
APIA = ZoneInfo("Pacific/Apia")
ST_JOHNS = ZoneInfo("America/St_Johns")

calendar_dates = st.dates(date(2000, 1, 1), date(2037, 12, 31))
local_hours = st.integers(0, 68 * 366 * 24)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shown_at(instant: int, zone: ZoneInfo) -> datetime:
    """What the clocks show, straight from the zone data."""
    seconds, milliseconds = divmod(instant, 1000)
    shown = datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)
    return shown + timedelta(milliseconds=milliseconds)


def hour_shown_at(instant: int, zone: ZoneInfo) -> LocalHour:
    offset = told_offset(instant, zone)
    return LocalHour(int(shown_at(instant, zone).replace(tzinfo=UTC).timestamp()) // 3600, offset)


# Zones and offsets


@given(zones_and_instants())
def test_offsets_and_walls_are_those_of_the_zone_data(place):
    zone, instant = place
    assert offset_at(instant, zone) == told_offset(instant, zone)
    assert wall_of(instant, zone) == shown_at(instant, zone)


@pytest.mark.parametrize("name", ZONES)
def test_offsets_change_at_the_very_millisecond(name):
    zone = ZoneInfo(name)
    for change in clock_changes(name):
        assert offset_at(change - 1, zone) == told_offset(change - 1, zone) != offset_at(change, zone)
        assert offset_at(change, zone) == told_offset(change, zone)


@given(zone_names, st.integers(-(2**80), 2**80))
def test_any_number_has_an_offset(name, instant):
    assert -24 * 60 < offset_at(instant, ZoneInfo(name)) < 24 * 60


def test_zones_are_found_by_their_iana_name():
    assert period.zone("Europe/Tallinn") is TALLINN
    assert [period.zone(name).key for name in ZONES] == list(ZONES)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Europe/Tartu",
        "America",
        "../UTC",
        "/etc/localtime",
        "localtime",
        "right/UTC",
        "posix/UTC",
        "UTC\0",
        "UTC\n",
    ],
)
def test_an_unknown_zone_is_named(name):
    with pytest.raises(SetupError) as refused:
        period.zone(name)
    assert repr(name) in refused.value.detail


# Wall time


@given(zones_and_instants())
def test_a_wall_time_that_is_shown_once_leads_back_to_its_instant(place):
    zone, instant = place
    shown = shown_at(instant, zone)
    twice = shown.replace(tzinfo=zone, fold=0).utcoffset() != shown.replace(tzinfo=zone, fold=1).utcoffset()
    found = instant_of(shown, zone)
    assert shown_at(found, zone) == shown
    assert found <= instant if twice else found == instant


@given(zones_and_instants(), st.integers(-3 * HOUR_MS, 3 * HOUR_MS))
def test_a_wall_time_is_the_first_instant_that_shows_it_or_more(place, beside):
    zone, instant = place
    sought = shown_at(instant, zone) + timedelta(milliseconds=beside)
    found = instant_of(sought, zone)
    assert shown_at(found, zone) >= sought
    before = range(found - 1, found - 26 * HOUR_MS, -7 * MINUTE_MS)
    assert all(shown_at(earlier, zone) < sought for earlier in before)


@pytest.mark.parametrize(
    ("shown", "zone", "instant"),
    [
        ("2024-03-31T03:30", TALLINN, "2024-03-31T04:00+03:00"),  # does not exist
        ("2024-10-27T03:30", TALLINN, "2024-10-27T03:30+03:00"),  # is shown twice
        ("2024-10-06T02:10", LORD_HOWE, "2024-10-06T02:30+11:00"),
        ("2024-04-07T01:45", LORD_HOWE, "2024-04-07T01:45+11:00"),
        ("2024-03-31T00:30", BEIRUT, "2024-03-31T01:00+03:00"),
        ("2011-12-30T12:00", APIA, "2011-12-31T00:00+14:00"),
        ("2024-03-31T02:00", TROLL, "2024-03-31T03:00+02:00"),
        ("2006-10-29T00:00:30", ST_JOHNS, "2006-10-29T00:00:30-02:30"),
    ],
)
def test_wall_times_that_do_not_exist_or_exist_twice(shown, zone, instant):
    assert instant_of(wall(shown), zone) == at(instant)


@pytest.mark.parametrize("name", ZONES)
def test_how_offsets_are_remembered_does_not_show(name, monkeypatch):
    zone = ZoneInfo(name)
    around = [change + beside for change in clock_changes(name)[-8:] for beside in range(-DAY, DAY, HOUR_MS // 2)]
    walls = [shown_at(instant, zone) for instant in around]
    hours = [hour_shown_at(instant, zone) for instant in around]

    def asked():
        return [instant_of(shown, zone) for shown in walls], [hour_end(h.hour, h.offset, zone) for h in hours]

    with_long_blocks = asked()
    with monkeypatch.context() as patched:
        patched.setattr(period, "_BLOCK_MS", HOUR_MS)
        period._offset_changes.cache_clear()
        with_short_blocks = asked()
    period._offset_changes.cache_clear()
    assert with_short_blocks == with_long_blocks


# Hours


@given(zones_and_instants())
def test_an_instant_lies_in_the_hour_it_shows_and_in_no_neighbour(place):
    zone, instant = place
    offset = offset_at(instant, zone)
    hour = hour_of(instant, offset)
    assert LocalHour(hour, offset) == hour_shown_at(instant, zone)
    first, end = first_instant(hour, offset, zone), hour_end(hour, offset, zone)
    assert first <= instant < end <= first + HOUR_MS
    assert hour_shown_at(first, zone) == hour_shown_at(end - 1, zone) == LocalHour(hour, offset)
    assert hour_shown_at(first - 1, zone) != LocalHour(hour, offset) != hour_shown_at(end, zone)


@pytest.mark.parametrize(
    ("hour", "offset", "zone", "first", "end"),
    [
        # Lord Howe in spring goes from 02:00 to 02:30, so that the hour of two has its second half only.
        ("2024-10-06T02", 660, LORD_HOWE, "2024-10-06T02:30+11:00", "2024-10-06T03:00+11:00"),
        # In autumn it goes from 02:00 back to 01:30: the half hour is shown twice, in two hours of one.
        ("2024-04-07T01", 660, LORD_HOWE, "2024-04-07T01:00+11:00", "2024-04-07T02:00+11:00"),
        ("2024-04-07T01", 630, LORD_HOWE, "2024-04-07T01:30+10:30", "2024-04-07T02:00+10:30"),
        ("2024-11-03T01", -240, NEW_YORK, "2024-11-03T01:00-04:00", "2024-11-03T02:00-04:00"),
        ("2024-11-03T01", -300, NEW_YORK, "2024-11-03T01:00-05:00", "2024-11-03T02:00-05:00"),
        ("2006-10-29T00", -150, ST_JOHNS, "2006-10-29T00:00-02:30", "2006-10-29T00:01-02:30"),
        # New York never shows these: the full hour by the offset is what remains.
        ("2024-07-01T12", 120, NEW_YORK, "2024-07-01T12:00+02:00", "2024-07-01T13:00+02:00"),
        ("2024-11-03T05", -60, NEW_YORK, "2024-11-03T05:00-01:00", "2024-11-03T06:00-01:00"),
        ("2024-11-03T01", -270, NEW_YORK, "2024-11-03T01:00-04:30", "2024-11-03T02:00-04:30"),
    ],
)
def test_where_hours_begin_and_end(hour, offset, zone, first, end):
    number = at(hour + ":00Z") // HOUR_MS
    assert first_instant(number, offset, zone) == at(first)
    assert hour_end(number, offset, zone) == at(end)


# Days


@pytest.mark.parametrize("name", ZONES)
def test_a_local_day_is_the_disjoint_union_of_its_hours(name):
    zone = ZoneInfo(name)
    for day in change_dates(name):
        hours = hours_of_day(day, zone)
        edges = [(first_instant(h.hour, h.offset, zone), hour_end(h.hour, h.offset, zone)) for h in hours]
        whole = local_day(day, zone)
        assert len(set(hours)) == len(hours)
        assert all(end == following for (_, end), (following, _) in pairwise(edges))
        if name == "Pacific/Apia" and day == date(2011, 12, 30):
            assert (hours, whole.start) == ((), whole.end)
        else:
            assert 22 <= len(hours) <= 26
            assert (edges[0][0], edges[-1][1]) == (whole.start, whole.end)


@pytest.mark.parametrize("name", ZONES)
def test_hours_and_days_agree_with_the_zone_data_minute_by_minute(name):
    zone = ZoneInfo(name)
    for day in change_dates(name)[-12:] + change_dates(name)[:12]:
        whole = local_day(day, zone)
        minutes = range(whole.start, whole.end, MINUTE_MS)
        seen = tuple(dict.fromkeys(hour_shown_at(minute, zone) for minute in minutes))
        assert seen == hours_of_day(day, zone)
        assert not minutes or shown_at(whole.start, zone).date() == day
        assert shown_at(whole.start - 1, zone).date() < day
        again = {shown_at(minute, zone).date() for minute in minutes} - {day}
        assert not again or (name == "America/St_Johns" and again == {day - timedelta(days=1)})


@given(zones_and_instants())
def test_an_instant_is_in_exactly_one_hour_of_exactly_one_day(place):
    zone, instant = place
    today = shown_at(instant, zone).date()
    days = [today + timedelta(days=beside) for beside in (-2, -1, 0, 1, 2)]
    assert sum(instant in local_day(day, zone) for day in days) == 1
    hour = hour_shown_at(instant, zone)
    assert Counter(hour for day in days for hour in hours_of_day(day, zone))[hour] == 1


@pytest.mark.parametrize(
    ("day", "zone", "hours", "minutes"),
    [
        ("2024-03-10", NEW_YORK, 23, 23 * 60),
        ("2024-11-03", NEW_YORK, 25, 25 * 60),
        ("2024-10-06", LORD_HOWE, 24, 24 * 60 - 30),
        ("2024-04-07", LORD_HOWE, 25, 24 * 60 + 30),
        ("2024-03-31", TROLL, 22, 22 * 60),
        ("2024-10-27", TROLL, 26, 26 * 60),
        ("2024-03-31", BEIRUT, 23, 23 * 60),
        ("2024-07-01", BEIRUT, 24, 24 * 60),
        ("2011-12-30", APIA, 0, 0),
        ("2006-10-28", ST_JOHNS, 24, 24 * 60),
        ("2006-10-29", ST_JOHNS, 26, 25 * 60),
    ],
)
def test_how_long_days_are(day, zone, hours, minutes):
    whole = local_day(date.fromisoformat(day), zone)
    assert len(hours_of_day(date.fromisoformat(day), zone)) == hours
    assert whole.end - whole.start == minutes * MINUTE_MS


def test_the_spring_day_of_beirut_begins_at_one():
    assert local_day(date(2024, 3, 31), BEIRUT).start == at("2024-03-31T01:00+03:00")


# Buckets


@given(local_hours, st.sampled_from(Grain))
def test_a_bucket_begins_where_the_calendar_says(hour, grain):
    shown = datetime.fromtimestamp(hour * 3600, UTC)
    expected = {
        Grain.HOUR: shown,
        Grain.DAY: shown.replace(hour=0),
        Grain.WEEK: (shown - timedelta(days=shown.isoweekday() - 1)).replace(hour=0),
        Grain.MONTH: shown.replace(day=1, hour=0),
        Grain.YEAR: shown.replace(month=1, day=1, hour=0),
    }[grain]
    assert bucket_of(hour, grain) == expected.timestamp() // 3600


@given(st.lists(local_hours), st.sampled_from(["day month year", "hour day week", "day year"]))
def test_grouping_in_steps_equals_grouping_at_once_and_keeps_totals(hours, steps):
    counts = Counter(hours)
    for grain in map(Grain, steps.split()):
        coarser: Counter[int] = Counter()
        for hour, count in counts.items():
            coarser[bucket_of(hour, grain)] += count
        counts = coarser
    assert counts == Counter(bucket_of(hour, grain) for hour in hours)
    assert counts.total() == len(hours)


@given(local_hours, local_hours, st.sampled_from(Grain))
def test_buckets_keep_the_order_of_hours_and_stay_where_they_are(one, other, grain):
    first, second = sorted((one, other))
    assert bucket_of(first, grain) <= bucket_of(second, grain)
    assert bucket_of(bucket_of(one, grain), grain) == bucket_of(one, grain) <= one


@given(zones_and_dates(), st.sampled_from(Grain))
def test_a_bucket_is_printed_at_its_first_existing_instant(place, grain):
    zone, day = place
    hour = (day - date(1970, 1, 1)).days * 24
    start, offset = bucket_start(hour, grain, zone)
    begins = datetime.fromtimestamp(bucket_of(hour, grain) * 3600, UTC).replace(tzinfo=None)
    assert offset == told_offset(start, zone)
    assert shown_at(start - 1, zone) < begins <= shown_at(start, zone)
    assert (start, offset) == bucket_start(bucket_of(hour, grain), grain, zone)


def test_buckets_at_clock_changes():
    spring = at("2024-03-31T00:00Z") // HOUR_MS
    assert bucket_start(spring, Grain.DAY, BEIRUT) == (at("2024-03-31T01:00+03:00"), 180)
    assert bucket_start(spring + 3, Grain.HOUR, TALLINN) == (at("2024-03-31T04:00+03:00"), 180)
    autumn = at("2024-10-27T03:00Z") // HOUR_MS
    assert bucket_start(autumn, Grain.HOUR, TALLINN) == (at("2024-10-27T03:00+03:00"), 180)


# Periods


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "2024-03-31", "2024-04-01"),
        ("yesterday", "2024-03-30", "2024-03-31"),
        ("this-week", "2024-03-25", "2024-04-01"),
        ("last-week", "2024-03-18", "2024-03-25"),
        ("this-month", "2024-03-01", "2024-04-01"),
        ("last-month", "2024-02-01", "2024-03-01"),
        ("this-year", "2024-01-01", "2025-01-01"),
        ("last-year", "2023-01-01", "2024-01-01"),
        ("2023", "2023-01-01", "2024-01-01"),
        ("2023-12", "2023-12-01", "2024-01-01"),
        ("2023-q3", "2023-07-01", "2023-10-01"),
        ("2023-q4", "2023-10-01", "2024-01-01"),
        ("0001", "0001-01-01", "0002-01-01"),
    ],
)
def test_periods_on_a_sunday_in_spring(text, start, end):
    parsed = Period.parse(text, date(2024, 3, 31))
    assert parsed == DateRange(date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Today",
        "tomorrow",
        "today ",
        "2023-13",
        "2023-0",
        "2023-q5",
        "2023-Q1",
        "0000",
        "9999",
        "2023-12-01",
        "٢٠٢٣",
    ],
)
def test_a_period_that_is_none_is_refused_with_what_is_accepted(text):
    with pytest.raises(BadRequest) as refused:
        Period.parse(text, date(2024, 3, 31))
    assert refused.value.parameter == "period"
    assert refused.value.got == text
    for word in ("period", repr(text), "yesterday", "last-week", "2023-q3"):
        assert word in refused.value.detail


@given(calendar_dates)
def test_named_periods_hold_today_or_end_where_that_begins(today):
    for unit in ("week", "month", "year"):
        this, last = Period.parse(f"this-{unit}", today), Period.parse(f"last-{unit}", today)
        assert this.start <= today < this.end
        assert last.end == this.start
        assert last == Period.parse(f"this-{unit}", last.end - timedelta(days=1))
    assert Period.parse("yesterday", today).end == Period.parse("today", today).start == today
    assert Period.parse("this-week", today).start.isoweekday() == 1
    assert Period.parse("this-week", today).days == 7
    assert Period.parse("this-year", today) == Period.parse(f"{today:%Y}", today)
    assert Period.parse("this-month", today) == Period.parse(f"{today:%Y-%m}", today)


@given(st.integers(1, 9998))
def test_months_tile_quarters_and_quarters_tile_years(year):
    today = date(2024, 3, 31)
    whole = Period.parse(f"{year:04d}", today)
    months = [Period.parse(f"{year:04d}-{month:02d}", today) for month in range(1, 13)]
    quarters = [Period.parse(f"{year:04d}-q{quarter}", today) for quarter in range(1, 5)]
    for parts in (months, quarters):
        assert (parts[0].start, parts[-1].end) == (whole.start, whole.end)
        assert all(part.end == following.start for part, following in pairwise(parts))
    assert [quarter.start for quarter in quarters] == [month.start for month in months[::3]]


@given(zones_and_dates())
def test_periods_tile_the_time_line_of_every_zone(place):
    zone, today = place
    spans = {name: Period.parse(name, today).instants(zone) for name in (p.text for p in Period)}
    assert spans["yesterday"].end == spans["today"].start
    for unit in ("week", "month", "year"):
        assert spans[f"last-{unit}"].end == spans[f"this-{unit}"].start
    for unit in ("week", "month"):
        dates_of_unit = Period.parse(f"this-{unit}", today)
        days = [local_day(dates_of_unit.start + timedelta(days=n), zone) for n in range(dates_of_unit.days)]
        assert (days[0].start, days[-1].end) == (spans[f"this-{unit}"].start, spans[f"this-{unit}"].end)
        assert all(day.end == following.start for day, following in pairwise(days))


@given(zone_names.flatmap(lambda name: st.tuples(st.just(ZoneInfo(name)), instants(name), dates(name))))
def test_an_instant_is_in_the_period_whose_dates_it_has_reached(place):
    zone, instant, today = place
    reached = max(shown_at(instant - minute * MINUTE_MS, zone).date() for minute in range(61))
    for unit in Period:
        whole = unit.dates(today)
        assert (instant in whole.instants(zone)) == (whole.start <= reached < whole.end)


@pytest.mark.parametrize(
    ("make", "low", "high"), [(InstantRange, 5, 4), (DateRange, date(2024, 1, 2), date(2024, 1, 1))]
)
def test_a_range_may_be_empty_but_not_end_before_it_starts(make, low, high):
    assert make(low, low).start == low
    with pytest.raises(ValueError, match="cannot end"):
        make(low, high)


def test_a_range_holds_its_start_and_not_its_end():
    assert [at in InstantRange(3, 5) for at in (2, 3, 4, 5)] == [False, True, True, False]
