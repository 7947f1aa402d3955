"""Reading feedback rows in order of time: presses, or answers after them, as they are or as they were at a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Any, Final, NamedTuple

from hymio.feedback import Followup, Metadatum
from hymio.period import HOUR_MS, MINUTE_MS, Instant
from hymio.store.dialect import Row, Transaction
from hymio.store.hours import raw_verdicts
from hymio.store.phases import ANSWERS, Answer


class Phase(Enum):
    """What rows are of: the button, or something that came after it. The values are the tables of the latter."""

    BUTTON = ""
    FOLLOWUP = "followup_feedback"
    TEXT = "text_feedback"
    CONTACT = "contact_feedback"
    METADATA = "metadata_feedback"
    DEMOGRAPHICS = "demographics_feedback"

    @property
    def entry(self) -> type[int] | type[str] | None:
        """The type of `SortKey.entry`: a position, a name, or None where a press has one answer at most."""
        return {Phase.FOLLOWUP: int, Phase.METADATA: str}.get(self)


class SortKey(NamedTuple):
    """Where a row stands in the order of rows; `entry` tells those of one press apart: a position or a name."""

    at: Instant
    smiley: int
    epoch: int
    sequence: int
    entry: int | str | None = None


class FeedbackRow(NamedTuple):
    """A press, with the facts of the revision that was asked for and the answer that came after it, if any was read.

    `at` is in ms UTC, `offset` in minutes; `accuracy`, `verdict` and `ui` are values of the enumerations in `feedback`.
    """

    at: Instant
    offset: int
    button: int
    accuracy: int
    verdict: int
    smiley: int
    epoch: int
    sequence: int
    ui: int | None
    assignment: int
    answer: Answer | None = None

    @property
    def sort_key(self) -> SortKey:
        """Where it stands in the order of rows: a page may go on from there."""
        entry: int | str | None = None
        if isinstance(self.answer, Followup):
            entry = self.answer.position
        elif isinstance(self.answer, Metadatum):
            entry = self.answer.name
        return SortKey(self.at, self.smiley, self.epoch, self.sequence, entry)


_FACTS: Final = len(FeedbackRow._fields) - 1
"""Columns of the press; those of the answer's table follow."""

_feedback_row: Final[Callable[[tuple[Any, ...]], FeedbackRow]] = partial(tuple.__new__, FeedbackRow)
"""Twice as fast as by name; a page has thousands."""

_NO_TEXT: Final = (None,) * len(ANSWERS[Phase.TEXT.value].columns)
"""The columns of a text that was not written; of one that was, the position at least is no NULL."""

_ENTRIES: Final = {Phase.FOLLOWUP: "position", Phase.METADATA: "name"}
"""The column that tells rows of one press apart, of phases of which a press may have several."""


class Selection(NamedTuple):
    """Which rows are read: of a phase, under assignments, in a state of a revision, in an order.

    misuse      misuse too, or counted presses only
    spam        texts that are spam too
    restated    whether any press was restated after the revision, so that its facts of then must be looked up
    by_press    whether answers are looked up for each press, instead of presses for each answer of the organization
    with_text   buttons come with the text that was written after them
    """

    phase: Phase
    assignments: tuple[int, ...]
    revision: int
    misuse: bool = True
    spam: bool = True
    restated: bool = False
    descending: bool = False
    by_press: bool = False
    with_text: bool = False

    @property
    def table(self) -> str:
        """The table of the answers that rows come with; empty without any."""
        return Phase.TEXT.value if self.with_text else self.phase.value


