"""Distribution over a Citus cluster: what can be checked without one, by a stand-in that records what it is asked."""

from __future__ import annotations

import ast
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from psycopg import sql

from hymio.backup import making
from hymio.cli import cluster
from hymio.errors import ChecksFailed, SetupError
from hymio.serving.door import Services
from hymio.serving.health import CHECKS, passed
from hymio.settings import Settings
from hymio.store import Store, migrate, open_store, schema
from hymio.store.dialect import connect
from hymio.store.dialect.citus import Cluster
from hymio.store.dialect.postgresql import FEW_ROWS
from hymio.store.distribute import TABLES, distribute, distribution
from tests.citus_cluster import VARIABLE
from tests.engines import ENGINES, KNOWN_ENGINES
from tests.world import build

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"
SERVERS = [engine for engine in KNOWN_ENGINES[1:] if engine in ENGINES and engine != "citus"]


def test_the_store_is_tested_on_a_cluster() -> None:
    """Names what is left out without one; with one, every test of a store runs on it."""
    if not os.environ.get(VARIABLE):
        pytest.skip(f"no test of a store ran on Citus: {VARIABLE} does not name a database of a coordinator")
    assert "citus" in ENGINES or "HYMIO_TEST_ENGINES" in os.environ


STAND_IN = """
CREATE SCHEMA stand_in;
SET search_path = stand_in, public;
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, how text, number serial);
CREATE TABLE pg_dist_node (nodename text, nodeport int, groupid int, isactive bool, noderole text DEFAULT 'primary');
CREATE TABLE pg_dist_local_group (groupid int);
INSERT INTO pg_dist_local_group VALUES (0);
CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO pg_dist_partition VALUES (name, 'reference');
END $$;
CREATE FUNCTION create_distributed_table(name regclass, by text, kind text DEFAULT 'hash',
    colocate_with text DEFAULT 'default') RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF colocate_with <> 'default' AND to_regclass(colocate_with) NOT IN (SELECT logicalrelid FROM pg_dist_partition)
    THEN RAISE 'relation % is not distributed', colocate_with; END IF;
    INSERT INTO pg_dist_partition VALUES (name, by || ' with ' || colocate_with);
END $$;
CREATE FUNCTION citus_check_connection_to_node(name text, port int) RETURNS boolean LANGUAGE sql
    AS $$ SELECT name <> 'lost' $$;
CREATE FUNCTION truncate_local_data_after_distributing_table(name regclass) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE 'TRUNCATE ' || name;
END $$;
"""
"""Takes Citus's place in a database of PostgreSQL; as in Citus, a table is co-located with a distributed one only."""


@pytest.fixture(params=SERVERS)
def cluster_url(request: pytest.FixtureRequest, fresh_database: Callable[[str], str], databases: object) -> str:
    """An empty database of a coordinator, whose cluster is the stand-in and has one worker."""
    url = databases.make(request.param, empty=True)  # type: ignore[attr-defined]
    with psycopg.connect(url) as connection:
        connection.execute(STAND_IN)
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET search_path = public, stand_in").format(database))
        connection.execute("INSERT INTO pg_dist_node VALUES ('a', 5432, 0, true), ('b', 5432, 1, true)")
    return str(url)


@pytest.fixture
def cluster_store(cluster_url: str) -> Iterator[Store]:
    store = open_store(cluster_url)
    yield store
    store.close()


