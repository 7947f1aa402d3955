"""Distribution of the tables over the nodes of a Citus cluster, and what is distributed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import Connection

from hymio.errors import SetupError
from hymio.store import Store, schema
from hymio.store.dialect import Transaction, citus, lock_migrations, try_lock_migrations
from hymio.store.dialect.citus import REFERENCE, Node

TABLES: Final = {
    "alembic_version": REFERENCE,  # read at every start, whichever node Hymio is pointed at
    **{table.name: str(table.info["distribution"]) for table in schema.metadata.sorted_tables},
}
"""Every table of the database and its distribution."""


class Distributed(NamedTuple):
    """What `distribute` did: the tables that it distributed, and those whose local copies it removed."""

    tables: tuple[str, ...]
    emptied: tuple[str, ...]


class Distribution(NamedTuple):
    """A cluster's nodes, and the tables that are distributed, that are not, or that still have a local copy."""

    nodes: tuple[Node, ...]
    distributed: tuple[str, ...]
    local: tuple[str, ...]
    copies: tuple[str, ...]

    @property
    def workers(self) -> tuple[Node, ...]:
        """The nodes that are not the coordinator."""
        return tuple(node for node in self.nodes if not node.is_coordinator)


def distribution(store: Store) -> Distribution | None:
    """The nodes and tables of a database with Citus; None where it has none."""
    with store.read() as transaction:
        if not citus.has_citus(transaction.core):
            return None
        return _distribution(transaction.core)


def distribute(store: Store, waiting: Callable[[], object] = lambda: None) -> Distributed:
    """Turns all tables that are not yet distributed into reference or distributed tables, in one transaction.

    `waiting` is called before it waits for another process that distributes or migrates. SetupError if the database is
    SQLite, the extension citus is missing, or this is a worker; its text names the missing step.
    """
    with store.write() as transaction:
        _check_extension(transaction)
        if not try_lock_migrations(transaction.core):
            waiting()
            lock_migrations(transaction.core)
        return distribute_tables(transaction.core)


def distribute_tables(connection: Connection) -> Distributed:
    """`distribute` in a transaction on the coordinator, of a database that may be of an older version."""
    citus.one_node_at_a_time(connection)
    local = _distribution(connection).local
    for table, how in citus.in_order([(table, TABLES[table]) for table in local]):
        citus.distribute_table(connection, table, how)
    emptied = [table for table in TABLES if citus.remove_local_copy(connection, table)]
    return Distributed(local, tuple(emptied))


def _distribution(connection: Connection) -> Distribution:
    """The nodes and tables of a database with Citus."""
    done = citus.distributed_tables(connection)
    tables = [table for table in TABLES if citus.exists(connection, table)]
    return Distribution(
        tuple(citus.nodes(connection)),
        tuple(table for table in tables if table in done),
        tuple(table for table in tables if table not in done),
        tuple(table for table in tables if table in done and citus.has_local_copy(connection, table)),
    )


def _check_extension(transaction: Transaction) -> None:
    """SetupError unless the database has the extension citus and is the coordinator's."""
    if not transaction.is_distributable:
        raise SetupError(
            "sqlite-not-distributed",
            "a SQLite file is not distributed; start Hymio with --database postgresql://… on a Citus cluster",
        )
    if citus.has_citus(transaction.core):
        if not citus.is_coordinator(transaction.core):
            raise SetupError(
                "distribute-on-worker", "this is a worker of the Citus cluster: use the address of its coordinator"
            )
        return
    if transaction.row("SELECT 1 FROM pg_available_extensions WHERE name = 'citus'"):
        raise SetupError(
            "citus-not-created",
            "the extension citus is installed on the server but not in this database: CREATE EXTENSION citus;",
        )
    version = transaction.row("SHOW server_version")
    raise SetupError(
        "citus-not-installed",
        "the PostgreSQL server (version {version}) does not have the extension citus. "
        "Install Citus 12 or newer for this version on every node, add citus to shared_preload_libraries in "
        "postgresql.conf, restart, run CREATE EXTENSION citus; here, add the workers with citus_add_node(), "
        "and call this again.",
        version=version[0] if version else "unknown",
    )