def rows(
    transaction: Transaction,
    organization: int,
    selection: Selection,
    start: Instant,
    end: Instant,
    *,
    after: SortKey | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[FeedbackRow]:
    """The rows with instants in [start, end), ascending or descending by `SortKey`, streamed.

    With `after`, those that come after this key in that order; `offset` of them are left out.
    """
    columns = _order(transaction, selection)
    direction = " DESC" if selection.descending else ""
    text = f"""{_source(transaction, selection)} {_after(transaction, selection, columns, after)}
        ORDER BY {", ".join(column + direction for column in columns)} {transaction.limit(limit, offset)}"""
    values = {**_values(transaction, organization, selection, start, end), **_key_values(after)}
    found = transaction.stream(text, **values, offset=offset, limit=limit)
    if not selection.table:
        return map(_feedback_row, found)
    return map(partial(_with_answer, ANSWERS[selection.table].made), found)


def count(transaction: Transaction, organization: int, selection: Selection, start: Instant, end: Instant) -> int:
    """How many rows `rows` gives without an offset and a limit, counted one by one: for phases, which are few."""
    text = f"SELECT count(*) FROM ({_source(transaction, selection)}) AS selected"
    [[number]] = transaction.rows(text, **_values(transaction, organization, selection, start, end))
    return int(number)


def _with_answer(made: Callable[[Row], Answer], row: Row) -> FeedbackRow:
    """A row of feedback with the answer made of its last columns, None if they are NULL."""
    answer = row[_FACTS:]
    return _feedback_row((*row[:_FACTS], None if answer == _NO_TEXT else made(answer)))


# --- SQL of a selection ----------------------------------------------------------------------------------------------
# Tables go by a letter: f feedback, a answers, r restatement, d departure; p is a press as it was at the revision.


def _source(transaction: Transaction, selection: Selection) -> str:
    """A SELECT to which another condition and an order may be added."""
    if selection.phase is not Phase.BUTTON and not selection.by_press:
        return _presses_of_answers(transaction, selection)
    presses, was_there = _now_under_assignments(transaction, selection), ""
    if selection.restated:
        presses = f"{presses} UNION ALL {_moved_away(transaction, selection)}"
        was_there = f"AND {_under(transaction, 'p', selection.assignments)}"
    return f"""SELECT p.*, {_answer_columns(selection)} FROM ({presses}) AS p {_answers(transaction, selection)}
        WHERE {raw_verdicts("p.verdict", selection.misuse)} {was_there} {_answer_condition(transaction, selection)}"""


def _now_under_assignments(transaction: Transaction, selection: Selection) -> str:
    """SQL: a SELECT of the presses whose present assignment is the selection's, stored by its revision (`:pin`)."""
    return f"""SELECT {_facts(selection)} FROM {presses(transaction)} {_first_restatement(selection)}
        WHERE {stored_under(transaction, selection.assignments)} AND f.revision <= :pin"""


def _moved_away(transaction: Transaction, selection: Selection) -> str:
    """SQL: a SELECT of the presses that moved to other assignments since the revision, each of them once."""
    return f"""SELECT DISTINCT {_facts(selection)} FROM departure d CROSS JOIN feedback f CROSS JOIN restatement r
        WHERE d.organization_id = :o AND {_under(transaction, "d", selection.assignments)}
        AND d.at >= :start AND d.at < :stop AND d.revision > :pin AND {_same_key("f", "d")}
        AND NOT {_under(transaction, "f", selection.assignments)}
        AND f.at >= :start AND f.at < :stop AND f.revision <= :pin
        AND {_same_key("r", "f")} AND r.revision = {_first_since("f")}"""


def _presses_of_answers(transaction: Transaction, selection: Selection) -> str:
    """Answers by their own key, which is in order of time; the join only looks up the facts of their presses."""
    verdict, assignment = _fact("verdict", selection), _fact("assignment_id", selection)
    return f"""SELECT {_facts(selection)}, {_answer_columns(selection)}
        FROM {selection.table} a CROSS JOIN feedback f {_first_restatement(selection)}
        WHERE a.organization_id = :o AND a.at >= :start AND a.at < :stop {_answer_condition(transaction, selection)}
        AND {_same_key("f", "a")} AND f.revision <= :pin AND {raw_verdicts(verdict, selection.misuse)}
        AND {_within(transaction, assignment, selection.assignments)}"""


def presses(transaction: Transaction) -> str:
    """SQL: the table of presses, read by assignment and instant; with many assignments SQLite would rather read all."""
    return f"feedback f {transaction.indexed_by('ix_feedback_assignment_at')}"


def stored_under(transaction: Transaction, assignments: Sequence[int]) -> str:
    """SQL: a press of `presses` is under one of the assignments now, in [:start, :stop)."""
    return f"f.organization_id = :o AND {_under(transaction, 'f', assignments)} AND f.at >= :start AND f.at < :stop"


def bound(transaction: Transaction, organization: int, assignments: Sequence[int]) -> dict[str, object]:
    """The values to bind to `stored_under`, besides the range."""
    if len(assignments) == 1:
        return {"o": organization, "assignment": assignments[0]}
    return {"o": organization, "assignments": transaction.among(assignments)}


def _values(
    transaction: Transaction, organization: int, selection: Selection, start: Instant, end: Instant
) -> dict[str, object]:
    """The bound values of a selection in [start, end)."""
    chosen = bound(transaction, organization, selection.assignments)
    return {**chosen, "start": start, "stop": end, "pin": selection.revision}


def _under(transaction: Transaction, table: str, assignments: Sequence[int]) -> str:
    """SQL: the condition that a table's rows belong to these assignments."""
    return _within(transaction, f"{table}.assignment_id", assignments)


def _within(transaction: Transaction, column: str, assignments: Sequence[int]) -> str:
    """SQL: the condition that a column is one of these assignments."""
    # By one assignment the index gives rows in their order, and nothing is sorted.
    return f"{column} = :assignment" if len(assignments) == 1 else transaction.within(column, "assignments")


def _facts(selection: Selection) -> str:
    """SQL: the columns of a feedback as of the selection's revision."""
    offset, verdict, assignment = (_fact(name, selection) for name in ("utc_offset", "verdict", "assignment_id"))
    return f"""f.at, {offset} AS utc_offset, f.button, f.accuracy, {verdict} AS verdict,
        f.smiley_id, f.epoch, f.sequence, f.ui, {assignment} AS assignment_id"""


def _fact(name: str, selection: Selection) -> str:
    """SQL: a column of `feedback`, or its old value if the row was restated after the revision."""
    return f"coalesce(r.old_{name}, f.{name})" if selection.restated else f"f.{name}"


def _first_restatement(selection: Selection) -> str:
    """A join with the first restatement after the revision, which says what a press was at it."""
    on = f"{_same_key('r', 'f')} AND r.revision = {_first_since('f')}"
    return f"LEFT JOIN restatement r ON {on}" if selection.restated else ""


def _first_since(press: str) -> str:
    """SQL: the revision of the first restatement of a press after the revision."""
    return f"(SELECT min(e.revision) FROM restatement e WHERE {_same_key('e', press)} AND e.revision > :pin)"


def _same_key(one: str, other: str) -> str:
    """SQL: the condition that two tables' rows have the same press key."""
    names = ("organization_id", "smiley_id", "epoch", "sequence")
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in names)


