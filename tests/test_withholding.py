"""Withholding: nothing that a report shows, and no difference of what reports show, is about too few answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from hymio import intake, manage
from hymio.access import operator
from hymio.errors import BadRequest, Forbidden, SetupError
from hymio.feedback import Phases, Press, Text, Upload, Verdict
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS, HOUR_MS, Grain, bucket_of
from hymio.report import Compare, Figure, Report, ReportQuery, TextQuery, build
from hymio.report.values import TrendLine
from hymio.report.withholding import Block, Extent, Place, PlacedHour, blocks
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.survey import ActivePeriod, SurveyType
from tests.test_laws import law, opened
from tests.world import NOW, wall, wording

MARCH = int(datetime(2023, 3, 1, tzinfo=UTC).timestamp() * 1000)
"""The first of two months in which answers are given; both have 31 and 30 days, and the first is a Wednesday."""

DAYS, HOURS = (0, 1, 30, 31), (8, 9)
"""Days after MARCH on which answers are given, of both months, and the hours of the day."""

# --- blocks ----------------------------------------------------------------------------------------------------------

PLACES = (Place(1, (11, 21, 1)), Place(2, (12, 21, 1)), Place(3, (13, 22, 1)), Place(4, (13, 22, 1)))
FIRST = MARCH // HOUR_MS

Answers = dict[tuple[int, int], int]
"""The number of answers by place and local hour."""

given_answers = st.dictionaries(
    st.tuples(
        st.integers(1, 4), st.builds(lambda d, h: FIRST + d * 24 + h, st.sampled_from(DAYS), st.sampled_from(HOURS))
    ),
    st.integers(1, 12),
    max_size=20,
)


def made(answers: Answers, minimum: int, now: int = NOW) -> list[Block]:
    totals: dict[int, dict[int, int]] = {bucket_of(FIRST + day * 24, Grain.MONTH): {} for day in DAYS}
    for (place, hour), number in answers.items():
        of_month = totals[bucket_of(hour, Grain.MONTH)]
        of_month[place] = of_month.get(place, 0) + number
    hours = [PlacedHour(place, hour, Verdict.COUNTED, (number,)) for (place, hour), number in answers.items()]
    return list(blocks(hours, {1, 2, 3, 4}, totals, PLACES, minimum, now))


def hours_of(extent: Extent) -> set[tuple[int, int]]:
    """The places and local hours of an extent."""
    hours = [extent.month + bit for bit in range(31 * 24) if extent.hours >> bit & 1]
    return set(itertools.product(extent.places, hours))


@given(given_answers, st.integers(2, 12))
def test_extents_part_all_answers_into_blocks_of_at_least_the_minimum(answers: Answers, minimum: int) -> None:
    divided = made(answers, minimum)
    extents = [hours_of(block.extent) for block in divided]
    assert sum(map(len, extents)) == len(set().union(*extents))
    assert set().union(*extents) >= answers.keys()
    for block, extent in zip(divided, extents, strict=True):
        number = sum(answers.get(key, 0) for key in extent)
        assert number
        assert (block.number, block.counts) == ((0, {}) if block.hidden else (number, {Verdict.COUNTED: (number,)}))
        assert block.hidden == (number < minimum)


@given(given_answers, st.integers(2, 12), st.data())
def test_blocks_tell_nothing_of_where_in_their_extent_their_answers_are(
    answers: Answers, minimum: int, data: st.DataObject
) -> None:
    """Answers that move within extents, as long as no part becomes large, give the same blocks."""
    divided = made(answers, minimum)
    other = moved(answers, [block.extent for block in divided], data)
    if all(of_other.extent == block.extent for of_other, block in itertools.zip_longest(made(other, minimum), divided)):
        assert made(other, minimum) == divided


def moved(answers: Answers, extents: Iterable[Extent], data: st.DataObject) -> Answers:
    """The answers of each extent at other places and hours of it."""
    other: Answers = {}
    for extent in extents:
        inside = hours_of(extent)
        near = sorted(key for key in inside if (key[1] - FIRST) % 24 in HOURS)
        for key in sorted(inside & answers.keys()):
            to = data.draw(st.sampled_from(near or [key]))
            other[to] = other.get(to, 0) + answers[key]
    return other


def test_a_month_is_divided_when_it_has_ended_in_every_zone() -> None:
    answers = {(1, FIRST + 8): 18}
    end = MARCH + 31 * DAY_MS + 12 * HOUR_MS
    assert [block.hidden for block in made(answers, 5, end)] == [False, True]  # April has begun
    assert [block.hidden for block in made(answers, 5, end - 1)] == [True, True]
    assert [block.extent.hours for block in made(answers, 5, MARCH)] == [(1 << 15) - 1]  # what has begun in any zone


def test_a_small_place_takes_the_smallest_of_its_siblings_with_it() -> None:
    answers = {(1, FIRST + 8): 2, (2, FIRST + 8): 9, (3, FIRST + 8): 6}
    assert {(block.extent.places, block.number) for block in made(answers, 5)} == {
        (frozenset({1, 2}), 11),
        (frozenset({3}), 6),
    }


def test_the_extent_of_a_pool_has_the_places_without_answers_too() -> None:
    answers = {(1, FIRST + 8): 3, (3, FIRST + 8): 4}
    assert [(block.extent.places, block.number) for block in made(answers, 5)] == [(frozenset({1, 2, 3, 4}), 7)]


# --- reports ---------------------------------------------------------------------------------------------------------

_numbers = itertools.count(1)

NODES = ("root", "north", "south", "a", "b", "c")


@dataclass(frozen=True)
class Teams:
    """Two groups below the root with teams a and b, and c; one survey of employees at all of them."""

    organization: int
    nodes: dict[str, int]
    smileys: dict[str, int]
    survey: int


def teams(store: Store, minimum: int | None) -> Teams:
    organization = manage.create_organization(store, operator(), f"Teams {next(_numbers)}", now=0)
    boss = operator(organization)
    with manage.batch(store, organization, 0) as batch:
        nodes = {"root": manage.ROOT}
        nodes |= {name: manage.add_group(batch, boss, name, manage.ROOT, now=0) for name in ("north", "south")}
        for name, above in (("a", "north"), ("b", "north"), ("c", "south")):
            nodes[name] = manage.add_point(batch, boss, name, nodes[above], now=0)
        manage.set_policy(batch, boss, manage.ROOT, MisusePolicy(interval=0), now=0)
        question = manage.add_question(batch, boss, wording("How was your week?"), now=0)
        survey = manage.add_survey(batch, boss, question, Scale.FOUR, type=SurveyType.EMPLOYEE, now=0)
        smileys = {}
        for name in ("a", "b", "c"):
            manage.assign(batch, boss, nodes[name], survey, [ActivePeriod(wall("1990-01-01"))], now=0)
            smileys[name] = manage.add_smiley(batch, boss, name.upper(), name, SmileyType.TERMINAL, now=0).id
            manage.place(batch, boss, smileys[name], nodes[name], 0, now=0)
        if minimum is not None:
            manage.set_minimum_answers(batch, boss, survey, minimum, now=0)
    return Teams(organization, nodes, smileys, survey)


Cells = dict[tuple[str, int, int], int]
"""The number of answers by team, day and hour."""

cells = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from(DAYS), st.sampled_from(HOURS)), st.integers(1, 7), max_size=14
)


def press(store: Store, place: Teams, answers: Cells, button: int | None = None) -> None:
    """Gives the answers: all of one button, or of all buttons in turn."""
    sequence = 0
    for (team, day, hour), number in sorted(answers.items()):
        at = MARCH + day * DAY_MS + hour * HOUR_MS
        presses = tuple(
            Press(7, sequence + n, at + n * 1000, n % 4 if button is None else button) for n in range(1, number + 1)
        )
        sequence += number
        intake.record(store, place.organization, [Upload(place.smileys[team], presses)], NOW)


PERIODS = {
    "2023-03": (0, 31),
    "2023-04": (31, 61),
    "2023-03-01..2023-04-30": (0, 61),
    "2023-03-01": (0, 1),
    "2023-03-01..2023-03-02": (0, 2),
    "2023-03-31..2023-04-01": (30, 32),
}
"""Periods with the days after MARCH that they have."""

BELOW = {"root": "abc", "north": "ab", "south": "c", "a": "a", "b": "b", "c": "c"}

Hours = tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """A filter of weekdays and hours."""

    weekdays: tuple[int, ...] | None = None
    hours: Hours | None = None

    def of(self, days: Iterable[int]) -> list[int]:
        """Those of some days after MARCH that are asked for."""
        return [day for day in days if self.weekdays is None or (day + 2) % 7 in self.weekdays]


FILTERS = (Asked(), *(Asked(None, (hour,)) for hour in HOURS), Asked((2, 4), None))


def day_number(day: date) -> int:
    """The days after MARCH of a date."""
    return (day - date(2023, 3, 1)).days


Equation = tuple[frozenset[tuple[str, int, int]], int]
"""Cells whose sum a report shows."""


def shown_by(store: Store, place: Teams) -> list[Equation]:
    """What somebody learns who asks for every node, period and filter, and reads all numbers that leave nothing out."""
    equations: list[Equation] = []

    def learn(figure: Figure | None, team: str, days: Iterable[int], hours: Iterable[int]) -> None:
        if figure is not None and figure.number is not None and not figure.left_out:
            keys = frozenset((one, day, hour) for one in BELOW[team] for day in days for hour in hours if day in DAYS)
            equations.append((keys, figure.number))

    def learn_lines(lines: Iterable[TrendLine], grain: str, team: str, days: Iterable[int], hours: Hours) -> None:
        length = {"hour": 1, "day": 1, "week": 7}[grain]
        for at in lines:
            start = day_number(at.start.date())
            some = [one for one in hours if one == at.start.hour] if grain == "hour" else hours
            learn(at.figure, team, set(days) & set(range(start, start + length)), some)

    for (name, node), (period, span), asked in itertools.product(place.nodes.items(), PERIODS.items(), FILTERS):
        query = ReportQuery(node, period, Compare.PREVIOUS, weekdays=asked.weekdays, hours=asked.hours)
        value = build(store, operator(place.organization), replace(query, lists_hours=True), NOW)
        days, hours = asked.of(range(*span)), asked.hours or HOURS
        learn(value.summary, name, days, hours)
        learn_lines(value.trend, value.grain, name, days, hours)
        learn_lines(value.hours or (), "hour", name, days, hours)
        for cell in value.heat_map:
            weekday = [day for day in days if (day + 2) % 7 == cell.weekday]
            learn(cell.figure, name, weekday, [one for one in hours if one == cell.hour])
        tested = () if value.times is None else value.times.hours
        of_day = [(one.hour, one.figure) for one in value.profile] + [(one.hour, one.figure) for one in tested]
        for at, figure in of_day:
            learn(figure, name, days, [one for one in hours if one == at])
        assert value.misuse is not None
        for line in value.misuse.days:
            keys = frozenset((one, day_number(line.day), hour) for one in BELOW[name] for hour in hours)
            equations.append((keys, line.counted))
        assert value.compared_period is not None
        ends = day_number(value.compared_period.first), day_number(value.compared_period.last) + 1
        before = asked.of(range(*ends))
        learn(value.compared, name, before, hours)
        learn_lines(value.compared_trend, value.grain, name, before, hours)
        for child in value.children:
            learn(child.figure, child.node.name, days, hours)
            learn(child.compared, child.node.name, before, hours)
    return equations


Row = dict[tuple[str, int, int], Fraction]
"""A sum of cells with coefficients."""

Solved = dict[tuple[str, int, int], Row]
"""The equations in reduced form: each row by its pivot, which no other row has."""


def solved(equations: Iterable[frozenset[tuple[str, int, int]]]) -> Solved:
    """Gaussian elimination of what is known."""
    reduced: Solved = {}
    for keys in set(equations):
        row = _rest(reduced, keys)
        if not row:
            continue
        pivot = min(row)
        row = {key: value / row[pivot] for key, value in row.items()}
        for other in reduced.values():
            if pivot in other:
                _subtract(other, row, other[pivot])
        reduced[pivot] = row
    return reduced


def follows(reduced: Solved, keys: frozenset[tuple[str, int, int]]) -> bool:
    """Whether the sum of some cells follows from the equations."""
    return not _rest(reduced, keys)


def _rest(reduced: Solved, keys: Iterable[tuple[str, int, int]]) -> Row:
    """What remains of a sum of cells after the equations are subtracted."""
    row = {key: Fraction(1) for key in keys}
    for pivot, other in reduced.items():
        if pivot in row:
            _subtract(row, other, row[pivot])
    return row


def _subtract(row: Row, other: Row, factor: Fraction) -> None:
    for key, value in other.items():
        left = row.get(key, Fraction(0)) - factor * value
        if left:
            row[key] = left
        else:
            row.pop(key, None)


@settings(law, max_examples=max(3, law.max_examples // 16))
@given(cells, st.integers(2, 8))
def test_no_withheld_number_can_be_computed_from_everything_shown(
    shared_database_url: str, answers: Cells, minimum: int
) -> None:
    store = opened(shared_database_url)
    place = teams(store, minimum)
    press(store, place, answers)
    equations = shown_by(store, place)
    for keys, number in equations:
        assert number == sum(answers.get(key, 0) for key in keys)
        assert number == 0 or number >= minimum
    reduced = solved(frozenset(key for key in keys if key in answers) for keys, _ in equations)
    for days in ([day for day in DAYS if day in range(*span)] for span in PERIODS.values()):
        for name, wanted in itertools.product(NODES, FILTERS):
            asked = frozenset(
                (team, day, hour)
                for team in BELOW[name]
                for day in wanted.of(days)
                for hour in wanted.hours or HOURS
                if (team, day, hour) in answers
            )
            if 0 < sum(answers[key] for key in asked) < minimum:
                assert not follows(reduced, asked), (name, days, wanted)


QUESTIONS = tuple(itertools.product(NODES, PERIODS, FILTERS))
"""Nodes, periods and filters that can be asked for."""


def seen(store: Store, place: Teams, questions: Iterable[tuple[str, str, Asked]]) -> list[Report]:
    """What reports show, without what tells only when something was received."""
    shown = []
    for name, period, asked in questions:
        query = ReportQuery(place.nodes[name], period, Compare.PREVIOUS, weekdays=asked.weekdays, hours=asked.hours)
        value = build(store, operator(place.organization), replace(query, lists_hours=True), NOW)
        shown.append(structs.replace(value, revision=0, revised_at=None, link=""))
    return shown


def worlds(store: Store, minimum: int, *worlds_of: Cells) -> list[Teams]:
    """An organization with one name for each of some answers, all of which are of the same button."""
    places = [teams(store, minimum) for _ in worlds_of]
    for place, answers in zip(places, worlds_of, strict=True):
        manage.rename_node(store, operator(place.organization), manage.ROOT, "Teams", now=NOW)
        press(store, place, answers, button=2)
    return places


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({("a", 0, 8): 1, ("a", 0, 9): 3, ("a", 1, 8): 1}, {("a", 0, 8): 2, ("a", 30, 8): 2, ("a", 30, 9): 1}),
        ({("a", 0, 8): 5, ("a", 0, 9): 1}, {("a", 0, 8): 5, ("a", 0, 12): 1}),
        ({("a", 0, 8): 6, ("b", 0, 8): 3, ("c", 0, 8): 2}, {("a", 0, 8): 6, ("b", 1, 9): 3, ("c", 30, 9): 2}),
        ({("a", 0, 8): 2, ("c", 0, 8): 3}, {("b", 0, 8): 3, ("c", 1, 9): 2}),
        ({("a", 0, 8): 1}, {("c", 1, 9): 4}),
    ],
    ids=["days of a month", "hours of a day", "a place that is taken along", "places of a pool", "too few in all"],
)
def test_where_withheld_answers_were_given_cannot_be_inferred(store: Store, one: Cells, other: Cells) -> None:
    """Two organizations that differ only in where inside an extent their withheld answers are give equal reports."""
    first, second = worlds(store, 5, one, other)
    questions = [question for question in QUESTIONS if question[1] not in {"2023-04", "2023-03-01..2023-03-02"}]
    assert seen(store, first, questions) == seen(store, second, questions)


@settings(law, max_examples=max(3, law.max_examples // 16))
@given(cells, st.integers(2, 8), st.data())
def test_reports_of_any_answers_that_move_within_extents_are_equal(
    shared_database_url: str, answers: Cells, minimum: int, data: st.DataObject
) -> None:
    lineages = {"a": ("a", "north", "root"), "b": ("b", "north", "root"), "c": ("c", "south", "root")}
    tree = [Place(NODES.index(team), tuple(map(NODES.index, lineage))) for team, lineage in lineages.items()]

    def divided(some: Answers) -> list[Block]:
        totals: dict[int, dict[int, int]] = {FIRST: {}, FIRST + 31 * 24: {}}
        for (team, hour), number in some.items():
            of_month = totals[bucket_of(hour, Grain.MONTH)]
            of_month[team] = of_month.get(team, 0) + number
        hours = [PlacedHour(team, hour, Verdict.COUNTED, (number,)) for (team, hour), number in some.items()]
        return list(blocks(hours, {place.assignment for place in tree}, totals, tree, minimum, NOW))

    one = {(NODES.index(team), FIRST + day * 24 + hour): number for (team, day, hour), number in answers.items()}
    other = moved(one, [block.extent for block in divided(one)], data)
    assume(divided(other) == divided(one))
    store = opened(shared_database_url)
    cells_of = [
        {(NODES[team], (hour - FIRST) // 24, (hour - FIRST) % 24): number for (team, hour), number in some.items()}
        for some in (one, other)
    ]
    first, second = worlds(store, minimum, *cells_of)
    questions = data.draw(st.lists(st.sampled_from(QUESTIONS), min_size=12, max_size=12, unique=True))
    assert seen(store, first, questions) == seen(store, second, questions)


@settings(law, max_examples=max(4, law.max_examples // 8))
@given(cells, st.integers(2, 8))
def test_what_is_shown_of_an_organization_is_all_where_all_parts_are_large(
    shared_database_url: str, answers: Cells, minimum: int
) -> None:
    store = opened(shared_database_url)
    place = teams(store, minimum)
    press(store, place, {key: number + minimum for key, number in answers.items()})
    whole = build(store, operator(place.organization), ReportQuery(manage.ROOT, "2023-03-01..2023-04-30"), NOW)
    assert whole.summary is not None
    assert (whole.summary.number, whole.summary.left_out) == (sum(answers.values()) + minimum * len(answers), False)
    assert all(not cell.figure.left_out for cell in whole.heat_map)


def report_of(store: Store, place: Teams, name: str, period: str) -> Report:
    return build(store, operator(place.organization), ReportQuery(place.nodes[name], period), NOW)


def test_employees_have_a_minimum_of_five_and_customers_none(store: Store) -> None:
    place = teams(store, None)
    boss = operator(place.organization)
    press(store, place, {("a", 0, 8): 4, ("c", 0, 8): 5})
    withheld = report_of(store, place, "a", "2023-03")
    assert (withheld.withholding.minimum, withheld.withholding.left_out) == (5, True)
    assert withheld.summary is not None
    assert withheld.summary.is_withheld
    assert [line.answers for line in withheld.distribution] == [None] * 4
    manage.set_minimum_answers(store, boss, None, 4, now=NOW)
    assert report_of(store, place, "a", "2023-03").withholding.minimum == 4
    manage.set_minimum_answers(store, boss, place.survey, 1, now=NOW)
    shown = report_of(store, place, "a", "2023-03").summary
    assert shown is not None
    assert shown.number == 4
    manage.set_minimum_answers(store, boss, place.survey, None, now=NOW)
    assert manage.minimum_answers(store, boss).surveys == {}
    for wrong in (0, 1_001):
        with pytest.raises(SetupError, match="accepted are 1 to 1000"):
            manage.set_minimum_answers(store, boss, None, wrong, now=NOW)


def test_a_month_that_has_not_ended_is_named_and_the_link_has_no_revision(store: Store) -> None:
    place = teams(store, 3)
    press(store, place, {("a", 0, 8): 4, ("a", 31, 8): 4})
    now = MARCH + 40 * DAY_MS
    query = ReportQuery(place.nodes["a"], "2023-03-15..2023-04-30")
    value = build(store, operator(place.organization), query, now)
    assert value.withholding.hidden_from == date(2023, 4, 1)
    assert (value.summary and value.summary.number, value.withholding.left_out) == (None, True)
    assert value.link == f"/reports/{place.nodes['a']}?period=2023-03-15..2023-04-30"
    assert build(store, operator(place.organization), query, NOW).withholding.hidden_from is None


def test_the_running_month_tells_not_even_in_which_hours_there_are_answers(store: Store) -> None:
    place = teams(store, 3)
    now = MARCH + 9 * HOUR_MS
    queries = [ReportQuery(place.nodes[name], "2023-02-28..2023-03-31", lists_hours=True) for name in ("root", "a")]

    def looked() -> list[Report]:
        values = [build(store, operator(place.organization), query, now) for query in queries]
        return [structs.replace(value, revision=0, revised_at=None, link="") for value in values]

    before = looked()
    press(store, place, {("a", 0, 8): 1})
    assert looked() == before
    assert before[0].summary is not None
    assert before[0].summary.is_withheld
    assert [line.figure.is_withheld for line in before[0].trend[:3]] == [True, True, False]  # 2 March has begun nowhere


def test_a_filter_of_smileys_says_that_points_with_several_types_are_left_out(store: Store) -> None:
    place = teams(store, 3)
    boss = operator(place.organization)
    touch = manage.add_smiley(store, boss, "T", "Touch", SmileyType.TOUCH, now=0).id
    manage.place(store, boss, touch, place.nodes["a"], 0, now=0)
    press(store, place, {("a", 0, 8): 6, ("b", 0, 8): 7})
    query = ReportQuery(place.nodes["north"], "2023-03", smiley_type=SmileyType.TERMINAL)
    value = build(store, boss, query, NOW)
    assert value.summary is not None
    assert (value.summary.number, value.summary.left_out, value.withholding.left_out) == (7, True, True)
    assert {line.node.name: line.figure.is_withheld for line in value.children} == {"a": True, "b": False}


def test_a_report_that_would_look_at_too_many_hours_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    place = teams(store, 3)
    press(store, place, {("a", 0, 8): 4, ("a", 0, 9): 4, ("b", 0, 8): 4})
    monkeypatch.setattr("hymio.report.source.MAX_HOURS", 2)
    with pytest.raises(BadRequest, match="choose a shorter period or a node below this one"):
        report_of(store, place, "root", "2023-03")
    assert report_of(store, place, "a", "2023-03").summary is not None


def test_a_survey_without_minimum_has_older_revisions_beside_one_that_has(store: Store) -> None:
    place = teams(store, 3)
    boss = operator(place.organization)
    question = manage.add_question(store, boss, wording("And the coffee?"), now=0)
    other = manage.add_survey(store, boss, question, Scale.FOUR, now=0)
    manage.assign(store, boss, place.nodes["a"], other, [ActivePeriod(wall("1980-01-01"), wall("1990-01-01"))], now=0)
    press(store, place, {("a", 0, 8): 4})
    query = ReportQuery(place.nodes["a"], "2023-03", survey=other)
    revision = build(store, boss, query, NOW).revision
    press(store, place, {("b", 0, 8): 4})
    value = build(store, boss, replace(query, as_of=revision), NOW)
    assert [line.figure.is_withheld for line in value.surveys] == [True, False]


def test_texts_of_withheld_answers_are_not_shown_and_others_do_not_say_when(store: Store) -> None:
    place = teams(store, 3)
    for team, number in (("a", 2), ("c", 4)):
        presses = tuple(Press(7, n, MARCH + n * 1000, 1) for n in range(1, number + 1))
        said = [one._replace(phases=_phases(f"{team} {one.sequence}")) for one in presses]
        intake.record(store, place.organization, [Upload(place.smileys[team], tuple(said))], NOW)
    texts = report_of(store, place, "root", "2023-03").texts
    assert texts is not None
    assert texts.total == 6
    assert {(line.at, line.node, line.feedback) for line in texts.shown} == {(None, None, None)}
    of_team = report_of(store, place, "a", "2023-03").texts
    assert of_team is not None
    assert (of_team.total, of_team.shown) == (0, ())


def test_parts_of_the_list_of_texts_do_not_tell_their_order_in_time(store: Store) -> None:
    place = teams(store, 3)
    presses = [Press(7, n + 1, MARCH + n * 1000, 1, phases=_phases(text)) for n, text in enumerate("cabd")]
    intake.record(store, place.organization, [Upload(place.smileys["a"], tuple(presses))], NOW)
    parts = []
    for offset in range(4):
        query = ReportQuery(place.nodes["a"], "2023-03", texts=TextQuery(offset=offset, limit=2))
        texts = build(store, operator(place.organization), query, NOW).texts
        assert texts is not None
        parts.append("".join(line.text for line in texts.shown))
    assert parts == ["ab", "bc", "cd", "d"]


def _phases(text: str) -> Phases:
    return Phases((), Text(text))


def test_an_older_revision_is_not_shown_of_what_is_withheld(store: Store) -> None:
    place = teams(store, 3)
    press(store, place, {("a", 0, 8): 4})
    revision = report_of(store, place, "a", "2023-03").revision
    press(store, place, {("b", 0, 8): 4})
    with pytest.raises(Forbidden, match="only the present revision"):
        build(store, operator(place.organization), ReportQuery(place.nodes["a"], "2023-03", as_of=revision), NOW)
