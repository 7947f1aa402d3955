"""The files of a SQLite database: whether those that an engine has open are still the ones at their paths.

A file that was removed or renamed lives on for the programs that have it open: a commit to it succeeds, and is lost
when they end. Three files count. The log (`-wal`) holds the newest commits; through the index (`-shm`) processes share
the log and its locks, so that two processes with different ones write over each other's commits.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple, TypeVar
from weakref import WeakSet

from hymio.errors import DatabaseReplaced

LOG: Final = "-wal"
INDEX: Final = "-shm"

_log = logging.getLogger("hymio.store")
_log.addHandler(logging.NullHandler())  # a command prints the error that it ends with; only a server logs

Connection = TypeVar("Connection", bound=sqlite3.Connection)


class Access(Enum):
    """How a file is opened. The values are parameters of SQLite's file URI."""

    WRITE = "mode=rw"
    READ = "mode=ro"
    """The file or its folder is read-only, and a log says that another account may be writing."""
    UNCHANGING = "mode=ro&immutable=1"
    """The file or its folder is read-only, and there is no log: a copy."""


class FileId(NamedTuple):
    """What a file is, wherever its name leads."""

    device: int
    inode: int


class FileIds(NamedTuple):
    """The files at the paths of a database at one moment; `version` is that of a file that must not change."""

    main: FileId | None
    log: FileId | None
    shared: FileId | None
    version: tuple[int, int] | None = None


class DatabaseFiles:
    """The files of one engine; safe to share between threads."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path.absolute()
        resolved = os.path.realpath(path)  # SQLite names the other two after the file that a link leads to
        self._main, self._log, self._index = str(self.path), resolved + LOG, resolved + INDEX
        self.access = self._possible_access(read_only)
        self._opened: FileIds | None = None
        self._connections: WeakSet[sqlite3.Connection] = WeakSet()
        self._lock = threading.RLock()
        self._is_reported = False

    @property
    def uri(self) -> str:
        """The address under which SQLite opens the file, and never makes it."""
        return f"{self.path.as_uri()}?{self.access.value}"

    def connect(self, open_: Callable[[], Connection]) -> Connection:
        """A connection by `open_`, which also reads from it, so that SQLite opens all three files. DatabaseReplaced.

        All open connections have the same files. The log and its index are others only after the last one was closed.
        """
        with self._lock:
            before = self._at_path()
            self._require(before, alone=not self._connections)
            connection = open_()
            after = self._at_path()
            try:
                if before is None or after is None or after.main != before.main:
                    raise self._replaced()
                self._require(after, alone=not self._connections)
            except BaseException:
                connection.close()
                raise
            self._opened = after
            self._connections.add(connection)
            return connection

    def close(self, connection: sqlite3.Connection, close: Callable[[], None]) -> None:
        """Closes a connection by `close`; SQLite removes log and index with the last one."""
        with self._lock:
            close()
            self._connections.discard(connection)

    def check(self) -> None:
        """Raises DatabaseReplaced unless the open files are those at the paths; logs the first of many errors."""
        if self._opened is not None:
            self._require(self._at_path(), alone=False)

    def _require(self, at_path: FileIds | None, *, alone: bool) -> None:
        """Raises DatabaseReplaced unless the files at the paths are the opened ones; `alone`: the main one."""
        opened = self._opened
        is_same = opened is None or at_path == opened or (alone and at_path is not None and at_path.main == opened.main)
        if not is_same:
            raise self._replaced()
        if self._is_reported:
            self._is_reported = False
            _log.warning("the database file is back: %s", self.path)

    def _replaced(self) -> DatabaseReplaced:
        """The error, which is logged if it is the first since the files were the right ones."""
        error = DatabaseReplaced(
            "database-replaced",
            "the database file was removed, replaced or changed while it was open",
            cause=f"{self.path}, or {LOG} or {INDEX} beside it, is not the file that was opened. "
            "Put it back, or restart Hymio to serve what is there now",
        )
        if not self._is_reported:
            self._is_reported = True
            _log.error("%s", error.detail)
        return error

    def _at_path(self) -> FileIds | None:
        """What is at the paths now; None if the main file cannot be found."""
        main = _status(self._main)
        if main is None:
            return None
        if self.access is Access.READ:
            return FileIds(_identity(main), None, None)
        version = (main.st_mtime_ns, main.st_size) if self.access is Access.UNCHANGING else None
        return FileIds(_identity(main), _identity(_status(self._log)), _identity(_status(self._index)), version)

    def _possible_access(self, read_only: bool) -> Access:
        """How this account can open the file."""
        has_others = os.access(self._log, os.W_OK) and os.access(self._index, os.W_OK)
        can_have_others = has_others or os.access(Path(self._log).parent, os.W_OK)
        if not read_only and can_have_others and os.access(self._main, os.W_OK):
            return Access.WRITE
        log = _status(self._log)
        return Access.READ if log is not None and log.st_size else Access.UNCHANGING


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  three times for each commit: a Path takes twice as long
    except OSError:
        return None


def _identity(status: os.stat_result | None) -> FileId | None:
    return None if status is None else FileId(status.st_dev, status.st_ino)
