"""Draws a chart as SVG: for pages by classes of their style sheet, elsewhere by attributes from a palette."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, Final

from hymio.report.charts.chart import Chart, Dot, FaceMark, Group, Hatch, Label, Mark, Rect, Stroke
from hymio.report.charts.paints import FACES, Paint, attributes

Palette = Mapping[str, str]

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, not even escaped."""

_HATCH_STEP: Final = 6.0

_EYES: Final = ((8.6, 10.4), (15.4, 10.4))
_MOUTHS: Final = (
    "M6.6 7.6l3 1.3M17.4 7.6l-3 1.3M7.2 17.2q4.8-5 9.6 0",
    "M7.6 16.6q4.4-2.6 8.8 0",
    "M8 16h8",
    "M7.6 15q4.4 3 8.8 0",
    "M6.8 13.6q5.2 7.2 10.4 0z",
)
"""The mouth of each face, and brows of the angriest one, in a square of 24: faces differ by shape too."""


def svg(
    chart: Chart, palette: Palette | None = None, *, css_class: str = "", font: str = "sans-serif", zoom: bool = False
) -> str:
    """The chart as an SVG element; its description is its accessible name.

    Without a palette it has classes for `pages.css`, the further class `css_class`, and the tips of its groups as
    `<title>`. With one it needs no style sheet, and has no tips. With `zoom` its groups have the dates to which the
    script of the report's page leads, as `data-first` and `data-last`.
    """
    return _Renderer(palette, font, zoom=zoom).element(chart, css_class)


class _Renderer:
    """Writes marks with classes or with attributes."""

    def __init__(self, palette: Palette | None, font: str, *, zoom: bool) -> None:
        self._palette, self._font, self._zoom = palette, font, zoom
        self._writers: Mapping[type, Callable[[Any], str]] = {
            Rect: self._rect,
            Stroke: self._stroke,
            Dot: self._dot,
            Hatch: self._hatch,
            Label: self._label,
            FaceMark: self._face,
        }

    def element(self, chart: Chart, css_class: str) -> str:
        width, height = _n(chart.width), _n(chart.height)
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        if self._palette is None:
            look = f'class="{_attribute(" ".join(filter(None, ("chart", css_class))))}"'
        else:
            look = f'font-family="{_attribute(self._font)}"'
        body = "".join(map(self._any, chart.marks))
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {look} {size} direction="ltr" role="img"'
        return f'{head} aria-label="{_attribute(chart.description)}">{body}</svg>'

    def _any(self, mark: Mark | Group) -> str:
        if not isinstance(mark, Group):
            return self._mark(mark)
        body = "".join(map(self._mark, mark.marks))
        if self._palette is not None:
            return body
        dates = ""
        if self._zoom and mark.dates is not None:
            dates = f' data-first="{mark.dates[0]}" data-last="{mark.dates[1]}"'
        return f"<g{dates}><title>{_text(mark.tip)}</title>{body}</g>"

    def _look(self, paint: Paint) -> str:
        return f' class="{paint.value}"' if self._palette is None else attributes(paint, self._palette)

    def _mark(self, mark: Mark) -> str:
        return self._writers[type(mark)](mark)

    def _rect(self, mark: Rect) -> str:
        if mark.paint is Paint.HIT and self._palette is not None:
            return ""
        radius = f' rx="{_n(mark.radius)}"' if mark.radius else ""
        place = f'x="{_n(mark.x)}" y="{_n(mark.y)}" width="{_n(mark.width)}" height="{_n(mark.height)}"'
        return f"<rect{self._look(mark.paint)} {place}{radius}/>"

    def _stroke(self, mark: Stroke) -> str:
        path = "L".join(f"{_n(x)} {_n(y)}" for x, y in mark.points)
        return f'<path{self._look(mark.paint)} d="M{path}{"Z" if mark.is_closed else ""}"/>'

    def _dot(self, mark: Dot) -> str:
        return f'<circle{self._look(mark.paint)} cx="{_n(mark.x)}" cy="{_n(mark.y)}" r="{_n(mark.radius)}"/>'

    def _hatch(self, mark: Hatch) -> str:
        path = "".join(f"M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}" for a, b, c, d in _diagonals(mark))
        return f'<path{self._look(Paint.HATCH)} d="{path}"/>'

    def _label(self, mark: Label) -> str:
        anchor = "" if mark.anchor.value == "start" else f' text-anchor="{mark.anchor.value}"'
        weight = ' font-weight="700"' if mark.is_bold else ""
        place = f'x="{_n(mark.x)}" y="{_n(mark.y)}" font-size="{_n(mark.size)}"'
        return f"<text{self._look(mark.paint)} {place}{anchor}{weight}>{_text(mark.text)}</text>"

    def _face(self, mark: FaceMark) -> str:
        is_dark = 0 < mark.number < 4
        eye, mouth = (Paint.EYE_DARK, Paint.MOUTH_DARK) if is_dark else (Paint.EYE_BRIGHT, Paint.MOUTH_BRIGHT)
        if mark.number == len(_MOUTHS) - 1:
            mouth = eye
        eyes = "".join(f'<circle{self._look(eye)} cx="{x}" cy="{y}" r="1.25"/>' for x, y in _EYES)
        place = f"translate({_n(mark.x)} {_n(mark.y)}) scale({mark.size / 24:.3f})"
        ground = f'<circle{self._look(FACES[mark.number])} cx="12" cy="12" r="11"/>'
        return f'<g transform="{place}">{ground}{eyes}<path{self._look(mouth)} d="{_MOUTHS[mark.number]}"/></g>'


def _diagonals(mark: Hatch) -> Iterator[tuple[float, float, float, float]]:
    """The lines of a hatch from lower left to upper right, each within the rectangle."""
    total = mark.width + mark.height
    for step in range(1, int(total / _HATCH_STEP) + 1):
        at = step * _HATCH_STEP
        left, lower = max(0.0, at - mark.height), min(at, mark.height)
        right, upper = min(at, mark.width), max(0.0, at - mark.width)
        if right > left:
            yield mark.x + left, mark.y + lower, mark.x + right, mark.y + upper


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text), quote=False)


def _attribute(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
