"""Scans of stored feedback and hours in order, in pieces of bounded size: for verify, rebuild and resettle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hymio.feedback import Accuracy, Feedback, HourReport, Verdict
from hymio.hierarchy import BEGINNING
from hymio.period import HOUR_MS, MINUTE_MS, Instant
from hymio.rollup import AssignmentHour, Counts, GroupHour
from hymio.setup import END
from hymio.store.dialect import Row, Transaction
from hymio.store.hours import HourFilter, hour_condition
from hymio.store.schema import COUNT_COLUMNS, FEEDBACK_COLUMNS

_FEEDBACK = ", ".join(FEEDBACK_COLUMNS)
_COUNTS = ", ".join(COUNT_COLUMNS)

# Feedback


def rows_in_order(
    transaction: Transaction,
    organization: int,
    assignment: int,
    start: Instant,
    end: Instant,
    smiley: int | None = None,
) -> Iterator[Feedback]:
    """The feedbacks under an assignment or a quarantine key, of every verdict, with instants in [start, end), in order.

    With `smiley` only that smiley's.
    """
    text = f"""SELECT {_FEEDBACK} FROM feedback WHERE organization_id = :o AND assignment_id = :assignment
        AND at >= :start AND at < :stop {_of_smiley(transaction, smiley)} ORDER BY at, smiley_id, epoch, sequence"""
    rows = transaction.stream(text, o=organization, assignment=assignment, start=start, stop=end, smiley=smiley)
    return map(Feedback._make, rows)


def presses_with_hours(
    transaction: Transaction, organization: int, assignment: int, start: Instant, end: Instant = END
) -> Iterator[Row]:
    """The feedbacks of an assignment in [start, end), of every verdict, in order, with the hours they fall into.

    Rows of local hour, its nominal start, verdict, button, instant, smiley, offset, accuracy, finding and epoch. Hours
    of instants before 1970 are wrong, because the engines divide towards 0.
    """
    hour = f"(at + utc_offset * {MINUTE_MS}) / {HOUR_MS}"
    return transaction.stream(
        f"""SELECT {hour}, {hour} * {HOUR_MS} - utc_offset * {MINUTE_MS}, verdict, button,
          at, smiley_id, utc_offset, accuracy, finding, epoch FROM feedback
        WHERE organization_id = :o AND assignment_id = :assignment AND at >= :start AND at < :stop
        ORDER BY at, smiley_id, epoch, sequence""",
        o=organization,
        assignment=assignment,
        start=start,
        stop=end,
    )


def piece_end(
    transaction: Transaction, organization: int, assignment: int, start: Instant, count: int, smiley: int | None = None
) -> Instant:
    """The end of a piece of about `count` feedbacks that begins at `start`; END where there are fewer."""
    text = f"""SELECT at FROM feedback WHERE organization_id = :o AND assignment_id = :assignment AND at >= :start
        {_of_smiley(transaction, smiley)} ORDER BY at LIMIT 1 OFFSET :count"""
    row = transaction.row(text, o=organization, assignment=assignment, start=start, count=count, smiley=smiley)
    return END if row is None else max(row[0], start + 1)


def _of_smiley(transaction: Transaction, smiley: int | None) -> str:
    # The smiley's key is not in order of time.
    return "" if smiley is None else f"AND {transaction.unindexed('smiley_id')} = :smiley"


def smileys_under(transaction: Transaction, organization: int, assignments: Sequence[int], since: Instant) -> set[int]:
    """The smileys with feedback under any of the assignments from an instant on."""
    smileys: set[int] = set()
    for assignment in assignments:
        rows = transaction.rows(
            """SELECT DISTINCT smiley_id FROM feedback
            WHERE organization_id = :o AND assignment_id = :assignment AND at >= :since""",
            o=organization,
            assignment=assignment,
            since=since,
        )
        smileys.update(row[0] for row in rows)
    return smileys


def assignments_of(transaction: Transaction, organization: int, smiley: int, since: Instant) -> list[int]:
    """The assignments and quarantine keys under which a smiley's feedback from an instant on is stored."""
    # Searched by the smiley's own key: by assignment or instant the engines would read the feedback of all smileys.
    assignment_id, at = transaction.unindexed("assignment_id"), transaction.unindexed("at")
    rows = transaction.rows(
        f"""SELECT DISTINCT {assignment_id} FROM feedback
        WHERE organization_id = :o AND smiley_id = :smiley AND {at} >= :since""",
        o=organization,
        smiley=smiley,
        since=since,
    )
    return [row[0] for row in rows]


