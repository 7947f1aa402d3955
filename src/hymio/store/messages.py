"""Rows of text messages as SMS gateways delivered them, and of the parts of texts longer than one SMS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from hymio.period import DAY_MS, HOUR_MS, Instant
from hymio.store import schema
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger

PARTS_WAIT_MS: Final = HOUR_MS
"""For how long a part waits for the others of its text, and for how long a repeated delivery is recognized."""

MAX_JOINED: Final = 64
"""How many texts are tried that a part may complete."""

_MAX_CANDIDATES: Final = 1_000
"""How many stored parts are looked at for that."""


class Part(NamedTuple):
    """Which part of a longer text a message is: the text's reference, the number from 1, and how many there are."""

    reference: str
    number: int
    total: int

    def __str__(self) -> str:
        return f"part {self.number} of {self.total}"


class Joined(NamedTuple):
    """A text of stored parts, and the receive time and hash of each."""

    text: str
    rows: tuple[tuple[Instant, bytes], ...]


class _StoredPart(NamedTuple):
    """A row of a part; `waits` until it is joined."""

    number: int
    text: str
    received_at: Instant
    hash: bytes
    waits: bool


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
        return f"incomplete: {self.outcome}; none that fit arrived within an hour"


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


def joined_texts(
    transaction: Transaction, organization: int, sender: str, text: str, part: Part, now: Instant
) -> list[Joined]:
    """The texts that a part may complete with parts of the last hour, at most MAX_JOINED: unjoined and newest first.

    There are several where a reference of 8 bits comes back within the hour. Parts that were all joined make none.
    """
    rows = transaction.rows(
        """SELECT part, text, received_at, hash, joined_at FROM message WHERE organization_id = :o
        AND received_at > :since AND part_of = :of
        ORDER BY CASE WHEN joined_at IS NULL THEN 0 ELSE 1 END, received_at DESC, hash LIMIT :limit""",
        o=organization,
        since=now - PARTS_WAIT_MS,
        of=_text_hash(sender, part),
        limit=_MAX_CANDIDATES,
    )
    stored = [
        _StoredPart(number, words, at, bytes(digest), joined is None) for number, words, at, digest, joined in rows
    ]
    numbers = range(1, part.total + 1)
    rivals = [[row for row in stored if row.number == n and (n != part.number or row.text == text)] for n in numbers]
    chosen = (
        tuple(row[rank] for row, rank in zip(rivals, ranks, strict=True)) for ranks in _ranks([*map(len, rivals)])
    )
    fresh = (parts for parts in chosen if any(row.waits for row in parts))
    return [
        Joined("".join(row.text for row in parts), tuple((row.received_at, row.hash) for row in parts))
        for parts in islice(fresh, MAX_JOINED)
    ]


def note_joined(ledger: Ledger, joined: Joined, now: Instant) -> None:
    """Notes which parts were joined and stored whole; they are listed no more.

    Their texts stay for the hour, because another text with the reference may have an equal part, which is stored once.
    """
    for received_at, digest in joined.rows:
        ledger.transaction.run(
            """UPDATE message SET joined_at = :now WHERE organization_id = :o AND received_at = :at AND hash = :hash
            AND joined_at IS NULL""",
            o=ledger.organization,
            now=now,
            at=received_at,
            hash=digest,
        )


def empty_joined(ledger: Ledger, now: Instant) -> None:
    """Empties the parts of the last day that were joined and are older than an hour."""
    ledger.transaction.run(
        """UPDATE message SET text = '' WHERE organization_id = :o AND received_at > :day AND received_at <= :hour
        AND joined_at IS NOT NULL AND text <> ''""",
        o=ledger.organization,
        day=now - DAY_MS,
        hour=now - PARTS_WAIT_MS,
    )


def _ranks(sizes: list[int]) -> Iterator[tuple[int, ...]]:
    """One rank below each size, by their sum: first all 0. None if a size is 0."""
    if all(sizes):
        for total in range(sum(sizes) - len(sizes) + 1):
            yield from _ranks_of(sizes, total)


def _ranks_of(sizes: list[int], total: int) -> Iterator[tuple[int, ...]]:
    """One rank below each size with this sum."""
    if not sizes:
        yield ()
        return
    first, rest = sizes[0], sizes[1:]
    most = sum(rest) - len(rest)
    for rank in range(max(0, total - most), min(total, first - 1) + 1):
        for ranks in _ranks_of(rest, total - rank):
            yield rank, *ranks


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
