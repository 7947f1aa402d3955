"""When visitors of web smileys last answered, by a hash of each visitor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Transaction

Visit = tuple[int, bytes]
"""Assignment and visitor."""


class Visits:
    """The visits of an organization's web smileys, in one write transaction; `flush` writes its changes."""

    def __init__(self, transaction: Transaction, organization: int) -> None:
        self._transaction = transaction
        self._organization = organization
        self._stored: dict[Visit, Instant | None] = {}  # as read from the database; None for those that never were
        self._fresh: dict[Visit, Instant] = {}  # to be written by `flush`

    def prefetch(self, visits: Iterable[Visit]) -> None:
        """Reads at once when visitors were counted, which `last` does for one assignment at a time."""
        wanted = {visit for visit in visits if visit not in self._stored}
        if not wanted:
            return
        self._stored |= dict.fromkeys(wanted)
        rows = self._transaction.rows_of_pairs(
            "SELECT assignment_id, visitor, at FROM visit WHERE organization_id = :o",
            ("assignment_id", "visitor"),
            wanted,
            o=self._organization,
        )
        self._stored |= {(assignment, bytes(visitor)): at for assignment, visitor, at in rows}

    def last(self, assignment: int, visitors: Iterable[bytes]) -> dict[bytes, Instant]:
        """When visitors were last counted under an assignment, also in this commit; without those that never were."""
        visits = [(assignment, visitor) for visitor in visitors]
        self.prefetch(visits)
        instants = {visit[1]: _later(self._stored[visit], self._fresh.get(visit)) for visit in visits}
        return {visitor: at for visitor, at in instants.items() if at is not None}

    def put(self, visits: Mapping[Visit, Instant]) -> None:
        """Stores visits by assignment and visitor; of two instants the later one stays."""
        for visit, at in visits.items():
            self._fresh[visit] = max(at, self._fresh.get(visit, at))

    # The commit

    def flush(self) -> None:
        """Writes the visits."""
        self._transaction.insert_later(
            schema.visit,
            [(self._organization, assignment, visitor, at) for (assignment, visitor), at in self._fresh.items()],
            """ON CONFLICT (organization_id, assignment_id, visitor)
            DO UPDATE SET at = CASE WHEN excluded.at > visit.at THEN excluded.at ELSE visit.at END""",
        )
        self._fresh = {}

    def snapshot(self) -> Mapping[Visit, Instant]:
        """The visits to be written, for `restore`."""
        return self._fresh.copy()

    def restore(self, fresh: Mapping[Visit, Instant]) -> None:
        """Drops the visits since a snapshot."""
        self._fresh = dict(fresh)


def _later(one: Instant | None, other: Instant | None) -> Instant | None:
    return max([at for at in (one, other) if at is not None], default=None)
