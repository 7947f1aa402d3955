"""The objects of API v1 with its names; a property that does not apply is left out, never null."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from hymio import feedback
from hymio.api.v1.params import Tree
from hymio.period import Instant, format_timestamp, instant_of, offset_at, wall_of
from hymio.results import HourText
from hymio.scale import IndexType, Scale
from hymio.setup import END, Content, Layout
from hymio.smiley import SmileyType

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from hymio import survey as field
    from hymio.hierarchy import Node
    from hymio.results import FeedbackRow
    from hymio.survey import State

# --- the published objects; the OpenAPI document is made from them ---------------------------------------------------

Timestamp = Annotated[
    str,
    Meta(
        description="Time in the survey's zone, with milliseconds; the offset is written `+02:00`, in UTC `Z`.",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}(Z|[+-][0-9]{2}:[0-9]{2})$",
        examples=["2024-03-04T08:15:07.000+02:00"],
    ),
]
Key = Annotated[int, Meta(description="The key, unique within its kind.", ge=1, examples=[7])]
Count = Annotated[int, Meta(ge=0)]
Button = Annotated[int, Meta(description="The button, 0 for the most negative.", ge=0, le=10, examples=[3])]
Locale = Annotated[str, Meta(description="Language, BCP 47.", examples=["en-US"])]
Relevance = Annotated[float, Meta(description="Estimated quality of the text, 0.0 worst to 1.0 best.", ge=0, le=1)]


_SurveyType = Literal["TERMINAL", "TABLET", "WEB"]
_IndexType = Literal["HAPPY", "NPS", "AVERAGE"]
_FeedbackScale = Literal["FOUR", "FIVE", "FIVE_REVERSED", "NPS"]


class _Published(Struct, frozen=True, rename="camel", omit_defaults=True):
    pass


class Envelope(_Published, frozen=True):
    """The part of a list that the response has; without a limit in the request, `limit` equals `total`."""

    offset: Count
    limit: Count
    total: Annotated[int, Meta(description="Length of the whole list.", ge=0)]


class Question(_Published, frozen=True):
    """A question."""

    key: Key
    name: Annotated[str, Meta(description="The question in its default language.", examples=["How was your day?"])]
    locale: Locale


class Option(_Published, frozen=True):
    """An option of a follow-up question; only its key if the option is not in the set-up."""

    key: Key
    name: Annotated[str, Meta(description="The text of the option in its default language.")] | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET


class FolderName(_Published, frozen=True):
    """A folder without its content."""

    key: Key
    name: str


class ActivePeriod(_Published, frozen=True):
    """When a survey collects feedback: `start` is included, `end` is not."""

    start: Timestamp
    end: Timestamp


class Survey(_Published, frozen=True, kw_only=True):
    """A question asked in a folder. Within a folder `folder` is left out, in the list of a question `question`."""

    key: Key
    question: Question | UnsetType = UNSET
    folder: FolderName | UnsetType = UNSET
    time_zone: Annotated[str, Meta(description="IANA time zone of the folder.", examples=["Europe/Helsinki"])]
    active_periods: list[ActivePeriod] | UnsetType = UNSET
    survey_type: Annotated[_SurveyType, Meta(description="The kind of smileys: terminals, tablets or web smileys.")]
    index_type: _IndexType | UnsetType = UNSET
    feedback_scale: _FeedbackScale | UnsetType = UNSET


class Folder(_Published, frozen=True):
    """A folder of the tree; only a folder without folders has surveys."""

    key: Key
    name: str
    folders: list[Folder] | UnsetType = UNSET
    surveys: list[Survey] | UnsetType = UNSET


class Result(_Published, frozen=True):
    """Feedback of one hour, day, week, month or year, misuse left out."""

    ts: Annotated[Timestamp, Meta(description="The beginning of the hour, day, week, month or year.")]
    data: Annotated[list[Count], Meta(description="Number of presses of each button, the most negative first.")]


class RawResult(_Published, frozen=True):
    """One press; the last three properties only if a text was asked for after it."""

    ts: Timestamp
    r: Button
    relevance: Relevance | UnsetType = UNSET
    spam: Annotated[bool, Meta(description="Whether the text is spam.")] | UnsetType = UNSET
    text: Annotated[str, Meta(description="The text.")] | UnsetType = UNSET


class OpenFeedback(RawResult, frozen=True):
    """One press after which a text was asked for."""


class Alert(_Published, frozen=True):
    """An alert; Hymio raises none yet, so the list is always empty."""

    key: Key
    alert_type: str
    begin_time: Timestamp
    end_time: Timestamp | UnsetType = UNSET


class Followup(_Published, frozen=True, kw_only=True):
    """The answer to a question asked after the press."""

    ts: Timestamp
    r: Button
    question: Question | UnsetType = UNSET
    option: Option


# --- questions, folders, surveys -------------------------------------------------------------------------------------

_SURVEY_TYPES: Final[Mapping[SmileyType, _SurveyType]] = {
    SmileyType.TERMINAL: "TERMINAL",
    SmileyType.TOUCH: "TABLET",
    SmileyType.DIGITAL: "WEB",
}
_INDEX_TYPES: Final[Mapping[IndexType, _IndexType]] = {
    IndexType.HAPPY: "HAPPY",
    IndexType.NPS: "NPS",
    IndexType.NPS_OFFICIAL: "NPS",
    IndexType.AVERAGE: "AVERAGE",
}
_SCALES: Final[Mapping[Scale, _FeedbackScale]] = {
    Scale.FOUR: "FOUR",
    Scale.FIVE: "FIVE",
    Scale.FIVE_REVERSED: "FIVE_REVERSED",
    Scale.NPS: "NPS",
}
"""API v1 documents the first three; `NPS` is Hymio's own word for the scale of eleven buttons."""


