"""How much stands in a request, counted before any of it becomes an object."""

from __future__ import annotations

from collections.abc import Iterator

from hymio.errors import TooLarge

MOST_PRESSES = 10_000
MOST_ITEMS = 500_000
"""Values, keys and lists in one request; 10,000 presses with everything that may be told of them have fewer."""

_ARRAY, _STRINGS = 4, (2, 3)
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_ENDLESS = 31


def refuse_crowds(body: bytes, *, is_json: bool) -> None:
    """TooLarge where a request holds more presses or items than are taken; what cannot be read is not our concern."""
    items = body.count(b",") + body.count(b"[") + body.count(b"{") if is_json else _cbor_items(body)
    if items > MOST_ITEMS:
        raise TooLarge(f"the body has over {MOST_ITEMS} values; send it in several uploads")


def too_many(presses: int) -> TooLarge:
    """What is said of an upload with over 10,000 presses."""
    return TooLarge(f"presses: got {presses}, accepted: at most {MOST_PRESSES} in one upload")


def _cbor_items(body: bytes) -> int:
    items, follows_name = 0, False
    for kind, length, place in _heads(body):
        items += 1
        if items > MOST_ITEMS:
            break
        if follows_name and kind == _ARRAY and length > MOST_PRESSES:
            raise too_many(length)
        follows_name = length == 7 and body[place : place + 7] == b"presses"
    return items


def _heads(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, length and end of each item's head, as far as they can be told; they stand in order of reading."""
    place, end = 0, len(body)
    while place < end:
        kind, length = body[place] >> 5, body[place] & 31
        place += 1
        if length > 23:
            width = _WIDTHS.get(length, 0)
            if not width and length != _ENDLESS:
                return
            length = int.from_bytes(body[place : place + width])
            place += width
        yield kind, length, place
        if kind in _STRINGS:
            place += length
