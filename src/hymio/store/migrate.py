"""Bringing a database to the tables of this program, in one transaction, after a check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from hymio.errors import DatabaseTooNew
from hymio.store.dialect import lock_migrations

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Migrates to the newest tables. DatabaseTooNew if the database knows a migration that this program does not."""
    with engine.connect().execution_options(writes=False) as connection:
        if version(connection) == newest():
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        lock_migrations(connection)
        check(connection)
        _migrate(connection)


def check(connection: Connection) -> None:
    """Refuses a database of a newer program."""
    found = version(connection)
    if found is not None and found not in _known():
        raise DatabaseTooNew(
            "database-too-new",
            "the database is at {version!r}, this Hymio knows up to {newest!r}: it was written by a newer Hymio. "
            "Start that one, or restore a backup made before the update.",
            version=found,
            newest=newest(),
        )


def version(connection: Connection) -> str | None:
    """The name of the newest migration that a database has had; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def newest() -> str:
    """The name of the newest migration: they are numbered."""
    return max(_known())


def _known() -> set[str]:
    return {file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py")}


def _migrate(connection: Connection) -> None:
    # Alembic takes long to load, and a database that is up to date does without it.
    from alembic import command  # noqa: PLC0415

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config
