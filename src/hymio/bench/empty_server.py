"""The yardsticks of single presses: Hymio's server, as `hymio serve` sets it up, with a handler that does nothing.

`python -m hymio.bench.empty_server DATABASE PORT BYTES KIND` answers uploads with a JSON body of so many bytes until it
is ended. KIND is `route`, a handler of the framework, or `bare`, an ASGI application without the framework's routing.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.types import ASGIApp

from hymio.app import make_server
from hymio.gateway.upload import PATH
from hymio.serving.door import Door, Route, Services
from hymio.serving.log import configure_log
from hymio.serving.server import allow_open_files
from hymio.settings import load
from hymio.store import open_store


def _routes(body: bytes, _services: Services) -> Sequence[Route]:
    """A handler that reads the request, and one that says that the server runs."""

    async def empty(request: Request[Any, Any, Any]) -> Response[bytes]:
        await request.body()
        return Response(body, status_code=200, media_type="application/json")

    async def health() -> None: ...

    return [post(PATH)(empty), get("/health")(health)]


def _bare(body: bytes, _services: Services) -> Mapping[str, ASGIApp]:
    """An ASGI application that reads the request and answers."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def empty(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return {PATH: empty}


def main(database: str, port: int, size: int, kind: str) -> None:
    """Serves until SIGINT or SIGTERM, with the layers, log entries, limits and connection class of `hymio serve`."""
    settings = load({"host": "127.0.0.1", "port": port, "database": database})
    configure_log(settings)
    allow_open_files(settings)
    body = b'"' + b"x" * (size - 2) + b'"'
    door = Door("empty", partial(_routes, body), direct=partial(_bare, body) if kind == "bare" else None)
    with closing(open_store(database)) as store:
        make_server(store, settings, doors=[door]).run([socket.create_server(("127.0.0.1", port))])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
