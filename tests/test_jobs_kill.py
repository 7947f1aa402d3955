"""Three real processes run jobs and the outbox, and are killed in the middle again and again.

Each due run happens once, each row of the outbox is done or named undecided, none is lost, and nothing is worked on by
two processes at once.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import structlog

from hymio import manage
from hymio.access import operator
from hymio.clock import now
from hymio.jobs import Delivery, Environment, Handler, Job, Refused, Run, Runner, TryAgain
from hymio.jobs.delivery import deliver
from hymio.store import Store, jobs, open_store, outbox
from hymio.store.lease import Outcome, Terms
from hymio.store.outbox import OutboxId
from hymio.store.token_use import TokenUse

PROCESSES = 3
KILLS = 15
TERMS = Terms(length=1500, clock_error=100)
EVERY = 150
RUNS = 6
"""How many runs of each job there are at least."""

LONGEST_WORK = 0.06
"""Seconds."""

LONGEST_WAIT, LONGEST_DRAIN = 5.0, 120.0
"""Seconds until one has begun something, and until all is done."""

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload([__name__])


# --- what each process does -------------------------------------------------------------------------------------------


class Notes:
    """A file to which processes append what they do, a line in one system call, so that a kill tears none."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, work: str, attempts: int, what: str, until: int = 0) -> None:
        line = json.dumps([now(), os.getpid(), work, attempts, what, until])
        os.write(self._file, f"{line}\n".encode())

    def log(self, _logger: object, _method: str, entry: structlog.typing.EventDict) -> str:
        """As structlog's last processor: notes which runs of jobs were named undecided."""
        if entry["event"] == "job undecided":
            self.write(f"{entry['job']} {entry['due_at']}", entry["attempts"], "undecided")
        raise structlog.DropEvent


def work(url: str, organization: int, notes_file: Path, seed: int, with_jobs: bool) -> None:
    """One process: it runs until it is killed."""
    notes, chance = Notes(notes_file), random.Random(seed)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, notes.log])
    outbox._FIRST_DELAY = 40

    def take_a_while(check: Callable[[], None]) -> None:
        time.sleep(chance.uniform(0, LONGEST_WORK))
        check()
        time.sleep(chance.uniform(0, LONGEST_WORK))

    def add_rows(run: Run) -> str:
        """A run whose effect is in the commit that ends it."""
        assert run.lease is not None
        name = f"exact {run.lease.due_at}"
        notes.write(name, run.lease.attempts, "start", run.lease.until)
        take_a_while(run.check)
        with run.store.begin(organization, run.now()) as ledger:
            for kind in ("letter", "note"):
                ledger.outbox.add(kind, {"due": run.lease.due_at})
            time.sleep(chance.uniform(0, LONGEST_WORK))
            run.finish(ledger.transaction, "")
        notes.write(name, run.lease.attempts, "end", run.lease.until)
        return ""

    def note_run(run: Run) -> str:
        """A run that the runner ends."""
        assert run.lease is not None
        name = f"plain {run.lease.due_at}"
        notes.write(name, run.lease.attempts, "start", run.lease.until)
        take_a_while(run.check)
        notes.write(name, run.lease.attempts, "end", run.lease.until)
        return ""

    def handle(delivery: Delivery) -> str:
        claim = delivery.claim
        name, way = f"{claim.kind} {claim.id}", chance.random()
        delivery.check()
        notes.write(name, claim.attempts, "start", claim.until)
        if way < 0.1:
            notes.write(name, claim.attempts, "again", claim.until)
            raise TryAgain("not now")
        if way < 0.15:
            notes.write(name, claim.attempts, "refused", claim.until)
            raise Refused("never")
        take_a_while(delivery.check)
        notes.write(name, claim.attempts, "end" if way < 0.95 else "broken", claim.until)
        if way >= 0.95:
            raise RuntimeError("nobody knows")
        return "done"

    handlers = {"letter": Handler(handle, idempotent=False), "note": Handler(handle, idempotent=True)}
    table = [Job("exact", EVERY, add_rows), Job("plain", EVERY, note_run)] if with_jobs else []
    environment = Environment(open_store(url), now, TokenUse(), handlers, terms=TERMS)
    Runner(environment, [*table, Job("deliver", 20, deliver, leased=False)], first_wait=0).start()
    signal.pause()


