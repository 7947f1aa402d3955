"""What the modules of the catalog share: the next free id, whether a row exists, and statements of an organization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hymio.hierarchy import BEGINNING
from hymio.period import Instant
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


def oldest_feedback(ledger: Ledger, assignments: Iterable[int], since: Instant = BEGINNING) -> Instant | None:
    """The instant of the oldest feedback under any of the assignments from an instant on; None without any.

    One search of the index `ix_feedback_assignment_at` for each assignment. Feedback in quarantine has none.
    """
    row = first_row(
        ledger,
        f"""SELECT min(at) FROM (SELECT (SELECT min(at) FROM feedback
        WHERE organization_id = :o AND assignment_id = a.id AND at >= :since) AS at
        FROM {ledger.transaction.list_table("assignments", "id")} AS a) AS oldest""",
        assignments=ledger.transaction.among(assignments),
        since=since,
    )
    return row[0] if row else None


def newest_feedback_of(
    ledger: Ledger, smiley: int, keys: Iterable[int], start: Instant, end: Instant
) -> Instant | None:
    """The instant of a smiley's newest feedback in [start, end) under assignments or quarantine keys; None without any.

    One range of the index `ix_feedback_assignment_at` for each key.
    """
    row = first_row(
        ledger,
        f"""SELECT max(f.at) FROM {ledger.transaction.list_table("keys", "id")} AS k CROSS JOIN feedback f
        WHERE f.organization_id = :o AND f.assignment_id = k.id AND f.at >= :start AND f.at < :stop
          AND {ledger.transaction.unindexed("f.smiley_id")} = :smiley""",
        keys=ledger.transaction.among(keys),
        start=start,
        stop=end,
        smiley=smiley,
    )
    return row[0] if row else None
