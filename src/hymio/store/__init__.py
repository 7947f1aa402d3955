"""The database: all SQL of Hymio, for SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from hymio.errors import NotFound, Unavailable
from hymio.setup import Content, Layout
from hymio.store import migrate, schema
from hymio.store.dialect import (
    DEFAULT_CONNECTIONS,
    ENDLESS,
    LOCK_SECONDS,
    Bulkhead,
    Patience,
    Transaction,
    begin,
    connect,
    database_file,
    engine_kind,
    has_single_writer,
    shown_name,
    translated,
    truncate_log,
    vacuum,
)
from hymio.store.dialect.citus import is_distributed
from hymio.store.ledger import Ledger, open_ledger
from hymio.store.receive_time import NewestTimes, NowIs, instant_of_commit, newest_receive_times, receive_time
from hymio.store.setup import RememberedSetup, SetupInCommit, SetupRevisions
from hymio.store.setup.changes import forget_changes

MAX_PAUSE_SECONDS = 1.0
"""The longest pause after a yielding commit."""

READ_SECONDS = 60.0
"""How long a server's transaction that reads waits for an answer of the database."""

WRITE_SECONDS = 5.0
"""How much longer than for a lock a server's transaction that writes waits for an answer of the database."""


class Store:
    """A database of organizations; safe to share between threads."""

    def __init__(self, engine: Engine, lock_seconds: float = LOCK_SECONDS, patience: Patience = ENDLESS) -> None:
        self._engine = engine
        self._patience = patience
        self._remembered = RememberedSetup()
        self.has_single_writer = has_single_writer(engine)
        self._writer = threading.Lock() if self.has_single_writer else None
        self._lock_seconds = lock_seconds
        self._latest = _Latest()

    @property
    def name(self) -> str:
        """The database as it may be shown: the whole path of a file, or a URL without its password."""
        return shown_name(self._engine) if self.file is None else str(self.file)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a database on a server."""
        return database_file(self._engine)

    @cached_property
    def is_distributed(self) -> bool:
        """Whether the tables are distributed over the nodes of a Citus cluster, as of the first time it is asked."""
        with self.read() as transaction:
            return is_distributed(transaction.core)

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return engine_kind(self._engine)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A read transaction with one consistent view."""
        with translated(), begin(self._engine, writes=False, patience=self._patience) as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A write transaction outside any organization's ledger: for organizations, the directory and jobs."""
        with (
            self._turn(),
            translated(),
            begin(self._engine, writes=True, patience=self._patience) as transaction,
        ):
            yield transaction

    @contextmanager
    def begin(self, organization: int, now: int, *, yielding: bool = False, present: bool = False) -> Iterator[Ledger]:
        """The organization's ledger, locked until the commit at the end. NotFound; Unavailable if it stays locked.

        Its receive time is `now`, but never before the newest one. If `now` must be the `present` of a right clock, a
        clock that is behind raises ClockBehind (`receive_time`). Work in many commits is `yielding`: its `now` may be
        as old as the work, and after each commit it pauses for as long as the commit took, at most MAX_PAUSE_SECONDS,
        so that waiting uploads are committed.
        """
        now_is = NowIs.PRESENT if present else NowIs.BEGINNING_OF_WORK if yielding else NowIs.GIVEN
        with self._ledger(organization, now, now_is) as ledger:
            began = time.monotonic()
            yield ledger
        if yielding:
            time.sleep(min(time.monotonic() - began, MAX_PAUSE_SECONDS))

    @contextmanager
    def _ledger(self, organization: int, now: int, now_is: NowIs) -> Iterator[Ledger]:
        """`begin` without a pause."""
        if not self._remembered.layouts.has(organization):
            self.layout(organization)  # cached before the write transaction, which then locks for less time
        with self.write() as transaction, self.ledger_in(transaction, organization, now, now_is) as ledger:
            yield ledger
        self._latest.commit = _Commit(organization, ledger.revision, ledger.received_at)
        ledger.setup.remember()

    @contextmanager
    def ledger_in(
        self, transaction: Transaction, organization: int, now: int, now_is: NowIs = NowIs.GIVEN
    ) -> Iterator[Ledger]:
        """The organization's ledger at its next revision, within a write transaction. NotFound; ClockBehind."""
        row = transaction.row(
            """UPDATE ledger SET revision = revision + 1 WHERE organization_id = :o
            RETURNING revision, setup_revision, content_revision""",
            o=organization,
        )
        if row is None:
            raise _unknown(organization)
        revision, *setup_revisions = row
        newest = receive_time(transaction, organization, revision - 1)
        now = instant_of_commit(now, newest, now_is)
        received_at = max(now, newest)
        transaction.insert_later(schema.revision, [(organization, revision, received_at)])
        revisions = SetupRevisions(*setup_revisions)
        setup = SetupInCommit(transaction, self._remembered, organization, revision, revisions)
        with open_ledger(transaction, setup, revision, now, received_at) as ledger:
            yield ledger

    def for_pool(self, threads: int) -> Store:
        """The same database for a pool of threads: at most half of them wait at once for one slow part.

        A part is an organization, or a node of a Citus cluster (`Bulkhead`).
        """
        pooled = copy(self)
        patience = replace(self._patience, bulkhead=Bulkhead(max(1, threads // 2)))
        pooled._patience = patience  # noqa: SLF001  its own class
        return pooled

    def for_others(self) -> Store:
        """The same database for work for which the work of others waits in this thread: it waits BRIEF_SECONDS."""
        hurried = copy(self)
        hurried._patience = self._patience.for_others()  # noqa: SLF001  its own class
        return hurried

    def lost_nodes(self) -> list[str]:
        """The nodes (HOST:PORT) of a Citus cluster that do not answer; it asks each for some seconds. Unavailable."""
        with self.read() as transaction:
            return transaction.lost_nodes()

    def check(self) -> None:
        """Reads a row of the database itself. Unavailable where it does not answer or this store's last commit is gone.

        It is gone where an older database took the place of this one: a file that was overwritten, or a standby server
        that had not received the commit yet. Of a Citus cluster only the coordinator must answer.
        """
        last = self._latest.commit
        with self.read() as transaction:
            transaction.forget_pages()
            if last is None or self.is_distributed:
                transaction.row("SELECT 1 FROM organization LIMIT 1")
            elif not _is_stored(transaction, last):
                raise Unavailable(
                    "commit-missing",
                    "the database is not the one that was written to: the last commit is not in it",
                    cause=f"revision {last.revision} of organization {last.organization}",
                )

    def newest_receive_times(self) -> NewestTimes | None:
        """The newest receive times of all ledgers; None while a node of the cluster is lost, for which the statement
        would wait. Unavailable."""
        if self.is_distributed and self.lost_nodes():
            return None
        with self.read() as transaction:
            return newest_receive_times(transaction)

    def layout(self, organization: int) -> Layout:
        """The present layout; only the rows that changed since the last call are read. NotFound."""
        with self.read() as transaction:
            return self.layout_now(transaction, organization)

    def layout_now(self, transaction: Transaction, organization: int) -> Layout:
        """The layout as a transaction sees it. NotFound."""
        revisions = _setup_revisions(transaction, organization)
        return self._remembered.layout(transaction, organization, revisions.layout)

    def content(self, organization: int) -> Content:
        """The present content; only the rows that changed since the last call are read. NotFound."""
        with self.read() as transaction:
            return self.content_now(transaction, organization)

    def content_now(self, transaction: Transaction, organization: int) -> Content:
        """The content as a transaction sees it. NotFound."""
        revisions = _setup_revisions(transaction, organization)
        return self._remembered.content(transaction, organization, revisions.content)

    def forget_setup_changes(self, organization: int, before: int) -> None:
        """Deletes the list of rows of the set-up that revisions before `before` changed.

        A process whose cached set-up is older than these revisions then reads all rows.
        """
        with self.write() as transaction:
            forget_changes(transaction, organization, before)

    def truncate_log(self) -> bool:
        """Empties SQLite's log, so that nothing that was erased is left in it; False while a transaction reads it."""
        with self._turn(), translated():
            return truncate_log(self._engine)

    def vacuum(self) -> bool:
        """Writes an SQLite file anew, so that nothing of what was erased is left in it; False on other engines.

        Unavailable where another process does not end its transaction in time. Nothing can be written meanwhile.
        """
        with self._turn(), translated():
            return vacuum(self._engine)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Holds the lock of writers if the database has a single one. Unavailable after `lock_seconds`."""
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=self._lock_seconds):
            raise Unavailable("writer-busy", "the database is busy with other writes")
        try:
            yield
        finally:
            self._writer.release()


class _Commit(NamedTuple):
    """A commit of a ledger: its revision, and its receive time in ms UTC."""

    organization: int
    revision: int
    at: int


@dataclass(slots=True)
class _Latest:
    """The last commit, of all pools of threads of a store."""

    commit: _Commit | None = None


def _is_stored(transaction: Transaction, commit: _Commit) -> bool:
    """Whether a commit is in the database, or its organization was erased since.

    Its instant may have been corrected since, as `manage.accept_clock` does after a clock that was ahead.
    """
    row = transaction.row(
        """SELECT committed_at FROM ledger l LEFT JOIN revision r
          ON r.organization_id = l.organization_id AND r.revision = :revision WHERE l.organization_id = :o""",
        o=commit.organization,
        revision=commit.revision,
    )
    if row is None or row[0] == commit.at:
        return True
    corrected = "SELECT 1 FROM audit WHERE organization_id = :o AND revision > :revision AND verb = 'accept-clock'"
    is_corrected = transaction.row(f"{corrected} LIMIT 1", o=commit.organization, revision=commit.revision)
    return row[0] is not None and row[0] < commit.at and is_corrected is not None


def _setup_revisions(transaction: Transaction, organization: int) -> SetupRevisions:
    """The revisions that changed the set-up last. NotFound."""
    row = transaction.row(
        "SELECT setup_revision, content_revision FROM ledger WHERE organization_id = :o", o=organization
    )
    if row is None:
        raise _unknown(organization)
    return SetupRevisions(*row)


def _unknown(organization: int) -> NotFound:
    return NotFound("unknown-organization", "there is no organization {organization}", organization=organization)


def open_store(
    url: str,
    connections: int = DEFAULT_CONNECTIONS,
    lock_seconds: float = LOCK_SECONDS,
    threads: int | None = None,
    *,
    make: bool = True,
    read_only: bool = False,
) -> Store:
    """Opens and migrates a database; with `make`, a missing SQLite file and missing tables are made.

    A SQLite file that nobody writes can be opened `read_only`, which leaves it as it is, without a log beside it.
    DatabaseError if the database is another program's or too new, Unavailable, SetupError if it is missing.

    At most `connections` transactions run at once. Another one waits for a connection, and a write for the lock of the
    one before it, up to `lock_seconds`; then it is Unavailable. With `threads`, those of a server, no answer of the
    database is waited for without end, and at most half of them wait for one slow node of a cluster.
    """
    engine = connect(url, connections, lock_seconds, make=make, read_only=read_only)
    try:
        with translated():
            migrate.upgrade(engine, make=make and not read_only)
    except BaseException:
        engine.dispose()
        raise
    if threads is None:
        return Store(engine, lock_seconds)
    store = Store(engine, lock_seconds, Patience(READ_SECONDS, lock_seconds + WRITE_SECONDS))
    return store.for_pool(threads) if store.is_distributed else store
