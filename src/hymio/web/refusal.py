"""Pages for refused requests of browsers: what is not there, what is not allowed, what went wrong."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response

from hymio.errors import HymioError, TooManyRequests, Unauthorized, Unavailable
from hymio.web.look import look_of
from hymio.web.page import html_answer

_MAX_CHARACTERS: Final = 1_000


def wants_page(request: Request[Any, Any, Any], error: HymioError) -> bool:
    """Whether the answer to an error is a page: for a browser, which accepts HTML and no JSON before it.

    A 401 stays a problem document, because its challenge is for programs.
    """
    return not isinstance(error, Unauthorized) and accepts_html(request)


def accepts_html(request: Request[Any, Any, Any]) -> bool:
    """Whether a request is a browser's, which accepts HTML and no JSON before it."""
    accepted = request.headers.get("Accept", "")[:_MAX_CHARACTERS].lower()
    html, json = accepted.find("text/html"), accepted.find("json")
    return html >= 0 and (json < 0 or html < json)


def error_page(request: Request[Any, Any, Any], error: HymioError, allow: str = "") -> Response[bytes]:
    """The page of an error, in the language of the browser; `allow` as for `error_answer`."""
    headers = {"Allow": allow} if allow else {}
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    return html_answer(
        "error.html", look_of(request), error.status, headers=headers,
        title=error.title, detail=error.public_detail, code=error.code, number=error.status,
    )  # fmt: skip
