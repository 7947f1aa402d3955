"""Citus, the extension that spreads tables over the nodes of a cluster: how tables are distributed, and what is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

REFERENCE: Final = "reference"
"""Of a table: it is replicated to every node."""

_LEDGER: Final = "ledger"
"""The first table that is distributed by organization: the others are co-located with it."""


_REMEMBERED_SECONDS: Final = 60.0
"""How long it is remembered where an organization's rows are: shards are moved seldom, by hand."""


_PROBE_MS: Final = 2_000
"""How long a node may take to accept a connection when it is asked whether it answers."""


class Node(NamedTuple):
    """A node of the cluster, as the one that we are connected to knows it."""

    name: str
    port: int
    is_coordinator: bool
    is_active: bool

    @property
    def address(self) -> str:
        """How people know it."""
        return f"{self.name}:{self.port}"


def has_citus(connection: Connection) -> bool:
    """Whether the database has the extension."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(connection.execute(text("SELECT to_regclass('pg_dist_partition') IS NOT NULL")).scalar())


def is_distributed(connection: Connection) -> bool:
    """Whether the database's tables are distributed: the ledger is, which comes first."""
    return has_citus(connection) and _LEDGER in distributed_tables(connection)


def distributed_tables(connection: Connection) -> set[str]:
    """The tables that are distributed or reference tables, of a database with Citus."""
    rows = connection.execute(
        text("SELECT relname FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid")
    )
    return {name for (name,) in rows}


def distribute_table(connection: Connection, table: str, distribution: str) -> None:
    """Makes a table a reference table, or distributes it by a column: the ledger first, others co-located with it."""
    if distribution == REFERENCE:
        connection.execute(text("SELECT create_reference_table(:name)"), {"name": table})
    elif table == _LEDGER:
        connection.execute(
            text("SELECT create_distributed_table(:name, :column)"), {"name": table, "column": distribution}
        )
    else:
        connection.execute(
            text("SELECT create_distributed_table(:name, :column, colocate_with => :ledger)"),
            {"name": table, "column": distribution, "ledger": _LEDGER},
        )


def in_order(tables: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Tables (name, distribution) in the order in which they can be distributed: reference tables, ledger, others."""
    return sorted(tables, key=lambda table: (table[1] != REFERENCE, table[0] != _LEDGER))


def one_node_at_a_time(connection: Connection) -> None:
    """Has statements over many shards run one after the other, until the end of the transaction.

    Citus refuses to define tables in a transaction that has used several connections to a node.
    """
    connection.execute(text("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"))


def exists(connection: Connection, table: str) -> bool:
    """Whether there is a table; a database of an older version does not have all of them."""
    return bool(connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": table}).scalar())


def has_local_copy(connection: Connection, table: str) -> bool:
    """Whether a distributed table still has, on the coordinator, the rows from before, which nobody sees any more."""
    size = connection.execute(text("SELECT pg_relation_size(to_regclass(:name))"), {"name": table}).scalar()
    return bool(size)


def remove_local_copy(connection: Connection, table: str) -> bool:
    """Removes the rows that a table had before it was distributed; whether there were any."""
    if not has_local_copy(connection, table):
        return False
    connection.execute(text("SELECT truncate_local_data_after_distributing_table(to_regclass(:name))"), {"name": table})
    return True


def nodes(connection: Connection) -> list[Node]:
    """The nodes of the cluster, the coordinator first; it is missing until citus_set_coordinator_host() was called."""
    rows = connection.execute(
        text(
            """SELECT nodename, nodeport, groupid = 0, isactive FROM pg_dist_node WHERE noderole = 'primary'
            ORDER BY groupid <> 0, nodename, nodeport"""
        )
    )
    return [Node(*row) for row in rows]


def is_coordinator(connection: Connection) -> bool:
    """Whether the node that we are connected to is the coordinator, where alone tables can be defined."""
    return connection.execute(text("SELECT groupid = 0 FROM pg_dist_local_group")).scalar() is not False


class Cluster:
    """What the connections of one process know of a cluster; safe to share between threads.

    `begin` is the statement that each transaction that writes begins with: Citus hands on to its workers what is set
    for a transaction (`citus.propagate_set_commands`), and nothing that is set for a session. `open` opens a connection
    of the driver to the coordinator.
    """

    def __init__(self, lock_ms: int) -> None:
        self.begin = f"SET LOCAL lock_timeout = {lock_ms}"
        self.open: Callable[[], Any]
        self._groups: dict[int, tuple[float, int]] = {}  # by organization: until when it is remembered, and the group

    def group_of(self, organization: int, cursor: Any) -> int:
        """The node group that an organization's rows are in; `cursor` is the driver's, on the coordinator."""
        until, group = self._groups.get(organization, (0.0, 0))
        if until < time.monotonic():
            cursor.execute(_GROUP, {"ledger": _LEDGER, "organization": organization})
            [group] = cursor.fetchone()
            self._groups[organization] = time.monotonic() + _REMEMBERED_SECONDS, group
        return group

    def answers(self, group: object) -> bool:
        """Whether the node of a group answers, within a few seconds."""
        with closing(self.open()) as connection:
            return ask_nodes(connection, "groupid = %s", [group]) == []

    def lost_nodes(self) -> list[str]:
        """The addresses of the nodes that do not answer, within a few seconds for each of them."""
        with closing(self.open()) as connection:
            return ask_nodes(connection, "isactive", [])


def ask_nodes(driver: Any, condition: str, values: Sequence[object]) -> list[str]:
    """The addresses of those nodes that meet a condition and do not answer.

    `driver` is a new connection to the coordinator: over one that was used, Citus would ask over a connection to the
    node that may hang, for which it waits without end.
    """
    with driver.cursor() as cursor:
        cursor.execute(f"SET citus.node_connection_timeout = {_PROBE_MS}")
        text = "SELECT nodename, nodeport, citus_check_connection_to_node(nodename, nodeport) FROM pg_dist_node"
        cursor.execute(f"{text} WHERE {condition} ORDER BY nodename, nodeport", values)
        return [f"{name}:{port}" for name, port, answers in cursor.fetchall() if not answers]


_GROUP = """SELECT groupid FROM pg_dist_placement
    WHERE shardid = get_shard_id_for_distribution_column(%(ledger)s, %(organization)s)"""


def is_distributed_for(driver: Any) -> bool:
    """`is_distributed` of a connection of the driver, which is in no transaction before or after."""
    with driver.cursor() as cursor:
        known = cursor.execute("SELECT to_regclass('pg_dist_partition') IS NOT NULL").fetchone()[0]
        ledger = "SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = to_regclass(%s)"
        distributed = known and cursor.execute(ledger, [_LEDGER]).fetchone()[0] > 0
    driver.rollback()
    return bool(distributed)
