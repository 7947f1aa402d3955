"""What charts over time share: a line of indexes with its interval, and bars of the numbers of answers below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from hymio.report.charts.axes import index_ticks, labelled, scaled, ticks
from hymio.report.charts.chart import Anchor, Dot, Group, Label, Mark, Point, Rect, Stroke
from hymio.report.charts.paints import Paint
from hymio.report.charts.wording import Words, width_of
from hymio.report.values import Figure

HEIGHT: Final = 262.0
_TOP, _BOTTOM = 12.0, 172.0
_BARS_TOP, _BARS_BOTTOM = 192.0, 236.0
_LABELS = 254.0
_MOST_DOTS: Final = 31
"""With at most so many points each one has a dot."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the axis of time: its label, its name in full, its answers, and those compared with them.

    `dates` are its first and its last date, where it stands for whole ones.
    """

    label: str
    name: str
    figure: Figure
    before: Figure | None = None
    dates: tuple[date, date] | None = None


class Timeline:
    """The picture of spots in their order."""

    def __init__(self, words: Words, spots: Sequence[Spot], width: float) -> None:
        self.words, self.spots, self.width = words, spots, width
        before = [spot.before for spot in spots if spot.before is not None]
        shown = [Figure(number=one.number, counts=None, index=one.index) for one in before]
        self._ticks = index_ticks([*(spot.figure for spot in spots), *shown], words.range)
        self._counts = ticks(0, max((spot.figure.number or 0 for spot in spots), default=0) or 1)
        texts = [self._tick(tick) for tick in self._ticks] + [words.number(self._counts[-1])]
        self._left = max(width_of(text, 12) for text in texts) + 8
        self._step = (width - self._left - 4) / max(1, len(spots))

    def marks(self) -> Iterator[Mark | Group]:
        """Grid and labels first, then bars, intervals, lines, and what one points at."""
        yield from self._grid()
        yield from self._bars()
        yield from self._labels()
        yield from self._runs()
        yield from map(self._hit, range(len(self.spots)))

    def _tick(self, tick: float) -> str:
        return self.words.localization.number(tick, 0 if tick == int(tick) else 1)

    # --- marks ---

    def _grid(self) -> Iterator[Mark]:
        ticks, left = self._ticks, self._left
        for tick in ticks:
            y = scaled(tick, ticks, _BOTTOM, _TOP)
            yield Stroke(Paint.GRID, ((left, y), (self.width - 4, y)))
            yield Label(Paint.TEXT, left - 6, y + 4, self._tick(tick), Anchor.END)
        yield Stroke(Paint.GRID, ((left, _BARS_BOTTOM), (self.width - 4, _BARS_BOTTOM)))
        yield Label(Paint.TEXT, left - 6, _BARS_TOP + 8, self.words.number(self._counts[-1]), Anchor.END)
        yield Label(Paint.TEXT, left - 6, _BARS_BOTTOM, self.words.number(0), Anchor.END)

    def _bars(self) -> Iterator[Mark]:
        counts, left, step = self._counts, self._left, self._step
        thick = max(min(step * 0.62, 28), 0.8)
        for place, spot in enumerate(self.spots):
            if spot.figure.number:
                y = scaled(spot.figure.number, counts, _BARS_BOTTOM, _BARS_TOP)
                y = min(y, _BARS_BOTTOM - 1)
                middle = left + (place + 0.5) * step
                yield Rect(Paint.BAR, middle - thick / 2, y, thick, _BARS_BOTTOM - y, min(2, thick / 4))

    def _labels(self) -> Iterator[Mark]:
        left, step = self._left, self._step
        widest = max((width_of(spot.label, 12) for spot in self.spots), default=0) + 14
        for place in labelled(len(self.spots), max(1, int((self.width - left) / widest))):
            text, middle = self.spots[place].label, left + (place + 0.5) * step
            half = width_of(text, 12) / 2
            yield Label(Paint.TEXT, min(max(middle, half), self.width - half), _LABELS, text, Anchor.MIDDLE)

    def _runs(self) -> Iterator[Mark]:
        """The intervals and lines of each run of spots with an index; a run of one spot is a dot with a whisker."""
        ticks, left, step = self._ticks, self._left, self._step

        def at(place: int, value: float) -> Point:
            return left + (place + 0.5) * step, scaled(value, ticks, _BOTTOM, _TOP)

        indexed = [(spot.figure, spot.figure.index) for spot in self.spots]
        runs = list(_runs([index for _, index in indexed]))
        for run in runs:
            low = [at(place, _limit(indexed[place][0].low, index)) for place, index in run]
            high = [at(place, _limit(indexed[place][0].high, index)) for place, index in run]
            if len(run) > 1:
                yield Stroke(Paint.BAND, (*high, *reversed(low)), is_closed=True)
            else:
                yield Stroke(Paint.WHISKER, (high[0], low[0]))
        before = [None if spot.before is None else spot.before.index for spot in self.spots]
        for run in _runs(before):
            points = tuple(at(place, index) for place, index in run)
            yield Stroke(Paint.BEFORE, points if len(run) > 1 else _dash(points[0], step))
        for run in runs:
            points = tuple(at(place, index) for place, index in run)
            if len(run) > 1:
                yield Stroke(Paint.LINE, points)
            if len(run) == 1 or len(self.spots) <= _MOST_DOTS:
                yield from (Dot(Paint.DOT, x, y, 3) for x, y in points)

    def _hit(self, place: int) -> Group:
        spot, x = self.spots[place], self._left + place * self._step
        return Group(
            self.words.tip(spot.name, spot.figure),
            (Rect(Paint.HIT, x, _TOP, self._step, _BARS_BOTTOM - _TOP),),
            spot.dates,
        )


def _limit(value: float | None, index: float) -> float:
    return index if value is None else value


def _dash(point: Point, step: float) -> tuple[Point, Point]:
    """A short line where there is only one point."""
    x, y = point
    return (x - min(step / 2, 8), y), (x + min(step / 2, 8), y)


def _runs(indexes: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """The places and values without a gap between them."""
    run: list[tuple[int, float]] = []
    for place, index in enumerate(indexes):
        if index is not None:
            run.append((place, index))
        elif run:
            yield run
            run = []
    if run:
        yield run
