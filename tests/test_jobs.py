"""The runner of periodic jobs, the handlers of the outbox, and the first jobs, on every engine, by a clock we set."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import manage
from hymio.access import operator
from hymio.errors import LeaseLost, NotFound, Unavailable
from hymio.jobs import (
    HANDLERS,
    JOBS,
    Delivery,
    Environment,
    Handler,
    Job,
    Refused,
    Run,
    Runner,
    Stopping,
    TryAgain,
    outcome,
    runner,
)
from hymio.jobs import table as job_table
from hymio.jobs.delivery import MAX_IN_TURN, deliver
from hymio.jobs.renewal import Renewal
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from hymio.store import Store, jobs, open_store, outbox, token_use
from hymio.store.jobs import JobState
from hymio.store.lease import TERMS, Outcome, Terms
from hymio.store.outbox import OutboxId, OutboxRow
from hymio.store.setup.changes import outdated_changes
from hymio.store.token_use import TokenUse

NOW = 1_800_000_000_000
TAKEN_OVER = TERMS.length + TERMS.clock_error
"""How long after a claim another process may take over, in ms."""

WAIT_SECONDS = 30


@dataclass
class Clock:
    """A clock that a test sets."""

    time: int = NOW

    def __call__(self) -> int:
        return self.time


@dataclass
class World:
    """A process with a clock that a test sets."""

    environment: Environment
    clock: Clock
    handled: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.environment.store

    def run(self, job: Job) -> JobState:
        """The job's row after one look at it, as the process does when it wakes."""
        Runner(self.environment, ())._claim_and_run(job)
        state = jobs.state(self.store, job.name)
        assert state is not None
        return state

    def due(self, function: Callable[[Run], str]) -> Job:
        """A job that is due now."""
        job = Job("sweep", MINUTE_MS, function)
        jobs.plan(self.store, job.name, job.every, self.clock.time - job.every)
        return job

    def other_process(self) -> World:
        return replace(self, environment=replace(self.environment, holder="other"))


@pytest.fixture
def world(store: Store) -> World:
    clock = Clock()
    return World(Environment(store, clock, TokenUse(), {}), clock)


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_job_is_first_due_after_its_period_and_then_on_a_grid(world: World) -> None:
    runs: list[int] = []

    def note(run: Run) -> str:
        runs.append(run.now())
        return "noted"

    job = Job("sweep", MINUTE_MS, note)
    assert world.run(job).due_at == NOW + MINUTE_MS
    assert world.run(job).outcome is None
    world.clock.time += MINUTE_MS + 7
    state = world.run(job)
    assert (state.outcome, state.detail, state.holder) == (Outcome.DONE, "noted", None)
    assert state.due_at == NOW + 2 * MINUTE_MS
    world.clock.time += 100 * MINUTE_MS  # nothing ran for a while: one run, not a hundred
    world.run(job)
    assert world.run(job).due_at == NOW + 102 * MINUTE_MS
    assert runs == [NOW + MINUTE_MS + 7, NOW + 101 * MINUTE_MS + 7]


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (ValueError("no such\nthing"), "ValueError: no such thing"),
        (NotFound("unknown-node", "there is no node {node}", node=7), "there is no node 7"),
    ],
)
def test_a_run_that_fails_says_why_and_the_next_one_is_due(error: Exception, detail: str, world: World) -> None:
    def fail(_: Run) -> str:
        raise error

    state = world.run(world.due(fail))
    assert (state.outcome, state.detail, state.due_at) == (Outcome.FAILED, detail, NOW + MINUTE_MS)


def test_a_run_that_ends_in_its_own_commit_is_done_with_it(world: World) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)

    def add_row(run: Run) -> str:
        with run.store.begin(organization, run.now()) as ledger:
            ledger.outbox.add("note", {})
            run.finish(ledger.transaction, "added a row")
        return "not this"

    state = world.run(world.due(add_row))
    assert (state.outcome, state.detail) == (Outcome.DONE, "added a row")
    assert outbox.waiting_organizations(world.store, ["note"], NOW) == [organization]