def recorded(url: str) -> dict[str, str]:
    """How each table that is there was distributed, in order."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            """SELECT relname, how FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid
            ORDER BY number"""
        )
        return dict(rows.fetchall())


def as_in_the_schema() -> dict[str, str]:
    ways = {"reference": "reference", "organization_id": "organization_id with ledger"}
    return {name: ways[how] for name, how in TABLES.items()} | {"ledger": "organization_id with default"}


# --- distributing ----------------------------------------------------------------------------------------------------


def test_every_table_is_distributed_and_the_ledger_before_those_that_lie_with_it(
    cluster_url: str, cluster_store: Store
) -> None:
    assert set(distribute(cluster_store).tables) == set(TABLES)
    how = recorded(cluster_url)
    assert how == as_in_the_schema()
    beside = [name for name, way in how.items() if way.endswith("with ledger")]
    assert list(how).index("ledger") < min(map(list(how).index, beside))
    assert distribute(cluster_store).tables == ()


def test_rows_from_before_are_removed_once(cluster_store: Store) -> None:
    with cluster_store.write() as transaction:
        transaction.insert(schema.revision, [(1, 1, 1)])
    assert "revision" in distribute(cluster_store).emptied
    assert distribute(cluster_store).emptied == ()


def test_a_second_process_waits_for_the_first(cluster_url: str, cluster_store: Store) -> None:
    waits = threading.Event()
    outcomes: list[tuple[str, ...]] = []

    def second() -> None:
        store = open_store(cluster_url)
        outcomes.append(distribute(store, waiting=waits.set).tables)
        store.close()

    with cluster_store.write() as transaction:
        from hymio.store.dialect import lock_migrations

        lock_migrations(transaction.core)
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        assert outcomes == []
    thread.join()
    assert len(outcomes[0]) == len(TABLES)


def test_a_worker_neither_distributes_nor_migrates(cluster_url: str) -> None:
    up_to(cluster_url, "0002")
    with psycopg.connect(cluster_url) as connection:
        connection.execute("UPDATE pg_dist_local_group SET groupid = 1")
        connection.execute("INSERT INTO pg_dist_partition VALUES ('ledger', 'by hand')")
    with pytest.raises(SetupError, match="address of the coordinator"):
        open_store(cluster_url)
    up_to(cluster_url, "head")
    store = open_store(cluster_url)
    with pytest.raises(SetupError, match="address of its coordinator"):
        distribute(store)
    store.close()


@pytest.mark.parametrize(
    ("nodes", "warning"),
    [("groupid = 0", "has no workers"), ("groupid = 1", "is not a node of its cluster")],
)
def test_an_incomplete_cluster_is_warned_of(
    cluster_url: str, cluster_store: Store, nodes: str, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(cluster_url) as connection:
        connection.execute(f"DELETE FROM pg_dist_node WHERE NOT {nodes}")
    cluster.distribute(cluster_store)
    assert warning in capsys.readouterr().err


def test_the_status_names_what_is_missing(cluster_url: str, cluster_store: Store) -> None:
    cluster.distribute(cluster_store)
    with psycopg.connect(cluster_url) as connection:
        connection.execute("DELETE FROM pg_dist_partition WHERE logicalrelid = 'visit'::regclass")
    (nodes, tables, left, copies), after = cluster.cells(cluster_store)
    assert nodes == ["a:5432 (coordinator)", "b:5432"]
    assert tables == (len(TABLES) - 1, f"{len(TABLES) - 1} distributed, 1 not")
    assert (left, copies, after) == (("visit",), (), "To complete it: hymio db distribute")


def test_health_names_a_lost_node_and_presses_are_still_taken(cluster_url: str, cluster_store: Store) -> None:
    distribute(cluster_store)
    with psycopg.connect(cluster_url) as connection:  # the stand-in has no other copy of the rows that it removes
        connection.execute("INSERT INTO alembic_version VALUES (%s)", [migrate.newest()])
    store = open_store(cluster_url)
    services = Services.of(store, Settings(), lambda: 0)
    [nodes] = [check for check in CHECKS if check.name == "nodes"]
    assert passed(services, [nodes]).status == "ok"
    with psycopg.connect(cluster_url) as connection:
        connection.execute("INSERT INTO pg_dist_node VALUES ('lost', 5433, 2, true), ('gone', 1, 3, false)")
    with pytest.raises(ChecksFailed) as failure:
        passed(services, [nodes])
    assert [(result.name, result.detail) for result in failure.value.results] == [
        ("nodes", "these nodes of the database do not answer: lost:5433")
    ]
    assert not nodes.stops_presses
    store.close()


def test_a_database_without_citus_has_no_distribution(store: Store) -> None:
    found = distribution(store)
    assert found is None or found.local == ()  # all is, where the tests run on a cluster


# --- statements ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=SERVERS)
def server_store(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> Iterator[Store]:
    store = open_store(fresh_database(request.param))
    yield store
    store.close()


@pytest.mark.parametrize("count", [1, FEW_ROWS, FEW_ROWS + 1, 300])
def test_what_is_inserted_on_a_cluster_is_what_was_given(server_store: Store, count: int) -> None:
    """PostgreSQL understands the statements for a cluster too, which differ by the number of rows."""
    organization = build(server_store).organization
    rows = [(organization, 1_000 + number, 7 * number) for number in range(count)]
    changed = [(organization, revision, at + 1) for organization, revision, at in rows]
    replacing = "ON CONFLICT (organization_id, revision) DO UPDATE SET committed_at = excluded.committed_at"
    text = "SELECT * FROM revision WHERE organization_id = :o AND revision >= 1000 ORDER BY revision"
    with server_store.write() as transaction:
        transaction._cluster = Cluster(1_000)  # type: ignore[attr-defined]
        transaction.insert(schema.revision, rows)
        assert transaction.rows(text, o=organization) == rows
        transaction.insert(schema.revision, changed, replacing)
        transaction.insert(schema.revision, rows, "ON CONFLICT DO NOTHING")
        assert transaction.rows(text, o=organization) == changed


@pytest.mark.parametrize("organizations", [[999_999], [1, 2]])
def test_rows_that_would_get_lost_are_refused(server_store: Store, organizations: list[int]) -> None:
    """Rows come in beside the ledger's row: of an organization without one, or of several, they would not."""
    rows = [(organization, number, 0) for organization in organizations for number in range(50)]
    with server_store.write() as transaction:
        transaction._cluster = Cluster(1_000)  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="organization"):
            transaction.insert(schema.revision, rows)


# --- migrations ------------------------------------------------------------------------------------------------------


def up_to(url: str, version: str) -> None:
    """Runs the migrations up to one."""
    with connect(url).connect().execution_options(writes=True) as connection, connection.begin():
        command.upgrade(migrate._config(connection), version)


@pytest.mark.parametrize("version", sorted(migrate._known())[:-1])
def test_later_migrations_distribute_their_tables(cluster_url: str, version: str) -> None:
    """A database that was distributed at any version is wholly distributed once it is migrated."""
    up_to(cluster_url, version)
    with psycopg.connect(cluster_url) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            if table in TABLES or table == "ledger":
                way = as_in_the_schema()[table]
                connection.execute("INSERT INTO pg_dist_partition VALUES (%s::regclass, %s)", (table, way))
    open_store(cluster_url).close()
    assert recorded(cluster_url) == as_in_the_schema()


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("[0-9]*.py"))[1:], ids=lambda file: file.stem)
def test_later_migrations_make_tables_with_their_distribution(file: Path) -> None:
    called = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    by_alembic = [each for each in called if isinstance(each, ast.Attribute) and each.attr == "create_table"]
    assert by_alembic == [], "new_tables.create_table also distributes"


def test_a_cluster_is_not_backed_up_by_pg_dump(cluster_store: Store, tmp_path: Path) -> None:
    distribute(cluster_store)
    with (
        pytest.raises(SetupError, match=r"Citus cluster.*docs/operations.md"),
        making(cluster_store, tmp_path / "one.zip", now=0),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
