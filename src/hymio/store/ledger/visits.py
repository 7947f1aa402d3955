"""When visitors of web smileys last answered, by a hash of each visitor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Transaction


class Visits:
    """The visits of an organization's web smileys, in one write transaction."""

    def __init__(self, transaction: Transaction, organization: int) -> None:
        self._transaction = transaction
        self._organization = organization

    def last(self, assignment: int, visitors: Iterable[bytes]) -> dict[bytes, Instant]:
        """When visitors were last counted under an assignment; without those that never were."""
        rows = self._transaction.rows_among(
            "SELECT visitor, at FROM visit WHERE organization_id = :o AND assignment_id = :assignment",
            "visitor",
            visitors,
            o=self._organization,
            assignment=assignment,
        )
        return {bytes(visitor): at for visitor, at in rows}

    def put(self, visits: Mapping[tuple[int, bytes], Instant]) -> None:
        """Stores visits by assignment and visitor; of two instants the later one stays."""
        self._transaction.insert(
            schema.visit,
            [(self._organization, assignment, visitor, at) for (assignment, visitor), at in visits.items()],
            """ON CONFLICT (organization_id, assignment_id, visitor)
            DO UPDATE SET at = CASE WHEN excluded.at > visit.at THEN excluded.at ELSE visit.at END""",
        )
