"""A chart as a value: words, size, marks, and the table behind it; renderers draw it and compute no number.

Coordinates are CSS pixels of a picture `width` wide, from its upper left corner. A mark has a paint, which is a class
of `pages.css` on pages and attributes elsewhere (`paints`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import TypeAlias

from hymio.report.charts.paints import Paint

Point: TypeAlias = tuple[float, float]


class Anchor(Enum):
    """Which part of a label lies at its point."""

    START = "start"
    MIDDLE = "middle"
    END = "end"

    @property
    def mirrored(self) -> Anchor:
        """The anchor in a mirrored picture."""
        return {Anchor.START: Anchor.END, Anchor.END: Anchor.START}.get(self, self)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle by its upper left corner."""

    paint: Paint
    x: float
    y: float
    width: float
    height: float
    radius: float = 0

    def mirrored(self, width: float) -> Rect:
        """The same in a mirrored picture."""
        return replace(self, x=width - self.x - self.width)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points; a closed one is an area."""

    paint: Paint
    points: tuple[Point, ...]
    is_closed: bool = False

    def mirrored(self, width: float) -> Stroke:
        """The same in a mirrored picture."""
        return replace(self, points=tuple((width - x, y) for x, y in self.points))


@dataclass(frozen=True, slots=True)
class Dot:
    """A circle by its centre."""

    paint: Paint
    x: float
    y: float
    radius: float

    def mirrored(self, width: float) -> Dot:
        """The same in a mirrored picture."""
        return replace(self, x=width - self.x)


@dataclass(frozen=True, slots=True)
class Hatch:
    """Diagonal lines that fill a rectangle."""

    x: float
    y: float
    width: float
    height: float

    def mirrored(self, width: float) -> Hatch:
        """The same in a mirrored picture."""
        return replace(self, x=width - self.x - self.width)


@dataclass(frozen=True, slots=True)
class Label:
    """A text whose baseline begins, ends or has its middle at a point; `size` is that of its letters in pixels."""

    paint: Paint
    x: float
    y: float
    text: str
    anchor: Anchor = Anchor.START
    size: float = 12
    is_bold: bool = False

    def mirrored(self, width: float) -> Label:
        """The same in a mirrored picture, with the text isolated from the direction around it."""
        text = f"\u2068{self.text}\u2069" if any(map(str.isalpha, self.text)) else self.text
        return replace(self, x=width - self.x, anchor=self.anchor.mirrored, text=text)


@dataclass(frozen=True, slots=True)
class FaceMark:
    """A face, 0 (very unhappy) to 4, in a square by its upper left corner."""

    number: int
    x: float
    y: float
    size: float

    def mirrored(self, width: float) -> FaceMark:
        """The same in a mirrored picture; a face itself is not turned."""
        return replace(self, x=width - self.x - self.size)


Mark: TypeAlias = Rect | Stroke | Dot | Hatch | Label | FaceMark


@dataclass(frozen=True, slots=True)
class Group:
    """Marks that say the same: `tip` has their numbers in words, shown where one points at them.

    `dates` are the first and the last date that they stand for, where a page leads to the report of these.
    """

    tip: str
    marks: tuple[Mark, ...]
    dates: tuple[date, date] | None = None

    def mirrored(self, width: float) -> Group:
        """The same in a mirrored picture."""
        return replace(self, marks=tuple(mark.mirrored(width) for mark in self.marks))


@dataclass(frozen=True, slots=True)
class ChartTable:
    """The numbers of a chart as people read them; the first `heads` columns name the row, the others are numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heads: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: `name` tells it from other charts of a report, `note` says how to read it, `description` what it shows.

    `note` may be empty. `description` is the text alternative.
    """

    name: str
    title: str
    note: str
    description: str
    width: float
    height: float
    marks: tuple[Mark | Group, ...]
    table: ChartTable

    def mirrored(self) -> Chart:
        """The same for languages that are read from right to left: what was on the left is on the right."""
        return replace(self, marks=tuple(mark.mirrored(self.width) for mark in self.marks))
