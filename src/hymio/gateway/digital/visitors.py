"""Hashes of visitors by a key that is another one each day, so that nobody is recognized for longer."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from litestar.concurrency import sync_to_thread

from hymio.period import DAY_MS, Instant
from hymio.rollup import MAX_BUTTONS
from hymio.serving.addresses import client_key
from hymio.store import Store
from hymio.store.visitor_keys import known_key, visitor_key

_MAX_AGENT: Final = 500
"""Characters of User-Agent that are part of a visitor's hash."""


_UNFILLED: Final = re.compile(r"\*\|.*\|\*|\{.*\}|\[.*\]|%.*%|\$\{.*\}|<.*>|#.*#|\$.*\$", re.DOTALL)
"""A merge field as mail services write it: `*|UNIQID|*`, `{{ contact.id }}`, `%recipient.id%`, `[ID]`, `##ID##`."""


class VisitorKeys:
    """The keys of the days, read once by each process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[int, bytes] = {}

    async def of(self, now: Instant) -> bytes:
        """The key of the day of an instant. Unavailable."""
        day = now // DAY_MS
        key = self._keys.get(day)
        if key is None:
            key = await sync_to_thread(visitor_key, self._store, day)
            self._keys = {day: key}
        return key

    async def known(self, day: int) -> bytes | None:
        """The key of a day, if there is one still. Unavailable."""
        return self._keys.get(day) or await sync_to_thread(known_key, self._store, day)


def visitor_of(key: bytes, organization: int, host: str, agent: str) -> bytes:
    """The hash of a visitor: a client address (of IPv6 the /64) with a browser. Neither is stored."""
    return _hash(key, "visitor", organization, client_key(host), agent[:_MAX_AGENT])


def mailed_by(key: bytes, organization: int, smiley: int, token: str | None) -> tuple[bytes, ...]:
    """The hashes of the token of an e-mail with each button, first those of answers, then those of robots.

    None without a token, or for a merge field that the mail service did not fill in: it is the same one for everybody,
    who would all be one visitor.
    """
    if not (token and token.strip()) or _UNFILLED.fullmatch(token.strip()):
        return ()
    return tuple(_hash(key, "mail", organization, smiley, place, token) for place in range(2 * MAX_BUTTONS))


def _hash(key: bytes, *parts: object) -> bytes:
    return hmac.digest(key, repr(parts).encode("utf-8", "replace"), hashlib.sha256)
