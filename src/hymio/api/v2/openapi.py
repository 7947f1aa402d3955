"""API v2's part of the OpenAPI document, generated from its row classes, listings and parameters."""

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
"""Prefix of schema names, because API v1 has schemas of the same names."""

_INTEGER: Final[Json] = {"type": "integer", "format": "int64"}
_PERIODS: Final = "|".join(period.text for period in Period)
PARAMETERS: Final[dict[str, Json]] = {
    "csvSeparator": {
        "description": "The character between two values of CSV.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 1, "default": ","},
    },
    "csvBom": {
        "description": "Whether CSV begins with a byte order mark; without it, as the token says.",
        "schema": {"type": "boolean"},
    },
    "surveyId": {"description": "Only of this survey.", "schema": _INTEGER},
    "experiencePointId": {
        "description": "Only of this experience point, or of everything below this group.",
        "schema": _INTEGER,
    },
    "rootExperiencePointId": {
        "description": "Only of this group or point and everything below it.",
        "schema": _INTEGER,
    },
    "questionId": {"description": "Only of this question.", "schema": _INTEGER},
    "followupQuestionId": {"description": "Only of this follow-up question.", "schema": _INTEGER},
    "followupOptionId": {"description": "Only of this follow-up option.", "schema": _INTEGER},
    "type": {
        "description": "Only groups, or only experience points.",
        "schema": {"type": "string", "enum": ["GROUP", "EXPERIENCE_POINT", "EXPERIENCE-POINT"]},
    },
    "period": {
        "description": "A named period, or a year, month or quarter; local dates of each point.",
        "schema": {"type": "string", "pattern": rf"^({_PERIODS}|\d{{4}}(-(0[1-9]|1[0-2]|q[1-4]))?)$"},
    },
    "startDate": {
        "description": "The first date; default today. Overrides `period`. A period is at most one year long.",
        "schema": {"type": "string", "format": "date"},
    },
    "endDate": {
        "description": "The date after the last one; default tomorrow.",
        "schema": {"type": "string", "format": "date"},
    },
    "includeMisuse": {"description": "Whether to include misuse.", "schema": {"type": "boolean", "default": False}},
    "includeSpam": {"description": "Whether to include spam.", "schema": {"type": "boolean", "default": True}},
    "offset": {
        "description": "Number of rows to skip, of those that there are now: an earlier press that arrives between two"
        " pages shifts the rows after it. Only the `next` link in `Link` holds.",
        "schema": {"type": "integer", "minimum": 0, "default": 0},
    },
    "limit": {
        "description": "Maximum number of rows.",
        "schema": {"type": "integer", "minimum": 0, "maximum": params.MOST, "default": params.DEFAULT_LIMIT},
    },
    "order": {
        "description": "The earliest first (`asc`) or the latest first (`desc`).",
        "schema": {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    },
    "cursor": {
        "description": "The position after the previous page; sent by a `next` link together with its offset.",
        "schema": {"type": "string"},
    },
}
"""The query parameters of all listings, by name."""

_SELECTION: Final = ("surveyId", "experiencePointId", "period", "startDate", "endDate", "includeMisuse")
_PAGE: Final = ("offset", "limit", "order", "cursor")


class Operation(NamedTuple):
    """A listing: its path without the format, the class of its rows, its parameters, and whether it has pages."""

    name: str
    row_class: type[Struct]
    parameters: tuple[str, ...]
    paged: bool


def operations() -> list[Operation]:
    """All listings: feedback, set-up, alerts."""
    spam = {"text-feedbacks": ("includeSpam",)}
    feedback = [
        Operation(f"results/{kind.name}", kind.row_class, (*_SELECTION, *spam.get(kind.name, ()), *_PAGE), True)
        for kind in KINDS
    ]
    setup = [Operation(listing.name, listing.row_class, listing.parameters, False) for listing in LISTINGS]
    alerts = [Operation(listing.name, listing.row_class, listing.parameters, True) for listing in PAGED]
    return [*feedback, *setup, *alerts]


def paths() -> Json:
    """The paths of API v2 with their operations."""
    listings = {f"/v2/{operation.name}.{{format}}": {"get": _listing(operation)} for operation in operations()}
    return {"/v2/token/introspect": {"get": _INTROSPECTION}, **listings}


def schemas() -> Json:
    """The JSON Schemas of all row classes, by their prefixed names."""
    classes = [rows.TokenIntrospection, *(operation.row_class for operation in operations())]
    _, schemas = msgspec.json.schema_components(classes, ref_template=f"#/components/schemas/{PREFIX}{{name}}")
    return {f"{PREFIX}{name}": schema for name, schema in schemas.items()}


SECURITY: Final[Json] = {
    "v2Token": {"type": "apiKey", "in": "header", "name": "X-HON-API-Token", "description": "A token of API v2."},
    "v2TokenInQuery": {"type": "apiKey", "in": "query", "name": "auth", "description": "The same, for trials."},
}
_EITHER: Final[list[Json]] = [{"v2Token": []}, {"v2TokenInQuery": []}]
_REFUSALS: Final[Json] = {
    status: {"$ref": f"#/components/responses/{status}"} for status in ("304", "401", "403", "405", "429", "503")
}

_LISTING_REFUSALS: Final[Json] = {status: {"$ref": f"#/components/responses/{status}"} for status in ("400", "404")}
"""Of listings alone: a parameter or, as in the path no other format is served, the format."""

_INTROSPECTION: Final[Json] = {
    "operationId": "introspectToken",
    "summary": "The token's own properties",
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


def _listing(operation: Operation) -> Json:
    """The operation object of a listing."""
    query = [
        {"name": name, "in": "query", "required": False, **PARAMETERS[name]}
        for name in ("csvSeparator", "csvBom", *operation.parameters)
    ]
    return {
        "operationId": f"list{operation.row_class.__name__}",
        "summary": operation.name.rpartition("/")[2].replace("-", " ").capitalize(),
        "tags": [TAG],
        "security": _EITHER,
        "parameters": [_FORMAT, *query],
        "responses": {"200": _answer(operation), **_LISTING_REFUSALS, **_REFUSALS},
    }


def _answer(operation: Operation) -> Json:
    """The response object of a listing: an array of rows as JSON, or CSV, with the headers of its pages."""
    item = {"$ref": f"#/components/schemas/{PREFIX}{operation.row_class.__name__}"}
    headers: Json = {"ETag": {"schema": {"type": "string"}}}
    if operation.paged:
        headers["X-More-Available"] = {"schema": {"type": "string", "enum": ["true", "false"]}}
        headers["Link"] = {"description": "The next page, if there is one.", "schema": {"type": "string"}}
    return {
        "description": (operation.row_class.__doc__ or "").partition("\n")[0],
        "headers": headers,
        "content": {
            "application/json": {"schema": {"type": "array", "items": item}},
            "text/csv": {"schema": {"type": "string", "description": "A column for each property."}},
        },
    }
