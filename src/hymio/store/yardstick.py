"""Yardsticks of `hymio bench`: bare SQL statements and the engines' own tools, and scratch databases."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from hymio.feedback import Upload
from hymio.store import Store, schema
from hymio.store.dialect import connect
from hymio.store.export import csv_lines

Commit = Callable[[Sequence[Upload]], None]
_RAW = "FROM feedback WHERE organization_id = 1 AND verdict < 10 ORDER BY at, smiley_id, epoch, sequence"


@contextmanager
def scratch_database(folder: Path, server: str | None, name: str) -> Iterator[str]:
    """The URL of a new database: a file in the folder, or one created on the server and dropped afterwards."""
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
def bare_loop(url: str) -> Iterator[Commit]:
    """A function that only inserts the rows of uploads and commits, with the same table, indexes and durability."""
    engine = connect(url)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        yield _bare_commit(driver, sqlite=engine.dialect.name == "sqlite")
    engine.dispose()


def _bare_commit(driver: Any, *, sqlite: bool) -> Commit:
    """A function that inserts feedback rows of uploads through the driver and commits."""
    names = ", ".join(column.name for column in schema.feedback.columns)
    marks = ", ".join("?" for _ in schema.feedback.columns)
    text = f"INSERT INTO feedback ({names}) VALUES ({marks})"

    def commit(batch: Sequence[Upload]) -> None:
        rows = [
            (1, upload.smiley, *press[:3], 120, 0, press.button, 0, 0, upload.smiley, 0, 1, None)
            for upload in batch
            for press in upload.presses
        ]
        cursor = driver.cursor()
        if sqlite:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(text, rows)
        else:
            _copy(cursor, names, rows)
        driver.commit()

    return commit


def _copy(cursor: psycopg.Cursor[Any], names: str, rows: Sequence[tuple[int | None, ...]]) -> None:
    """Inserts rows with COPY."""
    with cursor.copy(f"COPY feedback ({names}) FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def size_of(store: Store, url: str) -> int:
    """The size of a database on disk, in bytes."""
    if not store.is_sqlite:
        with store.read() as transaction:
            return int(transaction.rows("SELECT pg_database_size(current_database())")[0][0])
    file = Path(make_url(url).database or "")
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size


def own_tool(store: Store, url: str) -> tuple[str, float]:
    """The name of the engine's own CSV export, and the seconds it takes for all raw results."""
    with store.read() as transaction:
        line = transaction.csv_line(csv_lines(_RAW))
    return _sqlite_tool(url, line) if store.is_sqlite else _postgresql_tool(url, line)


def _sqlite_tool(url: str, line: str) -> tuple[str, float]:
    """The sqlite3 shell, or Python's modules if there is no shell: name and seconds."""
    text = f"SELECT {line} {_RAW}"
    file, shell = make_url(url).database or "", shutil.which("sqlite3")
    began = time.perf_counter()
    if shell:
        subprocess.run([shell, "-csv", file, text], stdout=subprocess.DEVNULL, check=True)  # noqa: S603  own text
        return "sqlite3 shell", time.perf_counter() - began
    with sqlite3.connect(file) as connection:
        written = csv.writer(io.StringIO())
        for row in connection.execute(text):
            written.writerow(row)
    return "Python's sqlite3 and csv", time.perf_counter() - began


def _postgresql_tool(url: str, line: str) -> tuple[str, float]:
    """COPY … TO STDOUT: name and seconds."""
    columns = line.replace(" || ',' || ", ", ")
    began = time.perf_counter()
    text = f"COPY (SELECT {columns} {_RAW}) TO STDOUT (FORMAT csv)"
    with psycopg.connect(url) as connection, connection.cursor().copy(text) as copying:
        for _ in copying:
            pass
    return "COPY … TO STDOUT", time.perf_counter() - began
