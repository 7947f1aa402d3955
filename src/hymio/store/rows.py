"""Reads rows of feedback in order of time: presses, or answers after them, as of the present or an older revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Any, Final, NamedTuple

from hymio.feedback import Followup, Metadatum
from hymio.period import HOUR_MS, MINUTE_MS, Instant
from hymio.store.dialect import Row, Transaction
from hymio.store.hours import HourFilter, hour_condition, raw_verdicts
from hymio.store.phases import ANSWERS, Answer


class Phase(Enum):
    """The phase whose rows are read: the button or a later one. The values are the tables of later ones."""

    BUTTON = ""
    FOLLOWUP = "followup_feedback"
    TEXT = "text_feedback"
    CONTACT = "contact_feedback"
    METADATA = "metadata_feedback"
    DEMOGRAPHICS = "demographics_feedback"

    @property
    def entry(self) -> type[int] | type[str] | None:
        """The type of `SortKey.entry`: position or name, None for a phase of which a press has at most one answer."""
        return {Phase.FOLLOWUP: int, Phase.METADATA: str}.get(self)


class SortKey(NamedTuple):
    """The place of a row in the order of rows; `entry`, a position or a name, distinguishes the rows of one press."""

    at: Instant
    smiley: int
    epoch: int
    sequence: int
    entry: int | str | None = None


class FeedbackRow(NamedTuple):
    """A press as of the requested revision, with the answer after it if answers were read and it has one.

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
        """Its place in the order of rows, after which the next page continues."""
        entry: int | str | None = None
        if isinstance(self.answer, Followup):
            entry = self.answer.position
        elif isinstance(self.answer, Metadatum):
            entry = self.answer.name
        return SortKey(self.at, self.smiley, self.epoch, self.sequence, entry)


_FACTS: Final = len(FeedbackRow._fields) - 1
"""Columns of the press; those of the answer's table follow."""

_feedback_row: Final[Callable[[tuple[Any, ...]], FeedbackRow]] = partial(tuple.__new__, FeedbackRow)
"""Makes a row of a tuple, twice as fast as the constructor; a page has thousands."""

_NO_TEXT: Final = (None,) * len(ANSWERS[Phase.TEXT.value].columns)
"""The columns of a missing text; a stored one has at least its position."""

_INDEX: Final = "ix_feedback_assignment_at"

_ENTRIES: Final = {Phase.FOLLOWUP: "position", Phase.METADATA: "name"}
"""The column that distinguishes the rows of one press, for phases of which it may have several."""


class Selection(NamedTuple):
    """Which rows are read: those of a phase under assignments, as of a revision, in an order.

    misuse      with misuse, or only counted presses
    spam        with texts that are spam
    restated    whether any press was restated after the revision, so that old values must be looked up
    by_press    whether answers are looked up for each press, instead of presses for each answer of the organization
    with_text   whether rows of the button have the text after it
    chosen      only follow-ups with an option, without the questions that were left without a choice
    marked      whether people corrected what sources say of spam, so that their marks must be looked up
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
    chosen: bool = False
    marked: bool = False

    @property
    def table(self) -> str:
        """The table of the answers that rows have; empty without answers."""
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

    With `after`, only those after this key in that order. The first `offset` of them are skipped.
    """
    columns = _order(transaction, selection)
    direction = " DESC" if selection.descending else ""
    text = f"""{_source(transaction, selection)} {_after(transaction, selection, columns, after)}
        ORDER BY {", ".join(column + direction for column in columns)} {transaction.limit(limit, offset)}"""
    values = {**_values(transaction, organization, selection, start, end), **_key_values(after)}
    stream = transaction.stream(text, **values, offset=offset, limit=limit)
    if not selection.table:
        return map(_feedback_row, stream)
    return map(partial(_with_answer, ANSWERS[selection.table].answer_from), stream)


def count(transaction: Transaction, organization: int, selection: Selection, start: Instant, end: Instant) -> int:
    """The number of rows that `rows` gives without offset and limit, counted one by one: for answers, which are few."""
    text = f"SELECT count(*) FROM ({_source(transaction, selection)}) AS selected"
    [[number]] = transaction.rows(text, **_values(transaction, organization, selection, start, end))
    return int(number)


