"""Feedbacks of many points in order of time, as they are or were at a revision, and how many lie in which hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from hymio.feedback import Verdict
from hymio.period import HOUR_MS, MINUTE_MS, Instant
from hymio.rollup import MAX_BUTTONS
from hymio.store.dialect import Row, Transaction

_SLACK_HOURS = 16
_KEY = ("organization_id", "smiley_id", "epoch", "sequence")


class Phase(Enum):
    """What is listed: the button, or something that came after it. The values are the tables of the latter."""

    BUTTON = ""
    FOLLOWUP = "followup_feedback"
    TEXT = "text_feedback"
    CONTACT = "contact_feedback"
    METADATA = "metadata_feedback"
    DEMOGRAPHICS = "demographics_feedback"

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row has after the feedback's own columns."""
        return _COLUMNS[self]

    @property
    def order(self) -> tuple[str, ...]:
        """What rows of one feedback are told apart and ordered by."""
        return _ORDERS.get(self, ())


_COLUMNS: dict[Phase, tuple[str, ...]] = {
    Phase.BUTTON: (),
    Phase.FOLLOWUP: ("position", "option_id", "question_id", "ui"),
    Phase.TEXT: (
        "position", "ui", "text", "relevance", "spam", "masked", "rephrased", "english", "categories", "themes"
    ),
    Phase.CONTACT: ("position", "name", "email", "phone"),
    Phase.METADATA: ("name", "value"),
    Phase.DEMOGRAPHICS: ("gender", "age"),
}  # fmt: skip
_ORDERS = {Phase.FOLLOWUP: ("position",), Phase.METADATA: ("name",)}


class Selection(NamedTuple):
    """Which feedbacks: under assignments, counted ones or with misuse, without spam or with it, as of a revision.

    `restated` says that some feedback was restated since that revision, so that facts of then must be looked up. What
    came after a button is found among that of all assignments, or where there are `few` presses, through each of them.
    """

    phase: Phase
    assignments: tuple[int, ...]
    misuse: bool
    spam: bool
    revision: int
    restated: bool
    descending: bool
    few: bool = False


Place = tuple[object, ...]
"""Where a page ended: instant, smiley, epoch, sequence and, for some phases, what comes after them in the order."""


def rows(
    transaction: Transaction,
    organization: int,
    of: Selection,
    start: Instant,
    end: Instant,
    after: Place | None,
    limit: int,
) -> Iterator[Row]:
    """Feedbacks with instants in [start, end), in order of instant, then key, or in the reverse.

    A row holds instant, offset, button, verdict, smiley, epoch, sequence, ui and assignment, then the phase's columns.
    """
    source = _feedbacks if of.phase is Phase.BUTTON else _phases_of_few if of.few else _phases
    names = _order(transaction, of.phase)
    direction = " DESC" if of.descending else ""
    # The unary plus keeps SQLite from looking beyond a place through the phase's key instead of each press's.
    placed = ", ".join(names) if source is not _phases_of_few else f"+{', '.join(names)}"
    beyond = "" if after is None else f"AND ({placed}) {'<' if of.descending else '>'} ({_places(after)})"
    text = f"""{source(transaction, of)} {beyond} ORDER BY {", ".join(name + direction for name in names)}
        LIMIT :limit"""
    values = {f"place{letter}": value for letter, value in zip(_LETTERS, after or (), strict=False)}
    return transaction.stream(
        text, o=organization, start=start, stop=end, limit=limit, pin=of.revision,
        under=transaction.among(of.assignments), **values,
    )  # fmt: skip


_LETTERS = "abcde"


def _places(after: Place) -> str:
    return ", ".join(f":place{letter}" for letter, _ in zip(_LETTERS, after, strict=False))


def _order(transaction: Transaction, phase: Phase) -> tuple[str, ...]:
    key = ("at", "smiley_id", "epoch", "sequence")
    if phase is Phase.BUTTON:
        return tuple(f"t.{name}" for name in key)
    # Names of metadata are in the order of their bytes, whatever language a PostgreSQL database was made for.
    by_bytes = ' COLLATE "C"' if phase is Phase.METADATA and not transaction.is_sqlite else ""
    return *(f"p.{name}" for name in key), *(f"p.{name}{by_bytes}" for name in phase.order)


def has_more(
    transaction: Transaction, organization: int, phase: Phase, start: Instant, end: Instant, count: int
) -> bool:
    """Whether more than so many of a phase have instants in [start, end); no more are looked at."""
    row = transaction.row(
        f"""SELECT count(*) FROM (SELECT 1 AS one FROM {phase.value} p WHERE p.organization_id = :o
        AND p.at >= :start AND p.at < :stop LIMIT :most) AS found""",
        o=organization, start=start, stop=end, most=count + 1,
    )  # fmt: skip
    return row is not None and row[0] > count


