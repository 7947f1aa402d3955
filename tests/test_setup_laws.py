"""Laws of the set-up: refreshed by what changed, it equals the one loaded from nothing and is refused as that is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import count
from threading import Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import intake
from hymio.errors import HymioError, SetupError
from hymio.feedback import Press, Upload
from hymio.hierarchy import BEGINNING
from hymio.setup import END, Content, Layout, Part
from hymio.store import Store, catalog, open_store
from hymio.store.ledger import Ledger
from hymio.store.setup.changes import MAX_CHANGES, layout_changes
from hymio.store.setup.content_rows import load_content
from hymio.store.setup.layout_rows import load_layout
from hymio.store.setup.remembered import KEPT_REVISIONS, Remembered
from tests.setup_changes import START, Change, begun, changes, instants
from tests.world import NOW, build

law = settings(max_examples=max(5, settings().max_examples // 2))


class Undone(Exception):
    """Something else than the set-up that makes a commit fail."""


# --- refreshed and loaded from nothing -------------------------------------------------------------------------------

commits = st.lists(
    st.tuples(st.integers(0, 1), st.lists(changes, min_size=1, max_size=4), st.sampled_from([False, False, False, True])),
    min_size=1,
    max_size=8,
)
forgotten = st.none() | st.integers(1, 8)


@law
@given(commits=commits, forgotten=forgotten)
def test_a_refreshed_set_up_equals_one_loaded_from_nothing(
    shared_database_url: str, commits: list[tuple[int, list[Change], bool]], forgotten: int | None
) -> None:
    """By whichever of two processes each change was made, and in both of them."""
    with closing(open_store(shared_database_url)) as one, closing(open_store(shared_database_url)) as other:
        organization = new_organization(one)
        for number, (by, made, is_undone) in enumerate(commits):
            commit((one, other)[by], organization, made, is_undone=is_undone)
            if number == forgotten:
                one.forget_setup_changes(organization, number)
            for store in (other, one):
                assert_refreshed(store, organization)


def new_organization(store: Store) -> int:
    organization = catalog.create_organization(store, f"Changing {next(_names)}", NOW)
    with store.begin(organization, NOW) as ledger:
        begun(ledger)
    return organization


_names = count(1)


def commit(store: Store, organization: int, made: Sequence[Change], *, is_undone: bool) -> None:
    """Makes those of the changes that no rule forbids; refused exactly when the whole of what results is."""
    expected: str | None = None
    try:
        with store.begin(organization, NOW) as ledger:
            for change in made:
                attempt(ledger, change)
            expected = refusal(ledger)
            if is_undone:
                raise Undone
    except Undone:
        return
    except SetupError:
        assert expected is not None, "refused, but the whole of it is possible"
        return
    assert expected is None


def attempt(ledger: Ledger, change: Change) -> None:
    try:
        with ledger.setup.savepoint():
            change(ledger)
    except HymioError:
        pass


def refusal(ledger: Ledger) -> str | None:
    """Why a set-up cannot be, if all of it is loaded and checked."""
    try:
        load_layout(ledger.transaction, ledger.organization, ledger.revision).check()
    except SetupError as error:
        return error.detail
    return None


def assert_refreshed(store: Store, organization: int) -> None:
    with store.read() as transaction:
        layout, content = store.layout_now(transaction, organization), store.content_now(transaction, organization)
        loaded = load_layout(transaction, organization, layout.revision)
        texts = load_content(transaction, organization, content.revision)
    assert layout == loaded
    assert answers(layout) == answers(loaded)
    assert content == texts
    assert asked(layout, content) == asked(loaded, texts)


SAMPLED = [START + step * 5_400_000 for step in range(-4, 40)]


def answers(layout: Layout) -> list[object]:
    """All that a layout answers, in the order in which it gives it."""
    nodes, assignments, smileys = list(layout.hierarchy.nodes), list(layout.assignments), list(layout.smileys)
    return [
        nodes, assignments, smileys, list(layout.surveys), list(layout.placements), layout.hierarchy.root,
        [[child.id for child in layout.hierarchy.children(node)] for node in nodes],
        [layout.zones_at(node).steps for node in nodes],
        [layout.assignments_at(node) for node in nodes],
        [layout.placed_at(node) for node in nodes],
        [layout.ranges(key) for key in assignments],
        [layout.group_keys(key) for key in assignments],
        [layout.smiley_types(key) for key in assignments],
        [layout.policies_of(key, smiley).steps for key in assignments for smiley in smileys],
        [list(layout.standings(smiley, BEGINNING, END)) for smiley in smileys],
        [layout.resolve(smiley, at) for smiley in smileys for at in SAMPLED],
    ]  # fmt: skip


def asked(layout: Layout, content: Content) -> list[object]:
    surveys = list(layout.surveys.values())
    return [
        list(content.questions), list(content.followup_questions),
        [content.questions.get(survey.question) for survey in surveys],
        [content.followups(survey) for survey in surveys],
    ]  # fmt: skip
