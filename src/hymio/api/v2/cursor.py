"""The cursor in a `next` link: the row that a page ended with, and the revision and the moment its listing is of."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Final, NamedTuple

from hymio.errors import BadRequest, Phrase
from hymio.period import Instant
from hymio.results import Phase, SortKey

_ACCEPTED: Final = Phrase("the cursor of a link that Hymio gave, unchanged")
_LONGEST: Final = 1_000
_SMALL: Final = 1 << 63


class Cursor(NamedTuple):
    """`offset` is how many rows lie before what follows `after`; a request with another offset begins at its own."""

    revision: int
    moment: Instant
    offset: int
    after: SortKey


def encoded(cursor: Cursor) -> str:
    """The cursor as it stands in a link."""
    *key, entry = cursor.after
    values = [*cursor[:3], *key, *([] if entry is None else [entry])]
    content = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decoded(text: str, phase: Phase) -> Cursor:
    """The cursor of a link. BadRequest where it is none that Hymio made; it opens nothing that the token does not."""
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        return _checked(values, phase)
    except (binascii.Error, ValueError, RecursionError):
        raise BadRequest("bad-cursor", parameter="cursor", got=text, accepted=_ACCEPTED) from None


def _checked(values: object, phase: Phase) -> Cursor:
    types = [int] * 7 + ([] if phase.entry is None else [phase.entry])
    if not isinstance(values, list) or [type(value) for value in values] != types:
        raise ValueError("of another shape")
    if any("\0" in value or not value.encode() for value in values if isinstance(value, str)):
        raise ValueError("of letters that cannot be stored")  # as `encode` says of halves of surrogate pairs
    if any(isinstance(value, int) and not -_SMALL <= value < _SMALL for value in values):
        raise ValueError("too large")
    revision, moment, offset, *key = values
    if revision < 0 or offset < 0 or not 0 <= moment < 1 << 47:
        raise ValueError("out of range")
    return Cursor(revision, moment, offset, SortKey(*key))
