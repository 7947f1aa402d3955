"""The fast check of an assignment, and the sums of groups, see whatever comparing one by one sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake
from hymio.feedback import HourReport, Upload
from hymio.intake import agreement, recount
from hymio.intake.agreement import agrees
from hymio.intake.verifying import differences_of
from hymio.misuse import MisusePolicy
from hymio.rollup import Counts, GroupHour
from hymio.store import Store, scan, schema
from tests.test_laws import assert_settled, law, opened
from tests.world import NOW, World, build, deliveries, policies, pressed, zone_pairs
from tests.zones import HOUR

HOURS = {
    "verdict": (0, 1, 3, 4, 10),
    "starts_at": (-HOUR, 60_000),
    **dict.fromkeys(("local_hour", "c0", "c1", "c4", "c5", "c10"), (-1, 1)),
}
DAMAGES: dict[str, dict[str, tuple[int, ...]]] = {
    "feedback": {
        "verdict": (0, 1, 3, 4, 10, 11, 20),
        "button": (-1, 1, 3),
        "utc_offset": (-60, 60, 345, 30_000),
        "accuracy": (0, 1, 2),
        "finding": (0, 1, 2, 3, 4),
        "at": (-HOUR, 1, 3_000, HOUR, 30 * HOUR),
        "assignment_id": (1,),
    },
    "assignment_hour": HOURS,
    "group_hour": HOURS,
}
"""By table and column: values that a row gets, or in columns that are not codes, what is added to its value."""

CODES = ("verdict", "accuracy", "finding")


def recorded(store: Store, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy) -> World:
    """A world with presses in any order, and hours told by SMS."""
    world = build(store, zones, policy)
    presses = data.draw(pressed(zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    hours = [HourReport(9, n * 10, press.at // HOUR * HOUR, (n, 1), 0) for n, (_, press) in enumerate(presses[:2], 1)]
    intake.record(store, world.organization, [Upload(world.smileys[0], hours=tuple(hours))], NOW)
    return world


def damage(store: Store, world: World, data: st.DataObject, name: str) -> None:
    """Changes a value of a row of a table, or deletes the row."""
    table = schema.metadata.tables[name]
    columns, key = [column.name for column in table.columns], [column.name for column in table.primary_key]
    with store.write() as transaction:
        text = f"SELECT {', '.join(columns)} FROM {name} WHERE organization_id = :o ORDER BY {', '.join(key)}"
        rows = transaction.rows(text, o=world.organization)
        if not rows:
            return
        row = dict(zip(columns, data.draw(st.sampled_from(rows)), strict=True))
        where = " AND ".join(f"{column} = :{column}" for column in key)
        transaction.run(f"DELETE FROM {name} WHERE {where}", **row)
        if column := data.draw(st.sampled_from(["", *DAMAGES[name]])):
            value = data.draw(st.sampled_from(DAMAGES[name][column]))
            row[column] = value if column in CODES else row[column] + value
            transaction.insert(table, [tuple(row.values())], "ON CONFLICT DO NOTHING")


@contextmanager
def small_pieces(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(agreement, "CHUNK_ROWS", size)
        small.setattr(recount, "MAX_PIECE_HOURS", size)
        small.setattr(recount, "MAX_PIECE_SUMS", size)
        yield


@law
@given(st.data(), zone_pairs, policies, st.sampled_from([1, 3, 1_000]))
def test_an_assignment_agrees_only_where_nothing_differs(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, size: int
) -> None:
    store = opened(shared_database_url)
    world = recorded(store, data, zones, policy)
    damages = data.draw(st.lists(st.sampled_from(["feedback", "assignment_hour"]), max_size=2))
    for table in damages:
        damage(store, world, data, table)
    for assignment in world.assignments:
        with small_pieces(size), store.read() as transaction:
            layout = store.layout_now(transaction, world.organization)
            differences = list(differences_of(transaction, layout, assignment))
            alike = agrees(transaction, layout, assignment, lambda _: None)
        assert not (alike and differences)
        assert alike or damages


@law
@given(st.data(), zone_pairs, policies, st.sampled_from([1, 3, 1_000]))
def test_each_damaged_hour_of_a_group_is_listed_and_rebuilt(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, size: int
) -> None:
    store = opened(shared_database_url)
    world = recorded(store, data, zones, policy)
    before = group_hours(store, world)
    damage(store, world, data, "group_hour")
    after = group_hours(store, world)
    with small_pieces(size):
        differences = list(intake.verify(store, world.organization))
        rebuilt = intake.rebuild(store, world.organization, NOW)
    wrong = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    assert len(differences) == rebuilt.hours == len(wrong)
    assert_settled(store, world)
    assert group_hours(store, world) == before


def group_hours(store: Store, world: World) -> dict[GroupHour, Counts]:
    """The stored hours of groups, without empty ones."""
    with store.read() as transaction:
        totals = scan.group_totals(transaction, world.organization)
        return scan.hours_of_groups(transaction, world.organization, totals, range(-(10**9), 10**9))
