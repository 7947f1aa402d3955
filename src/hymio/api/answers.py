"""Answers of the APIs: JSON with an entity tag, problem documents, and rows streamed from one snapshot."""

from __future__ import annotations

import hashlib
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

from hymio import __version__
from hymio.errors import BadRequest, HymioError, Unauthorized, Unavailable

JSON: Final = "application/json; charset=utf-8"
PROBLEM_JSON: Final = "application/problem+json"
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

_ECHO: Final = 200

T = TypeVar("T")
log = structlog.get_logger("hymio.api")


# --- JSON with an entity tag -----------------------------------------------------------------------------------------


def tag_of(*parts: object) -> str:
    """A strong entity tag for what an answer depends on, or for its bytes."""
    digest = hashlib.blake2b(repr((__version__, parts)).encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether a client has the answer of this tag already, by its If-None-Match."""
    known = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in known or "*" in known


def cached(tag: str) -> dict[str, str]:
    """Headers: keep it, for yourself, and ask each time whether it is still so."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def not_modified(tag: str) -> Response[None]:
    """304: the client's copy is still right."""
    return Response(None, status_code=304, headers=cached(tag))


def json_answer(content: object, if_none_match: str, tag: str | None = None) -> Response[Any]:
    """A value as JSON; without a tag, it is tagged by its own bytes."""
    body = msgspec.json.encode(content)
    tag = tag or tag_of(body)
    if is_known(tag, if_none_match):
        return not_modified(tag)
    return Response(body, media_type=JSON, headers=cached(tag))


# --- problem documents -----------------------------------------------------------------------------------------------


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457); the last three say it of a parameter."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | msgspec.UnsetType = msgspec.UNSET
    got: str | msgspec.UnsetType = msgspec.UNSET
    accepted: str | msgspec.UnsetType = msgspec.UNSET


def problem_of(error: HymioError) -> Problem:
    """The problem document of one of our errors."""
    # The encoder takes plain texts alone, no Phrase.
    about = Problem("about:blank", error.title, error.status, str(error.public_detail))
    if not isinstance(error, BadRequest):
        return about
    named = {"parameter": error.parameter, "got": error.got and error.got[:_ECHO], "accepted": error.accepted}
    return msgspec.structs.replace(about, **{name: str(value) for name, value in named.items() if value is not None})


def problem_answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A problem document as an answer; it is never kept."""
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, media_type=PROBLEM_JSON, headers=headers
    )  # fmt: skip


def error_answer(error: HymioError, challenge: str) -> Response[bytes]:
    """One of our errors as an answer, with the headers its status asks for; a 401 says how to authenticate."""
    headers = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    return problem_answer(problem_of(error), headers)


# --- rows, streamed --------------------------------------------------------------------------------------------------


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
