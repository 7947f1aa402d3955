"""Opening hours as people type them, and the minutes that they hold."""

from __future__ import annotations

import pytest

from hymio.errors import SetupError
from hymio.opening_hours import parse_opening_hours


def test_days_and_times_are_read() -> None:
    hours = parse_opening_hours("Mon-Fri 8:00-20:30, sat 10-12, sat 13-16")
    assert hours.monday == hours.friday == ((480, 1230),)
    assert hours.saturday == ((600, 720), (780, 960))
    assert hours.sunday == ()


@pytest.mark.parametrize(
    "text", ["", "mon", "mon 9", "mon 9-8", "mon 9-25", "tue-mon 9-10", "moon-day 9-10", "mon 9:60-10"]
)
def test_what_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SetupError, match="accepted is for example: mon-fri 8:00-20:00"):
        parse_opening_hours(text)
