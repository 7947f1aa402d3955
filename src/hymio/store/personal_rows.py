"""Reading the rows that hold people's data, a page at a time: to count, search and erase them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Table

from hymio.feedback import key_of_feedback_id
from hymio.period import Instant
from hymio.personal_data import PersonalData
from hymio.store import schema
from hymio.store.dialect import Row, Transaction

PressIdentity = tuple[int, int, int]
"""Smiley, epoch and sequence: which press of its organization it is."""


class PressKey(NamedTuple):
    """The key of a press in the tables of phases, which are in order of time."""

    at: Instant
    smiley: int
    epoch: int
    sequence: int

    @property
    def identity(self) -> PressIdentity:
        """The key without the instant."""
        return self.smiley, self.epoch, self.sequence


class Phase(NamedTuple):
    """A phase with people's data: its name, its table, and the columns in which a contact is searched for."""

    name: str
    table: Table
    searched: tuple[str, ...] = ()


PHASES: Final[Mapping[PersonalData, Phase]] = {
    PersonalData.CONTACT_DETAILS: Phase("contact", schema.contact_feedback, ("name", "email", "phone")),
    PersonalData.TEXTS: Phase("text", schema.text_feedback, ("text", "masked", "rephrased", "english")),
    PersonalData.METADATA: Phase("metadata", schema.metadata_feedback, ("value",)),
    PersonalData.DEMOGRAPHICS: Phase("demographics", schema.demographics_feedback),
}
"""The phases with people's data; their names are the fields of `feedback.Phases`."""

_PRESS: Final = "at, smiley_id, epoch, sequence"
_START: Final = PressKey(-(1 << 63), 0, 0, 0)


@cache
def key_columns(table: Table) -> tuple[str, ...]:
    """The columns of a table's key without the organization."""
    return tuple(column.name for column in table.primary_key.columns)[1:]


# --- phases ----------------------------------------------------------------------------------------------------------


class Found(NamedTuple):
    """A press with people's data, and its assignment or quarantine key."""

    press: PressKey
    assignment: int


def presses_with_phases(
    transaction: Transaction, organization: int, start: Instant, end: Instant, after: PressKey | None, limit: int
) -> list[Found]:
    """The first `limit` presses of [start, end) that come after `after` and have any of PHASES, in order of time."""
    of_tables = " UNION ".join(
        f"""SELECT * FROM (SELECT DISTINCT {_PRESS} FROM {phase.table.name} WHERE organization_id = :o
          AND at >= :start AND at < :stop AND ({_PRESS}) > (:at, :smiley, :epoch, :sequence)
          ORDER BY {_PRESS} LIMIT :limit) AS {phase.name}"""
        for phase in PHASES.values()
    )
    text = f"""SELECT k.at, k.smiley_id, k.epoch, k.sequence, f.assignment_id
        FROM (SELECT {_PRESS} FROM ({of_tables}) AS every ORDER BY {_PRESS} LIMIT :limit) AS k CROSS JOIN feedback f
        WHERE f.organization_id = :o AND f.smiley_id = k.smiley_id AND f.epoch = k.epoch AND f.sequence = k.sequence
        ORDER BY k.at, k.smiley_id, k.epoch, k.sequence"""
    last = (after or _START)._asdict()
    rows = transaction.rows(text, o=organization, start=start, stop=end, limit=limit, **last)
    return [Found(PressKey(*row[:4]), row[4]) for row in rows]


def press_with_id(transaction: Transaction, organization: int, smileys: Iterable[int], identity: UUID) -> Found | None:
    """The stored press with a published id; `smileys` are all of the organization, as a client's UUID names none."""
    try:
        smiley, epoch, sequence = key_of_feedback_id(identity)
    except ValueError:
        return None
    among = smileys if smiley is None else [smiley]
    return next(iter(presses_with_key(transaction, organization, among, epoch, sequence)), None)


