"""Texts that rows of listings share are remembered as long as the set-up, and not for every separator of a client."""

from __future__ import annotations

from hymio import manage
from hymio.access import operator
from hymio.api.v2 import writer
from hymio.api.v2.feedbacks import KINDS, Names
from hymio.store import Store
from tests.world import NOW, build


def test_a_separator_that_a_client_made_up_is_not_remembered(store: Store) -> None:
    layout = store.layout(build(store).organization)

    def remembered() -> int:
        return len(writer.shared.of(layout))

    for separator in (None, ",", ";"):
        writer.body([], KINDS[0], Names(layout, None), separator)
    before = remembered()
    assert before
    for separator in map(chr, range(0x100, 0x200)):
        writer.body([], KINDS[0], Names(layout, None), separator)
    assert remembered() == before


def test_another_set_up_begins_with_no_texts(store: Store) -> None:
    world = build(store)
    layout = store.layout(world.organization)
    writer.shared.of(layout)["key"] = {1: "old"}
    assert writer.shared.of(layout) == {"key": {1: "old"}}
    manage.rename_node(store, operator(world.organization), world.root, "Renamed", now=NOW)
    assert writer.shared.of(store.layout(world.organization)) == {}
