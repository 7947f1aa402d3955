"""Where SQLite and PostgreSQL differ: connecting, beginning, bulk rows, streaming, and what their errors mean."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from operator import index
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Float, LargeBinary, SmallInteger, Table, Text, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeEngine

from hymio.errors import Conflict, DatabaseError, SetupError, Unavailable

Row = tuple[Any, ...]
LOCK_SECONDS = 10
"""How long a write waits for the one before it; then the caller is told to come back."""

STREAMED_ROWS = 2_000
MOST_MORE = 14
"""Connections beyond those kept: as many as threads and exports may hold at once by the settings' defaults."""

_NO_DATABASE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_NAMED = re.compile(r"(?<!:):([a-z_]+)")


def connect(url: str) -> Engine:
    """An engine with a pool for `sqlite:///file`, `postgresql://…` or the path of a SQLite file."""
    parsed = _parsed(url)
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=10,
            max_overflow=MOST_MORE,
            pool_timeout=LOCK_SECONDS,
            connect_args={"options": f"-c lock_timeout={LOCK_SECONDS}s"},
        )
    if kind != "sqlite" or not parsed.database:
        raise SetupError(f"database: got {kind}:…; accepted are sqlite:///FILE and postgresql://…")
    folder = Path(parsed.database).absolute().parent
    if not folder.is_dir():
        raise SetupError(f"database: got {parsed.database}, but there is no folder {folder}")
    _make_private(parsed.database)
    arguments = {"check_same_thread": False}
    engine = create_engine(
        parsed, pool_size=10, max_overflow=MOST_MORE, pool_timeout=LOCK_SECONDS, connect_args=arguments
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def without_password(url: str) -> str:
    """The URL of a database as it may be shown."""
    parsed = _parsed(url)
    place = parsed.host and parsed.host.rpartition("@")[2]  # a password that holds an @ reaches beyond it
    secret = [name for name in parsed.query if "pass" in name.lower()]
    bare = URL.create(parsed.drivername, parsed.username, None, place, parsed.port, parsed.database, parsed.query)
    return bare.difference_update_query(secret).render_as_string()


def _parsed(url: str) -> URL:
    try:
        return make_url(url if ":" in url else f"sqlite:///{url}")
    except ArgumentError:
        # Not the text itself: a password may stand in it.
        raise SetupError("database: got no URL; accepted are sqlite:///FILE and postgresql://…") from None


def _make_private(file: str) -> None:
    """Makes the file, if it is not there, for its owner alone; SQLite gives those beside it the same mode."""
    if file != ":memory:" and not file.startswith("file:"):
        with suppress(OSError):  # SQLite says what is wrong when it opens it
            os.close(os.open(file, os.O_CREAT | os.O_RDONLY, 0o600))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {LOCK_SECONDS * 1000}",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -16000",
        "journal_size_limit = 67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")
    _write_ahead(connection)


