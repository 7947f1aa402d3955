"""The yardsticks of single presses: Hymio's server, as `hymio serve` sets it up, with a handler that does nothing.

`python -m hymio.bench.empty_server PORT BYTES KIND` answers uploads with a JSON body of so many bytes until it is
ended. KIND is `route`, a handler of the framework, or `bare`, an ASGI application without the framework's routing.
"""

from __future__ import annotations

import gc
import socket
import sys
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.types import ASGIApp

from hymio.gateway.upload import PATH
from hymio.serving.compressing import with_compression
from hymio.serving.cross_origin import with_cross_origin
from hymio.serving.direct import with_direct
from hymio.serving.edge import with_edge
from hymio.serving.log import configure_log
from hymio.serving.server import Server, allow_open_files
from hymio.settings import Settings, load


def application(settings: Settings, body: bytes, *, is_bare: bool) -> ASGIApp:
    """An application with the layers of `app.create_app` and an empty handler of uploads that answers `body`."""

    async def empty(request: Request[Any, Any, Any]) -> Response[bytes]:
        await request.body()
        return Response(body, status_code=200, media_type="application/json")

    async def health() -> None: ...

    framework = Litestar(
        [post(PATH)(empty), get("/health")(health)], request_max_body_size=settings.body_bytes, openapi_config=None,
        logging_config=None,
    )  # fmt: skip
    inner = with_cross_origin(with_compression(framework), settings.cors_origins)
    return with_edge(with_direct(inner, {PATH: _bare(body)} if is_bare else {}), log_address=settings.log_address)


def _bare(body: bytes) -> ASGIApp:
    """An ASGI application that reads the request and answers."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def empty(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return empty


def main(port: int, size: int, kind: str) -> None:
    """Serves until SIGINT or SIGTERM, with the log entries, limits and connection class of `hymio serve`."""
    settings = load({"host": "127.0.0.1", "port": port})
    configure_log(settings)
    allow_open_files(settings)
    body = b'"' + b"x" * (size - 2) + b'"'
    app = application(settings, body, is_bare=kind == "bare")
    gc.collect()
    gc.freeze()  # as the application does once it has started
    Server(app, settings, lambda: None).run([socket.create_server(("127.0.0.1", port))])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
