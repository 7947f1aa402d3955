"""What each engine does by itself, for `hymio bench` to compare with: bulk inserts, CSV, and its size on disk."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.engine import make_url

from hymio.store.dialect.connecting import connect
from hymio.store.dialect.postgresql import PostgresqlTransaction
from hymio.store.dialect.sqlite import SqliteTransaction
from hymio.store.dialect.transaction import CsvLines, Row

Commit = Callable[[Sequence[Row]], None]
"""Inserts rows, whose values stand in the table's column order, and commits them."""

HOURS_OF_POINT: Final = """
SELECT (at + utc_offset * 60000) / 3600000 AS hour, sum(button = 0), sum(button = 1), sum(button = 2), sum(button = 3)
FROM feedback INDEXED BY ix_feedback_assignment_at
WHERE organization_id = :o AND assignment_id = :assignment AND verdict = 0 GROUP BY 1 ORDER BY 1
"""
"""Adds up a point's presses by hour in SQLite, as somebody would who has only the file.

Without the name of the index SQLite 3.40 reads all presses: 11 s instead of 0.1 s of 20 million.
"""


@contextmanager
def scratch_database(folder: Path, server: str | None, name: str) -> Iterator[str]:
    """The URL of a new database: a file in the folder, or one made on a PostgreSQL server and dropped afterwards."""
    if server is None:
        yield f"sqlite:///{folder / f'{name}.db'}"
        return
    own = f"hymio_bench_{folder.name[-8:]}_{name}".lower()
    url = make_url(server).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(own)))
        try:
            yield url.set(database=own).render_as_string(hide_password=False)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(own)))


@contextmanager
def bulk_writer(url: str, table: Table) -> Iterator[Commit]:
    """The engine's fastest durable insert into a table: executemany on SQLite, COPY on PostgreSQL."""
    engine = connect(url)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        yield _sqlite_writer(driver, table) if _is_sqlite(url) else _postgresql_writer(driver, table)
    engine.dispose()


def _sqlite_writer(driver: sqlite3.Connection, table: Table) -> Commit:
    marks = ", ".join("?" for _ in table.columns)
    text = f"INSERT INTO {table.name} ({_names(table)}) VALUES ({marks})"

    def commit(rows: Sequence[Row]) -> None:
        cursor = driver.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        cursor.executemany(text, rows)
        driver.commit()

    return commit


def _postgresql_writer(driver: psycopg.Connection[Any], table: Table) -> Commit:
    text = f"COPY {table.name} ({_names(table)}) FROM STDIN"

    def commit(rows: Sequence[Row]) -> None:
        with driver.cursor().copy(text.encode()) as copying:
            for row in rows:
                copying.write_row(row)
        driver.commit()

    return commit


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def database_bytes(url: str) -> int:
    """The bytes that a database takes on disk."""
    if _is_sqlite(url):
        file = database_file(url)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.stat().st_size
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0


def csv_by_engine(url: str, lines: CsvLines) -> tuple[str, float]:
    """Writes lines of CSV, whose source binds nothing, with the engine's own tool; its name and the seconds it took."""
    return _csv_by_sqlite(url, lines) if _is_sqlite(url) else _csv_by_postgresql(url, lines)


def _csv_by_sqlite(url: str, lines: CsvLines) -> tuple[str, float]:
    text = f"SELECT {SqliteTransaction.csv_line(lines)} {_rest(lines)}"
    shell = shutil.which("sqlite3")
    began = time.perf_counter()
    if shell:
        words = [shell, "-csv", str(database_file(url)), text]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)  # noqa: S603  own text
        return "sqlite3 shell", time.perf_counter() - began
    with closing(sqlite3.connect(database_file(url))) as connection:
        written = csv.writer(io.StringIO())
        for row in connection.execute(text):
            written.writerow(row)
    return "Python's sqlite3 and csv", time.perf_counter() - began


def _csv_by_postgresql(url: str, lines: CsvLines) -> tuple[str, float]:
    columns = PostgresqlTransaction.csv_line(lines).replace(" || ',' || ", ", ")
    text = f"COPY (SELECT {columns} {_rest(lines)}) TO STDOUT (FORMAT csv)"
    began = time.perf_counter()
    with psycopg.connect(url) as connection, connection.cursor().copy(text.encode()) as copying:
        for _ in copying:
            pass
    return "COPY … TO STDOUT", time.perf_counter() - began


def _rest(lines: CsvLines) -> str:
    return f"{lines.source} AND {lines.condition} ORDER BY {lines.order}"


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def database_file(url: str) -> Path:
    """The file of a database on SQLite."""
    return Path(make_url(url).database or "")
