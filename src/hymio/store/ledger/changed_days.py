"""The days whose feedback a commit changes other than by adding presses, which the revisions of hours do not show."""

from __future__ import annotations

from typing import Final

from hymio.period import DAY_MS, Instant
from hymio.store import schema
from hymio.store.dialect import Transaction

ANY_ASSIGNMENT: Final = 0
"""Where it is not known whose feedback was changed: it may be that of each assignment."""


class ChangedDays:
    """The changed days of an organization in one commit; `flush` writes their revision.

    A savepoint that is undone leaves its days in memory: then an answer seems to be changed that is not.
    """

    def __init__(self, transaction: Transaction, organization: int, revision: int) -> None:
        self._transaction, self._organization, self._revision = transaction, organization, revision
        self._days: set[tuple[int, int]] = set()

    def note(self, assignment: int, at: Instant) -> None:
        """Notes that feedback with an instant was changed: restated, or something else than the press was."""
        self._days.add((assignment, at // DAY_MS))

    def flush(self) -> None:
        """Writes the days."""
        rows = [(self._organization, *day, self._revision) for day in sorted(self._days)]
        conflict = "ON CONFLICT (organization_id, assignment_id, day) DO UPDATE SET revision = excluded.revision"
        if rows:
            self._transaction.insert(schema.changed_day, rows, conflict)
        self._days.clear()
