"""Distribution of the tables over the nodes of a Citus cluster."""

from __future__ import annotations

from hymio.errors import SetupError
from hymio.store import Store, schema
from hymio.store.dialect import Transaction


def distribute(store: Store) -> list[str]:
    """Turns all tables that are not yet distributed into reference or distributed tables; returns their names.

    SetupError if the database is SQLite or the extension citus is missing; its text names the missing step.
    """
    with store.write() as transaction:
        if not transaction.is_distributable:
            raise SetupError(
                "sqlite-not-distributed",
                "a SQLite file is not distributed; start Hymio with --database postgresql://… on a Citus cluster",
            )
        _check_extension(transaction)
        done = {row[0] for row in transaction.rows("SELECT logicalrelid::text FROM pg_dist_partition")}
        waiting = [table for table in schema.metadata.sorted_tables if table.name not in done]
        for table in sorted(waiting, key=lambda table: table.info["distribution"] != "reference"):
            _distribute(transaction, table.name, table.info["distribution"])
        return [table.name for table in waiting]


def _check_extension(transaction: Transaction) -> None:
    """SetupError unless the database has the extension citus."""
    if transaction.row("SELECT 1 FROM pg_extension WHERE extname = 'citus'"):
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


def _distribute(transaction: Transaction, table: str, how: str) -> None:
    """Makes one table a reference table or distributes it by organization, in one place with the ledger."""
    if how == "reference":
        transaction.run("SELECT create_reference_table(:name)", name=table)
    elif table == schema.ledger.name:
        transaction.run("SELECT create_distributed_table(:name, 'organization_id')", name=table)
    else:
        transaction.run(
            "SELECT create_distributed_table(:name, 'organization_id', colocate_with => 'ledger')",
            name=table,
        )
