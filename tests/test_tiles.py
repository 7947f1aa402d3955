"""Tiles are the whole range, in the order of reading, and hold about as many rows as are wanted."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hymio.period import HOUR_MS
from hymio.results.tiles import tiles_of
from hymio.store.hours import HourSize

sizes = st.lists(st.builds(HourSize, st.integers(-8, 40).map(lambda n: n * HOUR_MS // 4), st.integers(1, 9_000)))


@given(
    sizes.map(sorted),
    st.integers(0, 5 * HOUR_MS),
    st.integers(1, 5 * HOUR_MS),
    st.integers(1, 4_000),
    st.booleans(),
)
def test_tiles_are_the_whole_range_in_the_order_of_reading(
    hours: list[HourSize], start: int, length: int, rows: int, descending: bool
) -> None:
    tiles = list(tiles_of(hours, start, start + length, lambda: rows, descending=descending))
    in_order = tiles[::-1] if descending else tiles
    assert (in_order[0][0], in_order[-1][1]) == (start, start + length)
    assert all(before[1] == after[0] for before, after in pairwise(in_order))
    assert all(since < until for since, until in in_order)


def test_tiles_hold_as_many_rows_as_are_wanted_if_hours_are_even() -> None:
    hours = [HourSize(hour * HOUR_MS, 6_000) for hour in range(4)]
    tiles = list(tiles_of(hours, HOUR_MS // 2, 4 * HOUR_MS, lambda: 9_000, descending=False))
    assert tiles == [(HOUR_MS // 2, 2 * HOUR_MS), (2 * HOUR_MS, 7 * HOUR_MS // 2), (7 * HOUR_MS // 2, 4 * HOUR_MS)]