def numbered_rows(
    transaction: Transaction, organization: int, smiley: int, epoch: int, sequences: range
) -> list[Feedback]:
    """The feedbacks of an epoch with sequences in a range, in order."""
    text = f"""SELECT {_FEEDBACK} FROM feedback WHERE organization_id = :o AND smiley_id = :smiley
        AND epoch = :epoch AND sequence >= :start AND sequence < :stop ORDER BY sequence"""
    values = {"start": sequences.start, "stop": sequences.stop}
    return [Feedback(*row) for row in transaction.rows(text, o=organization, smiley=smiley, epoch=epoch, **values)]


def raw_from(transaction: Transaction, organization: int) -> Instant:
    """The instant before which the retention rule deleted feedback; hours before it are sealed: never recomputed."""
    row = transaction.row("SELECT raw_from FROM ledger WHERE organization_id = :o", o=organization)
    return BEGINNING if row is None or row[0] is None else row[0]


# Hours


def assignment_hours(
    transaction: Transaction, organization: int, assignment: int, start: Instant = BEGINNING, end: Instant = END
) -> Iterator[tuple[AssignmentHour, Counts]]:
    """The stored hours of an assignment that start in [start, end), in order of their key."""
    text = f"""SELECT assignment_id, local_hour, starts_at, verdict, {_COUNTS} FROM assignment_hour
        WHERE organization_id = :o AND assignment_id = :assignment AND starts_at >= :start AND starts_at < :stop
        ORDER BY local_hour, starts_at, verdict"""
    for row in transaction.stream(text, o=organization, assignment=assignment, start=start, stop=end):
        yield AssignmentHour(*row[:4]), list(row[4:])


def counts_in_order(
    transaction: Transaction, organization: int, assignment: int, start: Instant, buttons: int
) -> Iterator[Row]:
    """The stored hours of an assignment that start at or after an instant, in order.

    Rows of local hour, nominal start, verdict, the counts of the first `buttons` buttons, and a number that is 0 if
    all other counts are.
    """
    counts = ", ".join(COUNT_COLUMNS[:buttons])
    others = " | ".join(COUNT_COLUMNS[buttons:]) or "0"
    return transaction.stream(
        f"""SELECT local_hour, starts_at, verdict, {counts}, {others} FROM assignment_hour
        WHERE organization_id = :o AND assignment_id = :assignment AND starts_at >= :start AND starts_at < :stop
        ORDER BY local_hour, starts_at, verdict""",
        o=organization,
        assignment=assignment,
        start=start,
        stop=END,
    )


def hour_count(
    transaction: Transaction, organization: int, sets: Sequence[tuple[int, int]], hours: range, limit: int | None
) -> int:
    """The number of stored hours of the assignments in `sets` in a range of local hours, at most `limit` if given."""
    text = f"SELECT count(*) FROM (SELECT 1 {_of_sets(transaction)} {transaction.limit(limit, 0)}) AS stored_hours"
    [[number]] = transaction.rows(
        text, o=organization, first=hours.start, stop=hours.stop, **transaction.pairs("sets", sets), **_page(limit)
    )
    return int(number)