# --- killing them -----------------------------------------------------------------------------------------------------


class Fleet:
    """The processes, and when each was killed."""

    def __init__(self, url: str, organization: int, notes: Path) -> None:
        self._arguments = (url, organization, notes)
        self._running: dict[int, BaseProcess] = {}
        self._seeds = random.Random(1)
        self.killed: dict[int, int] = {}

    def start(self, *, with_jobs: bool = True) -> None:
        process = processes.Process(target=work, args=(*self._arguments, self._seeds.random(), with_jobs))
        process.start()
        assert process.pid is not None
        self._running[process.pid] = process

    def kill(self, process: int | None = None) -> None:
        """Kills a process, by default the one that has just begun something, if any has, and otherwise any."""
        victim = process if process in self._running else self._seeds.choice(list(self._running))
        ended = self._running.pop(victim)
        ended.kill()
        ended.join()
        assert ended.exitcode == -signal.SIGKILL
        self.killed[victim] = now()

    def kill_all(self) -> None:
        while self._running:
            self.kill()


@contextmanager
def fleet(url: str, organization: int, notes: Path) -> Iterator[Fleet]:
    made = Fleet(url, organization, notes)
    try:
        yield made
    finally:
        made.kill_all()


def in_the_middle(notes: Path) -> int | None:
    """Waits for a process that has begun something and noted nothing since; None where none does for a while."""
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        lines = notes.read_text().splitlines() if notes.exists() else []
        _, process, _, _, what, _ = json.loads(lines[-1]) if lines else (0, 0, "", 0, "", 0)
        if what == "start":
            return int(process)
        time.sleep(0.002)
    return None


# --- what they did ----------------------------------------------------------------------------------------------------


class Attempt(NamedTuple):
    """One attempt at a piece of work: when it began, the end of its lease as it was then, when it was over and how."""

    began: int
    process: int
    until: int
    over: int
    how: str


class Stored(NamedTuple):
    """A row of the outbox in the end."""

    kind: str
    due: int
    outcome: Outcome | None
    attempts: int


def attempts(notes: Path, killed: dict[int, int]) -> dict[str, list[Attempt]]:
    """What was attempted, by piece of work, in order of time."""
    begun: dict[tuple[str, int, int], tuple[int, int]] = {}
    ended: dict[tuple[str, int, int], tuple[int, str]] = {}
    for at, process, work_, number, what, until in map(json.loads, notes.read_text().splitlines()):
        if what == "start":
            assert (work_, number, process) not in begun
            begun[work_, number, process] = at, until
        elif what != "undecided":
            ended[work_, number, process] = at, what
    found = defaultdict(list)
    for key, (at, until) in begun.items():
        over, how = ended.get(key, (killed[key[2]], "killed"))
        found[key[0]].append(Attempt(at, key[2], until, over, how))
    return {work_: sorted(rows) for work_, rows in found.items()}


def attempted(notes: Path) -> set[str]:
    """The pieces of work that were begun."""
    return {work_ for _, _, work_, _, what, _ in map(json.loads, notes.read_text().splitlines()) if what == "start"}


def runs_of(job: str, works: Iterable[str]) -> set[int]:
    """When the runs of a job were due."""
    return {int(work_.partition(" ")[2]) for work_ in works if work_.startswith(f"{job} ")}


def undecided_runs(notes: Path) -> set[str]:
    return {work_ for _, _, work_, _, what, _ in map(json.loads, notes.read_text().splitlines()) if what == "undecided"}


