"""Law 4 for listings of feedback: pages put together are the whole list, whatever arrives in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.feedback import Feedback, Followup, Phases, Press, Text, Upload, Verdict, is_raw
from hymio.misuse import MisusePolicy
from hymio.period import HOUR_MS, Instant, InstantRange, offset_at
from hymio.results import EVERYTHING, FeedbackRow, OfNode, OfSurvey, Phase, Query, SortKey, Within
from hymio.setup import Layout
from hymio.store import Store, open_store
from hymio.store import rows as stored_rows
from hymio.store.dialect import Row, Transaction
from hymio.store.dialect.sqlite import SqliteTransaction
from hymio.store.rows import Selection
from tests.engines import ENGINES
from tests.test_laws import law, opened, stored_feedback
from tests.world import NOW, World, build, deliveries, instants_around, policies, pressed, zone_pairs

Plain = tuple[int, ...]
"""Instant, offset, button, verdict, smiley, epoch and sequence of a row."""


def page(store: Store, world: World, query: Query) -> tuple[int, list[FeedbackRow]]:
    """The revision and the rows of a page, one more than its limit where there are more."""
    query = replace(query, limit=None if query.limit is None else query.limit + 1)
    with results.rows(store, operator(world.organization), query, NOW) as found:
        return found.revision, list(found.rows)


def pages(store: Store, world: World, query: Query, between: Callable[[], object] = lambda: None) -> list[FeedbackRow]:
    """All rows, followed from page to page; something may happen in between."""
    rows: list[FeedbackRow] = []
    while True:
        revision, found = page(store, world, query)
        rows += found[: query.limit]
        if query.limit is None or len(found) <= query.limit:
            return rows
        between()
        query = replace(query, after=found[query.limit - 1].sort_key, revision=revision)


def model(store: Store, world: World, query: Query) -> list[Plain]:
    """The whole list from plain lists: what is stored, filtered and sorted."""
    layout = store.layout(world.organization)
    chosen = [each for each in stored_feedback(store, world) if _is_listed(layout, query, each)]
    rows: list[Plain] = [
        (each.at, each.offset, each.button, each.verdict, each.smiley, each.epoch, each.sequence) for each in chosen
    ]
    return rows[::-1] if query.descending else rows


def _is_listed(layout: Layout, query: Query, each: Feedback) -> bool:
    if each.assignment <= 0 or not (is_raw(each.verdict) if query.misuse else each.verdict == Verdict.COUNTED):
        return False
    assert isinstance(query.subject, OfNode | OfSurvey)
    at = layout.assignments[each.assignment]
    below = {point.id for point in layout.hierarchy.points(query.subject.node)}
    is_asked = isinstance(query.subject, OfNode) or query.subject.survey == at.survey
    if isinstance(query.within, InstantRange):
        return at.node in below and is_asked and each.at in query.within
    return at.node in below and is_asked and each.at in query.within[layout.zone_of(at.node, NOW)]


def plain(rows: Sequence[FeedbackRow]) -> list[Plain]:
    return [
        (row.at, row.offset, row.button, row.verdict, row.smiley, row.epoch, row.sequence) for row in rows
    ]  # fmt: skip


def local(start: Instant, hours: int, zones: Sequence[str]) -> Within:
    """So many hours of the wall clock from a wall time on, in each zone by its own clock of that time."""
    begins = {zone: start - 60_000 * offset_at(start, zone) for zone in map(ZoneInfo, zones)}
    return {zone: InstantRange(begin, begin + hours * HOUR_MS) for zone, begin in begins.items()}


@st.composite
def queries(draw: st.DrawFn, world: World, zones: Sequence[str]) -> Query:
    """Any listing of buttons of a world."""
    start = draw(instants_around(zones[0]))
    node, survey = draw(st.sampled_from([*world.groups, *world.points])), draw(st.sampled_from([None, *world.surveys]))
    return Query(
        OfNode(node) if survey is None else OfSurvey(node, survey),
        draw(
            st.sampled_from(
                [EVERYTHING, EVERYTHING, local(start - HOUR_MS, 30, zones), local(start - 7 * HOUR_MS, 9, zones)]
            )
        ),
        misuse=draw(st.booleans()),
        descending=draw(st.booleans()),
        limit=draw(st.sampled_from([1, 2, 3, 7, None])),
    )


@law
@given(st.data(), zone_pairs, policies)
def test_pages_put_together_are_the_whole_list(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    for uploads in data.draw(deliveries(data.draw(pressed(zone=zones[0])), world.smileys)):
        intake.record(store, world.organization, uploads, NOW)
    query = data.draw(queries(world, zones))
    expected = model(store, world, query)
    assert plain(pages(store, world, query)) == expected
    reverse = replace(query, descending=not query.descending)
    assert plain(pages(store, world, reverse)) == expected[::-1]
    for offset in range(len(expected) + 2):
        _, found = page(store, world, replace(query, offset=offset))
        assert plain(found) == expected[offset:][: None if query.limit is None else query.limit + 1]


@law
@given(st.data(), zone_pairs, policies)
def test_what_arrives_meanwhile_changes_no_page(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    commits = data.draw(deliveries(data.draw(pressed(zone=zones[0])), world.smileys))
    first = data.draw(st.integers(1, 1 + len(commits) // 2))
    for uploads in commits[:first]:
        intake.record(store, world.organization, uploads, NOW)
    waiting = iter(commits[first:])

    def more() -> None:
        for uploads in [next(waiting, None)]:
            if uploads is not None:
                intake.record(store, world.organization, uploads, NOW)
            elif data.draw(st.booleans()):
                _act_backwards(store, world, data.draw(policies))

    query = data.draw(queries(world, zones))
    expected = model(store, world, query)
    assert plain(pages(store, world, query, more)) == expected


def _act_backwards(store: Store, world: World, policy: MisusePolicy) -> None:
    with manage.batch(store, world.organization, NOW) as batch:
        manage.set_policy(batch, operator(world.organization), world.root, policy, 0, now=NOW)
    intake.resettle(store, world.organization, world.root, 0, NOW)


@law
@given(st.data(), zone_pairs, policies)
def test_what_came_after_is_listed_alike_through_presses_and_by_itself(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    commits = data.draw(deliveries(data.draw(pressed(zone=zones[0])), world.smileys))
    for uploads in commits:
        intake.record(store, world.organization, [_followed(each) for each in uploads], NOW)
    query = replace(data.draw(queries(world, zones)), offset=data.draw(st.sampled_from([0, 0, 1, 5])))
    for through in (False, True):
        expected = _with_followups(model(store, world, query), descending=query.descending)[query.offset :]
        later = partial(_act_backwards, store, world, data.draw(policies))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hymio.store.rows.has_more_answers", lambda *_, through=through: through)
            patch.setattr("hymio.results.reader.SMALL_SCOPE", 0)
            found = pages(store, world, replace(query, phase=Phase.FOLLOWUP), later)
        assert [(*each, row.sort_key.entry) for each, row in zip(plain(found), found, strict=True)] == expected


def _with_followups(buttons: list[Plain], *, descending: bool) -> list[Plain]:
    """Rows of buttons, each as often as it has follow-ups, with their positions."""
    rows: list[Plain] = [(*row, place) for row in buttons for place in _positions(row[6])]
    return sorted(rows, key=lambda row: (row[0], *row[4:]), reverse=descending)


def _positions(sequence: int) -> range:
    return range(1, 1 + sequence % 3)


def _followed(upload: Upload) -> Upload:
    """An upload whose presses each have as many follow-ups as their numbers say."""
    presses = (
        each._replace(phases=Phases(tuple(Followup(7, 3, place) for place in _positions(each.sequence))))
        for each in upload.presses
    )
    return upload._replace(presses=tuple(presses))


AT = 1_700_000_000_000


def test_new_presses_wait_for_the_next_listing(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=0))
    numbers = iter(range(1, 100))

    def press() -> None:
        pressed = tuple(Press(1, n, AT + 1000 * n, 0) for _, n in zip(range(9), numbers, strict=False))
        intake.record(store, world.organization, [Upload(world.smileys[0], pressed)], NOW)

    press()
    query = Query(OfNode(world.root), EVERYTHING, limit=4)
    assert [row.sequence for row in pages(store, world, query, press)] == list(range(1, 10))
    assert len(pages(store, world, query)) == 27


def test_phases_are_listed_in_order_of_time(store: Store) -> None:
    world = build(store)
    told = [
        Phases((Followup(7, 3), Followup(None, 4, 2, 9)), Text("no", spam=False), metadata=(("b", "2"), ("a", "1"))),
        Phases(text=Text("spam", spam=True)),
        Phases(metadata=(("c", "3"),)),
    ]
    presses = tuple(Press(1, n, AT - 60_000 * n, 0, phases=phases) for n, phases in enumerate(told, 1))
    intake.record(store, world.organization, [Upload(world.smileys[0], presses)], NOW)

    def rows(phase: Phase, *, spam: bool = True, descending: bool = False) -> list[tuple[object, ...]]:
        query = Query(OfNode(world.root), EVERYTHING, phase, spam=spam, descending=descending, limit=1)
        return [(row.sequence, *(row.answer or ())) for row in pages(store, world, query)]

    assert rows(Phase.FOLLOWUP) == [(1, 7, 3, 1, None), (1, None, 4, 2, 9)]
    assert rows(Phase.FOLLOWUP, descending=True) == [(1, None, 4, 2, 9), (1, 7, 3, 1, None)]
    assert [row[0] for row in rows(Phase.TEXT)] == [2, 1]
    assert [row[0] for row in rows(Phase.TEXT, spam=False)] == [1]
    assert rows(Phase.METADATA) == [(3, "c", "3"), (1, "a", "1"), (1, "b", "2")]
    assert rows(Phase.CONTACT) == rows(Phase.DEMOGRAPHICS) == []


def test_a_press_that_leaves_the_scope_stays_in_a_list_that_was_begun(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=0))
    presses = tuple(Press(1, n, AT + 1000 * n, 0, phases=Phases(text=Text(str(n)))) for n in range(1, 10))
    intake.record(store, world.organization, [Upload(world.smileys[0], presses)], NOW)

    def leave() -> None:
        with manage.batch(store, world.organization, NOW) as batch:
            manage.place(batch, operator(world.organization), world.smileys[0], world.points[1], 0, now=NOW)
        intake.resettle(store, world.organization, world.root, 0, NOW)

    for phase in (Phase.BUTTON, Phase.TEXT):
        query = Query(OfNode(world.points[0]), EVERYTHING, phase, limit=4)
        assert [row.sequence for row in pages(store, world, query, leave)] == list(range(1, 10))
        assert page(store, world, query)[1] == []
        with manage.batch(store, world.organization, NOW) as batch:
            manage.place(batch, operator(world.organization), world.smileys[0], world.points[0], 0, now=NOW)
        intake.resettle(store, world.organization, world.root, 0, NOW)


@pytest.mark.parametrize("descending", [False, True])
def test_an_offset_skips_texts_of_zones_whose_dates_begin_at_other_instants(store: Store, descending: bool) -> None:
    zones = "Asia/Kathmandu", "Europe/Tallinn"
    world = build(store, zones, MisusePolicy(interval=0))
    uploads = [
        Upload(
            smiley,
            tuple(Press(1, n, AT + n * HOUR_MS // 2 + place, 0, phases=Phases(text=Text(str(n)))) for n in range(40)),
        )
        for place, smiley in enumerate(world.smileys[1:3])
    ]
    intake.record(store, world.organization, uploads, NOW)
    dates = local(AT + 10 * HOUR_MS, 9, zones)  # of Kathmandu they begin and end 3:45 earlier
    query = Query(OfNode(world.root), dates, Phase.TEXT, descending=descending, limit=3)
    expected = model(store, world, query)
    assert len(expected) == 36
    for offset in range(38):
        assert plain(page(store, world, replace(query, offset=offset))[1]) == expected[offset : offset + 4]


@pytest.mark.parametrize("offset", [0, 3, 2_999, 3_000, 3_001, 5_999, 6_000])
def test_an_offset_skips_by_the_hours(store: Store, offset: int) -> None:
    world = build(store, ("Asia/Kathmandu", "Europe/Tallinn"), MisusePolicy(interval=0))
    uploads = [
        Upload(smiley, tuple(Press(1, n, AT + n * 97_000 + place, n % 4) for n in range(1, 3_001)))
        for place, smiley in enumerate(world.smileys[1:3])
    ]
    intake.record(store, world.organization, uploads, NOW)
    query = Query(OfNode(world.root), EVERYTHING, limit=5, offset=offset)
    assert plain(page(store, world, query)[1]) == model(store, world, query)[offset : offset + 6]
    backwards = Query(OfNode(world.root), EVERYTHING, descending=True, limit=5, offset=offset)
    assert plain(page(store, world, backwards)[1]) == model(store, world, backwards)[offset : offset + 6]


@pytest.mark.parametrize("phase", list(Phase)[1:], ids=str)
@pytest.mark.parametrize("descending", [False, True])
def test_presses_of_a_small_scope_are_gone_through_by_their_keys(
    phase: Phase, descending: bool, fresh_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(fresh_database("sqlite"))
    world = build(store)
    press = Press(1, 1, AT, 0, phases=Phases((Followup(7, 3),)))
    intake.record(store, world.organization, [Upload(world.smileys[0], (press,))], NOW)
    plans: list[str] = []
    stream = SqliteTransaction.stream

    def explained(self: SqliteTransaction, text: str, **values: object) -> Iterator[Row]:
        plans.extend(row[3] for row in self.rows(f"EXPLAIN QUERY PLAN {text}", **values))
        return stream(self, text, **values)

    monkeypatch.setattr(SqliteTransaction, "stream", explained)
    monkeypatch.setattr("hymio.store.rows.has_more_answers", lambda *_: True)
    monkeypatch.setattr("hymio.results.reader.SMALL_SCOPE", 0)
    after = SortKey(AT, 1, 1, 1, None if phase.entry is None else phase.entry(1))
    page(store, world, Query(OfNode(world.points[0]), EVERYTHING, phase, descending=descending, after=after, limit=9))
    store.close()
    through = [each for each in plans if each.startswith("SEARCH a ")]
    assert through
    assert all("sequence=?" in each for each in through), through


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine.startswith("postgresql")])
def test_presses_of_many_points_are_searched_assignment_by_assignment(
    engine: str, fresh_database: Callable[[str], str]
) -> None:
    store = open_store(fresh_database(engine))
    organization = build(store).organization
    selection = Selection(Phase.BUTTON, tuple(range(1, 1_001)), 1)
    with store.read() as transaction:
        plan: list[str] = []
        stream = transaction.stream

        def explained(text: str, **values: object) -> Iterator[Row]:
            plan.extend(row[0].strip() for row in transaction.rows(f"EXPLAIN {text}", **values))
            return stream(text, **values)

        transaction.stream = explained  # type: ignore[method-assign]
        assert not list(stored_rows.rows(transaction, organization, selection, AT, AT + HOUR_MS, limit=9))
    store.close()
    [searched] = (line for line in plan if line.startswith("Index Cond"))
    assert all(name in searched for name in ("organization_id", "assignment_id", "at <")), plan
    # With ANY the planner may search by the instants alone, of the presses of all assignments.
    assert "ANY" not in searched


def test_presses_are_gone_through_where_a_phase_has_more_rows_than_the_scope_has_presses(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(store, policy=MisusePolicy(interval=0))
    for smiley, count in ((world.smileys[0], 2), (world.smileys[2], 12)):
        presses = tuple(Press(1, n, AT + 1000 * n, 0, phases=Phases((Followup(7, 3),))) for n in range(1, count + 1))
        intake.record(store, world.organization, [Upload(smiley, presses)], NOW)
    asked: list[Selection] = []
    rows = stored_rows.rows

    def noted(transaction: Transaction, organization: int, of: Selection, *more: Any, **page: Any) -> Any:
        asked.append(of)
        return rows(transaction, organization, of, *more, **page)

    monkeypatch.setattr(stored_rows, "rows", noted)

    def through_presses(phase: Phase, node: int, listed_rows: int) -> bool:
        asked.clear()
        assert len(page(store, world, Query(OfNode(node), EVERYTHING, phase, limit=1_000))[1]) == listed_rows
        return {of.by_press for of in asked} == {True}

    assert not through_presses(Phase.FOLLOWUP, world.points[0], 2)  # gone through quickly, whatever is listed
    monkeypatch.setattr("hymio.results.reader.FEW_ANSWERS", 3)
    assert not through_presses(Phase.FOLLOWUP, world.points[0], 2)  # not so small a part of the assignments
    monkeypatch.setattr("hymio.results.reader.SMALL_SCOPE", 0)
    assert through_presses(Phase.FOLLOWUP, world.points[0], 2)
    assert not through_presses(Phase.FOLLOWUP, world.root, 14)
    assert not through_presses(Phase.TEXT, world.points[0], 0)
