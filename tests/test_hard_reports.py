"""Reports of what seldom is: no survey, no answers, thousands of children, a zone that changed, hours told by SMS."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hymio import intake, manage
from hymio.access import operator
from hymio.errors import BadRequest
from hymio.feedback import Followup, HourReport, Phases, Press, Text, Upload
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS, HOUR_MS
from hymio.report import Compare, Report, ReportQuery, TextQuery, build
from hymio.report.files import as_csv, as_json, from_json
from hymio.report.tables import TABLE_NAMES
from hymio.report.terminal import WIDTH, as_text
from hymio.scale import IndexType, Scale
from hymio.smiley import SmileyType
from hymio.store import Store, open_store
from hymio.survey import ActivePeriod
from tests.world import NOW, World, wall, wording
from tests.world import build as build_world

MANY = 5_000
AT = 1_700_000_000_000
"""2023-11-14T22:13Z, a Tuesday."""


def rendered(value: Report) -> str:
    """The text of the terminal; JSON and all tables are written too."""
    assert from_json(as_json(value)) == value
    for name in TABLE_NAMES:
        as_csv(value, name)
    text = as_text(value)
    assert max(map(len, text.splitlines()[:-1])) <= WIDTH
    return text


def test_a_point_without_a_survey_has_a_report_that_says_so(store: Store) -> None:
    organization = manage.create_organization(store, operator(), "Empty", now=0)
    boss = operator(organization)
    point = manage.add_point(store, boss, "Lobby", manage.ROOT, now=0)
    for node in (manage.ROOT, point):
        value = build(store, boss, ReportQuery(node, "2023", Compare.YEAR), NOW)
        assert (value.survey, value.summary, value.trend, value.heat_map, value.children) == (None, None, (), (), ())
        assert "No survey is asked here." in rendered(value)


def test_a_period_without_answers_has_lines_without_numbers(store: Store) -> None:
    world = build_world(store)
    value = build(store, operator(world.organization), ReportQuery(world.root, "1971", Compare.PREVIOUS), NOW)
    assert value.summary is not None
    assert (value.summary.number, value.summary.index, value.summary.low) == (0, None, None)
    assert len(value.trend) == len(value.compared_trend) == 53
    assert value.change is None
    assert value.times is not None
    assert (value.times.differ, value.times.hours) == (None, ())
    assert [line.rank for line in value.children] == [None, None]
    assert "no answers" in rendered(value)


def test_thousands_of_children_are_ranked_and_listed(tmp_path: Path) -> None:
    """On SQLite alone: no statement is of this test, and setting up takes thousands of them."""
    store = open_store(f"sqlite:///{tmp_path / 'wide.db'}", make=True)
    organization = manage.create_organization(store, operator(), "Wide", now=0)
    boss = operator(organization)
    with manage.batch(store, organization, 0) as batch:
        survey = manage.add_survey(
            batch, boss, manage.add_question(batch, boss, wording("How?"), now=0), Scale.FIVE, IndexType.AVERAGE, now=0
        )
        points = [manage.add_point(batch, boss, f"Point {n}", manage.ROOT, now=0) for n in range(MANY)]
        for point in points:
            manage.assign(batch, boss, point, survey, [ActivePeriod(wall("1990-01-01"))], now=0)
        smiley = manage.add_smiley(batch, boss, "ONE", "One", SmileyType.TERMINAL, now=0).id
        manage.place(batch, boss, smiley, points[-1], 0, now=0)
    intake.record(store, organization, [Upload(smiley, (Press(7, 1, AT, 4),))], NOW)
    value = build(store, boss, ReportQuery(manage.ROOT, "2023-11"), NOW)
    assert (len(value.children), value.children[0].node.id, value.children[0].rank) == (MANY, points[-1], 1)
    assert [line.rank for line in value.children[1:]] == [None] * (MANY - 1)
    assert f"and {MANY - 20:,} more" in rendered(value)
    assert as_csv(value, "children").count(b"\r\n") == MANY + 1
    store.close()


def test_a_zone_that_changes_in_the_period_keeps_the_hours_that_were_stored(store: Store) -> None:
    world = build_world(store, ("Europe/Helsinki", "Europe/Helsinki"), MisusePolicy(interval=0))
    boss = operator(world.organization)
    press(store, world, 1, AT)
    manage.set_zone(store, boss, world.points[0], "Asia/Kathmandu", AT + DAY_MS, now=AT + HOUR_MS)
    press(store, world, 2, AT + 2 * DAY_MS)
    value = build(store, boss, ReportQuery(world.points[0], "2023-11"), NOW)
    assert value.zones == ("Asia/Kathmandu",)
    assert value.summary is not None
    assert value.summary.number == 2
    days = [line.start.date() for line in value.trend if line.figure.number]
    assert days == [date(2023, 11, 15), date(2023, 11, 17)]
    assert [cell.hour for cell in value.heat_map if cell.figure.number] == [0, 3]
    assert "Asia/Kathmandu" in rendered(value)


def press(store: Store, world: World, sequence: int, at: int) -> None:
    intake.record(store, world.organization, [Upload(world.smileys[0], (Press(7, sequence, at, 3),))], NOW)


def test_answers_known_to_the_hour_follow_the_filters_and_the_revision(store: Store) -> None:
    world = build_world(store, policy=MisusePolicy(interval=0))
    boss, start = operator(world.organization), AT // HOUR_MS * HOUR_MS
    told = (HourReport(7, 1, start, (1, 0, 2, 0), 0), HourReport(7, 4, start + HOUR_MS, (0, 0, 0, 2), 0))
    intake.record(store, world.organization, [Upload(world.smileys[0], hours=told)], NOW)

    def hour_only(**asked: object) -> int:
        value = build(store, boss, ReportQuery(world.root, "2023-11", **asked), NOW)  # type: ignore[arg-type]
        assert value.completeness is not None
        return value.completeness.hour_only

    before = build(store, boss, ReportQuery(world.root, "2023-11"), NOW).revision
    assert (hour_only(), hour_only(hours=(22,)), hour_only(hours=(23,)), hour_only(weekdays=(2,))) == (5, 3, 2, 0)
    assert (hour_only(smiley_type=SmileyType.TERMINAL), hour_only(smiley_type=SmileyType.DIGITAL)) == (5, 0)
    detailed = tuple(Press(7, n, start + n * 1000, button) for n, button in ((1, 0), (2, 2), (3, 2)))
    intake.record(store, world.organization, [Upload(world.smileys[0], detailed)], NOW)
    assert (hour_only(), hour_only(as_of=before)) == (2, 5)
    of_a_page = Press(9, -1, start + 9 * 60_000, 3)  # digital smileys draw UUIDs, half of whose sequences are negative
    intake.record(store, world.organization, [Upload(world.smileys[0], (of_a_page,))], NOW)
    assert (hour_only(), hour_only(as_of=before)) == (2, 5)


@pytest.mark.parametrize("period", ["0000", "9999", "2023-02-01..2023-01-01", "0001-01-01..0001-01-02", "9999-12-31"])
def test_a_period_that_is_none_is_refused_before_anything_is_read(store: Store, period: str) -> None:
    world = build_world(store)
    with pytest.raises(BadRequest) as refused:
        build(store, operator(world.organization), ReportQuery(world.root, period), NOW)
    assert refused.value.parameter == "period"


def test_one_outlier_flattens_neither_the_bands_of_the_index_nor_those_of_the_answers(store: Store) -> None:
    world = build_world(store, policy=MisusePolicy(interval=0))
    presses, sequence = [], 0
    for day in range(5):
        for number in range(1 + day):
            sequence += 1
            presses.append(Press(7, sequence, AT + day * DAY_MS + number * 1000, day % 4))
    for number in range(3_000):
        sequence += 1
        presses.append(Press(7, sequence, AT + 5 * DAY_MS + number * 100, 0))
    intake.record(store, world.organization, [Upload(world.smileys[0], tuple(presses))], NOW)
    value = build(store, operator(world.organization), ReportQuery(world.root, "2023-11"), NOW)
    cells = [cell for cell in value.heat_map if cell.figure.number]
    assert {cell.count_band for cell in cells} == {0, 1, 2, 3, 4}
    assert {cell.band for cell in cells if cell.few} == {0, 2, 4}
    assert value.bands is not None
    assert value.bands.index == (40.0, 60.0, 75.0, 85.0)
    assert [cell.few for cell in cells].count(False) == 1


def test_follow_ups_are_counted_by_side_under_each_filter(store: Store) -> None:
    world = build_world(store, policy=MisusePolicy(interval=0))
    boss, survey = operator(world.organization), world.surveys[0]
    sides = {
        positive: manage.add_followup(
            store, boss, survey, positive=positive, wording=wording(text), options=[wording("A"), wording("B")], now=0
        )
        for positive, text in ((False, "What was wrong?"), (True, "What was good?"))
    }
    presses = []
    for n in range(1, 13):
        question, options = sides[n % 4 > 1]
        option = None if n % 6 == 5 else options[n % 2]
        presses.append(
            Press(7, n, AT + n * HOUR_MS, n % 4, phases=Phases((Followup(option, question),), Text(f"Text {n}")))
        )
    intake.record(store, world.organization, [Upload(world.smileys[0], tuple(presses))], NOW)

    def counted(**asked: object) -> list[tuple[bool, int, list[int]]]:
        value = build(store, boss, ReportQuery(world.root, "2023-11", survey=survey, **asked), NOW)  # type: ignore[arg-type]
        return [
            (line.positive, line.left, [option.answers for option in line.options]) for line in value.followups or ()
        ]

    def expected(wanted: list[int]) -> list[tuple[bool, int, list[int]]]:
        lines = []
        for positive in (True, False):
            of_side = [n for n in wanted if (n % 4 > 1) is positive]
            chosen = [n for n in of_side if n % 6 != 5]
            lines.append((positive, len(of_side) - len(chosen), [sum(n % 2 == odd for n in chosen) for odd in (0, 1)]))
        return lines

    numbers = list(range(1, 13))
    assert counted() == expected(numbers)
    assert counted(hours=(23, 0, 1)) == expected([1, 2, 3])
    assert counted(smiley_type=SmileyType.TERMINAL) == expected(numbers)
    assert counted(smiley_type=SmileyType.DIGITAL) == expected([])
    for asked in ({}, {"hours": (23, 0, 1)}, {"weekdays": (1,)}, {"smiley_type": SmileyType.TOUCH}):
        one, whole = (
            build(store, boss, ReportQuery(world.root, "2023-11", texts=TextQuery(limit=limit), **asked), NOW).texts
            for limit in (5, None)
        )
        assert one is not None
        assert whole is not None
        assert (one.total, one.spam, one.matching, one.shown) == (
            whole.total,
            whole.spam,
            whole.matching,
            whole.shown[:5],
        )
