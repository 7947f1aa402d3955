"""The wall: all SQL lies behind it, for SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from hymio.errors import NotFound, Unavailable
from hymio.setup import Content, Layout
from hymio.store import migrate
from hymio.store.dialect import (
    DEFAULT_CONNECTIONS,
    LOCK_SECONDS,
    Transaction,
    begin,
    connect,
    has_single_writer,
    translated,
)
from hymio.store.ledger import Ledger, open_ledger
from hymio.store.reading import load_content, load_layout

LONGEST_REST = 1.0
"""Seconds."""


class Store:
    """A database of organizations; safe to share between threads."""

    def __init__(self, engine: Engine, lock_seconds: float = LOCK_SECONDS) -> None:
        self._engine = engine
        self._layouts: dict[int, Layout] = {}
        self._contents: dict[int, Content] = {}
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.has_single_writer = has_single_writer(engine)
        self._writer = threading.Lock() if self.has_single_writer else None
        self._lock_seconds = lock_seconds

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent view, read only."""
        with translated(), begin(self._engine, writes=False) as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A write outside any organization's ledger: organizations and the directory."""
        with self._turn(), translated(), begin(self._engine, writes=True) as transaction:
            yield transaction

    @contextmanager
    def begin(self, organization: int, now: int, *, yielding: bool = False) -> Iterator[Ledger]:
        """The organization's ledger, alone with it until the commit at the end. NotFound; Unavailable while taken.

        Long work that begins again and again is `yielding`: it rests afterwards for as long as it took, so that presses
        that wait for their turn get it.
        """
        with self._ledger(organization, now) as ledger:
            began = time.monotonic()
            yield ledger
        if yielding:
            time.sleep(min(time.monotonic() - began, LONGEST_REST))

    @contextmanager
    def _ledger(self, organization: int, now: int) -> Iterator[Ledger]:
        with self.write() as transaction, self.ledger_in(transaction, organization, now) as ledger:
            yield ledger

    @contextmanager
    def ledger_in(self, transaction: Transaction, organization: int, now: int) -> Iterator[Ledger]:
        """The organization's ledger at its next revision, within a transaction that writes. NotFound."""
        row = transaction.row(
            """UPDATE ledger SET revision = revision + 1 WHERE organization_id = :o
            RETURNING revision, setup_revision""",
            o=organization,
        )
        if row is None:
            raise _unknown(organization)
        revision, setup_revision = row
        transaction.run(
            "INSERT INTO revision (organization_id, revision, committed_at) VALUES (:o, :revision, :now)",
            o=organization, revision=revision, now=now,
        )  # fmt: skip
        layout = self._remembered_layout(transaction, organization, setup_revision)
        with open_ledger(transaction, layout, revision, now) as ledger:
            yield ledger

    def check(self) -> None:
        """Runs one query. Unavailable where the database does not answer."""
        with self.read() as transaction:
            transaction.row("SELECT 1 FROM organization LIMIT 1")

    def layout(self, organization: int) -> Layout:
        """What resolving presses of an organization needs; read anew only after it has changed. NotFound."""
        with self.read() as transaction:
            return self.layout_now(transaction, organization)

    def layout_now(self, transaction: Transaction, organization: int) -> Layout:
        """The layout as a transaction sees it. NotFound."""
        return self._remembered_layout(transaction, organization, _setup_revisions(transaction, organization)[0])

    def content(self, organization: int) -> Content:
        """The texts of an organization that people see; read anew only after they have changed. NotFound."""
        with self.read() as transaction:
            return self.content_now(transaction, organization)

    def content_now(self, transaction: Transaction, organization: int) -> Content:
        """The content as a transaction sees it. NotFound."""
        revision = _setup_revisions(transaction, organization)[1]
        known = self._contents.get(organization)
        if known is None or known.revision != revision:
            known = self._contents[organization] = load_content(transaction, organization, revision)
        return known

    def _remembered_layout(self, transaction: Transaction, organization: int, revision: int) -> Layout:
        known = self._layouts.get(organization)
        if known is None or known.revision != revision:
            known = self._layouts[organization] = load_layout(transaction, organization, revision)
        return known

    def close(self) -> None:
        """Gives back all connections."""
        self._engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=self._lock_seconds):
            raise Unavailable("writer-busy", "the database is busy with other writes")
        try:
            yield
        finally:
            self._writer.release()


def _setup_revisions(transaction: Transaction, organization: int) -> tuple[int, int]:
    """The revisions that changed the layout and the content last. NotFound."""
    row = transaction.row(
        "SELECT setup_revision, content_revision FROM ledger WHERE organization_id = :o", o=organization
    )
    if row is None:
        raise _unknown(organization)
    return row[0], row[1]


def _unknown(organization: int) -> NotFound:
    return NotFound("unknown-organization", "there is no organization {organization}", organization=organization)


def open_store(url: str, connections: int = DEFAULT_CONNECTIONS, lock_seconds: float = LOCK_SECONDS) -> Store:
    """Opens and migrates a database; a missing SQLite file is made. DatabaseTooNew, Unavailable, SetupError.

    At most `connections` transactions run at once. One more waits `lock_seconds`, as a write does for the one before
    it, and is then Unavailable.
    """
    engine = connect(url, connections, lock_seconds)
    with translated():
        migrate.upgrade(engine)
    return Store(engine, lock_seconds)