def _write_ahead(connection: Any) -> None:
    """Has SQLite keep a log beside the file; while another process begins to, it answers busy without waiting."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
        time.sleep(0.01)


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Transaction:
    """One open transaction and the few ways to speak SQL in it; parameters are always bound, written `:name`."""

    def __init__(self, engine: Engine, *, writes: bool) -> None:
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writes = writes
        self._engine = engine
        self._driver: Any = None
        self._cursor: Any = None
        self._saved = self._to_save = False

    def __enter__(self) -> Transaction:
        with translated():
            isolation = {} if self.is_sqlite or self._writes else {"isolation_level": "REPEATABLE READ"}
            self.core = self._engine.connect().execution_options(writes=self._writes, **isolation)
            try:
                self._begun = self.core.begin()
                driver: Any = self.core.connection.driver_connection
                self._driver, self._cursor = driver, driver.cursor()
            except BaseException:
                self.core.close()
                raise
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            with translated():
                self._cursor.close()
                self._begun.commit() if kind is None else self._begun.rollback()
        finally:
            self.core.close()

    def rows(self, text: str, **values: object) -> list[Row]:
        """All rows of a statement."""
        self._cursor.execute(text if self.is_sqlite else _percent(text), values)
        return list(self._cursor.fetchall())

    def row(self, text: str, **values: object) -> Row | None:
        """The first row of a statement, if any."""
        self._cursor.execute(text if self.is_sqlite else _percent(text), values)
        found: Row | None = self._cursor.fetchone()
        return found

    def run(self, text: str, **values: object) -> int:
        """Runs a statement; the number of rows it touched."""
        self._save()
        self._cursor.execute(text if self.is_sqlite else _percent(text), values)
        return int(self._cursor.rowcount)

    def stream(self, text: str, **values: object) -> Iterator[Row]:
        """The rows of a statement, a few thousand in memory at a time."""
        if self.is_sqlite:
            with _closing(self._driver.cursor()) as cursor:
                cursor.execute(text, values)
                while rows := cursor.fetchmany(STREAMED_ROWS):
                    yield from rows
            return
        with _closing(self._driver.cursor(name=f"stream_{next(_numbers)}")) as cursor:
            cursor.itersize = STREAMED_ROWS
            cursor.execute(_percent(text), values)
            yield from cursor

    def copy(self, text: str) -> Iterator[bytes]:
        """What PostgreSQL's COPY … TO STDOUT sends, row by row; it takes no parameters."""
        with _closing(self._driver.cursor()) as cursor, cursor.copy(text) as copying:
            yield from map(bytes, copying)

    def insert(self, table: Table, rows: Sequence[Row], then: str = "") -> None:
        """Inserts rows whose values stand in the table's column order; `then` is an ON CONFLICT clause."""
        if not rows:
            return
        self._save()
        if self.is_sqlite:
            self._cursor.executemany(f"{_insert_values(table)} {then}", rows)
        else:
            columns = zip(_postgresql_types(table), zip(*rows, strict=True), strict=True)
            self._cursor.execute(f"{_insert_arrays(table)} {then}", [_array(*each) for each in columns])

    def many(self, text: str, rows: Iterable[dict[str, object]]) -> None:
        """Runs one statement for each row of values."""
        values = list(rows)
        if values:
            self._save()
            self._cursor.executemany(text if self.is_sqlite else _percent(text), values)

    def among(self, values: Iterable[int]) -> object:
        """The value to bind for `within(…)`: a list of integers."""
        numbers = list(values)
        return f"[{','.join(map(str, numbers))}]" if self.is_sqlite else numbers

    def within(self, column: str, name: str) -> str:
        """SQL: the column's value is among those bound as `name` by `among`."""
        return f"{column} IN (SELECT value FROM json_each(:{name}))" if self.is_sqlite else f"{column} = ANY(:{name})"

    def pairs(self, name: str, values: Sequence[tuple[int, int]]) -> dict[str, object]:
        """What to bind for `each_pair(name, …)`."""
        if self.is_sqlite:
            return {name: f"[{','.join(f'[{one},{other}]' for one, other in values)}]"}
        return {f"{name}_one": [one for one, _ in values], f"{name}_other": [other for _, other in values]}

    def each_pair(self, name: str, columns: tuple[str, str]) -> str:
        """SQL: the pairs bound as `name` by `pairs` as a table of `number` (from 0) and the two columns."""
        one, other = columns
        if self.is_sqlite:
            first, second = (f"json_extract(value, '$[{place}]')" for place in (0, 1))
            return f"(SELECT key AS number, {first} AS {one}, {second} AS {other} FROM json_each(:{name}))"
        return f"""(SELECT number - 1 AS number, {one}, {other}
            FROM unnest(:{name}_one::bigint[], :{name}_other::bigint[]) WITH ORDINALITY AS p({one}, {other}, number))"""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what is inside, and nothing else, if it raises; one is not within another.

        The database is told of it before the first write inside, and to give it up before that in the next, or by the
        commit: on PostgreSQL each saying takes as long as a write.
        """
        self._to_save = True
        try:
            yield
        except BaseException:
            # A full disk or a lost connection has undone the whole transaction; what says so is already on its way up.
            with suppress(*driver_errors("Error")):
                if not self._to_save:
                    self._cursor.execute("ROLLBACK TO SAVEPOINT one")
            raise
        finally:
            self._to_save = False

    def _save(self) -> None:
        """Before a write: the savepoint, if it is the first within one."""
        if self._to_save:
            texts = ["RELEASE SAVEPOINT one", "SAVEPOINT one"] if self._saved else ["SAVEPOINT one"]
            for text in texts if self.is_sqlite else ["; ".join(texts)]:
                self._cursor.execute(text)
            self._saved, self._to_save = True, False


_numbers = iter(range(1 << 62))


@contextmanager
def _closing(cursor: Any) -> Iterator[Any]:
    try:
        yield cursor
    finally:
        cursor.close()


@lru_cache(maxsize=512)
def _percent(text: str) -> str:
    return _NAMED.sub(r"%(\1)s", text.replace("%", "%%"))


@cache
def _insert_values(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' for _ in table.columns)})"


@cache
def _insert_arrays(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    arrays = ", ".join(f"%s::{kind}[]" for kind in _postgresql_types(table))
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"


def _array(kind: str, values: Sequence[Any]) -> object:
    """The values of a column as PostgreSQL takes them; integers as text, which the driver would write one by one."""
    if not kind.endswith("int"):
        return list(values)
    return "{" + ",".join(["NULL" if each is None else str(index(each)) for each in values]) + "}"


@cache
def _postgresql_types(table: Table) -> tuple[str, ...]:
    return tuple(_postgresql_type(column.type) for column in table.columns)


def _postgresql_type(kind: TypeEngine[Any]) -> str:
    names = {Text: "text", Float: "double precision", LargeBinary: "bytea", SmallInteger: "smallint"}
    return next((name for known, name in names.items() if isinstance(kind, known)), "bigint")


@contextmanager
def translated() -> Iterator[None]:
    """Turns a driver's error into Hymio's: locked, full or away means come back later; nothing was acknowledged."""
    try:
        yield
    except Exception as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.DatabaseError) and getattr(cause, "sqlite_errorcode", 0) in _NO_DATABASE:
            raise DatabaseError(f"the file is no database, or it is damaged: {cause}") from error
        if isinstance(cause, (PoolTimeout, *driver_errors("OperationalError"))):
            raise Unavailable("the database cannot take this now", cause=str(cause)) from error
        if isinstance(cause, driver_errors("IntegrityError")):
            raise Conflict("somebody else has just stored something of the same name or number") from error
        raise


def driver_errors(name: str) -> tuple[type[Exception], ...]:
    """The drivers' error classes of a name; psycopg's only where it is in use, as it is slow to load."""
    drivers = (sqlite3, sys.modules.get("psycopg"))
    return tuple(getattr(driver, name) for driver in drivers if driver is not None)
