"""Writes words of a report so that the fonts of the package can print them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from unicodedata import bidirectional

from hymio.errors import Phrase
from hymio.report import sentences
from hymio.report.values import Report, TextLine
from hymio.report.wording import SMILEY_TYPE_NAMES
from hymio.texts.localization import Localization
from hymio.typesetting import printable

Part: TypeAlias = dict[str, Any]
"""A part of a section for the template, by its kind."""

MOST_TEXTS: Final = 5_000
"""Texts that are printed; if there are more, all are in the attached file too, and the pages say so."""

MOST_LETTERS: Final = 2_000_000
"""Letters of printed texts; see MOST_TEXTS."""

_SIGNS: Final = frozenset("+-\u2212")


@dataclass(frozen=True, slots=True)
class Writer:
    """A report and the language that it is written in."""

    report: Report
    localization: Localization

    def text(self, text: Phrase, **values: object) -> str:
        """A text in the language."""
        return printable(self.localization.text(text, **values))

    def own(self, text: str) -> str:
        """What people wrote or named, or a number: each line isolated if its direction may differ from the page's."""
        written = printable(text)
        other = ("L",) if self.localization.direction == "rtl" else ("R", "AL", "RLE", "RLO", "RLI")
        if any(bidirectional(char) in other for char in written):
            return "\n".join(f"\u2068{line}\u2069" if line else "" for line in written.split("\n"))
        return f"\u2066{written}\u2069" if self.localization.direction == "rtl" and written[:1] in _SIGNS else written

    def number(self, number: float) -> str:
        """A whole number."""
        return self.localization.number(number)

    @property
    def question(self) -> str:
        """What was asked, or the node's name; a dash where neither has letters, as a document needs a title."""
        asked = "" if self.report.survey is None else self.report.survey.question
        shown = (text for text in (asked, self.report.node.name) if printable(text, breaks=False).strip())
        return next(shown, "–")

    @property
    def dates(self) -> str:
        """The dates of the period."""
        return self.localization.dates(self.report.period.first, self.report.period.last)

    def moment(self, at: datetime) -> str:
        """A moment with its date, time and difference from UTC."""
        difference = f"\u2066{at:%z}\u2069" if self.localization.direction == "rtl" else f"{at:%z}"
        return f"{self.localization.day(at)}, {self.localization.dated(at, 'Hms')} ({difference})"

    def filters(self) -> Iterator[str]:
        """What restricts the answers."""
        filters, localization = self.report.filters, self.localization
        if filters.smiley_type is not None:
            yield localization.text(SMILEY_TYPE_NAMES[filters.smiley_type])
        else:
            yield localization.text(Phrase("all smileys"))
        if filters.weekdays is not None:
            yield ", ".join(localization.weekday(day, "abbreviated") for day in filters.weekdays)
        if filters.hours is not None:
            yield sentences.hours_text(filters.hours, localization)

    def printed_texts(self) -> Sequence[TextLine]:
        """The texts that are printed: all, or the newest ones of very many."""
        texts = () if self.report.texts is None else self.report.texts.shown
        letters, number = 0, 0
        for line in texts[:MOST_TEXTS]:
            letters += len(line.text)
            if letters > MOST_LETTERS and number:
                break
            number += 1
        return texts[:number]
