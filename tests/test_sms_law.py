"""Law 1 for hours told by SMS: whatever comes first, nothing is counted twice and nothing is missing, at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.feedback import Accuracy, HourReport, Press, QuarantineNotice, Upload, Verdict
from hymio.misuse import MisusePolicy
from hymio.opening_hours import parse_opening_hours
from hymio.period import offset_at
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.survey import ActivePeriod
from tests.terminals import stored
from tests.test_laws import assert_settled, law, opened, stored_feedback
from tests.world import NOW, World, build, hour_reports, hour_shown, wall
from tests.zones import HOUR, ZONES, clock_changes, zone_names

START = 1_750_000_000_000 // HOUR * HOUR
EPOCH = 99
_THREE_HOURS = ((-1, 1, (1,)), (0, 2, (0, 2)), (1, 4, (0, 0, 3)))
Hours = Counter[tuple[int, int, int]]
"""Presses by local hour, offset and button."""


@st.composite
def days(draw: st.DrawFn, zone: str = "UTC") -> list[Press]:
    """Presses of a terminal over a few hours, around a clock change if there are any, in order, numbered from 1."""
    changes = [change for change in clock_changes(zone) if change > 1_000_000_000_000] or [START]
    start = draw(st.sampled_from(changes[-4:])) - draw(st.integers(0, 4 * HOUR))
    gaps = draw(st.lists(st.integers(1, HOUR // 2), min_size=1, max_size=25))
    instants = [start + sum(gaps[: n + 1]) for n in range(len(gaps))]
    return [Press(EPOCH, n, at, draw(st.integers(0, 3))) for n, at in enumerate(instants, 1)]


def raw_hours(store: Store, world: World) -> Hours:
    """What is shown: the raw results of the first assignment."""
    found: Hours = Counter()
    for each in results.hourly(store, operator(world.organization), results.OfAssignment(world.assignments[0])).buckets:
        hour = (each.starts_at + each.offset * 60_000) // HOUR
        found += Counter({(hour, each.offset, button): count for button, count in enumerate(each.raw)})
    return found


def counted_hours(store: Store, world: World) -> Hours:
    """What is counted of the first assignment."""
    counted: Hours = Counter()
    for each in results.hourly(store, operator(world.organization), results.OfAssignment(world.assignments[0])).buckets:
        hour = (each.starts_at + each.offset * 60_000) // HOUR
        counted += Counter({(hour, each.offset, button): count for button, count in enumerate(each.counted)})
    return counted


def pressed_hours(presses: Iterable[Press], zone: str) -> Hours:
    return Counter((*hour_shown(press.at, zone), press.button) for press in presses)


def raw_counts(store: Store, world: World) -> tuple[int, ...]:
    counts = [0] * 4
    for (_, _, button), count in raw_hours(store, world).items():
        counts[button] += count
    return tuple(counts)


@law
@given(st.data(), zone_names)
def test_each_press_is_counted_once_in_its_hour_at_every_moment(
    shared_database_url: str, data: st.DataObject, zone: str
) -> None:
    store = opened(shared_database_url)
    world = build(store, (zone, "UTC"), MisusePolicy(interval=0))
    presses = data.draw(days(zone))
    hours = [*hour_reports(presses[: len(presses) // 2], EPOCH, zone), *hour_reports(presses, EPOCH, zone)]
    reports = [Upload(world.smileys[0], hours=(each,)) for each in hours]
    details = [Upload(world.smileys[0], (each,)) for each in presses if data.draw(st.booleans())]
    told: set[int] = set()
    for upload in data.draw(st.permutations([*reports, *reports[:2], *details, *details[:2]])):
        intake.record(store, world.organization, [upload], NOW)
        told |= {press.sequence for press in upload.presses}
        told |= {sequence for each in upload.hours for sequence in range(each.first, each.end)}
        assert raw_hours(store, world) == pressed_hours((each for each in presses if each.sequence in told), zone)
    assert_settled(store, world)


@law
@given(st.data(), zone_names)
def test_an_hour_that_is_wholly_closed_counts_nothing_at_any_moment(
    shared_database_url: str, data: st.DataObject, zone: str
) -> None:
    """Opening hours of whole hours close each hour wholly or not at all, so no total ever falls."""
    store = opened(shared_database_url)
    opening = MisusePolicy(interval=0, judge_closed=True, opening_hours=parse_opening_hours("mon-sun 1-3"))
    world = build(store, (zone, "UTC"), opening)
    presses = data.draw(days(zone))
    reports = [Upload(world.smileys[0], hours=(each,)) for each in hour_reports(presses, EPOCH, zone)]
    details = [Upload(world.smileys[0], (each,)) for each in presses if data.draw(st.booleans())]
    is_told: set[int] = set()
    for upload in data.draw(st.permutations([*reports, *reports[:1], *details, *details[:1]])):
        intake.record(store, world.organization, [upload], NOW)
        is_told |= {press.sequence for press in upload.presses}
        is_told |= {sequence for each in upload.hours for sequence in range(each.first, each.end)}
        pressed = pressed_hours((each for each in presses if each.sequence in is_told), zone)
        assert raw_hours(store, world) == pressed
        open_hours = {key: count for key, count in pressed.items() if key[0] % 24 in (1, 2)}
        assert counted_hours(store, world) == open_hours
    assert_settled(store, world)


def spoilt(press: Press, how: str) -> Press:
    """The detail of a press as a faulty terminal tells it."""
    wrong = {"off scale": press._replace(button=9), "no clock": press._replace(at=press.sequence * 1000)}
    return wrong.get(how, press)


@law
@given(st.data(), zone_names)
def test_detail_in_quarantine_takes_nothing_away(shared_database_url: str, data: st.DataObject, zone: str) -> None:
    store = opened(shared_database_url)
    world = build(store, (zone, "UTC"), MisusePolicy(interval=0))
    presses = data.draw(days(zone))
    how = {each.sequence: data.draw(st.sampled_from(["good", "off scale", "no clock"])) for each in presses}
    reports = [Upload(world.smileys[0], hours=(each,)) for each in hour_reports(presses, EPOCH, zone)]
    details = [Upload(world.smileys[0], (spoilt(each, how[each.sequence]),)) for each in presses]
    told: set[int] = set()
    for upload in data.draw(st.permutations([*reports, *details, *details[:2]])):
        intake.record(store, world.organization, [upload], NOW)
        told |= {press.sequence for press in upload.presses if how[press.sequence] == "good"}
        told |= {sequence for each in upload.hours for sequence in range(each.first, each.end)}
        assert raw_hours(store, world) == pressed_hours((each for each in presses if each.sequence in told), zone)
    assert_settled(store, world)


@law
@given(st.data(), zone_names)
def test_a_smiley_that_is_placed_later_or_elsewhere_keeps_its_hours(
    shared_database_url: str, data: st.DataObject, zone: str
) -> None:
    """Whenever its placement is mended, what is stored is as if it had been right from the beginning."""
    store = opened(shared_database_url)
    presses = data.draw(days(zone))
    details = [each for each in presses if data.draw(st.booleans())]
    uploads = [((), (each,)) for each in hour_reports(presses, EPOCH, zone)] + [((each,), ()) for each in details]
    since, states = data.draw(st.sampled_from(presses)).at, []
    for mended in (False, True):
        world = build(store, (zone, "UTC"), MisusePolicy(interval=0))
        place(store, world, since + data.draw(st.integers(-HOUR, HOUR)) if mended else since)
        shuffled = data.draw(st.permutations(uploads))
        cut = data.draw(st.integers(0, len(shuffled))) if mended else 0
        for number, (pressed, hours) in enumerate([*shuffled, ((), ())]):
            if mended and number == cut:
                place(store, world, since)
                intake.resettle(store, world.organization, world.root, 0, NOW)
                intake.release(store, world.organization, NOW)
            intake.record(store, world.organization, [Upload(world.smileys[0], pressed, hours)], NOW)
        states.append([each._replace(revision=0) for each in assert_settled(store, world)])
    assert states[0] == states[1]
    counted = [each for each in states[0] if each.verdict == Verdict.COUNTED]
    assert len(counted) >= sum(press.at >= since for press in presses)


def place(store: Store, world: World, since: int) -> None:
    """The first smiley stands at the first point from an instant on, and nowhere before."""
    with manage.batch(store, world.organization, NOW) as batch:
        batch.ledger.transaction.run(
            "DELETE FROM placement WHERE organization_id = :o AND smiley_id = :smiley",
            o=world.organization, smiley=world.smileys[0],
        )  # fmt: skip
        manage.place(batch, operator(world.organization), world.smileys[0], world.points[0], since, now=NOW)


@law
@given(st.data(), days())
def test_detail_shows_its_second_whatever_came_first(
    shared_database_url: str, data: st.DataObject, presses: list[Press]
) -> None:
    store = opened(shared_database_url)
    states = []
    uploads = [((press,), ()) for press in presses[::2]] + [((), (each,)) for each in hour_reports(presses, EPOCH)]
    for _ in range(2):
        world = build(store)
        for pressed, hours in data.draw(st.permutations(uploads)):
            intake.record(store, world.organization, [Upload(world.smileys[0], pressed, hours)], NOW)
        states.append([each._replace(revision=0) for each in assert_settled(store, world)])
    assert states[0] == states[1]
    exact = {each.sequence for each in states[0] if each.accuracy == Accuracy.SECOND}
    assert exact == {press.sequence for press in presses[::2]}


@law
@given(st.integers(0, HOUR - 1) | st.sampled_from([0, 1, HOUR - 1]), st.sampled_from(ZONES), st.booleans())
def test_an_hour_counts_wherever_in_it_its_smiley_was_put_up(
    shared_database_url: str, late: int, zone: str, told_first: bool
) -> None:
    store = opened(shared_database_url)
    world = build(store, (zone, zone), MisusePolicy(interval=0))
    start = START - offset_at(START, ZoneInfo(zone)) % 60 * 60_000
    with manage.batch(store, world.organization, NOW) as batch:
        smiley = manage.add_smiley(batch, operator(world.organization), "SL", "Late", SmileyType.TERMINAL, now=NOW).id
    told = [HourReport(EPOCH, first, start + n * HOUR, counts) for n, first, counts in _THREE_HOURS]

    def tell() -> None:
        intake.record(store, world.organization, [Upload(smiley, hours=tuple(told))], NOW)

    def put_up() -> None:
        with manage.batch(store, world.organization, NOW) as batch:
            manage.place(batch, operator(world.organization), smiley, world.points[0], start + late, now=NOW)

    for step in (tell, put_up) if told_first else (put_up, tell):
        step()
    assert intake.release(store, world.organization, NOW) == (5 if told_first else 0)
    assert raw_counts(store, world) == (0, 2, 3, 0)
    assert intake.resettle(store, world.organization, world.root, 0, NOW) == 0
    assert {each.verdict for each in stored_feedback(store, world) if each.at < start} == {Verdict.NO_PLACEMENT}
    assert_settled(store, world)


def test_an_hour_belongs_to_the_survey_that_was_asked_first_in_it(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=0))
    half, end = (datetime.fromtimestamp((START + part * HOUR // 2) / 1000, UTC).replace(tzinfo=None) for part in (1, 3))
    boss = operator(world.organization)
    with manage.batch(store, world.organization, NOW) as batch:
        point = manage.add_point(batch, boss, "New", world.root, now=NOW)
        smiley = manage.add_smiley(batch, boss, "SN", "New", SmileyType.TERMINAL, now=NOW).id
        manage.place(batch, boss, smiley, point, 0, now=NOW)
        first = manage.assign(batch, boss, point, world.surveys[0], [ActivePeriod(half, end)], now=NOW)
        second = manage.assign(batch, boss, point, world.surveys[1], [ActivePeriod(end)], now=NOW)
    told = [HourReport(EPOCH, first, START + n * HOUR, counts) for n, first, counts in _THREE_HOURS]
    later = HourReport(EPOCH, 7, START + 2 * HOUR, (0, 1))
    intake.record(store, world.organization, [Upload(smiley, hours=(*told, later))], NOW)
    assert {row[:2] for row in stored(store, world.organization, "feedback", "at, assignment_id, verdict")} == {
        (START - HOUR, 0), (START, first), (START + HOUR, first), (START + 2 * HOUR, second),
    }  # fmt: skip
    assert list(intake.verify(store, world.organization)) == []


def test_an_hour_report_that_overlaps_another_is_kept_aside(store: Store) -> None:
    world = build(store)
    first, overlapping = HourReport(EPOCH, 1, START, (2, 0, 0, 3)), HourReport(EPOCH, 4, START, (0, 0, 0, 4))
    told = [Upload(world.smileys[0], hours=(each,)) for each in (first, overlapping)]
    _, refused = intake.record(store, world.organization, told, NOW)
    assert isinstance(refused, intake.Receipt)
    assert [each.reason.label for each in refused.quarantined] == ["conflict"]
    assert raw_counts(store, world) == (2, 0, 0, 3)


def test_detail_that_contradicts_its_hour_never_adds_to_it(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=0))
    intake.record(
        store, world.organization, [Upload(world.smileys[0], hours=(HourReport(EPOCH, 1, START, (2, 0, 0, 0)),))], NOW
    )
    detail = tuple(Press(EPOCH, n, START + n * 1000, 3) for n in (1, 2))
    intake.record(store, world.organization, [Upload(world.smileys[0], detail)], NOW)
    assert raw_counts(store, world) == (0, 0, 0, 2)
    assert len(stored_feedback(store, world)) == 4
    assert_settled(store, world)


@pytest.mark.parametrize("what", ["placement", "survey"])
def test_the_hour_in_which_a_smiley_begins_counts(store: Store, what: str) -> None:
    world = build(store)
    half_past = START + HOUR // 2
    if what == "placement":
        place(store, world, half_past)
    else:
        boss = operator(world.organization)
        with manage.batch(store, world.organization, NOW) as batch:
            began = ActivePeriod(wall("2025-06-15T15:30"))
            point = manage.add_point(batch, boss, "Three", world.groups[1], now=NOW)
            manage.assign(batch, boss, point, world.surveys[0], [began], now=NOW)
            manage.place(batch, boss, world.smileys[0], point, 0, now=NOW)
    told = [HourReport(EPOCH, 1, START - HOUR, (1,)), HourReport(EPOCH, 2, START, (0, 0, 0, 8)),
            HourReport(EPOCH, 10, START + HOUR, (2, 0, 0, 0, 3))]  # fmt: skip
    (receipt,) = intake.record(store, world.organization, [Upload(world.smileys[0], hours=tuple(told))], NOW)
    assert isinstance(receipt, intake.Receipt)
    reason = Verdict.NO_PLACEMENT if what == "placement" else Verdict.NO_SURVEY
    assert receipt.quarantined == (
        QuarantineNotice(EPOCH, 1, reason, presses=1),
        QuarantineNotice(EPOCH, 10, Verdict.OFF_SCALE, presses=3),
    )
    raw = results.hourly(store, operator(world.organization), results.OfSurvey(world.root, world.surveys[0])).buckets
    assert [(each.starts_at, each.raw) for each in raw] == [(START, (0, 0, 0, 8)), (START + HOUR, (2, 0, 0, 0))]
