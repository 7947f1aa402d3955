"""Laws of the scales and of the index that sums answers up."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio.scale import Distribution, IndexType, Scale, index

BOUNDS = {IndexType.HAPPY: (0, 100), IndexType.NPS: (-100, 100), IndexType.NPS_OFFICIAL: (-100, 100)}

distributions = st.sampled_from(Scale).flatmap(lambda scale: st.tuples(*[st.integers(0, 10**9)] * scale.buttons))
answered = distributions.filter(any)
index_types = st.sampled_from(IndexType)


def bounds(counts: Distribution, index_type: IndexType) -> tuple[int, int]:
    return BOUNDS.get(index_type, (1, len(counts)))


def score(counts: Sequence[int], index_type: IndexType) -> float:
    result = index(counts, index_type)
    assert result is not None
    return result


def test_vendor_examples_are_met():
    four = (126, 60, 16, 17)[::-1]
    five = (51, 23, 12, 2, 4)[::-1]
    assert round(score(four, IndexType.HAPPY), 2) == 78.23
    assert score(five, IndexType.HAPPY) == 81.25
    assert score(five, IndexType.AVERAGE) == 4.25


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 0, 0, 0, 0, 0, 30, 10, 10, 20, 30), 20),  # 6 still detracts, 7 and 8 are passive, 9 and 10 promote
        ((1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0),
        ((1, 1, 4, 4), 20),  # only the top button promotes, the one below is passive
        ((1, 1, 1, 3, 4), 10),
    ],
)
def test_nps_is_promoters_less_detractors_in_percent(counts, expected):
    assert score(counts, IndexType.NPS) == expected
    assert score(counts, IndexType.NPS_OFFICIAL) == expected


def test_scales_are_spelled_as_both_apis_do():
    assert [(scale.name, scale.code, scale.buttons) for scale in Scale] == [
        ("FOUR", "four", 4),
        ("FIVE", "five", 5),
        ("FIVE_REVERSED", "five_reversed", 5),
        ("NPS", "nps", 11),
    ]
    assert all(Scale(scale.code) is scale for scale in Scale)


@given(st.sampled_from(Scale), index_types)
def test_without_answers_there_is_no_score(scale, index_type):
    assert index((0,) * scale.buttons, index_type) is None


@given(answered, index_types)
def test_index_stays_within_its_bounds_and_reaches_them(counts, index_type):
    lowest, highest = bounds(counts, index_type)
    assert lowest <= score(counts, index_type) <= highest
    nothing = (0,) * (len(counts) - 1)
    assert score((sum(counts), *nothing), index_type) == lowest
    assert score((*nothing, sum(counts)), index_type) == highest


@given(answered, index_types, st.data())
def test_a_better_answer_never_lowers_the_score(counts, index_type, data):
    worse = data.draw(st.sampled_from([button for button, count in enumerate(counts) if count]))
    better = data.draw(st.integers(worse, len(counts) - 1))
    improved = list(counts)
    improved[worse] -= 1
    improved[better] += 1
    assert score(improved, index_type) >= score(counts, index_type)


@given(answered, index_types, st.integers(1, 1000))
def test_the_index_depends_on_shares_alone(counts, index_type, times):
    assert score([times * count for count in counts], index_type) == score(counts, index_type)


@given(answered)
def test_turning_opinions_round_mirrors_happy_index_and_average(counts):
    turned = counts[::-1]
    assert score(turned, IndexType.HAPPY) == pytest.approx(100 - score(counts, IndexType.HAPPY))
    assert score(turned, IndexType.AVERAGE) == pytest.approx(len(counts) + 1 - score(counts, IndexType.AVERAGE))


@pytest.mark.parametrize("counts", [(), (1,), (1, 2, 3), (1,) * 12, (1, -1, 5, 5)])
def test_what_no_scale_can_have_counted_is_refused(counts):
    with pytest.raises(ValueError, match="scale"):
        score(counts, IndexType.HAPPY)
