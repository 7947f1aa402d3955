"""PostgreSQL through psycopg: lists as arrays, rows inserted as one array a column, lines of CSV sent by COPY."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache, lru_cache
from operator import index
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, Float, LargeBinary, SmallInteger, Table, Text, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.types import TypeEngine

from hymio.store.dialect.bulkhead import COMMIT_SECONDS, WaitBound
from hymio.store.dialect.citus import Cluster, is_distributed_for
from hymio.store.dialect.gathered_inserts import MOST_WAITING_ROWS, WaitingInserts
from hymio.store.dialect.statement_log import LoggedCursor, logged
from hymio.store.dialect.transaction import STREAMED_ROWS, CsvLines, HourText, Row, RowRange, Transaction

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import PQGen

_NAMED = re.compile(r"(?<!:):([a-z_]+)")
FEW_ROWS: Final = 12
"""Rows up to which Citus plans an INSERT … VALUES faster than an INSERT … SELECT; of many it takes a multiple."""

_CHUNK_BYTES = 1 << 18
"""What is gathered of the single lines that COPY sends."""

_numbers = iter(range(1 << 62))


_CHECK_MS: Final = 2_000
"""How often the server looks, while a statement runs, whether the client is still there."""


def connect_postgresql(url: URL, lock_seconds: float, pool: dict[str, Any]) -> Engine:
    """An engine on a server; `pool` are SQLAlchemy's arguments for it."""
    from hymio.store.dialect.bounded import BoundedConnection  # noqa: PLC0415  psycopg is slow to load

    lock_ms = max(1, int(lock_seconds * 1000))
    settings = {
        "lock_timeout": lock_ms,
        "client_connection_check_interval": _CHECK_MS,
        # Without Citus these are ignored. So that workers have the lock_timeout of a transaction too:
        "citus.propagate_set_commands": "local",
        "citus.node_connection_timeout": 5_000,
    }
    arguments = {
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "connect_timeout": max(2, int(lock_seconds)),
    }
    engine = create_engine(url.set(drivername="postgresql+psycopg"), connect_args=arguments, **pool)

    cluster = Cluster(lock_ms)

    def connect(_dialect: object, _record: object, words: Any, named: Any) -> Any:
        connection = BoundedConnection.connect(*words, **named)
        connection.bound = WaitBound(lock_seconds)
        cluster.open = lambda: BoundedConnection.connect(*words, **named)
        connection.cluster = cluster if is_distributed_for(connection) else None
        return connection

    event.listen(engine, "do_connect", connect)
    return engine


_PLACES = ("first", "second", "third", "fourth")


