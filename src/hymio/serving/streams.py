"""Responses sent in chunks from a generator that holds a database snapshot open, and how many may run at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Hashable, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import anyio
import msgspec
import structlog
from anyio import CancelScope, CapacityLimiter, Semaphore
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from hymio.errors import Unavailable
from hymio.serving import turns
from hymio.serving.answers import JSON
from hymio.serving.turns import Turns

HEAD_ONLY: Final = "hymio.head"
"""The key of an ASGI scope under which `edge` notes that the request was HEAD, so that no body need be made."""

STALL_SECONDS: Final = 30
STALL_BYTES: Final = 64 << 10
"""An export whose client takes fewer than STALL_BYTES in STALL_SECONDS is cut off."""

ROWS_PER_CHUNK: Final = 1_400
"""About 64 KB of presses without text."""

T = TypeVar("T")
_log = structlog.get_logger("hymio.serving")


def enveloped(meta: object, lines: Iterable[str]) -> Generator[bytes]:
    """`{"meta":…,"data":[…]}` from rows of JSON, in chunks of ROWS_PER_CHUNK; a list that fits one chunk is one."""
    rest = iter(lines)
    prefix = f'{{"meta":{msgspec.json.encode(meta).decode()},"data":['
    while True:
        rows = list(islice(rest, ROWS_PER_CHUNK))
        if len(rows) < ROWS_PER_CHUNK:
            # The comma between two full chunks must not stand before the end.
            yield (prefix + ",".join(rows) + "]}\n" if rows or prefix != "," else "]}\n").encode()
            return
        yield (prefix + ",".join(rows)).encode()
        prefix = ","


@dataclass(slots=True)
class Exports:
    """Limits how many exports of several chunks run at once (`most`) and how many seconds each may take.

    Each chunk is made under `reading`, so that reading takes turns with other requests. One owner has at most half of
    the turns. An export of a single chunk needs no turn: it is made in one step, and its
    snapshot is closed before it is sent.
    """

    most: int
    seconds: float
    reading: Turns = field(default_factory=lambda: Turns(1))
    _turns: Semaphore = field(init=False)
    _turns_of: WeakValueDictionary[Hashable, Semaphore] = field(init=False, default_factory=WeakValueDictionary)
    _first_chunks: CapacityLimiter = field(init=False)
    _further_chunks: CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._turns = Semaphore(self.most)
        # Threads apart from those of requests, so that exports keep no press waiting; and threads for first chunks
        # apart from those for further ones, so that running exports keep no new one waiting.
        self._first_chunks = CapacityLimiter(max(1, self.most // 2))
        self._further_chunks = CapacityLimiter(self.most)

    @property
    def connections(self) -> int:
        """How many database connections exports may use at the same time."""
        return self.most + max(1, self.most // 2)

    @asynccontextmanager
    async def turn(self, owner: Hashable = None) -> AsyncIterator[None]:
        """Waits for a turn and, unless `owner` is None, one of the owner's. Unavailable after WAIT_SECONDS."""
        half = max(1, self.most // 2)
        own = self._turns_of.setdefault(owner, Semaphore(self.most if owner is None else half))
        async with _both(own, self._turns):
            yield

    async def make_first(self, step: Callable[[], T], owner: Hashable = None) -> T:
        """Runs a function that makes a first chunk in a thread. Unavailable where it waits for its turn too long."""
        async with self.reading.turn(owner):
            return await anyio.to_thread.run_sync(step, limiter=self._first_chunks)

    async def make_further(self, step: Callable[[], T], owner: Hashable = None) -> T:
        """Runs a function that makes a further chunk in a thread; cancellation waits for its end."""
        async with self.reading.further_turn(owner):
            return await anyio.to_thread.run_sync(step, limiter=self._further_chunks)

    async def close(self, chunks: Generator[bytes]) -> None:
        """Ends an export in a thread; what it has open must not wait for readers."""
        await anyio.to_thread.run_sync(chunks.close, limiter=self._further_chunks)


@asynccontextmanager
async def _both(first: Semaphore, second: Semaphore) -> AsyncIterator[None]:
    """Holds both semaphores; Unavailable if they are not free within WAIT_SECONDS."""
    try:
        with anyio.fail_after(turns.WAIT_SECONDS):
            await first.acquire()
            try:
                await second.acquire()
            except BaseException:
                first.release()
                raise
    except TimeoutError:
        raise Unavailable(
            "too-many-exports", "Too many exports are running.", retry_after=turns.RETRY_SECONDS
        ) from None
    try:
        yield
    finally:
        second.release()
        first.release()


class Streamed(Response[None]):
    """A response from a generator of chunks, which is closed whatever happens.

    `chunks` is called again for an export of several chunks, once it has its turn. `owner` shares the turns: an
    organization, or None for nobody.
    """

    def __init__(
        self, exports: Exports, chunks: Callable[[], Generator[bytes]], headers: dict[str, str], owner: Hashable = None
    ) -> None:
        super().__init__(None, headers=headers, media_type=JSON)
        self._exports, self._chunks, self._owner = exports, chunks, owner

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIResponse:
        """The response as an ASGI application."""
        return _Stream(self._exports, self._chunks, self.headers, self._owner)


class _Stream(ASGIResponse):
    __slots__ = ("_chunks", "_exports", "_owner")
    _should_set_content_length = False

    def __init__(
        self, exports: Exports, chunks: Callable[[], Generator[bytes]], headers: dict[str, str], owner: Hashable
    ) -> None:
        super().__init__(headers=headers, media_type=JSON)
        self._exports, self._chunks, self._owner = exports, chunks, owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the chunks, each made in a thread, until the last one, the client's disconnect or the time limit."""
        if scope.get(HEAD_ONLY):
            await self.start_response(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        only = await self._exports.make_first(lambda: _only_chunk(self._chunks()), self._owner)
        if only is not None:
            await self._send_whole(only, send)
            return
        async with self._exports.turn(self._owner):
            chunks = self._chunks()
            try:
                await self._send_all(chunks, receive, send)
            finally:
                with CancelScope(shield=True):
                    await self._exports.close(chunks)

    async def _send_whole(self, chunk: bytes, send: Send) -> None:
        """Sends a response of one chunk, with its length."""
        self.headers["content-length"] = str(len(chunk))
        await self.start_response(send)
        await send({"type": "http.response.body", "body": chunk, "more_body": False})

    async def _send_all(self, chunks: Iterator[bytes], receive: Receive, send: Send) -> None:
        """Sends a response of several chunks until its time limit, or until the client disconnects."""
        # An error in the first chunk becomes a problem document; after the response has begun, the connection can
        # only be closed.
        first = await self._next(chunks)
        await self.start_response(send)
        with anyio.move_on_after(self._exports.seconds) as limit:
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
                await self._send_chunks(first, chunks, send)
                group.cancel_scope.cancel()
        if limit.cancelled_caught:
            _log.warning("export cut off", reason="it took longer than stream_seconds", seconds=self._exports.seconds)

    async def _send_chunks(self, first: bytes | None, chunks: Iterator[bytes], send: Send) -> None:
        """Sends each chunk once the next is made, as the last must be marked; stops at a client that stalls."""
        chunk = first
        while chunk is not None:
            following = await self._next(chunks)
            seconds = STALL_SECONDS * max(1, len(chunk) / STALL_BYTES)
            with anyio.move_on_after(seconds) as stall:
                await send({"type": "http.response.body", "body": chunk, "more_body": following is not None})
            if stall.cancelled_caught:
                _log.warning("export cut off", reason="the client reads too slowly", seconds=seconds)
                return
            chunk = following

    async def _next(self, chunks: Iterator[bytes]) -> bytes | None:
        """The next chunk, made in a thread; None at the end."""
        return await self._exports.make_further(lambda: next(chunks, None), self._owner)


def _only_chunk(chunks: Generator[bytes]) -> bytes | None:
    """The chunk of a generator that has exactly one or none; otherwise None."""
    with closing(chunks):
        first = next(chunks, b"")
        return first if next(chunks, None) is None else None


async def _cancel_on_disconnect(receive: Receive, scope: CancelScope) -> None:
    """Cancels a scope when the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