def test_a_commit_that_is_undone_does_not_end_the_run(world: World) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)

    def fail_at_the_end(run: Run) -> str:
        with run.store.begin(organization, run.now()) as ledger:
            ledger.outbox.add("note", {})
            run.finish(ledger.transaction, "added a row")
            raise ValueError
        return ""

    state = world.run(world.due(fail_at_the_end))
    assert (state.outcome, state.detail) == (Outcome.FAILED, "ValueError:")
    assert outbox.waiting_organizations(world.store, ["note"], NOW) == []


def test_a_run_that_was_taken_over_changes_nothing(world: World) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)
    other = world.other_process()
    noticed: list[str] = []

    def be_held_up(run: Run) -> str:
        run.check()
        world.clock.time += TAKEN_OVER
        assert other.run(replace(job, function=lambda _: "done by the other")).outcome == Outcome.DONE
        with pytest.raises(LeaseLost):
            run.check()
        with pytest.raises(LeaseLost), run.store.begin(organization, run.now()) as ledger:
            run.guard(ledger.transaction)
        noticed.append("all")
        return "done late"

    job = world.due(be_held_up)
    state = world.run(job)
    assert noticed == ["all"]
    assert (state.outcome, state.detail) == (Outcome.DONE, "done by the other")


def test_a_run_that_stops_with_the_server_is_due_for_the_next_process(world: World) -> None:
    def stop(_: Run) -> str:
        raise Stopping

    job = world.due(stop)
    state = world.run(job)
    assert (state.outcome, state.holder, state.due_at, state.attempts) == (None, None, NOW, 1)
    assert world.other_process().run(replace(job, function=lambda _: "done")).detail == "done"


def test_a_job_that_kills_every_process_is_undecided_and_put_off(world: World) -> None:
    job = world.due(lambda _: "")
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim(world.store, job.name, job.every, "killed", world.clock.time) is not None
        world.clock.time += TAKEN_OVER
    state = world.run(job)
    assert (state.outcome, state.due_at > world.clock.time, state.attempts) == (Outcome.UNDECIDED, True, 0)
    assert str(jobs.MAX_ATTEMPTS) in str(state.detail)


# --- threads ----------------------------------------------------------------------------------------------------------


def test_a_runner_goes_on_after_failures_and_stops_in_the_middle_of_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.01)
    started, begun = threading.Event(), threading.Event()
    count = iter(range(1000))

    def fail_once(_: Run) -> str:
        match next(count):
            case 0:
                raise Unavailable("database-busy", "busy")
            case 1:
                raise ValueError("unforeseen")
        started.set()
        return "once more"

    def go_on(run: Run) -> str:
        begun.set()
        while True:
            run.check()
            run.stopping.wait(0.01)

    long = world.due(go_on)
    running = Runner(world.environment, [Job("often", 10, fail_once, leased=False), long], first_wait=0)
    running.start()
    assert begun.wait(WAIT_SECONDS)
    assert started.wait(WAIT_SECONDS)
    running.stop()
    assert not any(thread.is_alive() for thread in running._threads)
    state = jobs.state(world.store, long.name)
    assert state is not None
    assert (state.holder, state.outcome, state.due_at) == (None, None, NOW)


def test_a_lease_is_renewed_while_the_work_goes_on_until_it_is_lost() -> None:
    clock, renewed, lost = Clock(), threading.Event(), threading.Event()

    def renew(now: int) -> int:
        if lost.is_set():
            raise LeaseLost("lease-lost", "lost")
        renewed.set()
        return now + 1000

    terms = Terms(length=30, clock_error=0)
    with Renewal(renew, NOW, clock, terms) as renewal:
        assert renewed.wait(WAIT_SECONDS)
        while renewal._until == NOW:
            pass
        renewal.check()
        lost.set()
        renewal._thread.join(WAIT_SECONDS)
        with pytest.raises(LeaseLost):
            renewal.check()


def test_a_renewal_that_the_database_refuses_is_tried_again() -> None:
    answers: list[object] = [Unavailable("database-busy", "busy"), NOW + 1000]
    done = threading.Event()

    def renew(_: int) -> int:
        answer = answers.pop(0) if answers else NOW + 1000
        if isinstance(answer, Exception):
            raise answer
        done.set()
        return NOW + 1000

    with Renewal(renew, NOW + 1, Clock(), Terms(length=30, clock_error=0)) as renewal:
        assert done.wait(WAIT_SECONDS)
        renewal.check()