def _feedbacks(transaction: Transaction, of: Selection) -> str:
    """Buttons; where some were restated, also those that were under the assignments then and are no more."""
    found = [_staying(transaction, of), _gone(transaction, of)] if of.restated else [_staying(transaction, of)]
    return f"SELECT t.* FROM ({' UNION ALL '.join(found)}) AS t WHERE {_meant(transaction, of)}"


def _staying(transaction: Transaction, of: Selection) -> str:
    """What is under the assignments now."""
    hint = "INDEXED BY ix_feedback_assignment_at" if transaction.is_sqlite else ""
    return f"""SELECT {_facts(of)} FROM feedback f {hint} {_then(of)} WHERE f.organization_id = :o
        AND {transaction.within("f.assignment_id", "under")}
        AND f.at >= :start AND f.at < :stop AND f.revision <= :pin"""


def _gone(transaction: Transaction, of: Selection) -> str:
    """What was under the assignments then and is no more, once however often it came and left."""
    return f"""SELECT DISTINCT {_facts(of)} FROM departure d CROSS JOIN feedback f CROSS JOIN restatement r
        WHERE d.organization_id = :o AND {transaction.within("d.assignment_id", "under")}
        AND d.at >= :start AND d.at < :stop AND d.revision > :pin AND {_keys("f", "d")}
        AND NOT {transaction.within("f.assignment_id", "under")}
        AND f.at >= :start AND f.at < :stop AND f.revision <= :pin
        AND {_keys("r", "f")} AND r.revision = {_first_since("f")}"""


def _meant(transaction: Transaction, of: Selection) -> str:
    return f"{_verdicts('t.verdict', of.misuse)} AND {transaction.within('t.assignment_id', 'under')}"


def _phases(transaction: Transaction, of: Selection) -> str:
    """Phases, through the phase's own key, which is in order of time; the join only looks facts up."""
    assignment, verdict = _fact("assignment_id", of), _fact("verdict", of)
    return f"""SELECT {_facts(of)}, {_columns(of)} FROM {of.phase.value} p CROSS JOIN feedback f {_then(of)}
        WHERE p.organization_id = :o AND p.at >= :start AND p.at < :stop AND {_known(of)}
        AND {_keys("f", "p")} AND f.revision <= :pin AND {_verdicts(verdict, of.misuse)}
        AND {transaction.within(assignment, "under")}"""


def _phases_of_few(transaction: Transaction, of: Selection) -> str:
    """The same, looked up for each press under the assignments.

    The unary plus keeps SQLite from taking the range of instants for that of each press.
    """
    return f"""SELECT b.*, {_columns(of)} FROM ({_feedbacks(transaction, of)}) AS b CROSS JOIN {of.phase.value} p
        WHERE p.organization_id = :o AND p.at = +b.at AND p.smiley_id = b.smiley_id AND p.epoch = b.epoch
        AND p.sequence = b.sequence AND {_known(of)}"""


def _columns(of: Selection) -> str:
    return ", ".join(f"p.{name} AS phase_{name}" for name in of.phase.columns)


def _known(of: Selection) -> str:
    spam = "" if of.spam or of.phase is not Phase.TEXT else "AND coalesce(p.spam, 0) = 0"
    return f"p.revision <= :pin {spam}"


def _facts(of: Selection) -> str:
    offset, verdict, assignment = (_fact(name, of) for name in ("utc_offset", "verdict", "assignment_id"))
    return f"""f.at, {offset} AS utc_offset, f.button, {verdict} AS verdict, f.smiley_id, f.epoch, f.sequence, f.ui,
        {assignment} AS assignment_id"""


def _fact(name: str, of: Selection) -> str:
    return f"coalesce(r.old_{name}, f.{name})" if of.restated else f"f.{name}"


def _then(of: Selection) -> str:
    """The first note after the revision says what a feedback was at it."""
    return f"LEFT JOIN restatement r ON {_keys('r', 'f')} AND r.revision = {_first_since('f')}" if of.restated else ""


def _first_since(feedback: str) -> str:
    return f"(SELECT min(e.revision) FROM restatement e WHERE {_keys('e', feedback)} AND e.revision > :pin)"


def _keys(one: str, other: str) -> str:
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in _KEY)


def _verdicts(column: str, misuse: bool) -> str:
    return f"{column} < {int(Verdict.SUPERSEDED)}" if misuse else f"{column} = {int(Verdict.COUNTED)}"


def last_restated(transaction: Transaction, organization: int) -> int:
    """The revision of the last note that some feedback was restated; 0 without any."""
    row = transaction.row("SELECT max(revision) FROM restatement WHERE organization_id = :o", o=organization)
    return (row[0] if row else None) or 0


# How many lay where


