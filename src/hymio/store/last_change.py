"""The last revisions that changed feedback in a range of instants, and the set-up."""

from __future__ import annotations

from collections.abc import Sequence

from hymio.period import DAY_MS, Instant
from hymio.store.dialect import Transaction
from hymio.store.hours import Source, last_revision
from hymio.store.ledger.changed_days import ANY_ASSIGNMENT


def last_change_of_feedback(
    transaction: Transaction,
    organization: int,
    source: Source,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
) -> int:
    """The last revision that changed feedback under assignments with instants in [start, end); 0 without any.

    `source` are hours that include theirs. Adding a press changes an hour. What changes none (a restatement beside
    another, a text of a press that was there, an erasure) is noted by day, so a change of the same day may count too.
    """
    first_day, last_day = start // DAY_MS, (end - 1) // DAY_MS
    row = transaction.row(
        f"""SELECT max(c.revision) FROM {transaction.list_table("assignments", "id")} AS a CROSS JOIN changed_day c
        WHERE c.organization_id = :o AND c.assignment_id = a.id AND c.day >= :first AND c.day <= :last""",
        o=organization,
        assignments=transaction.among([ANY_ASSIGNMENT, *assignments]),
        first=first_day,
        last=last_day,
    )
    noted = 0 if row is None or row[0] is None else int(row[0])
    return max(noted, last_revision(transaction, organization, source, start, end))


def last_change_of_setup(transaction: Transaction, organization: int) -> int:
    """The last revision of a verb of `manage`: each appends one row to the audit log."""
    row = transaction.row(
        """SELECT l.setup_revision, l.content_revision, (SELECT max(revision) FROM audit WHERE organization_id = :o)
        FROM ledger l WHERE l.organization_id = :o""",
        o=organization,
    )
    return max((revision or 0 for revision in row or ()), default=0)
