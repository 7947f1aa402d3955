"""The yardstick of single presses: Hymio's server, as `hymio serve` sets it up, with a handler that does nothing.

`python -m hymio.bench.empty_server PORT BYTES` answers requests with a JSON body of so many bytes until it is ended.
"""

from __future__ import annotations

import gc
import socket
import sys
from typing import Any

from litestar.types import ASGIApp

from hymio.serving.edge import with_edge
from hymio.serving.log import configure_log
from hymio.serving.server import Server, allow_open_files
from hymio.settings import load


def empty_app(size: int) -> ASGIApp:
    """An application that reads a request and answers it with a JSON body of `size` bytes, at least two."""
    body = b'"' + b"x" * (size - 2) + b'"'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


async def _lifespan(receive: Any, send: Any) -> None:
    """Starts and stops with nothing to do."""
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


def main(port: int, size: int) -> None:
    """Serves until SIGINT or SIGTERM, with the log entries, limits and connection class of `hymio serve`."""
    settings = load({"host": "127.0.0.1", "port": port})
    configure_log(settings)
    allow_open_files(settings)
    gc.collect()
    gc.freeze()  # as the application does once it has started
    listening = socket.create_server(("127.0.0.1", port))
    Server(with_edge(empty_app(size)), settings, lambda: None).run([listening])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