def _answer_columns(selection: Selection) -> str:
    """SQL: the columns of the selection's table of phases."""
    columns = ANSWERS[selection.table].columns if selection.table else ()
    return ", ".join(f"a.{name} AS answer_{name}" for name in columns) or "NULL AS answer"


def _answers(transaction: Transaction, selection: Selection) -> str:
    """A join of presses with their answers."""
    if not selection.table:
        return ""
    on = _of_press(transaction)
    return f"LEFT JOIN {selection.table} a ON {on}" if selection.with_text else f"CROSS JOIN {selection.table} a"


def _of_press(transaction: Transaction) -> str:
    """SQL: the condition that an answer belongs to a press."""
    # Otherwise SQLite would search each press's answers by the range of instants.
    at = transaction.unindexed("p.at")
    key = " AND ".join(f"a.{name} = p.{name}" for name in ("smiley_id", "epoch", "sequence"))
    return f"a.organization_id = :o AND a.at = {at} AND {key}"


def _answer_condition(transaction: Transaction, selection: Selection) -> str:
    """SQL: the condition on answers of a selection: revision, and spam unless it is selected."""
    if selection.phase is Phase.BUTTON:
        return ""
    of_press = f"AND {_of_press(transaction)}" if selection.by_press else ""
    spam = "" if selection.spam or selection.phase is not Phase.TEXT else "AND coalesce(a.spam, 0) = 0"
    return f"{of_press} AND a.revision <= :pin {spam}"


def _order(transaction: Transaction, selection: Selection) -> tuple[str, ...]:
    """The columns of `SortKey`."""
    table = "p" if selection.phase is Phase.BUTTON else "a"
    key = tuple(f"{table}.{name}" for name in ("at", "smiley_id", "epoch", "sequence"))
    entry = _ENTRIES.get(selection.phase)
    if entry is None:
        return key
    return *key, transaction.in_byte_order(f"a.{entry}") if selection.phase is Phase.METADATA else f"a.{entry}"


