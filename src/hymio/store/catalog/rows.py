"""What the modules of the catalog share: the next free id, whether a row exists, and statements of an organization."""

from __future__ import annotations

from typing import Final

from hymio.store.dialect import Row
from hymio.store.ledger import Ledger

MAX_ID: Final = (1 << 63) - 1
"""The largest id: what a column of 64 bits holds."""


def is_id(number: int) -> bool:
    """Whether a number can be the id of a row; binding a larger one to a statement raises OverflowError."""
    return 1 <= number <= MAX_ID


def next_id(ledger: Ledger, table: str) -> int:
    """One more than the highest id of a table in this organization."""
    row = ledger.transaction.row(f"SELECT max(id) FROM {table} WHERE organization_id = :o", o=ledger.organization)
    return (row[0] if row and row[0] else 0) + 1


def exists(ledger: Ledger, table: str, identity: int) -> bool:
    """Whether a table has a row of this id in this organization."""
    text = f"SELECT 1 FROM {table} WHERE organization_id = :o AND id = :id"
    return is_id(identity) and ledger.transaction.row(text, o=ledger.organization, id=identity) is not None


def run(ledger: Ledger, text: str, **values: object) -> int:
    """Runs a statement with the organization bound as `:o`; returns the number of rows it changed."""
    return ledger.transaction.run(text, o=ledger.organization, **values)


def first_row(ledger: Ledger, text: str, **values: object) -> Row | None:
    """The first row of a statement with the organization bound as `:o`."""
    return ledger.transaction.row(text, o=ledger.organization, **values)


def has_feedback(ledger: Ledger) -> bool:
    """Whether any smiley of the organization has ever uploaded."""
    return first_row(ledger, "SELECT 1 FROM smiley_state WHERE organization_id = :o LIMIT 1") is not None
