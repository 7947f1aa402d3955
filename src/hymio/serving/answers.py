"""Answers of the APIs: JSON with an entity tag, problem documents, and rows streamed from one snapshot."""

from __future__ import annotations

import hashlib
from typing import Any, Final, TypeVar

import msgspec
import structlog
from litestar import Response

from hymio import __version__
from hymio.errors import BadRequest, HymioError, Unauthorized, Unavailable

JSON: Final = "application/json; charset=utf-8"
PROBLEM_JSON: Final = "application/problem+json"
_ECHO: Final = 200

T = TypeVar("T")
log = structlog.get_logger("hymio.api")


# --- JSON with an entity tag -----------------------------------------------------------------------------------------


def tag_of(*parts: object) -> str:
    """A strong entity tag for what an answer depends on, or for its bytes."""
    digest = hashlib.blake2b(repr((__version__, parts)).encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether a client has the answer of this tag already, by its If-None-Match."""
    known = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in known or "*" in known


def cached(tag: str) -> dict[str, str]:
    """Headers: keep it, for yourself, and ask each time whether it is still so."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def not_modified(tag: str) -> Response[None]:
    """304: the client's copy is still right."""
    return Response(None, status_code=304, headers=cached(tag))


def json_answer(content: object, if_none_match: str, tag: str | None = None) -> Response[Any]:
    """A value as JSON; without a tag, it is tagged by its own bytes."""
    body = msgspec.json.encode(content)
    tag = tag or tag_of(body)
    if is_known(tag, if_none_match):
        return not_modified(tag)
    return Response(body, media_type=JSON, headers=cached(tag))


# --- problem documents -----------------------------------------------------------------------------------------------


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457); the last three say it of a parameter."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | msgspec.UnsetType = msgspec.UNSET
    got: str | msgspec.UnsetType = msgspec.UNSET
    accepted: str | msgspec.UnsetType = msgspec.UNSET


def problem_of(error: HymioError) -> Problem:
    """The problem document of one of our errors."""
    # The encoder takes plain texts alone, no Phrase.
    about = Problem("about:blank", error.title, error.status, str(error.public_detail))
    if not isinstance(error, BadRequest):
        return about
    named = {"parameter": error.parameter, "got": error.got and error.got[:_ECHO], "accepted": error.accepted}
    return msgspec.structs.replace(about, **{name: str(value) for name, value in named.items() if value is not None})


def problem_answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A problem document as an answer; it is never kept."""
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, media_type=PROBLEM_JSON, headers=headers
    )  # fmt: skip


def error_answer(error: HymioError, challenge: str) -> Response[bytes]:
    """One of our errors as an answer, with the headers its status asks for; a 401 says how to authenticate."""
    headers = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    return problem_answer(problem_of(error), headers)
