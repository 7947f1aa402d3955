"""Rows of text messages that the SMS webhook was given, as they were received."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger


class Message(NamedTuple):
    """A text message as it was received, and what became of it."""

    received_at: Instant
    sender: str
    text: str
    outcome: str


def insert_message(
    ledger: Ledger, received_at: Instant, sender: str, text: str, smiley: int | None, outcome: str
) -> None:
    """A text message and what became of it; the same text from the same sender at the same instant once."""
    digest = hashlib.sha256(f"{sender}\n{text}".encode()).digest()[:16]
    row = (ledger.organization, received_at, digest, sender, text, smiley, outcome)
    ledger.transaction.insert(schema.message, [row], "ON CONFLICT DO NOTHING")


def newest_messages(transaction: Transaction, organization: int, limit: int) -> list[Message]:
    """The `limit` text messages that were received last, newest first."""
    rows = transaction.rows(
        """SELECT received_at, sender, text, outcome FROM message WHERE organization_id = :o
        ORDER BY received_at DESC, hash LIMIT :limit""",
        o=organization,
        limit=limit,
    )
    return [Message(*row) for row in rows]
