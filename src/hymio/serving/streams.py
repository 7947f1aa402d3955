"""Answers sent in chunks from a generator that holds one database snapshot open, and how many may run at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
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
from hymio.serving.answers import JSON

HEAD_ONLY: Final = "hymio.head"
"""The key that marks, in the scope of a request, that its answer's body will not be sent."""

STALL_SECONDS: Final = 30
STALL_BYTES: Final = 64 << 10
"""A reader who takes less than so many bytes in so many seconds is gone, or might as well be."""

WAIT_SECONDS: Final = 20
"""How long an export of many chunks waits for those before it; clients often give up after 30."""

RETRY_SECONDS: Final = 30
"""When whoever waited in vain may come back."""

ROWS_A_CHUNK: Final = 1_400
"""About 64 KB of presses without text."""


T = TypeVar("T")
log = structlog.get_logger("hymio.serving")


def enveloped(meta: object, lines: Iterable[str]) -> Generator[bytes]:
    """`{"meta":…,"data":[…]}` from JSON rows, in chunks; of a list that fits one chunk, in one."""
    waiting = iter(lines)
    before = f'{{"meta":{msgspec.json.encode(meta).decode()},"data":['
    while True:
        taken = list(islice(waiting, ROWS_A_CHUNK))
        if len(taken) < ROWS_A_CHUNK:
            # Between two full chunks there is a comma, but none before nothing.
            yield (before + ",".join(taken) + "]}" if taken or before != "," else "]}").encode()
            return
        yield (before + ",".join(taken)).encode()
        before = ","


@dataclass(slots=True)
class Exports:
    """How many raw exports run at once, and how long each may take; made within the event loop.

    An answer of one chunk needs no turn: it is made in one step, and however slowly it is read, nobody waits for that.
    One organization has at most half of the turns.
    """

    most: int
    seconds: float
    _turns: Semaphore = field(init=False)
    _turns_of: WeakValueDictionary[object, Semaphore] = field(init=False, default_factory=WeakValueDictionary)
    _begin: CapacityLimiter = field(init=False)
    _threads: CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._turns = Semaphore(self.most)
        # Threads of their own: exports must never keep presses waiting for one, nor those that run those that begin.
        self._begin = CapacityLimiter(max(1, self.most // 2))
        self._threads = CapacityLimiter(self.most)

    @asynccontextmanager
    async def turn(self, owner: object = None) -> AsyncIterator[None]:
        """Waits until an export may go on, and its owner has a turn left; Unavailable when that takes too long."""
        half = max(1, self.most // 2)
        own = self._turns_of.setdefault(owner, Semaphore(self.most if owner is None else half))
        async with _both(own, self._turns):
            yield

    async def begin(self, step: Callable[[], T]) -> T:
        """Runs the first step of an export in a thread."""
        return await anyio.to_thread.run_sync(step, limiter=self._begin)

    async def run(self, step: Callable[[], T]) -> T:
        """Runs one step of an export in a thread; it is never left half done."""
        return await anyio.to_thread.run_sync(step, limiter=self._threads)


@asynccontextmanager
async def _both(first: Semaphore, second: Semaphore) -> AsyncIterator[None]:
    try:
        with anyio.fail_after(WAIT_SECONDS):
            await first.acquire()
            try:
                await second.acquire()
            except BaseException:
                first.release()
                raise
    except TimeoutError:
        raise Unavailable("Too many exports are running.", retry_after=RETRY_SECONDS) from None
    try:
        yield
    finally:
        second.release()
        first.release()


class Streamed(Response[None]):
    """An answer whose chunks come from a generator that holds a snapshot open; it is closed whatever happens.

    `owner` is whom the export is for, an organization say; None shares with nobody.
    """

    def __init__(
        self, exports: Exports, chunks: Callable[[], Generator[bytes]], headers: dict[str, str], owner: object = None
    ) -> None:
        super().__init__(None, headers=headers, media_type=JSON)
        self._exports, self._chunks, self._owner = exports, chunks, owner

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIResponse:
        """The answer as an ASGI application."""
        return _Stream(self._exports, self._chunks, self.headers, self._owner)


class _Stream(ASGIResponse):
    __slots__ = ("_chunks", "_exports", "_owner")
    _should_set_content_length = False

    def __init__(
        self, exports: Exports, chunks: Callable[[], Generator[bytes]], headers: dict[str, str], owner: object
    ) -> None:
        super().__init__(headers=headers, media_type=JSON)
        self._exports, self._chunks, self._owner = exports, chunks, owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the chunks, each made in a thread, until all are sent, the client goes away or the time is over."""
        if scope.get(HEAD_ONLY):
            await self.start_response(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        only = await self._exports.begin(lambda: _only_chunk(self._chunks()))
        if only is not None:
            await self._send_whole(only, send)
            return
        async with self._exports.turn(self._owner):
            chunks = self._chunks()
            try:
                await self._send_all(chunks, receive, send)
            finally:
                with CancelScope(shield=True):
                    await self._exports.run(chunks.close)

    async def _send_whole(self, chunk: bytes, send: Send) -> None:
        self.headers["content-length"] = str(len(chunk))
        await self.start_response(send)
        await send({"type": "http.response.body", "body": chunk, "more_body": False})

    async def _send_all(self, chunks: Iterator[bytes], receive: Receive, send: Send) -> None:
        # What goes wrong with the first chunk becomes a problem document; later the connection can only be cut.
        first = await self._next(chunks)
        await self.start_response(send)
        with anyio.move_on_after(self._exports.seconds) as limit:
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
                await self._send_on(first, chunks, send)
                group.cancel_scope.cancel()
        if limit.cancelled_caught:
            log.warning("export cut off", reason="it took longer than stream_seconds", seconds=self._exports.seconds)

    async def _send_on(self, first: bytes | None, chunks: Iterator[bytes], send: Send) -> None:
        chunk = first
        while chunk is not None:
            following = await self._next(chunks)
            seconds = STALL_SECONDS * max(1, len(chunk) / STALL_BYTES)
            with anyio.move_on_after(seconds) as stall:
                await send({"type": "http.response.body", "body": chunk, "more_body": following is not None})
            if stall.cancelled_caught:
                log.warning("export cut off", reason="the client reads too slowly", seconds=seconds)
                return
            chunk = following

    async def _next(self, chunks: Iterator[bytes]) -> bytes | None:
        return await self._exports.run(lambda: next(chunks, None))


def _only_chunk(chunks: Generator[bytes]) -> bytes | None:
    """The chunk of an answer that has only one; otherwise None, and the answer is made anew once it has its turn."""
    with closing(chunks):
        first = next(chunks, b"")
        return first if next(chunks, None) is None else None


async def _cancel_when_gone(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
