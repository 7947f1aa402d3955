"""The words and numbers of charts in a language."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from hymio.errors import Phrase
from hymio.report.values import Figure, Report, SurveyLine
from hymio.report.wording import DIGITS, INDEX_NAMES, index_range
from hymio.scale import IndexType, Scale
from hymio.texts.localization import Localization

WITHHELD: Final = Phrase("withheld")
ANSWERS: Final = Phrase("Answers")
LOW: Final = Phrase("Low")
HIGH: Final = Phrase("High")
CONFIDENCE: Final = Phrase("{low} to {high} with 95 % confidence")
ANSWERS_ARE: Final = Phrase("answers: {answers}")
NOTHING: Final = "–"
WITHHELD_MARK: Final = "∗"

_LETTER: Final = 0.57
"""The mean width of a letter, in units of its size."""


@dataclass(frozen=True)
class Words:
    """What a survey's numbers are called and how they are written in a language."""

    survey: SurveyLine
    localization: Localization

    @cached_property
    def index_type(self) -> IndexType:
        """The index of the survey."""
        return IndexType(self.survey.index_type)

    @cached_property
    def scale(self) -> Scale:
        """The scale of the survey."""
        return Scale(self.survey.scale)

    @cached_property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest value of the index."""
        return index_range(self.index_type, self.survey.buttons)

    @cached_property
    def index_name(self) -> str:
        """The name of the index."""
        return self.text(INDEX_NAMES[self.index_type])

    def text(self, text: Phrase, **values: object) -> str:
        """A text in the language."""
        return self.localization.text(text, **values)

    def number(self, number: float) -> str:
        """A whole number."""
        return self.localization.number(number)

    def index(self, one: Figure) -> str:
        """The rounded index, or a mark for one that is withheld or missing."""
        if one.is_withheld:
            return WITHHELD_MARK
        return NOTHING if one.shown is None else self.localization.number(one.shown, DIGITS[self.index_type])

    def limit(self, value: float | None) -> str:
        """A limit of an interval, with a decimal more than the index has."""
        return NOTHING if value is None else self.localization.number(value, DIGITS[self.index_type] or 1)

    def answers(self, one: Figure) -> str:
        """The number of answers, or a mark if it is withheld."""
        return WITHHELD_MARK if one.number is None else self.number(one.number)

    def cells(self, one: Figure) -> tuple[str, str, str, str]:
        """Index, interval and number of answers, as in FIGURE_COLUMNS."""
        return self.index(one), self.limit(one.low), self.limit(one.high), self.answers(one)

    @property
    def figure_columns(self) -> tuple[str, str, str, str]:
        """The heads of `cells`."""
        return self.index_name, self.text(LOW), self.text(HIGH), self.text(ANSWERS)

    def tip(self, place: str, one: Figure) -> str:
        """All numbers of a figure in words, with what they are of."""
        return " · ".join([place, *self._parts(one)])

    def _parts(self, one: Figure) -> Iterable[str]:
        if one.is_withheld:
            return [self.text(WITHHELD)]
        shown = [self.text(ANSWERS_ARE, answers=self.answers(one))]
        if one.low is not None and one.high is not None:
            limits = self.text(CONFIDENCE, low=self.limit(one.low), high=self.limit(one.high))
            return [f"{self.index_name} {self.index(one)}", limits, *shown]
        return shown


def words_of(report: Report, localization: Localization) -> Words | None:
    """The words of a report's survey; None if it has no answers to draw."""
    if report.survey is None or report.summary is None or not report.summary.number:
        return None
    return Words(report.survey, localization)


@lru_cache(4096)
def width_of(text: str, size: float) -> float:
    """About how wide a text is, in pixels, in letters of a size."""
    return size * _LETTER * sum(_columns(char) for char in text)


def one_line(text: str) -> str:
    """A text in one line, without control and direction characters."""
    return "".join(char for char in " ".join(text.split()) if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))


def fitted(line: str, width: float, size: float) -> str:
    """A line as far as it fits into a width in letters of a size, with an ellipsis where it is cut."""
    if width_of(line, size) <= width:
        return line
    columns, length = width / (size * _LETTER) - 1, 0.0
    for place, char in enumerate(line):
        length += _columns(char)
        if length > columns:
            return line[:place] + "…"
    return line


def _columns(char: str) -> float:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