def question(content: Content, row: field.Survey) -> Question:
    """The question of API v1 for a survey; its key is the survey's id."""
    wording = content.question(row).wording
    return Question(row.id, wording.text, wording.default_locale)


def folder(layout: Layout, content: Content, node: Node, parameters: Tree, now: Instant) -> Folder:
    """A node and everything below it as a folder, with the surveys that the parameters select."""
    below = [folder(layout, content, child, parameters, now) for child in layout.hierarchy.children(node.id)]
    surveys = _surveys_in(layout, content, node, parameters.state, now) if parameters.surveys else []
    return Folder(node.id, node.name, below or UNSET, surveys or UNSET)


def _surveys_in(layout: Layout, content: Content, node: Node, state: State | None, now: Instant) -> list[Survey]:
    """The surveys of a node in a state, or in any if it is None."""
    keys = [row.id for row in layout.assignments_at(node.id) if state in (None, layout.state(row.id, now))]
    return [survey_in_folder(layout, content, key, now) for key in keys]


def survey(layout: Layout, content: Content, assignment: int, now: Instant) -> Survey:
    """The survey of API v1 for an assignment, with all its properties."""
    row = layout.assignments[assignment]
    survey_row = layout.surveys[row.survey]
    node = layout.hierarchy.nodes[row.node]
    return Survey(
        key=assignment,
        question=question(content, survey_row),
        folder=FolderName(node.id, node.name),
        time_zone=layout.zone_of(row.node, now).key,
        active_periods=_active_periods(layout, assignment, now) or UNSET,
        survey_type=_survey_type(layout, assignment),
        index_type=_INDEX_TYPES[survey_row.index_type],
        feedback_scale=_SCALES[survey_row.scale],
    )


def survey_in_folder(layout: Layout, content: Content, assignment: int, now: Instant) -> Survey:
    """A survey within a folder: only five properties, because some clients refuse others."""
    row = layout.assignments[assignment]
    return Survey(
        key=assignment,
        question=question(content, layout.surveys[row.survey]),
        time_zone=layout.zone_of(row.node, now).key,
        active_periods=_active_periods(layout, assignment, now) or UNSET,
        survey_type=_survey_type(layout, assignment),
    )


def survey_of_question(layout: Layout, content: Content, assignment: int, now: Instant) -> Survey:
    """A survey in the list of its question, without the question."""
    return msgspec.structs.replace(survey(layout, content, assignment, now), question=UNSET)


def _survey_type(layout: Layout, assignment: int) -> _SurveyType:
    """The type of the smiley that was placed first; TERMINAL without any, because the property is required."""
    types = layout.smiley_types(assignment)
    return _SURVEY_TYPES[types[0] if types else SmileyType.TERMINAL]


