"""The keys of hashes of visitors: one for each day of the installation, deleted when the day after it has passed."""

from __future__ import annotations

import secrets
from typing import Final

from hymio.store import Store, schema

KEPT_DAYS: Final = 2
"""Days of which the key is kept: today, and yesterday for pages that were opened before midnight UTC."""

_KEY_BYTES: Final = 32


def visitor_key(store: Store, day: int) -> bytes:
    """The key of a day (days since 1970 UTC), made by the process that asks first. Deletes keys that are over.

    Unavailable.
    """
    with store.write() as transaction:
        new = (day, secrets.token_bytes(_KEY_BYTES))
        transaction.insert(schema.visitor_key, [new], "ON CONFLICT (day) DO NOTHING")
        transaction.run("DELETE FROM visitor_key WHERE day <= :day", day=day - KEPT_DAYS)
        [[key]] = transaction.rows("SELECT key FROM visitor_key WHERE day = :day", day=day)
    return bytes(key)


def known_key(store: Store, day: int) -> bytes | None:
    """The key of a day, None if it was never made or is deleted. Unavailable."""
    with store.read() as transaction:
        row = transaction.row("SELECT key FROM visitor_key WHERE day = :day", day=day)
    return None if row is None else bytes(row[0])
