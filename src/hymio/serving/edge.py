"""What surrounds every request: HEAD wherever GET is, an entry in the log, and bodies held within bounds."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

import structlog
from litestar.types import ASGIApp, Message, Receive, Send

from hymio.errors import Unavailable
from hymio.serving.streams import HEAD_ONLY

MOST_HELD_BYTES: Final = 64 << 20
"""Bytes of request bodies in memory at the same time, of all clients together."""

DRAINED_BYTES, DRAIN_SECONDS = 8 << 20, 5.0
"""How much of a body, and how long, is read and thrown away after an early answer."""

access = structlog.get_logger("hymio.access")


def surround(app: ASGIApp, most_held: int = MOST_HELD_BYTES) -> ASGIApp:
    """The application within its surroundings. An entry in the log has a path, never a query or headers."""
    bodies = Bodies(most_held)

    async def front(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        method, path, began = scope["method"], scope["path"], time.perf_counter()
        exchange = _Exchange(scope, receive, send, bodies)
        # A copy: the server must go on knowing that it was HEAD.
        asked: Any = {**scope, "method": "GET", HEAD_ONLY: True} if method == "HEAD" else scope
        try:
            await app(asked, exchange.receive, exchange.send)
        finally:
            exchange.close()
            milliseconds = round(1000 * (time.perf_counter() - began), 1)
            access.info("request", method=method, path=path, status=exchange.status, ms=milliseconds)

    return front


class Bodies:
    """How many bytes of request bodies are held, and how many may be."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0


class _Exchange:
    """One request and its answer on their way through."""

    __slots__ = ("_bodies", "_held", "_method", "_receive", "_send", "_whole", "status")

    def __init__(self, scope: Any, receive: Receive, send: Send, bodies: Bodies) -> None:
        self._method, self._receive, self._send, self._bodies = scope["method"], receive, send, bodies
        self._held, self.status = 0, 0
        self._whole = not any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in scope["headers"]
        )

    async def receive(self) -> Any:
        """Hands on what arrives. Unavailable where too much of too many is held."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._whole = not message.get("more_body")
            size = len(message["body"])
            self._held += size
            self._bodies.held += size
            if self._bodies.held > self._bodies.most:
                raise Unavailable("too many large requests are being read", retry_after=5)
        return message

    async def send(self, message: Message) -> None:
        """Hands on an answer; one that comes before its request is whole ends the connection."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headers(list(message["headers"]))
        elif message["type"] == "http.response.body":
            if self._method == "HEAD":
                message["body"] = b""
            if not self._whole and not message.get("more_body"):
                await self._send({**message, "more_body": True})
                await self._drain()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def close(self) -> None:
        """Holds nothing any longer."""
        self._bodies.held -= self._held
        self._held = 0

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        if not self._whole:
            headers.append((b"connection", b"close"))
        if self._method == "OPTIONS":
            return [(name, _with_head(value) if name.lower() == b"allow" else value) for name, value in headers]
        return headers

    async def _drain(self) -> None:
        """Lets a client finish sending: who is hung up on while he speaks does not hear the answer."""
        self.close()
        left = DRAINED_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0 and not self._whole:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        return
                    left -= len(message["body"])
                    self._whole = not message.get("more_body")


def _with_head(allow: bytes) -> bytes:
    methods = {each.strip() for each in allow.split(b",")}
    return b", ".join(sorted({*methods, *([b"HEAD"] if b"GET" in methods else [])}))
