"""Composition: settings and store become one ASGI application, served until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ASGIApp

from hymio import __version__
from hymio.api import reference, v1, v2
from hymio.api.access import CHALLENGE, TOKEN_CHALLENGE
from hymio.api.answers import Exports, Problem, error_answer, problem_answer
from hymio.errors import HymioError
from hymio.front import MOST_HELD_BYTES, surround
from hymio.gateway import sms, upload
from hymio.gateway.queue import Company
from hymio.gateway.reading import Reading
from hymio.period import Instant
from hymio.settings import Settings
from hymio.store import Store, open_store
from hymio.store.catalog import organizations

if TYPE_CHECKING:
    import uvicorn

log = structlog.get_logger("hymio")

GRACE_SECONDS: Final = 10
"""How long requests may go on once the server is told to stop; presses take milliseconds, exports are cut off."""


DEVICE_CHALLENGE: Final = 'Bearer realm="Hymio"'
GATEWAY_CHALLENGE: Final = 'Basic realm="Hymio"'


def now() -> Instant:
    """The present, in ms UTC: the one clock that the application reads."""
    return time.time_ns() // 1_000_000


# --- the application -------------------------------------------------------------------------------------------------


def create_app(store: Store, settings: Settings, clock: Callable[[], Instant] = now) -> ASGIApp:
    """The whole of Hymio's HTTP as an ASGI application; the store stays the caller's to close."""
    state = State({"store": store, "settings": settings, "clock": clock})
    litestar = Litestar(
        route_handlers=[health, start, *_routes()],
        state=state,
        lifespan=[_running],
        exception_handlers={HymioError: _known_error, HTTPException: _http_error, Exception: _unknown_error},
        request_max_body_size=settings.body_bytes,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return surround(litestar, max(MOST_HELD_BYTES, 2 * settings.body_bytes))


def _routes() -> list[Any]:
    modules = (v1, v2, reference, upload, sms)
    return [route for module in modules for route in module.routes()]


@asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    """What lives as long as the application serves."""
    settings: Settings = app.state.settings
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(settings.threads, "hymio"))
    app.state.listing = asyncio.Semaphore(max(1, settings.threads // 2))
    app.state.exports = Exports(settings.streams, settings.stream_seconds)
    app.state.company = company = Company(app.state.store, most_waiting=settings.queue, clock=app.state.clock)
    app.state.reading = Reading()
    await company.start()
    # What was made to start lives as long as the server: it need not be looked through for garbage again and again.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        await company.stop()
        app.state.reading.close()


@get("/health", sync_to_thread=True)
def health(state: State) -> dict[str, str]:
    """Whether Hymio serves: 200 when the database answers, otherwise 503."""
    organizations(state.store)
    return {"status": "ok", "version": __version__, "database": state.store.kind}


@get("/", sync_to_thread=False)
def start() -> Redirect:
    """The documentation, until there is something better to see."""
    return Redirect("/docs", status_code=307)


# --- errors ----------------------------------------------------------------------------------------------------------


def _known_error(request: Request[Any, Any, Any], error: HymioError) -> Response[bytes]:
    path = request.scope["path"]
    if error.status >= 500:
        log.warning("request failed", path=path, status=error.status, detail=error.detail)
    return error_answer(error, _challenge(path))


def _challenge(path: str) -> str:
    if path.startswith("/v1/"):
        return CHALLENGE
    if path.startswith("/v2"):
        return TOKEN_CHALLENGE
    return GATEWAY_CHALLENGE if path == sms.PATH else DEVICE_CHALLENGE


def _http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses: no such path, no such method, a body too large."""
    said = {
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
        413: f"The body is larger than {request.app.state.settings.body_bytes} bytes.",
    }
    titles = {400: "Bad request", 404: "Not found", 405: "Method not allowed", 413: "Too large"}
    status = error.status_code
    title = titles.get(status, "Error")
    allow = {"Allow": _with_head(error.headers["allow"])} if error.headers and "allow" in error.headers else {}
    return problem_answer(Problem("about:blank", title, status, said.get(status, str(error.detail))), allow)


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


def make_server(store: Store, settings: Settings, clock: Callable[[], Instant] = now) -> uvicorn.Server:
    """A server that is not running yet: `run()` serves until SIGINT, SIGTERM or `should_exit`."""
    import uvicorn  # noqa: PLC0415  a command that does not serve need not load it

    from hymio.connection import Connection  # noqa: PLC0415

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
