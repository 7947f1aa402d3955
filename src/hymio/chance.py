"""Statistics of answers: intervals of an index, tests of whether groups of answers differ by chance, corrections.

Answers are counted by button; a button's score is its share of the index, from 0 (most negative) to 1. All functions
are pure and use no random numbers, so that the same counts always give the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import erfc, exp, lgamma, log, sqrt
from operator import mul
from typing import Final, NamedTuple

from hymio.scale import IndexType, Scale

Z_95: Final = 1.959963984540054
"""The quantile 0.975 of the normal distribution: intervals are of 95 %."""

_MAX_STEPS: Final = 10_000
_PRECISION: Final = 1e-15


# --- scores and intervals --------------------------------------------------------------------------------------------


class Interval(NamedTuple):
    """The range in which the index lies with 95 % confidence, in the unit of the index."""

    low: float
    high: float


class Moments(NamedTuple):
    """The number of answers, and the mean and variance (divisor n) of their scores; all 0 without answers."""

    number: int
    mean: float
    variance: float


@cache
def scores(buttons: int, index_type: IndexType) -> tuple[float, ...]:
    """The score of each button from 0 to 1; the index is linear in their mean (`bounds_of_index`).

    For NPS, detractors have 0, passives 0.5 and promoters 1, grouped as `scale.index` does.
    """
    if index_type in (IndexType.HAPPY, IndexType.AVERAGE):
        return tuple(button / (buttons - 1) for button in range(buttons))
    top = 2 if buttons == Scale.NPS.buttons else 1
    return (0.0,) * (buttons - 2 * top) + (0.5,) * top + (1.0,) * top


def bounds_of_index(buttons: int, index_type: IndexType) -> tuple[float, float]:
    """The least and the greatest value of an index: those of answers with the scores 0 and 1."""
    if index_type is IndexType.HAPPY:
        return 0.0, 100.0
    return (1.0, float(buttons)) if index_type is IndexType.AVERAGE else (-100.0, 100.0)


def moments(counts: Sequence[float], values: Sequence[float]) -> Moments:
    """Number, mean and variance of answers whose buttons have these scores."""
    number = sum(counts)
    if not number:
        return Moments(0, 0.0, 0.0)
    mean = sum(count * value for count, value in zip(counts, values, strict=True)) / number
    variance = sum(count * (value - mean) ** 2 for count, value in zip(counts, values, strict=True)) / number
    return Moments(int(number), mean, variance)


def interval(counts: Sequence[int], index_type: IndexType) -> Interval | None:
    """The 95 % interval of an index: Wilson's score interval with the variance of the scores; None without answers.

    Wilson's interval of a share p takes the variance p(1 - p). Scores between 0 and 1 vary less, by the factor
    s² / (p(1 - p)); the interval is Wilson's for n divided by that factor. The factor is computed with one more answer
    at each end, so that equal answers do not give an interval of length 0. If only the ends of the scale were pressed
    the factor is 1, and this is exactly Wilson's interval.
    """
    values = scores(len(counts), index_type)
    number = sum(counts)
    if not number:
        return None
    total = sum(map(mul, counts, values))
    squares = sum(map(mul, counts, map(mul, values, values)))
    shrunk = (total + 1) / (number + 2)  # the score 0 of the one more answer at the lower end adds nothing
    variance = (squares + 1) / (number + 2) - shrunk * shrunk
    low, high = _wilson(total / number, number * shrunk * (1 - shrunk) / variance)
    least, most = bounds_of_index(len(counts), index_type)
    return Interval(least + (most - least) * low, least + (most - least) * high)


def _wilson(share: float, number: float) -> tuple[float, float]:
    """Wilson's score interval of a share of a number of answers, which need not be whole."""
    z2 = Z_95 * Z_95
    middle = (share + z2 / (2 * number)) / (1 + z2 / number)
    half = Z_95 * sqrt(share * (1 - share) / number + z2 / (4 * number * number)) / (1 + z2 / number)
    return max(0.0, middle - half), min(1.0, middle + half)


# --- tests -----------------------------------------------------------------------------------------------------------


class ChiSquare(NamedTuple):
    """Pearson's test of independence: the statistic, its degrees of freedom, p, and the least expected count.

    The approximation is good if most expected counts are at least 5.
    """

    statistic: float
    degrees: int
    p: float
    least_expected: float


