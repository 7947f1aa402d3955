"""Databases of older programs: what lies in them is there, in the new tables, after the next start."""

from __future__ import annotations

from alembic import command
from sqlalchemy import inspect, text

from hymio import manage, results
from hymio.access import operator
from hymio.feedback import Followup, Text
from hymio.results import Phase, Query
from hymio.store import migrate, open_store
from hymio.store.dialect import connect
from hymio.store.dialect.citus import has_citus
from hymio.store.distribute import distribute_tables, distribution
from tests.pages import PASSWORD
from tests.world import NOW, build

AT = 1_700_000_000_000


def at_revision(url: str, revision: str) -> None:
    """The tables of the migrations up to one."""
    with connect(url).connect().execution_options(writes=True) as connection, connection.begin():
        command.upgrade(migrate._config(connection), revision)
        if has_citus(connection):
            distribute_tables(connection)


def carry(url: str, newer: str) -> None:
    """What the first tables can hold of a database of today, with two follow-ups and two texts of that time."""
    old = ["organization", "ledger", "node", "node_setting", "localization", "question", "survey", "assignment"]
    old += ["active_period", "smiley", "placement"]
    copy_tables(url, newer, old)
    with connect(url).connect().execution_options(writes=True) as target, target.begin():
        for sequence in (1, 2):
            target.execute(
                text("INSERT INTO feedback VALUES (1, 1, 7, :n, :at, 0, 0, 1, 0, 0, 1, 0, 1)"),
                {"n": sequence, "at": AT + sequence},
            )
            target.execute(
                text("INSERT INTO text_feedback VALUES (1, 1, 7, :n, 'cold', 0.5, 0)"), {"n": sequence}
            )  # fmt: skip
        for position in (1, 2):
            target.execute(text("INSERT INTO followup_feedback VALUES (1, 1, 7, 1, :p, 4)"), {"p": position})


def copy_tables(url: str, newer: str, tables: list[str]) -> None:
    """The rows of tables of a newer database, with the columns that an older one has."""
    with (
        connect(newer).connect().execution_options(writes=False) as source,
        connect(url).connect().execution_options(writes=True) as target,
        target.begin(),
    ):
        for table in tables:
            rows = [dict(row._mapping) for row in source.execute(text(f"SELECT * FROM {table}"))]
            older_columns = {column["name"] for column in inspect(target).get_columns(table)}
            for whole in rows:
                row = {name: value for name, value in whole.items() if name in older_columns}
                target.execute(text(f"INSERT INTO {table} ({', '.join(row)}) VALUES (:{', :'.join(row)})"), row)


def test_users_of_before_there_were_passwords_are_invited_and_sign_in(empty_database_url: str, tmp_path: object):
    newer = f"sqlite:///{tmp_path}/newer.db"
    store = open_store(newer)
    boss = operator(build(store).organization)
    user = manage.add_user(store, boss, "Jane.Doe@example.com", "Jane", "Doe", 1, now=NOW)
    store.close()
    at_revision(empty_database_url, "0005")
    copy_tables(empty_database_url, newer, ["organization", "ledger", "node", "node_setting", "user_account"])
    store = open_store(empty_database_url)
    assert manage.password_principal(store, "jane.doe@example.com", PASSWORD) is None
    invited = manage.link_principal(store, manage.invite_user(store, boss, user, now=NOW), NOW)
    assert invited is not None
    manage.set_password(store, invited.principal, user, PASSWORD, now=NOW)
    principal = manage.password_principal(store, "jane.doe@example.com", PASSWORD)
    assert principal is not None
    assert (principal.organization, principal.id) == (boss.organization, user)
    store.close()


def test_phases_of_the_first_tables_come_along(empty_database_url: str, tmp_path: object) -> None:
    newer = f"sqlite:///{tmp_path}/newer.db"
    store = open_store(newer)
    world = build(store)
    store.close()
    at_revision(empty_database_url, "0001")
    carry(empty_database_url, newer)
    store = open_store(empty_database_url)
    spread = distribution(store)
    assert spread is None or spread.local == ()

    def rows(phase: Phase) -> list[tuple[object, ...]]:
        query = Query(results.OfNode(world.root), results.EVERYTHING, phase)
        with results.rows(store, operator(world.organization), query, NOW) as found:
            return [(row.sequence, row.answer) for row in found.rows]

    assert rows(Phase.FOLLOWUP) == [(1, Followup(4, None, 1)), (1, Followup(4, None, 2))]
    assert rows(Phase.TEXT) == [(1, Text("cold", 0.5, False, 3)), (2, Text("cold", 0.5, False, 1))]
    subject = results.OfAssignment(world.assignments[0])
    with results.answers(store, operator(world.organization), subject, phase=Phase.TEXT) as found:
        assert [row.answer for row in found.rows] == [Text("cold", 0.5, False, 3), Text("cold", 0.5, False, 1)]
    store.close()
