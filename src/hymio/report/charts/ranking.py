"""The chart of the children of a node in the order of their ranking: a dot for each index, a line for its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hymio.errors import Phrase
from hymio.report.charts.axes import index_ticks, labelled, scaled
from hymio.report.charts.chart import Anchor, Chart, ChartTable, Dot, Group, Label, Mark, Rect, Stroke
from hymio.report.charts.paints import Paint
from hymio.report.charts.wording import NOTHING, Words, fitted, one_line, width_of, words_of
from hymio.report.values import ChildLine, Report
from hymio.texts.localization import Localization

TITLE: Final = Phrase("Ranking")
NOTE: Final = Phrase("index (dot) with interval (line)")
NOTE_OF_SOME: Final = Phrase("index (dot) with interval (line) · the first {shown} of {all}")
RANK: Final = Phrase("Rank")
PLACE: Final = Phrase("Place")

MOST: Final = 30
"""Children that are drawn; the table has all."""

_ROW, _TALL_ROW, _HEAD, _PHONE = 30.0, 46.0, 22.0, 480.0


def ranking(report: Report, localization: Localization, width: float, most: int = MOST) -> Chart | None:
    """The first `most` children by rank that have an index; None if there are none."""
    words = words_of(report, localization)
    ranked = [line for line in report.children if line.rank is not None]
    if words is None or not ranked:
        return None
    rows = _Rows(words, ranked[:most], width)
    shown, total = words.number(len(rows.lines)), words.number(len(ranked))
    note = words.text(NOTE_OF_SOME, shown=shown, all=total) if len(ranked) > most else words.text(NOTE)
    title = words.text(TITLE)
    ends = dict.fromkeys((0, len(ranked) - 1))
    says = ". ".join([title, *(words.tip(_name(ranked[place]), ranked[place].figure) for place in ends)])
    chart = Chart("ranking", title, note, says, width, rows.height, tuple(rows.marks()), _table(words, report))
    return chart.mirrored() if localization.direction == "rtl" else chart


@dataclass(frozen=True, slots=True)
class _Rows:
    """A row for each child: name, index and interval; on a phone the name is above."""

    words: Words
    lines: Sequence[ChildLine]
    width: float

    @property
    def is_narrow(self) -> bool:
        """Whether names are above their lines."""
        return self.width < _PHONE

    @property
    def height(self) -> float:
        """The height of the chart."""
        return _HEAD + len(self.lines) * (_TALL_ROW if self.is_narrow else _ROW) + 4

    @property
    def _names(self) -> float:
        """The width of the column of names."""
        longest = max(width_of(_name(line), 14) for line in self.lines)
        return self.width if self.is_narrow else min(longest, self.width * 0.34)

    @property
    def _span(self) -> tuple[float, float]:
        """Where the axis begins and ends."""
        left = 8.0 if self.is_narrow else self._names + 24
        numbers = max(width_of(self.words.answers(line.figure), 12) for line in self.lines)
        return left, self.width - 56 - numbers

    def marks(self) -> Iterator[Mark | Group]:
        """The axis, then the rows."""
        ticks = index_ticks([line.figure for line in self.lines], self.words.range)
        yield from self._axis(ticks)
        for place, line in enumerate(self.lines):
            yield Group(self.words.tip(_name(line), line.figure), tuple(self._row(place, line, ticks)))

    def _axis(self, ticks: Sequence[float]) -> Iterator[Mark]:
        left, right = self._span
        for place in labelled(len(ticks), max(2, int((right - left) / 40))):
            x = scaled(ticks[place], ticks, left, right)
            text = self.words.localization.number(ticks[place], 0 if ticks[place] == int(ticks[place]) else 1)
            yield Stroke(Paint.GRID, ((x, _HEAD - 4), (x, self.height)))
            yield Label(Paint.TEXT, x, 12, text, Anchor.MIDDLE)

    def _row(self, place: int, line: ChildLine, ticks: Sequence[float]) -> Iterator[Mark]:
        left, right = self._span
        top = _HEAD + place * (_TALL_ROW if self.is_narrow else _ROW)
        y = top + (32 if self.is_narrow else _ROW / 2)
        yield Rect(Paint.HIT, 0, top, self.width, _TALL_ROW if self.is_narrow else _ROW)
        name_y = top + 16 if self.is_narrow else y + 5
        yield Label(Paint.INK, 0, name_y, fitted(_name(line), self._names, 14), Anchor.START, 14)
        one = line.figure
        if one.low is not None and one.high is not None:
            ends = (scaled(one.low, ticks, left, right), y), (scaled(one.high, ticks, left, right), y)
            yield Stroke(Paint.WHISKER, ends)
        if one.index is not None:
            yield Dot(Paint.DOT, scaled(one.index, ticks, left, right), y, 4.5)
        yield Label(Paint.INK, right + 44, y + 5, self.words.index(one), Anchor.END, 15, is_bold=True)
        yield Label(Paint.TEXT, self.width, y + 5, self.words.answers(one), Anchor.END)


def _name(line: ChildLine) -> str:
    return one_line(line.node.name)


def _table(words: Words, report: Report) -> ChartTable:
    """All children, those without an index too."""
    rows = tuple(
        (NOTHING if line.rank is None else words.number(line.rank), _name(line), *words.cells(line.figure))
        for line in report.children
    )
    return ChartTable((words.text(RANK), words.text(PLACE), *words.figure_columns), rows, heads=2)
