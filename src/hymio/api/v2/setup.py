"""The listings of API v2 that have no pages: what is set up within the sight of a token, each by its ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

from hymio import survey as field
from hymio.access import DataKind
from hymio.api.v2 import rows
from hymio.api.v2.call import Call, Listing
from hymio.errors import Phrase
from hymio.manage import alert_specifications, custom_fields, custom_values, users
from hymio.survey import State, state_of

T = TypeVar("T")

_POINTS: Final[Mapping[str, bool]] = {"group": False, "experience_point": True, "experience-point": True}
"""The words of `type`; the published parameter and the published answer spell the second one differently."""


# --- the tree --------------------------------------------------------------------------------------------------------


def _experience_points(call: Call) -> Sequence[rows.ExperiencePoint]:
    below = _below(call, call.node("rootExperiencePointId"))
    points = call.query.word("type", _POINTS)
    wanted = (call.layout.hierarchy.nodes[node] for node in sorted(below))
    return [
        rows.experience_point(each, inside=each.id != call.root) for each in wanted if points in (None, each.is_point)
    ]


def _custom_data(call: Call) -> Sequence[rows.CustomDataField]:
    root, only = call.node("rootExperiencePointId"), call.node("experiencePointId")
    wanted = _below(call, root) if only is None else {only}
    labels = {each.id: each.label for each in custom_fields(call.store, call.principal)}
    return [
        rows.custom_field(each, labels[each.field])
        for each in custom_values(call.store, call.principal)
        if each.node in wanted and each.field in labels
    ]


def _company_custom_data(call: Call) -> Sequence[rows.CompanyCustomDataField]:
    return [rows.company_field(each) for each in custom_fields(call.store, call.principal)]


def _below(call: Call, node: int | None) -> frozenset[int]:
    """The nodes of a subtree, or all that the token sees."""
    return call.nodes if node is None else frozenset(each.id for each in call.layout.hierarchy.subtree(node))


# --- surveys and what they ask ---------------------------------------------------------------------------------------


class _Asked(NamedTuple):
    """A follow-up question and the survey that asks it."""

    survey: field.Survey
    question: field.FollowupQuestion


def _seen_surveys(call: Call) -> Iterator[field.Survey]:
    return (call.layout.surveys[each] for each in sorted(call.surveys))


def _seen_questions(call: Call) -> Sequence[field.Question]:
    """The questions of the surveys that the token sees; one that several surveys ask is there once."""
    return _by_id({each.question: call.content.question(each) for each in _seen_surveys(call)})


def _seen_followups(call: Call) -> Sequence[_Asked]:
    asked = ((survey, each) for survey in _seen_surveys(call) for each in call.content.followups(survey))
    return _by_id({each.id: _Asked(survey, each) for survey, each in asked})


def _seen_options(call: Call) -> Sequence[tuple[_Asked, field.FollowupOption]]:
    return _by_id({each.id: (asked, each) for asked in _seen_followups(call) for each in asked.question.options})


def _default_locale(call: Call, survey: field.Survey) -> str:
    """The default locale of a survey's question, which is the only one of its follow-ups that v2 names."""
    return call.content.question(survey).wording.default_locale


def _by_id(found: Mapping[int, T]) -> Sequence[T]:
    return [found[each] for each in sorted(found)]


def _surveys(call: Call) -> Sequence[rows.Survey]:
    states = _states(call)
    return [
        rows.survey(each, call.content.question(each).wording, states.get(each.id, State.ENDED))
        for each in _seen_surveys(call)
    ]


