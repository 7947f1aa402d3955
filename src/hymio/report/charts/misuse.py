"""The chart of misuse: for each date the counted presses, and on top of them those that were left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from hymio.errors import Phrase
from hymio.period import Grain
from hymio.report.charts.axes import scaled, ticks
from hymio.report.charts.chart import Anchor, Chart, ChartTable, Group, Label, Mark, Rect, Stroke
from hymio.report.charts.paints import Paint
from hymio.report.charts.wording import width_of
from hymio.report.values import Misuse, MisuseLine, Report
from hymio.report.wording import REASON_NAMES, reason_names
from hymio.texts.localization import Localization

TITLES: Final = {
    Grain.DAY: Phrase("Presses by day"),
    Grain.WEEK: Phrase("Presses by week"),
    Grain.MONTH: Phrase("Presses by month"),
}
FROM: Final = Phrase("From")
PRESSED: Final = Phrase("pressed")
COUNTED: Final = Phrase("counted")
LEFT_OUT: Final = Phrase("left out")

_GRAINS: Final = {Grain.WEEK: Grain.WEEK, Grain.MONTH: Grain.MONTH, Grain.YEAR: Grain.MONTH}

_TOP, _BOTTOM, _LABELS, _LEGEND, _HEIGHT = 12.0, 136.0, 154.0, 168.0, 188.0


def misuse(report: Report, localization: Localization, width: float) -> Chart | None:
    """Presses by date, by week or by month, as the trend has them; None without presses."""
    whole = report.misuse
    if whole is None or not whole.days:
        return None
    grain = _GRAINS.get(Grain(report.grain), Grain.DAY)
    lines = _sums(whole.days, grain)
    bars = _Bars(whole, lines, localization, width, grain)
    title = localization.text(TITLES[grain])
    says = f"{title}: {bars.says(whole.raw, whole.counted)}"
    chart = Chart("misuse", title, "", says, width, _HEIGHT, tuple(bars.marks()), bars.table())
    return chart.mirrored() if localization.direction == "rtl" else chart


def _start(day: date, grain: Grain) -> date:
    """The first date of the week or month of a date."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain is Grain.MONTH else day


def _sums(days: Sequence[MisuseLine], grain: Grain) -> tuple[MisuseLine, ...]:
    """The sums of each date, week or month, by its first date."""
    parts: dict[date, list[MisuseLine]] = {}
    for line in days:
        parts.setdefault(_start(line.day, grain), []).append(line)
    names = ("raw", "counted", *REASON_NAMES)
    return tuple(
        MisuseLine(day=start, **{name: sum(getattr(line, name) for line in lines) for name in names})
        for start, lines in parts.items()
    )


@dataclass(frozen=True, slots=True)
class _Bars:
    """A bar for each date, week or month, on an axis where those without presses have their place."""

    whole: Misuse
    lines: Sequence[MisuseLine]
    localization: Localization
    width: float
    grain: Grain

    def says(self, raw: int, counted: int) -> str:
        """The numbers of presses in words."""
        number = self.localization.number
        parts = ((PRESSED, raw), (COUNTED, counted), (LEFT_OUT, raw - counted))
        return " · ".join(f"{self.localization.text(name)} {number(value)}" for name, value in parts)

    def marks(self) -> Iterator[Mark | Group]:
        """Grid and labels, bars, legend."""
        counts = ticks(0, max(line.raw for line in self.lines) or 1, 3)
        left = max(width_of(self.localization.number(tick), 12) for tick in counts) + 8
        for tick in counts:
            y = scaled(tick, counts, _BOTTOM, _TOP)
            yield Stroke(Paint.GRID, ((left, y), (self.width, y)))
            yield Label(Paint.TEXT, left - 6, y + 4, self.localization.number(tick), Anchor.END)
        step = (self.width - left) / (self._place(self.lines[-1]) + 1)
        yield from self._dates(left, step)
        for line in self.lines:
            yield Group(f"{self._name(line)} · {self._says(line)}", tuple(self._bar(line, left, step, counts)))
        yield from self._legend()

    def table(self) -> ChartTable:
        """The lines with their reasons."""
        text, number = self.localization.text, self.localization.number
        heads = (text(FROM), text(PRESSED), text(COUNTED))
        named = reason_names(self.whole)
        reasons = tuple(text(name) for name in named.values())
        rows = tuple(
            (
                self._name(line),
                *(number(value) for value in (line.raw, line.counted, *(getattr(line, name) for name in named))),
            )
            for line in self.lines
        )
        return ChartTable((*heads, *reasons), rows)

    def _says(self, line: MisuseLine) -> str:
        parts = [self.says(line.raw, line.counted)]
        for name, text in REASON_NAMES.items():
            if value := getattr(line, name):
                parts.append(f"{self.localization.text(text)} {self.localization.number(value)}")
        return " · ".join(parts)

    def _place(self, line: MisuseLine) -> int:
        """How many days, weeks or months a line is after the first one."""
        first = self.lines[0].day
        if self.grain is Grain.MONTH:
            return (line.day.year - first.year) * 12 + line.day.month - first.month
        return (line.day - first).days // (7 if self.grain is Grain.WEEK else 1)

    def _name(self, line: MisuseLine) -> str:
        return self.localization.month(line.day) if self.grain is Grain.MONTH else self.localization.day(line.day)

    def _bar(self, line: MisuseLine, left: float, step: float, counts: Sequence[float]) -> Iterator[Mark]:
        thick = max(min(step * 0.7, 28), 0.7)
        x = left + (self._place(line) + 0.5) * step - thick / 2
        low, top = (scaled(value, counts, _BOTTOM, _TOP) for value in (line.counted, line.raw))
        if line.counted:
            yield Rect(Paint.BAR, x, low, thick, _BOTTOM - low)
        if line.raw > line.counted:
            yield Rect(Paint.LEFT_OUT, x, min(top, low - 1), thick, max(low - top, 1))
        yield Rect(Paint.HIT, left + self._place(line) * step, _TOP, step, _BOTTOM - _TOP)

    def _dates(self, left: float, step: float) -> Iterator[Mark]:
        skeleton = "yMMM" if self.grain is Grain.MONTH else "MMMd"
        texts = [self.localization.dated(datetime(*line.day.timetuple()[:3]), skeleton) for line in self.lines]  # noqa: DTZ001
        widest = max(width_of(text, 12) for text in texts) + 14
        end = -1.0
        for line, text in zip(self.lines, texts, strict=True):
            middle, half = left + (self._place(line) + 0.5) * step, width_of(text, 12) / 2
            middle = min(max(middle, half), self.width - half)
            if middle - widest / 2 >= end:
                yield Label(Paint.TEXT, middle, _LABELS, text, Anchor.MIDDLE)
                end = middle + widest / 2

    def _legend(self) -> Iterator[Mark]:
        x = 0.0
        for paint, name in ((Paint.BAR, COUNTED), (Paint.LEFT_OUT, LEFT_OUT)):
            text = self.localization.text(name)
            yield Rect(paint, x, _LEGEND + 4, 14, 14, 3)
            yield Label(Paint.TEXT, x + 20, _LEGEND + 15, text)
            x += 36 + width_of(text, 12)
