"""Whose database it is: Hymio's by its mark or its tables, nobody's while it is empty, otherwise another program's."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from sqlalchemy import Connection, text

from hymio.errors import DatabaseError

APPLICATION_ID: Final = int.from_bytes(b"HYMI", "big")
"""SQLite's `application_id` of Hymio's files, at byte 68 of the file; `file` and other tools show it."""

_OUR_TABLES: Final = frozenset({"alembic_version", "organization", "ledger"})
"""Tables of every version of Hymio; files that were made before there was a mark are known by them."""

_SHOWN: Final = 5
"""Tables of another program that the error names."""

_POSTGRESQL_TABLES: Final = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = current_schema() AND relkind IN ('r', 'p', 'f') AND NOT EXISTS (
    SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')"""
"""The tables of the schema that Hymio's go into, without those of extensions."""


class Owner(Enum):
    """Whose a database is."""

    HYMIO = auto()
    NOBODY = auto()
    """It has no tables."""


def owner(connection: Connection, name: object) -> Owner:
    """Whose a database is; DatabaseError, which shows `name`, if it is another program's."""
    mark = application_id(connection)
    return owner_by(mark, set() if mark == APPLICATION_ID else _tables(connection), name)


def owner_by(mark: int, tables: set[str], name: object) -> Owner:
    """`owner` by the application id, 0 where there is none, and the names of the tables."""
    if mark == APPLICATION_ID or (not mark and tables >= _OUR_TABLES):
        return Owner.HYMIO
    if not mark and not tables:
        return Owner.NOBODY
    shown = ", ".join(sorted(tables)[:_SHOWN])
    raise DatabaseError(
        "foreign-database",
        "{database} belongs to another program (application id {mark}, tables: {tables}). "
        "Hymio needs a database of its own: name another with --database",
        database=name,
        mark=mark,
        tables=f"{shown}, …" if len(tables) > _SHOWN else shown or "–",
    )


def application_id(connection: Connection) -> int:
    """SQLite's `application_id`, 0 if none is set; on PostgreSQL, which has nothing like it, 0."""
    if connection.dialect.name != "sqlite":
        return 0
    return int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())


def is_marked(connection: Connection) -> bool:
    """Whether the database has Hymio's mark, or its engine has no marks."""
    return connection.dialect.name != "sqlite" or application_id(connection) == APPLICATION_ID


def mark(connection: Connection) -> None:
    """Marks the database as Hymio's, within the connection's transaction."""
    if not is_marked(connection):
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _tables(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        rows = connection.execute(text(_POSTGRESQL_TABLES))
    return {row[0] for row in rows}
