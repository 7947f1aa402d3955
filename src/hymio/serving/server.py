"""The HTTP server: uvicorn with Hymio's limits on connections."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import structlog
import uvicorn
from litestar.types import ASGIApp

from hymio.serving.addresses import TrustedProxies
from hymio.serving.connection import Connection
from hymio.serving.occupancy import Occupancy
from hymio.settings import Settings

SHUTDOWN_SECONDS: Final = 10
"""How long running requests may go on after a shutdown begins; presses take milliseconds, exports are cut off."""


BACKLOG: Final = 512
"""Connections that the system holds until the server accepts them. It accepts all of them at once, which with so many
takes about 50 ms; further clients try again after a second."""

OTHER_FILES: Final = 100
"""Open files that are no connections of clients: the database's, the log, the program's own."""

_log = structlog.get_logger("hymio")


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
        ws="none",
        backlog=BACKLOG,
        http=cast(Any, connection_class(settings)),
        proxy_headers=False,  # `Connection` reads them
        headers=[("X-Content-Type-Options", "nosniff")],
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def connection_class(settings: Settings) -> Callable[..., Connection]:
    """Makes the connections of one server, which share its occupancy."""
    occupancy = Occupancy(settings.connections, settings.connections_per_address)
    return partial(Connection, occupancy=occupancy, proxies=TrustedProxies(settings.trusted_proxies))


def allow_open_files(settings: Settings) -> None:
    """Raises this process's limit of open files to what the settings may need; logs a warning where it is too low."""
    try:
        import resource  # noqa: PLC0415  no module of Windows, which has no such limit
    except ImportError:
        return
    needed = settings.connections + settings.connections // 4 + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        _log.warning("few files may be open", limit=allowed, needed=needed, remedy="ulimit -n")
