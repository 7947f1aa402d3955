"""Spam that people correct: shown by all results from its revision on, and as it was at older revisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from hymio import intake, manage
from hymio.access import DataKind, Principal, Role, Via, operator
from hymio.errors import Forbidden, NotFound
from hymio.feedback import Phases, Press, Receipt, Text, Upload, feedback_id
from hymio.misuse import MisusePolicy
from hymio.period import HOUR_MS, DateRange
from hymio.personal_data import OfFeedback
from hymio.report import ReportQuery, TextQuery, build
from hymio.store import Store
from tests.served import serving
from tests.test_same_numbers import Surfaces, surfaces
from tests.world import NOW, World
from tests.world import build as build_world

AT = 1_700_000_000_000
"""2023-11-14."""

DATES = DateRange(date(2023, 11, 14), date(2023, 11, 16))


@pytest.fixture
def world(store: Store) -> World:
    """A world with four texts at point one: the second is spam by its source, of the others it says nothing."""
    world = build_world(store, policy=MisusePolicy(interval=0))
    presses = tuple(
        Press(7, n, AT + n * HOUR_MS, n % 4, phases=Phases((), Text(f"Text {n}", spam=True if n == 2 else None)))
        for n in range(1, 5)
    )
    intake.record(store, world.organization, [Upload(world.smileys[0], presses)], NOW)
    return world


def listed(store: Store, world: World, *, spam: bool = False, as_of: int | None = None) -> list[str]:
    """The texts of a report, the oldest first."""
    query = ReportQuery(world.root, "2023", texts=TextQuery(spam=spam), as_of=as_of)
    texts = build(store, operator(world.organization), query, NOW).texts
    assert texts is not None
    assert len([line for line in texts.shown if not line.spam]) == texts.total - texts.spam
    return [line.text for line in reversed(texts.shown)]


def id_of(world: World, sequence: int) -> UUID:
    return feedback_id(world.smileys[0], 7, sequence)


def test_a_correction_holds_from_its_revision_on(store: Store, world: World) -> None:
    boss = operator(world.organization)
    before = build(store, boss, ReportQuery(world.root, "2023"), NOW).revision
    assert listed(store, world) == ["Text 1", "Text 3", "Text 4"]
    manage.mark_spam(store, boss, id_of(world, 2), spam=False, now=NOW)
    between = build(store, boss, ReportQuery(world.root, "2023"), NOW).revision
    manage.mark_spam(store, boss, id_of(world, 3), spam=True, now=NOW)
    manage.mark_spam(store, boss, id_of(world, 2), spam=True, now=NOW)
    manage.mark_spam(store, boss, id_of(world, 2), spam=False, now=NOW)
    manage.mark_spam(store, boss, id_of(world, 2), spam=False, now=NOW)
    assert listed(store, world) == ["Text 1", "Text 2", "Text 4"]
    assert listed(store, world, as_of=between) == ["Text 1", "Text 2", "Text 3", "Text 4"]
    assert listed(store, world, as_of=before) == ["Text 1", "Text 3", "Text 4"]
    assert listed(store, world, spam=True, as_of=before) == ["Text 1", "Text 2", "Text 3", "Text 4"]
    audited = [(row.old, row.new) for row in manage.audit_log(store, boss) if row.verb == "mark-spam"]
    assert sorted(audited) == [(False, True)] * 2 + [(True, False)] * 2
    assert list(intake.verify(store, world.organization)) == []


def test_a_correction_survives_a_rebuild_and_a_second_delivery(store: Store, world: World) -> None:
    manage.mark_spam(store, operator(world.organization), id_of(world, 1), spam=True, now=NOW)
    again = Press(7, 1, AT + HOUR_MS, 1, phases=Phases((), Text("Text 1")))
    [receipt] = intake.record(store, world.organization, [Upload(world.smileys[0], (again,))], NOW)
    assert isinstance(receipt, Receipt)
    assert (receipt.stored, receipt.quarantined) == (0, ())
    intake.rebuild(store, world.organization, NOW)
    assert listed(store, world) == ["Text 3", "Text 4"]


def spam_of(shown: Surfaces, node: int, **more: str) -> dict[str, str]:
    rows = shown.v2_rows("text-feedbacks", DATES, experiencePointId=str(node), **more)
    return {row["text"]: row["spam"] for row in rows}


def test_both_apis_show_the_correction(store: Store, world: World) -> None:
    manage.mark_spam(store, operator(world.organization), id_of(world, 2), spam=False, now=NOW)
    manage.mark_spam(store, operator(world.organization), id_of(world, 3), spam=True, now=NOW)
    with serving(store, now=NOW) as http:
        shown = surfaces((store, http), world)
        every = {"Text 1": "false", "Text 2": "false", "Text 3": "true", "Text 4": "false"}
        assert spam_of(shown, world.root) == every
        assert spam_of(shown, world.points[0], includeSpam="false") == {
            text: spam for text, spam in every.items() if spam == "false"
        }
        published = shown.v1_json(f"{world.assignments[0]}/rawresults", DATES)
        assert {row["text"]: row.get("spam") for row in published["data"]} == {
            "Text 1": None, "Text 2": False, "Text 3": True, "Text 4": None,
        }  # fmt: skip


def test_who_may_correct(store: Store, world: World) -> None:
    admin = Principal(world.organization, Role.ADMIN, Via.SESSION, "Somebody", 1, world.groups[1])
    manage.mark_spam(store, admin, id_of(world, 1), spam=True, now=NOW)
    elsewhere = replace(admin, node=world.groups[2])
    for principal, identity in ((elsewhere, id_of(world, 1)), (admin, id_of(world, 9)), (admin, UUID(int=0))):
        with pytest.raises(NotFound, match=f"^there is no feedback {identity}$"):
            manage.mark_spam(store, principal, identity, spam=True, now=NOW)
    for refused in (replace(admin, role=Role.USER), replace(admin, kinds=frozenset({DataKind.BUTTON_FEEDBACKS}))):
        with pytest.raises(Forbidden):
            manage.mark_spam(store, refused, id_of(world, 1), spam=False, now=NOW)


def test_an_erased_text_leaves_no_correction(store: Store, world: World) -> None:
    boss = operator(world.organization)
    manage.mark_spam(store, boss, id_of(world, 1), spam=True, now=NOW)
    intake.erase(store, world.organization, OfFeedback((id_of(world, 1),)), NOW)
    with store.read() as transaction:
        assert transaction.rows("SELECT spam FROM spam_mark WHERE organization_id = :o", o=world.organization) == []
    with pytest.raises(NotFound):
        manage.mark_spam(store, boss, id_of(world, 1), spam=False, now=NOW)