class PostgresqlTransaction(Transaction):
    """A transaction of PostgreSQL; one that reads sees one state of the database (REPEATABLE READ)."""

    is_distributable = True
    single_writer = False
    keeps_deleted_bytes = False
    read_first = "OFFSET 0"
    fence = "OFFSET 0"

    def _begin(self) -> None:
        self._bound = WaitBound(self._patience.seconds(writes=self._writes), self._patience.bulkhead)
        self._driver.bound = self._bound
        self._cluster: Cluster | None = self._driver.cluster
        self._organization: object = None  # whose rows the last statement was about
        self._waiting = WaitingInserts()
        if self._cluster is not None and self._writes:
            self._cursor.execute(self._cluster.begin)

    def _end(self) -> None:
        self._bound.part = None  # nobody gives up a COMMIT because others wait
        if self._bound.seconds is not None:
            self._bound.seconds = max(self._bound.seconds, COMMIT_SECONDS)

    def _enter(self, organization: Any) -> None:
        """Before a statement about an organization's rows: Unavailable where enough threads wait for its part."""
        bulkhead = self._bound.bulkhead
        if bulkhead is None:
            return
        if organization != self._organization:
            self._bound.part = self._part(organization)
            self._organization = organization
        cluster, part = self._cluster, self._bound.part
        bulkhead.check(part, lambda: cluster is None or cluster.answers(part))

    def database_bytes(self) -> int:
        [[size]] = self.rows("SELECT pg_database_size(current_database())")
        return int(size)

    def lost_nodes(self) -> list[str]:
        return [] if self._cluster is None else self._cluster.lost_nodes()

    def _part(self, organization: int) -> Hashable:
        """The part of the database that an organization's rows are in: a node of the cluster, or they are one alone."""
        return organization if self._cluster is None else self._cluster.group_of(organization, self._cursor)

    def stream(self, text: str, **values: object) -> Iterator[Row]:
        driver = self._driver.cursor(name=f"stream_{next(_numbers)}")
        driver.itersize = STREAMED_ROWS
        with closing(logged(driver)) as cursor:
            cursor.execute(self._spelled(text, values), values)
            yield from cursor

    def among(self, values: Iterable[int]) -> object:
        return list(map(index, values))

    def within(self, column: str, name: str) -> str:
        return f"{column} = ANY(:{name})"

    def list_table(self, name: str, column: str) -> str:
        return f"(SELECT unnest(CAST(:{name} AS bigint[])) AS {column})"

    def pairs(self, name: str, values: Sequence[tuple[int, int]]) -> dict[str, object]:
        return {f"{name}_one": [index(one) for one, _ in values], f"{name}_other": [index(two) for _, two in values]}

    def pair_table(self, name: str, columns: tuple[str, str]) -> str:
        one, other = columns
        return f"""(SELECT number - 1 AS number, {one}, {other}
            FROM unnest(:{name}_one::bigint[], :{name}_other::bigint[]) WITH ORDINALITY AS p({one}, {other}, number))"""

    def fours(self, name: str, values: Sequence[tuple[int, int, int, int]]) -> dict[str, object]:
        return {f"{name}_{place}": [index(row[number]) for row in values] for number, place in enumerate(_PLACES)}

    def four_table(self, name: str, columns: tuple[str, str, str, str]) -> str:
        arrays = ", ".join(f":{name}_{place}::bigint[]" for place in _PLACES)
        names = ", ".join(columns)
        return f"""(SELECT number - 1 AS number, {names}
            FROM unnest({arrays}) WITH ORDINALITY AS p({names}, number))"""

    def rows_among(self, text: str, column: str, wanted: Iterable[bytes], **values: object) -> list[Row]:
        searched = f"""SELECT matching.* FROM unnest(:wanted::bytea[]) AS w(wanted)
            CROSS JOIN LATERAL ({text} AND {column} = w.wanted {self.fence}) AS matching"""
        return self.rows(searched, wanted=list(set(map(bytes, wanted))), **values)

    def rows_of_pairs(
        self, text: str, columns: tuple[str, str], wanted: Iterable[tuple[int, bytes]], **values: object
    ) -> list[Row]:
        pairs, (number, data) = list(wanted), columns
        searched = f"""SELECT matching.* FROM unnest(:numbers::bigint[], :wanted::bytea[]) AS w(number, wanted)
            CROSS JOIN LATERAL ({text} AND {number} = w.number AND {data} = w.wanted {self.fence}) AS matching"""
        numbers, strings = [index(one) for one, _ in pairs], [bytes(two) for _, two in pairs]
        return self.rows(searched, numbers=numbers, wanted=strings, **values)

    def searched(self, keys: str, table: str, alias: str, condition: str) -> str:
        return f"""FROM {keys} CROSS JOIN LATERAL
            (SELECT {alias}.* FROM {table} {alias} WHERE {condition} {self.fence}) AS {alias}"""

    def searched_within(self, table: str, column: str, name: str, condition: str, index: str = "") -> tuple[str, str]:
        alias = table.rsplit(maxsplit=1)[-1]
        one_by_one = f"""{self.list_table(name, "integer_of_list")} AS searched CROSS JOIN LATERAL
            (SELECT {alias}.* FROM {table} WHERE {condition} AND {column} = searched.integer_of_list {self.fence})
            AS {alias}"""
        return one_by_one, "1 = 1"

    def rewrite(self, table: Table) -> None:
        """Nothing: (auto)vacuum sees to deleted rows (docs/privacy.md)."""

    def indexed_by(self, index: str) -> str:
        return ""

    def limit(self, limit: int | None, offset: int) -> str:
        if limit is None and not offset:
            return ""
        return f"LIMIT {'ALL' if limit is None else ':limit'} OFFSET :offset"

    def in_byte_order(self, column: str) -> str:
        return f'{column} COLLATE "C"'

    @classmethod
    def csv_line(cls, lines: CsvLines) -> str:
        at, offset = lines.at, lines.offset
        time = f"""to_char(timestamp 'epoch' + ({at} + {offset} * 60000) * interval '1 millisecond',
            'YYYY-MM-DD"T"HH24:MI:SS.MS') || CASE WHEN {offset} < 0 THEN '-' ELSE '+' END
            || to_char(abs({offset}) / 60, 'FM00') || ':' || to_char(abs({offset}) % 60, 'FM00')"""
        return " || ',' || ".join([time, *lines.columns])

    def csv_chunks(
        self, lines: CsvLines, start: int, end: int, parts: Iterable[RowRange], **values: object
    ) -> Generator[bytes]:
        text = f"""COPY (SELECT {self.csv_line(lines)} {lines.source} AND {lines.condition}
            ORDER BY {lines.order}) TO STDOUT"""
        bound = {**values, "start": start, "stop": end}
        with closing(logged(self._driver.cursor())) as cursor, cursor.copy(self._spelled(text, bound), bound) as copied:
            yield from _gathered(self._driver, copied)

    def hours_text(self, form: HourText, buttons: int, source: str, **values: object) -> str:
        minutes = "((local_hour * 3600000 - starts_at) / 60000)"
        offset = f"""CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END
            || to_char(abs({minutes}) / 60, 'FM00') || ':' || to_char(abs({minutes}) % 60, 'FM00')"""
        if form.utc:
            offset = f"CASE {minutes} WHEN 0 THEN 'Z' ELSE {offset} END"
        time = """to_char(timestamp 'epoch' + local_hour * interval '1 hour', 'YYYY-MM-DD"T"HH24:00:00.000')"""
        counts = " || :separator::text || ".join(f"c{button}" for button in range(buttons))
        line = f":before::text || {time} || {offset} || :between::text || {counts} || :after::text"
        text = f"SELECT string_agg({line}, :joint::text ORDER BY starts_at, local_hour) {source}"
        return self.rows(text, **form._asdict(), **values)[0][0] or ""

    def forget_pages(self) -> None:
        """Nothing: the server has the pages."""

    def _committed(self) -> None:
        """Nothing: the server looks after its files."""

    def _options(self) -> dict[str, Any]:
        isolation = {} if self._writes else {"isolation_level": "REPEATABLE READ"}
        return {"writes": self._writes, **isolation}

    def insert_later(self, table: Table, rows: Sequence[Row], then: str = "") -> None:
        is_logged = isinstance(self._cursor, LoggedCursor)  # with its own time and rows
        if self._cluster is not None or is_logged or len(rows) > MOST_WAITING_ROWS:
            self.insert(table, rows, then)
        elif rows:
            if _is_owned(table):
                self._enter(rows[0][0])
            self._save()
            if self._waiting.has(table):
                self._send_waiting()
            self._waiting.add(table, f"{_insert_text(table)} {then}", _arrays(table, rows))

    def _send_waiting(self) -> None:
        if self._waiting:
            self._cursor.execute(*self._waiting.take())

    def _drop_waiting(self) -> None:
        self._waiting.take()

    def _spelled(self, text: str, values: Mapping[str, object]) -> str:
        if self._waiting and not self._waiting.may_wait_for(text):
            self._send_waiting()
        if "o" in values:  # in every statement it is the organization
            self._enter(values["o"])
        return _percent(text)

    def _execute_in_turn(self, texts: Sequence[str]) -> None:
        self._send_waiting()
        self._cursor.execute("; ".join(texts))

    def _insert(self, table: Table, rows: Sequence[Row], then: str) -> None:
        if _is_owned(table):
            self._enter(rows[0][0])
        self._send_waiting()
        if self._cluster is None:
            self._cursor.execute(f"{_insert_text(table)} {then}", _arrays(table, rows))
        elif _is_owned(table) and len(rows) > FEW_ROWS:
            self._insert_beside_ledger(table, rows, then)
        else:
            marks = ", ".join([_marks(table)] * len(rows))
            text = f"INSERT INTO {table.name} ({_names(table)}) VALUES {marks} {then}"
            kinds = _column_types(table)
            self._cursor.execute(text, [value for row in rows for value in map(_value, kinds, row)])

    def _insert_beside_ledger(self, table: Table, rows: Sequence[Row], then: str) -> None:
        """Inserts rows of an organization on its node of a cluster.

        Citus sends an INSERT … SELECT to one node if it selects from a table that has the same key, and copies what
        comes from elsewhere to all nodes, in a commit of two phases. Therefore the ledger's row is joined.
        """
        organization = rows[0][0]
        if any(row[0] != organization for row in rows):
            raise ValueError("an insert is of one organization")
        arrays = _arrays(table, rows)[1:]
        self._cursor.execute(f"{_insert_beside_ledger_text(table)} {then}", [*arrays, organization])
        if self._cursor.rowcount != len(rows) and "NOTHING" not in then:
            raise ValueError(f"organization {organization} has no ledger")


