"""The listings of feedback of API v2: one table of columns makes their CSV, their JSON and their OpenAPI schemas.

A new property is a line in this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Final, Literal, NamedTuple, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from hymio.access import DataKind
from hymio.api.v2.rows import Key, QuestionText
from hymio.feedback import Followup, Text, Ui, Verdict, feedback_id_text
from hymio.period import format_timestamp
from hymio.results import FeedbackRow, Phase
from hymio.setup import Content, Layout
from hymio.smiley import SmileyType


class Form(Enum):
    """How a value is written."""

    NUMBER = "number"
    FLAG = "flag"
    PLAIN = "plain"  # ids, times and words that Hymio defines: never escaped
    TEXT = "text"  # texts of people: escaped, and disarmed as formulas in CSV


class Column(NamedTuple):
    """A property of a listing's rows, which is a column of its CSV.

    name      as it is published
    type      for the OpenAPI schema
    form      how its values are written
    source    where a value comes from: a path of attributes in the row, or a method of `Names`; None is left out
    optional  whether it may be left out
    per       attributes of the row on which alone the value depends: its text is made once for all rows with equal ones
    """

    name: str
    type: Any
    form: Form
    source: str | Callable[[Names, FeedbackRow], object]
    optional: bool = False
    per: tuple[str, ...] = ()


class Kind(NamedTuple):
    """A listing of feedback: its name in the path, its kind of data, its phase, and its rows' class and columns."""

    name: str
    data: DataKind
    phase: Phase
    row_class: type[Struct]
    columns: tuple[Column, ...]

    @property
    def shows_texts(self) -> bool:
        """Whether it shows texts of follow-ups, or needs the language of questions."""
        return self.phase in (Phase.FOLLOWUP, Phase.TEXT)


# --- what columns show of the set-up ---------------------------------------------------------------------------------

_UI: Final = {ui.value: ui.label for ui in Ui}
_UI_OF_TYPE: Final[Mapping[SmileyType, str | None]] = {
    SmileyType.TERMINAL: Ui.PHYSICAL.label,
    SmileyType.TOUCH: None,
    SmileyType.DIGITAL: Ui.DIGITAL.label,
}
"""How a button was pressed if the smiley did not send it; unknown for touch devices, some of which are touchless."""


class Names:
    """Column values that are computed from a row and the set-up."""

    def __init__(self, layout: Layout, content: Content | None) -> None:
        """`content` is needed only for listings with texts of the set-up."""
        self.layout, self._content = layout, content or Content(layout.organization, 0)

    def feedback_id(self, row: FeedbackRow) -> str:
        """The published UUID of the press."""
        return feedback_id_text(row.smiley, row.epoch, row.sequence)

    def local_time(self, row: FeedbackRow) -> str:
        """The local time of the point, with the offset."""
        return format_timestamp(row.at, row.offset)

    def survey(self, row: FeedbackRow) -> int:
        """The survey of the press's assignment."""
        return self.layout.assignments[row.assignment].survey

    def point(self, row: FeedbackRow) -> int:
        """The experience point of the press's assignment."""
        return self.layout.assignments[row.assignment].node

    def misuse(self, row: FeedbackRow) -> bool:
        """Whether the press is misuse."""
        return row.verdict != Verdict.COUNTED

    def button_position(self, _row: FeedbackRow) -> int:
        """The position of the button in the survey's flow."""
        return 0

    def button_ui(self, row: FeedbackRow) -> str | None:
        """How the button was pressed, as sent; otherwise by the type of the smiley."""
        return _UI_OF_TYPE[self.layout.smileys[row.smiley].type] if row.ui is None else _UI.get(row.ui)

    def answer_ui(self, row: FeedbackRow) -> str | None:
        """How the phase was answered or left, if it was sent."""
        ui = cast("Followup | Text", row.answer).ui
        return None if ui is None else _UI.get(ui)

    def smiley_type(self, row: FeedbackRow) -> str:
        """The type of the smiley, by API v2's name."""
        return self.layout.smileys[row.smiley].type.value

    def followup_question(self, row: FeedbackRow) -> int | None:
        """The follow-up question, as sent; otherwise the one that has the option."""
        answer = cast("Followup", row.answer)
        return answer.question if answer.question is not None else self._option(answer).question

    def followup_option(self, row: FeedbackRow) -> int:
        """The chosen option; 0, which no option has as its id, if there is none, because the property is required."""
        return cast("Followup", row.answer).option or 0

    def followup_option_text(self, row: FeedbackRow) -> str | None:
        """The text of the option in the survey's default locale."""
        return self._option(cast("Followup", row.answer)).text

    def text(self, row: FeedbackRow) -> str:
        """The open text, empty if there is none."""
        return cast("Text", row.answer).text or ""

    def text_in_english(self, row: FeedbackRow) -> str:
        """The translation, as sent; otherwise the text itself if the survey's default locale is English, else empty."""
        answer = cast("Text", row.answer)
        if answer.english is not None:
            return answer.english
        wording = self._content.question(self.layout.surveys[self.survey(row)]).wording
        return (answer.text or "") if wording.default_locale.partition("-")[0] == "en" else ""

    def is_spam(self, row: FeedbackRow) -> bool:
        """Whether the source marked the text as spam."""
        return bool(cast("Text", row.answer).spam)

    def categories(self, row: FeedbackRow) -> str:
        """The text's categories, separated by commas."""
        return ",".join(cast("Text", row.answer).categories)

    def themes(self, row: FeedbackRow) -> str:
        """The text's themes, separated by commas."""
        return ",".join(cast("Text", row.answer).themes)

    def _option(self, answer: Followup) -> _Option:
        """The question and text of an answer's option."""
        return self._options.get(answer.option or 0, _UNKNOWN_OPTION)

    @cached_property
    def _options(self) -> dict[int, _Option]:
        """The question and text of each option of the set-up, by id."""
        content = self._content
        return {
            option.id: _Option(question.id, option.wording.texts.get(content.question(survey).wording.default_locale))
            for survey in self.layout.surveys.values()
            for question in content.followups(survey)
            for option in question.options
        }


