"""Answers that are sent whole: JSON with an entity tag, and problem documents."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from msgspec import UNSET, Meta, UnsetType

from hymio import __version__
from hymio.access import Principal
from hymio.errors import (
    BadRequest,
    CheckResult,
    ChecksFailed,
    HymioError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from hymio.settings import Settings
from hymio.texts import SOURCE, choose, translate

JSON: Final = "application/json; charset=utf-8"
PROBLEM_JSON: Final = "application/problem+json"

_PRINCIPAL: Final = "principal"
"""The key of a request's state that holds its principal."""

_MAX_ECHO: Final = 200
"""Characters of a caller's input that the member `got` repeats."""


_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")


def base_url_of(settings: Settings, request: Request[Any, Any, Any]) -> str:
    """The base URL for links in an answer: the configured one, otherwise that of its request."""
    host = request.headers.get("Host", "")
    if settings.base_url or not _HOST.fullmatch(host):
        return settings.public_url
    return f"{request.scope['scheme']}://{host}"


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


def json_line(content: object) -> bytes:
    """A value as JSON with the end of a line, so that a shell's prompt does not stand behind it."""
    return msgspec.json.encode(content) + b"\n"


def json_answer(content: object, if_none_match: str, tag: str | None = None) -> Response[Any]:
    """A value as JSON, or 304; without a tag, the tag is made from the body."""
    body = json_line(content)
    tag = tag or tag_of(body)
    if is_known(tag, if_none_match):
        return not_modified(tag)
    return Response(body, media_type=JSON, headers=cached(tag))


# --- problem documents -----------------------------------------------------------------------------------------------


class CheckRow(msgspec.Struct, frozen=True):
    """One check of the server's health; `detail` says what is wrong, and is empty where it is `ok`."""

    name: str
    ok: bool
    detail: str


def check_rows(results: Iterable[CheckResult], language: str) -> tuple[CheckRow, ...]:
    """The results of checks as they are sent, in one of `texts.LANGUAGES`."""
    return tuple(CheckRow(result.name, result.ok, translate(result.detail, language)) for result in results)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457). `code` is stable; `parameter`, `got` and `accepted` are given for a parameter.

    `checks` are given where `/health` or `/ready` fails.
    """

    type: str
    title: Annotated[str, Meta(description="The kind of error, in the language of `Content-Language`.")]
    status: int
    detail: Annotated[str, Meta(description="What happened, in the language of `Content-Language`.")]
    code: Annotated[
        str,
        Meta(
            description="What happened, for programs: it never changes and is the same in every language;"
            " `/docs/errors` lists all codes.",
            pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
            examples=["unknown-v1-folder"],
        ),
    ]
    parameter: str | UnsetType = UNSET
    got: str | UnsetType = UNSET
    accepted: str | UnsetType = UNSET
    checks: tuple[CheckRow, ...] | UnsetType = UNSET


def problem_of(error: HymioError, language: str = SOURCE) -> Problem:
    """The problem document of an error, with its texts in one of `texts.LANGUAGES`."""
    title, detail = translate(error.title, language), translate(error.public_detail, language)
    problem = Problem("about:blank", title, error.status, _encodable(detail), error.code)
    if isinstance(error, ChecksFailed):
        return msgspec.structs.replace(problem, checks=check_rows(error.results, language))
    if not isinstance(error, BadRequest):
        return problem
    return msgspec.structs.replace(
        problem,
        parameter=UNSET if error.parameter is None else _encodable(error.parameter),
        got=UNSET if error.got is None else _encodable(error.got[:_MAX_ECHO]),
        accepted=UNSET if error.accepted is None else translate(error.accepted, language),
    )


def _encodable(text: str) -> str:
    """A text in which lone surrogates, which UTF-8 cannot encode, are question marks; a client may have sent some."""
    return text.encode("utf-8", "replace").decode()


def problem_body(error: HymioError, language: str = SOURCE) -> bytes:
    """The problem document of an error as JSON."""
    return json_line(problem_of(error, language))


def language_of(request: Request[Any, Any, Any]) -> str:
    """The language of the answer to a request: the person's, else that of Accept-Language, else the organization's.

    English where the request has no principal, or none yet.
    """
    accepted, principal = request.headers.get("Accept-Language", ""), request.state.get(_PRINCIPAL)
    if not isinstance(principal, Principal):
        return choose(None, accepted, SOURCE)
    return choose(principal.language, accepted, principal.default_language)


def answer_to(request: Request[Any, Any, Any], principal: Principal) -> None:
    """Notes who sent a request once that is known, for the language of errors after that."""
    request.state[_PRINCIPAL] = principal


def sender_of(request: Request[Any, Any, Any]) -> Principal | None:
    """Who sent a request; None while that is not known."""
    principal: Principal | None = request.state.get(_PRINCIPAL)
    return principal


def error_answer(error: HymioError, language: str = SOURCE, *, challenge: str = "", allow: str = "") -> Response[bytes]:
    """The problem document of an error, never cached, with the headers that its status asks for.

    `challenge` is the WWW-Authenticate of a 401, `allow` the Allow of a 405.
    """
    headers = {"Cache-Control": "no-store", "Content-Language": language, "Vary": "Accept-Language"}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    if allow:
        headers["Allow"] = allow
    return Response(problem_body(error, language), status_code=error.status, media_type=PROBLEM_JSON, headers=headers)
