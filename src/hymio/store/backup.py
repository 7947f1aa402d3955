"""A whole database as a stream of bytes, and back: a copy of a SQLite file, or a dump of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy import BigInteger, Connection, Float, Integer, LargeBinary, SmallInteger, text

from hymio.errors import DatabaseError, SetupError
from hymio.store import Store, schema
from hymio.store.contents import Contents, read_contents, require_equal, tables
from hymio.store.dialect import (
    Owner,
    Transaction,
    begin,
    connect,
    holding_migrations,
    owner,
    shown_name,
    translated,
)
from hymio.store.dialect.citus import is_distributed
from hymio.store.dialect.database_files import INDEX, LOG
from hymio.store.dialect.postgresql_backup import Program, dump, find_program, restore, rows_of_dump
from hymio.store.dialect.sqlite_backup import copy_database, damages, database_size

FILE, DUMP = "hymio.db", "hymio.dump"
"""The names of a copy of a SQLite file, and of a dump of a PostgreSQL database."""

SIDE_FILES: Final = (LOG, INDEX)
"""What the names of the files beside a SQLite file end in."""

LEFT_OUT: Final = ("visitor_key",)
"""Tables whose rows are in no copy: with its keys, whoever has a copy could try out whose a visitor hash is."""

_PIECE: Final = 1 << 20
_ROWS: Final = 5_000
"""Rows of a dump that are inserted together."""


Bars: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]
"""Shows a step of long work, named, with about how many bytes it takes; what it yields is told those that are done."""


@contextmanager
def no_bars(_step: str, _total: int) -> Iterator[Callable[[int], object]]:
    """Shows nothing."""
    yield lambda _bytes: None


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a database: its name, FILE or DUMP, what it holds, and its bytes, which can be read once.

    `program` is the major version of the pg_dump that writes it, 0 for a file. `size` is about how many bytes it has.
    """

    name: str
    program: int
    contents: Contents
    size: int
    pieces: Iterator[bytes]


# --- making a copy ---------------------------------------------------------------------------------------------------


@contextmanager
def copied(store: Store, folder: Path, bars: Bars) -> Iterator[Copy]:
    """A copy of the database at one moment, while others write; of a SQLite file it is made in the folder first.

    SetupError where no copy can be made.
    """
    with store.read() as transaction:
        if store.kind == "postgresql":
            yield _dumped(transaction)
            return
        with bars("Copying", database_size(transaction)) as advance:
            copy_database(transaction, folder / FILE, advance, LEFT_OUT)
    size = (folder / FILE).stat().st_size
    yield Copy(FILE, 0, contents_of_file(folder / FILE), size, pieces_of(folder / FILE))
    (folder / FILE).unlink()


def _dumped(transaction: Transaction) -> Copy:
    """The dump of what a transaction sees, which stays open until the dump is read."""
    if is_distributed(transaction.core):
        raise SetupError(
            "citus-not-backed-up",
            "the tables are distributed over a Citus cluster, and pg_dump would read each node at another moment: "
            "back up its nodes as docs/operations.md describes",
        )
    [(version, snapshot, namespace, size)] = transaction.rows(
        """SELECT current_setting('server_version_num')::int / 10000, pg_export_snapshot(), current_schema(),
          (SELECT sum(pg_table_size(oid)) FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r')::bigint"""
    )
    program = find_program("pg_dump", version)
    names, empty = ([f"{namespace}.{name}" for name in some] for some in (tables(), LEFT_OUT))
    pieces = dump(program, transaction.core.engine, snapshot, names, empty)
    return Copy(DUMP, program.version, _without_rows(read_contents(transaction)), size, pieces)


def _without_rows(contents: Contents) -> Contents:
    """What a copy holds of a database, whose tables that are left out are empty."""
    return replace(contents, rows=contents.rows | dict.fromkeys(LEFT_OUT, 0))


def pieces_of(file: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces."""
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece


# --- reading a copy --------------------------------------------------------------------------------------------------


def written(file: Path, pieces: Iterable[bytes]) -> Path:
    """Writes bytes to a new file that this account alone can read."""
    file.touch(mode=0o600, exist_ok=False)
    with file.open("wb") as target:
        for piece in pieces:
            target.write(piece)
    return file


def contents_of_file(file: Path, names: Iterable[str] | None = None) -> Contents:
    """What is in a SQLite file that nobody writes, by the tables `names`, by default those of this version."""
    engine = connect(f"sqlite:///{file}", read_only=True)
    try:
        with begin(engine, writes=False) as transaction:
            return read_contents(transaction, names)
    finally:
        engine.dispose()


def require_sound(file: Path) -> None:
    """Raises DatabaseError where SQLite's own check finds a file damaged."""
    with translated():
        found = list(damages(file))
    if found:
        raise DatabaseError("copy-damaged", "the copy is damaged: {damage}", damage="; ".join(found))


def file_of_dump(file: Path, program: int, pieces: Iterable[bytes]) -> Path:
    """Makes a SQLite file of a dump by this version of Hymio, to be verified without a server. SetupError."""
    rows = rows_of_dump(find_program("pg_restore", program), pieces)
    engine = connect(f"sqlite:///{file}")
    try:
        with begin(engine, writes=True) as transaction:
            schema.metadata.create_all(transaction.core)
            transaction.core.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            for (table, columns), same in groupby(rows, key=lambda row: row[:2]):
                _insert(transaction, table, columns, (row[2] for row in same))
    finally:
        engine.dispose()
    return file


def _insert(transaction: Transaction, table: str, columns: tuple[str, ...], rows: Iterator[list[bytes | None]]) -> None:
    """Inserts rows of a dump into a SQLite file."""
    driver: Any = transaction.core.connection.driver_connection
    readers = [_reader(table, column) for column in columns]
    statement = f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({", ".join("?" for _ in columns)})'
    while some := list(islice(rows, _ROWS)):
        values = (
            [None if value is None else read(value) for read, value in zip(readers, row, strict=True)] for row in some
        )
        driver.executemany(statement, values)


def _reader(table: str, column: str) -> Callable[[bytes], object]:
    """How the text of a column in a dump becomes its value."""
    known = schema.metadata.tables.get(table)
    kind = None if known is None else known.columns[column].type
    if isinstance(kind, (BigInteger, Integer, SmallInteger)):
        return int
    if isinstance(kind, Float):
        return float
    if isinstance(kind, LargeBinary):
        return lambda value: bytes.fromhex(value.decode().removeprefix("\\x"))
    return bytes.decode


# --- restoring a dump ------------------------------------------------------------------------------------------------


def restore_dump(url: str, program: int, pieces: Iterable[bytes], original: Contents) -> None:
    """Restores a dump into an empty PostgreSQL database, all or nothing, while no other process makes tables there.

    SetupError if it is not empty; DatabaseError.
    """
    pg_restore: Program = find_program("pg_restore", program)
    engine = connect(url)
    try:
        autocommit = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with translated(), autocommit as connection, holding_migrations(connection):
            _require_empty(connection, shown_name(engine))
            restore(pg_restore, engine, pieces)
            connection.execute(text("ANALYZE"))
        with begin(engine, writes=False) as transaction:
            require_equal(read_contents(transaction, original.rows), original)
    finally:
        engine.dispose()


def _require_empty(connection: Connection, name: str) -> None:
    """SetupError if a database has tables, whoever made them."""
    try:
        is_empty = owner(connection, name) is Owner.NOBODY
    except DatabaseError:
        is_empty = False
    if not is_empty:
        raise SetupError(
            "database-not-empty",
            "{database} has tables already, and nothing is overwritten: create a new database for the restore",
            database=name,
        )
