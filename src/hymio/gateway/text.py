"""Text that came in at a door: made fit for a database or a screen, and what cannot be read as text to look at."""

from __future__ import annotations

import json

import cbor2

LONGEST_SHORT = 60
"""How much of what was said is repeated to whoever said it wrong; people's own words may stand in it."""


def storable(text: str) -> str:
    """The text without what a database cannot hold: halves of surrogate pairs and NUL. Its length stays."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def printable(text: str) -> str:
    """The text without line breaks, control characters and the like."""
    return "".join(letter for letter in text if letter.isprintable())


def as_text(item: object) -> str:
    """Anything that was sent, as JSON in ASCII for whoever looks into the quarantine."""
    try:
        return json.dumps(item, default=_plainer)
    except (TypeError, ValueError, RecursionError):  # keys that JSON does not have, in CBOR
        return ascii(item)


def _plainer(value: object) -> object:
    if isinstance(value, cbor2.CBORTag):
        return {"tag": value.tag, "value": value.value}
    return value.hex() if isinstance(value, bytes) else str(value)


def short(value: object) -> str:
    """Anything that was sent, as the beginning of its JSON."""
    return cut(as_text(value))


def cut(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= LONGEST_SHORT else f"{text[:LONGEST_SHORT]}…"
