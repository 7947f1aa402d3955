"""What is kept for people to look at: quarantined presses and text messages, the newest first."""

from __future__ import annotations

import json
from typing import NamedTuple

from hymio.feedback import Verdict, is_device_key
from hymio.period import Instant
from hymio.store.dialect import Transaction

_FIRST = int(Verdict.NO_PLACEMENT)


class Kept(NamedTuple):
    """A quarantined press or part of one; `at` is None where it could not be read, `said` is what it said."""

    smiley: int
    epoch: int
    sequence: int
    at: Instant | None
    reason: int
    said: str


class Message(NamedTuple):
    """A text message as it came, and what became of it."""

    received_at: Instant
    sender: str
    text: str
    outcome: str


def quarantine_counts(transaction: Transaction, organization: int) -> list[tuple[int, int]]:
    """(reason, how many presses and parts of presses are in quarantine for it), by reason."""
    rows = transaction.rows(
        """SELECT reason, sum(presses) FROM (
          SELECT verdict AS reason, count(*) AS presses FROM feedback
          WHERE organization_id = :o AND assignment_id <= 0 AND verdict >= :first GROUP BY verdict
          UNION ALL SELECT reason, count(*) FROM quarantine WHERE organization_id = :o GROUP BY reason
        ) AS found GROUP BY reason ORDER BY reason""",
        o=organization,
        first=_FIRST,
    )
    return [(row[0], int(row[1])) for row in rows]


def quarantined(transaction: Transaction, organization: int, limit: int) -> list[Kept]:
    """The presses in quarantine that came last."""
    stored = transaction.rows(
        """SELECT smiley_id, epoch, sequence, at, verdict, button, revision FROM feedback
        WHERE organization_id = :o AND assignment_id <= 0 AND verdict >= :first
        ORDER BY revision DESC, smiley_id, epoch, sequence LIMIT :limit""",
        o=organization, first=_FIRST, limit=limit,
    )  # fmt: skip
    unread = transaction.rows(
        """SELECT smiley_id, epoch, sequence, reason, body, revision FROM quarantine WHERE organization_id = :o
        ORDER BY revision DESC, smiley_id, epoch, sequence LIMIT :limit""",
        o=organization, limit=limit,
    )  # fmt: skip
    found = [(row[6], Kept(row[0], row[1], row[2], row[3], row[4], _said(row[1], row[2], row[5]))) for row in stored]
    found += [(row[5], Kept(row[0], row[1], row[2], _instant(row[4]), row[3], row[4])) for row in unread]
    return [kept for _, kept in sorted(found, key=lambda pair: -pair[0])[:limit]]


def _said(epoch: int, sequence: int, button: int) -> str:
    """What a stored press said; one of an hour told by SMS has a negative sequence."""
    return f"hour, button {button}" if is_device_key(epoch) and sequence < 0 else f"button {button}"


def _instant(body: str) -> Instant | None:
    """When a press that was not taken says it was made, if that can be read."""
    try:
        at = json.loads(body)["at"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return at if type(at) is int else None


def messages(transaction: Transaction, organization: int, limit: int) -> list[Message]:
    """The text messages that were received last."""
    rows = transaction.rows(
        """SELECT received_at, sender, text, outcome FROM message WHERE organization_id = :o
        ORDER BY received_at DESC, hash LIMIT :limit""",
        o=organization, limit=limit,
    )  # fmt: skip
    return [Message(*row) for row in rows]
