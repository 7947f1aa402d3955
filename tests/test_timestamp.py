"""Laws of timestamps as text: what is written is read back, and nothing else is taken for a timestamp."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hymio.period import DAY_MS, HOUR_MS, format_timestamp, offset_at, parse_timestamp
from tests.zones import FIRST, LAST, clock_changes, zones_and_instants

LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


@given(zones_and_instants())
@example((LORD_HOWE, clock_changes("Australia/Lord_Howe")[0]))
def test_a_written_timestamp_reads_back_as_its_instant(place):
    zone, instant = place
    offset = offset_at(instant, zone)
    text = format_timestamp(instant, offset)
    assert text == datetime.fromtimestamp(instant // 1000, zone).replace(microsecond=instant % 1000 * 1000).isoformat(
        timespec="milliseconds"
    )
    without_colon = text[:-3] + text[-2:]
    for spelling in (text, without_colon, text.replace("+", " "), text.replace("T", "t")):
        assert parse_timestamp(spelling) == instant
    assert parse_timestamp(format_timestamp(instant, offset, utc=True)) == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2016-01-18T12:37:05.000+02:00", 1453113425000),
        ("2016-01-18T12:37:05+0200", 1453113425000),
        ("2016-01-18T12:37:05 02:00", 1453113425000),
        ("2016-01-18T10:37:05Z", 1453113425000),
        ("2016-01-18t10:37:05.1z", 1453113425100),
        ("2016-01-18T10:37:05.123999999Z", 1453113425123),
        ("2016-01-18T07:07:05-03:30", 1453113425000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00+14:00", -62135596800000 - 14 * HOUR_MS),
    ],
)
def test_timestamps_are_read_in_every_spelling(text, instant):
    assert parse_timestamp(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2016-01-18",
        "2016-01-18T12:37:05",
        "2016-01-18 12:37:05Z",
        "2016-01-18T12:37Z",
        "2016-01-18T12:37:05+02",
        "2016-01-18T12:37:05.+02:00",
        "2016-01-18T12:37:05,5Z",
        "2016-01-18T24:00:00Z",
        "2016-01-18T12:37:60Z",
        "2016-02-30T12:37:05Z",
        "0000-01-01T00:00:00Z",
        "2016-01-18T12:37:05+24:00",
        "2016-01-18T12:37:05+02:00\n",
        "20160118T123705Z",
        "٢٠١٦-01-18T12:37:05Z",
        "2016-01-18T12:37:05Z" * 100,
    ],
)
def test_other_timestamps_are_refused_with_what_is_accepted(text):
    with pytest.raises(ValueError, match="accepted: yyyy-MM-ddTHH:mm:ss"):
        parse_timestamp(text)


@given(st.text(alphabet="0123456789-+:.TZ tz", max_size=32))
def test_no_text_breaks_the_reading_of_timestamps(text):
    try:
        assert isinstance(parse_timestamp(text), int)
    except ValueError as refused:
        assert "accepted" in str(refused)  # noqa: PT017 - that text is refused is allowed, not demanded


@given(st.integers(FIRST, LAST), st.integers(-14 * 60, 14 * 60))
def test_written_timestamps_sort_and_have_one_length(instant, offset):
    assert len(format_timestamp(instant, offset)) == 29
    assert len(format_timestamp(instant, offset, utc=True)) == 24
    assert format_timestamp(instant, offset) < format_timestamp(instant + DAY_MS, offset)


def test_the_zone_utc_is_written_with_z():
    assert format_timestamp(1453113425000, 0, utc=True) == "2016-01-18T10:37:05.000Z"
    assert format_timestamp(1453113425000, 0) == "2016-01-18T10:37:05.000+00:00"
    assert format_timestamp(1453113425007, -210) == "2016-01-18T07:07:05.007-03:30"
    assert format_timestamp(-1, 0) == "1969-12-31T23:59:59.999+00:00"
