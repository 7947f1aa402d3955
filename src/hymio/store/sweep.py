"""Going through stored feedback and hours in order, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hymio.feedback import Feedback, HourReport
from hymio.period import Instant
from hymio.rollup import AssignmentHour, Counts, GroupHour
from hymio.setup import END
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import COUNTS, FEEDBACK

_SUMS = ", ".join(f"sum(c{button})" for button in range(11))


def smileys_under(transaction: Transaction, organization: int, assignments: Sequence[int], since: Instant) -> set[int]:
    """The smileys with feedback under any of the assignments from an instant on."""
    found: set[int] = set()
    for assignment in assignments:
        rows = transaction.rows(
            """SELECT DISTINCT smiley_id FROM feedback
            WHERE organization_id = :o AND assignment_id = :assignment AND at >= :since""",
            o=organization, assignment=assignment, since=since,
        )  # fmt: skip
        found.update(row[0] for row in rows)
    return found


def quarantines(transaction: Transaction, organization: int) -> list[int]:
    """The numbers under which quarantined feedback is stored: zero, and minus the surveys that web presses named."""
    rows = transaction.rows(
        "SELECT DISTINCT assignment_id FROM feedback WHERE organization_id = :o AND assignment_id <= 0", o=organization
    )
    return [row[0] for row in rows]


def assignments_of(transaction: Transaction, organization: int, smiley: int, since: Instant) -> list[int]:
    """What a smiley's feedback from an instant on is stored under; zero and negative numbers are quarantine.

    The unary plus keeps both engines to the smiley's own key: by assignment they would go through everybody's feedback.
    """
    rows = transaction.rows(
        """SELECT DISTINCT +assignment_id FROM feedback
        WHERE organization_id = :o AND smiley_id = :smiley AND +at >= :since""",
        o=organization, smiley=smiley, since=since,
    )  # fmt: skip
    return [row[0] for row in rows]


def piece_end(
    transaction: Transaction, organization: int, assignment: int, start: Instant, count: int, smiley: int | None = None
) -> Instant:
    """An instant before which about `count` feedbacks lie from `start` on; END where there are fewer."""
    text = f"""SELECT at FROM feedback WHERE organization_id = :o AND assignment_id = :assignment AND at >= :start
        {_of(smiley)} ORDER BY at LIMIT 1 OFFSET :count"""
    row = transaction.row(text, o=organization, assignment=assignment, start=start, count=count, smiley=smiley)
    return END if row is None else max(row[0], start + 1)


def piece(
    transaction: Transaction,
    organization: int,
    assignment: int,
    start: Instant,
    end: Instant,
    smiley: int | None = None,
) -> Iterator[Feedback]:
    """The feedbacks under an assignment, raw, superseded and all, with instants in [start, end), in order."""
    text = f"""SELECT {FEEDBACK} FROM feedback WHERE organization_id = :o AND assignment_id = :assignment
        AND at >= :start AND at < :stop {_of(smiley)} ORDER BY at, smiley_id, epoch, sequence"""
    rows = transaction.stream(text, o=organization, assignment=assignment, start=start, stop=end, smiley=smiley)
    return map(Feedback._make, rows)


def _of(smiley: int | None) -> str:
    # The unary plus keeps both engines from the smiley's key, which is not in order of time.
    return "" if smiley is None else "AND +smiley_id = :smiley"


def feedback_count(transaction: Transaction, organization: int) -> int:
    """About how many raw results there are, from the hours: for progress."""
    sums = " + ".join(f"sum(c{button})" for button in range(11))
    text = f"SELECT {sums} FROM assignment_hour WHERE organization_id = :o"
    row = transaction.row(text, o=organization)
    return int(row[0] or 0) if row else 0


def assignment_hours(
    transaction: Transaction, organization: int, assignment: int, start: Instant, end: Instant
) -> Iterator[tuple[AssignmentHour, Counts]]:
    """The stored hours of an assignment that start in [start, end), in order of their key."""
    text = f"""SELECT assignment_id, local_hour, starts_at, verdict, {COUNTS} FROM assignment_hour
        WHERE organization_id = :o AND assignment_id = :assignment AND starts_at >= :start AND starts_at < :stop
        ORDER BY local_hour, starts_at, verdict"""
    for row in transaction.stream(text, o=organization, assignment=assignment, start=start, stop=end):
        yield AssignmentHour(*row[:4]), list(row[4:])


def hour_span(transaction: Transaction, organization: int) -> tuple[int, int] | None:
    """The first and the last local hour that any assignment or group has; None without hours."""
    found: list[int] = []
    for table, key in (("assignment_hour", ("assignment_id",)), ("group_hour", ("node_id", "survey_id"))):
        for each in _leading(transaction, table, key, organization):
            found += _ends(transaction, table, dict(zip(key, each, strict=True)), organization)
    return (min(found), max(found)) if found else None


def _leading(transaction: Transaction, table: str, key: Sequence[str], organization: int) -> Iterator[Row]:
    """The values that a table's key begins with, once each: one search a value, however many rows have it."""
    names, last = ", ".join(key), ", ".join(f":{name}" for name in key)
    text = f"""SELECT {names} FROM {table} WHERE organization_id = :o AND ({names}) > ({last})
        ORDER BY {names} LIMIT 1"""
    found: Row = tuple(-END for _ in key)
    while row := transaction.row(text, o=organization, **dict(zip(key, found, strict=True))):
        found = row
        yield found


