"""The progress of smileys: which sequences of an epoch have arrived, and the state that a smiley last reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hymio.feedback import DEVICE_SEQUENCES
from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Transaction

_KEEP_NEWEST_STATE = """ON CONFLICT (organization_id, smiley_id) DO UPDATE SET seen_at = excluded.seen_at,
    reported_through = CASE WHEN excluded.reported_through > coalesce(smiley_state.reported_through, 0)
      THEN excluded.reported_through ELSE smiley_state.reported_through END,
    clock_error = coalesce(excluded.clock_error, smiley_state.clock_error),
    battery = coalesce(excluded.battery, smiley_state.battery),
    signal = coalesce(excluded.signal, smiley_state.signal),
    firmware = coalesce(excluded.firmware, smiley_state.firmware)"""


class EpochProgress(NamedTuple):
    """Of an epoch: the sequence up to which none is missing, and the highest one that was sent; 0 if there is none."""

    through: int = 0
    highest: int = 0


class SmileyState(NamedTuple):
    """The state that a smiley reported; None for what it did not report.

    It has sent all presses up to `reported_through` (ms UTC). `clock_error` is its clock minus the server's in ms,
    `battery` is 0.0 to 1.0, `signal` is in dBm.
    """

    reported_through: Instant | None = None
    clock_error: int | None = None
    battery: float | None = None
    signal: int | None = None
    firmware: str | None = None


class ProgressSnapshot(NamedTuple):
    """The progress that a commit has not written yet: by smiley and epoch, and by smiley."""

    advanced: dict[tuple[int, int], EpochProgress]
    states: dict[int, SmileyState]


class SmileyProgress:
    """The progress of an organization's smileys, in one write transaction; `flush` writes its changes."""

    def __init__(self, transaction: Transaction, organization: int, revision: int, now: Instant) -> None:
        self._transaction = transaction
        self._organization = organization
        self._revision = revision
        self._now = now
        self._stored: dict[tuple[int, int], EpochProgress] = {}  # by smiley and epoch: as read from the database
        self._advanced: dict[tuple[int, int], EpochProgress] = {}  # by smiley and epoch: to be written by `flush`
        self._states: dict[int, SmileyState] = {}  # by smiley: to be written by `flush`

    # Epochs

    def prefetch(self, epochs: Sequence[tuple[int, int]]) -> None:
        """Reads the progress of many epochs (smiley, epoch) in one statement; `of_epoch` reads others one by one."""
        if not epochs:
            return
        keys = self._transaction.pair_table("epochs", ("smiley", "epoch"))
        condition = "e.organization_id = :o AND e.smiley_id = k.smiley AND e.epoch = k.epoch"
        searched = self._transaction.searched(f"{keys} AS k", "smiley_epoch", "e", condition)
        rows = self._transaction.rows(
            f"SELECT e.smiley_id, e.epoch, e.through, e.highest {searched}",
            o=self._organization,
            **self._transaction.pairs("epochs", epochs),
        )
        self._stored |= dict.fromkeys(epochs, EpochProgress())
        self._stored |= {(row[0], row[1]): EpochProgress(row[2], row[3]) for row in rows}

    def of_epoch(self, smiley: int, epoch: int) -> EpochProgress:
        """An epoch's progress, including what this commit changes."""
        key = (smiley, epoch)
        progress = self._advanced.get(key) or self._stored.get(key)
        if progress is None:
            row = self._transaction.row(
                """SELECT through, highest FROM smiley_epoch
                WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch""",
                o=self._organization,
                smiley=smiley,
                epoch=epoch,
            )
            progress = self._stored[key] = EpochProgress(*row) if row else EpochProgress()
        return progress

    def advance(self, smiley: int, epoch: int, progress: EpochProgress) -> None:
        """Sets an epoch's progress."""
        self._advanced[smiley, epoch] = progress

    # Sequences that no feedback row stands for

    def account(self, smiley: int, ranges: Iterable[tuple[int, int, int]]) -> None:
        """Stores ranges (epoch, first, last) of sequences that no feedback row will stand for.

        Ranges that touch are merged, so that a long epoch has few of them.
        """
        for epoch, first, last in ranges:
            touching = self._accounted(smiley, epoch, first - 1, last + 1)
            merged = min([first, *(low for low, _ in touching)]), max([last, *(high for _, high in touching)])
            if touching != [merged]:
                self._delete_accounted(smiley, epoch, touching)
                row = (self._organization, smiley, epoch, *merged, self._revision)
                self._transaction.insert(schema.accounted, [row])

    def accounted(self, smiley: int, epoch: int, start: int) -> list[tuple[int, int]]:
        """The ranges (first, last) of an epoch that end at or after a sequence."""
        return self._accounted(smiley, epoch, start, DEVICE_SEQUENCES)

    def _accounted(self, smiley: int, epoch: int, start: int, end: int) -> list[tuple[int, int]]:
        """The ranges that overlap [start, end]; of those that begin before `start`, only the last can reach it."""
        ranges = "FROM accounted WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch"
        rows = self._transaction.rows(
            f"""SELECT first_sequence, last_sequence {ranges} AND first_sequence <= :last AND last_sequence >= :start
            AND first_sequence >= coalesce((SELECT max(first_sequence) {ranges} AND first_sequence <= :start), :start)
            ORDER BY first_sequence""",
            o=self._organization,
            smiley=smiley,
            epoch=epoch,
            start=start,
            last=end,
        )
        return [(first, last) for first, last in rows]

    def _delete_accounted(self, smiley: int, epoch: int, ranges: Sequence[tuple[int, int]]) -> None:
        """Deletes these ranges, whose key contains their first sequence."""
        self._transaction.many(
            """DELETE FROM accounted
            WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch AND first_sequence = :first""",
            [{"o": self._organization, "smiley": smiley, "epoch": epoch, "first": first} for first, _ in ranges],
        )

    # The smiley itself

    def seen(self, smiley: int, state: SmileyState) -> None:
        """Records that a smiley uploaded now, and its state; what it did not report stays as it was."""
        before = self._states.get(smiley)
        self._states[smiley] = state if before is None else _newest(before, state)

    # The commit

    def flush(self) -> None:
        """Writes epochs and states."""
        organization = self._organization
        self._transaction.insert_later(
            schema.smiley_epoch,
            [(organization, *epoch, *progress) for epoch, progress in sorted(self._advanced.items())],
            """ON CONFLICT (organization_id, smiley_id, epoch)
            DO UPDATE SET through = excluded.through, highest = excluded.highest""",
        )
        states = [(organization, smiley, self._now, *state) for smiley, state in sorted(self._states.items())]
        self._transaction.insert_later(schema.smiley_state, states, _KEEP_NEWEST_STATE)
        self._advanced, self._states = {}, {}

    def snapshot(self) -> ProgressSnapshot:
        """The epochs advanced and the smileys seen so far, for `restore`."""
        return ProgressSnapshot(self._advanced.copy(), self._states.copy())

    def restore(self, snapshot: ProgressSnapshot) -> None:
        """Drops the epochs advanced and the smileys seen since a snapshot."""
        self._advanced, self._states = snapshot


def _newest(before: SmileyState, state: SmileyState) -> SmileyState:
    """The later state, with the values of the earlier one where it has none, and the later `reported_through`."""
    through = [at for at in (before.reported_through, state.reported_through) if at is not None]
    reported = {name: value for name, value in state._asdict().items() if value is not None}
    return before._replace(**reported | {"reported_through": max(through, default=None)})
