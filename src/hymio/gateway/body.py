"""Receives the body of a request within a limit."""

from __future__ import annotations

from collections.abc import Mapping

from litestar.types import Receive

from hymio.errors import BadRequest, TooLarge


def declared_bytes(headers: Mapping[bytes, str]) -> int | None:
    """The value of Content-Length, which may be written with any number of digits; None without one."""
    digits = headers.get(b"content-length", "")
    if not (digits.isascii() and digits.isdigit()):
        return None
    # More than 19 significant digits are more bytes than any limit; Python does not convert thousands of them.
    return int(digits.lstrip("0")[:20] or "0")


async def read_body(headers: Mapping[bytes, str], receive: Receive, max_bytes: int) -> bytes:
    """Receives the body of a request. TooLarge as soon as it exceeds `max_bytes`, declared or received."""
    if (declared_bytes(headers) or 0) > max_bytes:
        raise _too_large(max_bytes)
    pieces, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("incomplete-body", "the connection ended before the body did", parameter="body")
        pieces.append(message["body"])
        size, more = size + len(message["body"]), message["more_body"]
        if size > max_bytes:
            raise _too_large(max_bytes)
    return b"".join(pieces)


def _too_large(max_bytes: int) -> TooLarge:
    """The error for a body over the limit."""
    return TooLarge(
        "upload-too-large", "the body is larger than {bytes} bytes; send it in several uploads", bytes=max_bytes
    )
