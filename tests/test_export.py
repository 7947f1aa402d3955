"""Law 4 of the CSV export: its lines are the rows of the raw results, in their order, on both engines."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, results
from hymio.access import operator
from hymio.feedback import Accuracy, HourReport, Press, Upload, Verdict
from hymio.misuse import MisusePolicy
from hymio.period import InstantRange, format_timestamp
from hymio.results import EVERYTHING, OfAssignment, OfScale, OfSurvey, Subject
from hymio.store import Store, export
from tests.test_laws import law, opened
from tests.world import NOW, World, build, deliveries, policies, pressed, zone_pairs
from tests.zones import HOUR

AT = 1_750_000_000_000


def lines(store: Store, world: World, subject: Subject, within: InstantRange = EVERYTHING) -> list[list[str]]:
    """The export as a CSV reader sees it; its total and the ends of its chunks are as promised."""
    with results.raw_csv(store, operator(world.organization), subject, within) as told:
        chunks = list(told.chunks)
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    found = list(csv.reader(io.StringIO(b"".join(chunks).decode())))
    assert len(found) == told.total
    return found


def rows(store: Store, world: World, subject: Subject, within: InstantRange = EVERYTHING) -> list[list[str]]:
    """The raw results, each value written as the export promises to write it."""
    with results.raw(store, operator(world.organization), subject, within) as told:
        return [
            [
                format_timestamp(each.at, each.offset),
                str(each.button),
                Accuracy(each.accuracy).label,
                Verdict(each.verdict).label,
                str(each.smiley),
                str(each.epoch),
                str(each.sequence),
            ]
            for each in told.rows
        ]


@law
@given(data=st.data())
def test_the_lines_of_an_export_are_the_raw_results(shared_database_url: str, data: st.DataObject) -> None:
    store = opened(shared_database_url)
    zones = data.draw(zone_pairs)
    world = build(store, zones, data.draw(policies))
    presses = data.draw(pressed(zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    instants = [press.at for _, press in presses]
    edges = st.sampled_from(instants).flatmap(lambda at: st.sampled_from([at - HOUR, at, at + 1, at + HOUR]))
    start, end = sorted((data.draw(edges), data.draw(edges)))
    subjects: list[Subject] = [
        *map(OfAssignment, world.assignments),
        OfSurvey(world.root, world.surveys[0]),
        OfScale(world.root, 4),
    ]
    for subject in subjects:
        for within in (EVERYTHING, InstantRange(start, end)):
            assert lines(store, world, subject, within) == rows(store, world, subject, within)


def test_it_holds_whatever_came_from_texts_and_the_web_and_what_is_misuse(store: Store) -> None:
    world = build(store, ("America/St_Johns", "Asia/Kathmandu"), MisusePolicy(interval=5))
    told = Upload(world.smileys[0], hours=(HourReport(9, 1, AT - AT % HOUR, (2, 0, 1)),))
    quick = tuple(Press(1, number, AT + 900 * number, 3) for number in range(1, 9))
    off_scale = Press(1, 9, AT + HOUR, 9)
    web = Press(-(1 << 63) + 5, 1 << 62, AT + 7, 4, survey=world.surveys[1])
    uploads = [told, Upload(world.smileys[1], (*quick, off_scale)), Upload(world.smileys[3], (web,))]
    intake.record(store, world.organization, uploads, NOW)
    whole = lines(store, world, OfSurvey(world.root, world.surveys[0]))
    assert whole == rows(store, world, OfSurvey(world.root, world.surveys[0]))
    assert {line[2] for line in whole} == {"1s", "1h"}
    assert {line[3] for line in whole} == {"counted", "interval"}
    assert len(whole) == 3 + len(quick)
    assert {line[0][-6:] for line in whole} == {"-02:30"}
    (digital,) = lines(store, world, OfAssignment(world.assignments[2]))
    assert digital == [format_timestamp(AT + 7, 345), "4", "1s", "counted", "4", str(-(1 << 63) + 5), str(1 << 62)]
    assert export.HEADER.decode().strip().count(",") == len(digital) - 1


def test_an_export_of_nothing_has_no_line(store: Store) -> None:
    world = build(store)
    assert lines(store, world, OfAssignment(world.assignments[0])) == []
    assert lines(store, world, OfScale(world.root, 11)) == []


def test_it_is_written_in_pieces_that_stay_small(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hymio.store.dialect.sqlite.CSV_ROWS", 40)
    monkeypatch.setattr("hymio.store.dialect.postgresql._CHUNK_BYTES", 2_000)
    world = build(store, policy=MisusePolicy(interval=0))
    dense = [Press(1, number, AT + number, number % 4) for number in range(1, 301)]
    sparse = [Press(1, 300 + number, AT + 40 * number * 24 * HOUR, 1) for number in range(1, 20)]
    at_once = tuple(Press(2, number, AT + 150, 2) for number in range(1, 101))
    uploads = [Upload(world.smileys[0], (*dense, *sparse)), Upload(world.smileys[2], at_once)]
    intake.record(store, world.organization, uploads, NOW)
    subject = OfSurvey(world.root, world.surveys[0])
    with results.raw_csv(store, operator(world.organization), subject) as told:
        sizes = [chunk.count(b"\n") for chunk in told.chunks]
    assert sum(sizes) == 419
    assert max(sizes) <= 101  # a hundred and one presses were of one millisecond
    assert lines(store, world, subject) == rows(store, world, subject)


def test_an_export_may_be_left_before_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hymio.store.dialect.sqlite.CSV_ROWS", 40)
    monkeypatch.setattr("hymio.store.dialect.postgresql._CHUNK_BYTES", 2_000)
    world = build(store)
    presses = tuple(Press(1, number, AT + 9_000 * number, 3) for number in range(1, 1_001))
    intake.record(store, world.organization, [Upload(world.smileys[0], presses)], NOW)
    subject = OfAssignment(world.assignments[0])
    with results.raw_csv(store, operator(world.organization), subject) as told:
        assert next(told.chunks)
    assert len(lines(store, world, subject)) == 1_000
