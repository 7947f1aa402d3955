"""Report values that no store has made: of every scale and index, withheld, empty, large, and with any names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from hymio.period import Grain
from hymio.report.figures import WITHHELD, button_lines, figure
from hymio.report.trend import FEW, band_of, limits_of
from hymio.report.values import (
    Bands,
    Cell,
    ChildLine,
    Figure,
    Filters,
    Misuse,
    MisuseLine,
    NodeLine,
    PeriodLine,
    Report,
    SurveyLine,
    TrendLine,
    Withholding,
)
from hymio.scale import IndexType, Scale

SURVEYS = (
    (Scale.FOUR, IndexType.HAPPY),
    (Scale.FIVE, IndexType.AVERAGE),
    (Scale.FIVE_REVERSED, IndexType.HAPPY),
    (Scale.NPS, IndexType.NPS_OFFICIAL),
    (Scale.FOUR, IndexType.NPS),
)
names = st.text(max_size=60) | st.sampled_from(
    ["<script>alert('x')</script>", "&amp; ]]> \"'", "\x00\x0b\ud800\uffff", "\u202eturned\u2066", "مطار", "x" * 300]
)
_STEPS = {Grain.HOUR: 1, Grain.DAY: 24, Grain.WEEK: 168, Grain.MONTH: 732, Grain.YEAR: 8766}


@st.composite
def report_values(draw: st.DrawFn) -> Report:
    """A report whose sections need not belong together; what a chart shows of it depends on its own section alone."""
    scale, index_type = draw(st.sampled_from(SURVEYS))
    random, most = Random(draw(st.integers(0, 2**32))), draw(st.sampled_from([1, 30, 5_000, 50_000_000]))
    empty, withheld = draw(st.sampled_from([(0.0, 0.0), (0.3, 0.0), (0.3, 0.3), (0.0, 1.0)]))
    grain = draw(st.sampled_from([*Grain]))
    named = draw(st.lists(names, max_size=8))

    def one() -> Figure:
        if random.random() < withheld:
            return WITHHELD
        is_empty = random.random() < empty
        return figure([0 if is_empty else random.randint(0, most) for _ in range(scale.buttons)], index_type)

    def trend(number: int) -> tuple[TrendLine, ...]:
        start, step = datetime(2025, 1, 1, tzinfo=UTC), timedelta(hours=_STEPS[grain])
        return tuple(TrendLine(start=start + step * line, figure=one(), partial=False) for line in range(number))

    def cell(weekday: int | None, hour: int) -> Cell:
        here = one()
        return Cell(
            weekday=weekday,
            hour=hour,
            figure=here,
            band=None if here.index is None else band_of(here.index, limits),
            count_band=band_of(here.number, fifths) if here.number else None,
            few=bool(here.number) and (here.number or 0) < FEW,
        )

    limits = limits_of(index_type, scale.buttons)
    fifths = tuple(sorted(random.randint(1, most) for _ in range(4)))
    whole = figure([random.randint(1, most) for _ in range(scale.buttons)], index_type)
    day = date(2025, 1, 1)
    days = tuple(_misuse(day + timedelta(line), random) for line in range(draw(st.sampled_from([0, 1, 31, 400]))))
    node = NodeLine(id=1, name=draw(names), path=draw(names), is_point=False)
    survey = SurveyLine(
        id=1, question=draw(names), locale="en", scale=scale.code, index_type=index_type.value, buttons=scale.buttons,
        type="customer", figure=whole,
    )  # fmt: skip
    return Report(
        node=node,
        period=PeriodLine(first=day, last=date(2025, 12, 31), days=365, name="2025"),
        compared_period=None,
        zones=("Europe/Helsinki",),
        adds_local_hours=False,
        filters=Filters(smiley_type=None, weekdays=None, hours=None, text="", text_buttons=None, spam=False),
        asked={},
        link="/reports/1?asOf=1",
        revision=1,
        revised_at=None,
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        surveys=(survey,),
        survey=survey,
        summary=whole,
        compared=None,
        change=None,
        distribution=button_lines(whole, scale),
        grain=grain.value,
        trend=trend(draw(st.sampled_from([1, 2, 24, 70]))),
        compared_trend=trend(draw(st.sampled_from([0, 1, 70]))),
        hours=None,
        bands=Bands(index=limits, answers=fifths, few=FEW),
        heat_map=tuple(cell(weekday, hour) for weekday in range(7) for hour in range(24)),
        profile=tuple(cell(None, hour) for hour in range(24)),
        children=tuple(_child(place, name, one()) for place, name in enumerate(named)),
        times=None,
        followups=None,
        texts=None,
        misuse=Misuse(raw=0, counted=0, closed=0, repeat=0, burst=0, interval=0, days=days),
        completeness=None,
        places=(),
        withholding=Withholding(minimum=1, left_out=False),
    )


def _child(place: int, name: str, here: Figure) -> ChildLine:
    has_rank = here.index is not None
    return ChildLine(
        node=NodeLine(id=place, name=name, path=name, is_point=True),
        figure=here,
        compared=None,
        change=None,
        score=here.index,
        rank=place + 1 if has_rank else None,
    )


def _misuse(day: date, random: Random) -> MisuseLine:
    closed, repeat, counted = random.randint(0, 5), random.randint(0, 5), random.randint(0, 2_000)
    raw = closed + repeat + counted
    return MisuseLine(day=day, raw=raw, counted=counted, closed=closed, repeat=repeat, burst=0, interval=0)
