"""Cases that are easy to get wrong: far-looking rules, facts that change, pieces that meet, hostile uploads."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.errors import NotFound, SetupError
from hymio.feedback import HourReport, Press, Receipt, SequenceRange, UnusablePress, Upload, Verdict
from hymio.intake import rebuilding, recount, resettling
from hymio.misuse import MisusePolicy
from hymio.period import wall_of, zone
from hymio.scale import Scale
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store import Store
from hymio.survey import ActivePeriod
from tests.test_intake import AT, told
from tests.test_laws import assert_settled, law, opened
from tests.world import NOW, build, deliveries, policies, pressed, wall, wording
from tests.zones import HOUR, zone_names

LORD_HOWE_AUTUMN = 1_743_865_200_000
"""2025-04-05T15:00Z: the clocks of Lord Howe go back by half an hour, from 02:00 to 01:30."""


def test_a_rule_may_look_back_further_than_the_presses_of_one_upload_lie_apart(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=7200))
    told(store, world, Press(1, 1, AT, 1), Press(1, 2, AT + 90 * 60_000, 1))
    assert [each.verdict for each in assert_settled(store, world)] == [Verdict.COUNTED, Verdict.INTERVAL]


def test_late_presses_far_apart_whose_followers_meet(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=5))
    dense = [Press(1, n, AT + n * 2000, 1) for n in range(1, 5401)]
    told(store, world, *dense)
    told(store, world, Press(2, 1, AT + 500, 1), Press(2, 2, AT + 2 * HOUR + 5500, 1))
    settled = assert_settled(store, world)
    shifted = [*range(6000, 2 * HOUR + 1, 6000), 2 * HOUR + 5500, *range(2 * HOUR + 12_000, 3 * HOUR + 1, 6000)]
    assert [each.at - AT for each in settled if each.verdict == Verdict.COUNTED] == [500, *shifted]


@law
@given(st.data(), policies, policies)
def test_resettling_a_smiley_that_stood_elsewhere(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy, later: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, policy=policy)
    presses = data.draw(pressed())
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    moved_at = data.draw(st.sampled_from([press.at for _, press in presses]))
    with manage.batch(store, world.organization, NOW) as batch:
        manage.place(batch, operator(world.organization), world.smileys[0], world.points[1], moved_at, now=NOW)
        manage.set_policy(batch, operator(world.organization), world.root, later, 0, now=NOW)
    intake.resettle(store, world.organization, world.root, 0, NOW)
    settled = assert_settled(store, world)
    where = {
        world.assignments[1] if each.at >= moved_at else world.assignments[0]
        for each in settled
        if each.smiley == world.smileys[0] and each.verdict < 10
    }
    assert {each.assignment for each in settled if each.smiley == world.smileys[0] and each.verdict < 10} == where
    assert intake.resettle(store, world.organization, world.root, 0, NOW) == 0


@law
@given(st.data(), policies)
def test_pieces_meet_without_a_seam(shared_database_url: str, data: st.DataObject, policy: MisusePolicy) -> None:
    store = opened(shared_database_url)
    world = build(store, ("Australia/Lord_Howe", "UTC"), MisusePolicy(interval=60))
    for which, press in data.draw(pressed(zone="Australia/Lord_Howe")):
        told(store, world, press, smiley=which)
    with manage.batch(store, world.organization, NOW) as batch:
        manage.set_policy(batch, operator(world.organization), world.root, policy, 0, now=NOW)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(rebuilding, "PIECE_ROWS", 3)
        small.setattr(resettling, "PIECE_ROWS", 3)
        small.setattr(recount, "MAX_PIECE_HOURS", 3)
        if data.draw(st.booleans()):
            intake.rebuild(store, world.organization, NOW)
        else:
            intake.resettle(store, world.organization, world.root, 0, NOW)
        assert_settled(store, world)


def test_a_changed_zone_never_makes_an_hour_negative(store: Store) -> None:
    world = build(store, ("Australia/Lord_Howe", "UTC"))
    told(store, world, *(Press(1, n, LORD_HOWE_AUTUMN + n * 600_000, 1) for n in range(-6, 7) if n > 0))
    with manage.batch(store, world.organization, NOW) as batch:
        manage.set_zone(batch, operator(world.organization), world.points[0], "UTC", 0, now=NOW)
    told(store, world, Press(2, 1, LORD_HOWE_AUTUMN + 1000, 1))
    assert_settled(store, world, [intake.Mend.RESETTLE])
    intake.resettle(store, world.organization, world.root, 0, NOW)
    assert_settled(store, world)


def test_the_half_hour_that_is_shown_twice_begins_when_it_does(store: Store) -> None:
    world = build(store, ("Australia/Lord_Howe", "UTC"), MisusePolicy(interval=0))
    told(store, world, Press(1, 1, LORD_HOWE_AUTUMN - 1000, 1), Press(1, 2, LORD_HOWE_AUTUMN + 1000, 2))
    buckets = results.hourly(store, operator(world.organization), results.OfAssignment(world.assignments[0])).buckets
    assert [(each.starts_at, each.offset, each.counted) for each in buckets] == [
        (LORD_HOWE_AUTUMN - HOUR, 660, (0, 1, 0, 0)),
        (LORD_HOWE_AUTUMN, 630, (0, 0, 1, 0)),
    ]


@law
@given(st.data(), policies, policies)
def test_moving_and_setting_never_act_backwards_by_themselves(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy, other: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, ("Europe/Tallinn", "UTC"), policy)
    boss = operator(world.organization)
    with manage.batch(store, world.organization, 0) as batch:
        manage.set_policy(batch, boss, world.groups[2], other, now=0)
        manage.set_zone(batch, boss, world.groups[2], "Asia/Kathmandu", now=0)
        fresh = manage.add_point(batch, boss, "Plain", world.groups[1], now=0)
        manage.assign(
            batch, boss, fresh, world.surveys[0], store.layout(world.organization).assignments[1].periods, now=0
        )
        manage.place(batch, boss, world.smileys[1], fresh, 0, now=0)
    presses = data.draw(pressed(zone="Europe/Tallinn"))
    cut = data.draw(st.integers(0, len(presses)))
    for number, (which, press) in enumerate(presses):
        if number == cut:
            with manage.batch(store, world.organization, NOW) as batch:
                manage.move_node(batch, boss, fresh, world.groups[2], now=NOW)
                manage.move_node(batch, boss, world.points[0], world.groups[2], now=NOW)
                manage.set_policy(batch, boss, fresh, MisusePolicy(interval=9), now=NOW)
        told(store, world, press, smiley=which)
    assert list(intake.verify(store, world.organization)) == []


STEPS = st.sampled_from(["press", "press", "policy", "zone", "move", "place", "remove"])


@law
@given(st.data(), policies, st.lists(st.tuples(STEPS, st.integers(0, 30)), max_size=12))
def test_changes_of_now_leave_what_came_a_little_early_as_it_was_settled(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy, steps: list[tuple[str, int]]
) -> None:
    """A device's clock may be up to a minute ahead; what it tells is settled at once."""
    store = opened(shared_database_url)
    world = build(store, policy=policy)
    boss, now = operator(world.organization), AT
    for number, (what, seconds) in enumerate(steps, 2):
        now += seconds * 1000
        if what == "press":
            at = now + data.draw(st.integers(-90, 60)) * 1000
            intake.record(store, world.organization, [Upload(world.smileys[0], (Press(1, number, at, 1),))], now)
            continue
        with manage.batch(store, world.organization, now) as batch:
            if what == "policy":
                manage.set_policy(batch, boss, data.draw(st.sampled_from(world.points)), data.draw(policies), now=now)
            elif what == "zone":
                manage.set_zone(batch, boss, data.draw(st.sampled_from(world.points)), data.draw(zone_names), now=now)
            elif what == "move":
                manage.move_node(batch, boss, world.points[0], data.draw(st.sampled_from(world.groups)), now=now)
            elif what == "place":
                manage.place(batch, boss, world.smileys[0], data.draw(st.sampled_from(world.points)), now=now)
            else:
                with suppress(SetupError):  # it stands nowhere
                    manage.unplace(batch, boss, world.smileys[0], now=now)
    assert_settled(store, world)


