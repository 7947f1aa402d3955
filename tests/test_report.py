"""The value of a report: the same numbers as everywhere, whatever the node, period, zone and filter."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hymio import demo, intake, manage, report, results
from hymio.access import DataKind, Principal, Role, Via, operator
from hymio.cli import app
from hymio.demo.history import Span
from hymio.errors import BadRequest, Forbidden, NotFound
from hymio.feedback import Phases, Press, Text, Upload, Verdict, is_raw
from hymio.misuse import MisusePolicy
from hymio.period import HOUR_MS, MINUTE_MS, DateRange, wall_of
from hymio.report import Compare, Report, ReportQuery, TextLanguage, TextQuery, build
from hymio.report.completeness import REASONS
from hymio.report.files import as_csv, as_json, from_json
from hymio.report.tables import TABLE_NAMES, tables
from hymio.report.terminal import WIDTH, as_text
from hymio.results import EVERYTHING, OfNode, Query, weekday_of
from hymio.smiley import SmileyType
from hymio.store import Store, open_store
from tests.test_laws import law, opened
from tests.test_same_numbers import DIGITAL, with_phases
from tests.world import NOW, World, deliveries, policies, pressed, zone_pairs
from tests.world import build as build_world


def text_of(dates: DateRange) -> str:
    return f"{dates.start}..{dates.end - timedelta(days=1)}"


weekdays = st.one_of(st.none(), st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))))
hours = st.one_of(st.none(), st.sets(st.integers(0, 23), min_size=1).map(lambda some: tuple(sorted(some))))
types = st.sampled_from([None, None, *SmileyType])


@st.composite
def queries(draw: st.DrawFn, world: World, presses: list[tuple[int, Press]], zone: str) -> ReportQuery:
    day = wall_of(draw(st.sampled_from([press for _, press in presses])).at, ZoneInfo(zone)).date()
    start = day + timedelta(draw(st.integers(-3, 1)))
    dates = DateRange(start, start + timedelta(draw(st.sampled_from([1, 1, 2, 3, 40, 300]))))
    node = draw(st.sampled_from([*world.groups, *world.points]))
    compare = draw(st.sampled_from([None, *Compare]))
    return ReportQuery(node, text_of(dates), compare, None, draw(types), draw(weekdays), draw(hours))


def rows_of(store: Store, world: World, query: ReportQuery, dates: DateRange, survey: int) -> list[results.FeedbackRow]:
    """The raw rows that a report is about, selected here by each row alone."""
    layout = store.layout(world.organization)
    below = {point.id for point in layout.hierarchy.points(query.node)}
    with results.rows(
        store, operator(world.organization), Query(OfNode(world.root), EVERYTHING, misuse=True), NOW
    ) as everything:
        rows = list(everything.rows)

    def is_asked(row: results.FeedbackRow) -> bool:
        assignment = layout.assignments[row.assignment]
        hour = (row.at + row.offset * MINUTE_MS) // HOUR_MS
        return (
            assignment.survey == survey
            and assignment.node in below
            and row.at in dates.instants(layout.zone_of(assignment.node, NOW))
            and (query.weekdays is None or weekday_of(hour) in query.weekdays)
            and (query.hours is None or hour % 24 in query.hours)
            and (query.smiley_type is None or layout.smileys[row.smiley].type is query.smiley_type)
        )

    return [row for row in rows if is_asked(row)]


@settings(law, max_examples=law.max_examples // 2)
@given(st.data(), zone_pairs, policies)
def test_a_report_has_the_numbers_of_the_rows(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build_world(store, zones, policy)
    presses = data.draw(pressed(4, zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, [with_phases(upload) for upload in uploads], NOW)
    query = data.draw(queries(world, presses, zones[0]))
    value = build(store, operator(world.organization), query, NOW)
    dates = report.dates_of(query.period, date(2100, 1, 1))
    for line in value.surveys:
        counted = Counter(row.button for row in rows_of(store, world, query, dates, line.id) if not row.verdict)
        assert Counter({button: n for button, n in enumerate(line.figure.counts or ()) if n}) == counted
    assert_sections_agree(store, world, query, value, dates)
    assert_renderings_agree(value)


def assert_sections_agree(store: Store, world: World, query: ReportQuery, value: Report, dates: DateRange) -> None:
    """All sections are about the same answers."""
    if value.survey is None:
        return
    rows = rows_of(store, world, query, dates, value.survey.id)
    counted = [row for row in rows if row.verdict == Verdict.COUNTED]
    summary = value.summary
    assert summary is not None
    assert value.misuse is not None
    assert summary.number == len(counted) == value.survey.figure.number
    for figures in (
        [line.figure for line in value.trend],
        [cell.figure for cell in value.heat_map],
        [cell.figure for cell in value.profile],
        *([[line.figure for line in value.children]] if not value.node.is_point else []),
    ):
        totals = [0] * value.survey.buttons
        for one in figures:
            totals = [total + count for total, count in zip(totals, one.counts or (), strict=True)]
        assert tuple(totals) == summary.counts
    misuse = Counter(Verdict(row.verdict) for row in rows)
    assert (value.misuse.raw, value.misuse.counted) == (len(rows), len(counted))
    assert value.misuse.raw == value.misuse.counted + sum(getattr(value.misuse, each.label) for each in REASONS)
    assert [getattr(value.misuse, each.label) for each in REASONS] == [misuse[each] for each in REASONS]
    assert set(REASONS) == {each for each in Verdict if is_raw(each)} - {Verdict.COUNTED}
    assert sum(day.raw for day in value.misuse.days) == len(rows)
    assert value.texts is not None
    assert value.followups is not None
    with_text = [row for row in counted if row.sequence % 2]
    assert value.texts.total == len(with_text)
    if query.compare is not None:
        before = replace(query, period=text_of(report.compared_dates(dates, query.compare)), survey=value.survey.id)
        earlier = build(store, operator(world.organization), replace(before, compare=None), NOW)
        assert value.compared == earlier.summary
        if earlier.grain == value.grain:
            assert value.compared_trend == earlier.trend
        assert {line.node.id: line.compared for line in value.children} == {
            line.node.id: line.figure for line in earlier.children
        }


def assert_renderings_agree(value: Report) -> None:
    """JSON reads back as the same value, CSV has all rows, and the terminal shows number and index in 80 columns."""
    assert from_json(as_json(value)) == value
    for table in tables(value):
        lines = as_csv(value, table.name).decode().split("\r\n")
        if not any("\n" in str(cell) for row in table.rows for cell in row):
            assert len(lines) == len(table.rows) + 2
    shown = as_text(value)
    assert max(map(len, shown.splitlines()[:-1])) <= WIDTH
    if value.summary is not None and value.summary.number:
        assert f"{value.summary.number:,} answer" in shown
        assert f" {value.summary.shown:g} (95 % interval" in shown


# --- scope, kinds of data and revisions ------------------------------------------------------------------------------


@pytest.fixture
def world(store: Store) -> World:
    """A world with three presses at each of its first three terminals and on the web, on 2023-11-14 and 15."""
    world = build_world(store, ("Europe/Helsinki", "Asia/Kathmandu"), MisusePolicy(interval=5))
    at = 1_700_000_000_000
    for place, smiley in enumerate(world.smileys):
        presses = tuple(Press(7, n, at + n * 10 * HOUR_MS // 3, (n + place) % 4) for n in range(1, 4))
        intake.record(store, world.organization, [with_phases(Upload(smiley, presses))], NOW)
    return world


def test_a_node_outside_the_scope_is_as_unknown_as_one_that_does_not_exist(store: Store, world: World) -> None:
    north, south = world.groups[1:]
    principal = Principal(world.organization, Role.USER, Via.SESSION, "Somebody", 1, north)
    for node in (world.root, south, world.points[1], 99):
        with pytest.raises(NotFound, match=f"^there is no node {node}$"):
            build(store, principal, ReportQuery(node, "2023"), NOW)
    for survey in (world.surveys[1], 99):
        with pytest.raises(NotFound, match=f"^there is no survey {survey}$"):
            build(store, principal, ReportQuery(north, "2023", survey=survey), NOW)
    mine = build(store, principal, ReportQuery(north, "2023"), NOW)
    assert mine.node.path == "North"
    assert "Organization" not in as_text(mine)
    whole = build(store, operator(world.organization), ReportQuery(north, "2023"), NOW)
    assert mine.summary == whole.summary


def test_a_report_has_only_what_its_reader_may_see(store: Store, world: World) -> None:
    kinds = frozenset({DataKind.BUTTON_FEEDBACKS})
    principal = Principal(world.organization, Role.USER, Via.SESSION, "Somebody", 1, None, kinds)
    value = build(store, principal, ReportQuery(world.root, "2023"), NOW)
    assert (value.texts, value.followups) == (None, None)
    for refused in (replace(principal, role=Role.DEVICE), replace(principal, kinds=frozenset())):
        with pytest.raises(Forbidden):
            build(store, refused, ReportQuery(world.root, "2023"), NOW)


def test_a_report_shows_an_older_revision_again(store: Store, world: World) -> None:
    boss = operator(world.organization)
    query = ReportQuery(world.root, "2023", Compare.PREVIOUS)
    before = build(store, boss, query, NOW)
    late = Press(7, 9, 1_700_000_001_000, 0)
    intake.record(store, world.organization, [Upload(world.smileys[0], (late,))], NOW)
    after = build(store, boss, query, NOW)
    assert (after.summary, after.misuse) != (before.summary, before.misuse)
    again = build(store, boss, report.parse_query(world.root, words_of(before.link)), NOW)
    for name in ("revision", "summary", "trend", "heat_map", "children", "misuse", "texts", "followups", "surveys"):
        assert getattr(again, name) == getattr(before, name)
    assert again.link == before.link


def words_of(link: str) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(link.partition("?")[2]))


def test_the_sum_of_the_smiley_types_is_the_whole(store: Store, world: World) -> None:
    boss = operator(world.organization)
    for survey in world.surveys:
        whole = build(store, boss, ReportQuery(world.root, "2023", survey=survey), NOW).summary
        parts = [
            build(store, boss, ReportQuery(world.root, "2023", survey=survey, smiley_type=kind), NOW).summary
            for kind in SmileyType
        ]
        assert whole is not None
        assert sum(part.number or 0 for part in parts if part is not None) == whole.number


def test_texts_are_searched_filtered_and_paged(store: Store, world: World) -> None:
    boss = operator(world.organization)

    def texts(**asked: object) -> report.values.Texts:
        value = build(store, boss, ReportQuery(world.root, "2023", texts=TextQuery(**asked)), NOW)  # type: ignore[arg-type]
        assert value.texts is not None
        return value.texts

    every = texts()
    assert every.total == every.matching == len(every.shown) > 2
    assert texts(search="SOUP 1").matching == sum("Soup 1" in line.text for line in every.shown)
    assert texts(search="nothing of the kind").shown == ()
    assert {line.button for line in texts(buttons=(1,)).shown} <= {1}
    pages = [texts(offset=n, limit=1).shown for n in range(every.total)]
    assert tuple(line for page in pages for line in page) == every.shown
    assert [line.at for line in every.shown] == sorted((line.at for line in every.shown), reverse=True)  # type: ignore[type-var]
    assert as_csv(build(store, boss, ReportQuery(world.root, "2023"), NOW), "texts").count(b"\r\n") == 1 + every.total


def test_the_language_of_a_text_is_what_its_translation_tells(store: Store, world: World) -> None:
    texts = (Text("Great soup"), Text("Great  soup", english="great soup"), Text("Hyvä keitto", english="Good soup"))
    presses = tuple(
        Press(8, n, 1_700_000_000_000 + n * HOUR_MS, 1, phases=Phases((), text)) for n, text in enumerate(texts, 1)
    )
    intake.record(store, world.organization, [Upload(world.smileys[0], presses)], NOW)

    def texts_of(**asked: object) -> list[tuple[str, str | None]]:
        query = ReportQuery(world.root, "2023", texts=TextQuery(**asked))  # type: ignore[arg-type]
        value = build(store, operator(world.organization), query, NOW)
        assert value.texts is not None
        return [(line.text, line.english) for line in value.texts.shown]

    assert texts_of(language=TextLanguage.ENGLISH) == [("Great  soup", None)]
    assert texts_of(language=TextLanguage.OTHER) == [("Hyvä keitto", "Good soup")]
    assert ("Great soup", None) in texts_of(language=TextLanguage.UNKNOWN)
    assert texts_of(search="good") == [("Hyvä keitto", "Good soup")]


def test_contact_details_are_no_part_of_a_report(store: Store, world: World) -> None:
    assert "contact" not in msgspec.json.encode(report.schema()).decode().lower()


# --- periods and words -----------------------------------------------------------------------------------------------

TODAY = date(2025, 3, 12)  # a Wednesday


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2025-03-12", "2025-03-12"),
        ("last-7-days", "2025-03-05", "2025-03-11"),
        ("last-week", "2025-03-03", "2025-03-09"),
        ("2024-q1", "2024-01-01", "2024-03-31"),
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2024-02-27..2024-03-01", "2024-02-27", "2024-03-01"),
    ],
)
def test_a_period_has_its_dates(period: str, first: str, last: str) -> None:
    dates = report.dates_of(period, TODAY)
    assert (dates.start.isoformat(), (dates.end - timedelta(days=1)).isoformat()) == (first, last)


@pytest.mark.parametrize(
    "period",
    ["0000", "9999", "1969", "2025-02-30", "2025-03-02..2025-03-01", "2000..2001", "2000-01-01..2025-01-01", "",
     "x" * 999, "9999-12-31", "0001-01-01", "9998-12-31..9999-12-31", "last-0-days", "last-9999-days"],
)  # fmt: skip
def test_a_period_that_is_none_is_refused(period: str) -> None:
    with pytest.raises(BadRequest) as refused:
        report.dates_of(period, TODAY)
    assert refused.value.parameter == "period"


@pytest.mark.parametrize(
    ("period", "compare", "before"),
    [
        ("2025-02", Compare.PREVIOUS, "2025-01-01..2025-01-31"),
        ("2024-q1", Compare.PREVIOUS, "2023-10-01..2023-12-31"),
        ("2025-03-05..2025-03-11", Compare.PREVIOUS, "2025-02-26..2025-03-04"),
        ("2024-02-29", Compare.YEAR, "2023-02-28..2023-02-28"),
        ("2025", Compare.YEAR, "2024-01-01..2024-12-31"),
    ],
)
def test_a_period_is_compared_with_the_one_before(period: str, compare: Compare, before: str) -> None:
    assert text_of(report.compared_dates(report.dates_of(period, TODAY), compare)) == before


@given(
    st.builds(
        ReportQuery,
        st.integers(1, 9),
        st.just("last-week"),
        st.sampled_from([None, *Compare]),
        st.sampled_from([None, 3]),
        types,
        weekdays,
        hours,
        st.builds(
            TextQuery,
            st.sampled_from(["", "söup & =1"]),
            st.sampled_from([None, (0, 1)]),
            st.booleans(),
            st.just(7),
            language=st.sampled_from([None, *TextLanguage]),
        ),
        st.sampled_from([None, 12]),
    )
)
def test_the_words_of_an_address_are_the_query(query: ReportQuery) -> None:
    assert report.parse_query(query.node, words_of(query.address())) == query


@pytest.mark.parametrize(
    ("name", "got"),
    [("compare", "ever"), ("survey", "-1"), ("survey", "٣"), ("hours", "8-25"), ("hours", "9-8"),
     ("weekdays", "someday"), ("smileyType", "happy"), ("buttons", "11"), ("asOf", "1" * 16),
     ("spam", "maybe"), ("hours", "")],
)  # fmt: skip
def test_wrong_words_of_an_address_are_named(name: str, got: str) -> None:
    with pytest.raises(BadRequest) as refused:
        report.parse_query(1, {name: got})
    assert refused.value.parameter == name


def test_an_empty_organization_has_an_empty_report(store: Store) -> None:
    organization = manage.create_organization(store, operator(), "Empty", now=0)
    value = build(store, operator(organization), ReportQuery(manage.ROOT, "2023"), NOW)
    assert (value.survey, value.summary, value.surveys) == (None, None, ())
    assert "No survey is asked here." in as_text(value)
    assert [as_csv(value, name).count(b"\r\n") for name in TABLE_NAMES if name != "about"] == [1] * (
        len(TABLE_NAMES) - 1
    )


def test_presses_of_a_web_smiley_are_known_to_the_second(store: Store, world: World) -> None:
    """A client's UUID gives a press a negative sequence, as placeholders of an SMS have."""
    query = ReportQuery(world.root, "2023", survey=world.surveys[1])
    before = build(store, operator(world.organization), query, NOW).summary
    press = Press(-(1 << 62), -(1 << 61), 1_700_000_000_000, 3, world.surveys[1])
    intake.record(store, world.organization, [Upload(world.smileys[DIGITAL], (press,))], NOW)
    value = build(store, operator(world.organization), query, NOW)
    assert value.summary is not None
    assert before is not None
    assert value.summary.number == (before.number or 0) + 1
    assert value.completeness is not None
    assert value.completeness.hour_only == 0