def presses_with_key(
    transaction: Transaction, organization: int, smileys: Iterable[int], epoch: int, sequence: int
) -> list[Found]:
    """The stored presses of some smileys with an epoch and sequence."""
    rows = transaction.rows(
        f"""SELECT f.at, f.smiley_id, f.epoch, f.sequence, f.assignment_id
        FROM {transaction.list_table("smileys", "id")} AS s CROSS JOIN feedback f
        WHERE f.organization_id = :o AND f.smiley_id = s.id AND f.epoch = :epoch AND f.sequence = :sequence""",
        o=organization,
        smileys=transaction.among(smileys),
        epoch=epoch,
        sequence=sequence,
    )
    return [Found(PressKey(*row[:4]), row[4]) for row in rows]


def phases_of(
    transaction: Transaction, organization: int, presses: Collection[PressKey]
) -> dict[PersonalData, list[Row]]:
    """The keys of the rows of phases that belong to presses, by kind of data."""
    instants, wanted = transaction.among({press.at for press in presses}), set(presses)
    found: dict[PersonalData, list[Row]] = {}
    for kind, (_, table, _) in PHASES.items():
        text = f"""SELECT {", ".join(key_columns(table))} FROM {table.name}
            WHERE organization_id = :o AND {transaction.within("at", "instants")}"""
        rows = transaction.rows(text, o=organization, instants=instants)
        found[kind] = [row for row in rows if PressKey(*row[:4]) in wanted]
    return found


class Age(NamedTuple):
    """Rows with instants in [start, end) that were stored by revision `through`."""

    start: Instant
    end: Instant
    through: int


def expired_phases(transaction: Transaction, organization: int, kind: PersonalData, age: Age, limit: int) -> list[Row]:
    """The keys of the first `limit` rows of a kind's phase that are of an age, in order of time."""
    table = PHASES[kind].table
    text = f"""SELECT {", ".join(key_columns(table))} FROM {table.name} WHERE organization_id = :o
        AND at >= :start AND at < :stop AND revision <= :through ORDER BY {_PRESS} LIMIT :limit"""
    return transaction.rows(text, o=organization, start=age.start, stop=age.end, through=age.through, limit=limit)


def searched_phases(
    transaction: Transaction, organization: int, kind: PersonalData, after: Row | None, limit: int
) -> list[tuple[Row, Row]]:
    """The first `limit` rows of a phase after the key `after`: their keys, and the texts that may name a contact."""
    _, table, searched = PHASES[kind]
    key = key_columns(table)
    following, values = "", {}
    if after is not None:
        following = f"AND ({', '.join(key)}) > ({', '.join(f':after_{name}' for name in key)})"
        values = {f"after_{name}": value for name, value in zip(key, after, strict=True)}
    text = f"""SELECT {", ".join((*key, *searched))} FROM {table.name} WHERE organization_id = :o {following}
        ORDER BY {", ".join(key)} LIMIT :limit"""
    rows = transaction.rows(text, o=organization, limit=limit, **values)
    return [(row[: len(key)], row[len(key) :]) for row in rows]


# --- quarantine ------------------------------------------------------------------------------------------------------


class BodyKey(NamedTuple):
    """The key of a body in quarantine; `sequence` is 0 where it is not known."""

    smiley: int
    epoch: int
    sequence: int
    hash: bytes

    @property
    def press(self) -> PressIdentity | None:
        """The press that the body is of; None where its sequence is not known."""
        return (self.smiley, self.epoch, self.sequence) if self.sequence else None


class Body(NamedTuple):
    """A body in quarantine: the text of a press, or of a part of one, that could not be used.

    `pressed_at` is the instant of the stored press with the same key, of which it may be a part; None without one.
    """

    key: BodyKey
    text: str
    received_at: Instant
    pressed_at: Instant | None


