"""Batches uploads: those that arrive while one commit runs are committed together in the next."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeGuard

import structlog

from hymio.clock import Clock
from hymio.errors import ClockBehind, HymioError, Unavailable
from hymio.feedback import Receipt, Upload
from hymio.intake.arrival import Arrival, Committed, Outcome, SharedLookUp, SlicedArrival
from hymio.intake.lanes import Lanes, Waiting, waiting
from hymio.intake.record import record_with_layout
from hymio.period import Instant
from hymio.store import Store
from hymio.store.dialect import Transaction

MAX_WAITING_UPLOADS = 1_000
MAX_WAITING_BYTES = 64 << 20

REST_EVERY_SECONDS = 0.2
REST_SECONDS = 0.004
"""While uploads wait all the time, the writer of a database with a single one is left free for so long, so often.

Other processes try to get it every `sqlite.RETRY_SECONDS`, which is shorter.
"""

SECOND_COMMIT_SECONDS = 0.02
"""How long a commit runs before another thread begins one beside it. Of single presses of 32 clients, on PostgreSQL
a commit had 16 presses rather than 11, and a press took 0.46 ms of processor time rather than 0.62."""

GATHER_SECONDS, MIN_GATHERED = 0.003, 4
"""How long, at most, the next commit of a database with a single writer waits for those who were just answered, if they
were so many and none sent a large upload.

Who sends press after press sends the next one when the last is answered. Otherwise, of 32 clients one half is answered
while the other is committed: a commit has 17 presses rather than 32, and a press takes 185 µs of processor time rather
than 147, because a commit takes as long as ten presses.
"""

FAILURE_SECONDS = 10.0
"""How long a failed commit counts as a sign that the next one would fail too, unless one has succeeded since."""

_log = structlog.get_logger("hymio.intake")


@dataclass(slots=True)
class Totals:
    """What a queue has done since the server was started; only the event loop changes it.

    `refused` are uploads that were not taken or of which nothing was acknowledged, `seconds` how long commits took.
    """

    uploads: int = 0
    refused: int = 0
    presses: int = 0
    duplicates: int = 0
    quarantined: int = 0
    commits: int = 0
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Counts the outcome of an upload."""
        if not isinstance(outcome, Committed):
            self.refused += 1
            return
        receipt = outcome.receipt
        self.uploads += 1
        self.presses += receipt.new
        self.duplicates += receipt.duplicates
        self.quarantined += len(receipt.quarantined)


