"""Databases for tests, made in a moment: copies of one that is migrated once, used again when they can be emptied."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from tests.citus_cluster import CitusCluster
from tests.engines import Server, locked, server

TEMPLATE = "hymio_template"


def migrate(url: str) -> None:
    """Lays Hymio's tables out in an empty database, as its first start does."""
    from hymio.store import open_store

    open_store(url).close()


def distribute(url: str) -> None:
    """Spreads the tables of a migrated database over its Citus cluster."""
    from hymio.store import open_store
    from hymio.store.distribute import distribute as spread

    store = open_store(url)
    spread(store)
    store.close()


def sqlite_url(file: Path) -> str:
    """The url of a database file; `file` is absolute."""
    return f"sqlite:///{file}"


@dataclass(slots=True)
class Databases:
    """Makes databases for one worker of a run, whose folder is `shared` and whose first process is `owner`."""

    shared: Path
    owner: int
    _files: Path = field(init=False)
    _count: int = 0
    _free: dict[str, list[str]] = field(default_factory=dict)  # by engine: emptied databases
    _made: dict[str, tuple[str, bool]] = field(default_factory=dict)  # by url: engine, and whether it may be used again
    _connections: dict[str, psycopg.Connection] = field(default_factory=dict)  # by url, for emptying

    def __post_init__(self) -> None:
        self._files = Path(tempfile.mkdtemp(prefix="sqlite-", dir=self.shared))

    def make(self, engine: str, *, empty: bool = False) -> str:
        """The url of a database nobody else uses: migrated and without rows, or `empty` even of tables. Unavailable."""
        if self._free.get(engine) and not empty:
            return self._free[engine].pop()
        self._count += 1
        url = self._make_file(empty) if engine == "sqlite" else self._make_in_server(engine, empty)
        self._made[url] = (engine, not empty)
        return url

    def give_back(self, url: str) -> None:
        """Takes a database back after its test: emptied for the next one, or removed if it is not as it was."""
        engine, may_return = self._made[url]
        if engine == "sqlite":
            for file in self._files.glob(f"{Path(url).name}*"):
                file.unlink()
            return
        if may_return and self._empty(url, self._shape(engine)):
            self._free.setdefault(engine, []).append(url)
        else:
            self._server(engine).drop(url.rpartition("/")[2])

    def _empty(self, url: str, shape: Shape) -> bool:
        """`_emptied` over a connection that stays open: opening one takes as long as emptying the tables."""
        open_one = self._connections.pop(url, None)
        try:
            connection = open_one or psycopg.connect(url, autocommit=True)
            is_emptied = _emptied(connection, shape)
        except psycopg.OperationalError:  # a test has ended the connection
            if open_one is None:
                raise
            return self._empty(url, shape)
        self._connections[url] = connection
        return is_emptied

    def _server(self, engine: str) -> Server | CitusCluster:
        return server(engine, self.shared, self.owner)

    def _make_file(self, empty: bool) -> str:
        file = self._files / f"{self._count}.sqlite3"
        if not empty:
            template = self._files / "template.sqlite3"
            if not template.exists():
                migrate(sqlite_url(template))
            # Copied with what may still be in its log.
            for part in self._files.glob("template.sqlite3*"):
                shutil.copy(part, self._files / part.name.replace("template.sqlite3", file.name))
        return sqlite_url(file)

    def _make_in_server(self, engine: str, empty: bool) -> str:
        running = self._server(engine)
        name = f"hymio_{os.getpid()}_{self._count}_{secrets.token_hex(3)}"
        if empty:
            return running.create(name)
        self._shape(engine)
        return running.create(name, TEMPLATE)

    def _shape(self, engine: str) -> Shape:
        """The shape of the engine's template, which the first worker that asks makes."""
        told = self.shared / f"{engine}.shape"
        with locked(self.shared / f"{engine}.lock.template"):
            if not told.exists():
                running = self._server(engine)
                running.drop(TEMPLATE)
                url = running.create(TEMPLATE)
                migrate(url)
                if engine == "citus":
                    distribute(url)
                with psycopg.connect(url) as connection:
                    told.write_text(json.dumps(asdict(Shape.of(connection))))
        return Shape(**json.loads(told.read_text()))


# --- using a database again ------------------------------------------------------------------------------------------
# Copying one takes a third of a second, emptying one a few hundredths. Only rows are emptied: a database whose tables,
# constraints, triggers, functions or settings a test has changed is not used again.

_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> %s AND backend_type = 'client backend'"
)

_LAYOUT = """
SELECT coalesce(md5(string_agg(line, ';' ORDER BY line)), 'nothing') FROM (
    SELECT format('%s %s %s %s', relname, relkind, attname, atttypid)
        FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger ' || tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'extension ' || extname FROM pg_extension
    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT 'setting ' || setconfig::text
        FROM pg_db_role_setting JOIN pg_database ON setdatabase = pg_database.oid
        WHERE datname = current_database() AND setconfig::text NOT LIKE '{citus.%'
) AS lines(line)
"""


def _tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [name for (name,) in rows]


def _filled_tables(connection: psycopg.Connection) -> list[str]:
    """The tables that have rows, by one statement: there are many tables, and nearly all are empty."""
    first = sql.SQL("(SELECT {} FROM {} LIMIT 1)")
    firsts = [first.format(sql.Literal(table), sql.Identifier(table)) for table in _tables(connection)]
    rows = connection.execute(sql.SQL(" UNION ALL ").join(firsts)) if firsts else ()
    return sorted(name for (name,) in rows)


def _filled(connection: psycopg.Connection) -> dict[str, str]:
    """The rows, as text, of each table that has any."""
    lines = sql.SQL("SELECT string_agg(t::text, ';' ORDER BY t::text) FROM {} AS t")
    filled = _filled_tables(connection)
    rows = {table: connection.execute(lines.format(sql.Identifier(table))).fetchone() for table in filled}
    return {table: row[0] for table, row in rows.items() if row is not None}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a database is laid out, and the rows that its migrations themselves put in."""

    layout: str
    filled: dict[str, str]

    @classmethod
    def of(cls, connection: psycopg.Connection) -> Self:
        row = connection.execute(_LAYOUT).fetchone()
        assert row is not None
        return cls(row[0], _filled(connection))


def _emptied(connection: psycopg.Connection, shape: Shape) -> bool:
    """Removes every row that was not there first; False if the database can no longer be made as it was."""
    with connection.transaction():
        connection.execute(_OTHERS, (connection.info.backend_pid,))
        connection.execute("SET LOCAL session_replication_role = replica")  # foreign keys: in any order
        for table in _filled_tables(connection):
            if table not in shape.filled:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        return Shape.of(connection) == shape