# --- the command line ------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "report.txt"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the example organization with few presses."""
    url = f"sqlite:///{tmp_path_factory.mktemp('example') / 'demo.db'}"
    store = open_store(url, make=True)
    demo.build(store, EXAMPLE_NOW, presses=4_000, span=Span(date(2025, 1, 1), 365), step=7)
    store.close()
    return url


EXAMPLE_NOW = 1_767_268_800_000
"""2026-01-01T12:00Z, at the end of the example's year."""


def test_the_terminal_shows_a_whole_report(example: str) -> None:
    store = open_store(example)
    value = build(store, operator(1), ReportQuery(1, "2025", Compare.PREVIOUS), EXAMPLE_NOW)
    store.close()
    shown = as_text(value)
    if os.environ.get("HYMIO_UPDATE_EXAMPLES"):
        GOLDEN.write_text(shown, encoding="utf-8")
    assert shown == GOLDEN.read_text(encoding="utf-8")


def hymio(example: str, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--database", example])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_writes_text_json_and_csv(example: str) -> None:
    asked = ("report", "Helsinki", "2025", "--compare", "previous")
    value = from_json(hymio(example, *asked, "--json").encode())
    assert (value.node.name, value.period.name) == ("Helsinki", "2025")
    assert f" {value.summary.shown:g} (95 % interval" in hymio(example, *asked)  # type: ignore[union-attr]
    rows = hymio(example, *asked, "--csv", "children").splitlines()
    assert [row.split(",")[3] for row in rows] == ["name", *(line.node.name for line in value.children)]
    few = hymio(example, "report", "Helsinki", "2025", "--weekdays", "sat,sun", "--hours", "8-11", "--survey", "1")
    assert "Only Sat, Sun" in few


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("report", "Nowhere"), "there is no node"),
        (("report", "1", "soon"), "accepted"),
        (("report", "1", "2025", "--csv", "everything"), "there is no table"),
        (("report", "1", "2025", "--hours", "25"), "hours"),
        (("report", "1", "--organization", "Elsewhere"), "Elsewhere"),
    ],
)
def test_the_command_says_what_is_wrong(example: str, words: tuple[str, ...], message: str) -> None:
    done = CliRunner().invoke(app, [*words, "--database", example])
    assert done.exit_code != 0
    assert message in str(done.exception)


