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

from hymio import intake, manage
from hymio.access import operator
from hymio.feedback import Feedback, Followup, Phases, Press, Text, Upload, Verdict, is_raw
from hymio.misuse import MisusePolicy
from hymio.period import HOUR_MS, InstantRange, offset_at
from hymio.results import EVERYTHING, Phase, Wanted, listed, place_of
from hymio.setup import Layout
from hymio.store import Store, listing, open_store
from hymio.store.dialect import Row, Transaction
from hymio.store.listing import Selection
from tests.test_laws import law, opened, stored_feedback
from tests.world import NOW, World, build, deliveries, instants_around, policies, pressed, zone_pairs

Within = Callable[[ZoneInfo], InstantRange]


def everywhere(_zone: ZoneInfo) -> InstantRange:
    return EVERYTHING


def page(store: Store, world: World, wanted: Wanted) -> tuple[int, list[Row]]:
    with listed(store, world.organization, wanted, NOW) as found:
        return found.revision, list(found.rows)


def pages(store: Store, world: World, wanted: Wanted, between: Callable[[], object] = lambda: None) -> list[Row]:
    """All rows, followed from page to page; something may happen in between."""
    rows: list[Row] = []
    while True:
        revision, found = page(store, world, wanted)
        rows += found[: wanted.limit]
        if len(found) <= wanted.limit:
            return rows
        between()
        after = place_of(found[wanted.limit - 1], wanted.phase)
        wanted = replace(wanted, after=after, revision=revision)


def model(store: Store, world: World, wanted: Wanted) -> list[Row]:
    """The whole list from plain lists: what is stored, filtered and sorted."""
    layout = store.layout(world.organization)
    chosen = [each for each in stored_feedback(store, world) if _is_listed(layout, wanted, each)]
    rows: list[Row] = [
        (each.at, each.offset, each.button, each.verdict, each.smiley, each.epoch, each.sequence) for each in chosen
    ]
    return rows[::-1] if wanted.descending else rows


def _is_listed(layout: Layout, wanted: Wanted, each: Feedback) -> bool:
    if each.assignment <= 0 or not (is_raw(each.verdict) if wanted.misuse else each.verdict == Verdict.COUNTED):
        return False
    at = layout.assignments[each.assignment]
    below = {point.id for point in layout.hierarchy.points(wanted.node)}
    zone = layout.zone_of(at.node, NOW)
    return at.node in below and wanted.survey in (None, at.survey) and each.at in wanted.within(zone)


def plain(rows: Sequence[Row]) -> list[Row]:
    return [row[:7] for row in rows]


def local(start: int, hours: int) -> Within:
    """So many hours of the wall clock from a wall time on, in each zone by its own clock of that time."""

    def within(zone: ZoneInfo) -> InstantRange:
        offset = 60_000 * offset_at(start, zone)
        return InstantRange(start - offset, start - offset + hours * HOUR_MS)

    return within