def chi_square(table: Sequence[Sequence[int]]) -> ChiSquare | None:
    """Whether the rows of a table of counts differ beyond chance, without continuity correction.

    Empty rows and columns are left out; None if fewer than two rows or columns remain.
    """
    used = [row for row in table if sum(row)]
    columns = [column for column in zip(*used, strict=True) if sum(column)]
    if len(used) < 2 or len(columns) < 2:
        return None
    totals, sums = [sum(row) for row in used], [sum(column) for column in columns]
    number = sum(totals)
    statistic, least = 0.0, float(number)
    for column, of_column in zip(columns, sums, strict=True):
        for observed, of_row in zip(column, totals, strict=True):
            expected = of_row * of_column / number
            statistic += (observed - expected) ** 2 / expected
            least = min(least, expected)
    degrees = (len(used) - 1) * (len(columns) - 1)
    return ChiSquare(statistic, degrees, chi_square_p(statistic, degrees), least)


def difference_z(part: Moments, rest: Moments) -> float | None:
    """The z value of the difference of two means of scores, with the variance of all answers together.

    For scores of 0 and 1 it is the usual test of two shares. None if one has no answers or all scores are equal.
    """
    if not part.number or not rest.number:
        return None
    number = part.number + rest.number
    mean = (part.number * part.mean + rest.number * rest.mean) / number
    within = part.number * (part.variance + (part.mean - mean) ** 2)
    variance = (within + rest.number * (rest.variance + (rest.mean - mean) ** 2)) / number
    if variance <= _PRECISION:
        return None
    return (part.mean - rest.mean) / sqrt(variance * (1 / part.number + 1 / rest.number))


def without(whole: Moments, part: Moments) -> Moments:
    """The moments of the answers that are in `whole` and not in `part`."""
    number = whole.number - part.number
    if number <= 0:
        return Moments(0, 0.0, 0.0)
    mean = (whole.number * whole.mean - part.number * part.mean) / number
    squares = whole.number * (whole.variance + whole.mean**2) - part.number * (part.variance + part.mean**2)
    return Moments(number, mean, max(0.0, squares / number - mean * mean))


def two_sided_p(z: float) -> float:
    """The probability of a normal variable at least as far from 0 as `z`."""
    return erfc(abs(z) / sqrt(2))


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """p values corrected for testing several hypotheses (Holm 1979), in the given order.

    The k-th smallest of n is multiplied by n - k + 1, is at least the one before it, and at most 1.
    """
    order = sorted(range(len(ps)), key=ps.__getitem__)
    corrected, largest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = largest
    return tuple(corrected)


def chi_square_p(statistic: float, degrees: int) -> float:
    """The probability that a chi-square variable with these degrees of freedom is at least `statistic`."""
    half = statistic / 2
    return 1.0 if half <= 0 else _upper_gamma(degrees / 2, half)


def _upper_gamma(a: float, x: float) -> float:
    """The regularized upper incomplete gamma function Q(a, x): a series for small x, otherwise a continued fraction."""
    scale = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for step in range(1, _MAX_STEPS):
            term *= x / (a + step)
            total += term
            if term < total * _PRECISION:
                break
        return max(0.0, 1 - scale * total)
    return scale * _fraction(a, x)


def _fraction(a: float, x: float) -> float:
    """The continued fraction of Q(a, x), by Lentz's method (Numerical Recipes, 6.2)."""
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    value = d
    for step in range(1, _MAX_STEPS):
        factor = -step * (step - a)
        b += 2
        d = 1 / _nonzero(factor * d + b, tiny)
        c = _nonzero(b + factor / c, tiny)
        value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _nonzero(value: float, tiny: float) -> float:
    return value if abs(value) >= tiny else tiny


# --- ranking ---------------------------------------------------------------------------------------------------------


def ranking_scores(indexes: Sequence[float], numbers: Sequence[int]) -> tuple[float, ...]:
    """The published ranking score of each place: (WAI · W + I · R) / (W + R).

    I and R are a place's index and number of answers, WAI the mean of all indexes weighted by the numbers, and W the
    mean number. A place with few answers is ranked near the average, so that chance puts it neither first nor last.
    """
    total = sum(numbers)
    if not total:
        return tuple(indexes)
    average = sum(value * number for value, number in zip(indexes, numbers, strict=True)) / total
    weight = total / len(numbers)
    return tuple(
        (average * weight + value * number) / (weight + number) for value, number in zip(indexes, numbers, strict=True)
    )
