"""Feedback whose instants were corrected by much, because a device's clock or the server's was wrong."""

from __future__ import annotations

from typing import NamedTuple

from hymio.period import Instant
from hymio.store.dialect import Transaction


class Corrected(NamedTuple):
    """Feedback of a smiley that was corrected by much: how many, their instants, and by how many ms (ranges)."""

    smiley: int
    number: int
    first: Instant
    last: Instant
    least: int
    most: int


def corrected_by_more(transaction: Transaction, organization: int, milliseconds: int) -> list[Corrected]:
    """The feedback that was corrected by more than so many ms, forward or back, by smiley. It reads all feedback."""
    rows = transaction.rows(
        """SELECT smiley_id, count(*), min(at), max(at), min(correction), max(correction) FROM feedback
        WHERE organization_id = :o AND (correction > :milliseconds OR correction < -:milliseconds)
        GROUP BY smiley_id ORDER BY smiley_id""",
        o=organization,
        milliseconds=milliseconds,
    )
    return [Corrected(*row) for row in rows]