def test_what_was_inherited_before_a_move_stays_and_the_new_place_is_inherited_after(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=5))
    boss = operator(world.organization)
    with manage.batch(store, world.organization, 0) as batch:
        manage.set_policy(batch, boss, world.groups[2], MisusePolicy(interval=60), now=0)
    told(store, world, Press(1, 1, AT, 1))
    with manage.batch(store, world.organization, NOW) as batch:
        manage.move_node(batch, boss, world.points[0], world.groups[2], now=NOW)
    timeline = store.layout(world.organization).policies_of(world.assignments[0], world.smileys[0])
    moved = NOW + CLOCK_TOLERANCE + 1
    assert (timeline.at(moved - 1).interval, timeline.at(moved).interval) == (5, 60)
    with manage.batch(store, world.organization, NOW + 5) as batch:
        manage.set_policy(batch, boss, world.groups[2], MisusePolicy(interval=7), now=NOW + 5)
    timeline = store.layout(world.organization).policies_of(world.assignments[0], world.smileys[0])
    assert timeline.at(moved + 5).interval == 7


def test_as_of_counts_once_what_moved_there_and_back(store: Store) -> None:
    world = build(store)
    told(store, world, Press(1, 1, AT, 1))
    born = results.revision(store, operator(world.organization)).revision
    for point in (world.points[1], world.points[0]):
        with manage.batch(store, world.organization, NOW) as batch:
            manage.place(batch, operator(world.organization), world.smileys[0], point, 0, now=NOW)
        intake.resettle(store, world.organization, world.root, 0, NOW)
    subjects: list[results.Subject] = [results.OfScale(each, 4) for each in (*world.points, world.root)]
    counted = [
        sum(sum(each.raw) for each in results.hourly(store, operator(world.organization), subject, as_of=born).buckets)
        for subject in subjects
    ]
    assert counted == [1, 0, 1]


