"""Rows of text messages that smileys sent, as they came."""

from __future__ import annotations

import hashlib

from hymio.period import Instant
from hymio.store import schema
from hymio.store.ledger import Ledger


def insert_message(
    ledger: Ledger, received_at: Instant, sender: str, text: str, smiley: int | None, outcome: str
) -> None:
    """A text message and what became of it; the same text from the same sender at the same instant once."""
    digest = hashlib.sha256(f"{sender}\n{text}".encode()).digest()[:16]
    row = (ledger.organization, received_at, digest, sender, text, smiley, outcome)
    ledger.transaction.insert(schema.message, [row], "ON CONFLICT DO NOTHING")
