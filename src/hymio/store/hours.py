"""Reading stored hours: counts per button of local hours, of assignments or of groups, and how many rows they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from hymio.feedback import Verdict
from hymio.period import HOUR_MS, Instant
from hymio.rollup import MAX_BUTTONS, GroupSubject, OfScale, OfSurvey
from hymio.setup import Layout
from hymio.store.dialect import Transaction

# --- the stored form of a group's subject ----------------------------------------------------------------------------

GroupKey = tuple[int, int]
"""A node and the `survey_id` of a subject."""


def survey_id(subject: GroupSubject) -> int:
    """The column `survey_id` of `group_hour`: a survey's id, or minus the number of buttons for a whole scale."""
    return subject.survey if isinstance(subject, OfSurvey) else -subject.buttons


def group_subject(node: int, survey_id: int) -> GroupSubject:
    """The subject of a row of `group_hour`: `survey_id` undone."""
    return OfSurvey(node, survey_id) if survey_id > 0 else OfScale(node, -survey_id)


def group_keys(layout: Layout) -> Callable[[int], tuple[GroupKey, ...]]:
    """A function that gives the keys of the group hours that include the hours of an assignment, kept by the layout."""
    known = layout.stored_keys

    def keys(assignment: int) -> tuple[GroupKey, ...]:
        of_assignment = known.get(assignment)
        if of_assignment is None:
            subjects = layout.group_subjects(assignment)
            of_assignment = known[assignment] = tuple((subject.node, survey_id(subject)) for subject in subjects)
        return of_assignment

    return keys


# --- reading hours ---------------------------------------------------------------------------------------------------


class AssignmentHours(NamedTuple):
    """The hours of assignments, with separate rows for each."""

    assignments: tuple[int, ...]


class GroupHours(NamedTuple):
    """The hours of groups: their subjects, each with its number of buttons."""

    subjects: tuple[tuple[GroupSubject, int], ...]


Source = AssignmentHours | GroupHours
"""Whose hours are read; there is a row for each assignment or subject, hour and verdict."""


class StoredHour(NamedTuple):
    """A local hour under one verdict: its nominal start (ms UTC), when it last changed, and presses per button."""

    hour: int
    starts_at: Instant
    verdict: int
    revision: int
    counts: tuple[int, ...]


class HourSize(NamedTuple):
    """The number of rows of feedback in the hours with a nominal start."""

    starts_at: Instant
    rows: int


_stored_hour: Final[Callable[[tuple[Any, ...]], StoredHour]] = partial(tuple.__new__, StoredHour)
"""Makes an hour of a tuple, twice as fast as the constructor; a year of a group has thousands."""

_SLACK_HOURS: Final = 16
"""No zone is further from UTC: a range of instants may have local hours up to this much before and after."""

_RANGE: Final = "local_hour >= :first AND local_hour <= :last AND starts_at >= :start AND starts_at < :stop"


def hours(
    transaction: Transaction, organization: int, source: Source, start: Instant, end: Instant, buttons: int
) -> Iterator[StoredHour]:
    """The hours whose nominal start is in [start, end), in no order, with the counts of the first `buttons` buttons."""
    columns = f"local_hour, starts_at, verdict, revision, {', '.join(_buttons(buttons))}"
    for table, values, _ in parts_of(transaction, source):
        rows = transaction.rows(f"SELECT {columns} {table}", o=organization, **values, **bounds_of(start, end))
        for row in rows:
            yield _stored_hour((*row[:4], row[4:]))


def last_revision(
    transaction: Transaction, organization: int, source: Source, start: Instant, end: Instant
) -> int:  # fmt: skip
    """The revision that last changed an hour that overlaps [start, end); 0 without any."""
    last = 0
    for table, values, _ in parts_of(transaction, source):
        bounds = bounds_of(start - HOUR_MS + 1, end)
        [[revision]] = transaction.rows(f"SELECT max(revision) {table}", o=organization, **values, **bounds)
        last = max(last, revision or 0)
    return last


