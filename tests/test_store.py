"""The database itself: its tables, how it is brought up to date, and what it refuses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Table

from hymio import intake
from hymio.errors import DatabaseTooNew, NotFound, SetupError
from hymio.feedback import Upload
from hymio.misuse import MisusePolicy
from hymio.scale import Scale
from hymio.smiley import CLOCK_TOLERANCE, SmileyType
from hymio.store import Store, catalog, open_store, schema
from hymio.store.dialect import connect
from hymio.store.distribute import distribute
from tests.world import NOW, build, wall, wording


def test_the_migrations_make_the_tables_the_program_knows(empty_database_url: str) -> None:
    open_store(empty_database_url).close()
    with connect(empty_database_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_opening_again_changes_nothing(database_url: str) -> None:
    for _ in range(2):
        store = open_store(database_url)
        catalog.organizations(store)
        store.close()


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
        assert table.name in {"organization", "directory", "job"}
        return
    assert key[0] == "organization_id"
    assert all(next(iter(index.columns)).name == "organization_id" for index in table.indexes)
    assert not any(column.autoincrement is True or column.identity or column.server_default for column in table.columns)


def test_distributing_says_exactly_what_is_missing(store: Store) -> None:
    wanted = (
        "SQLite file is not distributed" if store.is_sqlite else r"does not have the extension citus.*shared_preload"
    )
    with pytest.raises(SetupError, match=wanted):
        distribute(store)


def test_a_write_that_fails_leaves_nothing(store: Store) -> None:
    world = build(store)
    before = store.layout(world.organization)

    def fail() -> None:
        with store.begin(world.organization, NOW) as ledger:
            catalog.add_group(ledger, "Never", world.root)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.layout(world.organization) == before


def test_another_process_sees_a_changed_set_up(database_url: str) -> None:
    one, other = open_store(database_url), open_store(database_url)
    world = build(one)
    assert len(other.layout(world.organization).hierarchy.nodes) == 5
    with one.begin(world.organization, NOW) as ledger:
        catalog.add_group(ledger, "New", world.root)
    assert len(other.layout(world.organization).hierarchy.nodes) == 6
    one.close()
    other.close()


def test_ids_are_importable_and_given_per_organization(store: Store) -> None:
    organization = catalog.create_organization(store, "Imported", NOW, id=4711)
    with store.begin(organization, NOW) as ledger:
        assert catalog.add_group(ledger, "Root", id=900) == 900
        assert catalog.add_group(ledger, "Next", 900) == 901
        question = catalog.add_question(ledger, wording("How?"), id=70)
        assert catalog.add_survey(ledger, question, Scale.FIVE, id=134_000) == 134_000
    with pytest.raises(SetupError, match="exists already"), store.begin(organization, NOW) as ledger:
        catalog.add_group(ledger, "Twice", 900, id=901)


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "accepted are 1 to 200"), ("x" * 201, "accepted are 1 to 200"), ("a\nb", "accepted are 1 to 200")],
)
def test_names_are_bounded(store: Store, name: str, message: str) -> None:
    with pytest.raises(SetupError, match=message):
        catalog.create_organization(store, name, NOW)


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(NotFound, match="none yet"):
        catalog.find_organization(store, "Acme")
    catalog.create_organization(store, "Acme", NOW)
    with pytest.raises(NotFound, match="1 'Acme'"):
        catalog.find_organization(store, "Acne")
    with pytest.raises(NotFound, match="no organization 99"):
        store.layout(99)


def test_a_policy_acts_always_until_there_is_feedback_and_then_from_now(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=5))
    intake.record(store, world.organization, [Upload(world.smileys[0])], NOW)
    with store.begin(world.organization, NOW) as ledger:
        catalog.set_policy(ledger, world.root, MisusePolicy(interval=60))
    timeline = store.layout(world.organization).policies_of(world.assignments[0], world.smileys[0])
    assert [policy.interval for _, policy in timeline.steps] == [5, 60]
    assert timeline.at(NOW - 1).interval == 5
    assert timeline.at(NOW + CLOCK_TOLERANCE).interval == 5, "what came may be of a clock that is fast"
    assert timeline.at(NOW + CLOCK_TOLERANCE + 1).interval == 60


def test_a_secret_is_shown_once_and_stored_hashed(store: Store) -> None:
    organization = catalog.create_organization(store, "Acme", NOW)
    with store.begin(organization, NOW) as ledger:
        smiley = catalog.add_smiley(ledger, "T1", "Door", SmileyType.TERMINAL)
        api = catalog.activate_api(ledger)
        sms = catalog.sms_secret(ledger)
    assert catalog.smiley_by_token(store, smiley.token) == (organization, smiley.id)
    assert catalog.smiley_by_token(store, "wrong") is None
    assert catalog.organization_by_sms_secret(store, sms) == organization
    client = catalog.v1_client(store, api.client_id)
    assert client is not None
    assert client.token_hash == catalog.hash_secret(api.token)
    with store.read() as transaction:
        everything = str([transaction.rows(f"SELECT * FROM {table.name}") for table in schema.metadata.sorted_tables])
    assert not any(secret in everything for secret in (smiley.token, api.token, sms))


def test_rotating_and_revoking_end_the_old_credentials(store: Store) -> None:
    organization = catalog.create_organization(store, "Acme", NOW)
    with store.begin(organization, NOW) as ledger:
        first = catalog.activate_api(ledger)
        smiley = catalog.add_smiley(ledger, "T1", "Door", SmileyType.TERMINAL)
    with store.begin(organization, NOW) as ledger:
        second = catalog.rotate_api(ledger)
        token = catalog.new_token(ledger, smiley.id)
    assert catalog.v1_client(store, first.client_id) is None
    assert catalog.smiley_by_token(store, smiley.token) is None
    assert catalog.smiley_by_token(store, token) == (organization, smiley.id)
    with store.begin(organization, NOW) as ledger:
        catalog.revoke_api(ledger)
    assert catalog.v1_client(store, second.client_id) is None
    assert not catalog.find_organization(store, "Acme").api_enabled


def test_a_smiley_stands_in_one_place_at_a_time(store: Store) -> None:
    world = build(store)
    with store.begin(world.organization, NOW) as ledger:
        catalog.place(ledger, world.smileys[0], world.points[1], 5000)
    placements = [each for each in store.layout(world.organization).placements if each.smiley == world.smileys[0]]
    assert [(each.node, each.start, each.end) for each in placements] == [
        (world.points[0], 0, 5000),
        (world.points[1], 5000, None),
    ]


def test_a_wall_time_is_checked_at_the_point(store: Store) -> None:
    world = build(store, ("Europe/Tallinn", "UTC"))
    (always,) = store.layout(world.organization).ranges(world.assignments[0])
    assert always[0] == int(wall("1990-01-01T00:00+02:00").timestamp()) * 1000
