"""Leases of jobs and of outbox rows against a model: several holders, clocks that differ, crashes, late holders."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hymio import manage
from hymio.access import operator
from hymio.errors import Conflict, LeaseLost
from hymio.store import Store, jobs, open_store, outbox
from hymio.store.lease import Outcome, Terms
from hymio.store.outbox import OutboxId

TERMS = Terms(length=1000, clock_error=200)
EVERY = 700
START = 1_000_000
DELAY = 500
CLOCKS = (-100, 100)
"""What the clocks of two holders show beyond the true time: they differ by TERMS.clock_error."""

KINDS = {"letter": False, "note": True}
"""Kinds of outbox rows, and whether each is idempotent."""

_numbers = itertools.count(1)
holders = st.integers(0, len(CLOCKS) - 1)
waits = st.sampled_from([0, 0, 1, 99, 300, 700, 999, 1000, 1150, 1400, 3000])
"""How long before a step nothing happens, in ms: up to and beyond the ends of leases."""

ages = st.sampled_from([0, 0, 0, 150, 400])
"""How old `now` is once a statement runs, in ms: more than the clocks' error, too."""

picks = st.integers(0, 30)
"""Which of the leases that are believed in; the newest come first."""

outcomes = st.sampled_from([Outcome.DONE, Outcome.FAILED])
steps = settings(max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(eq=False)
class Work:
    """What a holder believes to hold: a lease, its end by the last renewal, and whether it has let go of it."""

    holder: int
    lease: Any
    until: int
    over: bool = False
    did_it: bool = False


@dataclass
class Row:
    """What the database should hold of a job or of an outbox row."""

    start: int
    idempotent: bool = True
    attempts: int = 0
    holder: str | None = None
    until: int | None = None
    outcome: Outcome | None = None
    effects: int = 0

    def ended(self, now: int) -> bool:
        return self.until is not None and self.until + TERMS.clock_error <= now

    def is_held_by(self, work: Work) -> bool:
        return (self.holder, self.attempts) == (work.lease.holder, work.lease.attempts)

    def let_go(self) -> None:
        self.holder = self.until = None


def with_a_lease(self: Leases) -> bool:
    return bool(self.open())


class Leases(RuleBasedStateMachine):
    """True time, the holders' clocks, and what each holder believes."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.time = START
        self.work: list[Work] = []

    def now(self, holder: int, age: int = 0) -> int:
        """What a holder's clock shows, or showed a while ago, before its statement had to wait."""
        return self.time + CLOCKS[holder] - age

    def begin(self, holder: int, lease: Any) -> None:
        self.work.append(Work(holder, lease, lease.until))

    def open(self) -> list[Work]:
        return [work for work in self.work if not work.over]

    def picked(self, pick: int) -> Work:
        return self.open()[-1 - pick % len(self.open())]

    def believing(self) -> list[Work]:
        return [work for work in self.open() if self.now(work.holder) < work.until]

    @precondition(with_a_lease)
    @rule(pick=picks)
    def crash(self, pick: int) -> None:
        self.picked(pick).over = True


class JobLeases(Leases):
    """One job, several processes."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.name = f"job {next(_numbers)}"
        jobs.plan(store, self.name, EVERY, self.time)
        jobs.plan(store, self.name, EVERY, self.time + 5)  # another process starts: nothing changes
        self.row = Row(self.time + EVERY)
        self.ended: Counter[int] = Counter()

    @rule(holder=holders, wait=waits, age=ages)
    def claim(self, holder: int, wait: int, age: int) -> None:
        self.time += wait
        now, row = self.now(holder, age), self.row
        may = row.start <= now and (row.holder is None or (row.ended(now) and row.attempts < jobs.MAX_ATTEMPTS))
        lease = jobs.claim(self.store, self.name, EVERY, f"p{holder}", now, TERMS)
        assert (lease is not None) == may
        if lease is None:
            return
        row.attempts, row.holder, row.until = row.attempts + 1, f"p{holder}", now + TERMS.length
        assert (lease.due_at, lease.attempts, lease.until) == (row.start, row.attempts, row.until)
        self.begin(holder, lease)

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits, age=ages)
    def renew(self, pick: int, wait: int, age: int) -> None:
        self.time += wait
        work = self.picked(pick)
        now = self.now(work.holder, age)
        if self.holds(work):
            self.row.until = work.until = jobs.renew(self.store, work.lease, now, TERMS)
            assert work.until == now + TERMS.length
        else:
            work.over = True
            with pytest.raises(LeaseLost):
                jobs.renew(self.store, work.lease, now, TERMS)

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits)
    def guard(self, pick: int, wait: int) -> None:
        self.time += wait
        work = self.picked(pick)
        held = self.holds(work)
        try:
            with self.store.write() as transaction:
                jobs.guard(transaction, work.lease)
        except LeaseLost:
            assert not held
        else:
            assert held

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits, outcome=outcomes)
    def finish(self, pick: int, wait: int, outcome: Outcome) -> None:
        self.time += wait
        work = self.picked(pick)
        now, held, work.over = self.now(work.holder), self.holds(work), True
        try:
            with self.store.write() as transaction:
                jobs.finish(transaction, work.lease, outcome, "text", now)
        except LeaseLost:
            assert not held
        else:
            assert held
            self.next_run(now, outcome)

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits)
    def release(self, pick: int, wait: int) -> None:
        self.time += wait
        work = self.picked(pick)
        held, work.over = self.holds(work), True
        try:
            jobs.release(self.store, work.lease)
        except LeaseLost:
            assert not held
        else:
            assert held
            self.row.let_go()

    @rule(holder=holders, wait=waits, age=ages)
    def abandon(self, holder: int, wait: int, age: int) -> None:
        self.time += wait
        now, row = self.now(holder, age), self.row
        state = jobs.state(self.store, self.name)
        assert state is not None
        assert state.is_exhausted(now, TERMS) == (row.ended(now) and row.attempts >= jobs.MAX_ATTEMPTS)
        if state.is_exhausted(now, TERMS):
            assert jobs.abandon(self.store, state, EVERY, now, TERMS)
            self.next_run(now, Outcome.UNDECIDED)
            assert not jobs.abandon(self.store, state, EVERY, now, TERMS)

    def holds(self, work: Work) -> bool:
        return self.row.is_held_by(work) and self.row.start == work.lease.due_at

    def next_run(self, now: int, outcome: Outcome) -> None:
        due = self.row.start
        self.ended[due] += 1
        self.row = Row(jobs.next_due(due, EVERY, now), outcome=outcome)
        assert max(due, now) < self.row.start <= max(due, now) + EVERY

    @invariant()
    def no_two_run_at_once(self) -> None:
        assert len(self.believing()) <= 1

    @invariant()
    def each_due_run_ends_once_and_all_are_on_the_grid(self) -> None:
        assert set(self.ended.values()) <= {1}
        assert {(due - START) % EVERY for due in [*self.ended, self.row.start]} == {0}

    @invariant()
    def the_database_agrees(self) -> None:
        state, row = jobs.state(self.store, self.name), self.row
        assert state is not None
        stored = (state.due_at, state.attempts, state.holder, state.lease_until, state.outcome)
        assert stored == (row.start, row.attempts, row.holder, row.until, row.outcome)


class OutboxLeases(Leases):
    """The outbox of one organization, several processes, and somebody who retries and discards."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.organization = manage.create_organization(store, operator(), f"Leases {next(_numbers)}", now=0)
        self.rows: dict[OutboxId, Row] = {}
        self.decided_by_hand: set[OutboxId] = set()

    @precondition(lambda self: sum(row.outcome is None for row in self.rows.values()) < 3)
    @rule(kinds=st.lists(st.sampled_from(sorted(KINDS)), max_size=3), wait=st.sampled_from([0, 0, 300]))
    def add(self, kinds: list[str], wait: int) -> None:
        with self.store.begin(self.organization, self.time) as ledger:
            for kind in kinds:
                id_ = ledger.outbox.add(kind, {"kind": kind}, self.time + wait)
                assert id_ not in self.rows
                self.rows[id_] = Row(self.time + wait, KINDS[kind])

    @rule()
    def add_in_a_commit_that_fails(self) -> None:
        with contextlib.suppress(KeyError), self.store.begin(self.organization, self.time) as ledger:
            ledger.outbox.add("letter", {})
            raise KeyError

    @rule(holder=holders, wait=waits, age=ages)
    def claim(self, holder: int, wait: int, age: int) -> None:
        self.time += wait
        now = self.now(holder, age)
        free = [(row.start, id_) for id_, row in self.rows.items() if self.may_claim(row, now)]
        waiting = self.organization in outbox.waiting_organizations(self.store, KINDS, now, TERMS)
        assert waiting >= bool(free)
        claimed = outbox.claim(self.store, self.organization, KINDS, f"p{holder}", now, TERMS)
        assert (claimed.id if claimed else None) == (min(free)[1] if free else None)
        if claimed is None:
            return
        row = self.rows[claimed.id]
        row.attempts, row.holder, row.until = row.attempts + 1, f"p{holder}", now + TERMS.length
        assert (claimed.attempts, claimed.until, claimed.payload) == (row.attempts, row.until, {"kind": claimed.kind})
        self.begin(holder, claimed)

    def may_claim(self, row: Row, now: int) -> bool:
        again = row.idempotent and row.ended(now) and row.attempts < outbox.MAX_ATTEMPTS
        return row.outcome is None and row.start <= now and (row.holder is None or again)

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits)
    def do_it(self, pick: int, wait: int) -> None:
        self.time += wait
        work = self.picked(pick)
        if not work.did_it and work in self.believing():
            work.did_it = True
            self.rows[work.lease.id].effects += 1

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits, age=ages)
    def renew(self, pick: int, wait: int, age: int) -> None:
        self.time += wait
        work = self.picked(pick)
        row, now = self.rows[work.lease.id], self.now(work.holder, age)
        if row.is_held_by(work) and row.outcome is None:
            row.until = work.until = outbox.renew(self.store, work.lease, now, TERMS)
        else:
            work.over = True
            with pytest.raises(LeaseLost):
                outbox.renew(self.store, work.lease, now, TERMS)

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits, outcome=outcomes)
    def finish(self, pick: int, wait: int, outcome: Outcome) -> None:
        self.time += wait
        work = self.picked(pick)
        row, now, work.over = self.rows[work.lease.id], self.now(work.holder), True
        try:
            outbox.finish(self.store, work.lease, outcome, "text", now)
        except LeaseLost:
            assert not self.may_decide(row, work)
        else:
            assert self.may_decide(row, work)
            row.outcome = outcome

    @precondition(with_a_lease)
    @rule(pick=picks, wait=waits)
    def put_back(self, pick: int, wait: int) -> None:
        self.time += wait
        work = self.picked(pick)
        row, now, work.over = self.rows[work.lease.id], self.now(work.holder), True
        if work.did_it:  # only what was certainly not done is put back
            return
        try:
            again = outbox.put_back(self.store, work.lease, "text", now)
        except LeaseLost:
            assert not self.may_decide(row, work)
            return
        assert self.may_decide(row, work)
        if again is None:
            assert row.attempts >= outbox.MAX_ATTEMPTS
            row.outcome = Outcome.FAILED
        else:
            assert again == now + DELAY
            row.start, row.outcome = again, None
            row.let_go()

    def may_decide(self, row: Row, work: Work) -> bool:
        return row.is_held_by(work) and row.outcome in (None, Outcome.UNDECIDED)

    @rule(holder=holders, wait=waits, age=ages)
    def mark_undecided(self, holder: int, wait: int, age: int) -> None:
        self.time += wait
        now = self.now(holder, age)
        lost = [
            id_ for id_, row in self.rows.items()
            if row.outcome is None and row.ended(now)
            and (not row.idempotent or row.attempts >= outbox.MAX_ATTEMPTS)
        ]  # fmt: skip
        assert outbox.mark_undecided(self.store, self.organization, KINDS, now, TERMS) == sorted(lost)
        for id_ in lost:
            self.rows[id_].outcome = Outcome.UNDECIDED

    @rule(which=st.integers(0, 5), retry=st.booleans())
    def decide_by_hand(self, which: int, retry: bool) -> None:
        id_, row = next(itertools.islice(self.rows.items(), which, None), (None, None))
        if id_ is None or row is None:
            return
        try:
            with self.store.begin(self.organization, self.time) as ledger:
                before = ledger.outbox.retry(id_) if retry else ledger.outbox.discard(id_)
        except Conflict:
            assert row.outcome not in (Outcome.FAILED, Outcome.UNDECIDED)
            return
        assert before == row.outcome
        self.decided_by_hand.add(id_)
        if retry:
            row.start, row.outcome = self.time, None
            row.let_go()
        else:
            row.outcome = Outcome.DISCARDED

    @invariant()
    def no_row_is_done_by_two_at_once(self) -> None:
        held = [work.lease.id for work in self.believing() if work.lease.id not in self.decided_by_hand]
        assert len(held) == len(set(held))

    @invariant()
    def what_is_not_idempotent_is_done_once_at_most(self) -> None:
        for id_, row in self.rows.items():
            if not row.idempotent and id_ not in self.decided_by_hand:
                assert row.effects <= 1

    @invariant()
    def the_database_agrees(self) -> None:
        text = """SELECT revision, number, not_before, attempts, holder, lease_until, outcome FROM outbox
            WHERE organization_id = :o"""
        with self.store.read() as transaction:
            stored = {OutboxId(*row[:2]): row[2:] for row in transaction.rows(text, o=self.organization)}
        model = {
            id_: (row.start, row.attempts, row.holder, row.until, row.outcome and row.outcome.value)
            for id_, row in self.rows.items()
        }
        assert stored == model


@pytest.fixture(scope="module")
def shared_store(shared_database_url: str) -> Any:
    opened = open_store(shared_database_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("machine", [JobLeases, OutboxLeases])
def test_leases_are_those_of_the_model(
    shared_store: Store, machine: type[Leases], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few attempts and short delays, so that the cases get to the end of both.
    monkeypatch.setattr(jobs, "MAX_ATTEMPTS", 3)
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 3)
    monkeypatch.setattr(outbox, "retry_delay", lambda *_: DELAY)
    made: Any = partial(machine, shared_store)
    run_state_machine_as_test(made, settings=steps)
