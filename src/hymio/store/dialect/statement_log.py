"""With the log level `debug`, each SQL statement with its milliseconds and rows; never with its parameters."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

MAX_LOGGED_CHARACTERS = 300
"""Characters of a statement that an entry shows."""

_logger = logging.getLogger("hymio.sql")

T = TypeVar("T")


def logged(cursor: Any) -> Any:
    """The driver's cursor itself, or where debug entries are logged a LoggedCursor around it."""
    return LoggedCursor(cursor) if _logger.isEnabledFor(logging.DEBUG) else cursor


def logged_call(text: str, function: Callable[[], T]) -> T:
    """Calls what makes the driver run a statement by itself: BEGIN, COMMIT, ROLLBACK."""
    if not _logger.isEnabledFor(logging.DEBUG):
        return function()
    began = time.perf_counter()
    try:
        return function()
    finally:
        _write(text, time.perf_counter() - began, 0)


class LoggedCursor:
    """A driver's cursor that logs each statement once its rows are read, or at the next one, or when it is closed."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._text: str | None = None  # of the statement that is not logged yet
        self._seconds, self._rows = 0.0, 0

    def execute(self, text: str, *values: Any) -> None:
        """Runs a statement; one without a result is logged at once."""
        self._run(self._cursor.execute, text, *values)

    def executemany(self, text: str, rows: Any) -> None:
        """Runs a statement for each row of values; logged as one."""
        self._run(self._cursor.executemany, text, rows)

    def fetchone(self) -> Any:
        """The next row, or None; nothing more is expected of the statement."""
        row = self._timed(self._cursor.fetchone)
        self._rows += row is not None
        self._write()
        return row

    def fetchall(self) -> Any:
        """All rows that are left."""
        rows = self._timed(self._cursor.fetchall)
        self._rows += len(rows)
        self._write()
        return rows

    def fetchmany(self, count: int) -> Any:
        """The next `count` rows, or as many as are left."""
        rows = self._timed(self._cursor.fetchmany, count)
        self._rows += len(rows)
        return rows

    def __iter__(self) -> Iterator[Any]:
        return self._counted(self._cursor)

    def _counted(self, source: Iterable[Any]) -> Iterator[Any]:
        rows = iter(source)
        while (row := self._timed(next, rows, None)) is not None:
            self._rows += 1
            yield row

    @contextmanager
    def copy(self, text: str, values: Any) -> Iterator[Iterator[Any]]:
        """PostgreSQL's COPY … TO STDOUT: yields the lines it sends."""
        self._write()
        self._text, self._seconds, self._rows = text, 0.0, 0
        with self._cursor.copy(text, values) as lines:
            yield self._counted(lines)
        self._write()

    def close(self) -> None:
        """Closes the cursor and logs what is not logged yet."""
        self._cursor.close()
        self._write()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def _run(self, execute: Any, text: str, *values: Any) -> None:
        self._write()
        self._text, self._seconds, self._rows = text, 0.0, 0
        self._timed(execute, text, *values)
        if self._cursor.description is None:
            self._rows = max(0, self._cursor.rowcount)
            self._write()

    def _timed(self, function: Any, *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            self._seconds += time.perf_counter() - began

    def _write(self) -> None:
        if self._text is not None:
            text, self._text = self._text, None
            _write(text, self._seconds, self._rows)


def _write(text: str, seconds: float, rows: int) -> None:
    import structlog  # noqa: PLC0415  slow to load, and a command that logs nothing does without it

    structlog.get_logger(_logger.name).debug("sql", text=_short(text), ms=round(1000 * seconds, 3), rows=rows)


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= MAX_LOGGED_CHARACTERS else f"{folded[:MAX_LOGGED_CHARACTERS]}…"
