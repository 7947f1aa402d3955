"""Presses wait for company: uploads that come one at a time are committed and answered together."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import structlog

from hymio import intake
from hymio.errors import HymioError, Unavailable
from hymio.feedback import Receipt, Upload
from hymio.setup import Setup
from hymio.store import Store
from hymio.store.dialect import Transaction

MOST_WAITING = 1_000
MOST_WAITING_BYTES = 64 << 20
MOST_TOGETHER = 256
MOST_TOGETHER_BYTES = 1 << 20
"""One commit takes so many uploads and, once there is one, no more bytes than this: others wait for it to end."""

_log = structlog.get_logger("hymio.gateway")


class Arrival(Protocol):
    """What came in at one door, still as it came."""

    @property
    def size(self) -> int:
        """How many bytes it holds while it waits."""
        ...

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """Its organization and upload; raises a HymioError where it is not welcome or cannot be read."""
        ...


class Settled(NamedTuple):
    """An upload that is committed: its receipt, the organization's set-up and the instant of the commit (ms UTC)."""

    receipt: Receipt
    setup: Setup
    now: int


Outcome = Settled | Exception


class _Waiting(NamedTuple):
    arrival: Arrival
    outcome: asyncio.Future[Settled]


class Company:
    """Takes arrivals from all doors of one event loop and has threads commit whatever waits, from `start` to `stop`.

    While one commit runs the next batch gathers by itself, so nobody waits on a clock. SQLite has one writer, and so
    one thread. On PostgreSQL a second one reads while the first commits, or commits for another organization; more
    only cut the batches smaller.
    """

    def __init__(
        self,
        store: Store,
        *,
        most_waiting: int = MOST_WAITING,
        threads: int | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._store = store
        self._most_waiting = most_waiting
        self._threads = threads or (1 if store.is_sqlite else 2)
        self._clock = clock or _now
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._bytes = 0
        self._open = False

    async def start(self) -> None:
        """Takes arrivals from now on."""
        self._pool = ThreadPoolExecutor(self._threads, "hymio-intake")
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._threads)]
        self._open = True

    async def stop(self) -> None:
        """Takes nothing more, commits and answers what waits, and ends."""
        self._open = False
        await self._queue.join()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._pool.shutdown()

    async def record(self, arrival: Arrival) -> Settled:
        """Waits until an arrival is committed. Raises what its `read` raises, or Unavailable; then none is stored."""
        if not self._open:
            raise Unavailable("the server is shutting down", retry_after=5)
        if self._queue.qsize() >= self._most_waiting or self._bytes + arrival.size > MOST_WAITING_BYTES:
            raise Unavailable("too many uploads are waiting", retry_after=2)
        outcome: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._bytes += arrival.size
        self._queue.put_nowait(_Waiting(arrival, outcome))
        return await outcome

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._gather()
            arrivals = [each.arrival for each in batch]
            outcomes = await loop.run_in_executor(self._pool, settle, self._store, arrivals, self._clock())
            if self._store.is_sqlite and all(isinstance(each, Unavailable) for each in outcomes):
                # Its one writer waited in vain; whoever came meanwhile would only wait as long for the same answer.
                batch, outcomes = self._with_all_who_wait(batch, outcomes)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                _resolve(waiting.outcome, outcome)
                self._queue.task_done()

    def _with_all_who_wait(
        self, batch: list[_Waiting], outcomes: list[Outcome]
    ) -> tuple[list[_Waiting], list[Outcome]]:
        waiting = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        self._bytes -= sum(each.arrival.size for each in waiting)
        return [*batch, *waiting], [*outcomes, *outcomes[:1] * len(waiting)]

    async def _gather(self) -> list[_Waiting]:
        batch = [await self._queue.get()]
        size = batch[0].arrival.size
        while not self._queue.empty() and len(batch) < MOST_TOGETHER and size < MOST_TOGETHER_BYTES:
            batch.append(self._queue.get_nowait())
            size += batch[-1].arrival.size
        self._bytes -= size
        return batch


def settle(store: Store, arrivals: Sequence[Arrival], now: int) -> list[Outcome]:
    """Reads arrivals and commits them, one commit an organization; what became of each, in order.

    Should reading or committing fail in a way that nobody foresaw, each is tried alone: none suffers for another.
    """
    outcomes: dict[int, Outcome] = {}
    uploads: defaultdict[int, dict[int, Upload]] = defaultdict(dict)
    try:
        with store.read() as transaction:
            for place, arrival in enumerate(arrivals):
                read = _read(arrival, transaction)
                if isinstance(read, HymioError):
                    outcomes[place] = read
                else:
                    uploads[read[0]][place] = read[1]
    except Unavailable as error:
        return [error] * len(arrivals)
    except Exception as error:  # noqa: BLE001  it is raised where the arrival came in
        alone = [[error]] if len(arrivals) == 1 else [settle(store, [arrival], now) for arrival in arrivals]
        return [outcome for each in alone for outcome in each]
    for organization, members in uploads.items():
        outcomes |= _recorded(store, organization, members, now)
    return [outcomes[place] for place in range(len(arrivals))]


def _read(arrival: Arrival, transaction: Transaction) -> tuple[int, Upload] | HymioError:
    try:
        return arrival.read(transaction)
    except Unavailable:
        raise
    except HymioError as error:
        return error


def _recorded(store: Store, organization: int, uploads: dict[int, Upload], now: int) -> dict[int, Outcome]:
    """One commit for all, or one for each."""
    try:
        receipts = intake.record(store, organization, list(uploads.values()), now)
        setup = store.setup(organization)
    except Unavailable as error:
        return dict.fromkeys(uploads, error)
    except Exception as error:  # noqa: BLE001  it is raised where the upload came in
        if len(uploads) == 1:
            return dict.fromkeys(uploads, error)
        _log.exception("uploads are recorded one by one", organization=organization, uploads=len(uploads))
        alone = [_recorded(store, organization, {place: upload}, now) for place, upload in uploads.items()]
        return {place: outcome for each in alone for place, outcome in each.items()}
    return {
        place: Settled(receipt, setup, now) if isinstance(receipt, Receipt) else receipt
        for place, receipt in zip(uploads, receipts, strict=True)
    }


def _resolve(waiting: asyncio.Future[Settled], outcome: Outcome) -> None:
    if waiting.done():  # whoever asked has gone
        return
    if isinstance(outcome, Exception):
        waiting.set_exception(outcome)
    else:
        waiting.set_result(outcome)


def _now() -> int:
    return time.time_ns() // 1_000_000
