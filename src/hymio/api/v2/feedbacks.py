"""Rows of feedback as API v2 publishes them, written straight from what the reader gives: a page has thousands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from hymio.access import DataKind
from hymio.api.formats import cell, disarmed, header
from hymio.feedback import Ui, Verdict, feedback_id_text
from hymio.period import format_timestamp
from hymio.results import Phase
from hymio.setup import Content, Layout
from hymio.smiley import SmileyType

Row = tuple[Any, ...]
Tail = tuple[object, ...]
"""The values of a row's own columns, None for a property that is left out."""


class Kind(NamedTuple):
    """A listing of feedback: its name in the path, what a token must be chosen for, its phase and its own columns."""

    name: str
    data: DataKind
    phase: Phase
    columns: tuple[str, ...]


COMMON: Final = (
    "feedbackId", "smileyId", "localTime", "surveyId", "experiencePointId", "buttonIndex", "misuse"
)  # fmt: skip
KINDS: Final = (
    Kind("button-feedbacks", DataKind.BUTTON_FEEDBACKS, Phase.BUTTON, ("position", "ui", "smileyType")),
    Kind(
        "follow-up-feedbacks",
        DataKind.FOLLOWUP_FEEDBACKS,
        Phase.FOLLOWUP,
        (
            "position", "ui", "smileyType", "followupQuestionId", "followupOptionId",
            "followupOptionTextInDefaultLocale",
        ),
    ),
    Kind(
        "text-feedbacks",
        DataKind.TEXT_FEEDBACKS,
        Phase.TEXT,
        (
            "position", "ui", "smileyType", "text", "maskedText", "rephrasedText", "textInEnglish", "spam",
            "categories", "themes",
        ),
    ),
    Kind("demographics", DataKind.DEMOGRAPHICS, Phase.DEMOGRAPHICS, ("smileyType", "gender", "age")),
    Kind(
        "contact-details",
        DataKind.CONTACT_DETAILS,
        Phase.CONTACT,
        ("position", "smileyType", "name", "email", "phoneNumber"),
    ),
    Kind("metadata", DataKind.METADATA, Phase.METADATA, ("smileyType", "key", "value")),
)  # fmt: skip

_UI: Final = {each.value: each.label for each in Ui}
_UNTOLD: Final[Mapping[SmileyType, str | None]] = {
    SmileyType.TERMINAL: Ui.PHYSICAL.label,
    SmileyType.TOUCH: None,
    SmileyType.DIGITAL: Ui.DIGITAL.label,
}
"""How a button was pressed where the smiley does not say: on a touch device it may have been without touching."""


