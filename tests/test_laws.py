"""Laws 1, 2 and 6: whatever the order, batches and repeats, what is stored is what raw, set-up and policies say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.feedback import Feedback, Press, Upload, Verdict, is_raw
from hymio.intake import Mend
from hymio.misuse import MisusePolicy, judge_chain
from hymio.period import Grain
from hymio.rollup import AssignmentHour, Counts, roll_up, sum_groups
from hymio.setup import END, Layout
from hymio.store import Store, open_store, scan
from hymio.store.hours import group_keys
from tests.world import NOW, World, build, deliveries, policies, pressed, zone_pairs
from tests.zones import zone_names

opened = cache(open_store)
law = settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def stored_feedback(store: Store, world: World) -> list[Feedback]:
    with store.read() as transaction:
        under = {0, *world.assignments}
        rows = [list(scan.rows_in_order(transaction, world.organization, each, -END, END)) for each in sorted(under)]
    return sorted((each for group in rows for each in group), key=lambda each: each.order)


def stored_hours(store: Store, world: World) -> dict[AssignmentHour, Counts]:
    with store.read() as transaction:
        return {
            key: counts
            for each in world.assignments
            for key, counts in scan.assignment_hours(transaction, world.organization, each, -END, END)
            if any(counts)
        }


def judged(layout: Layout, feedbacks: Iterable[Feedback]) -> list[Feedback]:
    """The model: every chain judged whole, from plain lists."""
    chains: dict[tuple[int, int], list[Feedback]] = {}
    rest = []
    for each in sorted(feedbacks, key=lambda each: (each.at, each.epoch, each.sequence)):
        if is_raw(each.verdict):
            chains.setdefault((each.assignment, each.smiley), []).append(each)
        else:
            rest.append(each)
    for (assignment, smiley), chain in chains.items():
        rest += [
            each._replace(verdict=verdict)
            for each, verdict in judge_chain(chain, layout.policies_of(assignment, smiley))
        ]
    return sorted(rest, key=lambda each: each.order)


def assert_settled(store: Store, world: World, mended_by: Iterable[Mend] = ()) -> list[Feedback]:
    """Law 1 for what is stored now; gives the feedback back."""
    layout = store.layout(world.organization)
    feedbacks = stored_feedback(store, world)
    assert feedbacks == judged(layout, feedbacks)
    hours = stored_hours(store, world)
    assert hours == roll_up(feedbacks)
    expected_groups = {
        key: counts for key, counts in sum_groups(hours.items(), group_keys(layout)).items() if any(counts)
    }
    with store.read() as transaction:
        totals = scan.group_totals(transaction, world.organization)
        groups = scan.hours_of_groups(transaction, world.organization, totals, range(-(10**9), 10**9))
    assert groups == expected_groups
    assert {each.mend for each in intake.verify(store, world.organization)} == set(mended_by)
    return feedbacks


@law
@given(st.data(), zone_pairs, policies)
def test_any_order_any_batches_any_repeats(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    presses = data.draw(pressed(zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    feedbacks = assert_settled(store, world)
    keys = {(world.smileys[which], press.epoch, press.sequence) for which, press in presses}
    assert {(each.smiley, each.epoch, each.sequence) for each in feedbacks} == keys
    assert all(each.verdict == Verdict.OFF_SCALE for each in feedbacks if each.button == 4)


@law
@given(st.data(), zone_pairs, policies)
def test_the_state_does_not_depend_on_the_delivery(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    presses = data.draw(pressed(zone=zones[0]))
    states = []
    for _ in range(2):
        world = build(store, zones, policy)
        for uploads in data.draw(deliveries(presses, world.smileys)):
            intake.record(store, world.organization, uploads, NOW)
        states.append([each._replace(revision=0) for each in stored_feedback(store, world)])
    assert states[0] == states[1]


@law
@given(st.data(), zone_pairs, policies, policies)
def test_resettling_acts_backwards(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, later: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, ("UTC", zones[1]), policy)
    presses = data.draw(pressed(zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    with manage.batch(store, world.organization, NOW) as batch:
        manage.set_zone(batch, operator(world.organization), world.points[0], zones[0], 0, now=NOW)
        manage.set_policy(batch, operator(world.organization), world.root, later, 0, now=NOW)
    intake.resettle(store, world.organization, world.root, 0, NOW)
    resettled = [each._replace(revision=0) for each in assert_settled(store, world)]

    fresh = build(store, zones, later)
    intake.record(store, fresh.organization, [_whole(presses, which, fresh) for which in range(3)], NOW)
    assert resettled == [each._replace(revision=0) for each in stored_feedback(store, fresh)]


def _whole(presses: list[tuple[int, Press]], which: int, world: World) -> Upload:
    return Upload(world.smileys[which], tuple(press for smiley, press in presses if smiley == which))


def by_wall_clock(found: results.Hourly, *, offsets: bool) -> dict[tuple[object, ...], Counter[tuple[int, int]]]:
    """Counts by (verdict, button) under what facts alone tell: the local hour and, but for groups, its offset."""
    hours: dict[tuple[object, ...], Counter[tuple[int, int]]] = {}
    for each in found.buckets:
        key = (each.hour, each.offset) if offsets else (each.hour,)
        for verdict, counts in each.verdicts.items():
            hours.setdefault(key, Counter()).update({(verdict, b): count for b, count in enumerate(counts) if count})
    return {key: counts for key, counts in hours.items() if counts}


@law
@given(st.data(), zone_pairs, policies)
def test_a_revision_gives_its_numbers_for_ever(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    """Whatever is pressed, corrected and resettled later; only how hours are stamped goes by the zones of today."""
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    seen: list[tuple[int, list[object]]] = []
    subjects: list[results.Subject] = [
        results.OfAssignment(world.assignments[0]),
        results.OfSurvey(world.points[0], world.surveys[0]),
        results.OfScale(world.root, 4),
    ]

    def numbers(as_of: int | None = None) -> list[object]:
        """A group adds equal hours of its zones, so its hours are told apart by their number alone; days for all."""
        found = [results.hourly(store, operator(world.organization), each, as_of=as_of) for each in subjects]
        days = [
            results.hourly(store, operator(world.organization), each, grain=Grain.DAY, as_of=as_of) for each in subjects
        ]
        shown = [by_wall_clock(each, offsets=place < 2) for place, each in enumerate(found)]
        return [*shown, *(by_wall_clock(each, offsets=False) for each in days)]

    for uploads in data.draw(deliveries(data.draw(pressed(zone=zones[0])), world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
        if data.draw(st.integers(0, 3)) == 0:
            _mend(store, world, data)
        seen.append((results.revision(store, operator(world.organization))[0], numbers()))
    for revision, known in seen:
        assert numbers(revision) == known


def _mend(store: Store, world: World, data: st.DataObject) -> None:
    """Changes the past: a zone, a policy or where a smiley stood, and resettles, or not yet."""
    what = data.draw(st.sampled_from(["zone", "policy", "placement"]))
    boss = operator(world.organization)
    with manage.batch(store, world.organization, NOW) as batch:
        if what == "zone":
            node = data.draw(st.sampled_from([world.root, *world.points]))
            manage.set_zone(batch, boss, node, data.draw(zone_names), 0, now=NOW)
        elif what == "policy":
            manage.set_policy(batch, boss, world.root, data.draw(policies), 0, now=NOW)
        else:
            manage.place(
                batch,
                boss,
                world.smileys[0],
                data.draw(st.sampled_from(world.points)),
                0,
                now=NOW,
            )
    if what == "policy" or data.draw(st.booleans()):
        intake.resettle(store, world.organization, world.root, 0, NOW)


@law
@given(st.data(), zone_pairs, policies)
def test_regrouping_never_changes_a_total(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    for uploads in data.draw(deliveries(data.draw(pressed(zone=zones[1])), world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    for subject in (results.OfAssignment(world.assignments[1]), results.OfScale(world.root, 4)):
        totals = set()
        for grain in Grain:
            buckets = results.hourly(store, operator(world.organization), subject, grain=grain).buckets
            totals.add((sum(sum(each.counted) for each in buckets), sum(sum(each.raw) for each in buckets)))
            assert [each.starts_at for each in buckets] == sorted(each.starts_at for each in buckets)
        with results.raw(store, operator(world.organization), subject) as raw:
            rows = list(raw.rows)
        assert raw.total == len(rows)
        assert totals == {(sum(row.verdict == Verdict.COUNTED for row in rows), len(rows))}
