"""The fields of a request: of its query, and of a body that is a form, a JSON object or the text itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from hymio.errors import BadRequest, Phrase
from hymio.gateway.sms.charsets import Decoded, decoded
from hymio.gateway.sms.request import SmsRequest
from hymio.gateway.text import storable

Value: TypeAlias = str | bytes
"""A text of JSON, or the bytes of a query, a form or a body, whose charset is still to be found out."""

Fields: TypeAlias = Mapping[str, Value]
"""The values of fields by their names in lower case."""


def form_pairs(form: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a form or query string in their order, empty ones included, not yet in any charset."""
    pairs = (field.partition(b"=") for field in form.split(b"&") if field)
    return [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]


def fields_of(request: SmsRequest) -> dict[str, Value]:
    """The fields of query and body; those of the body win. BadRequest for a body that is not the JSON it says."""
    return query_fields(request) | body_fields(request)


def body_fields(request: SmsRequest) -> dict[str, Value]:
    """The fields of the body alone; a GET has none (RFC 9110, 9.3.1), whatever was sent along. BadRequest."""
    if request.method == "GET":
        return {}
    if request.media_type == "application/json":
        of_body: Iterable[tuple[str, Value]] = json_fields(json_object(request))
    elif request.media_type in ("text/plain", "application/octet-stream"):
        of_body = [("text", request.body)] if request.body else []
    else:
        of_body = _named(form_pairs(request.body))
    return {name.lower(): value for name, value in of_body}


def query_fields(request: SmsRequest) -> dict[str, Value]:
    """The fields of the query alone."""
    return {name.lower(): value for name, value in _named(form_pairs(request.query))}


def json_object(request: SmsRequest) -> dict[str, Any]:
    """The JSON object of a body. BadRequest."""
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            "body-not-json",
            "the body is not JSON: {cause}",
            parameter="body",
            accepted=Phrase("a JSON object"),
            cause=str(error),
        ) from error
    if not isinstance(value, dict):
        raise BadRequest(parameter="body", got=type(value).__name__, accepted=Phrase("a JSON object"))
    return value


def json_fields(values: Mapping[str, Any]) -> list[tuple[str, Value]]:
    """The members of a JSON object that are texts, numbers or truth values, as texts."""
    scalars = ((name, value) for name, value in values.items() if isinstance(value, str | int | float))
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in scalars]


def first_of(fields: Fields, names: Iterable[str]) -> Value | None:
    """The first field of these names that is not empty; otherwise an empty one, if there is any, otherwise None."""
    values: list[Value] = [fields[name] for name in names if name in fields]
    return next((value for value in values if value), values[0] if values else None)


def word(fields: Fields, *names: str) -> str:
    """The first of these fields as a text that a database can store; empty without any."""
    value = first_of(fields, names)
    return storable(value if isinstance(value, str) else (value or b"").decode("utf-8", "replace"))


def text_of(value: Value, charset: str | None) -> Decoded:
    """A field as a text; `charset` is what the request declares."""
    return Decoded(storable(value)) if isinstance(value, str) else decoded(value, charset)


def text_missing() -> BadRequest:
    """The error for a request without any text."""
    return BadRequest(parameter="text", got="nothing", accepted=Phrase("the text of a message"))


def _named(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, Value]]:
    """Fields with names as texts, without the white space that a gateway's template may have around them."""
    return [(name.decode("latin-1").strip(), value) for name, value in pairs]


def _unquoted(part: bytes) -> bytes:
    """A part of a form without its percent-encoding."""
    return unquote_to_bytes(part.replace(b"+", b" "))
