"""Hours that the engine adds up or writes are those that Python adds up from single hours, whatever zones do."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.feedback import Press, Upload, Verdict
from hymio.misuse import MisusePolicy
from hymio.period import HOUR_MS, MINUTE_MS, Grain, InstantRange, bucket_of, format_timestamp
from hymio.results.reader import hours_of
from hymio.results.shown_hours import ShownHours
from hymio.results.subject import buttons_of, in_scope, open_view
from hymio.store import Store
from tests.test_laws import _mend, law, opened
from tests.world import NOW, World, build, deliveries, policies, pressed, zone_pairs
from tests.zones import zone_names

JSON = results.HourText('{"ts":"', '","data":[', ",", "]}", ",")
CSV = results.HourText("100 %d;", "|", "|", "%%;", "\n")


def reference(
    store: Store, world: World, subject: results.Subject, within: InstantRange, grain: Grain, *, misuse: bool = True
) -> list[Any]:
    """The buckets, by the definition: each hour by its first instant, added one by one."""
    with open_view(store, operator(world.organization)) as view:
        scoped, buttons = in_scope(view, subject), buttons_of(view.layout, subject)
        hours = list(hours_of(view, scoped).hours(within.start - HOUR_MS, within.end, buttons))
        shown = ShownHours(view.layout, scoped.node)
    start_of = None if grain is Grain.HOUR and not shown.has_several_zones else shown.bucket_starts(grain)
    groups: dict[tuple[int, int, int], tuple[dict[int, list[int]], list[int]]] = {}
    for hour, starts_at, verdict, revision, counts in hours:
        offset = (hour * HOUR_MS - starts_at) // MINUTE_MS
        first = shown.hour_start(hour, offset)
        if first in within and any(counts) and (misuse or verdict == Verdict.COUNTED):
            key = (first, offset, hour) if start_of is None else start_of(bucket_of(hour, grain))
            verdicts, revisions = groups.setdefault(key, ({}, []))
            revisions.append(revision)
            before = verdicts.setdefault(verdict, [0] * buttons)
            for button, count in enumerate(counts):
                before[button] += count
    return [
        (start, offset, {verdict: tuple(counts) for verdict, counts in groups[start, offset, hour][0].items()},
         max(groups[start, offset, hour][1]), hour)
        for start, offset, hour in sorted(groups)
    ]  # fmt: skip


def as_text(buckets: list[Any], form: results.HourText) -> str:
    """The counted presses of buckets of `reference`, line by line."""
    return form.joint.join(
        form.before
        + format_timestamp(start, offset, form.utc and not offset)
        + form.between
        + form.separator.join(map(str, verdicts[Verdict.COUNTED]))
        + form.after
        for start, offset, verdicts, _, _ in buckets
        if any(verdicts.get(Verdict.COUNTED, ()))
    )


@law
@given(st.data(), zone_pairs, policies)
def test_the_engine_adds_and_writes_what_python_does(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    presses = data.draw(pressed(zone=data.draw(st.sampled_from(zones))))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    at = data.draw(st.sampled_from([press.at for _, press in presses]))
    if data.draw(st.booleans()):
        _mend(store, world, data)
    if data.draw(st.booleans()):
        node = data.draw(st.sampled_from([world.root, *world.groups, *world.points]))
        manage.set_zone(store, operator(world.organization), node, data.draw(zone_names), at, now=NOW)
    start = at // HOUR_MS * HOUR_MS + data.draw(st.integers(-12, 12)) * (HOUR_MS // 4)
    within = data.draw(
        st.sampled_from([results.EVERYTHING, InstantRange(start, start + data.draw(st.integers(0, 60)) * HOUR_MS)])
    )
    form = data.draw(st.sampled_from([JSON, JSON._replace(utc=True), CSV]))
    by = operator(world.organization)
    subjects: list[results.Subject] = [*map(results.OfAssignment, world.assignments), results.OfScale(world.root, 4)]
    for subject in [*subjects, results.OfSurvey(world.points[1], world.surveys[0])]:
        for grain in Grain:
            buckets = reference(store, world, subject, within, grain)
            assert list(results.hourly(store, by, subject, within, grain).buckets) == buckets
            counted = results.hourly(store, by, subject, within, grain, misuse=False).buckets
            assert list(counted) == reference(store, world, subject, within, grain, misuse=False)
            if isinstance(subject, results.OfAssignment):
                assert results.counted_text(store, by, subject, form, within, grain) == as_text(buckets, form)


def test_texts_around_hours_are_written_as_they_are(store: Store) -> None:
    world = build(store)
    intake.record(store, world.organization, [Upload(world.smileys[0], (Press(7, 1, 1_700_000_000_000, 1),))], NOW)
    text = results.counted_text(store, operator(world.organization), results.OfAssignment(world.assignments[0]), CSV)
    assert text == "100 %d;2023-11-14T22:00:00.000+00:00|0|1|0|0%%;"


def test_a_group_whose_zone_changes_backwards_has_its_hours_in_order_of_time(store: Store) -> None:
    world, at = build(store, ("UTC", "Europe/Tallinn")), 1_700_002_800_000 // HOUR_MS * HOUR_MS
    boss = operator(world.organization)
    manage.set_zone(store, boss, world.root, "Asia/Kathmandu", at, now=NOW)
    presses = tuple(Press(7, number, at + hour * HOUR_MS, 1) for number, hour in enumerate(range(-3, 3), 1))
    intake.record(store, world.organization, [Upload(smiley, presses) for smiley in world.smileys[:3]], NOW)
    subject = results.OfScale(world.root, 4)
    buckets = results.hourly(store, boss, subject).buckets
    assert list(buckets) == reference(store, world, subject, results.EVERYTHING, Grain.HOUR)
    assert [each.starts_at for each in buckets] == sorted(each.starts_at for each in buckets)
    assert [each.hour for each in buckets] != sorted(each.hour for each in buckets)
