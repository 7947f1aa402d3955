"""Raw results as CSV, written in the engine: no row becomes a Python object."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

from hymio.feedback import Accuracy, Verdict
from hymio.period import DAY_MS, Instant
from hymio.store.dialect import Transaction

HEADER: Final = b"time,button,accuracy,verdict,smiley,epoch,sequence\n"

_PIECE = 20_000
"""Rows that SQLite gathers at a time, at most."""

_CHUNK_BYTES = 1 << 18
"""What is gathered of the single rows that PostgreSQL sends."""

_RAW = int(Verdict.SUPERSEDED)
_ORDER = "ORDER BY at, smiley_id, epoch, sequence"


def csv_chunks(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant
) -> Generator[bytes]:
    """Raw results with instants in [start, end) as lines of CSV, in order of instant, then key; whole lines a chunk.

    The columns are HEADER's: local time with milliseconds and offset, button index, accuracy and verdict by their
    labels, and the key. In bounded memory: SQLite holds _PIECE rows at a time, or all of a single millisecond.
    """
    if assignments:
        write = _from_sqlite if transaction.is_sqlite else _from_postgresql
        yield from write(transaction, organization, assignments, start, end)


def csv_line(*, sqlite: bool) -> str:
    """SQL: the line of a row of `feedback`, without the end of line."""
    if sqlite:
        values = ", ".join([_SQLITE_TIME, *_VALUES])
        return f"printf('%s.%03d%s%02d:%02d,%d,%s,%s,%d,%d,%d', {values})"
    return " || ',' || ".join([_POSTGRESQL_TIME, *_VALUES])


def _label(column: str, kind: type[Accuracy] | type[Verdict]) -> str:
    names = " ".join(f"WHEN {int(each)} THEN '{each.label}'" for each in kind if each < _RAW)
    return f"CASE {column} {names} END"


_VALUES = ("button", _label("accuracy", Accuracy), _label("verdict", Verdict), "smiley_id", "epoch", "sequence")
_SIGN = "CASE WHEN utc_offset < 0 THEN '-' ELSE '+' END"
# SQLite's `%` keeps the sign: right for instants since 1970, and no raw result is older than 2000.
_SQLITE_TIME = f"""strftime('%Y-%m-%dT%H:%M:%S', (at + utc_offset * 60000) / 1000, 'unixepoch'), at % 1000,
    {_SIGN}, abs(utc_offset) / 60, abs(utc_offset) % 60"""
_POSTGRESQL_TIME = f"""to_char(timestamp 'epoch' + (at + utc_offset * 60000) * interval '1 millisecond',
    'YYYY-MM-DD"T"HH24:MI:SS.MS') || {_SIGN}
    || to_char(abs(utc_offset) / 60, 'FM00') || ':' || to_char(abs(utc_offset) % 60, 'FM00')"""


def _from_sqlite(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant
) -> Generator[bytes]:
    """A stretch of time after the other; how long they are goes by how much lies in them, which the index tells.

    SQLite keeps the order of inner rows for group_concat, and for no other aggregate.
    """
    # Without the hint SQLite would rather go through all of the organization's feedback.
    those = f"""FROM feedback INDEXED BY ix_feedback_assignment_at WHERE organization_id = :o
        AND {transaction.within("assignment_id", "assignments")} AND at >= :start AND at < :stop"""
    counting = f"SELECT count(*) FROM (SELECT 1 {those} LIMIT {_PIECE + 1})"
    writing = f"""SELECT CAST(group_concat(line, '') AS BLOB) FROM (
        SELECT {csv_line(sqlite=True)} || char(10) AS line {those} AND verdict < {_RAW} {_ORDER})"""
    among = transaction.among(assignments)
    at, stop = _span(transaction, organization, assignments, start, end)
    length = DAY_MS
    while at < stop:
        values = {"o": organization, "assignments": among, "start": at, "stop": min(stop, at + length)}
        count = transaction.rows(counting, **values)[0][0]
        if count > _PIECE and length > 1:
            length //= 2
            continue
        if lines := transaction.rows(writing, **values)[0][0]:
            yield lines
        at += length
        length *= 2 if count < _PIECE // 3 else 1


def _span(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant
) -> tuple[Instant, Instant]:
    """The part of [start, end) in which the assignments have any feedback."""
    # Each by itself is one search in the index; asked for together, they would be looked for in all rows.
    those = "FROM feedback WHERE organization_id = :o AND assignment_id = :a"
    text = f"SELECT (SELECT min(at) {those}), (SELECT max(at) {those})"
    found = [transaction.rows(text, o=organization, a=each)[0] for each in assignments]
    known = [each for each in found if each[0] is not None]
    first, last = min((each[0] for each in known), default=0), max((each[1] for each in known), default=-1)
    return max(start, first), min(end, last + 1)


def _from_postgresql(
    transaction: Transaction, organization: int, assignments: Sequence[int], start: Instant, end: Instant
) -> Generator[bytes]:
    """COPY takes no parameters: these are integers, written out. A line has no tab, backslash or line break in it."""
    among = ",".join(str(int(each)) for each in assignments)
    text = f"""COPY (SELECT {csv_line(sqlite=False)} FROM feedback WHERE organization_id = {int(organization)}
        AND assignment_id = ANY(ARRAY[{among}]::bigint[]) AND at >= {int(start)} AND at < {int(end)}
        AND verdict < {_RAW} {_ORDER}) TO STDOUT"""
    gathered, size = list[bytes](), 0
    driver: Any = transaction.core.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(text) as copied:
        for line in copied:
            gathered.append(line)
            size += len(line)
            if size >= _CHUNK_BYTES:
                yield b"".join(gathered)
                gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
