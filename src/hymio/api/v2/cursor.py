"""The cursor in a `next` link: the last row of a page, and the revision and the instant of the listing."""

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
_MAX_NUMBER: Final = 1 << 63


class Cursor(NamedTuple):
    """The position after a page, whose last row has the sort key `after` and is the listing's row number `offset`.

    `moment` is the `now` of the first page. In a request with another offset, that offset counts instead of `after`.
    """

    revision: int
    moment: Instant
    offset: int
    after: SortKey


def encoded(cursor: Cursor) -> str:
    """The cursor as text: its numbers as JSON, in base64 for URLs."""
    *key, entry = cursor.after
    values = [*cursor[:3], *key, *([] if entry is None else [entry])]
    content = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decoded(text: str, phase: Phase) -> Cursor:
    """The cursor of a link. BadRequest unless it has the form of one; it gives no access beyond the token's."""
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        return _checked(values, phase)
    except (binascii.Error, ValueError, RecursionError):
        raise BadRequest("bad-cursor", parameter="cursor", got=text, accepted=_ACCEPTED) from None


def _checked(values: object, phase: Phase) -> Cursor:
    """The cursor from parsed JSON. ValueError unless all its values have the right types and ranges."""
    types = [int] * 7 + ([] if phase.entry is None else [phase.entry])
    if not isinstance(values, list) or [type(value) for value in values] != types:
        raise ValueError("of another shape")
    if any("\0" in value or not value.encode() for value in values if isinstance(value, str)):
        raise ValueError("a text that cannot be stored")  # `encode` raises for lone surrogates
    if any(isinstance(value, int) and not -_MAX_NUMBER <= value < _MAX_NUMBER for value in values):
        raise ValueError("too large")
    revision, moment, offset, *key = values
    if revision < 0 or offset < 0 or not 0 <= moment < 1 << 47:
        raise ValueError("out of range")
    return Cursor(revision, moment, offset, SortKey(*key))