def test_the_command_sets_minimums(example: str) -> None:
    def minimums(*words: str) -> dict[int | None, int | None]:
        """The minimum of each survey that has one of its own; None is the organization's."""
        rows = json.loads(hymio(example, "survey", "minimum", "1", *words, "--json"))
        return {row["survey"]: row["answers"] for row in rows}

    assert minimums() == {None: None}
    refused = CliRunner().invoke(app, ["survey", "minimum", "1", "7", "--survey", "2", "--database", example])
    assert refused.exit_code != 0
    assert "--yes" in str(refused.exception)
    assert "can compare both" in " ".join(refused.output.split())
    assert minimums() == {None: None}
    assert minimums("7", "--survey", "2", "--yes") == {None: None, 2: 7}
    assert minimums("--survey", "2", "--remove", "--yes") == {None: None}


# --- totals ----------------------------------------------------------------------------------------------------------


def test_the_totals_of_children_are_those_of_their_own_reports(example: str) -> None:
    store = open_store(example)
    for node in (1, 2, 4, 9):
        for period in ("2025", "2025-03-29..2025-03-30"):
            for survey in (1, 5):
                query = ReportQuery(node, period, survey=survey, weekdays=(5, 6))
                try:
                    value = build(store, operator(1), query, EXAMPLE_NOW)
                except NotFound:
                    continue
                for line in value.children:
                    own = build(store, operator(1), replace(query, node=line.node.id), EXAMPLE_NOW)
                    assert own.summary == line.figure
    store.close()


