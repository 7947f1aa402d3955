"""Periodic jobs in the database: one row each says when the next run is due and which process holds its lease.

A claim is one conditional UPDATE and is known by (name, due_at, attempts): `attempts` counts how often this due run
was begun, so no two claims have the same three. `guard` and `finish` work in the job's own transactions: a commit with
a `finish` in it happens exactly once for each due run, one with a `guard` never after the lease was taken over.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hymio.errors import LeaseLost
from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Row, Transaction
from hymio.store.lease import ENDED, FREE, TERMS, WRONG_CLOCK, Outcome, Terms, shortened

if TYPE_CHECKING:
    from hymio.store import Store

MAX_ATTEMPTS: Final = 5
"""A due run is begun at most this often if its processes end without an outcome: the job itself may kill them."""

_COLUMNS = "name, due_at, attempts, holder, lease_until, started_at, finished_at, outcome, detail"
_HELD = "name = :name AND due_at = :due AND attempts = :attempts AND holder = :holder"


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's row: its next or present run, and the outcome of the last one that ended. Instants are in ms UTC."""

    name: str
    due_at: Instant
    attempts: int
    holder: str | None
    lease_until: Instant | None
    started_at: Instant | None
    finished_at: Instant | None
    outcome: Outcome | None
    detail: str | None

    def claimable_at(self, terms: Terms = TERMS) -> Instant:
        """The earliest instant at which a process may claim it, unless the holder renews its lease."""
        held_until = 0 if self.lease_until is None else self.lease_until + terms.clock_error
        return max(self.due_at, held_until)

    def is_exhausted(self, now: Instant, terms: Terms = TERMS) -> bool:
        """Whether the run that is due was begun MAX_ATTEMPTS times and the last lease has ended without an outcome."""
        ended = self.lease_until is not None and terms.has_ended(self.lease_until, now)
        return ended and self.attempts >= MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class JobLease:
    """The right to do one due run of a job until an instant (ms UTC)."""

    name: str
    every: int
    due_at: Instant
    attempts: int
    holder: str
    until: Instant

    def key(self) -> dict[str, object]:
        """The values of _HELD: the job's row has them as long as this lease is held."""
        return {"name": self.name, "due": self.due_at, "attempts": self.attempts, "holder": self.holder}


