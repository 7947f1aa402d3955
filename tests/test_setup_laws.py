"""Laws of the set-up: refreshed by what changed, it equals the one loaded from nothing and is refused as that is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from itertools import count
from threading import Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import operator
from hymio.errors import SetupError, Unavailable
from hymio.feedback import Press, Upload
from hymio.hierarchy import BEGINNING, NodeKind
from hymio.intake import Receipt
from hymio.manage import Batch
from hymio.setup import END, Content, Layout, Part
from hymio.store import Store, open_store
from hymio.store.catalog import nodes
from hymio.store.ledger import Ledger
from hymio.store.setup.changes import MAX_CHANGES, layout_changes
from hymio.store.setup.content_rows import load_content
from hymio.store.setup.layout_rows import load_layout
from hymio.store.setup.remembered import CACHED_REVISIONS, Remembered
from tests.setup_changes import START, Change, attempt, begun, changes
from tests.world import NOW, build

law = settings(max_examples=max(5, settings().max_examples // 2))


class Undone(Exception):
    """Something else than the set-up that makes a commit fail."""


# --- refreshed and loaded from nothing -------------------------------------------------------------------------------

undone = st.integers(0, 3).map(lambda number: number == 3)
commits = st.lists(
    st.tuples(st.integers(0, 1), st.lists(changes, min_size=1, max_size=4), undone), min_size=1, max_size=8
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
    organization = manage.create_organization(store, operator(), f"Changing {next(_names)}", now=NOW)
    with manage.batch(store, organization, NOW) as batch:
        begun(batch)
    return organization


_names = count(1)


def commit(store: Store, organization: int, made: Sequence[Change], *, is_undone: bool) -> None:
    """Makes those of the changes that no rule forbids; refused exactly when the whole of what results is."""
    is_possible = True
    try:
        with manage.batch(store, organization, NOW) as batch:
            for change in made:
                attempt(change, batch)
            is_possible = is_whole_possible(batch.ledger)
            if is_undone:
                raise Undone
    except Undone:
        return
    except SetupError:
        assert not is_possible, "what is refused is possible"
        return
    assert is_possible, "what is impossible was not refused"


def is_whole_possible(ledger: Ledger) -> bool:
    """Whether a set-up passes if all of it is loaded and checked."""
    try:
        load_layout(ledger.transaction, ledger.organization, ledger.revision).check()
    except SetupError:
        return False
    return True


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
        [layout.group_subjects(key) for key in assignments],
        [layout.smiley_types(key) for key in assignments],
        [layout.policies_of(key, smiley).steps for key in assignments for smiley in smileys],
        [list(layout.resolved_ranges(smiley, BEGINNING, END)) for smiley in smileys],
        [layout.resolve(smiley, at) for smiley in smileys for at in SAMPLED],
    ]  # fmt: skip


def asked(layout: Layout, content: Content) -> list[object]:
    surveys = list(layout.surveys.values())
    return [
        list(content.questions), list(content.followup_questions), list(content.flows),
        [content.questions.get(survey.question) for survey in surveys],
        [content.followups(survey) for survey in surveys],
    ]  # fmt: skip


# --- one process -----------------------------------------------------------------------------------------------------


def test_the_next_reader_has_what_the_writer_made(store: Store) -> None:
    """Not before the commit, and never what was undone."""
    world = build(store)
    before, texts = store.layout(world.organization), store.content(world.organization)
    with suppress(Undone), manage.batch(store, world.organization, NOW) as batch:
        rename(batch, world.root, "Undone")
        localize(batch, "Undone?")
        assert (batch.layout.hierarchy.path(world.root), question(batch.content)) == ("Undone", "Undone?")
        assert store.layout(world.organization) is before
        assert store.content(world.organization) is texts
        raise Undone
    assert store.layout(world.organization) is before
    assert store.content(world.organization) is texts
    with manage.batch(store, world.organization, NOW) as batch:
        rename(batch, world.root, "Renamed")
        localize(batch, "Now?")
        made = batch.ledger
    assert store.layout(world.organization) is made.layout
    assert store.content(world.organization) is made.content
    assert (made.layout.hierarchy.path(world.root), question(made.content)) == ("Renamed", "Now?")
    assert_refreshed(store, world.organization)


def test_content_that_was_read_between_two_changes_of_a_commit_is_cached_with_both(database_url: str) -> None:
    """In a process that has no content yet, such as a command."""
    with closing(open_store(database_url)) as store:
        world = build(store)
    with closing(open_store(database_url)) as store:
        with manage.batch(store, world.organization, NOW) as batch:
            localize(batch, "First?")
            assert question(batch.content) == "First?"
            localize(batch, "Second?")
        assert question(store.content(world.organization)) == "Second?"
        assert_refreshed(store, world.organization)


def rename(batch: Batch, node: int, name: str) -> None:
    manage.rename_node(batch, operator(batch.organization), node, name, now=NOW)


def localize(batch: Batch, text: str) -> None:
    manage.localize_question(batch, operator(batch.organization), 1, "en-US", text, now=NOW)


def question(content: Content) -> str:
    return content.questions[1].wording.text


def test_a_verb_that_is_refused_leaves_the_layout_of_its_batch_as_it_was(store: Store) -> None:
    world = build(store)
    with manage.batch(store, world.organization, NOW) as batch:
        rename(batch, world.root, "Renamed")
        before = batch.layout
        with suppress(Undone), batch.ledger.savepoint():
            nodes.update_name(batch.ledger, world.root, "Refused")
            assert batch.layout.hierarchy.path(world.root) == "Refused"
            raise Undone
        assert batch.layout is before
    assert store.layout(world.organization).hierarchy.path(world.root) == "Renamed"


def test_intake_and_resettling_read_no_content(database_url: str) -> None:
    with closing(open_store(database_url)) as store:
        world = build(store)
    with closing(open_store(database_url)) as store:
        press = Press(7, 1, NOW - 60_000, 3)
        [receipt] = intake.record(store, world.organization, [Upload(world.smileys[0], (press,))], NOW)
        assert isinstance(receipt, Receipt)
        assert receipt.stored == 1
        intake.resettle(store, world.organization, world.root, NOW - 120_000, NOW)
        assert store._remembered.layouts.has(world.organization)
        assert not store._remembered.contents.has(world.organization)


def test_a_new_process_loads_the_layout_before_it_waits_for_the_writer(store: Store, database_url: str) -> None:
    world = build(store)
    with closing(open_store(database_url, lock_seconds=0.1)) as new:
        with store.begin(world.organization, NOW), pytest.raises(Unavailable), new.begin(world.organization, NOW):
            pass
        assert new._remembered.layouts.has(world.organization)


def test_a_batch_reads_what_another_process_changed_before_it_waits_for_the_writer(
    store: Store, database_url: str
) -> None:
    world = build(store)
    with closing(open_store(database_url, lock_seconds=0.1)) as other:
        other.layout(world.organization)
        with manage.batch(store, world.organization, NOW) as batch:
            rename(batch, world.root, "Renamed")
        with store.begin(world.organization, NOW), pytest.raises(Unavailable):
            rename_alone(other, world.organization, world.root)
        cached = other._remembered.layouts.newest(world.organization, END)
        assert cached is not None
        assert cached.hierarchy.path(world.root) == "Renamed"


def rename_alone(store: Store, organization: int, node: int) -> None:
    manage.rename_node(store, operator(organization), node, "Again", now=NOW)


# --- several processes -----------------------------------------------------------------------------------------------


def test_what_an_older_hymio_changed_without_a_list_is_read(store: Store, database_url: str) -> None:
    world = build(store)
    assert store.layout(world.organization).hierarchy.path(world.root) != "Old"
    with closing(open_store(database_url)) as other, other.begin(world.organization, NOW) as ledger:
        values = {"o": world.organization, "revision": ledger.revision}
        ledger.transaction.run(
            "UPDATE node SET name = 'Old' WHERE organization_id = :o AND id = 1", o=world.organization
        )
        ledger.transaction.run("UPDATE ledger SET setup_revision = :revision WHERE organization_id = :o", **values)
    assert store.layout(world.organization).hierarchy.path(world.root) == "Old"


@pytest.mark.parametrize("count_changed", [MAX_CHANGES, MAX_CHANGES + 1])
def test_many_changes_are_read_at_once(store: Store, database_url: str, count_changed: int) -> None:
    world = build(store)
    before = store.layout(world.organization)
    with closing(open_store(database_url)) as other, other.begin(world.organization, NOW) as ledger:
        for number in range(count_changed):
            nodes.insert_node(ledger, 100 + number, world.root, NodeKind.GROUP, f"Group {number}", None)
    assert len(store.layout(world.organization).hierarchy.nodes) == len(before.hierarchy.nodes) + count_changed
    assert_refreshed(store, world.organization)


def test_who_is_behind_what_was_forgotten_loads_all(store: Store, database_url: str) -> None:
    """And who has the newest of it reads on row by row."""
    with closing(open_store(database_url)) as behind, closing(open_store(database_url)) as ahead:
        world = build(store)
        revisions = []
        for number in range(4):
            if number == 1:
                behind.layout(world.organization)
            revisions.append(store.layout(world.organization).revision)
            with manage.batch(store, world.organization, NOW) as batch:
                rename(batch, world.root, f"Root {number}")
            ahead.layout(world.organization)
        last = store.layout(world.organization).revision
        store.forget_setup_changes(world.organization, last)
        store.forget_setup_changes(world.organization, last)
        with store.read() as transaction:
            changed = [layout_changes(transaction, world.organization, revision, last) for revision in revisions]
        assert changed == [None, None, None, {Part.NODE: frozenset({world.root})}]
        for reader in (behind, ahead):
            assert_refreshed(reader, world.organization)


# --- several threads -------------------------------------------------------------------------------------------------


def test_a_reader_never_sees_a_set_up_that_is_not_of_its_view(store: Store) -> None:
    world = build(store)
    done = Event()

    def change() -> None:
        for number in range(40):
            with manage.batch(store, world.organization, NOW) as batch:
                rename(batch, world.root, f"Root {number}")
        done.set()

    writer = Thread(target=change)
    writer.start()
    seen = []
    while not done.is_set():
        with store.read() as transaction:
            text = """SELECT l.setup_revision, n.name FROM ledger l
                JOIN node n ON n.organization_id = l.organization_id AND n.id = 1 WHERE l.organization_id = :o"""
            expected = transaction.row(text, o=world.organization)
            for _ in range(3):
                layout = store.layout_now(transaction, world.organization)
                seen.append(expected == (layout.revision, layout.hierarchy.path(1)))
    writer.join()
    assert seen
    assert all(seen)


@given(revisions=st.lists(st.integers(1, 9)), wanted=st.integers(0, 10))
def test_an_older_value_never_replaces_a_newer_one(revisions: list[int], wanted: int) -> None:
    remembered = Remembered[Layout]()
    newest = list[int]()
    for revision in revisions:
        remembered.remember(Layout(1, revision))
        newest += [revision] if not newest or revision > newest[-1] else []
    there = [revision for revision in newest[-CACHED_REVISIONS:] if revision <= wanted]
    found = remembered.newest(1, wanted)
    assert (found and found.revision) == (there[-1] if there else None)
    assert remembered.newest(2, wanted) is None
