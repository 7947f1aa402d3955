"""Best and worst times: whether the hours of the day differ beyond chance at all, and which of them do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hymio.chance import chi_square, difference_z, holm, moments, ranking_scores, scores, two_sided_p, without
from hymio.report.source import Source
from hymio.report.values import Figure, HourTest, Times

LEVEL: Final = 0.05
_LISTED: Final = 3
_LEAST_EXPECTED: Final = 5


def times_of(source: Source) -> Times:
    """The tests of the hours of the day that have answers."""
    return tests_of_hours(source.by_hour_of_day, scores(source.buttons, source.index_type))


def tests_of_hours(figures: Mapping[int, Figure], values: Sequence[float]) -> Times:
    """The chi-square test over hours and buttons, and each hour against the rest, whose buttons have these scores."""
    counts = {hour: figures[hour].counts or () for hour in sorted(figures) if figures[hour].number}
    overall = chi_square([counts[hour] for hour in counts])
    hours = _hour_tests(figures, counts, values)
    differ = None if overall is None else overall.p < LEVEL
    apart = [test for test in hours if test.differs] if differ else []
    best = sorted((test for test in apart if (test.z or 0) > 0), key=lambda test: (-test.score, test.hour))
    worst = sorted((test for test in apart if (test.z or 0) < 0), key=lambda test: (test.score, test.hour))
    return Times(
        statistic=None if overall is None else overall.statistic,
        degrees=None if overall is None else overall.degrees,
        p=None if overall is None else overall.p,
        differ=differ,
        reliable=overall is not None and overall.least_expected >= _LEAST_EXPECTED,
        hours=tuple(hours),
        best=tuple(test.hour for test in best[:_LISTED]),
        worst=tuple(test.hour for test in worst[:_LISTED]),
    )


def _hour_tests(
    figures: Mapping[int, Figure], counts: Mapping[int, Sequence[int]], values: Sequence[float]
) -> list[HourTest]:
    """Each hour against all others; hours that cannot be tested have no p and do not count in the correction."""
    if not counts:
        return []
    whole = moments([sum(column) for column in zip(*counts.values(), strict=True)], values)
    parts = {hour: moments(of_hour, values) for hour, of_hour in counts.items()}
    zs = {hour: difference_z(part, without(whole, part)) for hour, part in parts.items()}
    ps = {hour: two_sided_p(z) for hour, z in zs.items() if z is not None}
    corrected = dict(zip(ps, holm(list(ps.values())), strict=True))
    ranked = ranking_scores([figures[hour].index or 0.0 for hour in counts], [sum(one) for one in counts.values()])
    return [
        HourTest(
            hour=hour,
            figure=figures[hour],
            score=score,
            z=zs[hour],
            p=ps.get(hour),
            corrected_p=corrected.get(hour),
            differs=corrected.get(hour, 1.0) < LEVEL,
        )
        for hour, score in zip(counts, ranked, strict=True)
    ]
