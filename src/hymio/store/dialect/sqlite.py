"""SQLite: one file, one writer, lists as JSON, lines of CSV put together by printf."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from operator import index
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, create_engine, event
from sqlalchemy.engine import URL

from hymio.store.dialect.database_files import Access, DatabaseFiles
from hymio.store.dialect.ownership import Owner, owner_by
from hymio.store.dialect.statement_log import logged
from hymio.store.dialect.transaction import CSV_ROWS, STREAMED_ROWS, CsvLines, HourText, Row, RowRange, Transaction

LOG_WAIT_MS = 200
"""How long emptying the log waits for transactions that read from it."""

MOST_BYTE_STRINGS = 200
"""Byte strings that one statement looks for, at most."""

RETRY_SECONDS = 0.002
"""How long a transaction that is to write waits before it tries again to get the writer from another process."""


def connect_sqlite(
    url: URL, lock_seconds: float, pool: dict[str, Any], *, make: bool, read_only: bool
) -> Engine:  # fmt: skip
    """An engine on a file, which is made if `make` is set; `pool` are SQLAlchemy's arguments for it.

    Connecting raises DatabaseReplaced, and DatabaseError if the file is another program's.
    """
    path = Path(url.database or "")
    if make:
        _make_private(path)
    files = DatabaseFiles(path, read_only=read_only)

    def open_() -> SqliteConnection:
        return _opened(files, lock_seconds, make)

    def begin(connection: Any) -> None:
        _begin(connection, lock_seconds)

    engine = create_engine(url, creator=lambda: files.connect(open_), **pool)
    event.listen(engine, "begin", begin)
    return engine


def _make_private(path: Path) -> None:
    """Makes the file for its owner alone; SQLite gives those beside it the same mode.

    Never opens one that is there: closing it would release the locks that this process has on it.
    """
    with suppress(OSError):  # SQLite says what is wrong when it opens it
        os.close(os.open(path.resolve(), os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o600))


class SqliteConnection(sqlite3.Connection):
    """A connection that knows the files it has open."""

    files: DatabaseFiles | None = None

    def close(self) -> None:
        """Closes it; as the last one of all processes it removes the log and its index."""
        if self.files is None:
            super().close()
        else:
            self.files.close(self, super().close)


def _opened(files: DatabaseFiles, lock_seconds: float, make: bool) -> SqliteConnection:
    """A new connection that has read from its file."""
    connection = sqlite3.connect(
        files.uri, uri=True, timeout=lock_seconds, isolation_level=None, check_same_thread=False,
        factory=SqliteConnection,
    )  # fmt: skip
    try:
        _prepare(connection, files, lock_seconds, make)
    except BaseException:
        connection.close()
        raise
    connection.files = files
    return connection


def _prepare(connection: SqliteConnection, files: DatabaseFiles, lock_seconds: float, make: bool) -> None:
    connection.execute(f"PRAGMA {_busy_timeout(lock_seconds)}")
    # Before the first statement that would change a file that is not Hymio's.
    [mark] = connection.execute("PRAGMA application_id").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    owner = owner_by(mark, tables, files.path)
    if files.access is Access.WRITE and (make or owner is Owner.HYMIO):
        _write_ahead(connection, lock_seconds)
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "temp_store = MEMORY",
        # With 32 MB a page of 10,000 presses of 2,000 points takes 10 % less, but idle connections may keep as much.
        "cache_size = -16000",
        "journal_size_limit = 67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _write_ahead(connection: Any, lock_seconds: float) -> None:
    """Has SQLite keep a log beside the file; while another process begins to, it answers busy without waiting."""
    until = time.monotonic() + lock_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
        time.sleep(0.01)


def truncate_log(engine: Engine) -> bool:
    """Copies the log into the file and empties it; False where a transaction still reads from it."""
    with _outside_transactions(engine) as connection:
        waits = connection.execute("PRAGMA busy_timeout").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        connection.execute(f"PRAGMA busy_timeout = {LOG_WAIT_MS}")  # writers wait as long
        try:
            return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {waits}")


def vacuum(engine: Engine) -> None:
    """Writes the whole file anew; meanwhile nothing can be written."""
    with _outside_transactions(engine) as connection:
        connection.execute("PRAGMA temp_store = FILE")  # the copy is as large as the file
        try:
            connection.execute("VACUUM")
        finally:
            connection.execute("PRAGMA temp_store = MEMORY")


@contextmanager
def _outside_transactions(engine: Engine) -> Iterator[Any]:
    """A driver's connection without a transaction."""
    with closing(engine.raw_connection()) as pooled:
        yield pooled.driver_connection


def _begin(connection: Any, lock_seconds: float) -> None:
    driver = connection.connection.driver_connection
    if connection.get_execution_options().get("writes", True):
        _begin_writing(driver, lock_seconds)
    else:
        driver.execute("BEGIN")