def _active_periods(layout: Layout, assignment: int, now: Instant) -> list[ActivePeriod]:
    """The active periods in local time; without an end, they end at `far_end`."""
    zones = layout.zones_at(layout.assignments[assignment].node)
    periods = []
    for start, end in _merged(layout.ranges(assignment)):
        finish = far_end(zones.at(END), now) if end == END else end
        periods.append(ActivePeriod(_shown(start, zones.at(start)), _shown(finish, zones.at(finish - 1))))
    return periods


def _merged(ranges: tuple[tuple[Instant, Instant], ...]) -> list[tuple[Instant, Instant]]:
    """The ranges in order, contiguous ones merged: a change of the point's zone has divided an active period."""
    merged: list[tuple[Instant, Instant]] = []
    for start, end in sorted(ranges):
        if merged and merged[-1][1] == start:
            merged[-1] = merged[-1][0], end
        else:
            merged.append((start, end))
    return merged


@lru_cache(maxsize=256)
def far_end(zone: ZoneInfo, now: Instant) -> Instant:
    """The shown end of a period without end: midnight on 2 January of a decade's first year, 2 to 12 years ahead.

    Recorded payloads of the vendor have 2030-01-02, which this rule gives too.
    """
    today = wall_of(now, zone)
    decade = (today.year + 3 + 9) // 10 * 10
    return instant_of(today.replace(decade, 1, 2, 0, 0, 0, 0), zone)


@lru_cache(maxsize=4096)
def _shown(at: Instant, zone: ZoneInfo) -> str:
    """An instant as a timestamp in a zone."""
    return timestamp(at, offset_at(at, zone), is_utc(zone))


# --- results ---------------------------------------------------------------------------------------------------------

_UTC_NAMES: Final = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"})


def is_utc(zone: ZoneInfo) -> bool:
    """Whether times of a zone end in `Z`; zones that only have the offset 0, such as London in winter, do not."""
    return zone.key in _UTC_NAMES


def timestamp(at: Instant, offset: int, utc: bool) -> str:
    """A time in the format of v1; `utc` if the current zone is UTC, even if it had another offset at that time."""
    return format_timestamp(at, offset, utc and offset == 0)


RESULT: Final = HourText('{"ts":"', '","data":[', ",", "]}", ",")
"""The JSON of an hour, day, week, month or year; in an array."""


_encode = msgspec.json.Encoder().encode


def raw_line(row: FeedbackRow, utc: bool) -> str:
    """A press, and its text if it has one, as JSON; put together by hand, as an export has millions of them."""
    line = f'{{"ts":"{timestamp(row.at, row.offset, utc)}","r":{row.button}'
    return f"{line}{_text_part(row.answer)}}}" if isinstance(row.answer, feedback.Text) else f"{line}}}"


def _text_part(text: feedback.Text) -> str:
    """The members of a text: relevance, spam and text, each if it is stored."""
    part = "" if text.relevance is None else f',"relevance":{_encode(text.relevance).decode()}'
    part += "" if text.spam is None else f',"spam":{"true" if text.spam else "false"}'
    return part if text.text is None else f'{part},"text":{_encode(text.text).decode()}'


class Options:
    """The JSON of follow-up questions and options, encoded once for each option because rows repeat it."""

    def __init__(self, content: Content) -> None:
        self._members = {
            option.id: _members({"question": _followup_question(question), "option": _option(option)})
            for question in content.followup_questions.values()
            for option in question.options
        }

    def line(self, row: FeedbackRow, utc: bool) -> str:
        """The option chosen after a press, as JSON; the rows are of follow-ups with a choice."""
        if not isinstance(row.answer, feedback.Followup) or row.answer.option is None:
            raise TypeError(f"a row without a chosen option: {row}")
        option = row.answer.option
        members = self._members.get(option) or _members({"option": Option(option)})
        return f'{{"ts":"{timestamp(row.at, row.offset, utc)}","r":{row.button},{members}'


def _option(option: field.FollowupOption) -> Option:
    """The option object."""
    return Option(option.id, option.wording.text, option.wording.default_locale)


def _followup_question(followup: field.FollowupQuestion) -> Question:
    """The question object of a follow-up question."""
    return Question(followup.id, followup.wording.text, followup.wording.default_locale)


def _members(properties: Mapping[str, Struct]) -> str:
    """JSON members and the closing brace, to append to the members that differ from row to row."""
    return _encode(properties).decode()[1:]