class _Option(NamedTuple):
    """The question of a follow-up option, and its text in the default locale of its survey."""

    question: int | None
    text: str | None


_UNKNOWN_OPTION: Final = _Option(None, None)


# --- the table of columns --------------------------------------------------------------------------------------------

_ButtonUi = Literal["physical", "digital", "touchless", "qr", "link", "email"]
_PhaseUi = Literal["physical", "digital", "exit", "skip", "timeout", "touchless", "qr", "link", "email"]
_SmileyType = Literal["SMILEY_TERMINAL", "SMILEY_TOUCH", "SMILEY_DIGITAL"]
_Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
_LocalTime = Annotated[
    str,
    Meta(
        description="Local time of the press at its experience point, with the offset.",
        extra_json_schema={"format": "date-time"},
        examples=["2024-03-04T08:15:07.000+02:00"],
    ),
]
_Button = Annotated[int, Meta(description="The button, 0 for the most negative.", ge=0, le=10, examples=[3])]
_Misuse = Annotated[bool, Meta(description="Whether the press is misuse.")]
_ButtonPosition = Annotated[int, Meta(description="Position in the survey's flow; the button is always at 0.", ge=0)]
_Position = Annotated[int, Meta(description="Position in the survey's flow, in which the button is at 0.", ge=0)]
_MaskedText = Annotated[str, Meta(description="The text with its profanity masked.")]
_RephrasedText = Annotated[str, Meta(description="The text, rephrased.")]
_Categories = Annotated[str, Meta(examples=["relevant,room for improvement"])]
_Themes = Annotated[str, Meta(examples=["friendliness,quality,other"])]
_Name = Annotated[str, Meta(examples=["John Doe"])]
_Email = Annotated[str, Meta(extra_json_schema={"format": "email"}, examples=["test@example.com"])]
_Phone = Annotated[str, Meta(examples=["+358401234567"])]

_BUTTON, _SMILEY = ("button", "verdict"), ("smiley", "ui")
NUMBER, FLAG, PLAIN, TEXT = Form

