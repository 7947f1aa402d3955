"""What the page of a report shows beside the report's own numbers: names in the person's language, places, choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from markupsafe import Markup

from hymio.access import Permission, Principal
from hymio.report import Report, charts
from hymio.report.charts import Chart
from hymio.report.faces import Face, face_of, faces_of
from hymio.report.translated import in_language
from hymio.report.values import ChildLine, FollowupLine, TextLine
from hymio.report.wording import DIGITS
from hymio.scale import IndexType, Scale
from hymio.setup import Content, Layout
from hymio.texts.localization import Localization
from hymio.web.report_address import Address
from hymio.web.report_places import Places, places_of

TEXTS: Final = 10
"""Texts of a page."""

CHILDREN: Final = 50
"""Children that the page lists at once."""


@dataclass(frozen=True, slots=True)
class Paging:
    """A part of a list: the first that is listed, counted from 1, the last, how many there are, and other parts."""

    first: int
    last: int
    total: int
    before: Address | None
    after: Address | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart of the page: its words and table, and its picture for a large screen and for a phone."""

    chart: Chart
    picture: Markup


@dataclass(frozen=True, slots=True)
class View:
    """A report with what its page adds to it; texts of the set-up are in the person's language."""

    report: Report
    address: Address
    places: Places
    place_names: Mapping[int, str]
    children: tuple[ChildLine, ...]
    child_paging: Paging
    text_paging: Paging | None
    charts: Mapping[str, Drawn]
    may_correct: bool

    @property
    def scale(self) -> Scale:
        """The scale of the survey."""
        return Scale.FIVE if self.report.survey is None else Scale(self.report.survey.scale)

    @property
    def index_type(self) -> IndexType:
        """The type of the survey's index."""
        return IndexType.HAPPY if self.report.survey is None else IndexType(self.report.survey.index_type)

    @property
    def digits(self) -> int:
        """Decimals of the index as people read it."""
        return DIGITS[self.index_type]

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces of the scale."""
        return faces_of(self.scale)

    def face_of(self, line: TextLine) -> Face:
        """The face of the button before a text."""
        return face_of(self.scale, line.button)

    @property
    def has_hours(self) -> bool:
        """Whether any hour of the day has answers that are shown."""
        return any(cell.figure.number for cell in self.report.profile)

    @property
    def has_cells(self) -> bool:
        """Whether any hour of the week has answers that are shown."""
        return any(cell.figure.number for cell in self.report.heat_map)

    @property
    def span(self) -> tuple[int, int]:
        """The range in which the intervals of the children are drawn: all of them, rounded outwards to fives."""
        lows = [line.figure.low for line in self.report.children if line.figure.low is not None]
        highs = [line.figure.high for line in self.report.children if line.figure.high is not None]
        step = 1 if self.index_type is IndexType.AVERAGE else 5
        if not lows or not highs:
            return 0, step
        low, high = step * floor(min(lows) / step), step * ceil(max(highs) / step)
        return low, max(high, low + step)

    @property
    def followups(self) -> tuple[FollowupLine, ...]:
        """The follow-ups that were shown to anybody."""
        return tuple(line for line in self.report.followups or () if line.answers or line.left)


def view_of(
    layout: Layout, content: Content, principal: Principal, report: Report, address: Address, look: Localization
) -> View:
    """The view of a report in a language."""
    report = in_language(report, layout, content, look.language)
    first = min(_number(address.words.get("places", "")), max(0, len(report.children) - 1))
    nodes, texts = layout.hierarchy.nodes, report.texts
    return View(
        report=report,
        address=address,
        places=places_of(layout, principal, report, address),
        place_names={
            key: nodes[key].name
            for key in _places_named(report)
            if key in nodes
        },
        children=report.children[first : first + CHILDREN],
        child_paging=_paging(address, "places", first, CHILDREN, len(report.children)),
        text_paging=None if texts is None else _paging(address, "textOffset", texts.offset, TEXTS, texts.matching),
        charts=dict(_charts(report, address, look)),
        may_correct=principal.may(Permission.CORRECT_TEXTS) and "asOf" not in address.words,
    )  # fmt: skip


def _charts(report: Report, address: Address, look: Localization) -> Iterator[tuple[str, Drawn]]:
    """The charts of a report by their place on the page; those without answers are missing."""
    heat_map = charts.count_heat_map if address.words.get("heat") == "answers" else charts.index_heat_map
    makers: dict[str, tuple[Callable[[Report, Localization, float], Chart | None], float]] = {
        "distribution": (charts.distribution, charts.HALF),
        "trend": (charts.trend, charts.HALF),
        "heat": (heat_map, charts.WIDE),
        "profile": (charts.profile, charts.HALF),
    }
    for name, (make, width) in makers.items():
        wide, narrow = (make(report, look, size) for size in (width, charts.NARROW))
        if wide is not None and narrow is not None:
            pictures = (
                charts.svg(wide, css_class="only-wide", zoom=address.may_zoom),
                charts.svg(narrow, css_class="only-narrow", zoom=address.may_zoom),
            )
            yield name, Drawn(wide, Markup("".join(pictures)))  # noqa: S704  `svg` escapes every text


def _places_named(report: Report) -> set[int]:
    """The nodes that texts and silent smileys name."""
    texts = () if report.texts is None else report.texts.shown
    silent = () if report.completeness is None else report.completeness.silent
    return {line.node for line in texts if line.node is not None} | {line.node for line in silent}


def _paging(address: Address, word: str, first: int, size: int, total: int) -> Paging:
    """The part of a list from a place on, with the addresses of the parts before and after it."""
    before = address.to(**{word: max(0, first - size) or None}) if first else None
    after = address.to(**{word: first + size}) if first + size < total else None
    return Paging(min(first + 1, total), min(first + size, total), total, before, after)


def _number(text: str) -> int:
    """A whole number of an address; 0 if it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
