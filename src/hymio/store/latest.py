"""The latest presses of a smiley under one assignment."""

from __future__ import annotations

from typing import NamedTuple

from hymio.period import Instant
from hymio.store.dialect import Transaction


class LatestPress(NamedTuple):
    """A press at an instant with its UTC offset in minutes; `verdict` and `ui` are values of `Verdict` and `Ui`."""

    at: Instant
    offset: int
    button: int
    verdict: int
    ui: int | None


def latest_presses(
    transaction: Transaction, organization: int, assignment: int, smiley: int, since: Instant, limit: int
) -> list[LatestPress]:
    """At most `limit` presses at or after an instant, with misuse and tests, the latest first.

    Reads the index `ix_feedback_assignment_at` backwards, at most as far as `since`.
    """
    rows = transaction.rows(
        f"""SELECT at, utc_offset, button, verdict, ui FROM feedback
        WHERE organization_id = :o AND assignment_id = :assignment AND at >= :since
          AND {transaction.unindexed("smiley_id")} = :smiley
        ORDER BY at DESC, revision DESC, epoch, sequence LIMIT :limit""",
        o=organization, assignment=assignment, smiley=smiley, since=since, limit=limit,
    )  # fmt: skip
    return [LatestPress(*row) for row in rows]
