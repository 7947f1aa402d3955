"""What API v2 must be, in words of our own: every object and operation; the published file is read where it lies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import jsonschema
import msgspec
from openapi_spec_validator.readers import read_from_filename

PUBLISHED: Final = "shared/reference/happyornot-api-v2.openapi.yaml"
WHERE: Final = "HYMIO_PUBLISHED_V2"
"""A variable of the environment that says where the published file lies, if not beside the checkout."""

Schema = dict[str, Any]


# --- values ----------------------------------------------------------------------------------------------------------


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
WHOLE: Final[Schema] = {"type": "integer"}
KEY: Final[Schema] = {"type": "integer", "format": "int64"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
EMAIL: Final[Schema] = {"type": "string", "format": "email"}
LOCALE: Final[Schema] = {"type": "string", "pattern": "^[a-z]{2}(_[A-Z]{2})?$"}
PARAMETERS: Final[Schema] = {"type": "string", "pattern": r"^(\w+=[\w,]*)( \w+=[\w,]*)*$"}
POSITION: Final[Schema] = {"type": "integer", "minimum": 0}
SMILEY_TYPE: Final = one_of("SMILEY_TERMINAL", "SMILEY_TOUCH", "SMILEY_DIGITAL")
ALERT_TYPE: Final = one_of("negative", "feedbackCount", "indexThreshold")
BUTTON_UI: Final = one_of("physical", "digital", "touchless", "qr", "link", "email")
PHASE_UI: Final = one_of("physical", "digital", "exit", "skip", "timeout", "touchless", "qr", "link", "email")


class Thing(NamedTuple):
    """An object: its properties in order; those named in `may` can be left out."""

    properties: dict[str, Schema]
    may: frozenset[str]

    @property
    def schema(self) -> Schema:
        required = [name for name in self.properties if name not in self.may]
        return {"type": "object", "properties": self.properties, "required": required}


def thing(may: str = "", /, **properties: Schema) -> Thing:
    return Thing(properties, frozenset(may.split()))


def feedback(may: str = "", /, **properties: Schema) -> Thing:
    """An object that begins like all that come from a press."""
    return thing(
        may,
        feedbackId={"type": "string", "format": "uuid"},
        smileyId=KEY,
        localTime=TIME,
        surveyId=KEY,
        experiencePointId=KEY,
        buttonIndex={"type": "integer", "minimum": 0, "maximum": 10},
        misuse=FLAG,
        **properties,
    )


# --- objects ---------------------------------------------------------------------------------------------------------

OBJECTS: Final[Mapping[str, Thing]] = {
    "TokenIntrospection": thing(token_id=KEY, token_name=TEXT, scopes={"type": "array", "items": TEXT}),
    "ButtonFeedback": feedback("ui", position=POSITION, ui=BUTTON_UI, smileyType=SMILEY_TYPE),
    "FollowupFeedback": feedback(
        "ui followupQuestionId followupOptionTextInDefaultLocale",
        position=POSITION,
        ui=PHASE_UI,
        smileyType=SMILEY_TYPE,
        followupQuestionId=KEY,
        followupOptionId=KEY,
        followupOptionTextInDefaultLocale=TEXT,
    ),
    "TextFeedback": feedback(
        "ui maskedText rephrasedText",
        position=POSITION,
        ui=PHASE_UI,
        smileyType=SMILEY_TYPE,
        text=TEXT,
        maskedText=TEXT,
        rephrasedText=TEXT,
        textInEnglish=TEXT,
        spam=FLAG,
        categories=TEXT,
        themes=TEXT,
    ),
    "Demographics": feedback("gender age", smileyType=SMILEY_TYPE, gender=one_of("male", "female"), age=WHOLE),
    "ContactDetails": feedback(
        "email phoneNumber", position=POSITION, smileyType=SMILEY_TYPE, name=TEXT, email=EMAIL, phoneNumber=TEXT
    ),
    "Metadata": feedback(smileyType=SMILEY_TYPE, key=TEXT, value=TEXT),
    "ExperiencePoint": thing(
        "parent", experiencePointId=WHOLE, name=TEXT, parent=WHOLE, type=one_of("GROUP", "EXPERIENCE-POINT")
    ),
    "CompanyCustomDataField": thing(
        "options", id=TEXT, label=TEXT, type=TEXT, options={"type": "array", "items": TEXT}
    ),
    "CustomDataField": thing("value", experiencePointId=WHOLE, label=TEXT, value=TEXT),
    "Survey": thing(
        surveyId=KEY,
        questionId=KEY,
        defaultLocale=LOCALE,
        questionTextInDefaultLocale=TEXT,
        surveyType=one_of("CUSTOMER", "EMPLOYEE"),
        feedbackScale=one_of("four", "five", "five_reversed", "nps"),
        indexType=one_of("HAPPY", "NPS", "NPS_OFFICIAL", "AVERAGE"),
        state=one_of("active", "ended", "upcoming"),
    ),
    "Question": thing(questionId=KEY, defaultLocale=LOCALE, questionTextInDefaultLocale=TEXT),
    "QuestionLocalization": thing(questionId=KEY, locale=LOCALE, text=TEXT),
    "FollowupQuestion": thing(
        "questionTextInDefaultLocale",
        followupQuestionId=KEY,
        surveyId=KEY,
        positive=FLAG,
        questionTextInDefaultLocale=TEXT,
    ),
    "FollowupQuestionLocalization": thing(followupQuestionId=KEY, locale=LOCALE, text=TEXT),
    "FollowupOption": thing(
        "optionTextInDefaultLocale", followupOptionId=KEY, followupQuestionId=KEY, optionTextInDefaultLocale=TEXT
    ),
    "FollowupOptionLocalization": thing(followupOptionId=KEY, locale=LOCALE, text=TEXT),
    "Alert": thing(
        "endTime acknowledgedByUserId acknowledgedTime",
        alertId=KEY,
        alertSpecificationId=KEY,
        surveyId=KEY,
        experiencePointId=KEY,
        beginTime=TIME,
        endTime=TIME,
        alertSpecificationType=ALERT_TYPE,
        parameters=PARAMETERS,
        acknowledged=FLAG,
        acknowledgedByUserId=KEY,
        acknowledgedTime=TIME,
    ),
    "AlertComment": thing(alertCommentId=KEY, alertId=KEY, userId=KEY, time=TIME, comment=TEXT),
    "AlertSpecification": thing(
        "alertSpecificationType parameters",
        alertSpecificationId=KEY,
        surveyId=KEY,
        experiencePointId=KEY,
        alertSpecificationType=ALERT_TYPE,
        parameters=PARAMETERS,
    ),
    "User": thing(
        "lastLogin",
        userId=KEY,
        email=EMAIL,
        firstName=TEXT,
        lastName=TEXT,
        rootExperiencePointId=KEY,
        role=one_of("USER", "ADMIN", "PARTNER"),
        locale=LOCALE,
        loginAllowed=FLAG,
        loginMethod=one_of("EMAIL_PASSWORD", "SINGLE_SIGN_ON"),
        lastLogin=TIME,
        created=TIME,
    ),
    "Smiley": thing(
        "name serialNumber token", smileyId=KEY, name=TEXT, serialNumber=TEXT, token=TEXT, smileyType=SMILEY_TYPE
    ),
}

# --- operations ------------------------------------------------------------------------------------------------------

PERIOD: Final = (
    r"^(today|yesterday|this-week|last-week|this-month|last-month|this-year|last-year|\d{4}(-(0[1-9]|1[0-2]|q[1-4]))?)$"
)

QUERY: Final[Mapping[str, Schema]] = {
    "csvSeparator": {"type": "string", "minLength": 1, "maxLength": 1, "default": ","},
    "surveyId": KEY,
    "experiencePointId": KEY,
    "rootExperiencePointId": KEY,
    "questionId": KEY,
    "followupQuestionId": KEY,
    "followupOptionId": KEY,
    "type": one_of("GROUP", "EXPERIENCE_POINT"),
    "period": {"type": "string", "pattern": PERIOD},
    "startDate": {"type": "string", "format": "date"},
    "endDate": {"type": "string", "format": "date"},
    "includeMisuse": {"type": "boolean", "default": False},
    "includeSpam": {"type": "boolean", "default": True},
    "offset": {"type": "integer", "minimum": 0, "default": 0},
    "limit": {"type": "integer", "minimum": 0, "maximum": 10_000, "default": 1_000},
    "order": {"type": "string", "enum": ["desc", "asc"], "default": "asc"},
}
"""Every parameter of a query; none is required."""

FORMAT: Final[Schema] = {"type": "string", "enum": ["json", "csv"]}


class Operation(NamedTuple):
    """A GET: its id, the object it gives, and the parameters of its query besides the token."""

    id: str | None
    gives: str
    parameters: tuple[str, ...]
    statuses: tuple[str, ...] = ("200", "400", "401", "403")

    @property
    def is_listing(self) -> bool:
        """Whether it gives an array of objects, as JSON or CSV; all but one do."""
        return self.id is not None


_SOUGHT: Final = "csvSeparator surveyId experiencePointId period startDate endDate"


def _listing(what: str, gives: str, parameters: str = "csvSeparator") -> Operation:
    return Operation(f"list{what}", gives, tuple(parameters.split()))


def _results(what: str, gives: str, more: str = "") -> Operation:
    return _listing(what, gives, f"{_SOUGHT} includeMisuse {more} offset limit order")


OPERATIONS: Final[Mapping[str, Operation]] = {
    "token/introspect": Operation(None, "TokenIntrospection", (), ("200", "401")),
    "results/button-feedbacks": _results("ButtonFeedbacks", "ButtonFeedback"),
    "results/follow-up-feedbacks": _results("FollowupFeedbacks", "FollowupFeedback"),
    "results/text-feedbacks": _results("TextFeedbacks", "TextFeedback", "includeSpam"),
    "results/demographics": _results("Demographics", "Demographics"),
    "results/contact-details": _results("ContactDetails", "ContactDetails"),
    "results/metadata": _results("Metadata", "Metadata"),
    "experience-points": _listing("ExperiencePoints", "ExperiencePoint", "csvSeparator rootExperiencePointId type"),
    "experience-point-custom-data": _listing(
        "CustomDataFields", "CustomDataField", "csvSeparator experiencePointId rootExperiencePointId"
    ),
    "company-custom-data": _listing("CompanyCustomDataFields", "CompanyCustomDataField"),
    "surveys": _listing("Surveys", "Survey"),
    "questions": _listing("Questions", "Question"),
    "question-localizations": _listing("QuestionLocalizations", "QuestionLocalization", "csvSeparator questionId"),
    "follow-up-questions": _listing("FollowupQuestions", "FollowupQuestion"),
    "follow-up-question-localizations": _listing(
        "FollowupQuestionLocalizations", "FollowupQuestionLocalization", "csvSeparator followupQuestionId"
    ),
    "follow-up-options": _listing("FollowupOptions", "FollowupOption"),
    "follow-up-option-localizations": _listing(
        "FollowupOptionLocalizations", "FollowupOptionLocalization", "csvSeparator followupOptionId"
    ),
    "alerts": _listing("Alerts", "Alert", f"{_SOUGHT} offset limit"),
    "alert-comments": _listing("AlertComments", "AlertComment", f"{_SOUGHT} offset limit"),
    "alert-specifications": _listing("AlertSpecifications", "AlertSpecification"),
    "users": _listing("Users", "User"),
    "smileys": _listing("Smileys", "Smiley"),
}
"""By path, without the slash before it and the format behind it."""


# --- the documents ---------------------------------------------------------------------------------------------------


def own_document(server: str = "https://hymio.example.com/v2") -> dict[str, Any]:
    """This contract as an OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "API v2", "version": "2.0"},
        "servers": [{"url": server}],
        "security": [{"header": []}, {"query": []}],
        "paths": {_path(name, each): {"get": _described(each)} for name, each in OPERATIONS.items()},
        "components": {
            "schemas": {name: each.schema for name, each in OBJECTS.items()},
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-HON-API-Token"},
                "query": {"type": "apiKey", "in": "query", "name": "auth"},
            },
        },
    }


