"""Watches the server's clock: its steps are logged and shown by `/health`, which fails while the clock is behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Final

import msgspec
import structlog
from msgspec import Meta

from hymio.clock import Clock, ClockWatch
from hymio.errors import ClockBehind, HymioError
from hymio.hierarchy import BEGINNING
from hymio.period import SECOND_MS, format_timestamp
from hymio.store import Store
from hymio.store.receive_time import NewestTimes, require_clock

WATCH_SECONDS: Final = 10.0
"""How often the clock is looked at while nobody asks."""

_log = structlog.get_logger("hymio.clock")


class ClockStepRow(msgspec.Struct, frozen=True):
    """The server's clock was set by more than a minute while the server ran."""

    at: Annotated[str, Meta(description="What the clock showed when that was noticed, in UTC.")]
    seconds: Annotated[float, Meta(description="By how much it was set; negative for back.")]


class ClockHealth:
    """What is known of the clock of one server: whether it was set, and whether it is behind a ledger."""

    def __init__(self, store: Store, clock: Clock, watch: ClockWatch) -> None:
        self._store, self._clock, self._watch = store, clock, watch
        self._newest = NewestTimes(BEGINNING, BEGINNING)
        self._is_behind = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks at the clock first, and then every WATCH_SECONDS inside."""
        await self._look()
        watching = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def check(self) -> None:
        """Logs a step of the clock, and that it is behind. ClockBehind if it is behind the newest receive time.

        That time is as old as the last look, so that no request waits for the database.
        """
        step = self._watch.check()
        if step is not None:
            _log.warning("the clock was set", seconds=step.by / SECOND_MS, shows=format_timestamp(step.at, 0, utc=True))
        try:
            require_clock(self._clock(), self._newest.newest)
        except ClockBehind as error:
            if not self._is_behind:
                _log.error("the clock is behind, presses are not taken", detail=error.detail)
            self._is_behind = True
            raise
        if self._is_behind:
            _log.warning("the clock has passed the newest receive time, presses are taken again")
        self._is_behind = False

    def check_several(self) -> None:
        """ClockBehind if the clock is behind two organizations, or behind the only one: then it is the clock that is
        wrong. One alone that is ahead was written to with a clock that was ahead, and the others go on."""
        require_clock(self._clock(), self._newest.second)

    def last_step(self) -> ClockStepRow | None:
        """The last step of the clock, if it had any while the server ran."""
        step = self._watch.last_step
        return None if step is None else ClockStepRow(format_timestamp(step.at, 0, utc=True), step.by / SECOND_MS)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self._look()

    async def _look(self) -> None:
        """Reads the newest receive time and checks the clock; where it cannot be read, the one before still counts."""
        with suppress(HymioError):
            newest = await asyncio.to_thread(self._store.newest_receive_times)
            self._newest = self._newest if newest is None else newest
        with suppress(ClockBehind):
            self.check()
