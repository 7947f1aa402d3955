"""The heat maps of weekdays and hours: by index and by number of answers, with the number in each cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hymio.errors import Phrase
from hymio.report.charts.chart import Anchor, Chart, ChartTable, Group, Hatch, Label, Mark, Rect
from hymio.report.charts.paints import FACES, FIFTHS, ON_FACES, ON_FIFTHS, Paint
from hymio.report.charts.wording import Words, width_of, words_of
from hymio.report.values import Bands, Cell, Report
from hymio.texts.localization import Localization

INDEX_TITLE: Final = Phrase("{index} by weekday and hour")
COUNT_TITLE: Final = Phrase("Answers by weekday and hour")
FEWER: Final = Phrase("fewer than {number} answers")
BELOW: Final = Phrase("below {limit}")
UP_FROM: Final = Phrase("from {limit}")
WEEKDAY: Final = Phrase("Weekday")
HOUR: Final = Phrase("Hour")

_GAP, _CELL_HEIGHT, _LEAST_CELL = 3.0, 30.0, 26.0
_HEAD, _LEGEND, _SWATCH = 20.0, 24.0, 14.0
_SMALLEST: Final = 8.0
"""Letters in cells are not smaller; a longer number is abbreviated, and the table has it in full."""


def index_heat_map(report: Report, localization: Localization, width: float) -> Chart | None:
    """The index of each weekday and hour; None without answers."""
    return _heat_map(report, localization, width, by_index=True)


def count_heat_map(report: Report, localization: Localization, width: float) -> Chart | None:
    """The number of answers of each weekday and hour; None without answers."""
    return _heat_map(report, localization, width, by_index=False)


def _heat_map(report: Report, localization: Localization, width: float, *, by_index: bool) -> Chart | None:
    words = words_of(report, localization)
    if words is None or report.bands is None:
        return None
    grid = _Grid(words, report.heat_map, report.bands, width, by_index=by_index)
    title = words.text(INDEX_TITLE, index=words.index_name) if by_index else words.text(COUNT_TITLE)
    marks = tuple(grid.marks())
    name = "heat-map-index" if by_index else "heat-map-count"
    chart = Chart(name, title, "", _description(title, grid), width, grid.height, marks, _table(grid))
    return chart.mirrored() if localization.direction == "rtl" else chart


class _Grid:
    """The cells in rows and columns: weekdays are rows where there is room for the hours, otherwise columns.

    `size` has the width and height of a cell with the gap after it; `left` is where the first column begins.
    """

    def __init__(self, words: Words, cells: tuple[Cell, ...], bands: Bands, width: float, *, by_index: bool) -> None:
        self.words, self.cells, self.bands, self.width, self.by_index = words, cells, bands, width, by_index
        hours = [cell.hour for cell in cells if cell.figure.number or cell.figure.is_withheld] or [0, 23]
        self.hours = range(min(hours), max(hours) + 1)
        self.weekdays = words.localization.weekdays
        self.days = {day: words.localization.weekday(day, "abbreviated") for day in range(7)}
        self.hour_names = {hour: words.localization.hour(hour) for hour in self.hours}
        left = max(width_of(name, 12) for name in self.days.values()) + 10
        self.is_upright = (width - left) / len(self.hours) < _LEAST_CELL
        self.left = 30.0 if self.is_upright else left
        columns = 7 if self.is_upright else len(self.hours)
        self.size = (width - self.left + _GAP) / columns, _CELL_HEIGHT + _GAP
        self.legend_lines = self._legend_lines()

    def _legend_lines(self) -> list[list[tuple[Mark | None, str]]]:
        """The legend in lines that are not wider than the chart."""
        lines: list[list[tuple[Mark | None, str]]] = [[]]
        room = self.width
        for key in self._keys():
            needed = _SWATCH + 6 + width_of(key[1], 12) + 16
            if needed > room and lines[-1]:
                lines.append([])
                room = self.width
            lines[-1].append(key)
            room -= needed
        return lines

    @property
    def height(self) -> float:
        """The height of the chart."""
        rows = len(self.hours) if self.is_upright else 7
        return _HEAD + rows * self.size[1] + 4 + len(self.legend_lines) * _LEGEND

    def marks(self) -> Iterator[Mark | Group]:
        """Heads, cells and legend."""
        yield from self._heads()
        for cell in self.cells:
            if cell.weekday is not None and cell.hour in self.hours:
                yield self._cell(cell, *self._place(cell.weekday, cell.hour))
        yield from self._legend()

    def name(self, cell: Cell) -> str:
        """A cell in words."""
        return f"{self.days[cell.weekday or 0]} {self.hour_names[cell.hour]}"

    def _place(self, weekday: int, hour: int) -> tuple[float, float]:
        """The upper left corner of a cell."""
        day, column = self.weekdays.index(weekday), hour - self.hours[0]
        (across, down), (width, height) = ((day, column) if self.is_upright else (column, day)), self.size
        return self.left + across * width, _HEAD + down * height

    def _heads(self) -> Iterator[Mark]:
        width, height = self.size
        days = [self.days[day] for day in self.weekdays]
        hours = [self.words.number(hour) for hour in self.hours]
        across, down = (days, hours) if self.is_upright else (hours, days)
        for place, text in enumerate(across):
            yield Label(Paint.TEXT, self.left + place * width + (width - _GAP) / 2, 13, text, Anchor.MIDDLE)
        for place, text in enumerate(down):
            x, anchor = (self.left - 8, Anchor.END) if self.is_upright else (0.0, Anchor.START)
            yield Label(Paint.TEXT, x, _HEAD + place * height + _CELL_HEIGHT / 2 + 4, text, anchor)

    def _cell(self, cell: Cell, x: float, y: float) -> Group:
        width = self.size[0] - _GAP
        marks: list[Mark] = list(self._ground(cell, x, y, width))
        text, size = self._text(cell, width)
        if text:
            marks.append(Label(self._ink(cell), x + width / 2, y + _CELL_HEIGHT / 2 + 4, text, Anchor.MIDDLE, size))
        return Group(self.words.tip(self.name(cell), cell.figure), tuple(marks))

    def _ground(self, cell: Cell, x: float, y: float, width: float) -> Iterator[Mark]:
        """The colour of a cell; one with few answers is hatched instead."""
        band = cell.band if self.by_index else cell.count_band
        if band is None or (cell.few and self.by_index):
            yield Rect(Paint.EMPTY, x, y, width, _CELL_HEIGHT, 5)
        else:
            yield Rect((FACES if self.by_index else FIFTHS)[band], x, y, width, _CELL_HEIGHT, 5)
        if cell.few and self.by_index:
            yield Hatch(x, y, width, _CELL_HEIGHT)

    def _ink(self, cell: Cell) -> Paint:
        band = cell.band if self.by_index else cell.count_band
        if band is None or (cell.few and self.by_index):
            return Paint.INK
        return (ON_FACES if self.by_index else ON_FIFTHS)[band]

    def _text(self, cell: Cell, width: float) -> tuple[str, float]:
        """The number in a cell and the size of its letters; nothing where there are no answers."""
        if not cell.figure.is_withheld and not cell.figure.number:
            return "", 12
        text = self.words.index(cell.figure) if self.by_index else self.words.answers(cell.figure)
        size = min(12.0, 12 * (width - 2) / max(1.0, width_of(text, 12)))
        if size < _SMALLEST and cell.figure.number:
            text = self.words.localization.compact(cell.figure.number)
            size = min(12.0, 12 * (width - 2) / max(1.0, width_of(text, 12)))
        return text, size

    def _keys(self) -> Iterator[tuple[Mark | None, str]]:
        """The meaning of each colour, and of the hatch."""
        if not self.by_index:
            starts = [1, *self.bands.answers]
            for paint, start, above in zip(FIFTHS, starts, [*starts[1:], None], strict=False):
                if start != above:
                    text = self.words.text(UP_FROM, limit=self.words.number(start))
                    yield Rect(paint, 0, 0, _SWATCH, _SWATCH, 3), text
            return
        limits = [self.words.localization.number(value, 0 if value == int(value) else 1) for value in self.bands.index]
        yield Rect(FACES[0], 0, 0, _SWATCH, _SWATCH, 3), self.words.text(BELOW, limit=limits[0])
        for paint, limit in zip(FACES[1:], limits, strict=False):
            yield Rect(paint, 0, 0, _SWATCH, _SWATCH, 3), self.words.text(UP_FROM, limit=limit)
        if any(cell.few for cell in self.cells):
            yield None, self.words.text(FEWER, number=self.words.number(self.bands.few))

    def _legend(self) -> Iterator[Mark]:
        y = self.height - len(self.legend_lines) * _LEGEND + 6
        for line in self.legend_lines:
            x = 0.0
            for swatch, text in line:
                if isinstance(swatch, Rect):
                    yield Rect(swatch.paint, x, y, _SWATCH, _SWATCH, 3)
                else:
                    yield Rect(Paint.EMPTY, x, y, _SWATCH, _SWATCH, 3)
                    yield Hatch(x, y, _SWATCH, _SWATCH)
                yield Label(Paint.TEXT, x + _SWATCH + 6, y + 11, text)
                x += _SWATCH + 6 + width_of(text, 12) + 16
            y += _LEGEND


def _description(title: str, grid: _Grid) -> str:
    """The cells with the lowest and the highest values in words."""
    shown = [cell for cell in grid.cells if cell.figure.number]
    if grid.by_index:
        shown = [cell for cell in shown if not cell.few] or shown

    def value(cell: Cell) -> float:
        return (cell.figure.index or 0.0) if grid.by_index else float(cell.figure.number or 0)

    ends = [min(shown, key=value), max(shown, key=value)] if shown else []
    return ". ".join([title, *(grid.words.tip(grid.name(cell), cell.figure) for cell in ends)])


def _table(grid: _Grid) -> ChartTable:
    """The cells with answers, by weekday and hour."""
    words = grid.words
    by_day = sorted(grid.cells, key=lambda cell: (grid.weekdays.index(cell.weekday or 0), cell.hour))
    rows = tuple(
        (
            grid.days[cell.weekday or 0],
            grid.hour_names[cell.hour],
            *words.cells(cell.figure),
        )
        for cell in by_day
        if cell.figure.number or cell.figure.is_withheld
    )
    return ChartTable((words.text(WEEKDAY), words.text(HOUR), *words.figure_columns), rows, heads=2)
