"""Reading results: hours as they are or as they were, raw rows in order, and what came after the button."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from hymio.feedback import Verdict
from hymio.period import DAY_MS, HOUR_MS, SECOND_MS, Instant
from hymio.rollup import MAX_BUTTONS
from hymio.store.dialect import Row, Transaction

_SLACK_HOURS = 16
"""No zone is further from UTC; narrows the hours by their key before their instants are compared."""

_PIECE = 10_000
"""Rows of several assignments that are sorted at a time, about."""

_LONGEST = 7 * DAY_MS
"""The stretch of time that is sorted at a time at most, as nobody knows what comes after a quiet time."""

_RAW = int(Verdict.SUPERSEDED)
_SUM = " + ".join(f"sum(c{button})" for button in range(MAX_BUTTONS))
_KEYS = " AND ".join(f"f.{name} = p.{name}" for name in ("organization_id", "at", "smiley_id", "epoch", "sequence"))
_COLUMNS = "f.at, f.utc_offset, f.button, f.accuracy, f.verdict, f.smiley_id, f.epoch, f.sequence"


def assignment_hours(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant, buttons: int
) -> Iterator[Row]:
    """(local hour, nominal start, verdict, revision, counts…) of assignments, hours that start in [start, end)."""
    for assignment in assignments:
        text = f"""SELECT local_hour, starts_at, verdict, revision, {_counts(buttons)} FROM assignment_hour
            WHERE organization_id = :o AND assignment_id = :assignment AND {_IN_HOURS}"""
        yield from transaction.rows(text, o=organization, assignment=assignment, **_hours(start, end))


def group_hours(
    transaction: Transaction, organization: int, node: int, survey: int, start: Instant, end: Instant, buttons: int
) -> Iterator[Row]:
    """(local hour, nominal start, verdict, revision, counts…) of a group, hours that start in [start, end)."""
    text = f"""SELECT local_hour, starts_at, verdict, revision, {_counts(buttons)} FROM group_hour
        WHERE organization_id = :o AND node_id = :node AND survey_id = :survey AND {_IN_HOURS}"""
    return iter(transaction.rows(text, o=organization, node=node, survey=survey, **_hours(start, end)))


def _counts(buttons: int) -> str:
    return ", ".join(f"c{button}" for button in range(buttons))


_IN_HOURS = "local_hour >= :first AND local_hour <= :last AND starts_at >= :start AND starts_at < :stop"


def _hours(start: Instant, end: Instant) -> dict[str, object]:
    first, last = start // HOUR_MS - _SLACK_HOURS, end // HOUR_MS + _SLACK_HOURS
    return {"first": first, "last": last, "start": start, "stop": end}


def raw_rows(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
    *,
    phase: str = "",
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[Row]:
    """Raw results in order of instant, then key, instants in [start, end).

    Each row holds instant, offset, button, accuracy, verdict, smiley, epoch, sequence; with `phase` "text" also text,
    relevance and spam of those that have one, with "any text" those columns or NULLs, with "followup" the option.
    """
    if len(assignments) == 1 or phase in _TABLES:
        page = _page(transaction, offset, limit)
        values = {"o": organization, "start": start, "stop": end, "limit": limit, "skip": offset}
        return transaction.stream(
            _raw_text(transaction, assignments, phase) + page, **values, **_bound(transaction, assignments)
        )
    rows = _in_pieces(transaction, organization, assignments, start, end, phase)
    return islice(rows, offset, None if limit is None else offset + limit)


def _raw_text(transaction: Transaction, assignments: Sequence[int], phase: str) -> str:
    return f"""SELECT {_COLUMNS}{_MORE_COLUMNS[phase]} {_source(transaction, assignments, phase)} {_order(phase)}"""


def _source(transaction: Transaction, assignments: Sequence[int], phase: str) -> str:
    """Where raw results are found: by assignment and time, or by the phase's own key, which is in order of time."""
    under = f"{_under(transaction, assignments)} AND f.verdict < {_RAW}"
    if phase in _TABLES:
        return f"""FROM {_TABLES[phase]} p CROSS JOIN feedback f WHERE p.organization_id = :o
            AND p.at >= :start AND p.at < :stop AND {_KEYS} AND {under}"""
    join = f"LEFT JOIN text_feedback p ON {_KEYS}" if phase else ""
    return f"""FROM {_feedback(transaction, assignments)} {join} WHERE f.organization_id = :o
        AND f.at >= :start AND f.at < :stop AND {under}"""


def _order(phase: str) -> str:
    table = "p" if phase in _TABLES else "f"
    last = ", p.position" if phase == "followup" else ""  # a press may have several
    return f"ORDER BY {table}.at, {table}.smiley_id, {table}.epoch, {table}.sequence{last}"


