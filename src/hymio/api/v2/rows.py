"""What API v2 publishes, in its own words and order; a property that does not apply is left out, never null."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

from msgspec import UNSET, Meta, Struct, UnsetType

from hymio.locale import underscored
from hymio.period import Instant, format_timestamp, offset_at

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from hymio import alert as alerts
    from hymio import survey as field
    from hymio import user as users
    from hymio.access import Principal
    from hymio.custom import CustomField, CustomValue
    from hymio.hierarchy import Node, Timeline
    from hymio.smiley import Smiley as FieldSmiley

# --- the published objects; the OpenAPI document is made from them ---------------------------------------------------

_INT64: Final[dict[str, Any]] = {"format": "int64"}
_DATE_TIME: Final[dict[str, Any]] = {"format": "date-time"}

Key = Annotated[int, Meta(description="The id, unique within its kind.", extra_json_schema=_INT64, examples=[7])]
AlertTime = Annotated[
    str,
    Meta(
        description="Local time of the experience point, with the offset.",
        extra_json_schema=_DATE_TIME,
        examples=["2024-03-04T08:15:07.000+02:00"],
    ),
]
UtcTime = Annotated[
    str, Meta(description="In UTC.", extra_json_schema=_DATE_TIME, examples=["2024-03-04T06:15:07.000Z"])
]
Locale = Annotated[
    str,
    Meta(description="A language with an optional country.", pattern=r"^[a-z]{2}(_[A-Z]{2})?$", examples=["en_US"]),
]
Email = Annotated[str, Meta(extra_json_schema={"format": "email"}, examples=["test@example.com"])]
Parameters = Annotated[
    str,
    Meta(
        description="The parameters of the condition.",
        pattern=r"^(\w+=[\w,]*)( \w+=[\w,]*)*$",
        examples=["key1=value1 key2=value2 key3=value3a,value3b"],
    ),
]
QuestionText = Annotated[str, Meta(description="Left out if there is no text in that locale.")]

_PersonRole = Literal["USER", "ADMIN", "PARTNER"]
_SmileyType = Literal["SMILEY_TERMINAL", "SMILEY_TOUCH", "SMILEY_DIGITAL"]
_AlertType = Literal["negative", "feedbackCount", "indexThreshold"]
_Scale = Literal["four", "five", "five_reversed", "nps"]
_IndexType = Literal["HAPPY", "NPS", "NPS_OFFICIAL", "AVERAGE"]


class TokenIntrospection(Struct, frozen=True):
    """What a token may be used for."""

    token_id: Key
    token_name: str
    scopes: Annotated[list[str], Meta(description="The kinds of data that it may read.")]


class _Published(Struct, frozen=True, rename="camel", omit_defaults=True):
    pass


class ExperiencePoint(_Published, frozen=True, kw_only=True):
    """A group or an experience point."""

    experience_point_id: Key
    name: str
    parent: Annotated[Key, Meta(description="Left out for the top node of the token's scope.")] | UnsetType = UNSET
    type: Literal["GROUP", "EXPERIENCE-POINT"]


class CompanyCustomDataField(_Published, frozen=True):
    """A custom data field of the organization, of which groups and experience points have values."""

    id: str
    label: str
    type: str
    options: list[str] | UnsetType = UNSET


class CustomDataField(_Published, frozen=True):
    """The value of a custom data field at a group or experience point."""

    experience_point_id: Key
    label: str
    value: str | UnsetType = UNSET


class Survey(_Published, frozen=True):
    """A question with a scale, asked at experience points."""

    survey_id: Key
    question_id: Key
    default_locale: Locale
    question_text_in_default_locale: Annotated[str, Meta(examples=["How was the service?"])]
    survey_type: Literal["CUSTOMER", "EMPLOYEE"]
    feedback_scale: _Scale
    index_type: _IndexType
    state: Annotated[
        Literal["active", "ended", "upcoming"],
        Meta(description="Active if any assignment in the token's scope is, otherwise upcoming if any will be."),
    ]


class Question(_Published, frozen=True):
    """A question of a survey."""

    question_id: Key
    default_locale: Locale
    question_text_in_default_locale: Annotated[str, Meta(examples=["How was the service?"])]


class QuestionLocalization(_Published, frozen=True):
    """A question in a locale."""

    question_id: Key
    locale: Locale
    text: str


class FollowupQuestion(_Published, frozen=True):
    """A question asked after a button of the positive or the negative side."""

    followup_question_id: Key
    survey_id: Key
    positive: bool
    question_text_in_default_locale: QuestionText | UnsetType = UNSET


class FollowupQuestionLocalization(_Published, frozen=True):
    """A follow-up question in a locale."""

    followup_question_id: Key
    locale: Locale
    text: str


class FollowupOption(_Published, frozen=True):
    """An option of a follow-up question."""

    followup_option_id: Key
    followup_question_id: Key
    option_text_in_default_locale: QuestionText | UnsetType = UNSET


class FollowupOptionLocalization(_Published, frozen=True):
    """The text of an option of a follow-up question in a locale."""

    followup_option_id: Key
    locale: Locale
    text: str


class Alert(_Published, frozen=True, kw_only=True):
    """A time at which feedback met the condition of an alert specification; open while it has no end."""

    alert_id: Key
    alert_specification_id: Key
    survey_id: Key
    experience_point_id: Key
    begin_time: AlertTime
    end_time: AlertTime | UnsetType = UNSET
    alert_specification_type: _AlertType
    parameters: Parameters
    acknowledged: bool
    acknowledged_by_user_id: Key | UnsetType = UNSET
    acknowledged_time: AlertTime | UnsetType = UNSET


class AlertComment(_Published, frozen=True):
    """A user's comment on an alert."""

    alert_comment_id: Key
    alert_id: Key
    user_id: Key
    time: AlertTime
    comment: str