@lru_cache(maxsize=512)
def _percent(text: str) -> str:
    """`:name` written as psycopg wants it: `%(name)s`."""
    return _NAMED.sub(r"%(\1)s", text.replace("%", "%%"))


@cache
def _insert_text(table: Table) -> str:
    return f"INSERT INTO {table.name} ({_names(table)}) SELECT * FROM unnest({_array_marks(table)})"


@cache
def _insert_beside_ledger_text(table: Table) -> str:
    key, names = _names(table).split(", ", 1)
    return f"""INSERT INTO {table.name} ({key}, {names}) SELECT ledger.{key}, new.* FROM ledger
        CROSS JOIN unnest({_array_marks(table, 1)}) AS new ({names}) WHERE ledger.{key} = %s::bigint"""


@cache
def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


@cache
def _marks(table: Table) -> str:
    """The placeholders of one row."""
    return f"({', '.join(f'%s::{kind}' for kind in _column_types(table))})"


def _array_marks(table: Table, first: int = 0) -> str:
    """The placeholders of the columns' values from the first that is wanted on, an array for each."""
    return ", ".join(f"%s::{kind}[]" for kind in _column_types(table)[first:])


@cache
def _is_owned(table: Table) -> bool:
    """Whether a table's rows belong to organizations, which are its first column."""
    return table.columns.keys()[0] == "organization_id"


