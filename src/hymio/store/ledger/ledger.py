"""The ledger of one organization: its serialized write transaction, and what may be written in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from operator import add
from typing import NamedTuple, TypeVar

from hymio.feedback import DEVICE_SEQUENCES, Accuracy, Feedback, HourReport, Misfit, Upload, Verdict, is_raw
from hymio.period import Instant, hour_of, nominal_start
from hymio.rollup import MAX_BUTTONS, AssignmentHour, Counts, GroupHour, group_up, no_counts
from hymio.setup import Content, Layout, Part
from hymio.store import schema
from hymio.store.dialect import Row, Transaction
from hymio.store.outbox import Outbox
from hymio.store.reading import load_content, load_layout

FEEDBACK = ", ".join(column.name for column in list(schema.feedback.columns)[1:])
COUNTS = ", ".join(f"c{button}" for button in range(MAX_BUTTONS))
FEW_ROWS, MANY_ROWS = 16, 1024
"""How many neighbours are read at first, and at a time when they go on and on."""

FEW_NEW = 16
"""New rows that wait to be written with those of other smileys; more of them are worth a statement of their own."""


def _adding(table: str) -> str:
    sums = ", ".join(f"c{i} = {table}.c{i} + excluded.c{i}" for i in range(MAX_BUTTONS))
    return f"DO UPDATE SET {sums}, revision = excluded.revision"


_ADD_ASSIGNMENT_HOUR = (
    f"ON CONFLICT (organization_id, assignment_id, local_hour, starts_at, verdict) {_adding('assignment_hour')}"
)
_ADD_GROUP_HOUR = (
    f"ON CONFLICT (organization_id, node_id, survey_id, local_hour, starts_at, verdict) {_adding('group_hour')}"
)


_KEEP_NEWEST_STATE = """ON CONFLICT (organization_id, smiley_id) DO UPDATE SET seen_at = excluded.seen_at,
    reported_through = CASE WHEN excluded.reported_through > coalesce(smiley_state.reported_through, 0)
      THEN excluded.reported_through ELSE smiley_state.reported_through END,
    clock_error = coalesce(excluded.clock_error, smiley_state.clock_error),
    battery = coalesce(excluded.battery, smiley_state.battery),
    signal = coalesce(excluded.signal, smiley_state.signal),
    firmware = coalesce(excluded.firmware, smiley_state.firmware)"""

Key = TypeVar("Key", bound=tuple[int, ...])


class Change(NamedTuple):
    """A stored feedback as it is and as it shall be; the same where it is new."""

    old: Feedback | None
    new: Feedback


def additions(feedbacks: Iterable[Feedback]) -> list[Change]:
    """Feedbacks that are new, as changes."""
    return list(map(_made_change, zip(repeat(None), feedbacks)))  # no name is looked up for any of them


_made_change: Callable[[tuple[None, Feedback]], Change] = partial(tuple.__new__, Change)


class Ledger:
    """What one commit of an organization does; hours are gathered and written once, at its end."""

    def __init__(self, transaction: Transaction, layout: Layout, revision: int, now: Instant) -> None:
        self.transaction = transaction
        self._layout = layout
        self._content: Content | None = None
        self._setup_changed = self._setup_stale = False
        self.organization = layout.organization
        self.revision = revision
        self.now = now
        self.outbox = Outbox(transaction, layout.organization, revision, now)
        self._hours: dict[tuple[int, int, int, int], Counts] = {}  # by assignment, local hour, offset, verdict
        self._progress: dict[tuple[int, int], tuple[int, int]] = {}  # by smiley and epoch, as read or advanced
        self._advanced: dict[tuple[int, int], tuple[int, int]] = {}
        self._seen: dict[int, Row] = {}  # by smiley, in the order of `smiley_state`
        self._telling_hours: set[int] | None = None
        self._speaking: int | None = None
        self._waiting: dict[int, list[Feedback]] = {}  # by smiley: rows that go in together, before any of its is read

    @property
    def layout(self) -> Layout:
        """What resolving a press needs, as this transaction sees it."""
        if self._setup_stale:
            self._layout = load_layout(self.transaction, self.organization, self.revision)
            self._setup_stale = False
        return self._layout

    @property
    def content(self) -> Content:
        """The organization's questions and follow-ups with their texts as this transaction sees them."""
        if self._content is None:
            self._content = load_content(self.transaction, self.organization, self.revision)
        return self._content

    def change_setup(self) -> None:
        """Says that the set-up was changed in this transaction."""
        self._setup_changed = self._setup_stale = True
        self._content = None

    def changed(self, part: Part, identity: int) -> None:
        """Notes that this commit changed a part of the set-up: readers of an older one load it anew; it is checked at
        the commit."""
        self.change_setup()
        column = "content_revision" if part.is_content else "setup_revision"
        self.transaction.run(
            f"UPDATE ledger SET {column} = :revision WHERE organization_id = :o",
            o=self.organization, revision=self.revision,
        )  # fmt: skip
        row = (self.organization, self.revision, part.value, identity)
        self.transaction.insert(schema.setup_change, [row], "ON CONFLICT DO NOTHING")

    def known(self, smiley: int, epoch: int, sequences: Iterable[int]) -> dict[int, Feedback]:
        """The stored feedbacks among these sequences of an epoch, by sequence."""
        self._insert_waiting(smiley)
        within = self.transaction.within("sequence", "sequences")
        text = f"""SELECT {FEEDBACK} FROM feedback
            WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch AND {within}"""
        rows = self.transaction.rows(
            text, o=self.organization, smiley=smiley, epoch=epoch, sequences=self.transaction.among(sequences)
        )
        return {row[2]: Feedback(*row) for row in rows}

    def known_keys(self, smiley: int, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Feedback]:
        """The stored feedbacks of a smiley among these keys (epoch, sequence)."""
        self._insert_waiting(smiley)
        each = self.transaction.pair_table("keys", ("epoch", "sequence"))
        rows = self.transaction.rows(
            f"""SELECT {", ".join(f"f.{name}" for name in FEEDBACK.split(", "))} FROM {each} AS k CROSS JOIN feedback f
            WHERE f.organization_id = :o AND f.smiley_id = :smiley AND f.epoch = k.epoch AND f.sequence = k.sequence""",
            o=self.organization, smiley=smiley, **self.transaction.pairs("keys", keys),
        )  # fmt: skip
        return {(row[1], row[2]): Feedback(*row) for row in rows}

    def numbered(self, smiley: int, epoch: int, start: int, end: int) -> list[Feedback]:
        """The stored feedbacks of an epoch with sequences in [start, end), in order."""
        self._insert_waiting(smiley)
        text = f"""SELECT {FEEDBACK} FROM feedback WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch
            AND sequence >= :start AND sequence < :stop ORDER BY sequence"""
        rows = self.transaction.rows(text, o=self.organization, smiley=smiley, epoch=epoch, start=start, stop=end)
        return [Feedback(*row) for row in rows]

    def chain(self, assignment: int, smiley: int, start: Instant, end: Instant) -> Iterator[Feedback]:
        """The raw results, one second exact, of a smiley under an assignment in [start, end), in order.

        They are read a few and then more at a time.

        The unary plus keeps both engines from the smiley's key, which is not in order of time.
        """
        text = f"""SELECT {FEEDBACK} FROM feedback
            WHERE organization_id = :o AND assignment_id = :assignment AND at >= :at AND at < :stop
              AND +smiley_id = :smiley AND (at, epoch, sequence) > (:at, :epoch, :sequence)
              AND verdict < :superseded AND accuracy = :second
            ORDER BY at, smiley_id, epoch, sequence LIMIT :count"""
        at, epoch, sequence, count = start, -(1 << 63), -(1 << 63), FEW_ROWS
        while True:
            self._insert_waiting(smiley)
            rows = self.transaction.rows(
                text, o=self.organization, assignment=assignment, smiley=smiley, at=at, epoch=epoch, sequence=sequence,
                stop=end, superseded=int(Verdict.SUPERSEDED), second=int(Accuracy.SECOND), count=count,
            )  # fmt: skip
            yield from map(Feedback._make, rows)
            if len(rows) < count:
                return
            _, epoch, sequence, at, *_ = rows[-1]
            count = min(4 * count, MANY_ROWS)

    def occupied(self, assignment: int, smiley: int, spans: Sequence[tuple[Instant, Instant]]) -> set[int]:
        """Which of many spans [start, end) hold what `chain` would give, by their place."""
        self._insert_waiting(smiley)
        each = self.transaction.pair_table("spans", ("start", "stop"))
        rows = self.transaction.rows(
            f"""SELECT span.number FROM {each} AS span WHERE EXISTS (SELECT 1 FROM feedback
            WHERE organization_id = :o AND assignment_id = :assignment AND at >= span.start AND at < span.stop
              AND +smiley_id = :smiley AND verdict < :superseded AND accuracy = :second)""",
            o=self.organization, assignment=assignment, smiley=smiley, superseded=int(Verdict.SUPERSEDED),
            second=int(Accuracy.SECOND), **self.transaction.pairs("spans", spans),
        )  # fmt: skip
        return {row[0] for row in rows}

    def write(self, changes: Sequence[Change]) -> int:
        """Appends what is new, restates what is changed, and moves both in the hours; how many rows were written."""
        fresh = [new for old, new in changes if old is None]
        self.append(fresh)
        self._count(fresh, 1)
        if len(fresh) == len(changes):
            return len(fresh)
        changed = [change for change in changes if change.old is not None and change.old != change.new]
        self.restate(changed)
        self._count([change.old for change in changed if change.old is not None], -1)
        self._count([change.new for change in changed], 1)
        return len(fresh) + len(changed)

    def append(self, feedbacks: Sequence[Feedback]) -> None:
        """Inserts rows, without touching hours; a few of the smiley that speaks wait for those of others."""
        if self._speaking is None or len(feedbacks) > FEW_NEW:
            self._insert(feedbacks)
        else:
            self._waiting.setdefault(self._speaking, []).extend(feedbacks)

    def _insert(self, feedbacks: Sequence[Feedback]) -> None:
        organization = self.organization
        self.transaction.insert(schema.feedback, [(organization, *each) for each in feedbacks])

    def _insert_waiting(self, smiley: int) -> None:
        """Inserts what waits of a smiley, whose rows are now to be read, changed, or kept whatever comes next."""
        if smiley in self._waiting:
            self._insert(self._waiting.pop(smiley))

    def restate(self, changes: Sequence[Change]) -> None:
        """Updates rows and notes what they were, without touching hours."""
        for smiley in {new.smiley for _, new in changes}:
            self._insert_waiting(smiley)
        self.transaction.many(
            """UPDATE feedback SET verdict = :verdict, assignment_id = :assignment, utc_offset = :utc_offset, at = :at
            WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch AND sequence = :sequence""",
            [_update(self.organization, new) for _, new in changes],
        )
        notes = [_note(self.organization, self.revision, old, new) for old, new in changes if old is not None]
        self.transaction.insert(
            schema.restatement,
            notes,
            """ON CONFLICT (organization_id, smiley_id, epoch, sequence, revision)
            DO UPDATE SET new_verdict = excluded.new_verdict""",
        )
        left = [
            (self.organization, old.assignment, old.at, old.smiley, old.epoch, old.sequence, self.revision)
            for old, new in changes
            if old is not None and 0 < old.assignment != new.assignment
        ]
        self.transaction.insert(schema.departure, left, "ON CONFLICT DO NOTHING")

    def quarantine(self, smiley: int, misfits: Sequence[tuple[Misfit, bytes]]) -> int:
        """Keeps what has no feedback row, each with a hash of its content; how many were not kept before."""
        kept = 0
        for misfit, digest in misfits:
            kept += self.transaction.run(
                """INSERT INTO quarantine (organization_id, smiley_id, epoch, sequence, hash, reason, body, revision)
                VALUES (:o, :smiley, :epoch, :sequence, :hash, :reason, :body, :revision) ON CONFLICT DO NOTHING""",
                o=self.organization, smiley=smiley, epoch=misfit.epoch, sequence=misfit.sequence, hash=digest,
                reason=int(misfit.reason), body=misfit.body, revision=self.revision,
            )  # fmt: skip
        return kept

    def put_aside(self, smiley: int, misfits: Sequence[tuple[Misfit, bytes]]) -> None:
        """Keeps what of its presses could not be taken, each with a hash of its content; once, however often told."""
        rows = [
            (self.organization, smiley, each.epoch, each.sequence, digest, int(each.reason), each.body, self.revision)
            for each, digest in misfits
        ]
        self.transaction.insert(schema.quarantine, rows, "ON CONFLICT DO NOTHING")

    def account(self, smiley: int, ranges: Iterable[tuple[int, int, int]]) -> None:
        """Notes ranges (epoch, first, last) of sequences that no feedback row will stand for.

        Ranges that touch are kept as one, so that an epoch has few of them however long it lasts.
        """
        for epoch, first, last in ranges:
            touching = self._accounted(smiley, epoch, first - 1, last + 1)
            together = min([first, *(low for low, _ in touching)]), max([last, *(high for _, high in touching)])
            if touching != [together]:
                self._forget_accounted(smiley, epoch, touching)
                row = (self.organization, smiley, epoch, *together, self.revision)
                self.transaction.insert(schema.accounted, [row])

    def accounted(self, smiley: int, epoch: int, start: int) -> list[tuple[int, int]]:
        """The ranges (first, last) of an epoch that end at or after a sequence."""
        return self._accounted(smiley, epoch, start, DEVICE_SEQUENCES)

    def _accounted(self, smiley: int, epoch: int, start: int, end: int) -> list[tuple[int, int]]:
        """The ranges that have something of [start, end] in them; of those that begin before, one can reach it."""
        those = "FROM accounted WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch"
        rows = self.transaction.rows(
            f"""SELECT first_sequence, last_sequence {those} AND first_sequence <= :last AND last_sequence >= :start
            AND first_sequence >= coalesce((SELECT max(first_sequence) {those} AND first_sequence <= :start), :start)
            ORDER BY first_sequence""",
            o=self.organization, smiley=smiley, epoch=epoch, start=start, last=end,
        )  # fmt: skip
        return [(first, last) for first, last in rows]

    def _forget_accounted(self, smiley: int, epoch: int, ranges: Sequence[tuple[int, int]]) -> None:
        self.transaction.many(
            """DELETE FROM accounted
            WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch AND first_sequence = :first""",
            [{"o": self.organization, "smiley": smiley, "epoch": epoch, "first": first} for first, _ in ranges],
        )

    def progress(self, smiley: int, epoch: int) -> tuple[int, int]:
        """The sequence through which nothing of an epoch is missing, and the highest one told; 0, 0 for a new epoch."""
        known = self._progress.get((smiley, epoch))
        if known is None:
            row = self.transaction.row(
                """SELECT through, highest FROM smiley_epoch
                WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch""",
                o=self.organization, smiley=smiley, epoch=epoch,
            )  # fmt: skip
            known = self._progress[smiley, epoch] = (row[0], row[1]) if row else (0, 0)
        return known

    def advance(self, smiley: int, epoch: int, through: int, highest: int) -> None:
        """Notes an epoch's progress; written at the end."""
        self._progress[smiley, epoch] = self._advanced[smiley, epoch] = (through, highest)

    def seen(self, upload: Upload, reported_through: Instant | None, clock_error: int | None) -> None:
        """Notes that a smiley spoke, through when it has told everything, and how it is; written at the end."""
        before = self._seen.get(upload.smiley, (None,) * 5)
        told = (clock_error, *upload.health)
        latest = max((each for each in (before[0], reported_through) if each is not None), default=None)
        self._seen[upload.smiley] = (
            latest,
            *(new if new is not None else old for old, new in zip(before[1:], told, strict=True)),
        )

    def expect(self, smileys: Iterable[int], epochs: Iterable[tuple[int, int]]) -> None:
        """Asks once, for all smileys that will speak, which have told hours by SMS, and how far their epochs are.

        `epochs` are pairs of smiley and epoch.
        """
        self._expect_progress(list(epochs))
        rows = self.transaction.rows(
            f"""SELECT id FROM {self.transaction.list_table("smileys", "id")} AS speaking WHERE EXISTS
            (SELECT 1 FROM hour_report WHERE organization_id = :o AND smiley_id = id)""",
            o=self.organization,
            smileys=self.transaction.among(smileys),
        )
        self._telling_hours = {row[0] for row in rows}

    def _expect_progress(self, epochs: Sequence[tuple[int, int]]) -> None:
        each = self.transaction.pair_table("epochs", ("smiley", "epoch"))
        rows = self.transaction.rows(
            f"""SELECT e.smiley_id, e.epoch, e.through, e.highest FROM {each} AS k CROSS JOIN smiley_epoch e
            WHERE e.organization_id = :o AND e.smiley_id = k.smiley AND e.epoch = k.epoch""",
            o=self.organization, **self.transaction.pairs("epochs", epochs),
        )  # fmt: skip
        self._progress |= dict.fromkeys(epochs, (0, 0)) | {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def visited(self, assignment: int, visitors: Iterable[bytes]) -> dict[bytes, Instant]:
        """When visitors were last counted under an assignment, of those who were."""
        rows = self.transaction.rows_among(
            "SELECT visitor, at FROM visit WHERE organization_id = :o AND assignment_id = :assignment", "visitor",
            visitors, o=self.organization, assignment=assignment,
        )  # fmt: skip
        return {bytes(visitor): at for visitor, at in rows}

    def visit(self, visits: Mapping[tuple[int, bytes], Instant]) -> None:
        """Notes visitors' answers, by assignment and visitor."""
        self.transaction.insert(
            schema.visit,
            [(self.organization, assignment, visitor, at) for (assignment, visitor), at in visits.items()],
            """ON CONFLICT (organization_id, assignment_id, visitor)
            DO UPDATE SET at = CASE WHEN excluded.at > visit.at THEN excluded.at ELSE visit.at END""",
        )

    def tells_hours(self, smiley: int) -> bool:
        """Whether a smiley may have told hours by SMS; among those expected, whether it has."""
        return self._telling_hours is None or smiley in self._telling_hours

    def hour_reports(self, smiley: int, epoch: int, start: int, end: int) -> list[HourReport]:
        """The hours told by SMS whose sequences overlap [start, end), in order of sequence."""
        if not self.tells_hours(smiley):
            return []
        # They do not overlap: of those that begin before, only the last can reach into it.
        those = "WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch"
        rows = self.transaction.rows(
            f"""SELECT epoch, first_sequence, at, utc_offset, {COUNTS} FROM hour_report
            {those} AND first_sequence < :stop AND end_sequence > :start
              AND first_sequence >= coalesce((SELECT max(first_sequence) FROM hour_report {those}
                AND first_sequence <= :start), :start) ORDER BY first_sequence""",
            o=self.organization, smiley=smiley, epoch=epoch, start=start, stop=end,
        )  # fmt: skip
        return [HourReport(row[0], row[1], row[2], tuple(row[4:]), row[3]) for row in rows]

    def put_hour_report(self, smiley: int, report: HourReport) -> None:
        """Stores what is known of an hour by SMS, in place of what was."""
        if self._telling_hours is not None:
            self._telling_hours.add(smiley)
        counts = tuple(report.counts) + (0,) * (MAX_BUTTONS - len(report.counts))
        sets = ", ".join(f"c{button} = excluded.c{button}" for button in range(MAX_BUTTONS))
        self.transaction.insert(
            schema.hour_report,
            [(self.organization, smiley, report.epoch, report.first, report.at, report.end, *counts, report.offset)],
            f"""ON CONFLICT (organization_id, smiley_id, epoch, first_sequence)
            DO UPDATE SET end_sequence = excluded.end_sequence, utc_offset = excluded.utc_offset, {sets}""",
        )

    def settle(self) -> None:
        """Writes the gathered differences: hours of assignments, and those of the groups above them.

        A set-up that was changed is checked as a whole first; SetupError undoes the transaction.
        """
        if self._setup_changed:
            self.layout.check()
        self._insert([each for rows in self._waiting.values() for each in rows])
        self._waiting = {}
        hours: dict[AssignmentHour, Counts] = {}
        for each, counts in self._hours.items():
            if any(counts):
                assignment, hour, offset, verdict = each
                _add(hours, AssignmentHour(assignment, hour, nominal_start(hour, offset), verdict), counts)
        self._hours = {}
        self.put_assignment_hours(hours)
        groups = group_up(hours.items(), self.layout.group_keys)
        self.add_group_hours(groups)
        self._settle_smileys()

    def put_assignment_hours(self, hours: dict[AssignmentHour, Counts]) -> None:
        """Adds to the hours of assignments, and to nothing above them."""
        self.transaction.insert(schema.assignment_hour, self._hour_rows(hours), _ADD_ASSIGNMENT_HOUR)

    def add_group_hours(self, groups: dict[GroupHour, Counts]) -> None:
        """Adds differences to the hours of groups."""
        self.transaction.insert(schema.group_hour, self._hour_rows(groups), _ADD_GROUP_HOUR)

    @contextmanager
    def savepoint(self, smiley: int) -> Iterator[None]:
        """What one smiley says: rows and gathered differences inside, and nothing else, are undone if it raises."""
        self._insert_waiting(smiley)
        self._speaking = smiley
        before, self._hours = self._hours, {}
        progress, advanced, seen = self._progress.copy(), self._advanced.copy(), self._seen.copy()
        try:
            with self.transaction.savepoint():
                yield
        except BaseException:
            self._hours, self._progress, self._advanced, self._seen = before, progress, advanced, seen
            self._waiting.pop(smiley, None)
            raise
        finally:
            self._speaking = None
        gathered, self._hours = self._hours, before
        for key, counts in gathered.items():
            _add(before, key, counts)

    def _hour_rows(self, hours: Mapping[Key, Counts]) -> list[Row]:
        organization, revision = self.organization, self.revision
        return [(organization, *key, *counts, revision) for key, counts in hours.items() if any(counts)]

    def _settle_smileys(self) -> None:
        key = self.organization
        self.transaction.insert(
            schema.smiley_epoch,
            [(key, *each, *progress) for each, progress in sorted(self._advanced.items())],
            """ON CONFLICT (organization_id, smiley_id, epoch)
            DO UPDATE SET through = excluded.through, highest = excluded.highest""",
        )
        rows = [(key, smiley, self.now, *told) for smiley, told in sorted(self._seen.items())]
        self.transaction.insert(schema.smiley_state, rows, _KEEP_NEWEST_STATE)
        self._advanced, self._seen = {}, {}

    def _count(self, feedbacks: Iterable[Feedback], by: int) -> None:
        hours = self._hours
        for _, _, _, at, offset, _, button, _, _, assignment, verdict, _, _ in feedbacks:
            if not verdict or is_raw(verdict):
                key = (assignment, hour_of(at, offset), offset, verdict)
                counts = hours.get(key)
                if counts is None:
                    counts = hours[key] = no_counts()
                counts[button] += by


def _add(hours: dict[Key, Counts], key: Key, counts: Counts) -> None:
    known = hours.get(key)
    hours[key] = counts if known is None else list(map(add, known, counts))


def _update(organization: int, new: Feedback) -> dict[str, object]:
    return {
        "o": organization, "smiley": new.smiley, "epoch": new.epoch, "sequence": new.sequence,
        "verdict": new.verdict, "assignment": new.assignment, "utc_offset": new.offset, "at": new.at,
    }  # fmt: skip


def _note(organization: int, revision: int, old: Feedback, new: Feedback) -> Row:
    key = (organization, new.smiley, new.epoch, new.sequence, revision)
    return (*key, old.verdict, new.verdict, old.assignment, old.offset)
