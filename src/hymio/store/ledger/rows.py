"""Feedback rows of one commit: reading stored keys and chains, appending, restating, and quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple

from hymio.feedback import Accuracy, Feedback, UnusablePress, Verdict
from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Row, Transaction
from hymio.store.schema import FEEDBACK_COLUMNS

FIRST_CHAIN_ROWS, MAX_CHAIN_ROWS = 16, 1024
"""Rows of a chain that the first statement reads, and that a later one reads at most."""

MAX_WAITING_ROWS = 16
"""New rows of a smiley, up to this many, wait to be inserted in one statement with those of other smileys."""

_FEEDBACK = ", ".join(FEEDBACK_COLUMNS)
_ALIASED = ", ".join(f"f.{column}" for column in FEEDBACK_COLUMNS)
_LOWEST = -(1 << 63)
_SUPERSEDED, _SECOND = int(Verdict.SUPERSEDED), int(Accuracy.SECOND)


class Change(NamedTuple):
    """A feedback as it is stored (None where it is new) and as it is to be stored."""

    old: Feedback | None
    new: Feedback


def additions(feedbacks: Iterable[Feedback]) -> list[Change]:
    """Feedbacks that are new, as changes."""
    return list(map(_new_change, zip(repeat(None), feedbacks)))


_new_change: Callable[[tuple[None, Feedback]], Change] = partial(tuple.__new__, Change)
"""Makes a change of a tuple, faster than the constructor; a batch has thousands."""


class Span(NamedTuple):
    """The instants [start, end) of one chain."""

    assignment: int
    smiley: int
    start: Instant
    end: Instant


class FeedbackRows:
    """The feedback rows of an organization, in one write transaction.

    A few appended rows of a smiley wait, to be inserted together with those of others; a method that reads the rows of
    a smiley inserts those that wait first.
    """

    def __init__(self, transaction: Transaction, organization: int, revision: int) -> None:
        self._transaction = transaction
        self._organization = organization
        self._revision = revision
        self._waiting: dict[int, tuple[Feedback, ...]] = {}  # by smiley
        smiley_id = transaction.unindexed("smiley_id")  # the smiley's key is not in order of time
        self._chain_text = f"""SELECT {_FEEDBACK} FROM feedback
            WHERE organization_id = :o AND assignment_id = :assignment AND at >= :at AND at < :stop
              AND {smiley_id} = :smiley AND (at, epoch, sequence) > (:at, :epoch, :sequence)
              AND verdict < :superseded AND accuracy = :second
            ORDER BY at, smiley_id, epoch, sequence LIMIT :count"""

    # Reading

    def with_sequences(self, smiley: int, epoch: int, sequences: Iterable[int]) -> dict[int, Feedback]:
        """The stored feedbacks among these sequences of an epoch, by sequence."""
        self.insert_waiting(smiley)
        text = f"""SELECT {_FEEDBACK} FROM feedback WHERE organization_id = :o AND smiley_id = :smiley
            AND epoch = :epoch AND {self._transaction.within("sequence", "sequences")}"""
        rows = self._transaction.rows(
            text, o=self._organization, smiley=smiley, epoch=epoch, sequences=self._transaction.among(sequences)
        )
        return {row[2]: Feedback(*row) for row in rows}

    def with_keys(self, smiley: int, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Feedback]:
        """The stored feedbacks of a smiley among these keys (epoch, sequence)."""
        self.insert_waiting(smiley)
        key_table = self._transaction.pair_table("keys", ("epoch", "sequence"))
        condition = "f.organization_id = :o AND f.smiley_id = :smiley AND f.epoch = k.epoch AND f.sequence = k.sequence"
        searched = self._transaction.searched(f"{key_table} AS k", "feedback", "f", condition)
        rows = self._transaction.rows(
            f"SELECT {_ALIASED} {searched}",
            o=self._organization,
            smiley=smiley,
            **self._transaction.pairs("keys", keys),
        )
        return {(row[1], row[2]): Feedback(*row) for row in rows}

    def stored_among(self, keys: Sequence[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
        """Those of these keys (smiley, epoch, sequence) that a stored feedback has."""
        if not keys:
            return set()
        for smiley in {smiley for smiley, _, _ in keys}:
            self.insert_waiting(smiley)
        # The fourth number is not used: the dialect has tables of two and of four.
        key_table = self._transaction.four_table("keys", ("smiley", "epoch", "sequence", "spare"))
        condition = """f.organization_id = :o AND f.smiley_id = k.smiley AND f.epoch = k.epoch
            AND f.sequence = k.sequence"""
        searched = self._transaction.searched(f"{key_table} AS k", "feedback", "f", condition)
        rows = self._transaction.rows(
            f"SELECT f.smiley_id, f.epoch, f.sequence {searched}",
            o=self._organization,
            **self._transaction.fours("keys", [(*key, 0) for key in keys]),
        )
        return set(rows)

    def numbered(self, smiley: int, epoch: int, start: int, end: int) -> list[Feedback]:
        """The stored feedbacks of an epoch with sequences in [start, end), in order."""
        self.insert_waiting(smiley)
        text = f"""SELECT {_FEEDBACK} FROM feedback WHERE organization_id = :o AND smiley_id = :smiley
            AND epoch = :epoch AND sequence >= :start AND sequence < :stop ORDER BY sequence"""
        rows = self._transaction.rows(text, o=self._organization, smiley=smiley, epoch=epoch, start=start, stop=end)
        return [Feedback(*row) for row in rows]

    def chain(self, assignment: int, smiley: int, start: Instant, end: Instant) -> Iterator[Feedback]:
        """The raw results, exact to the second, of a smiley under an assignment in [start, end), in order.

        The first statement reads FIRST_CHAIN_ROWS, because a caller often stops after a few; later ones read more.
        """
        at, epoch, sequence, count = start, _LOWEST, _LOWEST, FIRST_CHAIN_ROWS
        while True:
            self.insert_waiting(smiley)
            rows = self._transaction.rows(
                self._chain_text, o=self._organization, assignment=assignment, smiley=smiley, at=at, epoch=epoch,
                sequence=sequence, stop=end, superseded=_SUPERSEDED, second=_SECOND, count=count,
            )  # fmt: skip
            yield from map(Feedback._make, rows)
            if len(rows) < count:
                return
            _, epoch, sequence, at, *_ = rows[-1]
            count = min(4 * count, MAX_CHAIN_ROWS)

    def occupied(self, spans: Sequence[Span]) -> set[int]:
        """The indexes of the spans in which `chain` gives at least one row."""
        for smiley in {span.smiley for span in spans}:
            self.insert_waiting(smiley)
        span = self._transaction.four_table("spans", ("assignment", "smiley", "start", "stop"))
        rows = self._transaction.rows(
            f"""SELECT span.number FROM {span} AS span WHERE EXISTS (SELECT 1 FROM feedback
            WHERE organization_id = :o AND assignment_id = span.assignment AND at >= span.start AND at < span.stop
              AND {self._transaction.unindexed("smiley_id")} = span.smiley AND verdict < :superseded
              AND accuracy = :second {self._transaction.fence})""",
            o=self._organization,
            superseded=_SUPERSEDED,
            second=_SECOND,
            **self._transaction.fours("spans", spans),
        )
        return {row[0] for row in rows}

    # Writing

    def append(self, feedbacks: Sequence[Feedback]) -> None:
        """Inserts new rows, or lets up to MAX_WAITING_ROWS of one smiley wait; hours stay as they are."""
        if len(feedbacks) > MAX_WAITING_ROWS or len({feedback.smiley for feedback in feedbacks}) > 1:
            self._insert(feedbacks)
        elif feedbacks:
            smiley = feedbacks[0].smiley
            self._waiting[smiley] = (*self._waiting.get(smiley, ()), *feedbacks)

    def append_rows(self, rows: Sequence[Row]) -> None:
        """Inserts new rows, whose values stand in the order of the table's columns, at once; hours stay as they are."""
        self._transaction.insert_later(schema.feedback, rows)

    def restate(self, changes: Sequence[Change]) -> None:
        """Updates stored rows; records their old values in `restatement` and `departure`; hours stay as they are."""
        for smiley in {new.smiley for _, new in changes}:
            self.insert_waiting(smiley)
        self._transaction.many(
            """UPDATE feedback SET verdict = :verdict, finding = :finding, assignment_id = :assignment,
            utc_offset = :utc_offset, at = :at
            WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch AND sequence = :sequence""",
            [self._updated(new) for _, new in changes],
        )
        stored = [(old, new) for old, new in changes if old is not None]
        self._transaction.insert(
            schema.restatement,
            [self._restatement(old, new) for old, new in stored],
            """ON CONFLICT (organization_id, smiley_id, epoch, sequence, revision)
            DO UPDATE SET new_verdict = excluded.new_verdict""",
        )
        departed = [self._departure(old) for old, new in stored if 0 < old.assignment != new.assignment]
        self._transaction.insert(schema.departure, departed, "ON CONFLICT DO NOTHING")

    def quarantine(self, smiley: int, unusable: Iterable[tuple[UnusablePress, bytes]]) -> int:
        """Stores presses without a feedback row, each with a hash of its content; returns how many were new."""
        stored = 0
        for entry, digest in unusable:
            stored += self._transaction.run(
                """INSERT INTO quarantine (organization_id, smiley_id, epoch, sequence, hash, reason, body, revision)
                VALUES (:o, :smiley, :epoch, :sequence, :hash, :reason, :body, :revision) ON CONFLICT DO NOTHING""",
                o=self._organization, smiley=smiley, epoch=entry.epoch, sequence=entry.sequence, hash=digest,
                reason=int(entry.reason), body=entry.body, revision=self._revision,
            )  # fmt: skip
        return stored

    def quarantine_parts(self, smiley: int, unusable: Iterable[tuple[UnusablePress, bytes]]) -> None:
        """Stores parts of presses (texts, follow-ups, …) that were not accepted, each with a hash of its content."""
        organization, revision = self._organization, self._revision
        rows = [
            (organization, smiley, part.epoch, part.sequence, digest, int(part.reason), part.body, revision, None)
            for part, digest in unusable
        ]
        self._transaction.insert(schema.quarantine, rows, "ON CONFLICT DO NOTHING")

    # The commit

    def flush(self) -> None:
        """Inserts all rows that wait."""
        self._insert([feedback for rows in self._waiting.values() for feedback in rows])
        self._waiting = {}

    def snapshot(self) -> Mapping[int, tuple[Feedback, ...]]:
        """The rows that wait, for `restore`."""
        return self._waiting.copy()

    def restore(self, waiting: Mapping[int, tuple[Feedback, ...]]) -> None:
        """Makes the rows of a snapshot wait again, and no others; the caller undoes what was inserted since."""
        self._waiting = dict(waiting)

    def insert_waiting(self, smiley: int) -> None:
        """Inserts the rows of a smiley that wait."""
        if smiley in self._waiting:
            self._insert(self._waiting.pop(smiley))

    def _insert(self, feedbacks: Sequence[Feedback]) -> None:
        organization = self._organization
        self._transaction.insert_later(schema.feedback, [(organization, *feedback) for feedback in feedbacks])

    def _updated(self, new: Feedback) -> dict[str, object]:
        return {
            "o": self._organization, "smiley": new.smiley, "epoch": new.epoch, "sequence": new.sequence,
            "verdict": new.verdict, "finding": new.finding, "assignment": new.assignment, "utc_offset": new.offset,
            "at": new.at,
        }  # fmt: skip

    def _restatement(self, old: Feedback, new: Feedback) -> Row:
        key = (self._organization, new.smiley, new.epoch, new.sequence, self._revision)
        return (*key, old.verdict, new.verdict, old.assignment, old.offset)

    def _departure(self, old: Feedback) -> Row:
        return (self._organization, old.assignment, old.at, old.smiley, old.epoch, old.sequence, self._revision)
