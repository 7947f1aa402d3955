"""The ASGI layer that compresses answers to GET: which ones, their entity tags, and whole or chunk by chunk."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import anyio
from anyio import CapacityLimiter
from litestar.types import ASGIApp, Message, Receive, Send

from hymio.serving.codings import Coding, Compressor, chosen

LEAST_BYTES: Final = 1_024
"""A shorter body is sent as it is: it fits one packet either way."""

THREAD_BYTES: Final = 32 << 10
"""More bytes than this are compressed in a thread: they take a millisecond, in which the event loop takes presses."""

THREADS: Final = 2

_COMPRESSED_TYPES: Final = re.compile(
    rb"text/(?!event-stream)|application/(?:(?:[a-z0-9.+-]*\+)?(?:json|xml)|javascript|schema\+json)\b|image/svg\+xml"
)
"""Media types of texts. XLSX, ZIP, PDF, PNG and fonts are compressed already."""

_CODING_OF_TAG: Final = re.compile(r'-(?:gzip|zstd)"$')

_OWN_SITE: Final = ("same-origin", "none")
"""Values of Sec-Fetch-Site that no other site can cause; `none` is an address that a person typed."""


def with_compression(app: ASGIApp) -> ASGIApp:
    """Wraps an application, which keeps making entity tags of uncompressed bodies.

    A compressed body is another representation (RFC 9110, 8.8.3): its tag ends in the name of its coding. Handlers see
    the tags of If-None-Match without that end, and 304 has the tag of the client's copy.
    """
    limiter = CapacityLimiter(THREADS)

    async def compressing(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await app(scope, receive, send)
            return
        headers = _Headers(scope["headers"])
        coding = chosen(headers.text(b"accept-encoding")) if is_safe(headers) else None
        known = [tag.strip() for tag in headers.text(b"if-none-match").split(",") if tag.strip()]
        answer = _Answer(send, coding, known, limiter)
        inner: Any = {**scope, "headers": _without_codings(scope["headers"], known)}
        await app(inner, receive, answer.send)

    return compressing


class _Headers:
    """The headers of a request."""

    __slots__ = ("_values",)

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, bytes] = {}
        for name, value in headers:
            before = self._values.get(name)
            self._values[name] = value if before is None else before + b", " + value

    def has(self, name: bytes) -> bool:
        return name in self._values

    def text(self, name: bytes) -> str:
        return self._values.get(name, b"").decode("latin-1")


def is_safe(headers: _Headers) -> bool:
    """Whether the length of a compressed answer tells nobody of its content (BREACH).

    Who makes a browser ask again and again, each time with another guess in the address, learns from the lengths
    whether a page has the guess elsewhere: in the token of a form, in a text. That takes a request that another site
    causes and the browser gives a credential. Browsers name such requests by Sec-Fetch-Site; where one is silent, as
    over plain HTTP, an answer to a cookie is not compressed.
    """
    site = headers.text(b"sec-fetch-site")
    if site in _OWN_SITE:
        return True
    return not headers.has(b"cookie") and (not site or not headers.has(b"authorization"))


def _without_codings(headers: list[tuple[bytes, bytes]], known: list[str]) -> list[tuple[bytes, bytes]]:
    """The headers of a request with the tags of If-None-Match as handlers make them."""
    if not any(map(_CODING_OF_TAG.search, known)):
        return headers
    tags = ", ".join(_base_of(tag) for tag in known)
    return [*((n, v) for n, v in headers if n != b"if-none-match"), (b"if-none-match", tags.encode("latin-1"))]


def _base_of(tag: str) -> str:
    """The tag of the uncompressed body."""
    return _CODING_OF_TAG.sub('"', tag)


def _tag_with(tag: str, coding: Coding) -> str:
    """The tag of a compressed body: strong where that of the uncompressed body is."""
    return f'{tag[:-1]}-{coding.value}"' if tag.endswith('"') else tag


class _Answer:
    """One answer on its way: holds its beginning back until its first bytes show whether it is compressed."""

    __slots__ = ("_coding", "_compressor", "_known", "_limiter", "_send", "_start")

    def __init__(self, send: Send, coding: Coding | None, known: list[str], limiter: CapacityLimiter) -> None:
        self._send, self._coding, self._known, self._limiter = send, coding, known, limiter
        self._start: Any = None
        self._compressor: Compressor | None = None

    async def send(self, message: Message) -> None:
        """Sends a message of the answer, compressed if it is of a text that is long enough."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] != "http.response.body" or (self._start is None and self._compressor is None):
            await self._send(message)
        elif self._start is None:
            await self._send_chunk(message["body"], more=message.get("more_body", False))
        else:
            await self._send_first(message)

    async def _begin(self, message: Any) -> None:
        """Notes by which headers the answer was chosen; holds it back if it may be compressed.

        304 does not say of which media type it is, so the Vary of all answers is the same.
        """
        headers = dict(message["headers"])
        is_text = bool(_COMPRESSED_TYPES.match(headers.get(b"content-type", b"").lower()))
        if message["status"] == 304:
            message["headers"] = [(n, self._copy_of(v) if n == b"etag" else v) for n, v in message["headers"]]
        message["headers"] = varying(message["headers"], b"Accept-Encoding")
        is_whole = message["status"] // 100 in (2, 4) and message["status"] not in (204, 206)
        is_taken = is_text and is_whole and b"content-encoding" not in headers
        if self._coding is None or not is_taken or int(headers.get(b"content-length", LEAST_BYTES)) < LEAST_BYTES:
            await self._send(message)
        else:
            self._start = message

    def _copy_of(self, tag: bytes) -> bytes:
        """The tag by which the client knows what the tag of a handler is of: of its coding, else of any."""
        base = tag.decode("latin-1")
        own = [known for tag in self._known if _base_of(known := tag.removeprefix("W/")) == base]
        wanted = base if self._coding is None else _tag_with(base, self._coding)
        return (wanted if wanted in own else (*own, base)[0]).encode("latin-1")

    async def _send_first(self, message: Any) -> None:
        """Sends the beginning with the first bytes: the whole body, or a chunk."""
        body, more, coding, start = message["body"], message.get("more_body", False), self._coding, self._start
        self._start = None
        if coding is None or (not more and len(body) < LEAST_BYTES):
            await self._send(start)
            await self._send(message)
            return
        if more:
            start["headers"] = _encoded(start["headers"], coding, None)
            self._compressor = coding.compressor()
            await self._send(start)
            await self._send_chunk(body, more=True)
            return
        body = await self._in_thread(coding.whole, body)
        start["headers"] = _encoded(start["headers"], coding, len(body))
        await self._send(start)
        message["body"] = body
        await self._send(message)

    async def _send_chunk(self, chunk: bytes, *, more: bool) -> None:
        """Sends what a chunk adds to the compressed body, which may be nothing yet."""
        compressor = self._compressor
        if compressor is None:
            raise RuntimeError("the body ended before")
        body = await self._in_thread(compressor.compress, chunk)
        if not more:
            body += compressor.flush()
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _in_thread(self, compress: Callable[[bytes], bytes], data: bytes) -> bytes:
        """Compresses bytes; many of them in a thread."""
        if len(data) <= THREAD_BYTES:
            return compress(data)
        return await anyio.to_thread.run_sync(compress, data, limiter=self._limiter)


def _encoded(headers: list[tuple[bytes, bytes]], coding: Coding, length: int | None) -> list[tuple[bytes, bytes]]:
    """The headers of the compressed body."""
    rest = [(name, value) for name, value in headers if name != b"content-length"]
    tagged = [(n, _tag_with(v.decode("latin-1"), coding).encode("latin-1") if n == b"etag" else v) for n, v in rest]
    tagged.append((b"content-encoding", coding.value.encode()))
    return tagged if length is None else [*tagged, (b"content-length", str(length).encode())]


def varying(headers: list[tuple[bytes, bytes]], name: bytes) -> list[tuple[bytes, bytes]]:
    """The headers with a name added to Vary."""
    values = [value for key, value in headers if key == b"vary"]
    if any(name.lower() in value.lower() for value in values):
        return headers
    return [*((key, value) for key, value in headers if key != b"vary"), (b"vary", b", ".join([*values, name]))]
