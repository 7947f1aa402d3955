"""The cursor in a `next` link: where a page ended, and the revision and the moment that the listing is of."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Final, NamedTuple

from hymio.errors import BadRequest, Phrase
from hymio.period import Instant
from hymio.results import Phase, Place

_ACCEPTED: Final = Phrase("the cursor of a link that Hymio gave, unchanged")
_LONGEST: Final = 1_000
_SMALL: Final = 1 << 63


class Cursor(NamedTuple):
    """`offset` is how many rows lie before the place; a request with another offset than that begins at its own."""

    revision: int
    moment: Instant
    offset: int
    place: Place


def written(cursor: Cursor) -> str:
    """The cursor as it stands in a link."""
    content = json.dumps([*cursor[:3], *cursor.place], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read(text: str, phase: Phase) -> Cursor:
    """The cursor of a link; BadRequest where it is none of ours. It opens nothing that the token does not."""
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        return _checked(values, phase)
    except (binascii.Error, ValueError, RecursionError):
        raise BadRequest("bad-cursor", parameter="cursor", got=text, accepted=_ACCEPTED) from None


def _checked(values: object, phase: Phase) -> Cursor:
    kinds = [int] * 7 + [str if name == "name" else int for name in phase.order]
    if not isinstance(values, list) or [type(value) for value in values] != kinds:
        raise ValueError("of another shape")
    if any("\0" in value or not value.encode() for value in values if isinstance(value, str)):
        raise ValueError("of letters that cannot be stored")  # as `encode` says of halves of surrogate pairs
    if any(isinstance(value, int) and not -_SMALL <= value < _SMALL for value in values):
        raise ValueError("too large")
    revision, moment, offset, *place = values
    if revision < 0 or offset < 0 or not 0 <= moment < 1 << 47:
        raise ValueError("out of range")
    return Cursor(revision, moment, offset, tuple(place))