def tally(
    transaction: Transaction,
    organization: int,
    selection: Selection,
    start: Instant,
    end: Instant,
    columns: Sequence[str],
    *,
    hour_filter: HourFilter,
    smileys: Sequence[int] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """The values of columns of a selection's rows in [start, end), each with the number of rows, counted by the engine.

    Only rows in the hours of a filter and, with `smileys`, of those; of texts only those that are not empty. Columns
    are `button` and, with `answer_` before their names, those of the answer.
    """
    names = ", ".join(columns)
    of_smileys = "" if smileys is None else f"AND {transaction.within('smiley_id', 'smileys')}"
    written = "answer_text <> ''" if selection.phase is Phase.TEXT else "1 = 1"
    text = f"""SELECT {names}, count(*) FROM ({_source(transaction, selection)}) AS selected WHERE {written}
        {hour_condition(f"((at + utc_offset * {MINUTE_MS}) / {HOUR_MS})", hour_filter)} {of_smileys} GROUP BY {names}"""
    among = {} if smileys is None else {"smileys": transaction.among(smileys)}
    yield from transaction.rows(text, **_values(transaction, organization, selection, start, end), **among)


def _with_answer(answer_from: Callable[[Row], Answer], row: Row) -> FeedbackRow:
    """A row of feedback with the answer from its last columns, None if they are NULL."""
    columns = row[_FACTS:]
    return _feedback_row((*row[:_FACTS], None if columns == _NO_TEXT else answer_from(columns)))


# --- SQL of a selection ----------------------------------------------------------------------------------------------
# Aliases of tables: f feedback, i its index by assignment, a answers, r restatement, d departure; p is a press as of
# the revision.


def _source(transaction: Transaction, selection: Selection) -> str:
    """SQL: a SELECT of the selection's rows, to which another condition and an order can be appended."""
    if selection.phase is not Phase.BUTTON and not (selection.by_press and selection.restated):
        return _presses_of_answers(transaction, selection)
    presses, was_under = _now_under_assignments(transaction, selection), ""
    if selection.restated:
        presses = f"{presses} UNION ALL {_moved_away(transaction, selection)}"
        was_under = f"AND {_under(transaction, 'p', selection.assignments)}"
    return f"""SELECT p.*, {_answer_columns(selection)} FROM ({presses}) AS p {_answers(transaction, selection)}
        WHERE {raw_verdicts("p.verdict", selection.misuse)} {was_under} {_answer_condition(transaction, selection)}"""


def _now_under_assignments(transaction: Transaction, selection: Selection) -> str:
    """SQL: a SELECT of the presses whose present assignment is the selection's, stored by its revision (`:pin`)."""
    source, under = _searched_under(transaction, selection.assignments)
    return f"""SELECT {_facts(selection)} FROM {source} {_first_restatement(selection)}
        WHERE {under} AND f.revision <= :pin"""


def _moved_away(transaction: Transaction, selection: Selection) -> str:
    """SQL: a SELECT of the presses that moved to other assignments since the revision, each of them once."""
    return f"""SELECT DISTINCT {_facts(selection)} FROM departure d CROSS JOIN feedback f CROSS JOIN restatement r
        WHERE d.organization_id = :o AND {_under(transaction, "d", selection.assignments)}
        AND d.at >= :start AND d.at < :stop AND d.revision > :pin AND {_same_key("f", "d")}
        AND NOT {_under(transaction, "f", selection.assignments)}
        AND f.at >= :start AND f.at < :stop AND f.revision <= :pin
        AND {_same_key("r", "f")} AND r.revision = {_first_since("f")}"""


def _presses_of_answers(transaction: Transaction, selection: Selection) -> str:
    """SQL: a SELECT of answers joined with their presses.

    The answers are those of the organization in the order of their key, which begins with the instant. If they are
    looked up by press, they are those of the keys in the index of presses by assignment, which on SQLite are read
    without the presses themselves: of ten thousand presses with two hundred texts that takes half the time.
    """
    verdict, assignment = _fact("verdict", selection), _fact("assignment_id", selection)
    answers = f"{selection.table} a"
    of_key = "a.at >= :start AND a.at < :stop"
    if selection.by_press:
        answers = f"{_keys_of_presses(transaction, selection)} AS i CROSS JOIN {answers}"
        of_key = "1 = 1"
    return f"""SELECT {_facts(selection)}, {_answer_columns(selection)}
        FROM {answers} CROSS JOIN feedback f {_first_restatement(selection)}
        WHERE a.organization_id = :o AND {of_key} {_answer_condition(transaction, selection)}
        AND {_same_key("f", "a")} AND f.revision <= :pin AND {raw_verdicts(verdict, selection.misuse)}
        AND {_within(transaction, assignment, selection.assignments)}"""


def _keys_of_presses(transaction: Transaction, selection: Selection) -> str:
    """SQL: a subquery of the keys of presses under the selection's assignments."""
    source, under = _searched_under(transaction, selection.assignments, "i")
    return f"""(SELECT i.at, i.smiley_id, i.epoch, i.sequence FROM {source} WHERE {under} {transaction.read_first})"""


def _searched_under(transaction: Transaction, assignments: Sequence[int], alias: str = "f") -> tuple[str, str]:
    """SQL in FROM and in WHERE: the presses now under one of the assignments in [:start, :stop), each searched."""
    if len(assignments) == 1:
        return presses(transaction, alias), stored_under(transaction, assignments, alias)
    table, column = f"feedback {alias}", f"{alias}.assignment_id"
    return transaction.searched_within(table, column, "assignments", _in_range(alias), _INDEX)


def presses(transaction: Transaction, alias: str = "f") -> str:
    """SQL: the table of presses, by the index on assignment and instant, which SQLite would not always choose."""
    return f"feedback {alias} {transaction.indexed_by(_INDEX)}"


def stored_under(transaction: Transaction, assignments: Sequence[int], alias: str = "f") -> str:
    """SQL: the condition that a press of `presses` is now under one of the assignments, in [:start, :stop)."""
    return f"{_in_range(alias)} AND {_under(transaction, alias, assignments)}"


def _in_range(alias: str) -> str:
    """SQL: the condition that a press is the organization's, in [:start, :stop)."""
    return f"{alias}.organization_id = :o AND {alias}.at >= :start AND {alias}.at < :stop"


def bound(transaction: Transaction, organization: int, assignments: Sequence[int]) -> dict[str, object]:
    """The values to bind to `stored_under`, besides the range."""
    if len(assignments) == 1:
        return {"o": organization, "assignment": assignments[0]}
    return {"o": organization, "assignments": transaction.among(assignments)}


def _values(
    transaction: Transaction, organization: int, selection: Selection, start: Instant, end: Instant
) -> dict[str, object]:
    """The bound values of a selection in [start, end)."""
    values = bound(transaction, organization, selection.assignments)
    return {**values, "start": start, "stop": end, "pin": selection.revision}


def _under(transaction: Transaction, table: str, assignments: Sequence[int]) -> str:
    """SQL: the condition that a table's rows belong to these assignments."""
    return _within(transaction, f"{table}.assignment_id", assignments)


def _within(transaction: Transaction, column: str, assignments: Sequence[int]) -> str:
    """SQL: the condition that a column is one of these assignments."""
    # With one assignment, the index gives the rows in order without sorting.
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
    """SQL: a join with the first restatement after the revision, which has the values of a press at the revision."""
    on = f"{_same_key('r', 'f')} AND r.revision = {_first_since('f')}"
    return f"LEFT JOIN restatement r ON {on}" if selection.restated else ""


def _first_since(press: str) -> str:
    """SQL: the revision of the first restatement of a press after the revision."""
    return f"(SELECT min(e.revision) FROM restatement e WHERE {_same_key('e', press)} AND e.revision > :pin)"


def _same_key(table: str, other: str) -> str:
    """SQL: the condition that a row of a table has the press key of another table's row, both of the organization `:o`.

    Citus sends a statement to one node only if each table's organization is given, in subqueries too.
    """
    same = " AND ".join(f"{table}.{name} = {other}.{name}" for name in ("smiley_id", "epoch", "sequence"))
    return f"{table}.organization_id = :o AND {same}"


def _answer_columns(selection: Selection) -> str:
    """SQL: the columns of the selection's table of phases."""
    columns = ANSWERS[selection.table].columns if selection.table else ()
    sources = (_spam(selection) if name == "spam" else f"a.{name}" for name in columns)
    pairs = (f"{source} AS answer_{name}" for source, name in zip(sources, columns, strict=True))
    return ", ".join(pairs) or "NULL AS answer"


def _spam(selection: Selection) -> str:
    """SQL: whether a text is spam by its last mark up to the revision, or else by its source."""
    if not selection.marked:
        return "a.spam"
    return f"""coalesce((SELECT m.spam FROM spam_mark m WHERE {_same_key("m", "a")} AND m.at = a.at
        AND m.revision <= :pin ORDER BY m.revision DESC LIMIT 1), a.spam)"""


def _answers(transaction: Transaction, selection: Selection) -> str:
    """SQL: a join of presses with their answers."""
    if not selection.table:
        return ""
    on = _of_press(transaction, "p")
    return f"LEFT JOIN {selection.table} a ON {on}" if selection.with_text else f"CROSS JOIN {selection.table} a"


def _of_press(transaction: Transaction, press: str) -> str:
    """SQL: the condition that an answer belongs to a press, given by the alias of its table."""
    # Otherwise SQLite would search the answers of a press in the whole range of instants.
    at = transaction.unindexed(f"{press}.at")
    key = " AND ".join(f"a.{name} = {press}.{name}" for name in ("smiley_id", "epoch", "sequence"))
    return f"a.organization_id = :o AND a.at = {at} AND {key}"


def _answer_condition(transaction: Transaction, selection: Selection) -> str:
    """SQL: the condition on answers of a selection: revision, spam unless it is selected, a choice where wanted."""
    if selection.phase is Phase.BUTTON:
        return ""
    of_press = f"AND {_of_press(transaction, 'p' if selection.restated else 'i')}" if selection.by_press else ""
    spam = "" if selection.spam or selection.phase is not Phase.TEXT else f"AND coalesce({_spam(selection)}, 0) = 0"
    choice = "AND a.option_id IS NOT NULL" if selection.chosen and selection.phase is Phase.FOLLOWUP else ""
    return f"{of_press} AND a.revision <= :pin {spam} {choice}"


def _order(transaction: Transaction, selection: Selection) -> tuple[str, ...]:
    """SQL: the columns of `SortKey`, of the table whose index gives the rows in order, if one does."""
    by_index = "i" if selection.by_press and not selection.restated else "a"
    table = "p" if selection.phase is Phase.BUTTON else by_index
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


# --- counts and revisions --------------------------------------------------------------------------------------------


def has_texts(transaction: Transaction, organization: int) -> bool:
    """Whether the organization has any text feedback."""
    return transaction.row("SELECT 1 FROM text_feedback WHERE organization_id = :o LIMIT 1", o=organization) is not None


def has_more_answers(
    transaction: Transaction, organization: int, phase: Phase, start: Instant, end: Instant, number: int
) -> bool:
    """Whether the organization has more than `number` answers in [start, end); it reads one more at most."""
    [[counted]] = transaction.rows(
        f"""SELECT count(*) FROM (SELECT 1 AS one FROM {phase.value} WHERE organization_id = :o
        AND at >= :start AND at < :stop LIMIT :most) AS answers""",
        o=organization,
        start=start,
        stop=end,
        most=number + 1,
    )
    return int(counted) > number


def last_restatement(transaction: Transaction, organization: int) -> int:
    """The revision in which a press was last restated; 0 if none was."""
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
    """The number of presses in [start, end) whose hour begins before it or ends after it, counted one by one."""
    shift = f"f.utc_offset * {MINUTE_MS}"
    starts_at = f"((f.at + {shift}) / {HOUR_MS} * {HOUR_MS} - {shift})"
    source, under = _searched_under(transaction, assignments)
    text = f"""SELECT count(*) FROM {source} WHERE {under}
        AND ({starts_at} < :first OR {starts_at} > :last) AND {raw_verdicts("f.verdict", misuse)}"""
    values = {**bound(transaction, organization, assignments), "first": start, "last": end - HOUR_MS}
    edges = [(start, end)] if end - start < 2 * HOUR_MS else [(start, start + HOUR_MS), (end - HOUR_MS, end)]
    total = 0
    for since, until in edges:
        [[number]] = transaction.rows(text, **values, start=since, stop=until)
        total += int(number)
    return total


class HourCount(NamedTuple):
    """The number of presses of a button in a local hour with an offset (minutes), under a verdict."""

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
    smileys: Sequence[int] | None = None,
) -> Iterator[HourCount]:
    """The presses in ranges of instants as of a revision, counted by the engine; an hour may occur more than once.

    With `smileys` only theirs. One statement for each range, and one more for presses that moved to other assignments
    since.
    """
    selection = Selection(Phase.BUTTON, tuple(assignments), revision, restated=True)
    sources = [(_now_under_assignments(transaction, selection), span) for span in ranges]
    sources += [(_moved_away(transaction, selection), (ranges[0][0], ranges[-1][1]))] if ranges else []
    of_smileys = "" if smileys is None else f"AND {transaction.within('p.smiley_id', 'smileys')}"
    among = {} if smileys is None else {"smileys": transaction.among(smileys)}
    for source, (start, end) in sources:
        text = f"""SELECT (p.at + p.utc_offset * {MINUTE_MS}) / {HOUR_MS}, p.utc_offset, p.verdict, p.button, count(*)
            FROM ({source}) AS p WHERE {raw_verdicts("p.verdict", misuse=True)}
            AND {_under(transaction, "p", assignments)} {of_smileys} GROUP BY 1, 2, 3, 4"""
        counts = transaction.rows(text, **_values(transaction, organization, selection, start, end), **among)
        yield from map(HourCount._make, counts)


class Revisions(NamedTuple):
    """The revision of an organization's last commit, and that of the last one that changed its set-up.

    `received_at` is the receive time of the last commit: after a restore the same revision is another commit.
    """

    revision: int
    setup: int
    received_at: Instant


def revisions(transaction: Transaction, organization: int) -> Revisions | None:
    """The present revisions of an organization; None if it does not exist."""
    row = transaction.row(
        """SELECT l.revision, l.setup_revision, coalesce(r.committed_at, 0)
        FROM ledger l LEFT JOIN revision r ON r.organization_id = l.organization_id AND r.revision = l.revision
        WHERE l.organization_id = :o""",
        o=organization,
    )
    return None if row is None else Revisions(*row)
