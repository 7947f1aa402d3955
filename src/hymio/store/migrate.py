"""Migration of a database to the tables of this version, in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from hymio.errors import DatabaseError, DatabaseTooNew, SetupError
from hymio.store.dialect import Owner, is_marked, is_read_only, lock_migrations, mark, owner, read_only, shown_name
from hymio.store.dialect.citus import is_coordinator, is_distributed, one_node_at_a_time

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, *, make: bool = True) -> None:
    """Runs the missing migrations, and marks the database as Hymio's.

    DatabaseTooNew if the database has a migration that this version does not know; DatabaseError if it is another
    program's, or read-only and not up to date; SetupError if there are migrations and it is a worker of a Citus
    cluster. With `make`, for a server, Unavailable if it is read-only; without, SetupError if it has no tables.
    """
    with engine.connect().execution_options(writes=False) as connection:
        if _is_ready(connection, shown_name(engine), make):
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        lock_migrations(connection)
        owner(connection, shown_name(engine))
        check(connection)
        if is_distributed(connection):
            _require_coordinator(connection)
            one_node_at_a_time(connection)
        _migrate(connection)
        mark(connection)


def _is_ready(connection: Connection, name: str, make: bool) -> bool:
    """Whether nothing is to be written before the database can be used."""
    if owner(connection, name) is Owner.NOBODY and not make:
        raise SetupError(
            "empty-database",
            "{database} has no tables of Hymio. Name another with --database, or begin with: "
            "hymio organization create NAME",
            database=name,
        )
    if make and is_read_only(connection):
        raise read_only(name)
    current = version(connection)
    if current == newest():
        # A command that reads leaves the mark of a file that has none to the next start of a server.
        return not make or is_marked(connection)
    if is_read_only(connection):
        check(connection)
        raise DatabaseError(
            "old-and-read-only",
            "{database} is at {version}, this Hymio needs {newest}, and the database is read-only. "
            "Copy it to a folder that can be written to, and use the copy",
            database=name,
            version=current,
            newest=newest(),
        )
    return False


def check(connection: Connection) -> None:
    """Raises DatabaseTooNew if the database was migrated by a newer version."""
    check_version(version(connection))


def check_version(current: str | None) -> None:
    """Raises DatabaseTooNew if a migration is not known to this version."""
    if current is not None and current not in _known():
        raise DatabaseTooNew(
            "database-too-new",
            "the database is at {version!r}, this Hymio knows up to {newest!r}: it was written by a newer Hymio. "
            "Start that one, or restore a backup made before the update.",
            version=current,
            newest=newest(),
        )


def _require_coordinator(connection: Connection) -> None:
    """SetupError on a worker, which may not define tables."""
    if not is_coordinator(connection):
        raise SetupError(
            "migration-on-worker",
            "this is a worker of a Citus cluster, and its database must be migrated from {current} to {newest}: "
            "start Hymio once with the address of the coordinator",
            current=version(connection),
            newest=newest(),
        )


def version(connection: Connection) -> str | None:
    """The name of the last migration that ran on a database; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def newest() -> str:
    """The name of the newest migration of this version; names are ascending numbers."""
    return max(_known())


def _known() -> set[str]:
    """The names of all migrations of this version."""
    return {file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py")}


def _migrate(connection: Connection) -> None:
    """Runs Alembic's upgrade on a connection, within its transaction."""
    # Imported here because Alembic takes long to load and is not needed for an up-to-date database.
    from alembic import command  # noqa: PLC0415

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    """Alembic's configuration: the folder of migrations and the connection."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config
