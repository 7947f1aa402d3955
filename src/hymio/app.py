"""Composes the server: services from settings and a store, one ASGI application of all doors, and a server for it."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar import Litestar, Request, Response, Router
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from hymio import jobs
from hymio.api import openapi, v1, v2
from hymio.clock import Clock, ClockWatch, now
from hymio.errors import (
    BadRequest,
    ChecksFailed,
    DatabaseReplaced,
    HymioError,
    MethodNotAllowed,
    NotFound,
    SetupError,
    TooLarge,
)
from hymio.gateway import sms, upload
from hymio.gateway.digital.routes import DOOR as WEB_SMILEYS
from hymio.gateway.kiosk.routes import DOOR as KIOSK
from hymio.report.files import SCHEMA_FILE, encoded_schema
from hymio.serving import health
from hymio.serving.addresses import shown_path
from hymio.serving.answers import error_answer, language_of
from hymio.serving.compressing import with_compression
from hymio.serving.cross_origin import with_cross_origin
from hymio.serving.direct import with_direct
from hymio.serving.door import Door, Services, database_connections
from hymio.serving.edge import MAX_BUFFERED_BYTES, with_edge
from hymio.serving.log import configure_log
from hymio.serving.processes import Place, run_processes
from hymio.settings import Settings
from hymio.store import Store, open_store
from hymio.texts import load_catalogs
from hymio.web import docs, front, reports
from hymio.web.refusal import error_page, wants_page

if TYPE_CHECKING:
    from hymio.serving.server import Server

_log = structlog.get_logger("hymio")


# --- the doors -------------------------------------------------------------------------------------------------------


_LOGGED: Final = (ChecksFailed, DatabaseReplaced)
"""Errors that are in the log before they reach a client: an entry for each request would add nothing."""


_DOCUMENTS: Final = docs.Documents(
    openapi.encoded,
    {**{file: openapi.schema_file(file) for file in openapi.SCHEMA_FILES.values()}, SCHEMA_FILE: encoded_schema()},
)

DOORS: Final = (
    Door("server", health.routes, challenge=health.METRICS_CHALLENGE),
    front.DOOR,
    reports.DOOR,
    v1.DOOR,
    v2.DOOR,
    docs.door(_DOCUMENTS),
    upload.DOOR,
    sms.DOOR,
    WEB_SMILEYS,
    KIOSK,
)
"""All doors of the server; no path belongs to two of them."""


# --- the application -------------------------------------------------------------------------------------------------


def create_app(
    store: Store,
    settings: Settings,
    clock: Clock = now,
    doors: Sequence[Door] = DOORS,
    periodic: Sequence[jobs.Job] | None = None,
    watch: ClockWatch | None = None,
    process: int = 0,
) -> ASGIApp:
    """The doors as one ASGI application, with periodic jobs, by default those of the settings.

    Closing the store is left to the caller. `watch` is that of the machine's clock unless a test passes another.
    `process` is which of the settings' processes this is; the first one runs the jobs.
    """
    services = Services.of(store, settings, clock, watch, process)
    table = jobs.periodic_jobs(settings, process) if periodic is None else periodic
    litestar = Litestar(
        route_handlers=[_router(door, services) for door in doors],
        lifespan=[lambda _app: _running(services, doors, table)],
        exception_handlers={HTTPException: _http_error(settings), Exception: _unforeseen_error},
        request_max_body_size=settings.body_bytes,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    direct = {path: handler for door in doors if door.direct for path, handler in door.direct(services).items()}
    served = with_direct(with_cross_origin(with_compression(litestar), settings.cors_origins), direct)
    buffered = max(MAX_BUFFERED_BYTES, 2 * settings.body_bytes)
    return with_edge(served, buffered, settings.log_address, services.metrics.note)


def _router(door: Door, services: Services) -> Router:
    """A door's routes, with a handler of errors that sends the door's challenge with each 401."""

    def known_error(request: Request[Any, Any, Any], error: HymioError) -> Response[bytes]:
        if error.status >= 500 and not isinstance(error, _LOGGED):
            _log.warning("request failed", path=shown_path(request.scope["path"]), code=error.code, detail=error.detail)
        if wants_page(request, error):
            return error_page(request, error)
        return error_answer(error, language_of(request), challenge=door.challenge)

    return Router("/", route_handlers=door.routes(services), exception_handlers={HymioError: known_error})


@asynccontextmanager
async def _running(services: Services, doors: Sequence[Door], periodic: Sequence[jobs.Job]) -> AsyncIterator[None]:
    """The application's lifespan: worker threads, then the services, the jobs, and the lifespans of doors."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(services.settings.threads, "hymio"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(services.running())
        await stack.enter_async_context(_running_jobs(services, periodic))
        for door in doors:
            if door.lifespan is not None:
                await stack.enter_async_context(door.lifespan(services))
        load_catalogs()
        # The objects made so far live as long as the server; frozen, they are not visited by later garbage collections.
        gc.collect()
        gc.freeze()
        yield


@asynccontextmanager
async def _running_jobs(services: Services, periodic: Sequence[jobs.Job]) -> AsyncIterator[None]:
    """Runs the periodic jobs; at the end it waits for those that are running, up to jobs.STOP_SECONDS."""
    environment = jobs.Environment(services.store, services.clock, services.token_use, jobs.HANDLERS)
    runner = jobs.Runner(environment, periodic)
    runner.start()
    try:
        yield
    finally:
        await asyncio.to_thread(runner.stop)