COMMON: Final = (
    Column("feedbackId", _Id, PLAIN, Names.feedback_id),
    Column("smileyId", Key, NUMBER, "smiley"),
    Column("localTime", _LocalTime, PLAIN, Names.local_time),
    Column("surveyId", Key, NUMBER, Names.survey, per=("assignment",)),
    Column("experiencePointId", Key, NUMBER, Names.point, per=("assignment",)),
    Column("buttonIndex", _Button, NUMBER, "button", per=_BUTTON),
    Column("misuse", _Misuse, FLAG, Names.misuse, per=_BUTTON),
)
_POSITION: Final = Column("position", _Position, NUMBER, "answer.position")
_UI_COLUMN: Final = Column("ui", _PhaseUi, PLAIN, Names.answer_ui, optional=True)
_SMILEY_TYPE: Final = Column("smileyType", _SmileyType, PLAIN, Names.smiley_type, per=_SMILEY)


def _kind(name: str, data: DataKind, phase: Phase, class_name: str, description: str, *columns: Column) -> Kind:
    """A kind of feedback listing, with a row class made from the common and these columns."""
    every = (*COMMON, *columns)
    fields = [
        (column.name, column.type | UnsetType, UNSET) if column.optional else (column.name, column.type)
        for column in every
    ]
    row_class = msgspec.defstruct(class_name, fields, namespace={"__doc__": description}, frozen=True, kw_only=True)
    return Kind(name, data, phase, row_class, every)


KINDS: Final = (
    _kind(
        "button-feedbacks", DataKind.BUTTON_FEEDBACKS, Phase.BUTTON, "ButtonFeedback", "A press of a button.",
        Column("position", _ButtonPosition, NUMBER, Names.button_position, per=_SMILEY),
        Column("ui", _ButtonUi, PLAIN, Names.button_ui, optional=True, per=_SMILEY),
        _SMILEY_TYPE,
    ),
    _kind(
        "follow-up-feedbacks", DataKind.FOLLOWUP_FEEDBACKS, Phase.FOLLOWUP, "FollowupFeedback",
        "An option chosen after the button.",
        _POSITION, _UI_COLUMN, _SMILEY_TYPE,
        Column("followupQuestionId", Key, NUMBER, Names.followup_question, optional=True),
        Column("followupOptionId", Key, NUMBER, Names.followup_option),
        Column("followupOptionTextInDefaultLocale", QuestionText, TEXT, Names.followup_option_text, optional=True),
    ),
    _kind(
        "text-feedbacks", DataKind.TEXT_FEEDBACKS, Phase.TEXT, "TextFeedback", "A text written after the button.",
        _POSITION, _UI_COLUMN, _SMILEY_TYPE,
        Column("text", str, TEXT, Names.text),
        Column("maskedText", _MaskedText, TEXT, "answer.masked", optional=True),
        Column("rephrasedText", _RephrasedText, TEXT, "answer.rephrased", optional=True),
        Column("textInEnglish", str, TEXT, Names.text_in_english),
        Column("spam", bool, FLAG, Names.is_spam),
        Column("categories", _Categories, TEXT, Names.categories),
        Column("themes", _Themes, TEXT, Names.themes),
    ),
    _kind(
        "demographics", DataKind.DEMOGRAPHICS, Phase.DEMOGRAPHICS, "Demographics",
        "Age and gender, as a device sent them.",
        _SMILEY_TYPE,
        Column("gender", Literal["male", "female"], TEXT, "answer.gender", optional=True),
        Column("age", int, NUMBER, "answer.age", optional=True),
    ),
    _kind(
        "contact-details", DataKind.CONTACT_DETAILS, Phase.CONTACT, "ContactDetails",
        "Contact details of a person who wants a reply.",
        _POSITION, _SMILEY_TYPE,
        Column("name", _Name, TEXT, "answer.name"),
        Column("email", _Email, TEXT, "answer.email", optional=True),
        Column("phoneNumber", _Phone, TEXT, "answer.phone", optional=True),
    ),
    _kind(
        "metadata", DataKind.METADATA, Phase.METADATA, "Metadata", "A value that came with a press.",
        _SMILEY_TYPE,
        Column("key", Annotated[str, Meta(examples=["refId"])], TEXT, "answer.name"),
        Column("value", Annotated[str, Meta(examples=["ABCD1234"])], TEXT, "answer.value"),
    ),
)  # fmt: skip
"""In the order of the documentation."""