@settings(law, max_examples=law.max_examples // 4)
@given(st.data(), zone_pairs, policies)
def test_what_the_engine_adds_up_is_the_sum_of_the_hours(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build_world(store, zones, policy)
    presses = data.draw(pressed(4, zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    query = data.draw(queries(world, presses, zones[0]))
    dates = report.dates_of(query.period, date(2100, 1, 1))
    with results.open_node(store, operator(world.organization), query.node, NOW) as reader:
        for survey in {row.survey for row in reader.assignments()}:
            selection = results.Selection(survey, dates, None, query.hour_filter)
            by_hour = reader.hours(selection)
            sums = reader.sums(selection)
            by_date, by_cell = Counter[tuple[int, int]](), Counter[int]()
            for hour in by_hour:
                by_date[hour.hour // 24, hour.verdict] += sum(hour.counts)
                if hour.verdict == Verdict.COUNTED:
                    by_cell[weekday_of(hour.hour) * 24 + hour.hour % 24] += sum(hour.counts)
            added = {(day, verdict): sum(n) for day, of_day in sums.by_date().items() for verdict, n in of_day.items()}
            assert +Counter(added) == +by_date
            assert +Counter({cell: sum(counts) for cell, counts in sums.by_cell().items()}) == +by_cell
            counted = {(hour.start, hour.hour) for hour in by_hour if not hour.verdict and any(hour.counts)}
            progress = sums.progress(HOUR_MS, [(0, NOW)])
            assert (progress.hours, progress.open) == (len(counted), len({start for start, _ in counted}))