class AlertSpecification(_Published, frozen=True):
    """The condition that raises an alert."""

    alert_specification_id: Key
    survey_id: Key
    experience_point_id: Key
    alert_specification_type: _AlertType | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET


class User(_Published, frozen=True, kw_only=True):
    """A person's account."""

    user_id: Key
    email: Email
    first_name: str
    last_name: str
    root_experience_point_id: Key
    role: _PersonRole
    locale: Locale
    login_allowed: bool
    login_method: Literal["EMAIL_PASSWORD", "SINGLE_SIGN_ON"]
    last_login: UtcTime | UnsetType = UNSET
    created: UtcTime


class Smiley(_Published, frozen=True, kw_only=True):
    """A device or a digital smiley. `token` is the public one of a published digital smiley; upload tokens are kept
    as hashes and never shown."""

    smiley_id: Key
    name: str | UnsetType = UNSET
    serial_number: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    smiley_type: _SmileyType


# --- what they are made of -------------------------------------------------------------------------------------------


def local_time(at: Instant, zones: Timeline[ZoneInfo]) -> str:
    """A time by the clock of a point, its offset always in digits: `2024-03-04T08:15:07.000+02:00`."""
    return format_timestamp(at, offset_at(at, zones.at(at)))


def utc_time(at: Instant) -> str:
    """A time in UTC: `2024-03-04T06:15:07.000Z`."""
    return format_timestamp(at, 0, utc=True)


def token(principal: Principal) -> TokenIntrospection:
    """A token's number, name and kinds of data, sorted by name."""
    return TokenIntrospection(principal.id, principal.name, sorted(kind.value for kind in principal.kinds))


def experience_point(node: Node, *, inside: bool) -> ExperiencePoint:
    """A node; with its parent if the node is `inside` the token's scope, and not its top node."""
    return ExperiencePoint(
        experience_point_id=node.id,
        name=node.name,
        parent=node.parent if inside and node.parent is not None else UNSET,
        type="EXPERIENCE-POINT" if node.is_point else "GROUP",
    )