def _http_error(settings: Settings) -> Callable[[Request[Any, Any, Any], HTTPException], Response[bytes]]:
    """Answers what the framework refuses: an unknown path or method, a body that is too large."""

    def answer(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        allow = _with_head(error.headers["allow"]) if error.headers and "allow" in error.headers else ""
        refusal = _refusal(error, settings.body_bytes)
        if wants_page(request, refusal):
            return error_page(request, refusal, allow)
        return error_answer(refusal, language_of(request), allow=allow)

    return answer


def _refusal(error: HTTPException, max_bytes: int) -> HymioError:
    """Hymio's error for one of the framework's."""
    if error.status_code == 404:
        return NotFound("unknown-address", "There is nothing at this address.")
    if error.status_code == 405:
        return MethodNotAllowed("method-not-allowed", "This address does not take this method.")
    if error.status_code == 413:
        return TooLarge("body-too-large", "The body is larger than {bytes} bytes.", bytes=max_bytes)
    if error.status_code >= 500:
        return _unforeseen()
    return BadRequest("bad-http-request", "{reason}", reason=error.detail)


def _with_head(allow: str) -> str:
    """The value of an Allow header, with HEAD where GET is."""
    return ", ".join(sorted({*allow.split(", "), *(["HEAD"] if "GET" in allow else [])}))


def _unforeseen_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Logs an unexpected exception and answers 500."""
    _log.error("request failed", path=shown_path(request.scope["path"]), exc_info=error)
    refusal = _unforeseen()
    if wants_page(request, refusal):
        return error_page(request, refusal)
    return error_answer(refusal, language_of(request))


def _unforeseen() -> HymioError:
    """The error for an unexpected exception."""
    return HymioError("internal-error", "Something went wrong in Hymio; its log says what.")


SWITCH_SECONDS: Final = 0.0005
"""How long a thread holds the interpreter while others want it, in place of 5 ms. A commit gives it up and takes it
again dozens of times: beside a thread that never gives it up, presses took 25 to 66 ms instead of 85 to 130 ms."""


# --- serving ---------------------------------------------------------------------------------------------------------


def open_database(settings: Settings) -> Store:
    """Opens and migrates the database of the settings, with as many connections as a server with them may use."""
    if not settings.database:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    connections = database_connections(settings) + jobs.CONNECTIONS
    return open_store(settings.database_url, connections, threads=min(settings.threads, settings.streams))


def make_server(
    store: Store,
    settings: Settings,
    clock: Clock = now,
    started: Callable[[], object] = lambda: None,
    watch: ClockWatch | None = None,
    doors: Sequence[Door] = DOORS,
    process: int = 0,
) -> Server:
    """A server that is not running yet; `started` is called once it listens. The rest is as in `create_app`."""
    from hymio.serving.server import Server  # noqa: PLC0415  a command that does not serve need not load uvicorn

    return Server(create_app(store, settings, clock, doors, watch=watch, process=process), settings, started)


def serve(
    settings: Settings, listening: socket.socket | None = None, started: Callable[[], object] = lambda: None
) -> None:
    """Opens the database and serves in this process until SIGINT or SIGTERM.

    `listening` is a socket that is bound already; without one the settings say where.
    """
    _serve(settings, listening, started, process=0)


def serve_in_processes(settings: Settings, listening: socket.socket, started: Callable[[], object]) -> None:
    """Serves a bound socket in as many processes as the settings say until SIGINT or SIGTERM. SetupError on SQLite.

    The database is opened here first, so that what is wrong with it is said once, and one process migrates it.
    """
    if settings.database_url.startswith("sqlite:"):
        raise SetupError(
            "processes-on-sqlite",
            "a SQLite file is served by one process: got {processes}, accepted: 1."
            " Several processes can serve a database on PostgreSQL",
            processes=settings.processes,
        )
    configure_log(settings)
    open_database(settings).close()
    run_processes(partial(_serve_in_process, settings), settings.processes, listening, started)


def _serve_in_process(settings: Settings, place: Place) -> None:
    """Serves in a process of its own; why it cannot, as while the database is down, is one line of the log."""
    place.end_with_parent()
    try:
        _serve(settings, place.listening, place.say_listening, place.number)
    except HymioError as error:
        why = {"code": error.code, "detail": str(error.detail)}
        _log.error("a process of the server cannot serve", process=place.number, **why)
        sys.exit(1)


def _serve(settings: Settings, listening: socket.socket | None, started: Callable[[], object], process: int) -> None:
    from hymio.serving.server import allow_open_files  # noqa: PLC0415  as in `make_server`

    configure_log(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    ending = _Ending()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ending.take_signal)
    allow_open_files(settings)
    with closing(open_database(settings)) as store:
        server = make_server(store, settings, started=started, process=process)
        ending.end(server)
        server.run([listening] if listening else None)


class _Ending:
    """What SIGINT and SIGTERM do while the server does not handle them.

    It raises them again when it has shut down, which would end with a traceback; before it runs, it must not begin.
    """

    def __init__(self) -> None:
        self._is_wanted = False
        self._server: Server | None = None

    def take_signal(self, *_: object) -> None:
        self._is_wanted = True
        if self._server is not None:
            self._server.should_exit = True

    def end(self, server: Server) -> None:
        """Has a server end, at once if a signal came already."""
        self._server, server.should_exit = server, self._is_wanted