def test_repeated_and_overlapping_ranges_are_one(store: Store) -> None:
    world = build(store)
    unread = tuple(UnusablePress(5, 4, Verdict.UNREADABLE, text) for text in ("{}", "[]"))
    report = HourReport(5, 7, AT // HOUR * HOUR, (1, 1))
    lost = tuple(SequenceRange(5, *span) for span in ((1, 2), (1, 3), (4, 4)))
    upload = Upload(world.smileys[0], lost=lost, unusable=unread, hours=(report, report))
    (receipt,) = intake.record(store, world.organization, [upload], NOW)
    assert isinstance(receipt, Receipt)
    assert receipt.acknowledged == ((5, 4),)
    assert told(store, world, lost=(SequenceRange(5, 5, 6),)).acknowledged == ((5, 8),)


def test_refused_hours_are_not_acknowledged(store: Store) -> None:
    world = build(store)
    hours = (HourReport(9, 1, AT // HOUR * HOUR, (5,)), HourReport(9, 4, AT // HOUR * HOUR + HOUR, (4,)))
    assert told(store, world, hours=hours).acknowledged == ((9, 5),)


def test_nobody_reports_what_has_not_happened(store: Store) -> None:
    world = build(store)
    hour = NOW // HOUR * HOUR
    told(store, world, Press(1, 1, hour, 1), reported_through=1 << 52)
    told(store, world, smiley=1, reported_through=1 << 52)
    subject = results.OfAssignment(world.assignments[0])
    assert [
        each.complete
        for each in results.reconcile(store, operator(world.organization), subject, results.EVERYTHING, NOW)
    ] == [False]


def test_a_visit_that_comes_late_does_not_hide_a_later_one(store: Store) -> None:
    from uuid import uuid4

    from hymio.feedback import client_key

    world = build(store, policy=MisusePolicy(answer_interval=3600))
    for minutes in (0, -120, 10):
        press = Press(*client_key(uuid4()), AT + minutes * 60_000, 1, survey=world.surveys[1], visitor=b"ann")
        told(store, world, press, smiley=3)
    with results.raw(store, operator(world.organization), results.OfAssignment(world.assignments[2])) as raw:
        assert [Verdict(row.verdict) for row in raw.rows] == [Verdict.COUNTED, Verdict.COUNTED, Verdict.REPEAT]


def test_what_stays_in_quarantine_gets_the_reason_that_holds_now(store: Store) -> None:
    world = build(store)
    with manage.batch(store, world.organization, NOW) as batch:
        late = manage.add_smiley(
            batch,
            operator(world.organization),
            "LATE",
            "Late",
            store.layout(world.organization).smileys[1].type,
            now=NOW,
        ).id
    upload = Upload(late, (Press(1, 1, AT, 9), Press(1, 2, AT, 1)))
    intake.record(store, world.organization, [upload], NOW)
    with manage.batch(store, world.organization, NOW) as batch:
        manage.place(batch, operator(world.organization), late, world.points[0], 0, now=NOW)
    assert intake.release(store, world.organization, NOW) == 1
    with store.read() as transaction:
        rows = transaction.rows(
            "SELECT verdict FROM feedback WHERE organization_id = :o ORDER BY sequence", o=world.organization
        )
    assert [row[0] for row in rows] == [Verdict.OFF_SCALE, Verdict.COUNTED]


def test_many_presses_in_one_instant(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=5, burst_presses=3, burst_seconds=2))
    told(store, world, *(Press(1, n, AT, n % 4) for n in range(1, 3001)))
    told(store, world, Press(2, 1, AT, 1))
    settled = assert_settled(store, world)
    assert [each.verdict for each in settled].count(Verdict.COUNTED) == 1


def test_what_does_not_exist_is_refused(store: Store) -> None:
    world = build(store)
    with pytest.raises(NotFound, match="no question 999"), manage.batch(store, world.organization, NOW) as batch:
        manage.add_survey(batch, operator(world.organization), 999, Scale.FOUR, now=NOW)
    with pytest.raises(NotFound, match="no smiley 999"), manage.batch(store, world.organization, NOW) as batch:
        manage.place(batch, operator(world.organization), 999, world.points[0], 0, now=NOW)
    with pytest.raises(NotFound, match="no survey 999"), manage.batch(store, world.organization, NOW) as batch:
        manage.add_followup(
            batch,
            operator(world.organization),
            999,
            positive=True,
            wording=wording("Why?"),
            options=[wording("Price")],
            now=NOW,
        )
    with pytest.raises(NotFound, match="no survey 999"):
        results.hourly(store, operator(world.organization), results.OfSurvey(world.root, 999))


@law
@given(st.data(), policies)
def test_a_survey_that_is_ended_moved_or_reopened_settles_as_if_it_had_always_been_so(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    presses = data.draw(pressed())
    inside = wall("1990-01-01"), *sorted(wall_of(press.at, zone("UTC")) for _, press in presses), wall("2099-01-01")
    edges = st.lists(st.sampled_from(inside), min_size=2, max_size=2, unique=True).map(sorted)
    first, second = ([ActivePeriod(*data.draw(edges))] for _ in range(2))
    states = []
    for tries in ([second], [first, second], [[], second]):
        world = build(store, policy=policy)
        for number, periods in enumerate(tries):
            with manage.batch(store, world.organization, NOW) as batch:
                manage.set_periods(batch, operator(world.organization), world.assignments[0], periods, now=NOW)
            if number == 0:
                for uploads in data.draw(deliveries(presses, world.smileys)):
                    intake.record(store, world.organization, uploads, NOW)
        intake.resettle(store, world.organization, world.root, 0, NOW)
        states.append([each._replace(revision=0) for each in assert_settled(store, world)])
    assert states[0] == states[1] == states[2]


def test_active_periods_that_cannot_be_are_refused(store: Store) -> None:
    world = build(store)
    june, july, august = (wall(f"2025-0{month}-01") for month in (6, 7, 8))
    for periods, said in (
        ([ActivePeriod(july, june)], "must end after it begins"),
        ([ActivePeriod(june, august), ActivePeriod(july)], "is not over"),
        ([ActivePeriod(june), ActivePeriod(july)], "is not over"),
    ):
        with pytest.raises(SetupError, match=said), manage.batch(store, world.organization, NOW) as batch:
            manage.set_periods(batch, operator(world.organization), world.assignments[0], periods, now=NOW)


def test_a_smiley_that_was_taken_away_stands_nowhere(store: Store) -> None:
    world = build(store)
    told(store, world, Press(1, 1, AT, 1))
    boss = operator(world.organization)
    with manage.batch(store, world.organization, NOW) as batch:
        manage.place(batch, boss, world.smileys[0], world.points[1], AT + 5000, now=NOW)
        manage.unplace(batch, boss, world.smileys[0], AT + 1000, now=NOW)
    receipt = told(store, world, Press(1, 2, AT + 999, 1), Press(1, 3, AT + 1000, 1), Press(1, 4, AT + 9000, 1))
    assert [(each.sequence, each.reason) for each in receipt.quarantined] == [
        (3, Verdict.NO_PLACEMENT),
        (4, Verdict.NO_PLACEMENT),
    ]
    assert_settled(store, world)
    with pytest.raises(SetupError, match="no placement"), manage.batch(store, world.organization, NOW) as batch:
        manage.unplace(batch, boss, world.smileys[0], AT + 1000, now=NOW)
