"""Rows of text messages, as the SMS webhook received them."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger


class Message(NamedTuple):
    """A text message as it was received, and the outcome of reading it."""

    received_at: Instant
    sender: str
    text: str
    outcome: str


def insert_message(
    ledger: Ledger, received_at: Instant, sender: str, text: str, smiley: int | None, outcome: str
) -> None:
    """Stores a text message and its outcome, unless the same text from the sender at this instant is stored."""
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
