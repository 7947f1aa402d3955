"""Makes texts of requests storable or printable, and any value a text for an error message."""

from __future__ import annotations

import json
import re
from typing import Final

import cbor2

MAX_ECHO = 60
"""Characters of a caller's input that an error message repeats; it may contain what people wrote."""


_ESCAPES: Final = re.compile(rb"(\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
"""Escapes of JSON: a pair of surrogates, an unpaired one, any other."""


def paired(body: bytes) -> bytes:
    """JSON with U+FFFD in place of escapes of unpaired surrogates, which browsers write and msgspec refuses."""
    return _ESCAPES.sub(lambda escape: rb"\ufffd" if escape[2] else escape[0], body)


def storable(text: str) -> str:
    """Replaces each character that a database cannot store, lone surrogates and NUL, by another one."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def printable(text: str) -> str:
    """Removes line breaks, control characters and other characters that are not printable."""
    return "".join(letter for letter in text if letter.isprintable())


def as_text(item: object) -> str:
    """Any parsed value as JSON in ASCII, for the quarantine."""
    try:
        return json.dumps(item, default=_encodable)
    except (TypeError, ValueError, RecursionError):  # CBOR allows keys that JSON does not
        return ascii(item)


def _encodable(value: object) -> object:
    """A CBOR value as JSON: a tag as an object, bytes in hexadecimal."""
    if isinstance(value, cbor2.CBORTag):
        return {"tag": value.tag, "value": value.value}
    return value.hex() if isinstance(value, bytes) else str(value)


def short(value: object) -> str:
    """The first MAX_ECHO characters of a value's JSON."""
    return shortened(as_text(value))


def shortened(text: str) -> str:
    """The first MAX_ECHO characters of a text, with an ellipsis where there are more."""
    return text if len(text) <= MAX_ECHO else f"{text[:MAX_ECHO]}…"