# --- the outbox -------------------------------------------------------------------------------------------------------


def refuse(_: Delivery) -> str:
    raise Refused("no such address")


def try_again(_: Delivery) -> str:
    raise TryAgain("no answer")


def fail(_: Delivery) -> str:
    raise RuntimeError("in the middle")


def delivered(world: World, function: Callable[[Delivery], str], *, idempotent: bool) -> OutboxRow:
    """A row after one attempt of its handler."""
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)
    with world.store.begin(organization, NOW) as ledger:
        ledger.outbox.add("kind", {"to": 7})
    handlers = {"kind": Handler(function, idempotent)}
    run = Run(replace(world.environment, handlers=handlers), threading.Event())
    assert deliver(run) == "rows attempted: 1"
    with world.store.read() as transaction:
        (row,) = transaction.rows(f"SELECT {COLUMNS} FROM outbox")
    return OutboxRow(organization, OutboxId(*row[:2]), *row[2:])


COLUMNS = "revision, number, kind, created_at, not_before, attempts, holder, lease_until, outcome, detail, ended_at"


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize(
    ("function", "outcome", "detail"),
    [
        (lambda delivery: f"told {delivery.payload['to']} as {delivery.key}", "done", "told 7 as 1.2.1"),
        (refuse, "failed", "no such address"),
        (try_again, None, "no answer"),
        (fail, "undecided", "RuntimeError: in the middle"),
    ],
)
def test_a_row_has_the_outcome_that_its_handler_gives(
    function: Callable[[Delivery], str], outcome: str | None, detail: str, idempotent: bool, world: World
) -> None:
    row = delivered(world, function, idempotent=idempotent)
    if idempotent and outcome == "undecided":
        outcome = None
    assert (row.outcome, row.detail, row.attempts) == (outcome, detail, 1)
    if outcome is None:
        assert row.not_before == NOW + outbox.retry_delay(row.organization, row.id, 1)
        assert row.holder is None


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_handler_that_hangs_holds_up_no_other_row(idempotent: bool, world: World) -> None:
    """Its row is undecided, or attempted again if that does no harm; it cannot do anything under its old lease."""
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)
    with world.store.begin(organization, NOW) as ledger:
        ledger.outbox.add("hangs", {})
        ledger.outbox.add("works", {})
    going_on, checked = threading.Event(), threading.Event()

    def hang(delivery: Delivery) -> str:
        going_on.wait(WAIT_SECONDS)
        with pytest.raises(LeaseLost):
            delivery.check()
        checked.set()
        return ""

    handlers = {"hangs": Handler(hang, idempotent, max_seconds=0.05), "works": Handler(lambda _: "done", idempotent)}
    try:
        assert deliver(Run(replace(world.environment, handlers=handlers), threading.Event())) == "rows attempted: 2"
    finally:
        going_on.set()
    with world.store.read() as transaction:
        rows = transaction.rows("SELECT kind, outcome, detail FROM outbox ORDER BY number")
    hung = (None if idempotent else "undecided", "TimeoutError: not done after 0.05 s")
    assert rows == [("hangs", *hung), ("works", "done", "done")]
    assert checked.wait(WAIT_SECONDS)


def test_no_row_is_claimed_while_many_handlers_hang(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)
    with world.store.begin(organization, NOW) as ledger:
        for _ in range(3):
            ledger.outbox.add("kind", {})
    going_on = threading.Event()
    monkeypatch.setattr("hymio.jobs.delivery.MAX_OVERDUE", 2)
    handler = Handler(lambda _: str(going_on.wait(WAIT_SECONDS)), idempotent=False, max_seconds=0.01)
    run = Run(replace(world.environment, handlers={"kind": handler}), threading.Event())
    try:
        assert deliver(run) == "rows attempted: 2"
    finally:
        going_on.set()


