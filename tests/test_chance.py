"""The statistics of reports, against SciPy and against definitions worked out by brute force."""

from __future__ import annotations

from itertools import combinations
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hymio.chance import (
    Interval,
    bounds_of_index,
    chi_square,
    chi_square_p,
    difference_z,
    holm,
    interval,
    moments,
    ranking_scores,
    scores,
    two_sided_p,
    without,
)
from hymio.report.figures import figure
from hymio.report.times import tests_of_hours as hour_tests
from hymio.scale import IndexType, index, rounded

buttons = st.sampled_from([4, 5, 11])
index_types = st.sampled_from(IndexType)


def counts_of(number: int, most: int = 400) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, most), min_size=number, max_size=number)


any_counts = buttons.flatmap(counts_of)


# --- scores and intervals --------------------------------------------------------------------------------------------


@given(any_counts.filter(any), index_types)
def test_the_index_is_linear_in_the_mean_score(counts: list[int], index_type: IndexType) -> None:
    low, high = bounds_of_index(len(counts), index_type)
    mean = moments(counts, scores(len(counts), index_type)).mean
    assert isclose(low + (high - low) * mean, index(counts, index_type) or 0.0, abs_tol=1e-9)


@given(any_counts, index_types)
def test_an_interval_holds_its_index_and_stays_on_the_scale(counts: list[int], index_type: IndexType) -> None:
    limits, value = interval(counts, index_type), index(counts, index_type)
    if value is None:
        assert limits is None
        return
    assert limits is not None
    low, high = bounds_of_index(len(counts), index_type)
    assert low - 1e-9 <= limits.low <= value + 1e-9
    assert value - 1e-9 <= limits.high <= high + 1e-9
    assert limits.high - limits.low > 1e-4 * (high - low)


@given(st.integers(0, 5_000), st.integers(0, 5_000), buttons, index_types)
def test_where_only_the_ends_were_pressed_it_is_wilsons_interval(
    worst: int, best: int, number: int, index_type: IndexType
) -> None:
    if not worst + best:
        return
    limits = interval([worst, *[0] * (number - 2), best], index_type)
    theirs = stats.binomtest(best, worst + best).proportion_ci(0.95, "wilson")
    low, high = bounds_of_index(number, index_type)
    assert limits == pytest.approx(
        Interval(low + (high - low) * theirs.low, low + (high - low) * theirs.high), abs=1e-6
    )


@given(buttons.flatmap(lambda number: st.lists(st.integers(200, 900), min_size=number, max_size=number)), index_types)
def test_with_many_answers_it_is_the_interval_of_the_normal_distribution(
    counts: list[int], index_type: IndexType
) -> None:
    limits = interval(counts, index_type)
    values = [value for value, count in zip(scores(len(counts), index_type), counts, strict=True) for _ in range(count)]
    half = 1.959964 * float(stats.tstd(values)) / sqrt(len(values))
    low, high = bounds_of_index(len(counts), index_type)
    assert limits is not None
    assert limits.high - limits.low == pytest.approx(2 * half * (high - low), rel=0.02)


# --- tests -----------------------------------------------------------------------------------------------------------


@given(st.floats(0, 3_000), st.integers(1, 400))
def test_the_distribution_of_chi_square_is_scipys(statistic: float, degrees: int) -> None:
    assert chi_square_p(statistic, degrees) == pytest.approx(float(stats.chi2.sf(statistic, degrees)), abs=1e-11)


@given(st.floats(-40, 40))
def test_the_normal_distribution_is_scipys(z: float) -> None:
    assert two_sided_p(z) == pytest.approx(2 * float(stats.norm.sf(abs(z))), rel=1e-9, abs=1e-300)


@given(st.integers(2, 24).flatmap(lambda rows: st.lists(counts_of(4, 60), min_size=rows, max_size=rows)))
def test_independence_is_tested_as_scipy_does(table: list[list[int]]) -> None:
    used = [row for row in table if sum(row)]
    columns = [column for column in zip(*used, strict=True) if sum(column)]
    ours = chi_square(table)
    if len(used) < 2 or len(columns) < 2:
        assert ours is None
        return
    theirs = stats.chi2_contingency(list(zip(*columns, strict=True)), correction=False)
    assert ours is not None
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-11)
    assert ours.degrees == theirs.dof
    assert ours.least_expected == pytest.approx(theirs.expected_freq.min())


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_a_difference_of_two_shares_is_the_root_of_their_chi_square(a: int, b: int, c: int, d: int) -> None:
    z = difference_z(moments([a, b], [0.0, 1.0]), moments([c, d], [0.0, 1.0]))
    if not (a + b and c + d and a + c and b + d):
        assert z is None
        return
    theirs = stats.chi2_contingency([[a, b], [c, d]], correction=False)
    assert z is not None
    assert z * z == pytest.approx(theirs.statistic, abs=1e-7)
    assert (z > 1e-9) == (b / (a + b) - d / (c + d) > 1e-9)


