"""The listings of API v2 without pages: the set-up within the scope of a token, ordered by id."""

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
"""Values of the parameter `type`: whether it selects points. Both published spellings of a point are accepted."""


# --- the tree --------------------------------------------------------------------------------------------------------


def _experience_points(call: Call) -> Sequence[rows.ExperiencePoint]:
    """Groups and points below `rootExperiencePointId`, of one `type` if given. The scope's top node has no parent."""
    subtree = _subtree(call, call.node("rootExperiencePointId"))
    points = call.query.word("type", _POINTS)
    nodes = (call.layout.hierarchy.nodes[node] for node in sorted(subtree))
    return [
        rows.experience_point(node, inside=node.id != call.root) for node in nodes if points in (None, node.is_point)
    ]


def _custom_data(call: Call) -> Sequence[rows.CustomDataField]:
    """The values of custom fields at one node, or at all nodes of a subtree."""
    root, node = call.node("rootExperiencePointId"), call.node("experiencePointId")
    nodes = _subtree(call, root) if node is None else {node}
    labels = {custom.id: custom.label for custom in custom_fields(call.store, call.principal)}
    return [
        rows.custom_field(value, labels[value.field])
        for value in custom_values(call.store, call.principal)
        if value.node in nodes and value.field in labels
    ]


def _company_custom_data(call: Call) -> Sequence[rows.CompanyCustomDataField]:
    """The custom fields of the organization."""
    return [rows.company_field(custom) for custom in custom_fields(call.store, call.principal)]


def _subtree(call: Call, node: int | None) -> frozenset[int]:
    """The ids of a node and all nodes below it; without a node, all in the token's scope."""
    return call.nodes if node is None else frozenset(below.id for below in call.layout.hierarchy.subtree(node))


# --- surveys and questions -------------------------------------------------------------------------------------------


class _Followup(NamedTuple):
    """A follow-up question with the survey that it belongs to."""

    survey: field.Survey
    question: field.FollowupQuestion


def _surveys_in_scope(call: Call) -> Iterator[field.Survey]:
    """The surveys in the token's scope, by id."""
    return (call.layout.surveys[survey] for survey in sorted(call.surveys))


def _questions_in_scope(call: Call) -> Sequence[field.Question]:
    """The questions of the surveys in the token's scope, by id, without repeats."""
    return _by_id({survey.question: call.content.question(survey) for survey in _surveys_in_scope(call)})


def _followups_in_scope(call: Call) -> Sequence[_Followup]:
    """The follow-up questions of the surveys in the token's scope, by id."""
    return _by_id(
        {
            question.id: _Followup(survey, question)
            for survey in _surveys_in_scope(call)
            for question in call.content.followups(survey)
        }
    )


def _options_in_scope(call: Call) -> Sequence[tuple[_Followup, field.FollowupOption]]:
    """The options of the follow-up questions in the token's scope, by id, each with its question."""
    return _by_id(
        {
            option.id: (followup, option)
            for followup in _followups_in_scope(call)
            for option in followup.question.options
        }
    )


def _default_locale(call: Call, survey: field.Survey) -> str:
    """The default locale of a survey's question; API v2 uses it for the survey's follow-ups too."""
    return call.content.question(survey).wording.default_locale


def _by_id(values: Mapping[int, T]) -> Sequence[T]:
    """The values of a mapping in ascending order of their keys."""
    return [values[key] for key in sorted(values)]


def _surveys(call: Call) -> Sequence[rows.Survey]:
    """The surveys in the token's scope, with their states."""
    states = _states(call)
    return [
        rows.survey(survey, call.content.question(survey).wording, states.get(survey.id, State.ENDED))
        for survey in _surveys_in_scope(call)
    ]


def _states(call: Call) -> Mapping[int, State]:
    """The state of each survey, from the active periods of its assignments within the token's scope."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for assignment in call.layout.assignments.values():
        if assignment.node in call.nodes:
            ranges.setdefault(assignment.survey, []).extend(call.layout.ranges(assignment.id))
    return {survey: state_of(periods, call.now) for survey, periods in ranges.items()}


def _questions(call: Call) -> Sequence[rows.Question]:
    """The questions in the token's scope."""
    return [rows.question(question) for question in _questions_in_scope(call)]


def _question_localizations(call: Call) -> Sequence[rows.QuestionLocalization]:
    """The texts of questions in all locales, of one question with `questionId`."""
    wordings = {question.id: question.wording for question in _questions_in_scope(call)}
    texts = _localizations(call, "questionId", wordings, Phrase("this question"))
    return [rows.QuestionLocalization(*text) for text in texts]


def _followup_questions(call: Call) -> Sequence[rows.FollowupQuestion]:
    """The follow-up questions in the token's scope."""
    return [
        rows.followup_question(survey.id, question, _default_locale(call, survey))
        for survey, question in _followups_in_scope(call)
    ]


def _followup_question_localizations(call: Call) -> Sequence[rows.FollowupQuestionLocalization]:
    """The texts of follow-up questions in all locales, of one question with `followupQuestionId`."""
    wordings = {followup.question.id: followup.question.wording for followup in _followups_in_scope(call)}
    texts = _localizations(call, "followupQuestionId", wordings, Phrase("this follow-up question"))
    return [rows.FollowupQuestionLocalization(*text) for text in texts]


def _followup_options(call: Call) -> Sequence[rows.FollowupOption]:
    """The options of the follow-up questions in the token's scope."""
    return [
        rows.followup_option(option, followup.question.id, _default_locale(call, followup.survey))
        for followup, option in _options_in_scope(call)
    ]


def _followup_option_localizations(call: Call) -> Sequence[rows.FollowupOptionLocalization]:
    """The texts of options in all locales, of one option with `followupOptionId`."""
    wordings = {option.id: option.wording for _, option in _options_in_scope(call)}
    texts = _localizations(call, "followupOptionId", wordings, Phrase("this follow-up option"))
    return [rows.FollowupOptionLocalization(*text) for text in texts]


def _localizations(
    call: Call, parameter: str, wordings: Mapping[int, field.Localized], what: Phrase
) -> Iterator[tuple[int, str, str]]:
    """Id, locale and text of all wordings, or of the one whose id a parameter has. Forbidden if it is unknown."""
    only = call.id_in_scope(parameter, frozenset(wordings), what)
    for identity in sorted(wordings) if only is None else [only]:
        for locale, text in rows.localizations(wordings[identity]):
            yield identity, locale, text


# --- alerts, people and devices --------------------------------------------------------------------------------------


def _alert_specifications(call: Call) -> Sequence[rows.AlertSpecification]:
    """The alert specifications of nodes in the token's scope."""
    specifications = alert_specifications(call.store, call.principal)
    return [
        rows.alert_specification(specification) for specification in specifications if specification.node in call.nodes
    ]


def _users(call: Call) -> Sequence[rows.User]:
    """The users whose node is in the token's scope."""
    return [rows.user(user) for user in users(call.store, call.principal) if user.node in call.nodes]


def _smileys(call: Call) -> Sequence[rows.Smiley]:
    """The smileys that are or were placed in the token's scope; if that is the whole tree, all."""
    placed = {placement.smiley for node in call.nodes for placement in call.layout.placed_at(node)}
    smileys = sorted(call.layout.smileys.values(), key=attrgetter("id"))
    return [rows.smiley(smiley) for smiley in smileys if call.sees_whole_tree or smiley.id in placed]


# --- table of the listings -------------------------------------------------------------------------------------------

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