def test_organizations_take_turns(world: World) -> None:
    order: list[int] = []

    def note(delivery: Delivery) -> str:
        order.append(delivery.claim.organization)
        return ""

    many, few = (manage.create_organization(world.store, operator(), name, now=0) for name in ("Many", "Few"))
    for organization, rows in ((many, 2 * MAX_IN_TURN), (few, 1)):
        with world.store.begin(organization, NOW) as ledger:
            for _ in range(rows):
                ledger.outbox.add("kind", {})
    environment = replace(world.environment, handlers={"kind": Handler(note, idempotent=False)})
    assert deliver(Run(environment, threading.Event())) == f"rows attempted: {2 * MAX_IN_TURN + 1}"
    assert order == [many] * MAX_IN_TURN + [few] + [many] * MAX_IN_TURN


def test_no_row_is_begun_once_the_server_stops(world: World) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)
    with world.store.begin(organization, NOW) as ledger:
        ledger.outbox.add("kind", {})
    environment = replace(world.environment, handlers={"kind": Handler(fail, idempotent=False)})
    run = Run(environment, threading.Event())
    run.stopping.set()
    with pytest.raises(Stopping):
        deliver(run)
    assert outbox.waiting_organizations(world.store, ["kind"], NOW) == [organization]


def test_what_a_killed_process_left_is_undecided(world: World) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)
    with world.store.begin(organization, NOW) as ledger:
        ledger.outbox.add("kind", {})
    assert outbox.claim(world.store, organization, {"kind": False}, "killed", NOW) is not None
    world.clock.time += TAKEN_OVER
    environment = replace(world.environment, handlers={"kind": Handler(fail, idempotent=False)})
    assert deliver(Run(environment, threading.Event())) == ""
    with world.store.read() as transaction:
        assert [row.outcome for row in outbox.open_rows(transaction, 10)] == [Outcome.UNDECIDED]