def summed_hours(
    transaction: Transaction, organization: int, sets: Sequence[tuple[int, int]], hours: range, limit: int | None
) -> list[tuple[AssignmentHour, Counts]]:
    """The sums of stored hours in a range of local hours, in no order, at most `limit` if it is given.

    `sets` are pairs of an assignment and the number of a set; the hours of assignments with the same number are added,
    and the number stands for the assignment in their key.
    """
    sums = ", ".join(f"sum({count})" for count in COUNT_COLUMNS)
    text = f"""SELECT a.number_of_set, local_hour, starts_at, verdict, {sums} {_of_sets(transaction)}
        GROUP BY a.number_of_set, local_hour, starts_at, verdict {transaction.limit(limit, 0)}"""
    rows = transaction.rows(
        text, o=organization, first=hours.start, stop=hours.stop, **transaction.pairs("sets", sets), **_page(limit)
    )
    return [(AssignmentHour(*row[:4]), list(map(int, row[4:]))) for row in rows]


def _of_sets(transaction: Transaction) -> str:
    """SQL: the hours of assignments and their sets, from FROM on."""
    return f"""FROM {transaction.pair_table("sets", ("assignment", "number_of_set"))} AS a CROSS JOIN assignment_hour h
        WHERE h.organization_id = :o AND h.assignment_id = a.assignment AND h.local_hour >= :first
          AND h.local_hour < :stop"""


def hours_of_groups(
    transaction: Transaction, organization: int, totals: Sequence[tuple[int, int]], hours: range
) -> dict[GroupHour, Counts]:
    """The stored hours of groups by keys `totals` (node, `survey_id`) in a range of local hours, without empty ones."""
    text = f"""SELECT {_aliased("node_id, survey_id, local_hour, starts_at, verdict", "h")}
        FROM {transaction.pair_table("totals", ("node", "survey"))} AS t CROSS JOIN group_hour h
        WHERE h.organization_id = :o AND h.node_id = t.node AND h.survey_id = t.survey
          AND h.local_hour >= :first AND h.local_hour < :stop"""
    rows = transaction.rows(
        text, o=organization, first=hours.start, stop=hours.stop, **transaction.pairs("totals", totals)
    )
    return {GroupHour(*row[:5]): list(row[5:]) for row in rows if any(row[5:])}


def group_totals(transaction: Transaction, organization: int) -> list[tuple[int, int]]:
    """The keys (node, `survey_id`) that have group hours, in order."""
    return [(row[0], row[1]) for row in _distinct(transaction, "group_hour", ("node_id", "survey_id"), organization)]


def next_hour(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    totals: Sequence[tuple[int, int]],
    first: int,
) -> int | None:
    """The first local hour at or after `first` of any of these assignments or group keys; None if there is none."""
    of_assignment = "FROM assignment_hour WHERE organization_id = :o AND assignment_id = a.id AND local_hour >= :first"
    of_total = """FROM group_hour WHERE organization_id = :o AND node_id = t.node AND survey_id = t.survey
        AND local_hour >= :first"""
    row = transaction.row(
        f"""SELECT min(local_hour) FROM (
          SELECT (SELECT min(local_hour) {of_assignment}) AS local_hour
            FROM {transaction.list_table("assignments", "id")} AS a
          UNION ALL SELECT (SELECT min(local_hour) {of_total})
            FROM {transaction.pair_table("totals", ("node", "survey"))} AS t) AS firsts""",
        o=organization,
        first=first,
        assignments=transaction.among(assignments),
        **transaction.pairs("totals", totals),
    )
    return row[0] if row else None


def _aliased(key: str, alias: str) -> str:
    """SQL: the columns of a key and the counts, of the table with an alias."""
    return ", ".join(f"{alias}.{column}" for column in (*key.split(", "), *COUNT_COLUMNS))


def _page(limit: int | None) -> dict[str, object]:
    """The bound values of `Transaction.limit`."""
    return {} if limit is None else {"limit": limit, "offset": 0}


def _distinct(transaction: Transaction, table: str, key: Sequence[str], organization: int) -> Iterator[Row]:
    """The distinct values of the first columns of a table's key, with one index search for each."""
    names, last = ", ".join(key), ", ".join(f":{name}" for name in key)
    text = f"""SELECT {names} FROM {table} WHERE organization_id = :o AND ({names}) > ({last})
        ORDER BY {names} LIMIT 1"""
    values: Row = tuple(BEGINNING for _ in key)
    while row := transaction.row(text, o=organization, **dict(zip(key, values, strict=True))):
        values = row
        yield values


