"""Marks by which people correct the source's word that a text is spam: each holds from its revision on."""

from __future__ import annotations

from hymio.store import schema
from hymio.store.dialect import Transaction
from hymio.store.personal_rows import PressKey


def has_spam_marks(transaction: Transaction, organization: int) -> bool:
    """Whether the organization has any mark."""
    return transaction.row("SELECT 1 FROM spam_mark WHERE organization_id = :o LIMIT 1", o=organization) is not None


def is_spam(transaction: Transaction, organization: int, press: PressKey) -> bool | None:
    """Whether the text after a press is spam now, by its last mark or else its source; None if there is no text."""
    source = transaction.row(
        f"SELECT spam FROM text_feedback WHERE organization_id = :o AND {_KEY}", o=organization, **press._asdict()
    )
    if source is None:
        return None
    mark = transaction.row(
        f"SELECT spam FROM spam_mark WHERE organization_id = :o AND {_KEY} ORDER BY revision DESC LIMIT 1",
        o=organization,
        **press._asdict(),
    )
    return bool((mark or source)[0])


def insert_spam_mark(
    transaction: Transaction, organization: int, press: PressKey, revision: int, *, spam: bool
) -> None:  # fmt: skip
    """Adds a mark; a second one in the same revision replaces the first."""
    transaction.insert(
        schema.spam_mark,
        [(organization, *press, revision, int(spam))],
        "ON CONFLICT (organization_id, at, smiley_id, epoch, sequence, revision) DO UPDATE SET spam = excluded.spam",
    )


_KEY = "at = :at AND smiley_id = :smiley AND epoch = :epoch AND sequence = :sequence"
