"""API v2's part of the OpenAPI document, made from what the code publishes and reads."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from hymio.api.v2 import params, rows
from hymio.api.v2.alerts import PAGED
from hymio.api.v2.feedbacks import KINDS
from hymio.api.v2.setup import LISTINGS
from hymio.period import Period

Json = dict[str, Any]
TAG: Final = "API v2"
PREFIX: Final = "V2"
"""Before the names of its objects, as API v1 has some of the same."""

_INTEGER: Final[Json] = {"type": "integer", "format": "int64"}
_PERIODS: Final = "|".join(each.text for each in Period)
PARAMETERS: Final[dict[str, Json]] = {
    "csvSeparator": {
        "description": "Between two values of CSV.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 1, "default": ","},
    },
    "surveyId": {"description": "Only of this survey.", "schema": _INTEGER},
    "experiencePointId": {
        "description": "Only of this experience point, or of all below this group.",
        "schema": _INTEGER,
    },
    "rootExperiencePointId": {"description": "Only of this group or point and all below it.", "schema": _INTEGER},
    "questionId": {"description": "Only of this question.", "schema": _INTEGER},
    "followupQuestionId": {"description": "Only of this follow-up question.", "schema": _INTEGER},
    "followupOptionId": {"description": "Only of this follow-up option.", "schema": _INTEGER},
    "type": {
        "description": "Only groups, or only experience points.",
        "schema": {"type": "string", "enum": ["GROUP", "EXPERIENCE_POINT", "EXPERIENCE-POINT"]},
    },
    "period": {
        "description": "The dates of a named period, or of a year, month or quarter; in each point's own zone.",
        "schema": {"type": "string", "pattern": rf"^({_PERIODS}|\d{{4}}(-(0[1-9]|1[0-2]|q[1-4]))?)$"},
    },
    "startDate": {
        "description": "The first date; without it, today. Dates go before a period; a year at most.",
        "schema": {"type": "string", "format": "date"},
    },
    "endDate": {
        "description": "The date after the last; without it, tomorrow.",
        "schema": {"type": "string", "format": "date"},
    },
    "includeMisuse": {"description": "With misuse too.", "schema": {"type": "boolean", "default": False}},
    "includeSpam": {"description": "With spam too.", "schema": {"type": "boolean", "default": True}},
    "offset": {"description": "How many to skip.", "schema": {"type": "integer", "minimum": 0, "default": 0}},
    "limit": {
        "description": "At most how many to give.",
        "schema": {"type": "integer", "minimum": 0, "maximum": params.MOST, "default": params.DEFAULT_LIMIT},
    },
    "order": {
        "description": "The earliest first, or the latest.",
        "schema": {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    },
    "cursor": {
        "description": "Where the page before ended; from a `next` link, with its offset.",
        "schema": {"type": "string"},
    },
}
"""What may stand in a query, by name."""

_SOUGHT: Final = ("surveyId", "experiencePointId", "period", "startDate", "endDate", "includeMisuse")
_PAGE: Final = ("offset", "limit", "order", "cursor")


class Operation(NamedTuple):
    """A listing: its path without the format, what a row is, its parameters, and whether it has pages."""

    name: str
    content: type[Struct]
    parameters: tuple[str, ...]
    paged: bool


_ROWS: Final[dict[str, type[Struct]]] = {
    "button-feedbacks": rows.ButtonFeedback,
    "follow-up-feedbacks": rows.FollowupFeedback,
    "text-feedbacks": rows.TextFeedback,
    "demographics": rows.Demographics,
    "contact-details": rows.ContactDetails,
    "metadata": rows.Metadata,
}


def operations() -> list[Operation]:
    """All listings, in the order in which the documentation has them."""
    spam = {"text-feedbacks": ("includeSpam",)}
    feedback = [
        Operation(f"results/{each.name}", _ROWS[each.name], (*_SOUGHT, *spam.get(each.name, ()), *_PAGE), True)
        for each in KINDS
    ]
    paged = [Operation(each.name, each.content, each.parameters, True) for each in PAGED]
    return [*feedback, *(Operation(each.name, each.content, each.parameters, False) for each in LISTINGS), *paged]


def paths() -> Json:
    """The paths of API v2."""
    listings = {f"/v2/{each.name}.{{format}}": {"get": _listing(each)} for each in operations()}
    return {"/v2/token/introspect": {"get": _INTROSPECTION}, **listings}


def schemas() -> Json:
    """The objects of API v2, by their prefixed names."""
    published = [rows.TokenIntrospection, *(each.content for each in operations())]
    _, found = msgspec.json.schema_components(published, ref_template=f"#/components/schemas/{PREFIX}{{name}}")
    return {f"{PREFIX}{name}": each for name, each in found.items()}


SECURITY: Final[Json] = {
    "v2Token": {"type": "apiKey", "in": "header", "name": "X-HON-API-Token", "description": "A token of API v2."},
    "v2TokenInQuery": {"type": "apiKey", "in": "query", "name": "auth", "description": "The same, for trials."},
}
_EITHER: Final[list[Json]] = [{"v2Token": []}, {"v2TokenInQuery": []}]
_REFUSALS: Final[Json] = {each: {"$ref": f"#/components/responses/{each}"} for each in ("304", "401", "403", "503")}

_INTROSPECTION: Final[Json] = {
    "operationId": "introspectToken",
    "summary": "What a token is",
    "tags": [TAG],
    "security": _EITHER,
    "responses": {
        "200": {
            "description": "The token's number, name and kinds of data.",
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{PREFIX}TokenIntrospection"}}},
        },
        **_REFUSALS,
    },
}
_FORMAT: Final[Json] = {
    "name": "format",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": ["json", "csv"]},
}


def _listing(of: Operation) -> Json:
    query = [
        {"name": name, "in": "query", "required": False, **PARAMETERS[name]}
        for name in ("csvSeparator", *of.parameters)
    ]
    return {
        "operationId": f"list{of.content.__name__}",
        "summary": of.name.rpartition("/")[2].replace("-", " ").capitalize(),
        "tags": [TAG],
        "security": _EITHER,
        "parameters": [_FORMAT, *query],
        "responses": {"200": _answer(of), "400": {"$ref": "#/components/responses/400"}, **_REFUSALS},
    }


def _answer(of: Operation) -> Json:
    item = {"$ref": f"#/components/schemas/{PREFIX}{of.content.__name__}"}
    headers: Json = {"ETag": {"schema": {"type": "string"}}}
    if of.paged:
        headers["X-More-Available"] = {"schema": {"type": "string", "enum": ["true", "false"]}}
        headers["Link"] = {"description": "The next page, where there is one.", "schema": {"type": "string"}}
    return {
        "description": (of.content.__doc__ or "").partition("\n")[0],
        "headers": headers,
        "content": {
            "application/json": {"schema": {"type": "array", "items": item}},
            "text/csv": {"schema": {"type": "string", "description": "A column for each property."}},
        },
    }