class Writer:
    """Writes the rows of one listing, as JSON objects or as lines of CSV."""

    def __init__(self, layout: Layout, content: Content, kind: Kind, separator: str | None) -> None:
        """Without a `separator` it writes JSON."""
        self._layout, self._content, self._kind, self._separator = layout, content, kind, separator or ""
        self._where: dict[int, str] = {}
        self._tails: dict[tuple[object, ...], str] = {}
        self._tail: Callable[[Row], Tail] = getattr(self, f"_{kind.phase.name.lower()}")
        self._options = _options(layout, content)
        self.written = 0

    @property
    def begin(self) -> bytes:
        """What stands before the rows: the header line of CSV, or the bracket of JSON."""
        return header((*COMMON, *self._kind.columns), self._separator).encode() if self._separator else b"["

    @property
    def end(self) -> bytes:
        """What stands behind them."""
        return b"" if self._separator else b"]"

    def line(self, row: Row) -> str:
        """The next row: in JSON with a comma before it unless it is the first, in CSV with the end of its line."""
        at, offset, button, verdict, smiley, epoch, sequence, _, assignment, *_ = row
        self.written += 1
        identity = feedback_id_text(smiley, epoch, sequence)
        time = format_timestamp(at, offset)
        where = self._where.get(assignment) or self._place(assignment)
        misuse = "false" if verdict == _COUNTED else "true"
        tail = self._written_tail(row)
        if self._separator:
            first = self._joined((identity, str(smiley), time))
            return self._separator.join((first, where, self._joined((str(button), misuse)), tail))
        comma = "," if self.written > 1 else ""
        return (
            f'{comma}{{"feedbackId":"{identity}","smileyId":{smiley},"localTime":"{time}",{where},'
            f'"buttonIndex":{button},"misuse":{misuse},{tail}'
        )

    def _place(self, assignment: int) -> str:
        at = self._layout.assignments[assignment]
        pair = f'"surveyId":{at.survey},"experiencePointId":{at.node}'
        made = self._where[assignment] = self._joined((str(at.survey), str(at.node))) if self._separator else pair
        return made

    def _joined(self, values: tuple[str, ...]) -> str:
        """Ids, times and words as a part of a line of CSV; only of an odd separator could there be one in them."""
        if self._separator in _COMMON_SEPARATORS:
            return self._separator.join(values)
        return self._separator.join(cell(value, self._separator) for value in values)

    def _written_tail(self, row: Row) -> str:
        """The row's own columns; those of a button depend on its smiley and its means alone, and are remembered."""
        if self._kind.phase is not Phase.BUTTON:
            return self._written(self._tail(row))
        key = (row[4], row[7])
        known = self._tails.get(key)
        if known is None:
            known = self._tails[key] = self._written(self._tail(row))
        return known

    def _written(self, tail: Tail) -> str:
        if self._separator:
            return self._separator.join(cell(_text(value), self._separator) for value in tail) + "\r\n"
        told = {name: value for name, value in zip(self._kind.columns, tail, strict=True) if value is not None}
        return msgspec.json.encode(told).decode()[1:]

    # The columns of each kind

    def _type(self, row: Row) -> str:
        return self._layout.smileys[row[4]].type.value

    def _button(self, row: Row) -> Tail:
        told = row[7]
        ui = _UNTOLD[self._layout.smileys[row[4]].type] if told is None else _UI.get(told)
        return 0, ui, self._type(row)

    def _followup(self, row: Row) -> Tail:
        position, option, question, ui = row[9:]
        known_question, text = self._options.get(option, (None, None))
        asked = question if question is not None else known_question
        # Left without a choice: the property is required, and no option has this id.
        return position, _UI.get(ui), self._type(row), asked, option or 0, text

    def _text(self, row: Row) -> Tail:
        position, ui, text, _, spam, masked, rephrased, english, categories, themes = row[9:]
        if english is None:
            english = text if self._is_english(row[8]) else None
        return (
            position, _UI.get(ui), self._type(row), text or "", masked, rephrased, english or "", bool(spam),
            categories, themes,
        )  # fmt: skip

    def _is_english(self, assignment: int) -> bool:
        wording = self._content.question(self._layout.surveys[self._layout.assignments[assignment].survey]).wording
        return wording.default_locale.partition("-")[0] == "en"

    def _demographics(self, row: Row) -> Tail:
        return self._type(row), *row[9:]

    def _contact(self, row: Row) -> Tail:
        position, name, email, phone = row[9:]
        return position, self._type(row), name, email, phone

    def _metadata(self, row: Row) -> Tail:
        return self._type(row), *row[9:]


_COUNTED: Final = int(Verdict.COUNTED)
_COMMON_SEPARATORS: Final = (",", ";", "\t", "|")


def _options(layout: Layout, content: Content) -> dict[int, tuple[int, str | None]]:
    """The question and the text, in the default locale of its survey, of each follow-up option."""
    return {
        option.id: (question.id, option.wording.texts.get(content.question(survey).wording.default_locale))
        for survey in layout.surveys.values()
        for question in content.followups(survey)
        for option in question.options
    }


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return disarmed(value) if isinstance(value, str) else str(value)