def bodies(transaction: Transaction, organization: int, after: Body | None, limit: int) -> list[Body]:
    """The first `limit` bodies after `after` that are not erased, in order of their key."""
    key = "q.smiley_id, q.epoch, q.sequence, q.hash"
    following, values = "", {}
    if after is not None:
        following = f"AND ({key}) > (:smiley, :epoch, :sequence, :hash)"
        values = after.key._asdict()
    rows = transaction.rows(
        f"""SELECT {key}, q.body, r.committed_at, f.at FROM quarantine q
        JOIN revision r ON r.organization_id = q.organization_id AND r.revision = q.revision
        LEFT JOIN feedback f ON f.organization_id = q.organization_id AND f.smiley_id = q.smiley_id
          AND f.epoch = q.epoch AND f.sequence = q.sequence
        WHERE q.organization_id = :o AND q.erased_revision IS NULL {following} ORDER BY {key} LIMIT :limit""",
        o=organization,
        limit=limit,
        **values,
    )
    return [
        Body(BodyKey(smiley, epoch, sequence, bytes(digest)), *others)
        for smiley, epoch, sequence, digest, *others in rows
    ]


def expired_bodies(transaction: Transaction, organization: int, age: Age, limit: int) -> list[BodyKey]:
    """The keys of up to `limit` bodies that were stored by the revision of an age, in no order."""
    rows = transaction.rows(
        """SELECT smiley_id, epoch, sequence, hash FROM quarantine
        WHERE organization_id = :o AND revision <= :through AND erased_revision IS NULL LIMIT :limit""",
        o=organization,
        through=age.through,
        limit=limit,
    )
    return [BodyKey(*row) for row in rows]


def bodies_of(transaction: Transaction, organization: int, presses: Iterable[PressKey]) -> list[BodyKey]:
    """The keys of the bodies that quarantine has of presses or of parts of them."""
    by_smiley: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for press in presses:
        by_smiley[press.smiley].append((press.epoch, press.sequence))
    wanted = transaction.pair_table("keys", ("epoch", "sequence"))
    text = f"""SELECT q.smiley_id, q.epoch, q.sequence, q.hash FROM {wanted} AS k CROSS JOIN quarantine q
        WHERE q.organization_id = :o AND q.smiley_id = :smiley AND q.epoch = k.epoch AND q.sequence = k.sequence
        AND q.erased_revision IS NULL"""
    return [
        BodyKey(*row)
        for smiley, keys in by_smiley.items()
        for row in transaction.rows(text, o=organization, smiley=smiley, **transaction.pairs("keys", keys))
    ]


# --- text messages, visitors and comments ----------------------------------------------------------------------------


class StoredMessage(NamedTuple):
    """A text message; `smiley` is None where its serial is not known."""

    received_at: Instant
    hash: bytes
    sender: str
    text: str
    smiley: int | None


def messages(
    transaction: Transaction, organization: int, after: StoredMessage | None, limit: int
) -> list[StoredMessage]:
    """The first `limit` text messages after `after`, in the order in which they were received."""
    following, values = "", {}
    if after is not None:
        following = "AND (received_at, hash) > (:received_at, :hash)"
        values = {"received_at": after.received_at, "hash": after.hash}
    rows = transaction.rows(
        f"""SELECT received_at, hash, sender, text, smiley_id FROM message WHERE organization_id = :o {following}
        ORDER BY received_at, hash LIMIT :limit""",
        o=organization,
        limit=limit,
        **values,
    )
    return [StoredMessage(row[0], bytes(row[1]), *row[2:]) for row in rows]


class Visit(NamedTuple):
    """When a visitor was last counted under an assignment."""

    assignment: int
    visitor: bytes
    at: Instant


def visits(transaction: Transaction, organization: int, after: Visit | None, limit: int) -> list[Visit]:
    """The first `limit` visits after `after`, in order of their key."""
    following, values = "", {}
    if after is not None:
        following = "AND (assignment_id, visitor) > (:assignment, :visitor)"
        values = {"assignment": after.assignment, "visitor": after.visitor}
    rows = transaction.rows(
        f"""SELECT assignment_id, visitor, at FROM visit WHERE organization_id = :o {following}
        ORDER BY assignment_id, visitor LIMIT :limit""",
        o=organization,
        limit=limit,
        **values,
    )
    return [Visit(row[0], bytes(row[1]), row[2]) for row in rows]


