"""Opening a database: its URL, and the pool of connections to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from hymio.errors import SetupError
from hymio.store.dialect.bulkhead import ENDLESS, Patience
from hymio.store.dialect.database_files import Access
from hymio.store.dialect.postgresql import PostgresqlTransaction, connect_postgresql
from hymio.store.dialect.sqlite import SqliteTransaction, connect_sqlite
from hymio.store.dialect.sqlite import truncate_log as truncate_sqlite_log
from hymio.store.dialect.sqlite import vacuum as vacuum_sqlite
from hymio.store.dialect.transaction import Transaction

LOCK_SECONDS = 10
"""How long a write waits for the one before it, and a transaction for a free connection, before it is Unavailable."""

DEFAULT_CONNECTIONS = 24
"""Connections at the same time where nobody who composes says how many: commands and tests."""

_MIGRATION_LOCK = 0x68796D696F
"""The key of the PostgreSQL lock under which one process migrates at a time ("hymio")."""

_IDLE_CONNECTIONS = 10
"""Connections that stay open while nobody uses them; each of SQLite's may keep 16 MB of pages."""


def connect(
    url: str, connections: int = DEFAULT_CONNECTIONS, lock_seconds: float = LOCK_SECONDS, *, make: bool = True,
    read_only: bool = False,
) -> Engine:  # fmt: skip
    """An engine with a pool for `sqlite:///file`, `postgresql://…` or the path of a SQLite file. SetupError.

    A missing SQLite file is made, or refused unless `make` is set. One that nobody writes can be opened `read_only`,
    which leaves it as it is.
    At most `connections` are open at once; a transaction that finds none free waits `lock_seconds` and is Unavailable.
    """
    parsed = parsed_url(url)
    kind = parsed.get_backend_name()
    idle = min(connections, _IDLE_CONNECTIONS)
    # The connection that was used last is used next: its cache and its prepared statements are warm, and those of the
    # others take no memory.
    pool = {
        "pool_size": idle,
        "max_overflow": connections - idle,
        "pool_timeout": lock_seconds,
        "pool_use_lifo": True,
    }
    if kind == "postgresql":
        return connect_postgresql(parsed, lock_seconds, pool)
    if kind != "sqlite" or not parsed.database:
        raise SetupError(
            "unknown-database-kind",
            "database: got {kind}:…; accepted are sqlite:///FILE and postgresql://…",
            kind=kind,
        )
    path = Path(parsed.database)
    folder = path.absolute().parent
    if not (make and not read_only) and not path.exists():
        raise missing(path)
    if not folder.is_dir():
        raise SetupError(
            "no-database-folder",
            "database: got {file}, but there is no folder {folder}",
            file=parsed.database,
            folder=folder,
        )
    return connect_sqlite(parsed, lock_seconds, pool, make=make and not read_only, read_only=read_only)


def missing(name: object) -> SetupError:
    """The error about a database that is not there."""
    return SetupError(
        "no-database-file",
        "there is no database {file}. Name another with --database, or begin with: hymio organization create NAME",
        file=name,
    )


def begin(engine: Engine, *, writes: bool, patience: Patience = ENDLESS) -> Transaction:
    """A transaction of the engine's kind, to be entered with `with`."""
    return _transaction_kind(engine)(engine, writes=writes, patience=patience)


def engine_kind(engine: Engine) -> str:
    """`sqlite` or `postgresql`, for people to read."""
    return engine.dialect.name


def database_file(engine: Engine) -> Path | None:
    """The path of a SQLite file; None for a database on a server."""
    return Path(engine.url.database or "").absolute() if engine.dialect.name == "sqlite" else None


def target_file(url: str) -> Path | None:
    """The path of the SQLite file that a URL names; None for a database on a server. SetupError."""
    parsed = parsed_url(url)
    return Path(parsed.database or "").absolute() if parsed.get_backend_name() == "sqlite" else None


def has_single_writer(engine: Engine) -> bool:
    """Whether one write transaction excludes all others of the database."""
    return _transaction_kind(engine).single_writer


def truncate_log(engine: Engine) -> bool:
    """Empties the log of SQLite; False where a transaction still reads from it. Other engines see to theirs."""
    return engine.dialect.name != "sqlite" or truncate_sqlite_log(engine)


def vacuum(engine: Engine) -> bool:
    """Writes an SQLite file anew, without any deleted byte; False on other engines, which do it by themselves."""
    if engine.dialect.name != "sqlite":
        return False
    vacuum_sqlite(engine)
    return True


def lock_migrations(connection: Connection) -> None:
    """Waits, however long, until no other process migrates the database; until the end of the transaction.

    SQLite needs nothing: its write transaction is alone from BEGIN IMMEDIATE on.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def try_lock_migrations(connection: Connection) -> bool:
    """Whether no other process migrates the database, nor will until the end of the transaction; waits for nothing."""
    if connection.dialect.name != "postgresql":
        return True
    locked = connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}).scalar()
    return bool(locked)


def is_read_only(connection: Connection) -> bool:
    """Whether nothing can be written: a read-only copy of a file, or a standby server."""
    if connection.dialect.name == "postgresql":
        return bool(connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one())
    driver: Any = connection.connection.driver_connection
    return driver.files.access is not Access.WRITE


def shown_name(engine: Engine) -> str:
    """The database as it may be shown: the path of a file, or the URL of a database on a server."""
    if engine.dialect.name == "sqlite":
        return engine.url.database or ""
    return _shown(engine.url.set(drivername=engine.dialect.name))


@contextmanager
def holding_migrations(connection: Connection) -> Iterator[None]:
    """Keeps other processes from making or migrating tables of a PostgreSQL database, across transactions."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
    try:
        yield
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})


def _transaction_kind(engine: Engine) -> type[Transaction]:
    return SqliteTransaction if engine.dialect.name == "sqlite" else PostgresqlTransaction


def without_password(url: str) -> str:
    """The URL of a database as it may be shown."""
    return _shown(parsed_url(url))


def _shown(parsed: URL) -> str:
    host = parsed.host and parsed.host.rpartition("@")[2]  # a password that holds an @ reaches beyond it
    secret = [name for name in parsed.query if "pass" in name.lower()]
    bare = URL.create(parsed.drivername, parsed.username, None, host, parsed.port, parsed.database, parsed.query)
    return bare.difference_update_query(secret).render_as_string()


def parsed_url(url: str) -> URL:
    """A database URL, or the path of a SQLite file as one. SetupError."""
    try:
        return make_url(url if ":" in url else f"sqlite:///{url}")
    except ArgumentError:
        # Not the text itself: a password may stand in it.
        raise SetupError(
            "no-database-url", "database: got no URL; accepted are sqlite:///FILE and postgresql://…"
        ) from None
