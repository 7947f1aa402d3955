"""A folder of API v1 that is remembered is the one that would be made anew, at every moment and for every set-up."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from hymio import manage
from hymio.access import operator
from hymio.api.v1 import rows
from hymio.api.v1.params import Tree
from hymio.api.v1.trees import Trees, right_until
from hymio.period import DAY_MS
from hymio.survey import ActivePeriod, State
from tests.test_laws import law, opened
from tests.world import build, zone_pairs

AT = 1_767_225_600_000
"""2026-01-01T00:00Z; years begin around it."""


@law
@given(st.data(), zone_pairs)
def test_a_remembered_tree_is_that_of_the_moment(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str]
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones)
    boss, trees = operator(world.organization), Trees(data.draw(st.sampled_from([0, 2_000, 1 << 20])))
    moments = st.integers(AT - 2 * DAY_MS, AT + 2 * DAY_MS)
    edge = data.draw(moments)
    now = edge + data.draw(st.sampled_from([-DAY_MS, -1, 0, 1]))
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.integers(0, 3)) == 0:
            name = data.draw(st.sampled_from(["A", "B"]))
            manage.rename_node(store, boss, world.points[0], name, now=AT)
        if data.draw(st.integers(0, 3)) == 0:
            manage.set_zone(store, boss, world.points[1], zones[0], edge, now=AT)
        if data.draw(st.integers(0, 3)) == 0:
            turn = datetime.fromtimestamp(edge // 1000, UTC).replace(tzinfo=None)
            manage.set_periods(store, boss, world.assignments[0], [ActivePeriod(turn)], now=AT)
        now = data.draw(st.one_of(st.just(now), st.integers(-2, 2).map(edge.__add__), moments))
        layout, content = store.layout(world.organization), store.content(world.organization)
        node = layout.hierarchy.nodes[data.draw(st.sampled_from([world.root, world.groups[1]]))]
        parameters = Tree(True, data.draw(st.sampled_from([None, *State])))
        made = encode(rows.folder(layout, content, node, parameters, now))
        key = layout.revision, content.revision, node.id, parameters
        body = trees.body(key, layout, now, partial(bytes, made))
        assert body.content == made
        assert now < right_until(layout, now)


def test_a_tree_is_made_once_until_something_changes(shared_database_url: str) -> None:
    store = opened(shared_database_url)
    world, trees, made = build(store), Trees(), list[int]()
    layout = store.layout(world.organization)

    def make() -> bytes:
        made.append(1)
        return b"{}"

    for now in (AT, AT + 1, AT + 15 * 60_000 - 1):
        assert trees.body("tree", layout, now, make).content == b"{}"
    assert len(made) == 1
    trees.body("tree", layout, AT + 15 * 60_000, make)
    trees.body("other", layout, AT, make)
    assert len(made) == 3


def test_bodies_are_forgotten_also_if_they_are_small(shared_database_url: str) -> None:
    store = opened(shared_database_url)
    layout, trees, made = store.layout(build(store).organization), Trees(most_bytes=10_000), list[int]()

    def make() -> bytes:
        made.append(1)
        return b"{}"

    for folder in [*range(100), 0, 0]:
        trees.body(folder, layout, AT, make)
    assert len(made) == 101
