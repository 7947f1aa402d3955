"""A periodic job, and one run of it: its environment, its lease, and the fencing of its commits."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hymio.clock import Clock
from hymio.jobs.renewal import Renewal
from hymio.period import Instant
from hymio.store import Store, jobs
from hymio.store.dialect import Transaction
from hymio.store.jobs import JobLease
from hymio.store.lease import TERMS, Outcome, Terms
from hymio.store.token_use import TokenUse

if TYPE_CHECKING:
    from hymio.jobs.delivery import Handler


class Stopping(Exception):
    """Raised in a run when the server stops: the run ends and stays due."""


def new_holder() -> str:
    """The name by which a process holds leases: machine, process and a random part, which makes it unique."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is repeated every `every` ms; `function` returns what it did in a few words, or "".

    A leased job runs in one process at a time, the one that claims it, at the instants of a fixed grid. Its writes must
    be idempotent, because a run may be begun again after a crash, or be in a commit that calls `Run.finish`. A job that
    is not leased runs in every process, each by its own timer.
    """

    name: str
    every: int
    function: Callable[[Run], str]
    leased: bool = True


@dataclass(frozen=True, slots=True)
class Environment:
    """What the jobs of one process work with; `handlers` are those of the outbox, by kind."""

    store: Store
    clock: Clock
    token_use: TokenUse
    handlers: Mapping[str, Handler]
    holder: str = field(default_factory=new_holder)
    terms: Terms = TERMS


@dataclass(slots=True)
class Run:
    """One run of a job; `lease` and `renewal` are None for a job that is not leased."""

    environment: Environment
    stopping: threading.Event
    lease: JobLease | None = None
    renewal: Renewal | None = None
    is_finished: bool = False

    @property
    def store(self) -> Store:
        """The database."""
        return self.environment.store

    def now(self) -> Instant:
        """The present, in ms UTC."""
        return self.environment.clock()

    def check(self) -> None:
        """Raises Stopping, or LeaseLost if another process may have begun; to be called between steps of long work."""
        if self.stopping.is_set():
            raise Stopping
        if self.renewal is not None:
            self.renewal.check()

    def guard(self, transaction: Transaction) -> None:
        """Raises LeaseLost, which undoes the transaction, unless the lease is held; it stays held until the commit."""
        if self.lease is not None:
            jobs.guard(transaction, self.lease)

    def finish(self, transaction: Transaction, detail: str) -> None:
        """Ends the run within a transaction of the job, whose other writes thereby happen once for each due run.

        It must be the last step of the job. Raises LeaseLost, which undoes the transaction.
        """
        if self.lease is not None:
            jobs.finish(transaction, self.lease, Outcome.DONE, detail, self.now())
            self.is_finished = True