def test_an_outcome_is_written_once_the_database_takes_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a row is done, the database is locked by somebody else."""
    store, busy = open_store(database_url, lock_seconds=0.05), open_store(database_url)
    organization = manage.create_organization(store, operator(), "Acme", now=0)
    with store.begin(organization, NOW) as ledger:
        ledger.outbox.add("kind", {})
    lock, stopping = contextlib.ExitStack(), threading.Event()

    def lock_out(delivery: Delivery) -> str:
        stopping.set()  # a server that stops still writes the outcome of what it has done
        assert delivery.store is store
        assert delivery.now() == NOW
        delivery.check()
        lock.enter_context(busy.write()).run("UPDATE outbox SET kind = kind")
        return "done"

    # The other writer ends while the next attempt to write is waited for.
    monkeypatch.setattr(outcome, "sleep", lambda _seconds: lock.close())
    environment = Environment(store, Clock(), TokenUse(), {"kind": Handler(lock_out, idempotent=False)})
    with pytest.raises(Stopping):
        deliver(Run(environment, stopping))
    assert outcomes_of(store) == [("done",)]
    store.close()
    busy.close()


def test_an_outcome_that_comes_after_somebody_decided_is_dropped(world: World) -> None:
    def be_held_up(delivery: Delivery) -> str:
        claim = delivery.claim
        world.clock.time += TAKEN_OVER
        assert outbox.mark_undecided(world.store, claim.organization, {"kind": False}, world.clock.time) == [claim.id]
        manage.discard_outbox_row(world.store, operator(claim.organization), claim.id, now=world.clock.time)
        with pytest.raises(LeaseLost):
            delivery.check()
        return "done"

    row = delivered(world, be_held_up, idempotent=False)
    assert str(row.outcome) == "discarded"


def outcomes_of(store: Store) -> list[tuple[object, ...]]:
    with store.read() as transaction:
        return transaction.rows("SELECT outcome FROM outbox")


# --- the first jobs ---------------------------------------------------------------------------------------------------


def test_the_table_names_each_job_once() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert all(job.every > 0 for job in JOBS)
    assert HANDLERS == {}


def test_the_documentation_lists_each_job_with_its_interval() -> None:
    page = (Path(__file__).parents[1] / "docs" / "jobs.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d+) (s|min|h) \| (every|one) process", page, re.MULTILINE)
    units = {"s": SECOND_MS, "min": MINUTE_MS, "h": HOUR_MS}
    found = [(name, int(number) * units[unit], runs_in == "one") for name, number, unit, runs_in in listed]
    assert found == [(job.name, job.every, job.leased) for job in JOBS]


def test_what_expired_is_cleared(world: World) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=0)
    for _ in range(2):
        with world.store.begin(organization, NOW) as ledger:
            ledger.outbox.add("kind", {})
        claim = outbox.claim(world.store, organization, {"kind": True}, "one", NOW)
        assert claim is not None
        outbox.finish(world.store, claim, Outcome.DONE, "", world.clock.time)
        world.clock.time += 1
    jobs.plan(world.store, "gone", MINUTE_MS, NOW - MINUTE_MS)
    jobs.plan(world.store, JOBS[-1].name, MINUTE_MS, NOW - MINUTE_MS)
    world.clock.time = NOW + job_table.KEEP_ENDED + 1
    run = Run(world.environment, threading.Event())
    assert job_table.clear_expired(run) == "rows of the outbox deleted: 1, of jobs: 1, sessions and links: 0"
    assert [state.name for state in jobs.states(world.store)] == [JOBS[-1].name]
    world.clock.time += 1
    assert job_table.clear_expired(run) == "rows of the outbox deleted: 1, of jobs: 0, sessions and links: 0"


def test_changes_of_the_set_up_are_forgotten_after_a_week(world: World) -> None:
    organization = manage.create_organization(world.store, operator(), "Acme", now=NOW)
    principal = operator(organization)
    for day in range(3):
        manage.rename_node(world.store, principal, manage.ROOT, f"Acme {day}", now=NOW + day * DAY_MS)
    world.clock.time = NOW + job_table.KEEP_SETUP_CHANGES + 2 * DAY_MS
    job_table.clear_expired(Run(world.environment, threading.Event()))
    with world.store.read() as transaction:
        left = transaction.rows("SELECT DISTINCT revision FROM setup_change ORDER BY revision")
        assert left == [(3,), (4,)]  # what the first three changed, as one, and the last
        assert outdated_changes(transaction, NOW + 2 * DAY_MS) == []
    assert world.store.layout(organization).hierarchy.nodes[manage.ROOT].name == "Acme 2"


def test_the_use_of_tokens_is_written(world: World) -> None:
    run = Run(world.environment, threading.Event())
    assert job_table.write_token_use(run) == ""
    world.environment.token_use.note(1, 7, NOW)
    assert job_table.write_token_use(run) == "tokens used: 1"


uses = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 50)), max_size=30)


@given(uses, st.integers(0, 30))
def test_the_latest_use_of_each_token_is_written(
    shared_database_url: str, used: list[tuple[int, int, int]], cut: int
) -> None:
    store = open_store(shared_database_url)
    with store.write() as transaction:
        transaction.run("DELETE FROM token_use")
    # Two processes, whose uses come in any order.
    for part in (used[:cut], used[cut:]):
        memory = TokenUse()
        for each in part:
            memory.note(*each)
        assert memory.write(store) == len({each[:2] for each in part})
        assert memory.write(store) == 0
    with store.read() as transaction:
        written = transaction.rows("SELECT organization_id, token_id, used_at FROM token_use")
    store.close()
    latest: dict[tuple[int, int], int] = {}
    for organization, token, at in used:
        latest[organization, token] = max(at, latest.get((organization, token), 0))
    assert {row[:2]: row[2] for row in written} == latest


def test_uses_that_cannot_be_written_stay_in_memory(database_url: str) -> None:
    store, busy = open_store(database_url, lock_seconds=0.05), open_store(database_url)
    memory = TokenUse()
    memory.note(1, 7, NOW)
    memory.note(1, 7, NOW - 1)
    with busy.write() as transaction:
        transaction.run("INSERT INTO token_use VALUES (1, 7, 0)")
        with pytest.raises(Unavailable):
            memory.write(store)
        memory.note(1, 7, NOW + 1)
    assert memory.write(store) == 1
    with store.read() as reading:
        assert reading.rows("SELECT used_at FROM token_use") == [(NOW + 1,)]
    store.close()
    busy.close()


def test_memory_for_uses_is_bounded(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr(token_use, "MAX_TOKENS", 2)
    memory = TokenUse()
    for token in (1, 2, 3, 1):
        memory.note(1, token, NOW)
    assert memory.write(store) == 2