def _in_pieces(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant, phase: str
) -> Iterator[Row]:
    """Rows of several assignments, whose indexes must be merged: sorted a stretch of time at a time, in little memory.

    The stretches grow and shrink with how much lies in them.
    """
    span = span_of(transaction, organization, assignments)
    text = _raw_text(transaction, assignments, phase)
    at, stop, length = max(start, span[0]), min(end, span[1]), DAY_MS
    while at < stop:
        until = min(stop, at + length)
        count = 0
        bound = _bound(transaction, assignments)
        for row in transaction.stream(text, o=organization, start=at, stop=until, **bound):
            count += 1
            yield row
        at, length = until, max(SECOND_MS, length // 2 if count > _PIECE else min(length * 2, _LONGEST))


def span_of(transaction: Transaction, organization: int, assignments: Sequence[int]) -> tuple[Instant, Instant]:
    """A range of instants that holds all hours of the assignments; empty without hours."""
    those = "FROM assignment_hour WHERE organization_id = :o AND assignment_id = :a"
    text = f"SELECT (SELECT min(local_hour) {those}), (SELECT max(local_hour) {those})"
    found = [transaction.rows(text, o=organization, a=each)[0] for each in assignments]
    known = [(first - _SLACK_HOURS, last + 1 + _SLACK_HOURS) for first, last in found if first is not None]
    first, last = min((first for first, _ in known), default=0), max((last for _, last in known), default=0)
    return first * HOUR_MS, last * HOUR_MS


def _feedback(transaction: Transaction, assignments: Sequence[int]) -> str:
    # With a list of assignments SQLite would rather go through all of the organization's feedback.
    several = transaction.is_sqlite and len(assignments) != 1
    return "feedback f INDEXED BY ix_feedback_assignment_at" if several else "feedback f"


_TEXT_COLUMNS = ", p.text, p.relevance, p.spam"
_MORE_COLUMNS = {"": "", "text": _TEXT_COLUMNS, "any text": _TEXT_COLUMNS, "followup": ", p.option_id"}
_TABLES = {"text": "text_feedback", "followup": "followup_feedback"}


def _under(transaction: Transaction, assignments: Sequence[int]) -> str:
    one = len(assignments) == 1
    return "f.assignment_id = :assignment" if one else transaction.within("f.assignment_id", "assignments")


def _bound(transaction: Transaction, assignments: Sequence[int]) -> dict[str, object]:
    return {"assignment": assignments[0]} if len(assignments) == 1 else {"assignments": transaction.among(assignments)}


def _page(transaction: Transaction, offset: int, limit: int | None) -> str:
    if limit is None and not offset:
        return ""
    everything = "-1" if transaction.is_sqlite else "ALL"
    return f" LIMIT {everything if limit is None else ':limit'} OFFSET :skip"


def has_texts(transaction: Transaction, organization: int) -> bool:
    """Whether the organization has any text feedback."""
    return transaction.row("SELECT 1 FROM text_feedback WHERE organization_id = :o LIMIT 1", o=organization) is not None


def raw_count(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
    phase: str = "",
) -> int:
    """How many rows `raw_rows` gives, counted one by one: for the ends of a period and for phases, which are few."""
    text = f"SELECT count(*) {_source(transaction, assignments, phase)}"
    row = transaction.row(text, o=organization, start=start, stop=end, **_bound(transaction, assignments))
    return int(row[0]) if row else 0


def hour_total(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant
) -> int:
    """How many raw results of assignments lie in the hours that start in [start, end)."""
    text = f"""SELECT {_SUM} FROM assignment_hour f WHERE f.organization_id = :o
        AND {_under(transaction, assignments)} AND {_IN_HOURS}"""
    row = transaction.row(text, o=organization, **_bound(transaction, assignments), **_hours(start, end))
    return int(row[0] or 0) if row else 0


def group_total(
    transaction: Transaction, organization: int, node: int, survey: int, start: Instant, end: Instant
) -> int:
    """How many raw results of a group lie in the hours that start in [start, end)."""
    text = f"""SELECT {_SUM} FROM group_hour
        WHERE organization_id = :o AND node_id = :node AND survey_id = :survey AND {_IN_HOURS}"""
    row = transaction.row(text, o=organization, node=node, survey=survey, **_hours(start, end))
    return int(row[0] or 0) if row else 0


def counts_by_hour(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant
) -> list[tuple[tuple[int, int], int]]:
    """How many raw results with instants in [start, end) fall into each (local hour, offset)."""
    hour = f"(f.at + f.utc_offset * 60000) / {HOUR_MS}"
    text = f"""SELECT {hour}, f.utc_offset, count(*)
        FROM {_feedback(transaction, assignments)} WHERE f.organization_id = :o
        AND {_under(transaction, assignments)} AND f.at >= :start AND f.at < :stop AND f.verdict < {_RAW}
        GROUP BY 1, 2"""
    rows = transaction.rows(text, o=organization, start=start, stop=end, **_bound(transaction, assignments))
    return [((row[0], row[1]), row[2]) for row in rows]


def reported_through(transaction: Transaction, organization: int) -> dict[int, Instant]:
    """The instant up to which each smiley has told everything, of those that said so."""
    rows = transaction.rows(
        """SELECT smiley_id, reported_through FROM smiley_state
        WHERE organization_id = :o AND reported_through IS NOT NULL""",
        o=organization,
    )
    return {row[0]: row[1] for row in rows}


def revisions(transaction: Transaction, organization: int) -> tuple[int, int] | None:
    """The organization's revision, and the one at which its set-up last changed."""
    row = transaction.row("SELECT revision, setup_revision FROM ledger WHERE organization_id = :o", o=organization)
    return (row[0], row[1]) if row else None
