"""The database: all SQL of Hymio, for SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import cached_property

from sqlalchemy import Engine

from hymio.errors import NotFound, Unavailable
from hymio.setup import Content, Layout
from hymio.store import migrate
from hymio.store.dialect import (
    DEFAULT_CONNECTIONS,
    ENDLESS,
    LOCK_SECONDS,
    Bulkhead,
    Patience,
    Transaction,
    begin,
    connect,
    engine_kind,
    has_single_writer,
    translated,
)
from hymio.store.dialect.citus import is_distributed
from hymio.store.ledger import Ledger, open_ledger
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
    def begin(self, organization: int, now: int, *, yielding: bool = False) -> Iterator[Ledger]:
        """The organization's ledger, locked until the commit at the end. NotFound; Unavailable if it stays locked.

        Work in many commits is `yielding`: after each it pauses for as long as the commit took, at most
        MAX_PAUSE_SECONDS, so that waiting uploads are committed.
        """
        with self._ledger(organization, now) as ledger:
            began = time.monotonic()
            yield ledger
        if yielding:
            time.sleep(min(time.monotonic() - began, MAX_PAUSE_SECONDS))

    @contextmanager
    def _ledger(self, organization: int, now: int) -> Iterator[Ledger]:
        """`begin` without a pause."""
        if not self._remembered.layouts.has(organization):
            self.layout(organization)  # cached before the write transaction, which then locks for less time
        with self.write() as transaction, self.ledger_in(transaction, organization, now) as ledger:
            yield ledger
        ledger.setup.remember()

    @contextmanager
    def ledger_in(self, transaction: Transaction, organization: int, now: int) -> Iterator[Ledger]:
        """The organization's ledger at its next revision, within a write transaction. NotFound."""
        row = transaction.row(
            """UPDATE ledger SET revision = revision + 1 WHERE organization_id = :o
            RETURNING revision, setup_revision, content_revision""",
            o=organization,
        )
        if row is None:
            raise _unknown(organization)
        revision, *setup_revisions = row
        transaction.run(
            "INSERT INTO revision (organization_id, revision, committed_at) VALUES (:o, :revision, :now)",
            o=organization,
            revision=revision,
            now=now,
        )
        revisions = SetupRevisions(*setup_revisions)
        setup = SetupInCommit(transaction, self._remembered, organization, revision, revisions)
        with open_ledger(transaction, setup, revision, now) as ledger:
            yield ledger

    def for_pool(self, threads: int) -> Store:
        """The same database for a pool of threads, of which at most half wait for one slow part of it."""
        pooled = copy(self)
        patience = replace(self._patience, bulkhead=Bulkhead(max(1, threads // 2)))
        pooled._patience = patience  # noqa: SLF001  its own class
        return pooled

    def check(self) -> None:
        """Runs one query. Unavailable where the database does not answer."""
        with self.read() as transaction:
            transaction.row("SELECT 1 FROM organization LIMIT 1")

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
    url: str, connections: int = DEFAULT_CONNECTIONS, lock_seconds: float = LOCK_SECONDS, threads: int | None = None
) -> Store:
    """Opens and migrates a database; creates a missing SQLite file. Raises DatabaseTooNew, Unavailable, SetupError.

    At most `connections` transactions run at once. Another one waits for a connection, and a write for the lock of the
    one before it, up to `lock_seconds`; then it is Unavailable. With `threads`, those of a server, no answer of the
    database is waited for without end, and at most half of them wait for one slow node of a cluster.
    """
    engine = connect(url, connections, lock_seconds)
    with translated():
        migrate.upgrade(engine)
    if threads is None:
        return Store(engine, lock_seconds)
    store = Store(engine, lock_seconds, Patience(READ_SECONDS, lock_seconds + WRITE_SECONDS))
    return store.for_pool(threads) if store.is_distributed else store