def _states(call: Call) -> Mapping[int, State]:
    """The state of each survey as far as the token sees it asked."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for each in call.layout.assignments.values():
        if each.node in call.nodes:
            ranges.setdefault(each.survey, []).extend(call.layout.ranges(each.id))
    return {survey: state_of(found, call.now) for survey, found in ranges.items()}


def _questions(call: Call) -> Sequence[rows.Question]:
    return [rows.question(each) for each in _seen_questions(call)]


def _question_localizations(call: Call) -> Sequence[rows.QuestionLocalization]:
    known = {each.id: each.wording for each in _seen_questions(call)}
    return [
        rows.QuestionLocalization(*each) for each in _localizations(call, "questionId", known, Phrase("this question"))
    ]  # fmt: skip


def _followup_questions(call: Call) -> Sequence[rows.FollowupQuestion]:
    return [
        rows.followup_question(survey.id, each, _default_locale(call, survey)) for survey, each in _seen_followups(call)
    ]


def _followup_question_localizations(call: Call) -> Sequence[rows.FollowupQuestionLocalization]:
    known = {each.question.id: each.question.wording for each in _seen_followups(call)}
    found = _localizations(call, "followupQuestionId", known, Phrase("this follow-up question"))
    return [rows.FollowupQuestionLocalization(*each) for each in found]


def _followup_options(call: Call) -> Sequence[rows.FollowupOption]:
    return [
        rows.followup_option(each, asked.question.id, _default_locale(call, asked.survey))
        for asked, each in _seen_options(call)
    ]


def _followup_option_localizations(call: Call) -> Sequence[rows.FollowupOptionLocalization]:
    known = {each.id: each.wording for _, each in _seen_options(call)}
    found = _localizations(call, "followupOptionId", known, Phrase("this follow-up option"))
    return [rows.FollowupOptionLocalization(*each) for each in found]


def _localizations(
    call: Call, parameter: str, known: Mapping[int, field.Localized], what: Phrase
) -> Iterator[tuple[int, str, str]]:
    """Id, locale and text of what is known, or of the one that a parameter names. Forbidden if that is not known."""
    only = call.seen(parameter, frozenset(known), what)
    for identity in sorted(known) if only is None else [only]:
        for locale, text in rows.localizations(known[identity]):
            yield identity, locale, text


# --- alerts, people and devices --------------------------------------------------------------------------------------


def _alert_specifications(call: Call) -> Sequence[rows.AlertSpecification]:
    known = alert_specifications(call.store, call.principal)
    return [rows.alert_specification(each) for each in known if each.node in call.nodes]


def _users(call: Call) -> Sequence[rows.User]:
    return [rows.user(each) for each in users(call.store, call.principal) if each.node in call.nodes]


def _smileys(call: Call) -> Sequence[rows.Smiley]:
    placed = {each.smiley for each in call.layout.placements if each.node in call.nodes}
    known = sorted(call.layout.smileys.values(), key=attrgetter("id"))
    return [rows.smiley(each) for each in known if call.whole or each.id in placed]


# --- all of them -----------------------------------------------------------------------------------------------------

LISTINGS: Final = (
    Listing(
        "experience-points",
        DataKind.EXPERIENCE_POINTS,
        rows.ExperiencePoint,
        _experience_points,
        ("rootExperiencePointId", "type"),
    ),
    Listing(
        "experience-point-custom-data",
        DataKind.CUSTOM_DATA,
        rows.CustomDataField,
        _custom_data,
        ("experiencePointId", "rootExperiencePointId"),
    ),
    Listing("company-custom-data", DataKind.CUSTOM_DATA, rows.CompanyCustomDataField, _company_custom_data),
    Listing("surveys", DataKind.SURVEYS, rows.Survey, _surveys),
    Listing("questions", DataKind.SURVEYS, rows.Question, _questions),
    Listing(
        "question-localizations",
        DataKind.SURVEYS,
        rows.QuestionLocalization,
        _question_localizations,
        ("questionId",),
    ),
    Listing("follow-up-questions", DataKind.SURVEYS, rows.FollowupQuestion, _followup_questions),
    Listing(
        "follow-up-question-localizations",
        DataKind.SURVEYS,
        rows.FollowupQuestionLocalization,
        _followup_question_localizations,
        ("followupQuestionId",),
    ),
    Listing("follow-up-options", DataKind.SURVEYS, rows.FollowupOption, _followup_options),
    Listing(
        "follow-up-option-localizations",
        DataKind.SURVEYS,
        rows.FollowupOptionLocalization,
        _followup_option_localizations,
        ("followupOptionId",),
    ),
    Listing("alert-specifications", DataKind.ALERTS, rows.AlertSpecification, _alert_specifications),
    Listing("users", DataKind.USERS, rows.User, _users),
    Listing("smileys", DataKind.SMILEYS, rows.Smiley, _smileys),
)