def _begin_writing(driver: sqlite3.Connection, lock_seconds: float) -> None:
    """Waits for the writer, which no other process may hold. sqlite3.OperationalError after `lock_seconds`.

    SQLite's own waiting tries ten times a second and forms no queue: beside a server that commits all the time it would
    hardly ever find the writer free.
    """
    until = time.monotonic() + lock_seconds
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
                time.sleep(RETRY_SECONDS)
            else:
                return
    finally:
        driver.execute(f"PRAGMA {_busy_timeout(lock_seconds)}")


def _busy_timeout(lock_seconds: float) -> str:
    return f"busy_timeout = {int(lock_seconds * 1000)}"


class SqliteTransaction(Transaction):
    """A transaction of SQLite."""

    is_distributable = False
    single_writer = True
    keeps_deleted_bytes = True
    read_first = ""  # it joins in the order of CROSS JOIN

    def stream(self, text: str, **values: object) -> Iterator[Row]:
        with closing(logged(self._driver.cursor())) as cursor:
            cursor.execute(text, values)
            while rows := cursor.fetchmany(STREAMED_ROWS):
                yield from rows

    def among(self, values: Iterable[int]) -> object:
        return f"[{','.join(map(str, map(index, values)))}]"

    def within(self, column: str, name: str) -> str:
        return f"{column} IN (SELECT value FROM json_each(:{name}))"

    def list_table(self, name: str, column: str) -> str:
        return f"(SELECT value AS {column} FROM json_each(:{name}))"

    def pairs(self, name: str, values: Sequence[tuple[int, int]]) -> dict[str, object]:
        return {name: _json(values)}

    def pair_table(self, name: str, columns: tuple[str, str]) -> str:
        return _json_table(name, columns)

    def fours(self, name: str, values: Sequence[tuple[int, int, int, int]]) -> dict[str, object]:
        return {name: _json(values)}

    def four_table(self, name: str, columns: tuple[str, str, str, str]) -> str:
        return _json_table(name, columns)

    def _send_waiting(self) -> None:
        """Nothing: each insert runs at once."""

    def _drop_waiting(self) -> None:
        """Nothing, as above."""

    def searched(self, keys: str, table: str, alias: str, condition: str) -> str:
        return f"FROM {keys} CROSS JOIN {table} {alias} WHERE {condition}"

    def searched_within(self, table: str, column: str, name: str, condition: str, index: str = "") -> tuple[str, str]:
        return f"{table} {self.indexed_by(index) if index else ''}", f"{condition} AND {self.within(column, name)}"

    def rows_among(self, text: str, column: str, wanted: Iterable[bytes], **values: object) -> list[Row]:
        # JSON holds no bytes.
        rows, remaining = list[Row](), list(wanted)
        while remaining:
            some, remaining = remaining[:MOST_BYTE_STRINGS], remaining[MOST_BYTE_STRINGS:]
            named = {f"wanted{number}": value for number, value in enumerate(some)}
            marks = ", ".join(f":{name}" for name in named)
            rows += self.rows(f"{text} AND {column} IN ({marks})", **named, **values)
        return rows

    def rows_of_pairs(
        self, text: str, columns: tuple[str, str], wanted: Iterable[tuple[int, bytes]], **values: object
    ) -> list[Row]:
        # It would search no index for (number, wanted) IN (VALUES …), and asking again takes 2 µs.
        number, data = columns
        one_pair = f"{text} AND {number} = :number AND {data} = :wanted"
        return [row for one, two in wanted for row in self.rows(one_pair, number=one, wanted=two, **values)]

    def rewrite(self, table: Table) -> None:
        """Copies the rows out, empties the table, whose pages are overwritten with zeros, and copies them back.

        `secure_delete` alone does not suffice: where SQLite moves rows between pages, it leaves copies of them behind.
        """
        self._execute_in_turn(
            [
                f"CREATE TEMP TABLE rewritten AS SELECT * FROM main.{table.name}",
                f"DELETE FROM main.{table.name}",
                f"INSERT INTO main.{table.name} SELECT * FROM temp.rewritten",
                "DROP TABLE temp.rewritten",
            ]
        )

    def indexed_by(self, index: str) -> str:
        return f"INDEXED BY {index}"

    def limit(self, limit: int | None, offset: int) -> str:
        if limit is None and not offset:
            return ""
        return f"LIMIT {'-1' if limit is None else ':limit'} OFFSET :offset"

    def in_byte_order(self, column: str) -> str:
        return column

    @classmethod
    def csv_line(cls, lines: CsvLines) -> str:
        at, offset = lines.at, lines.offset
        # `%` keeps the sign: right for instants since 1970, and no raw result is older than 2000.
        values = (
            f"strftime('%Y-%m-%dT%H:%M:%S', ({at} + {offset} * 60000) / 1000, 'unixepoch')",
            f"{at} % 1000",
            f"CASE WHEN {offset} < 0 THEN '-' ELSE '+' END",
            f"abs({offset}) / 60",
            f"abs({offset}) % 60",
            *lines.columns,
        )
        return f"printf('%s.%03d%s%02d:%02d{',%s' * len(lines.columns)}', {', '.join(values)})"

    def csv_chunks(
        self, lines: CsvLines, start: int, end: int, parts: Iterable[RowRange], **values: object
    ) -> Generator[bytes]:
        """SQLite keeps the order of inner rows for group_concat, and for no other aggregate."""
        writing = f"""SELECT CAST(group_concat(line, '') AS BLOB) FROM (
            SELECT {self.csv_line(lines)} || char(10) AS line {lines.source} AND {lines.condition}
            ORDER BY {lines.order})"""
        for since, until in self._stretches(lines.source, parts, values):
            if chunk := self.rows(writing, **values, start=since, stop=until)[0][0]:
                yield chunk

    def _stretches(
        self, source: str, parts: Iterable[RowRange], values: Mapping[str, object]
    ) -> Iterator[tuple[int, int]]:  # fmt: skip
        """The parts, those with more than CSV_ROWS rows cut into stretches, whose rows the index counts."""
        counting = f"SELECT count(*) FROM (SELECT 1 {source} LIMIT {CSV_ROWS + 1})"
        for part in parts:
            if part.rows <= CSV_ROWS:
                yield part.start, part.end
                continue
            at, length = part.start, part.end - part.start
            while at < part.end:
                until = min(part.end, at + length)
                count = self.rows(counting, **values, start=at, stop=until)[0][0]
                if count > CSV_ROWS and length > 1:
                    length //= 2
                    continue
                yield at, until
                at += length
                length *= 2 if count < CSV_ROWS // 3 else 1

    def database_bytes(self) -> int:
        [[size]] = self.rows("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(size)

    def hours_text(self, form: HourText, buttons: int, source: str, **values: object) -> str:
        """SQLite keeps the order of inner rows for group_concat."""
        counts = ", ".join(f"c{button}" for button in range(buttons))
        time, offset = "date(hour * 3600, 'unixepoch'), hour % 24", "abs(minutes) / 60, abs(minutes) % 60"
        line = f"printf(:line, {time}, CASE WHEN minutes < 0 THEN '-' ELSE '+' END, {offset}, {counts})"
        lines = {"line": _hour_format(form, buttons, "%s%02d:%02d")}
        if form.utc:
            line = f"CASE minutes WHEN 0 THEN printf(:line_in_utc, {time}, {counts}) ELSE {line} END"
            lines["line_in_utc"] = _hour_format(form, buttons, "Z")
        text = f"""SELECT group_concat({line}, :joint) FROM (
            SELECT local_hour AS hour, (local_hour * 3600000 - starts_at) / 60000 AS minutes, {counts} {source}
            ORDER BY starts_at, local_hour)"""
        return self.rows(text, joint=form.joint, **lines, **values)[0][0] or ""

    def lost_nodes(self) -> list[str]:
        return []

    def _begin(self) -> None:
        self._driver.files.check()

    def _end(self) -> None:
        """Nothing."""

    def _committed(self) -> None:
        self._driver.files.check()

    def forget_pages(self) -> None:
        self._cursor.execute("PRAGMA shrink_memory")

    def _options(self) -> dict[str, Any]:
        return {"writes": self._writes}

    def _spelled(self, text: str, values: Mapping[str, object]) -> str:
        return text

    def _execute_in_turn(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._cursor.execute(text)

    def _insert(self, table: Table, rows: Sequence[Row], then: str) -> None:
        self._cursor.executemany(f"{_insert_text(table)} {then}", rows)


@cache
def _insert_text(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' for _ in table.columns)})"


def _hour_format(form: HourText, buttons: int, offset: str) -> str:
    """The format of one hour for SQLite's printf: date, hour, what `offset` takes, counts."""
    before, between, separator, after = (text.replace("%", "%%") for text in form[:4])
    return f"{before}%sT%02d:00:00.000{offset}{between}{separator.join(['%d'] * buttons)}{after}"


def _json(rows: Iterable[Sequence[int]]) -> str:
    """Rows of whole numbers as JSON."""
    texts = (",".join(map(str, map(index, row))) for row in rows)
    return f"[{','.join(f'[{text}]' for text in texts)}]"


def _json_table(name: str, columns: Sequence[str]) -> str:
    """SQL: the rows bound as `name` by `_json` as a table of `number` and columns."""
    values = ", ".join(f"json_extract(value, '$[{place}]') AS {column}" for place, column in enumerate(columns))
    return f"(SELECT key AS number, {values} FROM json_each(:{name}))"