def _ends(transaction: Transaction, table: str, key: dict[str, object], organization: int) -> list[int]:
    those = f"FROM {table} WHERE organization_id = :o AND {' AND '.join(f'{name} = :{name}' for name in key)}"
    text = f"SELECT (SELECT min(local_hour) {those}), (SELECT max(local_hour) {those})"
    return [hour for hour in transaction.rows(text, o=organization, **key)[0] if hour is not None]


def group_hours(
    transaction: Transaction, organization: int, node: int, first: int, end: int
) -> dict[GroupHour, Counts]:
    """The stored hours of a group with local hours in [first, end), without empty ones."""
    text = f"""SELECT node_id, survey_id, local_hour, starts_at, verdict, {COUNTS} FROM group_hour
        WHERE organization_id = :o AND node_id = :node AND local_hour >= :first AND local_hour < :stop"""
    rows = transaction.rows(text, o=organization, node=node, first=first, stop=end)
    return {GroupHour(*row[:5]): list(row[5:]) for row in rows if any(row[5:])}


def group_nodes(transaction: Transaction, organization: int) -> set[int]:
    """The nodes that have hours of a group."""
    return {row[0] for row in _leading(transaction, "group_hour", ("node_id",), organization)}


def summed_hours(
    transaction: Transaction, organization: int, assignments: Sequence[int], first: int, end: int
) -> list[tuple[tuple[int, int, int], Counts]]:
    """What assignments' hours in [first, end) add up to: (local hour, first instant, verdict) and counts."""
    text = f"""SELECT local_hour, starts_at, verdict, {_SUMS} FROM assignment_hour
        WHERE organization_id = :o AND {transaction.within("assignment_id", "assignments")}
          AND local_hour >= :first AND local_hour < :stop
        GROUP BY local_hour, starts_at, verdict"""
    rows = transaction.rows(text, o=organization, assignments=transaction.among(assignments), first=first, stop=end)
    return [((row[0], row[1], row[2]), [int(count) for count in row[3:]]) for row in rows]


def hour_report_keys(
    transaction: Transaction, organization: int, after: tuple[int, int, int], count: int
) -> list[tuple[int, int, int]]:
    """(smiley, epoch, first sequence) of hours told by SMS, in order, from after a key on."""
    rows = transaction.rows(
        """SELECT smiley_id, epoch, first_sequence FROM hour_report WHERE organization_id = :o
        AND (smiley_id, epoch, first_sequence) > (:smiley, :epoch, :first)
        ORDER BY smiley_id, epoch, first_sequence LIMIT :count""",
        o=organization, smiley=after[0], epoch=after[1], first=after[2], count=count,
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in rows]


def hour_reports(transaction: Transaction, organization: int) -> Iterator[tuple[int, HourReport]]:
    """Every hour told by SMS, with its smiley."""
    text = f"""SELECT smiley_id, epoch, first_sequence, at, utc_offset, {COUNTS} FROM hour_report
        WHERE organization_id = :o ORDER BY smiley_id, epoch, first_sequence"""
    for row in transaction.stream(text, o=organization):
        yield row[0], HourReport(row[1], row[2], row[3], tuple(row[5:]), row[4])
