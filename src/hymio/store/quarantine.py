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


class OpenCount(NamedTuple):
    """How many presses and parts of presses of a smiley are in quarantine for a reason."""

    smiley: int
    reason: int
    presses: int


def quarantine_counts(
    transaction: Transaction, organization: int, *, dismissed: bool = False
) -> list[tuple[Verdict, int]]:
    """(reason, how many presses and parts of presses are in quarantine for it), by reason; dismissed ones on demand."""
    counts: dict[int, int] = {}
    for _, reason, presses in smileys_in_quarantine(transaction, organization, dismissed=dismissed):
        counts[reason] = counts.get(reason, 0) + presses
    return [(Verdict(reason), presses) for reason, presses in sorted(counts.items())]


def smileys_in_quarantine(transaction: Transaction, organization: int, *, dismissed: bool = False) -> list[OpenCount]:
    """The presses in quarantine by smiley and reason; dismissed ones on demand."""
    rows = transaction.rows(
        f"""SELECT smiley_id, reason, sum(presses) FROM (
          SELECT f.smiley_id, f.verdict AS reason, count(*) AS presses
          FROM feedback f {_joined("f", "verdict")} WHERE f.organization_id = :o AND f.{_UNASSIGNED}
          AND f.verdict >= :first {_is_open("f", dismissed=dismissed)} GROUP BY f.smiley_id, f.verdict
          UNION ALL SELECT q.smiley_id, q.reason, count(*)
          FROM quarantine q {_joined("q", "reason")} WHERE q.organization_id = :o
          {_is_open("q", dismissed=dismissed)} GROUP BY q.smiley_id, q.reason
        ) AS both_tables GROUP BY smiley_id, reason ORDER BY smiley_id, reason""",
        o=organization,
        first=_FIRST_REASON,
    )
    return [OpenCount(row[0], row[1], int(row[2])) for row in rows]


def quarantine_totals(transaction: Transaction) -> list[tuple[Verdict, int]]:
    """(reason, how many presses are in quarantine for it) of all organizations, dismissed ones too, by reason."""
    rows = transaction.rows(
        f"""SELECT reason, sum(presses) FROM (
          SELECT verdict AS reason, count(*) AS presses FROM feedback
          WHERE {_UNASSIGNED} AND verdict >= :first GROUP BY verdict
          UNION ALL SELECT reason, count(*) FROM quarantine GROUP BY reason
        ) AS both_tables GROUP BY reason ORDER BY reason""",
        first=_FIRST_REASON,
    )
    return [(Verdict(reason), int(presses)) for reason, presses in rows]


def newest_quarantined(
    transaction: Transaction, organization: int, limit: int, *, dismissed: bool = False
) -> list[QuarantinedPress]:
    """The `limit` most recently quarantined presses, newest first; dismissed ones on demand.

    Merges `feedback` rows that have no assignment with `quarantine` rows (unreadable or conflicting presses, which have
    no feedback row).
    """
    feedback = transaction.rows(
        f"""SELECT f.revision, f.smiley_id, f.epoch, f.sequence, f.at, f.verdict, f.button
        FROM feedback f {_joined("f", "verdict")}
        WHERE f.organization_id = :o AND f.{_UNASSIGNED} AND f.verdict >= :first {_is_open("f", dismissed=dismissed)}
        ORDER BY f.revision DESC, f.smiley_id, f.epoch, f.sequence LIMIT :limit""",
        o=organization,
        first=_FIRST_REASON,
        limit=limit,
    )
    others = transaction.rows(
        f"""SELECT q.revision, q.smiley_id, q.epoch, q.sequence, q.reason, q.body
        FROM quarantine q {_joined("q", "reason")} WHERE q.organization_id = :o {_is_open("q", dismissed=dismissed)}
        ORDER BY q.revision DESC, q.smiley_id, q.epoch, q.sequence LIMIT :limit""",
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


def _joined(rows: str, reason: str) -> str:
    """SQL: the dismissal that is of the smiley and reason of a row."""
    return (
        f"LEFT JOIN dismissal d ON d.organization_id = {rows}.organization_id AND d.smiley_id = {rows}.smiley_id"
        f" AND d.reason = {rows}.{reason}"
    )


def _is_open(rows: str, *, dismissed: bool) -> str:
    """SQL: the condition that a row is not dismissed."""
    return "" if dismissed else f"AND (d.revision IS NULL OR {rows}.revision > d.revision)"


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
