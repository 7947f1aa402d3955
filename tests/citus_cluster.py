"""Databases on a Citus cluster that runs already; HYMIO_TEST_CITUS_URL is the address of a database of its coordinator.

That database has the extension and the workers: they are entered in each database that a test needs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.engine import make_url

from hymio.store.dialect.postgresql import PostgresqlTransaction

VARIABLE = "HYMIO_TEST_CITUS_URL"
SHARDS = 4
"""Shards of a table in tests; each statement over all organizations visits them all."""

_NODES = "SELECT nodename, nodeport FROM pg_dist_node WHERE (groupid = 0) = %s AND isactive ORDER BY nodename, nodeport"


@dataclass(frozen=True, slots=True)
class CitusCluster:
    """The cluster of a coordinator; each database is made on every node."""

    address: str
    coordinator: tuple[str, int]
    workers: tuple[tuple[str, int], ...]

    @classmethod
    def of_environment(cls) -> Self:
        """The cluster that the variable names. KeyError without it."""
        address = os.environ[VARIABLE]
        with psycopg.connect(address) as connection:
            workers = connection.execute(_NODES, [False]).fetchall()
            own = connection.execute(_NODES, [True]).fetchone() or (connection.info.host, connection.info.port)
        return cls(address, (own[0], own[1]), tuple((name, port) for name, port in workers))

    def url(self, database: str) -> str:
        """The address of a database on the coordinator."""
        return make_url(self.address).set(database=database).render_as_string(hide_password=False)

    def create(self, database: str, template: str = "template0") -> str:
        """Makes a database on every node, like `template` or empty but for Citus, and gives its url."""
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(template))
        if template != "template0":
            # Citus's own process in the template would come back, and a template must have no connections.
            self._everywhere(
                "postgres",
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(template)),
                sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
                    sql.Literal(template)
                ),
            )
        self._everywhere("postgres", create)
        if template == "template0":
            self._make_cluster(database)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Removes a database from every node, whoever is still connected to it."""
        name = sql.Identifier(database)
        self._everywhere("postgres", sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _make_cluster(self, database: str) -> None:
        """Joins the databases of all nodes into a cluster, with few shards a table."""
        self._everywhere(database, sql.SQL("CREATE EXTENSION citus"))
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute("SELECT citus_set_coordinator_host(%s, %s)", self.coordinator)
            for worker in self.workers:
                connection.execute("SELECT citus_add_node(%s, %s)", worker)
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET citus.shard_count = {}").format(sql.Identifier(database), SHARDS)
            )

    def _everywhere(self, database: str, *statements: sql.SQL | sql.Composed) -> None:
        """Runs statements on the coordinator and on each worker."""
        for place in (None, *self.workers):
            own: dict[str, Any] = conninfo_to_dict(self.address, dbname=database)
            if place is not None:
                own |= {"host": place[0], "port": place[1]}
            with psycopg.connect(make_conninfo(**own), autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement)


def refuse_statements_over_many_nodes() -> None:
    """Has Citus refuse, from now on in this process, each statement about one organization that goes to several shards.

    Such a statement is slow, stops while any node hangs, and with LIMIT Citus 12 has left out rows of it.
    """
    spelled = PostgresqlTransaction._spelled

    def on_one_node(self: PostgresqlTransaction, text: str, values: Mapping[str, object]) -> str:
        result = spelled(self, text, values)
        if self._cluster is not None:
            level = "error" if "o" in values else "off"
            self._driver.cursor().execute(f"SET citus.multi_task_query_log_level = {level}")
        return result

    PostgresqlTransaction._spelled = on_one_node  # type: ignore[method-assign]
