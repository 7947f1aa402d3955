"""Which part of a longer text an SMS is: from its user data header, or from fields of the gateway."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from hymio.gateway.sms.fields import Fields, word
from hymio.store.messages import Part

_REFERENCE_BYTES: Final = {0x00: 1, 0x08: 2}
"""Bytes of the reference in the information elements of concatenated texts (3GPP TS 23.040, 9.2.3.24.1 and .8)."""

_MAX_PARTS: Final = 255
_MAX_REFERENCE: Final = 40


def part_in_header(header: bytes) -> Part | None:
    """The part that a user data header names; None for a header without one."""
    elements = header[1 : 1 + header[0]] if header else b""
    while len(elements) >= 2:
        kind, size = elements[0], elements[1]
        data, elements = elements[2 : 2 + size], elements[2 + size :]
        reference = _REFERENCE_BYTES.get(kind)
        if reference is not None and len(data) == reference + 2:
            return part(str(int.from_bytes(data[:reference], "big")), data[-1], data[-2])
    return None


def part_of(fields: Fields, header: str = "") -> Part | None:
    """The part that fields name: a user data header, or reference, total and number as Vonage calls them.

    `header` is the user data header of an HTTP header, percent-encoded or in hexadecimal digits.
    """
    value = fields.get("udh") or header
    by_header = part_in_header(header_bytes(value)) if value else None
    reference = word(fields, "concat-ref")
    return by_header or (part(reference, *map(_count, (word(fields, "concat-part"), word(fields, "concat-total")))))


def header_bytes(value: str | bytes) -> bytes:
    """A user data header that is percent-encoded, in hexadecimal digits, or bytes already."""
    raw = value if isinstance(value, bytes) else unquote_to_bytes(value.strip())
    try:
        return bytes.fromhex(raw.decode("ascii"))
    except ValueError:
        return raw


def part(reference: str, number: int, total: int) -> Part | None:
    """A part of a text of several; None for a text of one, and for numbers that do not fit."""
    fits = reference and 1 < total <= _MAX_PARTS and 1 <= number <= total
    return Part(reference[:_MAX_REFERENCE], number, total) if fits else None


def _count(text: str) -> int:
    """A number of one to three digits; 0 for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
