"""Counts the values of a request's body before it is parsed, because a small body can have very many."""

from __future__ import annotations

from collections.abc import Iterator

from hymio.errors import TooLarge

MAX_PRESSES = 10_000
MAX_VALUES = 500_000
"""Values, keys and lists in one request; 10,000 presses with all their phases have fewer."""

# Initial bytes of CBOR data items (RFC 8949, 3): the major type in 3 bits, then 5 bits of "additional information".
_STRING_TYPES, _ARRAY_TYPE = (2, 3), 4
_ARGUMENT_BYTES = {24: 1, 25: 2, 26: 4, 27: 8}
_INDEFINITE = 31


def refuse_too_many_values(body: bytes, *, is_json: bool) -> None:
    """TooLarge if a body has more than MAX_VALUES values or, in CBOR, MAX_PRESSES presses.

    Malformed bodies are counted as far as possible; refusing them is the parser's task.
    """
    values = body.count(b",") + body.count(b"[") + body.count(b"{") if is_json else _cbor_values(body)
    if values > MAX_VALUES:
        raise TooLarge(
            "too-many-values", "the body has over {most} values; send it in several uploads", most=MAX_VALUES
        )


def too_many_presses(presses: int) -> TooLarge:
    """The refusal of an upload with more than MAX_PRESSES presses."""
    return TooLarge(
        "too-many-presses",
        "presses: got {presses}, accepted: at most {most} in one upload",
        presses=presses,
        most=MAX_PRESSES,
    )


def _cbor_values(body: bytes) -> int:
    """The number of values of a CBOR body, counted up to MAX_VALUES + 1. TooLarge if it has too many presses."""
    values, follows_key = 0, False
    for major_type, length, end in _cbor_heads(body):
        values += 1
        if values > MAX_VALUES:
            break
        if follows_key and major_type == _ARRAY_TYPE and length > MAX_PRESSES:
            raise too_many_presses(length)
        follows_key = length == 7 and body[end : end + 7] == b"presses"
    return values


def _cbor_heads(body: bytes) -> Iterator[tuple[int, int, int]]:
    """The head of each data item, nested ones included, in order: (major type, argument, index after the head).

    The argument (RFC 8949, 3) is a length or a value; 0 for an indefinite length, whose items follow as usual. Stops at
    a malformed head.
    """
    index, size = 0, len(body)
    while index < size:
        major_type, argument = body[index] >> 5, body[index] & 31
        index += 1
        if argument > 23:  # not the argument itself, but the number of its bytes
            width = _ARGUMENT_BYTES.get(argument, 0)
            if not width and argument != _INDEFINITE:
                return
            argument = int.from_bytes(body[index : index + width])
            index += width
        yield major_type, argument, index
        if major_type in _STRING_TYPES:
            index += argument
