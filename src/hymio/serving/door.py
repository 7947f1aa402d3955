"""A door: one group of HTTP routes, how its clients authenticate, and the services that all doors share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp

from hymio.clock import Clock, ClockWatch
from hymio.errors import Unavailable
from hymio.intake.queue import UploadQueue
from hymio.manage.passwords import AT_ONCE
from hymio.serving.attempts import Attempts
from hymio.serving.bodies import BodyParsers
from hymio.serving.clock_health import ClockHealth
from hymio.serving.metrics import RequestMetrics
from hymio.serving.password_threads import PasswordThreads
from hymio.serving.streams import Exports
from hymio.serving.turns import Turns
from hymio.settings import Settings
from hymio.store import Store
from hymio.store.token_use import TokenUse

Route: TypeAlias = HTTPRouteHandler | ASGIRouteHandler


@dataclass(frozen=True, slots=True)
class Services:
    """What the doors of one server share; made before the event loop runs, usable inside `running`.

    `reading` limits how many threads read results at once (`reading_turns`): hours, listings of feedback, reports and
    the chunks of exports. `looking` limits how many threads look up who asks an API, and whether the answer is known.
    """

    store: Store
    settings: Settings
    clock: Clock
    uploads: UploadQueue
    bodies: BodyParsers
    exports: Exports
    reading: Turns
    looking: Turns
    token_use: TokenUse
    clock_health: ClockHealth
    attempts: Attempts
    passwords: PasswordThreads
    metrics: RequestMetrics

    @classmethod
    def of(
        cls, store: Store, settings: Settings, clock: Clock, watch: ClockWatch | None = None, process: int = 0
    ) -> Services:
        """The services of a server, sized by its settings; the store stays the caller's to close.

        `watch` notices steps of the machine's clock; tests pass one of other clocks. `process` is which of several
        processes this is, from 0 on.
        """
        uploads = UploadQueue(store, clock, max_waiting=settings.queue)
        reading = Turns(reading_turns(store, settings), lambda: uploads.lag_seconds)
        return cls(
            store=store,
            settings=settings,
            clock=clock,
            uploads=uploads,
            bodies=BodyParsers(),
            exports=Exports(settings.streams, settings.stream_seconds, reading),
            reading=reading,
            looking=Turns(1 if store.has_single_writer else max(1, min(2, settings.threads // 2))),
            token_use=TokenUse(),
            clock_health=ClockHealth(store, clock, watch or ClockWatch()),
            attempts=Attempts(settings.wrong_credentials, settings.log_address),
            passwords=PasswordThreads(),
            metrics=RequestMetrics(process if settings.processes > 1 else None),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Starts the threads of the services and stops them at the end, after all uploads that wait are committed.

        The use of tokens that no job has written yet is written last.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, self._write_token_use)
            stack.enter_context(self.bodies.running())
            stack.enter_context(self.passwords.running())
            await stack.enter_async_context(self.uploads.running())
            await stack.enter_async_context(self.clock_health.running())
            yield

    def _write_token_use(self) -> None:
        """Writes the last uses of tokens, unless the database is unavailable."""
        with suppress(Unavailable):
            self.token_use.write(self.store)


def reading_turns(store: Store, settings: Settings) -> int:
    """How many threads read results at once, so that a core and the interpreter are left to intake.

    Where the database is read in this process (SQLite), one: two already hold the interpreter for as long as they can.
    Where a server reads, another one may wait for it meanwhile, on a machine with a core for each.
    """
    most = 1 if store.has_single_writer else 2
    return max(1, min(most, settings.threads // 2, (cores() - 1) // settings.processes))


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def database_connections(settings: Settings) -> int:
    """How many database connections requests may use at the same time: one for each thread that runs transactions."""
    exports = Exports(settings.streams, settings.stream_seconds).connections
    intake, reserve = 4, 2
    return settings.threads + AT_ONCE + exports + intake + reserve


@dataclass(frozen=True, slots=True)
class Door:
    """A group of routes with one way to authenticate.

    `challenge` is the value of WWW-Authenticate in its 401 answers (RFC 9110), empty where every client is let in.
    `direct` are handlers of POST by path that the server reaches without the framework's routing (`serving.direct`);
    they are among `routes` too. `lifespan` is entered once the services run and left before they stop, for a door that
    listens elsewhere too.
    """

    name: str
    routes: Callable[[Services], Sequence[Route]]
    challenge: str = ""
    lifespan: Callable[[Services], AbstractAsyncContextManager[None]] | None = None
    direct: Callable[[Services], Mapping[str, ASGIApp]] | None = None
