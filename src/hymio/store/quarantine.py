"""Quarantined presses: feedback without an assignment, and presses without a feedback row."""

from __future__ import annotations

import json
from typing import NamedTuple

from hymio.feedback import Verdict, is_device_key
from hymio.period import Instant
from hymio.store.dialect import Transaction

_FIRST_REASON = int(Verdict.NO_PLACEMENT)

_UNASSIGNED = "assignment_id <= 0"
"""SQL: feedback that has a `feedback.quarantine_key` in place of an assignment."""


class QuarantinedPress(NamedTuple):
    """A press, or a part of one, in quarantine; `at` is None where it could not be read, `body` is what was received.

    `sequence` is 0 where it could not be read, and negative for a press from an hour report.
    """

    smiley: int
    epoch: int
    sequence: int
    at: Instant | None
    reason: int
    body: str


def quarantine_keys(transaction: Transaction, organization: int) -> list[int]:
    """Every `feedback.quarantine_key` under which feedback is stored."""
    rows = transaction.rows(
        f"SELECT DISTINCT assignment_id FROM feedback WHERE organization_id = :o AND {_UNASSIGNED}", o=organization
    )
    return [row[0] for row in rows]


def quarantine_counts(transaction: Transaction, organization: int) -> list[tuple[Verdict, int]]:
    """(reason, how many presses and parts of presses are in quarantine for it), by reason."""
    rows = transaction.rows(
        f"""SELECT reason, sum(presses) FROM (
          SELECT verdict AS reason, count(*) AS presses FROM feedback
          WHERE organization_id = :o AND {_UNASSIGNED} AND verdict >= :first GROUP BY verdict
          UNION ALL SELECT reason, count(*) FROM quarantine WHERE organization_id = :o GROUP BY reason
        ) AS both_tables GROUP BY reason ORDER BY reason""",
        o=organization,
        first=_FIRST_REASON,
    )
    return [(Verdict(row[0]), int(row[1])) for row in rows]


def newest_quarantined(transaction: Transaction, organization: int, limit: int) -> list[QuarantinedPress]:
    """The `limit` most recently quarantined presses, newest first.

    Merges `feedback` rows that have no assignment with `quarantine` rows (unreadable or conflicting presses, which have
    no feedback row).
    """
    feedback = transaction.rows(
        f"""SELECT revision, smiley_id, epoch, sequence, at, verdict, button FROM feedback
        WHERE organization_id = :o AND {_UNASSIGNED} AND verdict >= :first
        ORDER BY revision DESC, smiley_id, epoch, sequence LIMIT :limit""",
        o=organization,
        first=_FIRST_REASON,
        limit=limit,
    )
    others = transaction.rows(
        """SELECT revision, smiley_id, epoch, sequence, reason, body FROM quarantine WHERE organization_id = :o
        ORDER BY revision DESC, smiley_id, epoch, sequence LIMIT :limit""",
        o=organization,
        limit=limit,
    )
    presses = [
        (revision, QuarantinedPress(smiley, epoch, sequence, at, reason, _body(epoch, sequence, button)))
        for revision, smiley, epoch, sequence, at, reason, button in feedback
    ]
    presses += [
        (revision, QuarantinedPress(smiley, epoch, sequence, instant_in(body), reason, body))
        for revision, smiley, epoch, sequence, reason, body in others
    ]
    newest = sorted(presses, key=lambda pair: -pair[0])[:limit]
    return [press for _, press in newest]


def _body(epoch: int, sequence: int, button: int) -> str:
    """The content of a press with a feedback row; one from an hour report has a negative sequence."""
    return f"hour, button {button}" if is_device_key(epoch) and sequence < 0 else f"button {button}"


def instant_in(body: str) -> Instant | None:
    """When a press without a feedback row says it was made, if that can be read."""
    try:
        at = json.loads(body)["at"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return at if type(at) is int else None
