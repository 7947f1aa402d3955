"""The charts over time: the trend of the period, and the hours of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import zip_longest
from typing import Final

from hymio.errors import Phrase
from hymio.period import Grain
from hymio.report.charts.chart import Chart, ChartTable
from hymio.report.charts.timeline import HEIGHT, Spot, Timeline
from hymio.report.charts.wording import ANSWERS, NOTHING, Words, words_of
from hymio.report.values import Report
from hymio.report.wording import GRAIN_NAMES
from hymio.texts.localization import Localization

PROFILE: Final = Phrase("By hour of the day")
NOTE: Final = Phrase("index with interval (line) · answers (bars)")
NOTE_COMPARED: Final = Phrase("index with interval (line) · before (dashed) · answers (bars)")
FROM: Final = Phrase("From")
HOUR: Final = Phrase("Hour")
BEFORE: Final = Phrase("Before")
SAYS: Final = Phrase("{index} from {low} to {high}")

_LABELS: Final = {Grain.HOUR: "Hm", Grain.DAY: "MMMd", Grain.WEEK: "MMMd", Grain.MONTH: "yMMM", Grain.YEAR: "y"}
_NAMES: Final = {Grain.HOUR: "MMMEd", Grain.DAY: "yMMMEd", Grain.WEEK: "yMMMd", Grain.MONTH: "yMMMM", Grain.YEAR: "y"}


def trend(report: Report, localization: Localization, width: float) -> Chart | None:
    """The index over the period with its interval, the compared period, and the answers; None without answers."""
    words = words_of(report, localization)
    if words is None:
        return None
    title = words.text(GRAIN_NAMES[report.grain])
    is_compared = any(line.figure.index is not None for line in report.compared_trend)
    note = words.text(NOTE_COMPARED if is_compared else NOTE)
    return _chart("trend", title, note, words, list(_spots(report, localization)), width, words.text(FROM))


def profile(report: Report, localization: Localization, width: float) -> Chart | None:
    """The index and the number of answers by hour of the day; None without answers."""
    words = words_of(report, localization)
    if words is None:
        return None
    spots = [Spot(words.number(cell.hour), localization.hour(cell.hour), cell.figure) for cell in report.profile]
    return _chart("profile", words.text(PROFILE), words.text(NOTE), words, spots, width, words.text(HOUR))


def _spots(report: Report, localization: Localization) -> Iterator[Spot]:
    """The lines of the trend, each with that of the compared period at the same place, if there is one."""
    grain = Grain(report.grain)
    dates = _dates(report)
    for place, (line, before) in enumerate(zip_longest(report.trend, report.compared_trend[: len(report.trend)])):
        label, name = (localization.dated(line.start, names[grain]) for names in (_LABELS, _NAMES))
        full = f"{name}, {label}" if grain is Grain.HOUR else name
        yield Spot(label, full, line.figure, None if before is None else before.figure, dates[place] if dates else None)


def _dates(report: Report) -> list[tuple[date, date]]:
    """The first and the last date of each line of the trend, within the period; empty for a trend by hour."""
    if report.grain == Grain.HOUR.value:
        return []
    starts = [line.start.date() for line in report.trend]
    ends = [*(start - timedelta(days=1) for start in starts[1:]), report.period.last]
    return [
        (max(start, report.period.first), min(end, report.period.last)) for start, end in zip(starts, ends, strict=True)
    ]


def _chart(
    name: str, title: str, note: str, words: Words, spots: Sequence[Spot], width: float, head: str
) -> Chart:  # fmt: skip
    marks = tuple(Timeline(words, spots, width).marks())
    says, table = f"{title}: {_says(words, spots)}", _table(words, spots, head)
    chart = Chart(name, title, note, says, width, HEIGHT, marks, table)
    return chart.mirrored() if words.localization.direction == "rtl" else chart


def _says(words: Words, spots: Sequence[Spot]) -> str:
    """The range of the index, and where it is lowest and highest."""
    indexed = [spot for spot in spots if spot.figure.index is not None]
    if not indexed:
        return NOTHING
    low = min(indexed, key=lambda spot: spot.figure.index or 0)
    high = max(indexed, key=lambda spot: spot.figure.index or 0)
    return words.text(
        SAYS,
        index=words.index_name,
        low=f"{words.index(low.figure)} ({low.name})",
        high=f"{words.index(high.figure)} ({high.name})",
    )


def _table(words: Words, spots: Sequence[Spot], head: str) -> ChartTable:
    is_compared = any(spot.before is not None for spot in spots)
    compared = (f"{words.text(BEFORE)}: {words.index_name}", f"{words.text(BEFORE)}: {words.text(ANSWERS)}")
    rows = []
    for spot in spots:
        before = (NOTHING, NOTHING) if spot.before is None else (words.index(spot.before), words.answers(spot.before))
        rows.append((spot.name, *words.cells(spot.figure), *(before if is_compared else ())))
    return ChartTable((head, *words.figure_columns, *(compared if is_compared else ())), tuple(rows))
