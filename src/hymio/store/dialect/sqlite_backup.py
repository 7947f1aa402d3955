"""Copies of a SQLite database: one consistent state through SQLite's online backup, while others write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from hymio.store.dialect.transaction import Transaction

_PAGES: Final = 1024
"""Pages copied in one step, after which the progress is told."""


def database_size(transaction: Transaction) -> int:
    """The bytes of a database as a transaction sees it."""
    [(size,)] = transaction.rows("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    return int(size)


def copy_database(
    transaction: Transaction, target: Path, progress: Callable[[int], object], left_out: Iterable[str] = ()
) -> None:
    """Copies what a reading transaction sees into a new file without a log; `progress` is told the bytes of each step.

    The tables `left_out` have no rows in the copy, and none of their bytes.

    The transaction holds its view of the log through all steps. Without one, SQLite begins the copy again after each
    commit of another connection, and under load never ends.
    """
    [(page_bytes,)] = transaction.rows("PRAGMA page_size")
    transaction.row("SELECT count(*) FROM sqlite_master")  # the view begins with the first statement that reads
    source: Any = transaction.core.connection.driver_connection
    done = 0

    def advance(_status: int, left: int, total: int) -> None:
        nonlocal done
        progress((total - left - done) * page_bytes)
        done = total - left

    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # the archive is synced, not this
        source.backup(copy, pages=_PAGES, progress=advance, sleep=0)
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.execute("PRAGMA secure_delete = ON")
        for name in left_out:
            copy.execute(f'DELETE FROM "{name}"')


def damages(file: Path) -> Iterator[str]:
    """What SQLite's own check of a closed file finds wrong: pages, indexes, constraints."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        for (line,) in connection.execute("PRAGMA integrity_check(10)"):
            if line != "ok":
                yield line
