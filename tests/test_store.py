"""The database itself: its tables, how it is brought up to date, and what it refuses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import DefaultClause, Table, inspect, text

from hymio import intake, manage
from hymio.access import operator
from hymio.errors import DatabaseTooNew, NotFound, SetupError, Unavailable
from hymio.feedback import Press, Upload
from hymio.hierarchy import BEGINNING
from hymio.manage import TakesEffect
from hymio.misuse import MisusePolicy
from hymio.scale import Scale
from hymio.smiley import CLOCK_TOLERANCE, SmileyType
from hymio.store import Store, open_store, schema
from hymio.store.dialect import connect
from hymio.store.distribute import distribute
from tests.world import NOW, World, build, wall, wording


def test_the_migrations_make_the_tables_the_program_knows(empty_database_url: str) -> None:
    open_store(empty_database_url).close()
    with connect(empty_database_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def rows_of_all_tables(url: str) -> dict[str, list[str]]:
    with connect(url).connect() as connection:
        tables = inspect(connection).get_table_names()
        return {name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")))) for name in tables}


def test_opening_again_changes_nothing(database_url: str) -> None:
    store = open_store(database_url)
    build(store)
    store.close()
    before = rows_of_all_tables(database_url)
    open_store(database_url).close()
    assert rows_of_all_tables(database_url) == before
    assert before["organization"]
    assert before["alembic_version"]


def test_several_programs_may_start_at_once(empty_database_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            open_store(empty_database_url).close()
        except BaseException as error:  # noqa: BLE001  whatever it was, it is told below
            failures.append(error)

    starters = [threading.Thread(target=start) for _ in range(4)]
    for each in starters:
        each.start()
    for each in starters:
        each.join()
    assert failures == []


def test_a_database_of_a_newer_program_is_refused(empty_database_url: str) -> None:
    store = open_store(empty_database_url)
    with store.write() as transaction:
        transaction.run("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(DatabaseTooNew, match=r"'9999'.*newer Hymio"):
        open_store(empty_database_url)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "nonsense://", "postgresql:/bad url"])
def test_an_unknown_database_is_refused_with_what_is_accepted(url: str) -> None:
    with pytest.raises(SetupError, match="accepted are sqlite:///FILE and postgresql://"):
        open_store(url)


def test_a_path_alone_is_a_sqlite_file(tmp_path: Path) -> None:
    open_store(str(tmp_path / "some.db")).close()
    assert (tmp_path / "some.db").read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("table", schema.metadata.sorted_tables, ids=str)
def test_every_table_can_be_distributed(table: Table) -> None:
    key = [column.name for column in table.primary_key.columns]
    if table.info["distribution"] == "reference":
        assert table.name in {"organization", "directory", "job", "account_email", "visitor_key"}
        return
    assert key[0] == "organization_id"
    assert all(next(iter(index.columns)).name == "organization_id" for index in table.indexes)
    assert not any(column.autoincrement is True or column.identity for column in table.columns)
    defaults = [column.server_default for column in table.columns if column.server_default is not None]
    assert all(isinstance(each, DefaultClause) and each.arg == "0" for each in defaults), "no function"


def test_distributing_says_exactly_what_is_missing(store: Store) -> None:
    if store.is_distributed:
        assert distribute(store).tables == ()
        return
    wanted = (
        "SQLite file is not distributed"
        if store.kind == "sqlite"
        else r"does not have the extension citus.*shared_preload"
    )
    with pytest.raises(SetupError, match=wanted):
        distribute(store)


def test_a_database_that_lost_the_last_commit_is_noticed(store: Store) -> None:
    store.check()
    world = build(store)
    store.check()
    with store.write() as transaction:  # as after a failover to a server that had not received the last commits
        transaction.run("DELETE FROM revision WHERE revision > 1")
        transaction.run("UPDATE ledger SET revision = 1")
    with pytest.raises(Unavailable, match="the last commit is not in it"):
        store.check()
    with store.write() as transaction:
        transaction.run("DELETE FROM ledger WHERE organization_id = :o", o=world.organization)
    store.check()  # what was erased is not lost


def test_a_commit_with_a_clock_that_is_a_little_behind_is_not_missing(store: Store) -> None:
    world = build(store)
    for now in (NOW, NOW - 30_000):
        with store.begin(world.organization, now):
            pass
        store.check()


def test_a_write_that_fails_leaves_nothing(store: Store) -> None:
    world = build(store)
    before = store.layout(world.organization)

    def fail() -> None:
        with manage.batch(store, world.organization, NOW) as batch:
            manage.add_group(batch, operator(world.organization), "Never", world.root, now=NOW)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.layout(world.organization) == before


def test_another_process_sees_a_changed_set_up(database_url: str) -> None:
    one, other = open_store(database_url), open_store(database_url)
    world = build(one)
    assert len(other.layout(world.organization).hierarchy.nodes) == 5
    with manage.batch(one, world.organization, NOW) as batch:
        manage.add_group(batch, operator(world.organization), "New", world.root, now=NOW)
    assert len(other.layout(world.organization).hierarchy.nodes) == 6
    one.close()
    other.close()


def test_ids_are_importable_and_given_per_organization(store: Store) -> None:
    organization = manage.create_organization(store, operator(), "Imported", id=4711, now=NOW)
    boss = operator(organization)
    with manage.batch(store, organization, NOW) as batch:
        assert manage.add_group(batch, boss, "North", manage.ROOT, id=900, now=NOW) == 900
        assert manage.add_group(batch, boss, "Next", 900, now=NOW) == 901
        question = manage.add_question(batch, boss, wording("How?"), id=70, now=NOW)
        assert manage.add_survey(batch, boss, question, Scale.FIVE, id=134_000, now=NOW) == 134_000
    with pytest.raises(SetupError, match="exists already"), manage.batch(store, organization, NOW) as batch:
        manage.add_group(batch, boss, "Twice", 900, id=901, now=NOW)


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "accepted are 1 to 200"), ("x" * 201, "accepted are 1 to 200"), ("a\nb", "accepted are 1 to 200")],
)
def test_names_are_bounded(store: Store, name: str, message: str) -> None:
    with pytest.raises(SetupError, match=message):
        manage.create_organization(store, operator(), name, now=NOW)


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(NotFound, match="none yet"):
        manage.find_organization(store, "Acme")
    manage.create_organization(store, operator(), "Acme", now=NOW)
    with pytest.raises(NotFound, match="1 'Acme'"):
        manage.find_organization(store, "Acne")
    with pytest.raises(NotFound, match="no organization 99"):
        store.layout(99)


def test_a_policy_acts_always_until_there_is_feedback_and_then_from_now(store: Store) -> None:
    """An upload without presses is no feedback, nor is what waits in quarantine or lies elsewhere."""
    world = build(store, policy=MisusePolicy(interval=5))
    elsewhere, quarantined, here = Press(1, 1, NOW - 1, 1), Press(1, 1, NOW - 1, 9), Press(1, 2, NOW, 1)
    told = (world.smileys[0], ()), (world.smileys[2], (elsewhere,)), (world.smileys[0], (quarantined,))
    for number, (smiley, presses) in enumerate(told):
        intake.record(store, world.organization, [Upload(smiley, presses)], NOW)
        assert set_policy(store, world, 10 + number) == TakesEffect(BEGINNING, None)
    intake.record(store, world.organization, [Upload(world.smileys[0], (here,))], NOW)
    assert set_policy(store, world, 60) == TakesEffect(NOW + CLOCK_TOLERANCE + 1, NOW)
    timeline = store.layout(world.organization).policies_of(world.assignments[0], world.smileys[0])
    assert [policy.interval for _, policy in timeline.steps] == [12, 60]
    assert timeline.at(NOW - 1).interval == 12
    assert timeline.at(NOW + CLOCK_TOLERANCE).interval == 12, "what came may be of a clock that is fast"
    assert timeline.at(NOW + CLOCK_TOLERANCE + 1).interval == 60


def set_policy(store: Store, world: World, interval: int) -> TakesEffect | None:
    """Sets the policy of the first point from now on."""
    boss, policy = operator(world.organization), MisusePolicy(interval=interval)
    return manage.set_policy(store, boss, world.points[0], policy, now=NOW)


def device(store: Store, token: str) -> tuple[int, int] | None:
    """The organization and smiley of an upload token."""
    with store.read() as transaction:
        principal = manage.device_principal(transaction, token)
    return None if principal is None else (principal.organization, principal.id)


def test_a_secret_is_shown_once_and_stored_hashed(store: Store) -> None:
    organization = manage.create_organization(store, operator(), "Acme", now=NOW)
    boss = operator(organization)
    with manage.batch(store, organization, NOW) as batch:
        smiley = manage.add_smiley(batch, boss, "T1", "Door", SmileyType.TERMINAL, now=NOW)
        api = manage.activate_api(batch, boss, now=NOW)
        sms = manage.new_sms_secret(batch, boss, now=NOW)
    assert device(store, smiley.token) == (organization, smiley.id)
    assert device(store, "wrong") is None
    gateway = manage.sms_principal(store, sms)
    assert gateway is not None
    assert gateway.organization == organization
    assert manage.sms_principal(store, "wrong") is None
    assert manage.v1_principal(store, api.client_id, api.token) is not None
    assert manage.v1_principal(store, api.client_id, sms) is None
    with store.read() as transaction:
        everything = str([transaction.rows(f"SELECT * FROM {table.name}") for table in schema.metadata.sorted_tables])
    assert not any(secret in everything for secret in (smiley.token, api.token, sms))


def test_rotating_and_revoking_end_the_old_credentials(store: Store) -> None:
    organization = manage.create_organization(store, operator(), "Acme", now=NOW)
    boss = operator(organization)
    with manage.batch(store, organization, NOW) as batch:
        first = manage.activate_api(batch, boss, now=NOW)
        smiley = manage.add_smiley(batch, boss, "T1", "Door", SmileyType.TERMINAL, now=NOW)
    with manage.batch(store, organization, NOW) as batch:
        second = manage.rotate_api(batch, boss, now=NOW)
        token = manage.new_token(batch, boss, smiley.id, now=NOW)
    assert manage.v1_principal(store, first.client_id, first.token) is None
    assert device(store, smiley.token) is None
    assert device(store, token) == (organization, smiley.id)
    with manage.batch(store, organization, NOW) as batch:
        manage.revoke_api(batch, boss, now=NOW)
    assert manage.v1_principal(store, second.client_id, second.token) is None
    assert not manage.find_organization(store, "Acme").api_enabled


def test_a_smiley_stands_in_one_place_at_a_time(store: Store) -> None:
    world = build(store)
    with manage.batch(store, world.organization, NOW) as batch:
        manage.place(batch, operator(world.organization), world.smileys[0], world.points[1], 5000, now=NOW)
    placements = store.layout(world.organization).placements[world.smileys[0]]
    assert [(each.node, each.start, each.end) for each in placements] == [
        (world.points[0], 0, 5000),
        (world.points[1], 5000, None),
    ]


def test_a_wall_time_is_checked_at_the_point(store: Store) -> None:
    world = build(store, ("Europe/Tallinn", "UTC"))
    (always,) = store.layout(world.organization).ranges(world.assignments[0])
    assert always[0] == int(wall("1990-01-01T00:00+02:00").timestamp()) * 1000
