"""What the drivers' errors mean: busy, full and unreachable are Unavailable, a broken file is DatabaseError."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hymio.errors import Conflict, DatabaseError, Unavailable

_NO_DATABASE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_READ_ONLY_TRANSACTION = "25006"
"""The SQLSTATE of a write on a PostgreSQL server that is a standby."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns a driver's error into Hymio's.

    Unavailable: locked, full, read-only, unreachable, no answer or no connection in time, or a failure inside the
    server, such as the loss of a node of a cluster at work: nothing was stored. Conflict: a unique key is taken.
    DatabaseError: the file is no database.
    """
    try:
        yield
    except Exception as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.DatabaseError) and getattr(cause, "sqlite_errorcode", 0) in _NO_DATABASE:
            raise DatabaseError(
                "no-database", "the file is no database, or it is damaged: {cause}", cause=cause
            ) from error
        if _is_read_only(cause):
            raise read_only(str(cause)) from error
        if isinstance(cause, (PoolTimeout, *driver_errors("OperationalError"))) or _is_internal(cause):
            raise Unavailable("database-busy", "the database cannot take this now", cause=str(cause)) from error
        if isinstance(cause, driver_errors("IntegrityError")):
            raise Conflict(
                "stored-meanwhile", "somebody else has just stored something of the same name or number"
            ) from error
        raise


def _is_internal(cause: object) -> bool:
    """Whether a server says that something failed inside it: PostgreSQL's code XX000, internal_error."""
    return getattr(cause, "sqlstate", None) == "XX000"


def read_only(cause: str) -> Unavailable:
    """The error about a write to a database that is read-only."""
    return Unavailable("database-read-only", "the database is read-only, nothing can be stored in it", cause=cause)


def _is_read_only(cause: BaseException | None) -> bool:
    """Whether a write was refused because the file, its folder or the PostgreSQL server is read-only."""
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
    return getattr(cause, "sqlstate", None) == _READ_ONLY_TRANSACTION


def driver_errors(name: str) -> tuple[type[Exception], ...]:
    """The drivers' error classes of a name; psycopg's only where it is in use, as it is slow to load."""
    drivers = (sqlite3, sys.modules.get("psycopg"))
    return tuple(getattr(driver, name) for driver in drivers if driver is not None)
