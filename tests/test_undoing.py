"""The set-up can be undone: nodes, surveys and smileys are renamed, removed, or archived where feedback lies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from hymio import intake, manage
from hymio.access import Principal, operator
from hymio.errors import NotFound, SetupError
from hymio.feedback import Press, Upload, Verdict
from hymio.manage import Archivable, Removal
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.store import Store, open_store
from hymio.store.quarantine import newest_quarantined, quarantine_counts
from hymio.survey import ActivePeriod, Localized, State
from tests.terminals import PLACED, put_up, stored

HOUR = 3_600_000
NOW = PLACED + 200 * 24 * HOUR


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def boss(store: Store) -> Principal:
    """The operator of an organization with one point (2), survey (1) and smiley (1), and as much without feedback."""
    boss = operator(put_up(store, 2).organization)
    with manage.batch(store, boss.organization, PLACED) as batch:
        group = manage.add_group(batch, boss, "Group", manage.ROOT, now=PLACED)
        point = manage.add_point(batch, boss, "Door", group, now=PLACED)
        question = manage.add_question(batch, boss, Localized("en-US", {"en-US": "Why?", "fi": "Miksi?"}), now=PLACED)
        survey = manage.add_survey(batch, boss, question, Scale.FIVE, now=PLACED)
        wording = Localized("en-US", {"en-US": "What?"})
        manage.add_followup(batch, boss, survey, positive=True, wording=wording, options=[wording] * 2, now=PLACED)
        manage.set_minimum_answers(batch, boss, survey, 7, now=PLACED)
        manage.assign(batch, boss, point, survey, [ActivePeriod(datetime(2025, 1, 1))], now=PLACED)  # noqa: DTZ001
        manage.set_zone(batch, boss, point, "Europe/Paris", now=PLACED)
        added = manage.add_smiley(batch, boss, "NEW", "New", SmileyType.TERMINAL, now=PLACED)
        manage.place(batch, boss, added.id, point, PLACED, now=PLACED)
    assert intake.record(store, boss.organization, [Upload(1, (Press(7, 1, NOW - HOUR, 3),))], NOW)
    return boss


def counts(store: Store) -> dict[str, int]:
    tables = ("node", "node_setting", "survey", "question", "followup_question", "followup_option", "localization")
    more = ("assignment", "active_period", "smiley", "placement", "minimum_answers")
    return {table: len(stored(store, 1, table, "1")) for table in (*tables, *more)}


def is_whole(store: Store, boss: Principal, database_url: str) -> bool:
    """What is remembered is what is stored, and stored feedback fits the set-up."""
    fresh = open_store(database_url)
    try:
        same = fresh.layout(1) == store.layout(1) and fresh.content(1) == store.content(1)
    finally:
        fresh.close()
    return same and list(intake.verify(store, boss.organization)) == []


def test_what_was_never_used_leaves_nothing(store: Store, boss: Principal, database_url: str) -> None:
    smiley = max(store.layout(1).smileys)
    assert manage.remove_smiley(store, boss, smiley, now=NOW) is Removal.REMOVED
    with pytest.raises(SetupError, match="nodes lie below"):
        manage.remove_node(store, boss, 3, now=NOW)
    assert manage.remove_node(store, boss, 4, now=NOW) is Removal.REMOVED
    assert manage.remove_node(store, boss, 3, now=NOW) is Removal.REMOVED
    assert manage.remove_survey(store, boss, 2, now=NOW) is Removal.REMOVED
    layout = store.layout(1)
    assert (set(layout.hierarchy.nodes), set(layout.surveys), set(layout.smileys)) == ({1, 2}, {1}, {1, 2})
    assert counts(store) == {
        "node": 2, "node_setting": 1, "survey": 1, "question": 1, "followup_question": 0, "followup_option": 0,
        "localization": 1, "assignment": 1, "active_period": 1, "smiley": 2, "placement": 2, "minimum_answers": 0,
    }  # fmt: skip
    assert manage.archived(store, boss) == dict.fromkeys(Archivable, frozenset())
    assert is_whole(store, boss, database_url)
    again = manage.add_smiley(store, boss, "NEW", "New", SmileyType.TERMINAL, now=NOW)  # its serial is free again
    assert again.id == smiley


def test_what_feedback_lies_at_is_archived_and_keeps_it(store: Store, boss: Principal, database_url: str) -> None:
    before = stored(store, 1, "feedback", "at, assignment_id, verdict")
    for kind, remove, key in (
        (Archivable.SURVEY, manage.remove_survey, 1),
        (Archivable.SMILEY, manage.remove_smiley, 1),
        (Archivable.NODE, manage.remove_node, 2),
    ):
        assert remove(store, boss, key, now=NOW) is Removal.ARCHIVED
        assert manage.archived(store, boss)[kind] == {key}
    assert stored(store, 1, "feedback", "at, assignment_id, verdict") == before
    later = NOW + 2 * 60_000
    assert store.layout(1).state(1, later) is State.ENDED
    assert [store.layout(1).placement(smiley, later) for smiley in (1, 2)] == [None, None]
    assert is_whole(store, boss, database_url)
    for kind in Archivable:
        manage.unarchive(store, boss, kind, 2 if kind is Archivable.NODE else 1, now=NOW)
        with pytest.raises(NotFound, match="not archived"):
            manage.unarchive(store, boss, kind, 1, now=NOW)
    assert not any(manage.archived(store, boss).values())


def test_a_group_above_feedback_is_archived_whole(store: Store, boss: Principal, database_url: str) -> None:
    manage.move_node(store, boss, 2, 3, now=NOW)
    assert manage.remove_node(store, boss, 3, now=NOW) is Removal.ARCHIVED
    later = NOW + 2 * 60_000
    assert {store.layout(1).state(key, later) for key in store.layout(1).assignments} == {State.ENDED}
    assert not any(store.layout(1).placement(smiley, later) for smiley in store.layout(1).smileys)
    assert is_whole(store, boss, database_url)


def test_an_archived_smiley_has_no_token_any_more(store: Store, boss: Principal) -> None:
    token = manage.new_token(store, boss, 1, now=NOW)
    manage.remove_smiley(store, boss, 1, now=NOW)
    with store.read() as transaction:
        assert manage.device_principal(transaction, token) is None


def test_the_root_and_what_others_name_stay(store: Store, boss: Principal) -> None:
    with pytest.raises(SetupError, match="the root"):
        manage.remove_node(store, boss, manage.ROOT, now=NOW)
    manage.activate_api(store, boss, now=NOW)
    manage.create_token(store, boss, "Board", 4, now=NOW)
    with pytest.raises(SetupError, match="named by tokens"):
        manage.remove_node(store, boss, 4, now=NOW)


def test_siblings_have_names_of_their_own(store: Store, boss: Principal) -> None:
    for act in (
        lambda: manage.add_group(store, boss, "group", manage.ROOT, now=NOW),
        lambda: manage.add_point(store, boss, " EXIT ", manage.ROOT, now=NOW),
        lambda: manage.rename_node(store, boss, 3, "exit", now=NOW),
    ):
        with pytest.raises(SetupError, match="is called"):
            act()
    below = manage.add_point(store, boss, "Exit", 3, now=NOW)  # a cousin may have it
    with pytest.raises(SetupError, match="is called"):
        manage.move_node(store, boss, below, manage.ROOT, now=NOW)
    manage.rename_node(store, boss, 3, "GROUP", now=NOW)  # its own name in another case


def test_a_smiley_is_renamed(store: Store, boss: Principal, database_url: str) -> None:
    manage.rename_smiley(store, boss, 1, "By the exit", now=NOW)
    assert (store.layout(1).smileys[1].name, store.layout(1).smileys[1].serial) == ("By the exit", "T1")
    assert next(iter(manage.audit_log(store, boss))).verb == "rename-smiley"
    assert is_whole(store, boss, database_url)


def test_presses_in_quarantine_are_dismissed_and_stay(store: Store, boss: Principal, database_url: str) -> None:
    def listed(*, dismissed: bool = False) -> tuple[list[tuple[Verdict, int]], int]:
        with store.read() as transaction:
            counts = quarantine_counts(transaction, 1, dismissed=dismissed)
            return counts, len(newest_quarantined(transaction, 1, 9, dismissed=dismissed))

    def send(smiley: int, sequence: int, button: int, at: int = NOW - HOUR) -> None:
        assert intake.record(store, 1, [Upload(smiley, (Press(8, sequence, at, button),))], NOW)

    send(1, 1, 9)
    send(1, 1, 8)  # a conflict, which has no feedback row
    send(2, 1, 9)
    send(2, 2, 0, PLACED - HOUR)
    off_scale, conflict, nowhere = Verdict.OFF_SCALE, Verdict.CONFLICT, Verdict.NO_PLACEMENT
    everything = sorted([(nowhere, 1), (off_scale, 2), (conflict, 1)])
    assert listed() == (everything, 4)
    assert manage.dismiss_quarantined(store, boss, 1, now=NOW) == 2
    assert listed() == (sorted([(nowhere, 1), (off_scale, 1)]), 2)
    assert manage.dismiss_quarantined(store, boss, reason=nowhere, now=NOW) == 1
    assert listed() == ([(off_scale, 1)], 1)
    send(1, 3, 9)  # a later one of the same smiley and reason
    assert listed() == ([(off_scale, 2)], 2)
    assert listed(dismissed=True) == (sorted([(nowhere, 1), (off_scale, 3), (conflict, 1)]), 5)
    assert manage.dismiss_quarantined(store, boss, now=NOW) == 2
    assert (listed(), manage.dismiss_quarantined(store, boss, now=NOW)) == (([], 0), 0)
    assert is_whole(store, boss, database_url)
    manage.begin_resettle(store, boss, manage.ROOT, 0, now=NOW)
    assert listed() == listed(dismissed=True)