def stored_rows(store: Store, organization: int) -> dict[OutboxId, Stored]:
    text = "SELECT revision, number, kind, payload, outcome, attempts FROM outbox WHERE organization_id = :o"
    with store.read() as transaction:
        rows = transaction.rows(text, o=organization)
    return {
        OutboxId(*row[:2]): Stored(row[2], json.loads(row[3])["due"], Outcome(row[4]) if row[4] else None, row[5])
        for row in rows
    }


def check_one_at_a_time(found: dict[str, list[Attempt]], killed: dict[int, int]) -> None:
    """An attempt begins only after the one before it was killed, put the work back, or was late beyond its lease."""
    for work_, rows in found.items():
        for one, following in pairwise(rows):
            was_killed = killed[one.process] <= following.began
            was_put_back = one.over <= following.began and (one.how == "again" or work_.startswith("note"))
            was_late = one.until + TERMS.clock_error <= following.began
            assert was_killed or was_put_back or was_late, (work_, one, following)


def check_runs(store: Store, job: str, found: dict[str, list[Attempt]], undecided: set[str]) -> set[int]:
    """All runs that were begun, but the one that is due now, are over: done, or named undecided; the dues of the done.

    They lie on the grid.
    """
    state = jobs.state(store, job)
    assert state is not None
    begun = runs_of(job, found)
    assert len(begun) >= RUNS
    assert {(due - state.due_at) % EVERY for due in begun} == {0}
    assert max(begun) <= state.due_at
    return {due for due in begun if due != state.due_at and f"{job} {due}" not in undecided}


def check_row(row: Stored, rows: list[Attempt]) -> None:
    """What the database says of a row of the outbox is what its attempts say."""
    ways = [one.how for one in rows]
    assert len(ways) <= row.attempts
    if row.kind == "letter":
        assert len([how for how in ways if how != "again"]) <= 1
    last = ways[-1] if ways else "killed"
    used_up = row.attempts >= outbox.MAX_ATTEMPTS
    if row.outcome == Outcome.DONE:
        assert last == "end"
    elif row.outcome == Outcome.FAILED:
        assert last == "refused" or used_up
    else:
        assert row.outcome == Outcome.UNDECIDED
        assert used_up or (row.kind == "letter" and last in ("end", "broken", "killed", "again"))


# --- the proof --------------------------------------------------------------------------------------------------------


def test_what_processes_are_killed_in_the_middle_of_happens_once_or_is_named(database_url: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    store = open_store(database_url)
    organization = manage.create_organization(store, operator(), "Acme", now=0)
    with fleet(database_url, organization, notes) as running:
        for _ in range(PROCESSES):
            running.start()
        for kill in range(KILLS):
            time.sleep(random.Random(kill).uniform(0.1, 0.6))
            running.kill(in_the_middle(notes))
            running.start()
        wait_until(lambda: all(len(runs_of(job, attempted(notes))) >= RUNS for job in ("exact", "plain")))
        running.kill_all()
        running.start(with_jobs=False)
        wait_until(lambda: all(row.outcome is not None for row in stored_rows(store, organization).values()))
    check(store, organization, notes, running.killed)
    store.close()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_DRAIN
    while not happened():
        assert time.monotonic() < deadline, "something is left undone"
        time.sleep(0.1)


def check(store: Store, organization: int, notes: Path, killed: dict[int, int]) -> None:
    found, undecided, rows = attempts(notes, killed), undecided_runs(notes), stored_rows(store, organization)
    check_one_at_a_time(found, killed)
    check_runs(store, "plain", found, undecided)
    done = check_runs(store, "exact", found, undecided)
    # The effects of each run came once: the one that is due now may have none.
    effects = sorted((row.kind, row.due) for row in rows.values())
    assert effects == sorted((kind, due) for due in done for kind in ("letter", "note"))
    for id_, row in rows.items():
        check_row(row, found.get(f"{row.kind} {id_}", []))
    ways = Counter(one.how for rows in found.values() for one in rows)
    assert ways["killed"] > KILLS / 4, ways
    assert ways["end"] > KILLS / 2, ways
