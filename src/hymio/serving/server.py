"""The HTTP server: uvicorn with Hymio's limits on connections."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from litestar.types import ASGIApp

from hymio.serving.connection import Connection
from hymio.settings import Settings

SHUTDOWN_SECONDS: Final = 10
"""How long running requests may go on after a shutdown begins; presses take milliseconds, exports are cut off."""


class Server(uvicorn.Server):
    """Serves an application: `run()` until SIGINT, SIGTERM or `should_exit`; `started` is called once it listens."""

    def __init__(self, app: ASGIApp, settings: Settings, started: Callable[[], object]) -> None:
        super().__init__(_config(app, settings))
        self._call_when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application and listens."""
        await super().startup(sockets)
        self._call_when_started()


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    """The settings of uvicorn, with Hymio's connection class."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        http=Connection,
        limit_concurrency=settings.connections,
        headers=[("X-Content-Type-Options", "nosniff")],
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
