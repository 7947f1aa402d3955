"""Content codings of HTTP (RFC 9110): which of gzip and zstd a request asks for, and the two compressors."""

from __future__ import annotations

import zlib
from enum import Enum
from typing import Final, Protocol

import zstandard

GZIP_LEVEL, ZSTD_LEVEL = 5, 3
"""Levels at which JSON takes about 15 and 4 ms a megabyte; higher ones save little more."""

_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
"""The window size of zlib for a gzip stream, whose header then has no time: equal bytes stay equal."""


class Compressor(Protocol):
    """Compresses a body in chunks; `flush` gives what is left, once."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Coding(Enum):
    """A content coding, by its name in headers."""

    GZIP = "gzip"
    ZSTD = "zstd"

    def compressor(self) -> Compressor:
        """A compressor of one body."""
        if self is Coding.ZSTD:
            return zstandard.ZstdCompressor(ZSTD_LEVEL).compressobj()
        return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)

    def whole(self, body: bytes) -> bytes:
        """A body compressed at once."""
        compressor = self.compressor()
        return compressor.compress(body) + compressor.flush()


def chosen(accept_encoding: str) -> Coding | None:
    """The coding for the header Accept-Encoding of a request, None for the body as it is.

    zstd where the header names it and does not prefer gzip; `*` stands for gzip.
    """
    weights = dict(_weight(part) for part in accept_encoding.lower().split(",") if part.strip())
    any_other = weights.get("*", 0.0)
    gzip, zstd = weights.get("gzip", weights.get("x-gzip", any_other)), weights.get("zstd", 0.0)
    if max(gzip, zstd) <= 0 or max(gzip, zstd) < weights.get("identity", 0.0):
        return None
    return Coding.ZSTD if zstd >= gzip else Coding.GZIP


def _weight(part: str) -> tuple[str, float]:
    """The name and the weight of a part of the header; an unreadable weight is 0."""
    name, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0