class UploadQueue:
    """Takes uploads from all ways in of one event loop and commits them in batches, in threads of its own.

    While one commit runs, the next batch gathers; no upload waits for a timer where none runs, but for a moment after a
    commit of several (GATHER_SECONDS). A commit takes a bounded number of rows (`Lanes`), so that no upload waits long
    for others; a large upload is stored in slices, over several commits, and its outcome is that of the last one. A
    database with a single writer has one thread, another two: the second one begins where the first takes
    SECOND_COMMIT_SECONDS, because it waits for one organization's ledger, say. More threads would only make the batches
    smaller.
    """

    def __init__(
        self, store: Store, clock: Clock, *, max_waiting: int = MAX_WAITING_UPLOADS, threads: int | None = None
    ) -> None:
        self.totals = Totals()
        self._clock = clock
        self._max_waiting = max_waiting
        self._threads = threads or intake_threads(store)
        self._store = store.for_pool(self._threads)
        # On a cluster a commit waits for one node, and others need not.
        self._takes_turns = not store.has_single_writer and not store.is_distributed
        self._lanes = Lanes()
        self._arrived, self._finished = asyncio.Event(), asyncio.Event()
        self._finished.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._have_come, self._expected = asyncio.Event(), 0
        self._committing = 0
        self._unfinished = 0
        self._unfinished_bytes = 0
        self._busy_since = 0.0
        self._last_seconds = 0.0
        self._is_open = False
        self._failure: tuple[Unavailable | None, float] = (None, 0.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Accepts uploads inside; at the end accepts no more, commits and answers those that wait, and stops."""
        with ThreadPoolExecutor(self._threads, "hymio-intake") as pool:
            workers = [asyncio.create_task(self._commit_batches(pool)) for _ in range(self._threads)]
            self._is_open = True
            try:
                yield
            finally:
                self._is_open = False
                await self._finished.wait()
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    async def record(self, arrival: Arrival) -> Committed:
        """Waits until an upload is committed.

        Raises what its `read` raises, or Unavailable where the queue is full or closed or the database does not answer;
        then nothing of it is acknowledged, and nothing stored except slices of a large one that were committed before.
        """
        if refusal := self._refusal(arrival.size):
            self.totals.refused += 1
            raise refusal
        came = time.monotonic()
        upload = waiting(arrival, asyncio.get_running_loop().create_future())
        self._unfinished += 1
        self._unfinished_bytes += upload.size
        self._finished.clear()
        self._lanes.put(upload)
        self._arrived.set()
        if self._unfinished == self._expected:
            self._have_come.set()
        try:
            return await upload.outcome
        finally:
            self._last_seconds = time.monotonic() - came

    @property
    def waiting(self) -> int:
        """How many uploads wait to be committed."""
        return self._unfinished

    @property
    def lag_seconds(self) -> float:
        """While uploads wait, how long the last one that was answered had waited; 0 while none does."""
        return self._last_seconds if self._unfinished else 0.0

    def refusal(self) -> Unavailable | None:
        """Why an upload would not be taken now, or the error of the last commit if it failed a moment ago."""
        last, failed_at = self._failure
        is_recent = last is not None and time.monotonic() - failed_at < FAILURE_SECONDS
        return self._refusal(0) or (last if is_recent else None)

    def _refusal(self, size: int) -> Unavailable | None:
        """Why an upload of `size` bytes is not taken."""
        if not self._is_open:
            return Unavailable("shutting-down", "the server is shutting down", retry_after=5)
        if self._unfinished >= self._max_waiting or self._unfinished_bytes + size > MAX_WAITING_BYTES:
            return Unavailable("upload-queue-full", "too many uploads are waiting", retry_after=2)
        return None

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        """Keeps the error of a batch of which nothing could be committed, or forgets the one before."""
        if self._store.is_distributed:  # the nodes of other organizations may answer
            return
        errors = [outcome for outcome in outcomes if _is_writer_busy(outcome)]
        self._failure = (errors[0] if errors and len(errors) == len(outcomes) else None), time.monotonic()

    async def _commit_batches(self, pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._next_batch()
            arrivals = [upload.arrival for upload in batch]
            began = time.monotonic()
            self._note_committing(1)
            try:
                outcomes = await loop.run_in_executor(pool, commit_batch, self._store, arrivals, self._clock())
            finally:
                self._note_committing(-1)
            seconds = time.monotonic() - began
            self._lanes.note_duration(batch, seconds)
            self.totals.commits += 1
            self.totals.seconds += seconds
            if self._store.has_single_writer and all(map(_is_writer_busy, outcomes)):
                # The write lock was not released in time. The uploads that came meanwhile would wait as long and
                # get the same answer, so they get it now.
                behind = self._lanes.take_all()
                batch, outcomes = [*batch, *behind], [*outcomes, *outcomes[:1] * len(behind)]
            self._note(outcomes)
            for upload, outcome in zip(batch, outcomes, strict=True):
                self._take_outcome(upload, outcome)
            if self._store.has_single_writer:
                await self._rest()
                await self._gather(batch)

    async def _next_batch(self) -> list[Waiting]:
        """Waits for an upload; the batch of those that wait already."""
        while True:
            await self._turn()
            if batch := self._lanes.take():
                return batch
            self._arrived.clear()
            await self._arrived.wait()
            self._busy_since = time.monotonic()

    async def _turn(self) -> None:
        """Waits until no other thread commits, or has done so for SECOND_COMMIT_SECONDS: a batch is then larger."""
        while self._takes_turns and self._committing:
            try:
                async with asyncio.timeout(SECOND_COMMIT_SECONDS):  # wait_for may lose that the worker is stopped
                    await self._idle.wait()
            except TimeoutError:
                return

    def _note_committing(self, change: int) -> None:
        """Counts a commit that begins (1) or has ended (-1)."""
        self._committing += change
        if self._committing:
            self._idle.clear()
        else:
            self._idle.set()

    async def _rest(self) -> None:
        """Leaves the writer to other processes for REST_SECONDS, if it was busy for REST_EVERY_SECONDS."""
        if time.monotonic() - self._busy_since > REST_EVERY_SECONDS:
            await asyncio.sleep(REST_SECONDS)
            self._busy_since = time.monotonic()

    async def _gather(self, last: Sequence[Waiting]) -> None:
        """Waits until as many uploads came as the last commit had, for GATHER_SECONDS at most."""
        if len(last) < MIN_GATHERED or any(isinstance(upload.arrival, SlicedArrival) for upload in last):
            return
        self._expected = self._unfinished + len(last)
        self._have_come.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):  # wait_for may lose that the worker is stopped
                await self._have_come.wait()

    def _take_outcome(self, upload: Waiting, outcome: Outcome) -> None:
        """Answers an upload, or puts a large one back whose last slice is not committed yet."""
        if isinstance(outcome, Committed) and isinstance(upload.arrival, SlicedArrival):
            receipt = upload.arrival.add(outcome.receipt)
            if receipt is None:
                self._lanes.put_back(upload)
                return
            outcome = outcome._replace(receipt=receipt)
        self.totals.add(outcome)
        self._lanes.finish(upload)
        self._unfinished -= 1
        self._unfinished_bytes -= upload.size
        if not self._unfinished:
            self._finished.set()
        _resolve(upload.outcome, outcome)


def intake_threads(store: Store) -> int:
    """How many threads commit: one or two by the database, as `UploadQueue` says, and four on a cluster.

    There a commit takes longer, and at most half of the threads wait for one node (`Store.for_pool`).
    """
    if store.has_single_writer:
        return 1
    return 4 if store.is_distributed else 2


def commit_batch(store: Store, arrivals: Sequence[Arrival], now: Instant) -> list[Outcome]:
    """Reads uploads and commits them, one commit for each organization; the outcomes are in the order of the uploads.

    Where reading or committing raises what is no HymioError, each upload is tried alone, so that none fails because of
    another. Where the database does not answer for one organization, the others go on after BRIEF_SECONDS.
    """
    outcomes: dict[int, Outcome] = {}
    uploads: defaultdict[int, dict[int, Upload]] = defaultdict(dict)
    layouts: list[int] | None = None  # the organizations whose layouts are still to be read
    hurried = store.for_others()
    try:
        with (hurried if len(arrivals) > 1 else store).read() as transaction:
            _look_up(transaction, arrivals)
            for index, arrival in enumerate(arrivals):
                read = _read(arrival, transaction)
                if isinstance(read, HymioError):
                    outcomes[index] = read
                else:
                    organization, upload = read
                    uploads[organization][index] = upload
            # A set-up that another process changed is read here rather than while the writer is held.
            layouts = list(uploads)
            while layouts:
                store.layout_now(transaction, layouts[-1])
                layouts.pop()
    except Unavailable as error:
        if layouts is None:
            return [error] * len(arrivals)
        if layouts:
            outcomes |= dict.fromkeys(uploads.pop(layouts[-1]), error)
    except Exception as error:  # noqa: BLE001  it is raised again in `record`
        if len(arrivals) == 1:
            return [error]
        return [commit_batch(store, [arrival], now)[0] for arrival in arrivals]
    for organization, members in uploads.items():
        outcomes |= _record(hurried if len(uploads) > 1 else store, organization, members, now)
    return [outcomes[index] for index in range(len(arrivals))]


def _look_up(transaction: Transaction, arrivals: Sequence[Arrival]) -> None:
    sharing = [arrival for arrival in arrivals if isinstance(arrival, SharedLookUp)]
    for kind in {type(arrival) for arrival in sharing}:
        kind.look_up(transaction, [arrival for arrival in sharing if type(arrival) is kind])


def _read(arrival: Arrival, transaction: Transaction) -> tuple[int, Upload] | HymioError:
    try:
        return arrival.read(transaction)
    except Unavailable:
        raise
    except HymioError as error:
        return error


def _record(store: Store, organization: int, uploads: dict[int, Upload], now: Instant) -> dict[int, Outcome]:
    """Commits one organization's uploads together or, where that raises what is no HymioError, one by one.

    Keys of `uploads` and of the outcomes are indexes in the batch.
    """
    try:
        recorded = record_with_layout(store, organization, list(uploads.values()), now)
    except Unavailable as error:
        return dict.fromkeys(uploads, error)
    except Exception as error:  # noqa: BLE001  it is raised again in `record`
        if len(uploads) == 1:
            return dict.fromkeys(uploads, error)
        _log.exception("uploads are recorded one by one", organization=organization, uploads=len(uploads))
        alone = [_record(store, organization, {index: upload}, now) for index, upload in uploads.items()]
        return {index: outcome for outcomes in alone for index, outcome in outcomes.items()}
    return {
        index: Committed(answer, recorded.layout, now) if isinstance(answer, Receipt) else answer
        for index, answer in zip(uploads, recorded.answers, strict=True)
    }


def _is_writer_busy(outcome: Outcome) -> TypeGuard[Unavailable]:
    """Whether an upload found the database locked or away, and not only its organization's clock behind."""
    return isinstance(outcome, Unavailable) and not isinstance(outcome, ClockBehind)


def _resolve(waiting: asyncio.Future[Committed], outcome: Outcome) -> None:
    if waiting.done():  # the client has closed its connection
        return
    if isinstance(outcome, Exception):
        waiting.set_exception(outcome)
    else:
        waiting.set_result(outcome)
