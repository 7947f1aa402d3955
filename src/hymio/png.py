"""Whether bytes are a PNG file that every program can show, by the standard's second edition (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by colour type."""

_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits of a sample, by colour type."""


def png_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels by the header, None if it is none of a PNG file."""
    if not content.startswith(_SIGNATURE) or content[12:16] != b"IHDR" or len(content) < 33:
        return None
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def is_whole_png(content: bytes) -> bool:
    """Whether a file with a header is whole: its chunks, their check sums, and as many bytes of pixels as it needs.

    It unpacks no more than the pixels of its header need, so the caller bounds those first.
    """
    chunks = list(_chunks(content))
    if [name for name, _ in chunks[:1]] != [b"IHDR"] or chunks[-1] != (b"IEND", b""):
        return False
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1][:13].ljust(13, b"\0"))
    if depth not in _DEPTHS.get(colour, ()):
        return False
    if colour == 3 and b"PLTE" not in dict(chunks):
        return False
    needed = height * (1 + (width * depth * _CHANNELS[colour] + 7) // 8)
    pixels = b"".join(data for name, data in chunks if name == b"IDAT")
    unpacked = _unpacked(pixels, 2 * needed if interlaced else needed)
    return unpacked == needed or (bool(interlaced) and unpacked > 0)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks after the signature; one that is cut, damaged or after the end is named `?`."""
    position = len(_SIGNATURE)
    while position < len(content):
        data_end = position + 8 + int.from_bytes(content[position : position + 4])
        name, data, check = content[position + 4 : position + 8], content[position + 8 : data_end], data_end + 4
        if zlib.crc32(name + data) != int.from_bytes(content[data_end:check]) or check > len(content):
            yield b"?", b""
            return
        yield name, data
        position = check


def _unpacked(packed: bytes, most: int) -> int:
    """How many bytes a stream of zlib unpacks to, 0 if it is damaged, cut, or has more than `most`."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed, most + 1)
    except zlib.error:
        return 0
    return len(unpacked) if unpacker.eof and len(unpacked) <= most else 0
