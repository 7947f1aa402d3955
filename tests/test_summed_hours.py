"""Hours that the engine adds up or writes are those that Python adds up from single hours, whatever zones do."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, results
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

JSON = results.HourText('{"ts":"', '","data":[', ",", "]}", ",")
CSV = results.HourText("100 %d;", "|", "|", "%%;", "\n")


def reference(store: Store, world: World, subject: results.Subject, within: InstantRange, grain: Grain) -> list[object]:
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
        if first in within and any(counts):
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


def as_json(buckets: tuple[results.Bucket, ...], *, utc: bool) -> list[dict[str, object]]:
    return [
        {"ts": format_timestamp(bucket.starts_at, bucket.offset, utc and not bucket.offset), "data": list(counts)}
        for bucket in buckets
        if any(counts := bucket.verdicts.get(Verdict.COUNTED, ()))
    ]


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
    if data.draw(st.booleans()):
        _mend(store, world, data)
    at = data.draw(st.sampled_from([press.at for _, press in presses]))
    start = at // HOUR_MS * HOUR_MS + data.draw(st.integers(-12, 12)) * (HOUR_MS // 4)
    within = data.draw(
        st.sampled_from([results.EVERYTHING, InstantRange(start, start + data.draw(st.integers(0, 60)) * HOUR_MS)])
    )
    by, utc = operator(world.organization), data.draw(st.booleans())
    for assignment in world.assignments:
        for grain in Grain:
            subject = results.OfAssignment(assignment)
            buckets = results.hourly(store, by, subject, within, grain).buckets
            text = results.counted_text(store, by, subject, JSON._replace(utc=utc), within, grain)
            assert json.loads(f"[{text}]") == as_json(buckets, utc=utc)
            assert results.counted_text(store, by, subject, CSV, within, grain).count("\n") == text.count("},{")
    subjects: list[results.Subject] = [*map(results.OfAssignment, world.assignments), results.OfScale(world.root, 4)]
    for each in [*subjects, results.OfSurvey(world.points[1], world.surveys[0])]:
        for grain in Grain:
            buckets = results.hourly(store, by, each, within, grain).buckets
            assert list(buckets) == reference(store, world, each, within, grain)


def test_texts_around_hours_are_written_as_they_are(store: Store) -> None:
    world = build(store)
    intake.record(store, world.organization, [Upload(world.smileys[0], (Press(7, 1, 1_700_000_000_000, 1),))], NOW)
    text = results.counted_text(store, operator(world.organization), results.OfAssignment(world.assignments[0]), CSV)
    assert text == "100 %d;2023-11-14T22:00:00.000+00:00|0|1|0|0%%;"
