"""Answers that are sent whole: JSON with an entity tag, and problem documents."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from litestar import Response

from hymio import __version__
from hymio.errors import BadRequest, HymioError, Unauthorized, Unavailable

JSON: Final = "application/json; charset=utf-8"
PROBLEM_JSON: Final = "application/problem+json"

_MAX_ECHO: Final = 200
"""Characters of a caller's input that the member `got` repeats."""


# --- JSON with an entity tag -----------------------------------------------------------------------------------------


def tag_of(*parts: object) -> str:
    """A strong entity tag (RFC 9110) made from the values that a response depends on, or from its bytes."""
    digest = hashlib.blake2b(repr((__version__, parts)).encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the If-None-Match header of a request names a tag, so that 304 is the answer."""
    known = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return tag in known or "*" in known


def cached(tag: str) -> dict[str, str]:
    """Headers that let only the client itself cache a response, and make it revalidate the copy at each use."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def not_modified(tag: str) -> Response[None]:
    """304: the client's cached copy is current."""
    return Response(None, status_code=304, headers=cached(tag))


def json_answer(content: object, if_none_match: str, tag: str | None = None) -> Response[Any]:
    """A value as JSON, or 304; without a tag, the tag is made from the body."""
    body = msgspec.json.encode(content)
    tag = tag or tag_of(body)
    if is_known(tag, if_none_match):
        return not_modified(tag)
    return Response(body, media_type=JSON, headers=cached(tag))


# --- problem documents -----------------------------------------------------------------------------------------------


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457). `code` is stable; `parameter`, `got` and `accepted` are given for a parameter."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    parameter: str | msgspec.UnsetType = msgspec.UNSET
    got: str | msgspec.UnsetType = msgspec.UNSET
    accepted: str | msgspec.UnsetType = msgspec.UNSET


def problem_of(error: HymioError) -> Problem:
    """The problem document of an error."""
    # msgspec encodes exact strings only, not Phrase.
    problem = Problem("about:blank", error.title, error.status, str(error.public_detail), error.code)
    if not isinstance(error, BadRequest):
        return problem
    members = {"parameter": error.parameter, "got": error.got and error.got[:_MAX_ECHO], "accepted": error.accepted}
    given = {name: str(value) for name, value in members.items() if value is not None}
    return msgspec.structs.replace(problem, **given)


def problem_body(error: HymioError) -> bytes:
    """The problem document of an error as JSON."""
    return msgspec.json.encode(problem_of(error))


def error_answer(error: HymioError, challenge: str = "", allow: str = "") -> Response[bytes]:
    """The problem document of an error, never cached, with the headers that its status asks for.

    `challenge` is the WWW-Authenticate of a 401, `allow` the Allow of a 405.
    """
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    if allow:
        headers["Allow"] = allow
    return Response(problem_body(error), status_code=error.status, media_type=PROBLEM_JSON, headers=headers)
