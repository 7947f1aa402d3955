"""When an hour is complete, and that groups, points and raw results speak of the same hours."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.feedback import Press, Upload
from hymio.misuse import MisusePolicy
from hymio.period import Grain, InstantRange, hours_of_day
from hymio.results.shown_hours import ShownHours
from hymio.store import Store
from tests.test_intake import AT, told
from tests.test_laws import law, opened
from tests.world import NOW, World, build, deliveries, hour_shown, pressed, zone_pairs
from tests.zones import HOUR, change_dates, zone_names

QUARTER = HOUR // 4


def completes(store: Store, world: World, subject: results.Subject, now: int = NOW) -> list[tuple[int, bool]]:
    found = results.reconcile(store, operator(world.organization), subject, results.EVERYTHING, now)
    return [(each.bucket.hour, each.complete) for each in found]


@law
@given(st.data(), zone_pairs)
def test_a_group_is_complete_when_each_point_is_each_time_it_shows_the_hour(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str]
) -> None:
    """The model looks at every quarter of an hour: some clock shows the hour, and somebody there has not told of it."""
    store = opened(shared_database_url)
    world = build(store, zones)
    presses = data.draw(pressed(zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    at = presses[0][1].at // QUARTER * QUARTER
    through = [at + QUARTER * data.draw(st.integers(-100, 100)) for _ in range(3)]
    for smiley, reported in enumerate(through):
        told(store, world, smiley=smiley, reported_through=reported)
    untold = [
        {hour_shown(quarter, zone) for quarter in range(min(reported), at + 60 * HOUR, QUARTER)}
        for zone, reported in ((zones[0], through[:2]), (zones[1], through[2:]))
    ]
    several = ShownHours(store.layout(world.organization), world.root).has_several_zones
    for each in results.reconcile(
        store, operator(world.organization), results.OfScale(world.root, 4), results.EVERYTHING, NOW
    ):  # fmt: skip
        hour, offset = each.bucket.hour, each.bucket.offset
        if abs(each.bucket.starts_at - at) < 30 * HOUR:
            missing = [(hour, offset) in point or (several and hour in {of for of, _ in point}) for point in untold]
            assert each.complete is not any(missing)


def test_hours_are_complete_when_every_smiley_has_reported(store: Store) -> None:
    world = build(store)
    subject = results.OfAssignment(world.assignments[0])
    hour = AT // HOUR * HOUR
    told(store, world, Press(1, 1, AT, 1), reported_through=hour + 2 * HOUR)
    assert completes(store, world, subject) == [(hour // HOUR, False)]
    told(store, world, smiley=1, reported_through=hour + HOUR)
    assert completes(store, world, subject) == [(hour // HOUR, True)]


def test_equal_wall_hours_of_a_group_are_complete_when_the_last_one_is(store: Store) -> None:
    world = build(store, ("America/New_York", "Europe/Tallinn"))
    tallinn = 1_749_967_200_000
    """2025-06-15T06:00Z is 9:00 in Tallinn, seven hours before it is in New York."""

    def record(hours_later: int) -> None:
        through = tallinn + hours_later * HOUR
        uploads = [Upload(smiley, reported_through=through) for smiley in world.smileys]
        intake.record(store, world.organization, uploads, through, replayed=True)

    intake.record(store, world.organization, [Upload(world.smileys[2], (Press(1, 1, tallinn + 1000, 1),))], NOW)
    subject = results.OfSurvey(world.root, world.surveys[0])
    hour = tallinn // HOUR + 3
    for hours_later, complete in ((4, False), (7, False), (8, True)):
        record(hours_later)
        assert completes(store, world, subject) == [(hour, complete)]


def test_a_smiley_matters_where_it_gathers_and_a_digital_one_delivers_at_once(store: Store) -> None:
    world = build(store)
    hour = AT // HOUR * HOUR
    told(store, world, Press(1, 1, AT, 1), smiley=2, reported_through=hour + HOUR)
    told(store, world, Press(1, 1, AT, 1), smiley=3)
    at_the_terminal, on_the_web = (results.OfAssignment(each) for each in world.assignments[1:])
    for now, complete in ((hour + HOUR + 59_999, False), (hour + HOUR + 60_000, True)):
        assert completes(store, world, on_the_web, now) == [(hour // HOUR, complete)]
        assert completes(store, world, at_the_terminal, now) == [(hour // HOUR, True)]


@law
@given(st.data(), zone_names)
def test_a_group_its_points_and_raw_results_agree_about_every_range_of_whole_hours(
    shared_database_url: str, data: st.DataObject, zone: str
) -> None:
    """The group itself has no zone: its points' is the one that its hours are shown in."""
    store = opened(shared_database_url)
    world = build(store, (zone, zone), MisusePolicy(interval=0))
    for uploads in data.draw(deliveries(data.draw(pressed(zone=zone)), world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    days = [each for each in change_dates(zone) if each.year > 2018]
    subjects: list[results.Subject] = [results.OfScale(each, 4) for each in (world.groups[1], world.points[0])]
    everything = [results.hourly(store, operator(world.organization), subject).buckets for subject in subjects]
    assert everything[0] == everything[1]
    edges = [each.starts_at for each in everything[0]]
    if days:
        shown, day = ShownHours(store.layout(world.organization), world.groups[1]), data.draw(st.sampled_from(days))
        edges += [shown.hour_start(each.hour, each.offset) for each in hours_of_day(day, ZoneInfo(zone))]
    for start, end in pairwise(sorted(edges)):
        counts = [
            sum(sum(each.raw) for each in results.hourly(store, operator(world.organization), subject, within).buckets)
            for subject in subjects
            for within in [InstantRange(start, end)]
        ]
        with results.raw(store, operator(world.organization), subjects[0], InstantRange(start, end)) as raw:
            assert counts == [len(list(raw.rows))] * 2


def test_a_group_over_several_zones_knows_which_of_them_shows_half_an_hour(store: Store) -> None:
    world = build(store, ("Australia/Lord_Howe", "Pacific/Noumea"), MisusePolicy(interval=0))
    change = 1_743_865_200_000
    """2025-04-05T15:00Z: the clocks of Lord Howe go back by half an hour, from 02:00 to 01:30."""
    told(store, world, Press(1, 1, change - 1000, 1), Press(1, 2, change + 1000, 2))
    told(store, world, Press(1, 1, change + 1000, 3), smiley=2)
    within = InstantRange(change, change + HOUR)
    for node, count in ((world.root, 2), (world.groups[1], 1), (world.points[0], 1)):
        subject = results.OfScale(node, 4)
        buckets = results.hourly(store, operator(world.organization), subject, within).buckets
        with results.raw(store, operator(world.organization), subject, within) as raw:
            assert (sum(sum(each.raw) for each in buckets), raw.total) == (count, count)


def test_days_of_a_group_are_those_of_the_one_zone_below(store: Store) -> None:
    world = build(store, ("Europe/Tallinn", "Europe/Tallinn"))
    told(store, world, Press(1, 1, AT, 1))
    found = [
        [(each.starts_at, each.offset) for each in buckets]
        for subject in (results.OfAssignment(world.assignments[0]), results.OfSurvey(world.root, world.surveys[0]))
        for buckets in [results.hourly(store, operator(world.organization), subject, grain=Grain.DAY).buckets]
    ]
    assert found[0] == found[1]
    with manage.batch(store, world.organization, NOW) as batch:
        manage.set_zone(batch, operator(world.organization), world.points[1], "Asia/Kathmandu", 0, now=NOW)
    (bucket,) = results.hourly(
        store, operator(world.organization), results.OfSurvey(world.root, world.surveys[0]), grain=Grain.DAY
    ).buckets
    assert bucket.offset == 0
