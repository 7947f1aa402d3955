"""The fast check of an assignment, and the sums of groups, see whatever comparing one by one sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.feedback import HourReport, Press, Upload, Verdict
from hymio.intake import agreement, recount
from hymio.intake.agreement import agrees
from hymio.intake.verifying import differences_of
from hymio.misuse import MisusePolicy
from hymio.rollup import Counts, GroupHour, roll_up
from hymio.setup import END, Layout
from hymio.store import Store, scan, schema
from hymio.store.dialect import Transaction
from tests.test_contradictions import CHANGES, change_the_past
from tests.test_laws import assert_settled, law, opened, stored_feedback
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


def damage(transaction: Transaction, world: World, data: st.DataObject, name: str, column: str) -> None:
    """Changes a column of a row of a table, or deletes the row without a column; of its key, also adds such a row."""
    table = schema.metadata.tables[name]
    columns, key = [column.name for column in table.columns], [column.name for column in table.primary_key]
    text = f"SELECT {', '.join(columns)} FROM {name} WHERE organization_id = :o ORDER BY {', '.join(key)}"
    rows = transaction.rows(text, o=world.organization)
    if rows:
        row = dict(zip(columns, data.draw(st.sampled_from(rows)), strict=True))
        if column not in key or data.draw(st.booleans()):
            transaction.run(f"DELETE FROM {name} WHERE {' AND '.join(f'{part} = :{part}' for part in key)}", **row)
        if column:
            value = data.draw(st.sampled_from(DAMAGES[name][column]))
            row[column] = value if column in CODES else row[column] + value
            transaction.insert(table, [tuple(row.values())], "ON CONFLICT DO NOTHING")


def count_again(transaction: Transaction, world: World) -> None:
    """Replaces the hours of assignments by those of the rows as they are stored."""
    transaction.run("DELETE FROM assignment_hour WHERE organization_id = :o", o=world.organization)
    for assignment in world.assignments:
        feedbacks = list(scan.rows_in_order(transaction, world.organization, assignment, -END, END))
        usual = [feedback for feedback in feedbacks if feedback.button >= 0]
        rows = [(world.organization, *key, *counts, 1) for key, counts in roll_up(usual).items()]
        transaction.insert(schema.assignment_hour, rows)


class RolledBack(Exception):
    """Ends a transaction without a commit."""


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
    """Whatever is damaged in feedback or hours; and it does agree as long as nothing is."""
    store = opened(shared_database_url)
    world = recorded(store, data, zones, policy)
    with small_pieces(size):
        with store.read() as transaction:
            layout = store.layout_now(transaction, world.organization)
            assert all(agrees(transaction, layout, assignment, ignored) for assignment in world.assignments)
        for name in ("feedback", "assignment_hour"):
            for column in ("", *DAMAGES[name]):
                with suppress(RolledBack), store.write() as transaction:
                    damage(transaction, world, data, name, column)
                    if name == "feedback" and data.draw(st.booleans()):
                        count_again(transaction, world)
                    assert_seen(transaction, layout, world)
                    raise RolledBack


@law
@given(st.data(), zone_pairs, policies, st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3))
def test_an_assignment_agrees_only_where_the_set_up_does(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, changes: list[str]
) -> None:
    store = opened(shared_database_url)
    world = recorded(store, data, zones, policy)
    at = data.draw(st.sampled_from([feedback.at for feedback in stored_feedback(store, world)]))
    with manage.batch(store, world.organization, NOW) as batch:
        for what in changes:
            change_the_past(batch, world, data, what, at + data.draw(st.sampled_from([0, 1, -HOUR])))
    with store.read() as transaction:
        assert_seen(transaction, store.layout_now(transaction, world.organization), world)


@pytest.mark.parametrize("verdict", [Verdict.ROBOT, Verdict.SUPERSEDED, Verdict.TEST, Verdict.NO_SURVEY])
def test_an_hour_of_a_verdict_without_presses_is_seen_and_rebuilt(store: Store, verdict: Verdict) -> None:
    """Also of a verdict that no hour has."""
    world = build(store)
    presses = [Press(7, n, 1_700_000_000_000 + n * HOUR, 1) for n in range(1, 5)]
    intake.record(store, world.organization, [Upload(world.smileys[0], tuple(presses))], NOW)
    with store.write() as transaction:
        row = transaction.rows("SELECT * FROM assignment_hour WHERE organization_id = :o", o=world.organization)[0]
        transaction.insert(schema.assignment_hour, [(*row[:4], int(verdict), *row[5:])])
    [hour, *of_groups] = intake.verify(store, world.organization)
    assert (hour.at, hour.where.endswith("One, survey 1")) == (row[3], True)
    assert all(group.at == row[3] for group in of_groups)
    intake.rebuild(store, world.organization, NOW)
    assert_settled(store, world)


def assert_seen(transaction: Transaction, layout: Layout, world: World) -> None:
    """No assignment agrees of which something differs."""
    for assignment in world.assignments:
        if agrees(transaction, layout, assignment, ignored):
            assert list(differences_of(transaction, layout, assignment)) == []


def ignored(_: int) -> None:
    """Progress that nobody looks at."""


@law
@given(st.data(), zone_pairs, policies, st.sampled_from([1, 3, 1_000]))
def test_each_damaged_hour_of_a_group_is_listed_and_rebuilt(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, size: int
) -> None:
    store = opened(shared_database_url)
    world = recorded(store, data, zones, policy)
    before = group_hours(store, world)
    with store.write() as transaction:
        damage(transaction, world, data, "group_hour", data.draw(st.sampled_from(["", *HOURS])))
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