def counts_then(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    ranges: Sequence[tuple[Instant, Instant]],
    revision: int,
) -> Iterator[Row]:
    """(local hour, offset, verdict, button, count) of what lay in ranges of instants at a revision, counted there.

    A local hour may come more than once. The notes since the revision are gone through once, however many ranges.
    """
    of = Selection(Phase.BUTTON, tuple(assignments), True, True, revision, True, False)
    sources = [(_staying(transaction, of), each) for each in ranges]
    sources += [(_gone(transaction, of), (ranges[0][0], ranges[-1][1]))] if ranges else []
    for source, (start, end) in sources:
        text = f"""SELECT (t.at + t.utc_offset * {MINUTE_MS}) / {HOUR_MS}, t.utc_offset, t.verdict, t.button, count(*)
            FROM ({source}) AS t WHERE {_meant(transaction, of)} GROUP BY 1, 2, 3, 4"""
        yield from transaction.rows(
            text, o=organization, start=start, stop=end, pin=revision, under=transaction.among(assignments)
        )  # fmt: skip


# How many lie where


class Groups(NamedTuple):
    """The hours of a group, of surveys or (minus the number of buttons) of whole scales, each with its buttons."""

    node: int
    surveys: tuple[tuple[int, int], ...]


Source = Groups | tuple[int, ...]
"""Where hours are kept: with a group, or with assignments."""


def hours(
    transaction: Transaction, organization: int, of: Source, start: Instant, end: Instant, *, misuse: bool
) -> list[tuple[Instant, int]]:
    """(nominal start, feedbacks) of the hours that start in [start, end), in order, empty ones left out."""
    found: dict[Instant, int] = {}
    for text, values in _hour_texts(transaction, of, "starts_at, ", misuse=misuse):
        rows = transaction.rows(f"{text} GROUP BY starts_at", o=organization, **values, **_starts(start, end))
        for at, count in rows:
            found[at] = found.get(at, 0) + int(count)
    return sorted((at, count) for at, count in found.items() if count)


def hour_sum(
    transaction: Transaction, organization: int, of: Source, start: Instant, end: Instant, *, misuse: bool
) -> int:
    """How many feedbacks lie in the hours that start in [start, end): a scan of them, without a list."""
    rows = [
        transaction.row(text, o=organization, **values, **_starts(start, end))
        for text, values in _hour_texts(transaction, of, "", misuse=misuse)
    ]
    return sum(int(row[0] or 0) for row in rows if row)


def _starts(start: Instant, end: Instant) -> dict[str, object]:
    first, last = start // HOUR_MS - _SLACK_HOURS, end // HOUR_MS + _SLACK_HOURS
    return {"first": first, "last": last, "start": start, "stop": end}


def _hour_texts(
    transaction: Transaction, of: Source, columns: str, *, misuse: bool
) -> Iterator[tuple[str, dict[str, object]]]:  # fmt: skip
    """A statement for each survey of a group, or one for all assignments, and its values."""
    rest = f"""AND local_hour >= :first AND local_hour <= :last AND starts_at >= :start AND starts_at < :stop
        AND {_verdicts("verdict", misuse)}"""
    if isinstance(of, Groups):
        for survey, buttons in of.surveys:
            text = f"""SELECT {columns}{_sum(buttons)} FROM group_hour WHERE organization_id = :o AND node_id = :node
                AND survey_id = :survey {rest}"""
            yield text, {"node": of.node, "survey": survey}
        return
    within = transaction.within("assignment_id", "under")
    text = f"SELECT {columns}{_sum(MAX_BUTTONS)} FROM assignment_hour WHERE organization_id = :o AND {within} {rest}"
    yield text, {"under": transaction.among(of)}


def _sum(buttons: int) -> str:
    return f"sum({' + '.join(f'c{button}' for button in range(buttons))})"


def count_of_cut_hours(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
    *,
    misuse: bool,
) -> int:
    """How many feedbacks with instants in [start, end) lie in hours that reach beyond it, counted row by row."""
    hint = "INDEXED BY ix_feedback_assignment_at" if transaction.is_sqlite else ""
    shift = f"f.utc_offset * {MINUTE_MS}"
    nominal = f"((f.at + {shift}) / {HOUR_MS} * {HOUR_MS} - {shift})"
    text = f"""SELECT count(*) FROM feedback f {hint} WHERE f.organization_id = :o
        AND {transaction.within("f.assignment_id", "under")} AND f.at >= :from AND f.at < :until
        AND ({nominal} < :start OR {nominal} > :last) AND {_verdicts("f.verdict", misuse)}"""
    edges = [(start, end)] if end - start < 2 * HOUR_MS else [(start, start + HOUR_MS), (end - HOUR_MS, end)]
    counted = 0
    for first, until in edges:
        values = {"from": first, "until": until, "start": start, "last": end - HOUR_MS}
        row = transaction.row(text, o=organization, under=transaction.among(assignments), **values)
        counted += int(row[0]) if row else 0
    return counted