def visits_at(transaction: Transaction, organization: int, found: Iterable[Found]) -> list[Visit]:
    """The visits that were last counted with presses; it looks at all visits of their assignments."""
    by_assignment: defaultdict[int, set[Instant]] = defaultdict(set)
    for press, assignment in found:
        by_assignment[assignment].add(press.at)
    text = f"""SELECT assignment_id, visitor, at FROM visit WHERE organization_id = :o AND assignment_id = :assignment
        AND {transaction.within("at", "instants")}"""
    return [
        Visit(row[0], bytes(row[1]), row[2])
        for assignment, instants in by_assignment.items()
        for row in transaction.rows(text, o=organization, assignment=assignment, instants=transaction.among(instants))
    ]


def visits_of(transaction: Transaction, organization: int, visitors: Sequence[bytes]) -> list[Visit]:
    """The visits of visitors, by their hashes; it looks at all visits of the organization."""
    text = "SELECT assignment_id, visitor, at FROM visit WHERE organization_id = :o"
    rows = transaction.rows_among(text, "visitor", visitors, o=organization)
    return [Visit(row[0], bytes(row[1]), row[2]) for row in rows]


def comments(transaction: Transaction, organization: int, after: int | None, limit: int) -> list[int]:
    """The ids of the first `limit` comments on alerts after the id `after`, in order."""
    rows = transaction.rows(
        "SELECT id FROM alert_comment WHERE organization_id = :o AND id > :after ORDER BY id LIMIT :limit",
        o=organization,
        after=after or 0,
        limit=limit,
    )
    return [row[0] for row in rows]


def expired_comments(transaction: Transaction, organization: int, age: Age, limit: int) -> list[int]:
    """The ids of the first `limit` comments on alerts that were written before the end of an age."""
    rows = transaction.rows(
        """SELECT id FROM alert_comment WHERE organization_id = :o AND commented_at < :before
        ORDER BY commented_at LIMIT :limit""",
        o=organization,
        before=age.end,
        limit=limit,
    )
    return [row[0] for row in rows]


def expired_messages(transaction: Transaction, organization: int, age: Age, limit: int) -> list[StoredMessage]:
    """Of the first `limit` text messages those that were received before the end of an age."""
    first = messages(transaction, organization, None, limit)
    return [message for message in first if message.received_at < age.end]


def expired_audit_rows(transaction: Transaction, organization: int, age: Age, limit: int) -> list[Row]:
    """The keys of the first `limit` rows of the audit log that were written by the revision of an age."""
    return transaction.rows(
        """SELECT revision, number FROM audit WHERE organization_id = :o AND revision <= :through
        ORDER BY revision, number LIMIT :limit""",
        o=organization,
        through=age.through,
        limit=limit,
    )


# --- when ------------------------------------------------------------------------------------------------------------


def last_revision_before(transaction: Transaction, organization: int, before: Instant) -> int:
    """The last revision that was committed before an instant, found by bisection; 0 without one.

    Revisions are in order of time but for steps of the clock, around which it may be another one near by.
    """
    row = transaction.row("SELECT revision FROM ledger WHERE organization_id = :o", o=organization)
    low, high = 0, row[0] if row else 0
    while low < high:
        middle = (low + high + 1) // 2
        if _committed_at(transaction, organization, middle) < before:
            low = middle
        else:
            high = middle - 1
    return int(low)


def _committed_at(transaction: Transaction, organization: int, revision: int) -> Instant:
    """When a revision was committed, or where it is not listed, the last one before it."""
    row = transaction.row(
        """SELECT committed_at FROM revision WHERE organization_id = :o AND revision <= :revision
        ORDER BY revision DESC LIMIT 1""",
        o=organization,
        revision=revision,
    )
    return row[0] if row else _START.at