def company_field(custom: CustomField) -> CompanyCustomDataField:
    """A custom field of the organization."""
    return CompanyCustomDataField(custom.id, custom.label, custom.type, list(custom.options) or UNSET)


def custom_field(value: CustomValue, label: str) -> CustomDataField:
    """A value of a custom field at a node, with the field's label."""
    return CustomDataField(value.node, label, value.value)


def survey(row: field.Survey, wording: field.Localized, state: field.State) -> Survey:
    """A survey with the text of its question and its state."""
    return Survey(
        survey_id=row.id,
        question_id=row.question,
        default_locale=underscored(wording.default_locale),
        question_text_in_default_locale=wording.text,
        survey_type=row.type.value,
        feedback_scale=row.scale.value,
        index_type=row.index_type.value,
        state=state.value,
    )


def question(row: field.Question) -> Question:
    """A question with its text in the default locale."""
    return Question(row.id, underscored(row.wording.default_locale), row.wording.text)


def followup_question(survey: int, row: field.FollowupQuestion, locale: str) -> FollowupQuestion:
    """A follow-up question of a survey with its text in `locale`, if it has one."""
    return FollowupQuestion(row.id, survey, row.positive, row.wording.texts.get(locale, UNSET))


def followup_option(row: field.FollowupOption, question: int, locale: str) -> FollowupOption:
    """An option of a follow-up question with its text in `locale`, if it has one."""
    return FollowupOption(row.id, question, row.wording.texts.get(locale, UNSET))


def localizations(wording: field.Localized) -> Iterator[tuple[str, str]]:
    """The locales, in API v2's spelling, and texts of a wording, ordered by locale."""
    yield from sorted((underscored(locale), text) for locale, text in wording.texts.items())


def alert(row: alerts.Alert, zones: Timeline[ZoneInfo]) -> Alert:
    """An alert, with times in the zone of its node."""
    return Alert(
        alert_id=row.id,
        alert_specification_id=row.specification,
        survey_id=row.survey,
        experience_point_id=row.node,
        begin_time=local_time(row.begins_at, zones),
        end_time=UNSET if row.ends_at is None else local_time(row.ends_at, zones),
        alert_specification_type=row.type.value,
        parameters=row.parameters,
        acknowledged=row.acknowledged_at is not None,
        acknowledged_by_user_id=UNSET if row.acknowledged_by is None else row.acknowledged_by,
        acknowledged_time=UNSET if row.acknowledged_at is None else local_time(row.acknowledged_at, zones),
    )


def alert_comment(comment: alerts.AlertComment, zones: Timeline[ZoneInfo]) -> AlertComment:
    """A comment, with its time in the zone of the alert's node."""
    return AlertComment(
        comment.id, comment.alert, comment.user, local_time(comment.commented_at, zones), comment.comment
    )


def alert_specification(specification: alerts.AlertSpecification) -> AlertSpecification:
    """An alert specification."""
    return AlertSpecification(
        specification.id, specification.survey, specification.node, specification.type.value, specification.parameters
    )


def user(account: users.User) -> User:
    """A user."""
    return User(
        user_id=account.id,
        email=account.email,
        first_name=account.first_name,
        last_name=account.last_name,
        root_experience_point_id=account.node,
        role=cast(_PersonRole, account.role.value),
        locale=underscored(account.locale),
        login_allowed=account.login_allowed,
        login_method=account.login_method.value,
        last_login=UNSET if account.last_login_at is None else utc_time(account.last_login_at),
        created=utc_time(account.created_at),
    )


def smiley(row: FieldSmiley) -> Smiley:
    """A smiley."""
    token = UNSET if row.publication is None else row.publication.token
    return Smiley(smiley_id=row.id, name=row.name, serial_number=row.serial, token=token, smiley_type=row.type.value)
