"""Composition: settings and store become one ASGI application, served until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ASGIApp

from hymio import __version__
from hymio.api import openapi, v1, v2
from hymio.clock import Clock, now
from hymio.errors import HymioError
from hymio.gateway import sms, upload
from hymio.serving.answers import Problem, error_answer, problem_answer
from hymio.serving.door import Door, Route, Services
from hymio.serving.edge import MOST_HELD_BYTES, surround
from hymio.settings import Settings
from hymio.store import Store, open_store
from hymio.web import docs

if TYPE_CHECKING:
    import uvicorn

log = structlog.get_logger("hymio")

GRACE_SECONDS: Final = 10
"""How long requests may go on once the server is told to stop; presses take milliseconds, exports are cut off."""


# --- the application -------------------------------------------------------------------------------------------------


def create_app(store: Store, settings: Settings, clock: Clock = now) -> ASGIApp:
    """The whole of Hymio's HTTP as an ASGI application; the store stays the caller's to close."""
    services = Services.of(store, settings, clock)
    litestar = Litestar(
        route_handlers=[_router(door, services) for door in DOORS],
        lifespan=[lambda _app: _running(services)],
        exception_handlers={HTTPException: _http_error(settings), Exception: _unknown_error},
        request_max_body_size=settings.body_bytes,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return surround(litestar, max(MOST_HELD_BYTES, 2 * settings.body_bytes))


def _server_routes(services: Services) -> list[Route]:
    """Whether the server serves, and where a browser that is given no path is sent."""
    store = services.store

    @get("/health", sync_to_thread=True)
    def health() -> dict[str, str]:
        store.check()
        return {"status": "ok", "version": __version__, "database": store.kind}

    @get("/", sync_to_thread=False)
    def start() -> Redirect:
        return Redirect("/docs", status_code=307)

    return [health, start]


_DOCUMENTS: Final = docs.Documents(
    openapi.encoded, {file: openapi.schema_file(file) for file in openapi.SCHEMA_FILES.values()}
)

DOORS: Final = (
    Door("server", _server_routes), v1.DOOR, v2.DOOR, docs.door(_DOCUMENTS), upload.DOOR, sms.DOOR,
)  # fmt: skip
"""Everything that is served; the paths of two doors do not overlap."""


def _router(door: Door, services: Services) -> Router:
    """A door's routes; a 401 of any of them carries the door's challenge."""

    def known_error(request: Request[Any, Any, Any], error: HymioError) -> Response[bytes]:
        if error.status >= 500:
            log.warning("request failed", path=request.scope["path"], status=error.status, detail=error.detail)
        return error_answer(error, door.challenge)

    return Router("/", route_handlers=door.routes(services), exception_handlers={HymioError: known_error})


@asynccontextmanager
async def _running(services: Services) -> AsyncIterator[None]:
    """What lives as long as the application serves: worker threads, the services, then the doors' own."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(services.settings.threads, "hymio"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(services.running())
        for door in DOORS:
            if door.lifespan is not None:
                await stack.enter_async_context(door.lifespan(services))
        # The objects made so far live as long as the server: later garbage collections need not visit them.
        gc.collect()
        gc.freeze()
        yield


# --- errors ----------------------------------------------------------------------------------------------------------


def _http_error(settings: Settings) -> Callable[[Request[Any, Any, Any], HTTPException], Response[bytes]]:
    """Answers what the framework refuses: no such path, no such method, a body too large."""
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
        413: f"The body is larger than {settings.body_bytes} bytes.",
    }
    titles = {400: "Bad request", 404: "Not found", 405: "Method not allowed", 413: "Too large"}

    def answer(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        status = error.status_code
        allow = {"Allow": _with_head(error.headers["allow"])} if error.headers and "allow" in error.headers else {}
        detail = details.get(status, str(error.detail))
        return problem_answer(Problem("about:blank", titles.get(status, "Error"), status, detail), allow)

    return answer


def _with_head(allow: str) -> str:
    return ", ".join(sorted({*allow.split(", "), *(["HEAD"] if "GET" in allow else [])}))


def _unknown_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("request failed", path=request.scope["path"], exc_info=error)
    detail = "Something went wrong in Hymio; its log says what."
    return problem_answer(Problem("about:blank", "Internal error", 500, detail))


# --- serving ---------------------------------------------------------------------------------------------------------


def configure_log(settings: Settings) -> None:
    """Sends our entries and those of the libraries to standard error, all in one form.

    A traceback shows no values: people's words and tokens may be among them.
    """
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.addFilter(_is_no_cancelling)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())


def _is_no_cancelling(entry: logging.LogRecord) -> bool:
    """Whether an entry tells of anything but a request that was cut off because the server stops."""
    return entry.exc_info is None or not isinstance(entry.exc_info[1], asyncio.CancelledError)


def make_server(store: Store, settings: Settings, clock: Clock = now) -> uvicorn.Server:
    """A server that is not running yet: `run()` serves until SIGINT, SIGTERM or `should_exit`."""
    import uvicorn  # noqa: PLC0415  a command that does not serve need not load it

    from hymio.serving.connection import Connection  # noqa: PLC0415

    config = uvicorn.Config(
        create_app(store, settings, clock),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        http=Connection,
        limit_concurrency=settings.connections,
        headers=[("X-Content-Type-Options", "nosniff")],
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def serve(settings: Settings, door: socket.socket | None = None, started: Callable[[], object] = lambda: None) -> None:
    """Opens (and migrates) the database and serves until SIGINT or SIGTERM; `started` is called once it answers.

    `door` is a socket bound already; without one the settings say where.
    """
    configure_log(settings)
    # The server ends in good order at these and then raises them again, for which we have no more use.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: None)
    if not settings.database:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(open_store(settings.database_url)) as store:
        server = make_server(store, settings)
        _tell_when_started(server, started)
        server.run([door] if door else None)


def _tell_when_started(server: uvicorn.Server, started: Callable[[], object]) -> None:
    begin = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await begin(sockets)
        started()

    server.startup = startup  # type: ignore[method-assign]  # uvicorn has no hook at this point