# Hour reports


def hour_reports(
    transaction: Transaction, organization: int, after: tuple[int, int, int], count: int
) -> list[tuple[int, HourReport]]:
    """At most `count` hour reports after a key (smiley, epoch, first sequence), each with its smiley."""
    rows = transaction.rows(
        f"""SELECT smiley_id, epoch, first_sequence, at, utc_offset, {_COUNTS} FROM hour_report
        WHERE organization_id = :o AND (smiley_id, epoch, first_sequence) > (:smiley, :epoch, :first)
        ORDER BY smiley_id, epoch, first_sequence LIMIT :count""",
        o=organization,
        smiley=after[0],
        epoch=after[1],
        first=after[2],
        count=count,
    )
    return [(row[0], HourReport(row[1], row[2], row[3], tuple(row[5:]), row[4])) for row in rows]


def placeholder_count(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
    *,
    hour_filter: HourFilter,
    smileys: Sequence[int] | None = None,
    as_of: int | None = None,
) -> int:
    """How many counted presses under assignments with instants in [start, end) are known only to the hour.

    They are placeholders, which have negative sequences and an index of their own, as presses with a client's UUID may
    have too. With `smileys` only theirs; `as_of` is an older revision, whose placeholders are searched for by the
    epochs with hour reports.
    """
    of_smileys = "" if smileys is None else f"AND {transaction.within(transaction.unindexed('f.smiley_id'), 'smileys')}"
    local_hour = f"((f.at + f.utc_offset * {MINUTE_MS}) / {HOUR_MS})"
    asked = f"AND f.accuracy = {int(Accuracy.HOUR)} {hour_condition(local_hour, hour_filter)} {of_smileys}"
    if as_of is None:
        text = f"""SELECT count(*) FROM {transaction.list_table("assignments", "id")} AS a
            CROSS JOIN feedback f {transaction.indexed_by("ix_feedback_placeholder")}
            WHERE f.organization_id = :o AND f.assignment_id = a.id AND f.sequence < 0
            AND f.at >= :start AND f.at < :stop AND f.verdict = {int(Verdict.COUNTED)} {asked}"""
    else:
        text = f"{_placeholders_as_of(transaction)} {asked}"
    values = {"start": start, "stop": end, "assignments": transaction.among(assignments), "pin": as_of}
    among = {} if smileys is None else {"smileys": transaction.among(smileys)}
    [[number]] = transaction.rows(text, o=organization, **values, **among)
    return int(number)


def _placeholders_as_of(transaction: Transaction) -> str:
    """The query for the placeholders of an older revision; each epoch with hour reports is one search of the key."""
    key = " AND ".join(f"r.{name} = f.{name}" for name in ("smiley_id", "epoch", "sequence"))
    first = f"""(SELECT min(e.revision) FROM restatement e WHERE e.organization_id = :o
        AND {key.replace("r.", "e.")} AND e.revision > :pin)"""
    verdict, assignment = (f"coalesce(r.old_{name}, f.{name})" for name in ("verdict", "assignment_id"))
    return f"""SELECT count(*) FROM (SELECT DISTINCT smiley_id, epoch FROM hour_report WHERE organization_id = :o) AS e
        CROSS JOIN feedback f
        LEFT JOIN restatement r ON r.organization_id = :o AND {key} AND r.revision = {first}
        WHERE f.organization_id = :o AND f.smiley_id = e.smiley_id AND f.epoch = e.epoch
        AND f.sequence < 0 AND {verdict} = {int(Verdict.COUNTED)} AND {transaction.unindexed("f.at")} >= :start
        AND {transaction.unindexed("f.at")} < :stop AND {transaction.within(assignment, "assignments")}
        AND f.revision <= :pin"""