def _path(name: str, operation: Operation) -> str:
    return f"/{name}.{{format}}" if operation.is_listing else f"/{name}"


def _described(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": _content(operation)}}
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": False, "schema": QUERY[name]} for name in operation.parameters
    ]
    if operation.is_listing:
        content["text/csv"] = {"schema": {"type": "string"}}
        parameters.insert(0, {"name": "format", "in": "path", "required": True, "schema": FORMAT})
    refused = {status: {"description": "Refused."} for status in operation.statuses[1:]}
    described = {
        "parameters": parameters,
        "responses": {"200": {"description": "Good.", "content": content}, **refused},
    }
    return described if operation.id is None else {"operationId": operation.id, **described}


def _content(operation: Operation) -> Schema:
    one = {"$ref": f"#/components/schemas/{operation.gives}"}
    return {"type": "array", "items": one} if operation.is_listing else one


@cache
def published_document() -> dict[str, Any] | None:
    """The published file, from where the environment says or from beside the checkout; None where it is not."""
    beside = [parent / PUBLISHED for parent in Path(__file__).resolve().parents]
    told = os.environ.get(WHERE)
    found = next((path for path in ([Path(told)] if told else beside) if path.is_file()), None)
    return None if found is None else dict(read_from_filename(str(found))[0])


def document() -> dict[str, Any]:
    """The document that judges: the published file, or this contract where that is not."""
    return published_document() or own_document()


# --- judging ---------------------------------------------------------------------------------------------------------

FORMATS: Final = jsonschema.FormatChecker(["uuid", "email"])
_DATE_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


@FORMATS.checks("date-time", ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(_DATE_TIME.fullmatch(value) and datetime.fromisoformat(value))


@FORMATS.checks("date", ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@FORMATS.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 63


@cache
def validator(name: str, *, own: bool = False) -> Any:
    """What judges one object of a name."""
    judge = own_document() if own else document()
    schema = {"$ref": f"#/components/schemas/{name}", "components": judge["components"]}
    return jsonschema.Draft202012Validator(schema, format_checker=FORMATS)


def check_rows(name: str, rows: Iterable[Any]) -> None:
    """Published objects, or what was decoded from an answer, are as the document says and have no property more."""
    for row in msgspec.to_builtins(list(rows)):
        validator(name).validate(row)
        validator(name, own=True).validate(row)
        assert list(row) == [each for each in OBJECTS[name].properties if each in row], (name, row)
