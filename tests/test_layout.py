"""Laws of a layout without a database: made from an older one, it equals the one made from all rows at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio.errors import SetupError
from hymio.hierarchy import BEGINNING, Node, NodeKind
from hymio.misuse import MisusePolicy
from hymio.scale import Scale
from hymio.setup import END, Layout, LayoutRows
from hymio.sharing import regrouped, replaced
from hymio.smiley import Placement, Smiley, SmileyType
from hymio.survey import ActivePeriod, Assignment, Survey
from tests.world import wall

HOUR = 3_600_000
START = int(wall("2024-03-30T00:00+00:00").timestamp()) * 1000
"""Within two days of it, the clocks of Helsinki change."""

ROOT, GROUPS, POINTS, SURVEYS, SMILEYS = 1, (2, 3), (4, 5, 6), (1, 2), (1, 2, 3)

# --- rows ------------------------------------------------------------------------------------------------------------

instants = st.integers(0, 12).map(lambda step: START + 4 * step * HOUR)
walls = st.integers(0, 12).map(lambda step: wall("2024-03-30") + timedelta(hours=4 * step))
periods = st.lists(st.builds(ActivePeriod, walls, st.none() | walls), max_size=2).map(tuple)
zone_names = st.sampled_from(["UTC", "Europe/Helsinki", "America/New_York", "Asia/Kathmandu"])
policies = st.builds(MisusePolicy, interval=st.sampled_from([0, 60]))
any_group, any_point = st.sampled_from((ROOT, *GROUPS)), st.sampled_from(POINTS)


def rows_of(keys: tuple[int, ...], row: Any, present: int = 8) -> st.SearchStrategy[dict[int, Any]]:
    """Rows of some of the keys; about one of `present` is none."""
    nothing = st.integers(1, present).map(lambda number: number == 1)

    def one(key: int) -> st.SearchStrategy[Any]:
        return nothing.flatmap(lambda gone: st.none() if gone else row(key))

    return st.lists(st.sampled_from(keys), max_size=3).flatmap(
        lambda some: st.fixed_dictionaries({key: one(key) for key in some})
    )


def nodes(key: int) -> st.SearchStrategy[Node]:
    """Groups and points, now and then one in place of the other; a group lies below the root or a lower number."""
    usual = NodeKind.GROUP if key in GROUPS else NodeKind.EXPERIENCE_POINT
    kind = st.sampled_from([usual] * 3 + list(NodeKind))
    parent = any_group.filter(lambda group: group < key)
    return st.builds(Node, st.just(key), parent=parent, kind=kind, name=st.sampled_from(["One", "Two"]))


def steps(value: st.SearchStrategy[Any]) -> Any:
    some = st.lists(st.tuples(st.just(BEGINNING) | instants, st.none() | value), min_size=1, max_size=2)
    return lambda _: some.map(lambda pairs: tuple(sorted(dict(pairs).items())))


def placements(smiley: int) -> st.SearchStrategy[tuple[Placement, ...]]:
    node = st.integers(1, 30).flatmap(lambda one: any_group if one == 1 else any_point)
    some = st.builds(Placement, st.just(smiley), node, instants, st.none() | instants)
    return st.lists(some, min_size=1, max_size=2, unique_by=lambda placement: placement.start).map(
        lambda made: tuple(sorted(made, key=lambda placement: placement.start))
    )


def assignments(key: int) -> st.SearchStrategy[Assignment]:
    asked = {"node": any_point, "survey": st.sampled_from(SURVEYS), "periods": periods}
    return st.builds(Assignment, st.just(key), smiley=st.none() | st.sampled_from(SMILEYS), **asked)


def surveys(key: int) -> st.SearchStrategy[Survey]:
    return st.builds(Survey, st.just(key), question=st.just(1), scale=st.sampled_from(Scale))


def smileys(key: int) -> st.SearchStrategy[Smiley]:
    return st.builds(Smiley, st.just(key), serial=st.just("S"), name=st.just("N"), type=st.sampled_from(SmileyType))


PARTS: dict[str, st.SearchStrategy[dict[int, Any]]] = {
    "nodes": rows_of((*GROUPS, *POINTS), nodes),
    "zones": rows_of((ROOT, *GROUPS, *POINTS), steps(zone_names)),
    "policies": rows_of((ROOT, *GROUPS, *POINTS), steps(policies)),
    "surveys": rows_of(SURVEYS, surveys),
    "assignments": rows_of((1, 2, 3, 4), assignments),
    "smileys": rows_of(SMILEYS, smileys, present=4),
    "placements": rows_of(SMILEYS, placements),
}
changes = st.sampled_from(["nodes", "smileys", *PARTS]).flatmap(
    lambda part: PARTS[part].map(lambda rows: LayoutRows(**{part: rows}))
)

always = (ActivePeriod(wall("2024-03-30")),)
FIRST = LayoutRows(
    nodes={
        ROOT: Node(ROOT, None, NodeKind.GROUP, "Root"),
        **{key: Node(key, ROOT, NodeKind.GROUP, "Group") for key in GROUPS},
        **{key: Node(key, 2, NodeKind.EXPERIENCE_POINT, "Point") for key in POINTS},
    },
    surveys={key: Survey(key, 1, Scale.FOUR) for key in SURVEYS},
    assignments={key: Assignment(key, key + 3, 1, always) for key in (1, 2, 3)},
    smileys={key: Smiley(key, "S", "N", SmileyType.TERMINAL) for key in SMILEYS},
    placements={key: (Placement(key, key + 3, START),) for key in SMILEYS},
)


def with_rows(before: LayoutRows, rows: LayoutRows) -> LayoutRows:
    """All rows after a change."""
    names = [field.name for field in fields(LayoutRows)]
    return LayoutRows(**{name: dict(replaced(getattr(before, name), getattr(rows, name))) for name in names})


# --- laws ------------------------------------------------------------------------------------------------------------


@settings(max_examples=4 * settings().max_examples)
@given(changed=st.lists(st.lists(changes, min_size=1, max_size=3), max_size=8))
def test_a_changed_layout_equals_one_of_all_rows(changed: list[list[LayoutRows]]) -> None:
    """It gives the same answers, whatever was worked out before, and is refused exactly where all of it is."""
    rows, layout = FIRST, Layout(1, 0).changed(FIRST, 1)
    for several in changed:
        answers(layout)
        before, after, every = layout, layout, rows
        changed_ids: dict[Any, frozenset[int]] = {}
        try:
            for change in several:
                after, every = after.changed(change, after.revision + 1), with_rows(every, change)
                changed_ids = {
                    part: changed_ids.get(part, frozenset()) | keys for part, keys in change.changed_ids.items()
                }
            made = Layout(1, 0).changed(every, after.revision)
        except SetupError:  # a node without a group above it: all rows would say so too
            with pytest.raises(SetupError):
                Layout(1, 0).changed(with_rows(every, change), 1)
            continue
        refused = is_refused(partial(after.check_changes, before, changed_ids), made.check)
        if not refused:
            assert after == made
            assert answers(after) == answers(made)
            rows, layout = every, after


def is_refused(*checks: Callable[[], None]) -> bool:
    """Whether a set-up is impossible, on which all checks must agree."""
    refused = 0
    for check in checks:
        try:
            check()
        except SetupError:
            refused += 1
    assert refused in (0, len(checks))
    return bool(refused)


SAMPLED = [START + step * HOUR for step in range(-4, 60, 2)]


def answers(layout: Layout) -> list[object]:
    """All that a layout answers, in the order in which it gives it."""
    keys, placed = list(layout.hierarchy.nodes), list(layout.smileys)
    return [
        keys, placed, list(layout.assignments), list(layout.surveys), list(layout.placements), layout.hierarchy.root,
        [layout.hierarchy.children(node) for node in keys],
        [layout.zones_at(node).steps for node in keys],
        [layout.assignments_at(node) for node in keys],
        [layout.placed_at(node) for node in keys],
        [layout.ranges(key) for key in layout.assignments],
        [layout.group_subjects(key) for key in layout.assignments],
        [layout.policies_of(key, smiley).steps for key in layout.assignments for smiley in placed],
        [list(layout.resolved_ranges(smiley, BEGINNING, END)) for smiley in placed],
        [layout.resolve(smiley, at) for smiley in placed for at in SAMPLED],
    ]  # fmt: skip


# --- examples --------------------------------------------------------------------------------------------------------


def test_what_a_change_does_not_affect_is_shared() -> None:
    before = Layout(1, 0).changed(FIRST, 1)
    answers(before)
    node = replace(before.hierarchy.nodes[4], name="Renamed")
    renamed = before.changed(LayoutRows(nodes={4: node}), 2)
    assert renamed.hierarchy.path(4) == "Root / Group / Renamed"
    assert before.hierarchy.path(4) == "Root / Group / Point"
    assert renamed.assignments is before.assignments
    assert renamed._memory.resolutions is before._memory.resolutions
    moved = renamed.changed(LayoutRows(placements={1: (Placement(1, 6, START),)}), 3)
    assert 1 not in moved._memory.resolutions
    assert moved._memory.resolutions[2] is before._memory.resolutions[2]


keys = st.integers(-3, 9)


@given(before=st.dictionaries(keys, st.integers()), changed=st.dictionaries(keys, st.none() | st.integers()))
def test_replaced(before: dict[int, int], changed: dict[int, int | None]) -> None:
    before = dict(sorted(before.items()))
    expected = {key: value for key, value in ({**before, **changed}).items() if value is not None}
    assert list(replaced(before, changed).items()) == sorted(expected.items())


@given(values=st.lists(st.tuples(keys, keys), unique=True), split=st.integers(0, 20), left=st.integers(0, 20))
def test_regrouped(values: list[tuple[int, int]], split: int, left: int) -> None:
    def grouped(some: list[tuple[int, int]], before: dict[int, tuple[tuple[int, int], ...]], gone: Any = ()) -> Any:
        return regrouped(before, gone, some, lambda value: value[0], lambda value: value[1])

    gone = values[:split][:left]
    stayed = [value for value in values if value not in gone]
    assert grouped(values[split:], grouped(values[:split], {}), gone) == grouped(stayed, {})
