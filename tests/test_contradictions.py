"""Feedback and a set-up that was changed after it: what acts from when, what `verify` reports, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import operator
from hymio.errors import SetupError
from hymio.feedback import Feedback, HourReport, Press, Upload, Verdict, is_raw
from hymio.hierarchy import BEGINNING
from hymio.intake import Mend
from hymio.manage import Batch, TakesEffect
from hymio.misuse import MisusePolicy
from hymio.opening_hours import parse_opening_hours
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store import Store
from hymio.store.catalog import rows
from hymio.survey import ActivePeriod
from tests.terminals import stored
from tests.test_intake import AT, told
from tests.test_laws import assert_settled, law, opened, stored_feedback
from tests.world import NOW, World, build, deliveries, policies, pressed, wall, zone_pairs
from tests.zones import HOUR, zone_names

A_MINUTE_LATER = NOW + CLOCK_TOLERANCE + 1


# --- a first value ---------------------------------------------------------------------------------------------------


def test_a_new_point_has_its_own_zone_and_policy_from_the_beginning(store: Store) -> None:
    """Although there is feedback elsewhere: what was pressed before the point was made is its own, too."""
    world = build(store, ("Europe/Helsinki", "Europe/Helsinki"))
    boss = operator(world.organization)
    told(store, world, Press(1, 1, AT, 1))
    with manage.batch(store, world.organization, NOW) as batch:
        point = manage.add_point(batch, boss, "Pokhara", world.groups[1], now=NOW)
        zoned = manage.set_zone(batch, boss, point, "Asia/Kathmandu", now=NOW)
        ruled = manage.set_policy(batch, boss, point, MisusePolicy(interval=60), now=NOW)
        manage.assign(batch, boss, point, world.surveys[0], [ActivePeriod(wall("1990-01-01"))], now=NOW)
        manage.place(batch, boss, world.smileys[1], point, 0, now=NOW)
    assert zoned == ruled == TakesEffect(BEGINNING, None)
    told(store, world, Press(1, 1, AT, 1), Press(1, 2, AT + 30_000, 1), smiley=1)
    assert not list(intake.verify(store, world.organization))
    found = stored(store, world.organization, "feedback", "assignment_id, utc_offset, verdict")
    assert found == [(1, 180, Verdict.COUNTED), (4, 345, Verdict.COUNTED), (4, 345, Verdict.INTERVAL)]


def test_a_value_that_acts_from_the_beginning_replaces_all_that_were_before_it(store: Store) -> None:
    """But not one that is planned."""
    world = build(store)
    boss, point = operator(world.organization), world.points[0]
    planned = NOW + 10**9
    for zone, at in (("Asia/Kathmandu", AT), ("Europe/Tallinn", planned)):
        manage.set_zone(store, boss, point, zone, at, now=NOW)
    assert manage.set_zone(store, boss, point, "America/New_York", now=NOW) == TakesEffect(BEGINNING, None)
    steps = store.layout(world.organization).zones[point]
    assert steps == ((BEGINNING, "America/New_York"), (planned, "Europe/Tallinn"))
    assert manage.set_zone(store, boss, point, "America/New_York", now=NOW) is None
    [entry] = manage.audit_log(store, boss, limit=1)
    assert [each["value"] for each in entry.old] == ["UTC", "Asia/Kathmandu"]


def test_what_lies_below_decides_from_when_a_value_of_a_group_acts(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    root, north, south = world.groups
    told(store, world, Press(1, 1, AT, 1))
    set_to = {node: manage.set_zone(store, boss, node, "Asia/Kathmandu", now=NOW) for node in world.groups}
    assert set_to == {
        root: TakesEffect(A_MINUTE_LATER, AT),
        north: TakesEffect(A_MINUTE_LATER, AT),
        south: TakesEffect(BEGINNING, None),
    }
    assert manage.set_zone(store, boss, north, "Europe/Tallinn", AT + 1, now=NOW) == TakesEffect(AT + 1, None)
    assert manage.set_zone(store, boss, north, "Asia/Tokyo", AT - 1, now=NOW) == TakesEffect(AT - 1, AT)


def test_a_point_without_feedback_takes_its_new_groups_past_when_it_moves(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    told(store, world, Press(1, 1, AT, 1))
    with manage.batch(store, world.organization, NOW) as batch:
        points = [manage.add_point(batch, boss, f"New {n}", world.groups[1], now=NOW) for n in range(2)]
        manage.set_policy(batch, boss, world.groups[2], MisusePolicy(interval=60), 0, now=NOW)
        manage.assign(batch, boss, points[1], world.surveys[0], [ActivePeriod(wall("1990-01-01"))], now=NOW)
        manage.place(batch, boss, world.smileys[1], points[1], 0, now=NOW)
    told(store, world, Press(1, 1, AT, 1), smiley=1)
    moved = [manage.move_node(store, boss, point, world.groups[2], now=NOW) for point in points]
    assert moved == [TakesEffect(BEGINNING, None), TakesEffect(A_MINUTE_LATER, AT)]
    layout = store.layout(world.organization)
    acting = [layout.hierarchy.inherited(point, layout.policies, MisusePolicy()) for point in points]
    assert [[timeline.at(at).interval for at in (AT, A_MINUTE_LATER)] for timeline in acting] == [[60, 60], [5, 60]]


@pytest.mark.parametrize("ahead", [0, 59_000])
def test_a_placement_of_now_begins_after_the_last_press_that_is_stored(store: Store, ahead: int) -> None:
    world = build(store)
    boss, smiley = operator(world.organization), world.smileys[0]
    now = AT + HOUR
    pressed = (Press(1, 1, now - 1, 1), Press(1, 2, now + ahead, 1), Press(1, 3, now + ahead, 9))
    intake.record(store, world.organization, [Upload(smiley, pressed)], now)
    assert manage.place(store, boss, smiley, world.points[1], now=now) == now + ahead + 1
    assert manage.unplace(store, boss, smiley, now=now + 120_000) == now + 120_000
    assert_settled(store, world)


def test_the_oldest_feedback_is_found_by_an_index(store: Store) -> None:
    world = build(store)
    told(store, world, Press(1, 1, AT, 1), Press(1, 2, AT + 1, 1))
    told(store, world, Press(1, 1, AT - 5, 1), smiley=2)
    told(store, world, Press(1, 1, AT - 9, 9), smiley=1)
    with store.begin(world.organization, NOW) as ledger:
        assert rows.oldest_feedback(ledger, world.assignments) == AT - 5
        assert rows.oldest_feedback(ledger, world.assignments[:1]) == AT
        assert rows.oldest_feedback(ledger, world.assignments, AT + 1) == AT + 1
        assert rows.oldest_feedback(ledger, world.assignments, AT + 2) is None
        assert rows.oldest_feedback(ledger, ()) is None
        newest = [
            rows.newest_feedback_of(ledger, world.smileys[0], keys, AT, AT + end)
            for keys, end in ((world.assignments, 1), (world.assignments, 2), ((0,), 2))
        ]
        assert newest == [AT, AT + 1, None]
        assert rows.newest_feedback_of(ledger, world.smileys[1], (0,), AT - 9, AT) == AT - 9
        if store.kind == "sqlite":
            assert_searched(ledger, rows.oldest_feedback, world.assignments)
            assert_searched(ledger, rows.newest_feedback_of, world.smileys[0], world.assignments, AT, AT + 1)


def assert_searched(ledger: Any, probe: Any, *arguments: object) -> None:
    """SQLite searches the index of assignments and instants, and goes through no table."""
    asked: list[tuple[str, dict[str, object]]] = []

    def row(text: str, **values: object) -> None:
        asked.append((text, values))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger.transaction, "row", row)
        probe(ledger, *arguments)
    [(text, values)] = asked
    plan = [step[-1] for step in ledger.transaction.rows(f"EXPLAIN QUERY PLAN {text}", **values)]
    wanted = "ix_feedback_assignment_at (organization_id=? AND assignment_id=? AND at>"
    assert any(wanted in step for step in plan), plan
    assert not any(step.startswith(("SCAN feedback", "SCAN f")) for step in plan), plan


# --- what contradicts the set-up -------------------------------------------------------------------------------------

CHANGES = ["zone", "policy", "place", "remove", "periods"]


def change_the_past(batch: Batch, world: World, data: st.DataObject, what: str, at: int) -> None:
    """A change that acts from an explicit instant on."""
    boss, smiley = operator(world.organization), data.draw(st.sampled_from(world.smileys[:3]))
    node, point = (data.draw(st.sampled_from(nodes)) for nodes in ([*world.groups, *world.points], world.points))
    if what == "zone":
        manage.set_zone(batch, boss, node, data.draw(zone_names), at, now=NOW)
    elif what == "policy":
        manage.set_policy(batch, boss, node, data.draw(policies), at, now=NOW)
    elif what == "place":
        manage.place(batch, boss, smiley, point, at, now=NOW)
    elif what == "remove":
        with suppress(SetupError):  # it stands nowhere
            manage.unplace(batch, boss, smiley, at, now=NOW)
    else:
        begins = wall("1970-01-01") + timedelta(milliseconds=at)
        manage.set_periods(
            batch, boss, data.draw(st.sampled_from(world.assignments[:2])), [ActivePeriod(begins)], now=NOW
        )


def settled(feedbacks: Iterable[Feedback]) -> list[tuple[Any, ...]]:
    """What results show of feedback; of what they do not show, only that."""
    return sorted((each[:3], each[3:] if is_raw(each.verdict) else ()) for each in feedbacks)


@law
@given(st.data(), zone_pairs, policies, st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3))
def test_verify_reports_exactly_what_a_resettling_changes(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, changes: list[str]
) -> None:
    """Whatever was changed in the past; and once it is resettled nothing is left, as if it had always been so."""
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    presses = data.draw(pressed(zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    hours = [HourReport(9, n * 10, press.at // HOUR * HOUR, (n, 1), 0) for n, (_, press) in enumerate(presses[:3], 1)]
    intake.record(store, world.organization, [Upload(world.smileys[0], hours=tuple(hours))], NOW)
    near = st.tuples(st.sampled_from([press.at for _, press in presses]), st.sampled_from([0, 1, -HOUR])).map(sum)
    with manage.batch(store, world.organization, NOW) as batch:
        for what in changes:
            change_the_past(batch, world, data, what, data.draw(near))
    differences, before = list(intake.verify(store, world.organization)), stored_feedback(store, world)
    assert {each.mend for each in differences} <= {Mend.RESETTLE, Mend.RELEASE}
    for node in {each.node for each in differences if each.node is not None}:
        since = min(each.at for each in differences if each.node == node)
        intake.resettle(store, world.organization, node, since, NOW)
    intake.release(store, world.organization, NOW)
    after = assert_settled(store, world)
    assert bool(differences) == (settled(before) != settled(after))
    intake.resettle(store, world.organization, world.root, 0, NOW)
    assert settled(stored_feedback(store, world)) == settled(after)


PAST: dict[str, tuple[Callable[[World], tuple[Any, ...]], set[Mend]]] = {
    "placed elsewhere": (lambda world: (manage.place, world.smileys[0], world.points[1], AT - 1), {Mend.RESETTLE}),
    "taken away": (lambda world: (manage.unplace, world.smileys[0], AT - 1), {Mend.RESETTLE}),
    "zone": (lambda world: (manage.set_zone, world.points[0], "Asia/Kathmandu", AT - 1), {Mend.RESETTLE}),
    "zone of a group with others below": (lambda world: (manage.set_zone, world.root, "Asia/Tokyo", AT - 1), set()),
    "policy": (
        lambda world: (manage.set_policy, world.points[0], MisusePolicy(interval=60), AT - 1),
        {Mend.RESETTLE},
    ),
    "active periods": (lambda world: (manage.set_periods, world.assignments[0], []), {Mend.RESETTLE}),
    "placed at last": (lambda world: (manage.place, world.smileys[1], world.points[0], 0), {Mend.RELEASE}),
}
"""Changes of the past, as a verb with its arguments, and what mends the feedback that contradicts them."""


@pytest.mark.parametrize("name", PAST)
def test_each_change_of_the_past_is_reported_alike(store: Store, name: str) -> None:
    """With the place, what is stored and what is right, and the command that mends it."""
    world, (change, mends) = build(store), PAST[name]
    boss = operator(world.organization)
    manage.unplace(store, boss, world.smileys[1], 0, now=NOW)
    told(store, world, Press(1, 1, AT, 1), Press(1, 2, AT + 7_000, 2))
    told(store, world, Press(1, 1, AT, 1), smiley=1)
    assert_settled(store, world)
    verb, *arguments = change(world)
    verb(store, boss, *arguments, now=NOW)
    differences = list(intake.verify(store, world.organization))
    assert {each.mend for each in differences} == mends
    assert all(each.stored != each.recomputed for each in differences)
    assert all((each.node == world.points[0]) == (each.mend is Mend.RESETTLE) for each in differences)
    if Mend.RESETTLE in mends:
        intake.resettle(store, world.organization, world.points[0], min(each.at for each in differences), NOW)
    intake.release(store, world.organization, NOW)
    assert_settled(store, world)


def test_hours_that_contradict_their_presses_are_to_be_rebuilt(store: Store) -> None:
    """A verdict that contradicts its hour is no matter of the set-up."""
    world = build(store)
    told(store, world, Press(1, 1, AT, 1), Press(1, 2, AT + 7_000, 2))
    with store.begin(world.organization, NOW) as ledger:
        text = "UPDATE feedback SET verdict = 4 WHERE organization_id = :o AND sequence = 1"
        ledger.transaction.run(text, o=world.organization)
    [difference] = intake.verify(store, world.organization)
    assert (difference.mend, difference.node) == (Mend.REBUILD, None)
    assert intake.rebuild(store, world.organization, NOW).verdicts == 1
    assert_settled(store, world)


def test_a_press_of_an_impossible_time_is_no_matter_of_the_set_up(store: Store) -> None:
    """It stays in quarantine, also once its time has come."""
    world = build(store)
    intake.record(store, world.organization, [Upload(world.smileys[0], (Press(1, 1, AT + HOUR, 1),))], AT)
    intake.record(store, world.organization, [Upload(world.smileys[0], hours=(HourReport(2, 1, AT + HOUR, (1,)),))], AT)
    assert_settled(store, world)


# --- hours told by SMS of a closed point -----------------------------------------------------------------------------

DAYTIME = MisusePolicy(interval=0, judge_closed=True, opening_hours=parse_opening_hours("mon-sun 8:30-17:00"))


def counts(store: Store, world: World) -> tuple[int, int]:
    """How many presses of the first point are counted, and how many were made while it was closed."""
    verdicts = [each.verdict for each in stored_feedback(store, world)]
    return verdicts.count(Verdict.COUNTED), verdicts.count(Verdict.CLOSED)


@pytest.mark.parametrize("detail_first", [False, True])
def test_an_hour_that_is_wholly_closed_is_closed_for_its_texted_presses_too(store: Store, detail_first: bool) -> None:
    """And the total does not fall when their detail comes, of an hour that is wholly open neither."""
    world = build(store, policy=DAYTIME)
    night, day = (int(wall(f"2025-06-16T{hour}:00+00:00").timestamp()) * 1000 for hour in ("22", "10"))
    hours = HourReport(1, 1, day, (0, 0, 0, 3)), HourReport(1, 4, night, (0, 2, 0, 0))
    details = [*(Press(1, n, day + n * 60_000, 3) for n in (1, 2, 3)), *(Press(1, n, night + n, 1) for n in (4, 5))]
    uploads = [Upload(world.smileys[0], hours=hours), *(Upload(world.smileys[0], (press,)) for press in details)]
    for number, upload in enumerate(reversed(uploads) if detail_first else uploads):
        intake.record(store, world.organization, [upload], NOW)
        assert (detail_first and number < len(uploads) - 1) or counts(store, world) == (3, 2)
    assert_settled(store, world)


def test_of_an_hour_that_is_partly_closed_texted_presses_are_counted_until_their_detail_comes(store: Store) -> None:
    world = build(store, policy=DAYTIME)
    opening = int(wall("2025-06-16T08:00+00:00").timestamp()) * 1000
    told(store, world, hours=(HourReport(1, 1, opening, (0, 2)),))
    assert counts(store, world) == (2, 0)
    told(store, world, Press(1, 1, opening + 60_000, 1), Press(1, 2, opening + HOUR // 2, 1))
    assert counts(store, world) == (1, 1)
    assert_settled(store, world)


def test_opening_hours_that_change_judge_texted_hours_that_begin_later(store: Store) -> None:
    world = build(store, policy=DAYTIME)
    boss, point = operator(world.organization), world.points[0]
    start = int(wall("2025-06-16T20:00+00:00").timestamp()) * 1000
    now = start + 3 * HOUR + 300_000
    first, second, third = (HourReport(1, n, start + n * HOUR, (1,)) for n in range(1, 4))
    for told_now in ((first, second, third), (third._replace(counts=(2,)),)):
        intake.record(store, world.organization, [Upload(world.smileys[0], hours=told_now)], now)
        manage.set_policy(store, boss, point, MisusePolicy(), now=now)
    assert counts(store, world) == (0, 4)
    assert_settled(store, world)
    manage.set_policy(store, boss, point, MisusePolicy(), second.at, now=now)
    assert {each.mend for each in intake.verify(store, world.organization)} == {Mend.RESETTLE}
    intake.resettle(store, world.organization, point, second.at, now)
    assert counts(store, world) == (3, 1)
    assert_settled(store, world)