def hour_sizes(
    transaction: Transaction, organization: int, source: Source, start: Instant, end: Instant, *, misuse: bool
) -> list[HourSize]:
    """The number of rows in each hour that starts in [start, end), in order of time, without empty hours.

    The rows are counted ones, or with `misuse` all raw results.
    """
    sizes: dict[Instant, int] = {}
    for table, values, buttons in parts_of(transaction, source):
        text = f"""SELECT starts_at, sum({" + ".join(_buttons(buttons))}) {table} AND {raw_verdicts("verdict", misuse)}
            GROUP BY starts_at"""
        for starts_at, rows in transaction.rows(text, o=organization, **values, **bounds_of(start, end)):
            sizes[starts_at] = sizes.get(starts_at, 0) + int(rows)
    return sorted(HourSize(starts_at, rows) for starts_at, rows in sizes.items() if rows)


def row_total(
    transaction: Transaction, organization: int, source: Source, start: Instant, end: Instant, *, misuse: bool
) -> int:
    """The number of rows, counted ones or all raw results, in the hours that start in [start, end)."""
    total = 0
    for table, values, buttons in parts_of(transaction, source):
        text = f"""SELECT sum({" + ".join(_buttons(buttons))}) {table} AND {raw_verdicts("verdict", misuse)}"""
        [[rows]] = transaction.rows(text, o=organization, **values, **bounds_of(start, end))
        total += int(rows or 0)
    return total


def hour_bounds(transaction: Transaction, organization: int, source: Source) -> tuple[Instant, Instant]:
    """A range of instants that contains all hours of a source, up to a day longer at each end; empty without hours."""
    ends: list[int] = []
    for of_key, values in _keys(source):
        text = f"SELECT (SELECT min(local_hour) {of_key}), (SELECT max(local_hour) {of_key})"
        [first_and_last] = transaction.rows(text, o=organization, **values)
        ends += [hour for hour in first_and_last if hour is not None]
    if not ends:
        return 0, 0
    return (min(ends) - _SLACK_HOURS) * HOUR_MS, (max(ends) + 1 + _SLACK_HOURS) * HOUR_MS


class HourFilter(NamedTuple):
    """Which hours are added: those of these weekdays (0 is Monday) and hours of the day; None is all of them."""

    weekdays: tuple[int, ...] | None = None
    hours: tuple[int, ...] | None = None

    def holds(self, hour: int) -> bool:
        """Whether a local hour is added."""
        return (self.weekdays is None or weekday_of(hour) in self.weekdays) and (
            self.hours is None or hour % 24 in self.hours
        )