def _arrays(table: Table, rows: Sequence[Row]) -> list[object]:
    """The values of rows, an array for each column."""
    columns = zip(_column_types(table), zip(*rows, strict=True), strict=True)
    return [_array(kind, values) for kind, values in columns]


_CONVERTED: dict[str, Callable[[Any], object]] = {"text": str, "double precision": float, "bytea": bytes}
"""The driver refuses a list whose values have several types, such as 1 and 0.5, or a text and an enum's member."""


def _array(kind: str, values: Sequence[Any]) -> object:
    """The values of a column as an array of one type; integers as text, which the driver would write one by one."""
    if kind in _CONVERTED:
        converted = _CONVERTED[kind]
        return [None if value is None else converted(value) for value in values]
    return "{" + ",".join(["NULL" if value is None else str(index(value)) for value in values]) + "}"


def _value(kind: str, value: Any) -> object:
    """A value of a column as one of the column's type."""
    return None if value is None else _CONVERTED.get(kind, index)(value)


@cache
def _column_types(table: Table) -> tuple[str, ...]:
    return tuple(_column_type(column.type) for column in table.columns)


def _column_type(kind: TypeEngine[Any]) -> str:
    names = {Text: "text", Float: "double precision", LargeBinary: "bytea", SmallInteger: "smallint"}
    return next((name for known, name in names.items() if isinstance(kind, known)), "bigint")


def _gathered(connection: psycopg.Connection[Any], copied: psycopg.Copy) -> Generator[bytes]:
    """The lines that COPY sends, put together into chunks of about _CHUNK_BYTES.

    Each chunk is one exchange with the server. Reading line by line, each an exchange whose wait is bounded
    (`bounded.BoundedConnection`), took 2.4 µs a line more, as long as the server's work.
    """

    def exchange() -> PQGen[bytes]:
        lines = bytearray()
        while len(lines) < _CHUNK_BYTES and (line := (yield from copied._read_gen())):  # noqa: SLF001  the only way
            lines += line
        return bytes(lines)

    while chunk := connection.wait(exchange()):
        yield chunk
