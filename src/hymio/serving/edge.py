"""The outermost ASGI layer: HEAD for every GET, a log entry for each request, a limit on bytes of request bodies."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog
from litestar.types import ASGIApp, Message, Receive, Send

from hymio.errors import Unavailable
from hymio.serving.addresses import shown, shown_path
from hymio.serving.streams import HEAD_ONLY

MAX_BUFFERED_BYTES: Final = 64 << 20
"""Bytes of request bodies in memory at the same time, of all requests together."""

MAX_DRAINED_BYTES, DRAIN_SECONDS, DRAIN_STALL_SECONDS = 256 << 20, 30.0, 5.0
"""How many bytes of a body are read and discarded after an early response, for how long at most, and how long if no
more of them arrive."""

access_log = structlog.get_logger("hymio.access")
_access_logger: Final = logging.getLogger("hymio.access")


def with_edge(
    app: ASGIApp,
    max_buffered: int = MAX_BUFFERED_BYTES,
    log_address: str = "shortened",
    noted: Callable[[str, int, float], object] = lambda _path, _status, _seconds: None,
) -> ASGIApp:
    """Wraps an application. An entry of the access log has the path, never the query or headers.

    `log_address` is how it shows the client's address (`addresses.shown`). `noted` is called after each request with
    its path, the status of its answer (0 without one) and how many seconds it took.
    """
    buffered = BufferedBytes(max_buffered)

    async def edge(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        method, began = scope["method"], time.perf_counter()
        exchange = _Exchange(scope, receive, send, buffered)
        # A copy: the server must still see HEAD, or it would send the body's length as missing.
        inner: Any = {**scope, "method": "GET", HEAD_ONLY: True} if method == "HEAD" else scope
        try:
            await app(inner, exchange.receive, exchange.send)
        finally:
            exchange.release()
            seconds = time.perf_counter() - began
            noted(scope["path"], exchange.status, seconds)
            if _is_logged():
                client = shown(scope["client"][0], log_address) if scope.get("client") else None
                path, ms = shown_path(scope["path"]), round(1000 * seconds, 1)
                access_log.info("request", method=method, path=path, status=exchange.status, ms=ms, client=client)

    return edge


def _is_logged() -> bool:
    """Whether requests are in the log, as they are from the level `info` on; finding out by an entry takes 9 µs."""
    return _access_logger.isEnabledFor(logging.INFO)


class BufferedBytes:
    """How many bytes of request bodies are in memory now, and the most that may be."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0


class _Exchange:
    """One request and its response: wraps `receive` and `send` of ASGI."""

    __slots__ = ("_buffered", "_bytes", "_is_received", "_method", "_receive", "_send", "status")

    def __init__(self, scope: Any, receive: Receive, send: Send, buffered: BufferedBytes) -> None:
        self._method, self._receive, self._send, self._buffered = scope["method"], receive, send, buffered
        self._bytes, self.status = 0, 0
        # Without these headers a request has no body (RFC 9112, 6.3).
        self._is_received = not any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in scope["headers"]
        )

    async def receive(self) -> Any:
        """The next message of the request, its bytes counted. Unavailable where all requests hold too many."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._is_received = not message.get("more_body")
            size = len(message["body"])
            self._bytes += size
            self._buffered.now += size
            if self._buffered.now > self._buffered.most:
                raise Unavailable("too-many-bytes", "too many large requests are being read", retry_after=5)
        return message

    async def send(self, message: Message) -> None:
        """Sends a message of the response; one that ends before its request was received closes the connection."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headers(list(message["headers"]))
        elif message["type"] == "http.response.body":
            if self._method == "HEAD":
                message["body"] = b""
            if not self._is_received and not message.get("more_body"):
                await self._send({**message, "more_body": True})
                await self._drain()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def release(self) -> None:
        """Subtracts the bytes that this request counted."""
        self._buffered.now -= self._bytes
        self._bytes = 0

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """A response's headers: closes connections whose body was not read, and adds HEAD to OPTIONS."""
        if not self._is_received:
            headers.append((b"connection", b"close"))
        if self._method == "OPTIONS":
            return [(name, _with_head(value) if name.lower() == b"allow" else value) for name, value in headers]
        return headers

    async def _drain(self) -> None:
        """Reads and discards the rest of the body.

        Closing while the client still sends would reset the connection, and the client lose the response.
        """
        self.release()
        left, end = MAX_DRAINED_BYTES, asyncio.get_running_loop().time() + DRAIN_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as limit:
                while left > 0 and not self._is_received:
                    limit.reschedule(min(end, asyncio.get_running_loop().time() + DRAIN_STALL_SECONDS))
                    message = await self._receive()
                    if message["type"] != "http.request":
                        return
                    left -= len(message["body"])
                    self._is_received = not message.get("more_body")


def _with_head(allow: bytes) -> bytes:
    """The value of an Allow header, with HEAD where GET is."""
    methods = {method.strip() for method in allow.split(b",")}
    return b", ".join(sorted({*methods, *([b"HEAD"] if b"GET" in methods else [])}))
