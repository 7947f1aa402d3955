"""Rows of text messages as SMS gateways delivered them, and of the parts of texts longer than one SMS."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from hymio.period import HOUR_MS, Instant
from hymio.store import schema
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger

PARTS_WAIT_MS: Final = HOUR_MS
"""For how long a part waits for the others of its text, and for how long a repeated delivery is recognized."""


class Part(NamedTuple):
    """Which part of a longer text a message is: the text's reference, the number from 1, and how many there are."""

    reference: str
    number: int
    total: int

    def __str__(self) -> str:
        return f"part {self.number} of {self.total}"


class Message(NamedTuple):
    """A text message as it was received, and the outcome of reading it.

    `body` holds the bytes of a text that could not be decoded; `part` of `parts` is its number in a longer text.
    """

    received_at: Instant
    sender: str
    text: str
    outcome: str
    body: bytes | None = None
    part: int | None = None
    parts: int | None = None

    def outcome_at(self, now: Instant) -> str:
        """The outcome in words; for a part that was not joined, whether the others can still arrive."""
        if self.part is None:
            return self.outcome
        if self.received_at + PARTS_WAIT_MS > now:
            return f"{self.outcome}: waits for the others"
        return f"incomplete: {self.outcome}; the others did not arrive within an hour"


def insert_message(
    ledger: Ledger, received_at: Instant, sender: str, text: str, smiley: int | None, outcome: str,
    body: bytes | None = None,
) -> None:  # fmt: skip
    """Stores a text message and its outcome, unless the same text from the sender had that outcome within the hour.

    The gateway's id is not looked at: gateways deliver a text again under another one.
    """
    digest = hashlib.sha256(f"{sender}\n{text}".encode() + (body or b"")).digest()[:16]
    if not _is_stored(ledger, received_at, digest, outcome):
        row = (ledger.organization, received_at, digest, sender, text, smiley, outcome, body, None, None, None, None)
        ledger.transaction.insert(schema.message, [row], "ON CONFLICT DO NOTHING")


def newest_messages(transaction: Transaction, organization: int, limit: int) -> list[Message]:
    """The `limit` text messages that were received last, newest first, without the parts that were joined."""
    rows = transaction.rows(
        """SELECT received_at, sender, text, outcome, body, part, parts FROM message
        WHERE organization_id = :o AND joined_at IS NULL ORDER BY received_at DESC, hash LIMIT :limit""",
        o=organization,
        limit=limit,
    )
    return [Message._make((*row[:4], None if row[4] is None else bytes(row[4]), *row[5:])) for row in rows]


# --- parts of longer texts -------------------------------------------------------------------------------------------


def insert_part(ledger: Ledger, received_at: Instant, sender: str, text: str, part: Part) -> None:
    """Stores a part of a longer text, unless it was delivered within the hour already, joined since or not."""
    digest = hashlib.sha256(f"{sender}\n{part.reference} {part}\n{text}".encode()).digest()[:16]
    if not _is_stored(ledger, received_at, digest, str(part)):
        of = _text_hash(sender, part)
        row = (ledger.organization, received_at, digest, sender, text, None, str(part), None, of, *part[1:], None)
        ledger.transaction.insert(schema.message, [row], "ON CONFLICT DO NOTHING")


def joined_text(transaction: Transaction, organization: int, sender: str, part: Part, now: Instant) -> str | None:
    """The whole text of a part: the newest of each number, of the last hour. None while any is missing."""
    rows = transaction.rows(
        """SELECT part, text FROM message WHERE organization_id = :o AND received_at > :since AND part_of = :of
        AND joined_at IS NULL ORDER BY received_at""",
        o=organization,
        since=now - PARTS_WAIT_MS,
        of=_text_hash(sender, part),
    )
    texts: dict[int, str] = dict(rows)
    return "".join(texts[number] for number in sorted(texts)) if len(texts) == part.total else None


def note_joined(ledger: Ledger, sender: str, part: Part, now: Instant) -> None:
    """Empties the parts of a text that was joined and stored whole; their hashes recognize a repeated delivery."""
    ledger.transaction.run(
        """UPDATE message SET text = '', joined_at = :now WHERE organization_id = :o AND received_at > :since
        AND part_of = :of AND joined_at IS NULL""",
        o=ledger.organization,
        now=now,
        since=now - PARTS_WAIT_MS,
        of=_text_hash(sender, part),
    )


def _text_hash(sender: str, part: Part) -> bytes:
    """What the parts of one text have in common."""
    return hashlib.sha256(f"{sender}\n{part.reference}\n{part.total}".encode()).digest()[:16]


def _is_stored(ledger: Ledger, now: Instant, digest: bytes, outcome: str) -> bool:
    """Whether a message with this hash and outcome was received within the hour."""
    row = ledger.transaction.row(
        """SELECT 1 FROM message WHERE organization_id = :o AND received_at > :since AND hash = :hash
        AND outcome = :outcome""",
        o=ledger.organization,
        since=now - PARTS_WAIT_MS,
        hash=digest,
        outcome=outcome,
    )
    return row is not None