@given(any_counts, st.data())
def test_the_rest_is_the_whole_without_its_part(part: list[int], data: st.DataObject) -> None:
    rest = data.draw(counts_of(len(part)))
    values = scores(len(part), IndexType.HAPPY)
    whole = moments([one + other for one, other in zip(part, rest, strict=True)], values)
    assert without(whole, moments(part, values)) == pytest.approx(moments(rest, values), abs=1e-7)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holms_correction_is_the_closed_test_of_bonferroni(ps: list[float]) -> None:
    places = range(len(ps))
    subsets = [subset for size in range(1, len(ps) + 1) for subset in combinations(places, size)]
    closed = tuple(
        max(min(1.0, len(subset) * min(ps[one] for one in subset)) for subset in subsets if place in subset)
        for place in places
    )
    assert holm(ps) == pytest.approx(closed)


# --- a published analysis of hourly counts ---------------------------------------------------------------------------

HOURS = {
    7: (4, 9, 31, 120), 8: (9, 21, 80, 301), 9: (14, 30, 110, 404), 10: (16, 38, 118, 420), 11: (22, 50, 140, 431),
    12: (61, 98, 170, 390), 13: (70, 104, 181, 402), 14: (25, 44, 139, 420), 15: (18, 41, 121, 411),
    16: (20, 39, 130, 440), 17: (31, 60, 150, 410), 18: (12, 30, 90, 300),
}  # fmt: skip
"""Answers by hour of a made-up canteen at which the queue is longest at noon: counts of the four buttons."""


def test_best_and_worst_hours_of_hourly_counts_are_those_of_scipy() -> None:
    figures = {hour: figure(counts, IndexType.HAPPY) for hour, counts in HOURS.items()}
    found = hour_tests(figures, scores(4, IndexType.HAPPY))
    theirs = stats.chi2_contingency(list(HOURS.values()), correction=False)
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.degrees == theirs.dof
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-12)
    assert (found.differ, found.reliable) == (True, True)
    assert set(found.worst) == {12, 13}
    assert 9 in found.best
    for test in found.hours:
        scored = [value for value, count in enumerate(HOURS[test.hour]) for _ in range(count)]
        rest = [
            value
            for hour, counts in HOURS.items()
            if hour != test.hour
            for value, count in enumerate(counts)
            for _ in range(count)
        ]
        # Of the same scores, the statistic of the linear correlation with "is in this hour" is z² = n · r².
        r = stats.pearsonr([1.0] * len(scored) + [0.0] * len(rest), scored + rest).statistic
        assert test.z == pytest.approx(r * sqrt(len(scored) + len(rest)), rel=1e-9)
        assert test.differs == ((test.corrected_p or 0) < 0.05)


def test_hours_that_do_not_differ_have_neither_best_nor_worst() -> None:
    figures = {hour: figure((5, 10, 20, 65), IndexType.HAPPY) for hour in range(8, 20)}
    found = hour_tests(figures, scores(4, IndexType.HAPPY))
    assert (found.differ, found.best, found.worst) == (False, (), ())
    assert hour_tests({}, scores(4, IndexType.HAPPY)).differ is None


# --- ranking and rounding --------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 1_000)), min_size=1, max_size=20))
def test_a_ranking_score_lies_between_the_index_and_the_average(places: list[tuple[float, int]]) -> None:
    indexes, numbers = [value for value, _ in places], [number for _, number in places]
    average = sum(value * number for value, number in places) / sum(numbers)
    for value, score in zip(indexes, ranking_scores(indexes, numbers), strict=True):
        assert min(value, average) - 1e-9 <= score <= max(value, average) + 1e-9


def test_the_ranking_score_is_the_published_formula() -> None:
    # WAI = (90·10 + 60·30) / 40 = 67.5 and W = 20
    assert ranking_scores([90, 60], [10, 30]) == pytest.approx([(67.5 * 20 + 900) / 30, (67.5 * 20 + 1800) / 50])
    assert ranking_scores([], []) == ()


@pytest.mark.parametrize(
    ("counts", "index_type", "shown"),
    [
        ((17, 16, 60, 126), IndexType.HAPPY, 78),
        ((4, 2, 12, 23, 51), IndexType.HAPPY, 81),
        ((4, 2, 12, 23, 51), IndexType.AVERAGE, 4.25),
        ((1, 0, 0, 0, 1), IndexType.HAPPY, 50),
        ((0, 1, 0, 0, 0), IndexType.NPS, -100),
        ((3, 0, 0, 1), IndexType.HAPPY, 25),
        ((0, 0, 0, 1, 1), IndexType.HAPPY, 88),  # 87.5
        ((4, 0, 0, 3, 1), IndexType.NPS, -38),  # -37.5
    ],
)
def test_indexes_are_rounded_as_published(counts: tuple[int, ...], index_type: IndexType, shown: float) -> None:
    assert rounded(index(counts, index_type), index_type) == shown