def next_due(due: Instant, every: int, now: Instant) -> Instant:
    """The first instant after both `due` and `now` on the grid of `every` ms through `due`: missed runs are one run."""
    return due + every * (max(0, now - due) // every + 1)


def plan(store: Store, name: str, every: int, now: Instant) -> None:
    """Makes the row of a job that has none; its first run is due after `every` ms."""
    row = (name, now + every, 0, None, None, None, None, None, None)
    with store.write() as transaction:
        transaction.insert(schema.job, [row], "ON CONFLICT (name) DO NOTHING")


def states(store: Store) -> list[JobState]:
    """The rows of all jobs, by name."""
    with store.read() as transaction:
        rows = transaction.rows(f"SELECT {_COLUMNS} FROM job ORDER BY name")
    return [_state(row) for row in rows]


def state(store: Store, name: str) -> JobState | None:
    """The row of a job, or None before it is planned."""
    return next((row for row in states(store) if row.name == name), None)


def claim(store: Store, name: str, every: int, holder: str, now: Instant, terms: Terms = TERMS) -> JobLease | None:
    """Takes the lease of a run that is due and has no holder; None if there is no such run.

    A due instant more than `every` and WRONG_CLOCK ahead was written by a wrong clock, or by a version of Hymio that
    ran the job less often: it is due now.
    """
    until = now + terms.length
    with store.write() as transaction:
        row = transaction.row(
            f"""UPDATE job SET holder = :holder, lease_until = :until, started_at = :now, attempts = attempts + 1,
              due_at = CASE WHEN due_at > :now THEN :now ELSE due_at END
            WHERE name = :name AND (due_at <= :now OR due_at > :too_far) AND {FREE}
              AND (holder IS NULL OR attempts < :most) RETURNING due_at, attempts""",
            name=name, holder=holder, until=until, now=now, too_far=now + every + WRONG_CLOCK,
            most=MAX_ATTEMPTS, **terms.bounds(now),
        )  # fmt: skip
    return JobLease(name, every, row[0], row[1], holder, until) if row else None


def renew(store: Store, lease: JobLease, now: Instant, terms: Terms = TERMS) -> Instant:
    """Extends a lease until `now` + `terms.length`, and returns that instant; raises LeaseLost."""
    until = now + terms.length
    with store.write() as transaction:
        _require_held(
            lease, transaction.run(f"UPDATE job SET lease_until = :until WHERE {_HELD}", until=until, **lease.key())
        )
    return until


def guard(transaction: Transaction, lease: JobLease) -> None:
    """Locks the job's row until the commit if the lease is still held; raises LeaseLost.

    Until this transaction ends, no other process can take the job over (fencing).
    """
    _require_held(lease, transaction.run(f"UPDATE job SET holder = holder WHERE {_HELD}", **lease.key()))


def finish(transaction: Transaction, lease: JobLease, outcome: Outcome, detail: str, now: Instant) -> None:
    """Ends a run and sets when the next one is due; raises LeaseLost, which undoes the transaction."""
    changed = transaction.run(
        f"""UPDATE job SET due_at = :next, attempts = 0, holder = NULL, lease_until = NULL, finished_at = :now,
          outcome = :outcome, detail = :detail WHERE {_HELD}""",
        next=next_due(lease.due_at, lease.every, now),
        now=now,
        outcome=outcome.value,
        detail=shortened(detail),
        **lease.key(),
    )
    _require_held(lease, changed)


def release(store: Store, lease: JobLease) -> None:
    """Gives a lease back without an outcome, so that any process may claim the run again. Raises LeaseLost."""
    with store.write() as transaction:
        text = f"UPDATE job SET holder = NULL, lease_until = NULL WHERE {_HELD}"
        _require_held(lease, transaction.run(text, **lease.key()))


def abandon(store: Store, state: JobState, every: int, now: Instant, terms: Terms = TERMS) -> bool:
    """Marks an exhausted run as undecided and sets when the next one is due; False if another process did it first."""
    with store.write() as transaction:
        changed = transaction.run(
            f"""UPDATE job SET due_at = :next, attempts = 0, holder = NULL, lease_until = NULL, finished_at = :now,
              outcome = :outcome, detail = :detail
            WHERE name = :name AND due_at = :due AND attempts = :attempts AND {ENDED}""",
            next=next_due(state.due_at, every, now), now=now, outcome=Outcome.UNDECIDED.value,
            detail=f"{state.attempts} processes began it, and none wrote an outcome before its lease ended",
            name=state.name, due=state.due_at, attempts=state.attempts, **terms.bounds(now),
        )  # fmt: skip
    return changed > 0


def forget(store: Store, names: Collection[str], before: Instant) -> int:
    """Deletes the rows of jobs other than `names` that were due before an instant; returns their number."""
    old = [row for row in states(store) if row.name not in names and row.due_at < before]
    with store.write() as transaction:
        text = "DELETE FROM job WHERE name = :name AND due_at = :due"
        return sum(transaction.run(text, name=row.name, due=row.due_at) for row in old)


def _state(row: Row) -> JobState:
    name, due, attempts, holder, until, started, finished, outcome, detail = row
    ended_as = Outcome(outcome) if outcome else None
    return JobState(name, due, attempts, holder, until, started, finished, ended_as, detail)


def _require_held(lease: JobLease, changed: int) -> None:
    """Raises LeaseLost if a statement with _HELD changed no row."""
    if not changed:
        raise LeaseLost("job-lease-lost", "the lease of the job {job} ended before the job did", job=lease.name)