@st.composite
def queries(draw: st.DrawFn, world: World, zone: str) -> Wanted:
    """Any listing of buttons of a world."""
    start = draw(instants_around(zone))
    return Wanted(
        phase=Phase.BUTTON,
        node=draw(st.sampled_from([*world.groups, *world.points])),
        survey=draw(st.sampled_from([None, *world.surveys])),
        within=draw(
            st.sampled_from([everywhere, everywhere, local(start - HOUR_MS, 30), local(start - 7 * HOUR_MS, 9)])
        ),
        misuse=draw(st.booleans()),
        descending=draw(st.booleans()),
        limit=draw(st.sampled_from([1, 2, 3, 7])),
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
    wanted = data.draw(queries(world, zones[0]))
    expected = model(store, world, wanted)
    assert plain(pages(store, world, wanted)) == expected
    reverse = replace(wanted, descending=not wanted.descending)
    assert plain(pages(store, world, reverse)) == expected[::-1]
    for offset in range(len(expected) + 2):
        _, found = page(store, world, replace(wanted, offset=offset))
        assert plain(found) == expected[offset : offset + wanted.limit + 1]


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

    wanted = data.draw(queries(world, zones[0]))
    expected = model(store, world, wanted)
    assert plain(pages(store, world, wanted, more)) == expected


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
    wanted = replace(data.draw(queries(world, zones[0])), offset=data.draw(st.sampled_from([0, 0, 1, 5])))
    for through in (False, True):
        expected = _with_followups(model(store, world, wanted), descending=wanted.descending)[wanted.offset :]
        later = partial(_act_backwards, store, world, data.draw(policies))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hymio.results.listing.listing.has_more", lambda *_, through=through: through)
            patch.setattr("hymio.results.listing._FEW", 0)
            found = pages(store, world, replace(wanted, phase=Phase.FOLLOWUP), later)
        assert [(*row[:7], row[9]) for row in found] == expected


def _with_followups(buttons: list[Row], *, descending: bool) -> list[Row]:
    """Rows of buttons, each as often as it has follow-ups, with their positions."""
    rows: list[Row] = [(*row, place) for row in buttons for place in _positions(row[6])]
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
    wanted = Wanted(Phase.BUTTON, world.root, None, everywhere, limit=4)
    assert [row[6] for row in pages(store, world, wanted, press)] == list(range(1, 10))
    assert len(pages(store, world, wanted)) == 27


def test_phases_are_listed_in_order_of_time(store: Store) -> None:
    world = build(store)
    told = [
        Phases((Followup(7, 3), Followup(None, 4, 2, 9)), Text("no", spam=False), metadata=(("b", "2"), ("a", "1"))),
        Phases(text=Text("spam", spam=True)),
        Phases(metadata=(("c", "3"),)),
    ]
    presses = tuple(Press(1, n, AT - 60_000 * n, 0, phases=phases) for n, phases in enumerate(told, 1))
    intake.record(store, world.organization, [Upload(world.smileys[0], presses)], NOW)

    def rows(phase: Phase, **more: bool) -> list[tuple[object, ...]]:
        wanted = Wanted(phase, world.root, None, everywhere, limit=1, **more)  # type: ignore[arg-type]  # flags
        return [(row[6], *row[9:]) for row in pages(store, world, wanted)]

    assert rows(Phase.FOLLOWUP) == [(1, 1, 7, 3, None), (1, 2, None, 4, 9)]
    assert rows(Phase.FOLLOWUP, descending=True) == [(1, 2, None, 4, 9), (1, 1, 7, 3, None)]
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
        wanted = Wanted(phase, world.points[0], None, everywhere, limit=4)
        assert [row[6] for row in pages(store, world, wanted, leave)] == list(range(1, 10))
        assert page(store, world, wanted)[1] == []
        with manage.batch(store, world.organization, NOW) as batch:
            manage.place(batch, operator(world.organization), world.smileys[0], world.points[0], 0, now=NOW)
        intake.resettle(store, world.organization, world.root, 0, NOW)


@pytest.mark.parametrize("offset", [0, 3, 2_999, 3_000, 3_001, 5_999, 6_000])
def test_an_offset_skips_by_the_hours(store: Store, offset: int) -> None:
    world = build(store, ("Asia/Kathmandu", "Europe/Tallinn"), MisusePolicy(interval=0))
    uploads = [
        Upload(smiley, tuple(Press(1, n, AT + n * 97_000 + place, n % 4) for n in range(1, 3_001)))
        for place, smiley in enumerate(world.smileys[1:3])
    ]
    intake.record(store, world.organization, uploads, NOW)
    wanted = Wanted(Phase.BUTTON, world.root, None, everywhere, limit=5, offset=offset)
    assert plain(page(store, world, wanted)[1]) == model(store, world, wanted)[offset : offset + 6]
    backwards = Wanted(Phase.BUTTON, world.root, None, everywhere, descending=True, limit=5, offset=offset)
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
    stream = Transaction.stream

    def explained(self: Transaction, text: str, **values: object) -> Iterator[Row]:
        plans.extend(row[3] for row in self.rows(f"EXPLAIN QUERY PLAN {text}", **values))
        return stream(self, text, **values)

    monkeypatch.setattr(Transaction, "stream", explained)
    monkeypatch.setattr("hymio.results.listing.listing.has_more", lambda *_: True)
    monkeypatch.setattr("hymio.results.listing._FEW", 0)
    after = (AT, 1, 1, 1, *(1 for _ in phase.order))
    page(store, world, Wanted(phase, world.points[0], None, everywhere, descending=descending, after=after))
    store.close()
    through = [each for each in plans if each.startswith("SEARCH p ")]
    assert through
    assert all("sequence=?" in each for each in through), through


def test_presses_are_gone_through_where_a_phase_has_more_rows_than_the_scope_has_presses(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(store, policy=MisusePolicy(interval=0))
    for smiley, count in ((world.smileys[0], 2), (world.smileys[2], 12)):
        presses = tuple(Press(1, n, AT + 1000 * n, 0, phases=Phases((Followup(7, 3),))) for n in range(1, count + 1))
        intake.record(store, world.organization, [Upload(smiley, presses)], NOW)
    asked: list[Selection] = []
    rows = listing.rows

    def noted(transaction: Transaction, organization: int, of: Selection, *more: Any) -> Iterator[Row]:
        asked.append(of)
        return rows(transaction, organization, of, *more)

    monkeypatch.setattr(listing, "rows", noted)

    def through_presses(phase: Phase, node: int, listed_rows: int) -> bool:
        asked.clear()
        assert len(page(store, world, Wanted(phase, node, None, everywhere))[1]) == listed_rows
        return {of.few for of in asked} == {True}

    assert not through_presses(Phase.FOLLOWUP, world.points[0], 2)  # gone through quickly, whatever is listed
    monkeypatch.setattr("hymio.results.listing._QUICKLY", 3)
    assert not through_presses(Phase.FOLLOWUP, world.points[0], 2)  # not so small a part of the assignments
    monkeypatch.setattr("hymio.results.listing._FEW", 0)
    assert through_presses(Phase.FOLLOWUP, world.points[0], 2)
    assert not through_presses(Phase.FOLLOWUP, world.root, 14)
    assert not through_presses(Phase.TEXT, world.points[0], 0)
