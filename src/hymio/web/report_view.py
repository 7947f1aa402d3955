"""What the page of a report shows beside the report's own numbers: names in the person's language, places, choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hymio.access import Principal
from hymio.report import Report
from hymio.report.faces import Face, face_of, faces_of
from hymio.report.values import ChildLine, FollowupLine, TextLine
from hymio.report.wording import DIGITS
from hymio.scale import IndexType, Scale
from hymio.setup import Content, Layout
from hymio.survey import Localized
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
class View:
    """A report with what its page adds to it; texts of the set-up are in the person's language."""

    report: Report
    address: Address
    places: Places
    questions: Mapping[int, str]
    followup_texts: Mapping[int, str]
    option_texts: Mapping[int, str]
    place_names: Mapping[int, str]
    children: tuple[ChildLine, ...]
    child_paging: Paging
    text_paging: Paging | None

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
    def hours(self) -> tuple[int, ...]:
        """The hours of the day from the first to the last that has answers."""
        used = [cell.hour for cell in self.report.profile if cell.figure.number != 0]
        return tuple(range(used[0], used[-1] + 1)) if used else ()

    @property
    def followups(self) -> tuple[FollowupLine, ...]:
        """The follow-ups that were shown to anybody."""
        return tuple(line for line in self.report.followups or () if line.answers or line.left)


def view_of(
    layout: Layout, content: Content, principal: Principal, report: Report, address: Address, language: str
) -> View:
    """The view of a report in a language."""
    survey = None if report.survey is None else layout.surveys.get(report.survey.id)
    followups = () if survey is None else content.followups(survey)
    options = [option for followup in followups for option in followup.options]
    first = min(_number(address.words.get("places", "")), max(0, len(report.children) - 1))
    nodes, texts = layout.hierarchy.nodes, report.texts
    return View(
        report=report,
        address=address,
        places=places_of(layout, principal, report, address),
        questions={
            line.id: wording_in(content.question(layout.surveys[line.id]).wording, language)
            for line in report.surveys
            if line.id in layout.surveys
        },
        followup_texts={one.id: wording_in(one.wording, language) for one in followups},
        option_texts={one.id: wording_in(one.wording, language) for one in options},
        place_names={
            key: nodes[key].name
            for key in _places_named(report)
            if key in nodes
        },
        children=report.children[first : first + CHILDREN],
        child_paging=_paging(address, "places", first, CHILDREN, len(report.children)),
        text_paging=None if texts is None else _paging(address, "textOffset", texts.offset, TEXTS, texts.matching),
    )  # fmt: skip


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


def wording_in(wording: Localized, language: str) -> str:
    """A text of the set-up in a language of any country, else in its default locale."""
    matching = (text for locale, text in sorted(wording.texts.items()) if locale.partition("-")[0] == language)
    return next(matching, wording.text)
