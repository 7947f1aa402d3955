"""One open transaction, the ways to run SQL in it, and the places where the engines' SQL differs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Engine, Table
from sqlalchemy.exc import DBAPIError

from hymio.store.dialect.bulkhead import ENDLESS, Patience
from hymio.store.dialect.driver_errors import driver_errors, translated
from hymio.store.dialect.statement_log import logged, logged_call

Row = tuple[Any, ...]

STREAMED_ROWS = 2_000
"""Rows of a streamed statement that are in memory at a time."""


CSV_ROWS = 40_000
"""Rows put together into one chunk of CSV, at most."""


class RowRange(NamedTuple):
    """A range [start, end) of instants that has at most `rows` rows."""

    start: int
    end: int
    rows: int


class CsvLines(NamedTuple):
    """Rows of one table to write as lines of CSV: a local time, then columns.

    `at` and `offset` are the columns of the time (ms UTC, minutes). `columns` are SQL expressions without commas, line
    breaks, tabs and backslashes in their values. `source` is the statement from FROM on; it holds `at >= :start AND
    at < :stop`, and an index answers it alone; `condition` is what only the rows themselves can answer. `order` names
    the columns that order the lines; the first is `at`.
    """

    at: str
    offset: str
    columns: tuple[str, ...]
    source: str
    condition: str
    order: str


class HourText(NamedTuple):
    """How an hour is written: texts before its time, between time and counts, between counts, after them, and between
    hours. The time is local, with milliseconds and the offset; an offset of 0 is `Z` if it is `utc`."""

    before: str
    between: str
    separator: str
    after: str
    joint: str
    utc: bool = False


class Transaction(ABC):
    """One open transaction and the few ways to run SQL in it; parameters are always bound, written `:name`."""

    is_distributable: ClassVar[bool]
    """Whether the engine can spread tables over machines (Citus)."""

    single_writer: ClassVar[bool]
    """Whether one write transaction excludes all others of the database."""

    read_first: ClassVar[str]
    """SQL, at the end of a subquery in FROM: the planner does not join its tables with others before it is read."""

    keeps_deleted_bytes: ClassVar[bool]
    """Whether the bytes of deleted rows stay in the database until `rewrite`, so that Hymio must see to them."""

    def __init__(self, engine: Engine, *, writes: bool, patience: Patience = ENDLESS) -> None:
        self._writes = writes
        self._engine = engine
        self._patience = patience
        self._driver: Any = None
        self._cursor: Any = None
        self._saved = self._to_save = False

    def __enter__(self) -> Transaction:
        with translated():
            self.core = self._engine.connect().execution_options(**self._options())
            try:
                self._begun = logged_call("BEGIN", self.core.begin)
                driver: Any = self.core.connection.driver_connection
                self._driver, self._cursor = driver, logged(driver.cursor())
                self._begin()
            except BaseException:
                self.core.close()
                raise
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                with translated():
                    self._send_waiting()
            self._cursor.close()
            self._end()
            if kind is None:
                with translated():
                    logged_call("COMMIT", self._begun.commit)
                    self._committed()
            else:
                # A connection that was lost cannot roll back, and need not; the error that says so is on its way up.
                with suppress(DBAPIError, *driver_errors("Error")):
                    logged_call("ROLLBACK", self._begun.rollback)
        finally:
            self.core.close()

    # Running statements

    def rows(self, text: str, **values: object) -> list[Row]:
        """All rows of a statement."""
        self._cursor.execute(self._spelled(text, values), values)
        return list(self._cursor.fetchall())

    def row(self, text: str, **values: object) -> Row | None:
        """The first row of a statement, if any."""
        self._cursor.execute(self._spelled(text, values), values)
        first: Row | None = self._cursor.fetchone()
        return first

    def run(self, text: str, **values: object) -> int:
        """Runs a statement; the number of rows it touched."""
        self._save()
        self._cursor.execute(self._spelled(text, values), values)
        return int(self._cursor.rowcount)

    def many(self, text: str, rows: Iterable[dict[str, object]]) -> None:
        """Runs one statement for each row of values."""
        values = list(rows)
        if values:
            self._save()
            self._cursor.executemany(self._spelled(text, values[0]), values)

    def insert(self, table: Table, rows: Sequence[Row], then: str = "") -> None:
        """Inserts rows whose values stand in the table's column order; `then` is an ON CONFLICT clause."""
        if rows:
            self._save()
            self._insert(table, rows, then)

    def insert_later(self, table: Table, rows: Sequence[Row], then: str = "") -> None:
        """`insert` before the next statement that writes or reads from its table, or before the commit.

        PostgreSQL inserts what waits in one statement: each statement costs the process about 0.1 ms of its processor,
        and a wait for the interpreter's lock.
        """
        self.insert(table, rows, then)

    @abstractmethod
    def stream(self, text: str, **values: object) -> Iterator[Row]:
        """The rows of a statement, STREAMED_ROWS in memory at a time."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what is inside, and nothing else, if it raises; savepoints are not nested.

        SAVEPOINT is sent before the first write inside; RELEASE with the next SAVEPOINT, or not at all, as the commit
        releases it: on PostgreSQL each of them takes as long as a write.
        """
        self._to_save = True
        try:
            yield
        except BaseException:
            # A full disk or a lost connection has undone the whole transaction; what says so is already on its way up.
            with suppress(*driver_errors("Error")):
                if not self._to_save:
                    self._drop_waiting()
                    self._cursor.execute("ROLLBACK TO SAVEPOINT one")
            raise
        finally:
            self._to_save = False

    def _save(self) -> None:
        """Before a write: sends SAVEPOINT if it is the first write within one."""
        if self._to_save:
            self._execute_in_turn(["RELEASE SAVEPOINT one", "SAVEPOINT one"] if self._saved else ["SAVEPOINT one"])
            self._saved, self._to_save = True, False

    @abstractmethod
    def _send_waiting(self) -> None:
        """Inserts what waits (`insert_later`)."""

    @abstractmethod
    def _drop_waiting(self) -> None:
        """Forgets what waits, all of which came after the last savepoint."""

    # Lists as parameters

    @abstractmethod
    def among(self, values: Iterable[int]) -> object:
        """The value to bind for `within(…)` and `list_table(…)`: a list of integers."""

    @abstractmethod
    def within(self, column: str, name: str) -> str:
        """SQL: the column's value is among those bound as `name` by `among`."""

    @abstractmethod
    def list_table(self, name: str, column: str) -> str:
        """SQL: the values bound as `name` by `among` as a table of one column."""

    @abstractmethod
    def pairs(self, name: str, values: Sequence[tuple[int, int]]) -> dict[str, object]:
        """What to bind for `pair_table(name, …)`."""

    @abstractmethod
    def pair_table(self, name: str, columns: tuple[str, str]) -> str:
        """SQL: the pairs bound as `name` by `pairs` as a table of `number` (from 0) and the two columns."""

    @abstractmethod
    def fours(self, name: str, values: Sequence[tuple[int, int, int, int]]) -> dict[str, object]:
        """What to bind for `four_table(name, …)`."""

    @abstractmethod
    def four_table(self, name: str, columns: tuple[str, str, str, str]) -> str:
        """SQL: `pair_table` of rows of four numbers."""

    @abstractmethod
    def rows_among(self, text: str, column: str, wanted: Iterable[bytes], **values: object) -> list[Row]:
        """The rows of a statement that ends in a WHERE clause, of which `column` is among byte strings."""

    @abstractmethod
    def rows_of_pairs(
        self, text: str, columns: tuple[str, str], wanted: Iterable[tuple[int, bytes]], **values: object
    ) -> list[Row]:
        """The rows of a statement that ends in a WHERE clause, of which two columns are one of these pairs.

        Each pair is searched by itself: of 256, searching all numbers with all byte strings took 22 ms instead of 0.6.
        """

    # Deleted rows

    @abstractmethod
    def rewrite(self, table: Table) -> None:
        """Writes a table's rows anew and its old pages over, if the engine keeps the bytes of deleted rows there."""

    # Plans

    def unindexed(self, column: str) -> str:
        """SQL: the column's value (a number), by which neither engine then searches an index."""
        return f"+{column}"

    fence: ClassVar[str] = ""
    """SQL: at the end of a subquery, keeps the planner from merging it with the statement around it."""

    @abstractmethod
    def searched(self, keys: str, table: str, alias: str, condition: str) -> str:
        """SQL from FROM on: the rows of a table that meet a condition with each row of `keys`, searched one by one.

        PostgreSQL then has no other plan than an index. A statement is planned while its table may be empty or not
        analyzed yet, and a process keeps that plan: it read the whole table for each press.
        """

    @abstractmethod
    def searched_within(self, table: str, column: str, name: str, condition: str, index: str = "") -> tuple[str, str]:
        """SQL in FROM and in WHERE: the rows of `table` (with its alias) that meet a condition, for many integers.

        They are those whose `column` is among the integers bound as `name`, each of which is searched in the index.
        A table that is not analyzed yet PostgreSQL believes to be small: of an index on assignment and instant it read
        the instants of all presses for a page, 36 ms of 345,000 presses instead of 1 ms, and more the more there are.
        """

    @abstractmethod
    def indexed_by(self, index: str) -> str:
        """SQL, after a table's name and alias: its rows are searched by this index, where the planner can be told."""

    # Order and pages

    @abstractmethod
    def limit(self, limit: int | None, offset: int) -> str:
        """SQL: a LIMIT and OFFSET clause that binds `:limit` and `:offset`; empty without either."""

    @abstractmethod
    def in_byte_order(self, column: str) -> str:
        """SQL: a text column ordered by its bytes, whatever language the database was made for."""

    # CSV

    @classmethod
    @abstractmethod
    def csv_line(cls, lines: CsvLines) -> str:
        """SQL: the line of one row, without the end of line: local time with milliseconds and offset, then columns."""

    @abstractmethod
    def csv_chunks(
        self, lines: CsvLines, start: int, end: int, parts: Iterable[RowRange], **values: object
    ) -> Generator[bytes]:
        """The lines with instants in [start, end), formatted by the engine, whole lines a chunk.

        In bounded memory: on SQLite a part of the range at a time, or CSV_ROWS lines if it has more, or all of a single
        millisecond.
        """

    # Hours as text

    @abstractmethod
    def hours_text(self, form: HourText, buttons: int, source: str, **values: object) -> str:
        """The hours of a source, a statement from FROM on, in order of their nominal start, written by the engine."""

    # The database's files

    @abstractmethod
    def forget_pages(self) -> None:
        """Has what is read next come from the file rather than from this connection's memory."""

    @abstractmethod
    def database_bytes(self) -> int:
        """The bytes of the database on disk, without the log of a SQLite file; of a cluster the coordinator's."""

    # A cluster

    @abstractmethod
    def lost_nodes(self) -> list[str]:
        """The nodes (HOST:PORT) that do not answer, of the Citus cluster over which the tables are distributed."""

    # What each engine does its own way

    @abstractmethod
    def _options(self) -> dict[str, Any]:
        """SQLAlchemy's execution options of the transaction."""

    @abstractmethod
    def _spelled(self, text: str, values: Mapping[str, object]) -> str:
        """A statement with its parameters written as the driver wants them; `values` are those that it binds."""

    @abstractmethod
    def _begin(self) -> None:
        """What an engine does once the transaction has begun."""

    @abstractmethod
    def _end(self) -> None:
        """What an engine does before COMMIT or ROLLBACK."""

    @abstractmethod
    def _committed(self) -> None:
        """What an engine does after COMMIT, before anybody is told; it raises where the commit will not last."""

    @abstractmethod
    def _execute_in_turn(self, texts: Sequence[str]) -> None:
        """Runs statements without parameters, one after the other."""

    @abstractmethod
    def _insert(self, table: Table, rows: Sequence[Row], then: str) -> None: ...