def weekday_of(hour: int) -> int:
    """The weekday of a local hour, 0 for Monday: 1970-01-01 was a Thursday."""
    return (hour // 24 + 3) % 7


def counted_of_groups(
    transaction: Transaction,
    organization: int,
    keys: Sequence[GroupKey],
    start: Instant,
    end: Instant,
    hour_filter: HourFilter,
) -> dict[GroupKey, tuple[int, ...]]:
    """The counted presses by button of groups, by their keys, in the hours whose nominal start is in [start, end)."""
    text = f"""SELECT t.node, t.survey, {_sums("h")} FROM {transaction.pair_table("totals", ("node", "survey"))} AS t
        CROSS JOIN group_hour h WHERE h.organization_id = :o AND h.node_id = t.node AND h.survey_id = t.survey
        AND {_counted_in("h", hour_filter)} GROUP BY t.node, t.survey"""
    values = {**bounds_of(start, end), **transaction.pairs("totals", keys)}
    rows = transaction.rows(text, o=organization, **values)
    return {(row[0], row[1]): tuple(map(int, row[2:])) for row in rows}


def counted_of_assignments(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
    hour_filter: HourFilter,
) -> dict[int, tuple[int, ...]]:
    """The counted presses by button of assignments in the hours whose nominal start is in [start, end)."""
    text = f"""SELECT a.id, {_sums("h")} FROM {transaction.list_table("assignments", "id")} AS a
        CROSS JOIN assignment_hour h WHERE h.organization_id = :o AND h.assignment_id = a.id
        AND {_counted_in("h", hour_filter)} GROUP BY a.id"""
    values = {**bounds_of(start, end), "assignments": transaction.among(assignments)}
    rows = transaction.rows(text, o=organization, **values)
    return {row[0]: tuple(map(int, row[1:])) for row in rows}


# --- sums of the hours of a source -----------------------------------------------------------------------------------


class DateSum(NamedTuple):
    """The presses by button on a local date (days since 1970-01-01) under a verdict."""

    date: int
    verdict: int
    counts: tuple[int, ...]


class CellSum(NamedTuple):
    """The counted presses by button in an hour of the week: 24 · weekday + hour of the day."""

    cell: int
    counts: tuple[int, ...]


class HourSum(NamedTuple):
    """The counted presses by button in a local hour; with its nominal start, or 0 if its starts are added."""

    hour: int
    starts_at: Instant
    counts: tuple[int, ...]


class Restated(NamedTuple):
    """How many hours have counted presses, and how many of these changed last some time after their start."""

    hours: int
    restated: int


def sums_by_date(
    transaction: Transaction, organization: int, source: Source, start: Instant, end: Instant, hour_filter: HourFilter
) -> Iterator[DateSum]:
    """The presses on each local date, in the hours whose nominal start is in [start, end); a date may occur twice."""
    for table, values, buttons in parts_of(transaction, source):
        text = f"""SELECT local_hour / 24, verdict, {_added(buttons)} {table}
            {hour_condition("local_hour", hour_filter)} AND {raw_verdicts("verdict", misuse=True)} GROUP BY 1, 2"""
        for row in transaction.rows(text, o=organization, **values, **bounds_of(start, end)):
            yield DateSum(row[0], row[1], tuple(map(int, row[2:])))


def sums_by_cell(
    transaction: Transaction, organization: int, source: Source, start: Instant, end: Instant, hour_filter: HourFilter
) -> Iterator[CellSum]:
    """The counted presses in each hour of the week, in the hours whose nominal start is in [start, end)."""
    for table, values, buttons in parts_of(transaction, source):
        text = f"""SELECT (local_hour / 24 + 3) % 7 * 24 + local_hour % 24, {_added(buttons)} {table}
            {hour_condition("local_hour", hour_filter)} AND {raw_verdicts("verdict", misuse=False)} GROUP BY 1"""
        for row in transaction.rows(text, o=organization, **values, **bounds_of(start, end)):
            yield CellSum(row[0], tuple(map(int, row[1:])))


def counted_by_hour(
    transaction: Transaction,
    organization: int,
    source: Source,
    start: Instant,
    end: Instant,
    hour_filter: HourFilter,
    *,
    by_start: bool,
) -> Iterator[HourSum]:
    """The counted presses of each local hour or, `by_start`, of each start of one that has any.

    Of the hours whose nominal start is in [start, end), in no order; an hour may occur twice. Without `by_start`, hours
    with misuse alone have no presses.
    """
    key, groups = "local_hour, 0", "GROUP BY 1"
    if by_start:
        key, groups = "local_hour, starts_at", f"AND {raw_verdicts('verdict', misuse=False)} GROUP BY 1, 2"
    for table, values, buttons in parts_of(transaction, source):
        sums = ", ".join(f"sum(CASE verdict WHEN {int(Verdict.COUNTED)} THEN {name} END)" for name in _buttons(buttons))
        text = f"SELECT {key}, {sums} {table} {hour_condition('local_hour', hour_filter)} {groups}"
        for row in transaction.rows(text, o=organization, **values, **bounds_of(start, end)):
            yield HourSum(row[0], row[1], tuple(int(count or 0) for count in row[2:]))


def restated_hours(
    transaction: Transaction,
    organization: int,
    source: Source,
    start: Instant,
    end: Instant,
    hour_filter: HourFilter,
    late: int,
) -> Restated:
    """The hours whose nominal start is in [start, end), and those that changed last more than `late` ms after it."""
    hours = restated = 0
    for table, values, buttons in parts_of(transaction, source):
        text = f"""SELECT count(*), sum(CASE WHEN r.committed_at > h.starts_at + :late THEN 1 ELSE 0 END) FROM (
              SELECT local_hour, starts_at, max(revision) AS revision {table}
              {hour_condition("local_hour", hour_filter)} AND {_has_counted(buttons)} GROUP BY local_hour, starts_at
            ) AS h LEFT JOIN revision r ON r.organization_id = :o AND r.revision = h.revision"""
        [row] = transaction.rows(text, o=organization, late=late, **values, **bounds_of(start, end))
        hours, restated = hours + int(row[0]), restated + int(row[1] or 0)
    return Restated(hours, restated)


def starts_of_hours(
    transaction: Transaction, organization: int, source: Source, start: Instant, end: Instant, hour_filter: HourFilter
) -> Iterator[Instant]:
    """The nominal starts in [start, end) of hours with counted presses, in no order."""
    for table, values, buttons in parts_of(transaction, source):
        in_filter = hour_condition("local_hour", hour_filter)
        text = f"SELECT DISTINCT starts_at {table} {in_filter} AND {_has_counted(buttons)}"
        for [starts_at] in transaction.rows(text, o=organization, **values, **bounds_of(start, end)):
            yield starts_at


def _added(buttons: int) -> str:
    return ", ".join(f"sum({name})" for name in _buttons(buttons))


def _has_counted(buttons: int) -> str:
    """SQL: the condition that a row has counted presses."""
    return f"{raw_verdicts('verdict', misuse=False)} AND {' + '.join(_buttons(buttons))} > 0"


# --- the hours of assignments ----------------------------------------------------------------------------------------


def counted_by_range(
    transaction: Transaction, organization: int, assignments: Sequence[int], ranges: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """Assignment, first local hour and number of counted presses of each assignment in ranges [first, end) of hours."""
    added = " + ".join(f"h.{name}" for name in _buttons(MAX_BUTTONS))
    text = f"""SELECT a.id, t.first, sum({added}) FROM {transaction.list_table("assignments", "id")} AS a
        CROSS JOIN {transaction.pair_table("ranges", ("first", "ending"))} AS t CROSS JOIN assignment_hour h
        WHERE h.organization_id = :o AND h.assignment_id = a.id AND h.local_hour >= t.first
        AND h.local_hour < t.ending AND {raw_verdicts("h.verdict", misuse=False)} GROUP BY a.id, t.first"""
    values = {"assignments": transaction.among(assignments), **transaction.pairs("ranges", ranges)}
    for assignment, first, number in transaction.rows(text, o=organization, **values):
        yield assignment, first, int(number)


def counted_at_most(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    ranges: Sequence[tuple[int, int]],
    enough: int,
) -> Iterator[tuple[int, int, int]]:
    """`counted_by_range`, where numbers of at least `enough` are not exact: of each range few hours are read."""
    added = " + ".join(f"h.{name}" for name in _buttons(MAX_BUTTONS))
    text = f"""SELECT a.id, t.first, (
          SELECT sum(number) FROM (
            SELECT {added} AS number FROM assignment_hour h
            WHERE h.organization_id = :o AND h.assignment_id = a.id AND h.local_hour >= t.first
            AND h.local_hour < t.ending AND {raw_verdicts("h.verdict", misuse=False)} AND {added} > 0 LIMIT :enough
          ) AS few
        ) FROM {transaction.list_table("assignments", "id")} AS a
        CROSS JOIN {transaction.pair_table("ranges", ("first", "ending"))} AS t"""
    values = {"assignments": transaction.among(assignments), **transaction.pairs("ranges", ranges), "enough": enough}
    for assignment, first, number in transaction.rows(text, o=organization, **values):
        yield assignment, first, int(number or 0)


def number_of_hours(
    transaction: Transaction, organization: int, assignments: Sequence[int], first: int, end: int
) -> int:  # fmt: skip
    """How many rows `hours_by_assignment` gives."""
    text = f"""SELECT count(*) FROM {transaction.list_table("assignments", "id")} AS a CROSS JOIN assignment_hour h
        WHERE h.organization_id = :o AND h.assignment_id = a.id AND h.local_hour >= :first AND h.local_hour < :end"""
    values = {"assignments": transaction.among(assignments), "first": first, "end": end}
    [[number]] = transaction.rows(text, o=organization, **values)
    return int(number)


def hours_by_assignment(
    transaction: Transaction, organization: int, assignments: Sequence[int], first: int, end: int, buttons: int
) -> Iterator[tuple[int, int, int, tuple[int, ...]]]:
    """Assignment, local hour in [first, end), verdict and presses by button of the hours of assignments, in no order.

    An hour may occur more than once, with another start.
    """
    columns = ", ".join(f"h.{name}" for name in ("local_hour", "verdict", *_buttons(buttons)))
    text = f"""SELECT h.assignment_id, {columns}
        FROM {transaction.list_table("assignments", "id")} AS a CROSS JOIN assignment_hour h
        WHERE h.organization_id = :o AND h.assignment_id = a.id AND h.local_hour >= :first AND h.local_hour < :end"""
    values = {"assignments": transaction.among(assignments), "first": first, "end": end}
    for row in transaction.stream(text, o=organization, **values):
        yield row[0], row[1], row[2], row[3:]


def _sums(alias: str) -> str:
    return ", ".join(f"sum({alias}.{name})" for name in _buttons(MAX_BUTTONS))


def _in_range(alias: str) -> str:
    """SQL: the condition of `_RANGE` on a table with an alias."""
    return f"""{alias}.local_hour >= :first AND {alias}.local_hour <= :last
        AND {alias}.starts_at >= :start AND {alias}.starts_at < :stop"""


def _counted_in(alias: str, hour_filter: HourFilter) -> str:
    """SQL: the condition that an hour is counted, in a range and in a filter (of whole numbers, written out)."""
    in_filter = hour_condition(f"{alias}.local_hour", hour_filter)
    return f"{_in_range(alias)} AND {alias}.verdict = {int(Verdict.COUNTED)} {in_filter}"


def hour_condition(column: str, hour_filter: HourFilter) -> str:
    """SQL: further conditions, each with AND, that a local hour is in a filter of whole numbers, written out."""
    text = ""
    if hour_filter.weekdays is not None:
        text += f" AND ({column} / 24 + 3) % 7 IN ({_numbers(hour_filter.weekdays)})"
    if hour_filter.hours is not None:
        text += f" AND {column} % 24 IN ({_numbers(hour_filter.hours)})"
    return text


def _numbers(values: Sequence[int]) -> str:
    return ", ".join(str(int(value)) for value in values) or "NULL"


def _keys(source: Source) -> Iterator[tuple[str, dict[str, object]]]:
    """SQL from FROM on for each key of a source: one index search for each, where one for all would read all rows."""
    if isinstance(source, AssignmentHours):
        for assignment in source.assignments:
            yield "FROM assignment_hour WHERE organization_id = :o AND assignment_id = :a", {"a": assignment}
        return
    for subject, _ in source.subjects:
        text = "FROM group_hour WHERE organization_id = :o AND node_id = :node AND survey_id = :survey"
        yield text, {"node": subject.node, "survey": survey_id(subject)}


def raw_verdicts(column: str, misuse: bool) -> str:
    """SQL: the condition that a verdict is that of a raw result or, without `misuse`, of a counted one."""
    return f"{column} < {int(Verdict.SUPERSEDED)}" if misuse else f"{column} = {int(Verdict.COUNTED)}"


def _buttons(count: int) -> list[str]:
    return [f"c{button}" for button in range(count)]


def bounds_of(start: Instant, end: Instant) -> dict[str, object]:
    first, last = start // HOUR_MS - _SLACK_HOURS, end // HOUR_MS + _SLACK_HOURS
    return {"first": first, "last": last, "start": start, "stop": end}


def parts_of(transaction: Transaction, source: Source) -> Iterator[tuple[str, dict[str, object], int]]:
    """SQL from FROM on for each part of a source, the values to bind to it, and how many buttons it has."""
    if isinstance(source, AssignmentHours):
        condition = f"organization_id = :o AND {_RANGE}"
        table, where = transaction.searched_within("assignment_hour", "assignment_id", "assignments", condition)
        yield f"FROM {table} WHERE {where}", {"assignments": transaction.among(source.assignments)}, MAX_BUTTONS
        return
    for subject, buttons in source.subjects:
        text = f"""FROM group_hour WHERE organization_id = :o AND node_id = :node AND survey_id = :survey
            AND {_RANGE}"""
        yield text, {"node": subject.node, "survey": survey_id(subject)}, buttons


# --- reported through ------------------------------------------------------------------------------------------------


def reported_through(transaction: Transaction, organization: int) -> dict[int, Instant]:
    """The reported-through instant of each smiley that has one."""
    rows = transaction.rows(
        """SELECT smiley_id, reported_through FROM smiley_state
        WHERE organization_id = :o AND reported_through IS NOT NULL""",
        o=organization,
    )
    return dict(rows)