def _after(transaction: Transaction, selection: Selection, columns: Sequence[str], after: SortKey | None) -> str:
    """SQL: the condition that a row comes after a sort key, for the next page."""
    if after is None:
        return ""
    names = ", ".join(f":{name}" for name in _key_values(after))
    at, *others = columns
    if selection.by_press:  # otherwise SQLite would search all answers after the key instead of those of each press
        at = transaction.unindexed(at)
    return f"AND ({', '.join([at, *others])}) {'<' if selection.descending else '>'} ({names})"


def _key_values(after: SortKey | None) -> dict[str, object]:
    """The bound values of `_after`."""
    values = {} if after is None else after._asdict()
    return {f"after_{name}": value for name, value in values.items() if value is not None}


# --- how many, and since when ----------------------------------------------------------------------------------------


def has_texts(transaction: Transaction, organization: int) -> bool:
    """Whether the organization has any text feedback."""
    return transaction.row("SELECT 1 FROM text_feedback WHERE organization_id = :o LIMIT 1", o=organization) is not None


def has_more_answers(
    transaction: Transaction, organization: int, phase: Phase, start: Instant, end: Instant, number: int
) -> bool:
    """Whether the organization has more than so many answers with instants in [start, end); it looks at no more."""
    [[found]] = transaction.rows(
        f"""SELECT count(*) FROM (SELECT 1 AS one FROM {phase.value} WHERE organization_id = :o
        AND at >= :start AND at < :stop LIMIT :most) AS found""",
        o=organization,
        start=start,
        stop=end,
        most=number + 1,
    )
    return int(found) > number


def last_restatement(transaction: Transaction, organization: int) -> int:
    """The revision in which a press was last restated; 0 without any."""
    [[revision]] = transaction.rows("SELECT max(revision) FROM restatement WHERE organization_id = :o", o=organization)
    return revision or 0


def count_in_cut_hours(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
    *,
    misuse: bool,
) -> int:
    """How many presses in [start, end) lie in hours that begin before it or end after it, counted one by one."""
    shift = f"f.utc_offset * {MINUTE_MS}"
    starts_at = f"((f.at + {shift}) / {HOUR_MS} * {HOUR_MS} - {shift})"
    text = f"""SELECT count(*) FROM {presses(transaction)} WHERE {stored_under(transaction, assignments)}
        AND ({starts_at} < :first OR {starts_at} > :last) AND {raw_verdicts("f.verdict", misuse)}"""
    values = {**bound(transaction, organization, assignments), "first": start, "last": end - HOUR_MS}
    edges = [(start, end)] if end - start < 2 * HOUR_MS else [(start, start + HOUR_MS), (end - HOUR_MS, end)]
    total = 0
    for since, until in edges:
        [[number]] = transaction.rows(text, **values, start=since, stop=until)
        total += int(number)
    return total


class HourCount(NamedTuple):
    """How many presses of a button lay in a local hour with an offset (minutes), under a verdict."""

    hour: int
    offset: int
    verdict: int
    button: int
    presses: int


def counts_as_of(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    ranges: Sequence[tuple[Instant, Instant]],
    revision: int,
) -> Iterator[HourCount]:
    """What lay in ranges of instants at a revision, counted by the engine; a local hour may come more than once.

    Presses that have moved away are looked for once, however many ranges there are.
    """
    selection = Selection(Phase.BUTTON, tuple(assignments), revision, restated=True)
    sources = [(_now_under_assignments(transaction, selection), each) for each in ranges]
    sources += [(_moved_away(transaction, selection), (ranges[0][0], ranges[-1][1]))] if ranges else []
    for source, (start, end) in sources:
        text = f"""SELECT (p.at + p.utc_offset * {MINUTE_MS}) / {HOUR_MS}, p.utc_offset, p.verdict, p.button, count(*)
            FROM ({source}) AS p WHERE {raw_verdicts("p.verdict", misuse=True)}
            AND {_under(transaction, "p", assignments)} GROUP BY 1, 2, 3, 4"""
        found = transaction.rows(text, **_values(transaction, organization, selection, start, end))
        yield from map(HourCount._make, found)


class Revisions(NamedTuple):
    """The revision of an organization's last commit, and that of the last one that changed its set-up."""

    revision: int
    setup: int


def revisions(transaction: Transaction, organization: int) -> Revisions | None:
    """How far an organization's ledger is; None without that organization."""
    row = transaction.row("SELECT revision, setup_revision FROM ledger WHERE organization_id = :o", o=organization)
    return None if row is None else Revisions(*row)
