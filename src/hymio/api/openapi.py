"""The OpenAPI 3.1 document of the APIs and uploads, generated from row classes, endpoints and parameters."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from hymio import __version__
from hymio.api import sms_operations, v1
from hymio.api.authentication import CLIENT_ID_HEADER, TOKEN_HEADER
from hymio.api.v1 import params, rows
from hymio.api.v2 import openapi as v2
from hymio.period import TIMESTAMP_FORM
from hymio.serving.answers import Problem
from hymio.serving.health import Health
from hymio.texts import LANGUAGES

Json = dict[str, Any]

_TIME: Final[Json] = {
    "type": "string",
    "description": f"{TIMESTAMP_FORM}; or a date, yyyy-MM-dd, which is the beginning of that day in the survey's zone.",
    "examples": ["2024-03-04T00:00:00.000+02:00", "2024-03-04"],
}

PARAMETERS: Final[dict[str, Json]] = {
    "surveys": {"description": "Whether to include surveys.", "schema": {"type": "boolean", "default": False}},
    "state": {
        "description": "Only surveys in this state; for folders only together with `surveys=true`.",
        "schema": {"type": "string", "enum": list(params.STATES)},
    },
    "offset": {"description": "Number of items to skip.", "schema": {"type": "integer", "minimum": 0, "default": 0}},
    "limit": {
        "description": "Maximum number of items.",
        "schema": {"type": "integer", "minimum": 1, "maximum": params.MOST, "default": params.DEFAULT_LIMIT},
    },
    "limit (all)": {
        "description": "Maximum number of items; default all.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "date_start": {"description": "Start of the period, included; default the first press.", "schema": _TIME},
    "date_end": {"description": "End of the period, excluded; default the last press.", "schema": _TIME},
    "truncate": {
        "description": "The unit that results are grouped by; weeks begin on Monday.",
        "schema": {"type": "string", "enum": list(params.GRAINS), "default": "day"},
    },
}
"""The query parameters of API v1, by the names that `v1.ENDPOINTS` uses."""

_ERRORS: Final = {
    "304": "The response has not changed since the ETag in `If-None-Match`.",
    "400": "A parameter is invalid; the problem document names it.",
    "401": "The credential is missing or not valid.",
    "403": "The credential is valid but not allowed to read this.",
    "404": "There is no object with this key, or no listing in this format.",
    "405": "This address does not take this method; `Allow` names those that it takes.",
    "413": "The body is too large.",
    "415": "The body has a `Content-Encoding`.",
    "429": "Too many wrong credentials came from this address; try again after `Retry-After`.",
    "503": "The database is busy or full, or too many requests wait; nothing was acknowledged.",
}


@lru_cache(maxsize=4)
def encoded(base_url: str) -> bytes:
    """The document as JSON."""
    return msgspec.json.format(msgspec.json.encode(document(base_url)), indent=2) + b"\n"


def document(base_url: str) -> Json:
    """The OpenAPI document of a server with the public address `base_url`."""
    classes = [endpoint.content for endpoint in v1.ENDPOINTS]
    _, schemas = msgspec.json.schema_components(
        [*classes, rows.Envelope, Problem, Health], ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hymio",
            "version": __version__,
            "summary": "Customer feedback: uploads of smileys, and results.",
            "description": "Compatible with the HappyOrNot API v1 and v2. Hymio is not affiliated with HappyOrNot.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": "API v1"}, {"name": v2.TAG}, {"name": "Smileys"}, {"name": "Server"}],
        "paths": {
            **{endpoint.path: {"get": _operation(endpoint)} for endpoint in v1.ENDPOINTS},
            **v2.paths(),
            "/terminal/v1/uploads": {"post": _UPLOAD},
            **sms_operations.paths(),
            "/health": {
                "get": _checked("health", "Health check", "The server is running, and all its checks passed."),
            },
            "/ready": {
                "get": _checked("ready", "Readiness", "A press that is sent now would be stored and acknowledged."),
            },
        },
        "components": {
            "schemas": {
                **schemas,
                **v2.schemas(),
                **{name: _embedded(name, file) for name, file in SCHEMA_FILES.items()},
            },
            "responses": {status: _problem(text) for status, text in _ERRORS.items()},
            "securitySchemes": _SECURITY | v2.SECURITY,
        },
    }


_SECURITY: Final[Json] = {
    "basic": {"type": "http", "scheme": "basic", "description": "Client identifier and API token."},
    "clientId": {"type": "apiKey", "in": "header", "name": CLIENT_ID_HEADER},
    "apiToken": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER},
    "smileyToken": {"type": "http", "scheme": "bearer", "description": "Upload token of one smiley."},
    **sms_operations.SECURITY,
}


SCHEMA_FILES: Final = {"Upload": "upload.json", "Receipt": "receipt.json", "TextMessage": "sms.json"}
"""Files of the JSON Schemas of uploads and SMS, by their names in the OpenAPI document."""


def schema_file(name: str) -> bytes:
    """The content of a JSON Schema file of the gateway. FileNotFoundError."""
    return (files("hymio") / "gateway" / "schema" / name).read_bytes()


def _embedded(name: str, file: str) -> Json:
    """A JSON Schema file as a component of the OpenAPI document, with its `$ref`s rewritten to their new place."""
    text = schema_file(file).replace(b'"#/$defs/', f'"#/components/schemas/{name}/$defs/'.encode())
    schema: Json = msgspec.json.decode(text)
    del schema["$schema"]
    return schema


def _content(name: str, *media_types: str) -> Json:
    """The `content` member of a body with the schema `name` in these media types."""
    return {"content": {media: {"schema": {"$ref": f"#/components/schemas/{name}"}} for media in media_types}}


_REFUSALS: Final = {
    status: {"$ref": f"#/components/responses/{status}"} for status in ("400", "401", "405", "413", "429", "503")
}

_UPLOAD: Final[Json] = {
    "operationId": "upload",
    "summary": "Upload of a smiley's presses",
    "description": "Described in the terminal protocol, `/docs/terminal-protocol`.",
    "tags": ["Smileys"],
    "security": [{"smileyToken": []}],
    "requestBody": {"required": True, **_content("Upload", "application/json", "application/cbor")},
    "responses": {
        "200": {
            "description": "All presses of the upload are stored; the smiley may delete them.",
            **_content("Receipt", "application/json", "application/cbor"),
        },
        **_REFUSALS,
    },
}


def _problem(description: str) -> Json:
    """The response object of an error, or of 304, which has no body."""
    if description == _ERRORS["304"]:
        return {"description": description}
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    language = {"description": "The language of the texts.", "schema": {"type": "string", "enum": list(LANGUAGES)}}
    headers: Json = {"Content-Language": language}
    if description in (_ERRORS["429"], _ERRORS["503"]):
        headers["Retry-After"] = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
    return {"description": description, "headers": headers, "content": content}


def _checked(operation: str, summary: str, passed: str) -> Json:
    """The operation object of an address that makes checks; `passed` says what 200 means."""
    failed = _problem("A check failed; `checks` lists all of them.")
    failed["headers"]["Retry-After"] = {"schema": {"type": "integer"}}
    return {
        "operationId": operation,
        "summary": summary,
        "tags": ["Server"],
        "security": [],
        "responses": {
            "200": {"description": passed, **_content("Health", "application/json")},
            "405": {"$ref": "#/components/responses/405"},
            "503": failed,
        },
    }


def _operation(endpoint: v1.Endpoint) -> Json:
    """The operation object of an endpoint of API v1."""
    query = [_parameter(name) for name in endpoint.parameters]
    errors = ["304", "400", "401", "403", "404", "405", "429", "503"]
    return {
        "operationId": endpoint.answer.__name__.strip("_"),
        "summary": endpoint.name,
        "tags": ["API v1"],
        "security": [{"basic": []}, {"clientId": [], "apiToken": []}],
        "parameters": [*([_KEY] if "{key}" in endpoint.path else []), *query],
        "responses": {
            "200": _success(endpoint),
            **{code: {"$ref": f"#/components/responses/{code}"} for code in errors},
        },
    }


_KEY: Final[Json] = {"name": "key", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}


def _parameter(name: str) -> Json:
    """The parameter object of a name in `PARAMETERS`, which may have a remark after a space."""
    return {"name": name.partition(" ")[0], "in": "query", "required": False, **PARAMETERS[name]}


def _success(endpoint: v1.Endpoint) -> Json:
    """The 200 response object: one object, a list, or a page with `meta` and `data`."""
    schema: Json = {"$ref": f"#/components/schemas/{endpoint.content.__name__}"}
    if endpoint.shape != "one":
        schema = {"type": "array", "items": schema}
    if endpoint.shape == "page":
        meta = {"$ref": "#/components/schemas/Envelope"}
        schema = {"type": "object", "required": ["meta", "data"], "properties": {"meta": meta, "data": schema}}
    tag = {"ETag": {"schema": {"type": "string"}}}
    return {"description": endpoint.name, "headers": tag, "content": {"application/json": {"schema": schema}}}
