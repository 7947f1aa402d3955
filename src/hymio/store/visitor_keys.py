"""The keys of hashes of visitors: one for each day of the installation, deleted when the day after it has passed."""

from __future__ import annotations

import secrets
from typing import Final

from hymio.store import Store, schema
from hymio.store.dialect import Transaction

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
        _forget(transaction, day)
        [[key]] = transaction.rows("SELECT key FROM visitor_key WHERE day = :day", day=day)
    return bytes(key)


def forget_keys(store: Store, day: int) -> None:
    """Deletes the keys that are over on a day, also where no visitor comes who needs a new one. Unavailable."""
    with store.read() as transaction:
        is_due = transaction.row("SELECT 1 FROM visitor_key WHERE day <= :day", day=day - KEPT_DAYS) is not None
    if is_due:
        with store.write() as transaction:
            _forget(transaction, day)


def _forget(transaction: Transaction, day: int) -> None:
    """Deletes old keys. They are overwritten first, because a file may hold the bytes of rows that are deleted."""
    over = {"day": day - KEPT_DAYS}
    number = secrets.token_bytes(_KEY_BYTES)
    transaction.run("UPDATE visitor_key SET key = :number WHERE day <= :day", number=number, **over)
    transaction.run("DELETE FROM visitor_key WHERE day <= :day", **over)


def known_key(store: Store, day: int) -> bytes | None:
    """The key of a day, None if it was never made or is deleted. Unavailable."""
    with store.read() as transaction:
        row = transaction.row("SELECT key FROM visitor_key WHERE day = :day", day=day)
    return None if row is None else bytes(row[0])
