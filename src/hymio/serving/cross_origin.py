"""The ASGI layer that lets pages of other origins read the APIs (CORS), where the setting `cors_origins` names them.

Answers never allow credentials: a browser sends no cookie along, and a page shows a token of its own.
"""

from __future__ import annotations

from typing import Any, Final

from litestar.types import ASGIApp, Message, Receive, Send

from hymio.serving.compressing import varying
from hymio.settings import origins_in

PATHS: Final = ("/v1/", "/v2/", "/v2token/", "/openapi.json", "/docs/schema/")
"""The beginnings of the paths that other origins may read: the APIs and the files that describe them."""

_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"Authorization, If-None-Match, X-HON-API-Token, X-HON-Client-Id"),
    (b"access-control-max-age", b"600"),
)
_EXPOSED: Final = (b"access-control-expose-headers", b"ETag, Link, Retry-After, X-More-Available")


def with_cross_origin(app: ASGIApp, allowed: str) -> ASGIApp:
    """Wraps an application; `allowed` are origins separated by commas, `*` for all. Unwrapped where it is empty."""
    origins = frozenset(origins_in(allowed))
    if not origins:
        return app

    async def cross_origin(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"")
        is_allowed = "*" in origins or origin.decode("latin-1").lower() in origins
        own = [(b"access-control-allow-origin", b"*" if "*" in origins else origin)] if origin and is_allowed else []
        if own and scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            answer = [*own, *_PREFLIGHT, (b"vary", b"Origin")]
            await send({"type": "http.response.start", "status": 204, "headers": answer})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = [_EXPOSED] if own else []
                message["headers"] = varying([*message["headers"], *own, *exposed], b"Origin")
            await send(message)

        await app(scope, receive, sending)

    return cross_origin
