"""Rules of `manage` in examples: what is refused by which code, and what changes nothing and is in no audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hymio import manage
from hymio.access import Permission, Role, operator
from hymio.custom import CustomField
from hymio.errors import HymioError
from hymio.manage.change import changing, instant_text
from hymio.results import OfScale, raw
from hymio.store import Store
from hymio.survey import Localized
from hymio.user import User
from tests.world import World, build, wording

NOW = 1_700_000_000_000
Verb = Callable[[Store, World], Any]


def user_of(store: Store, world: World) -> User:
    """The user that `build_with_user` added."""
    [user] = manage.users(store, operator(world.organization))
    return user


REFUSED: dict[str, Verb] = {
    "second-root": lambda store, world: manage.add_group(store, operator(world.organization), "Top", now=NOW),
    "bad-name": lambda store, world: manage.add_point(
        store, operator(world.organization), "Door", world.root, public_name="\n", now=NOW
    ),
    "api-not-activated": lambda store, world: manage.create_token(store, operator(world.organization), "BI", now=NOW),
    "organization-taken": lambda store, world: manage.create_organization(
        store, operator(), "Other", id=world.organization, now=NOW
    ),
    "unknown-smiley": lambda store, world: manage.assign(
        store, operator(world.organization), world.points[0], world.surveys[0], [], smiley=999, now=NOW
    ),
    "bad-option-count": lambda store, world: manage.add_followup(
        store,
        operator(world.organization),
        world.surveys[0],
        positive=True,
        wording=wording("Why?"),
        options=[],
        now=NOW,
    ),
    "default-text-missing": lambda store, world: manage.add_question(
        store, operator(world.organization), Localized("en", {"fi": "Miten meni?"}), now=NOW
    ),
    "no-role-of-a-person": lambda store, world: manage.edit_user(
        store, operator(world.organization), replace(user_of(store, world), role=Role.DEVICE), now=NOW
    ),
    "bad-parameter": lambda store, world: manage.audit_log(store, operator(world.organization), limit=0),
    "unknown-node": lambda store, world: manage.audit_log(store, operator(world.organization), node=999),
}
"""Calls of verbs and readers, by the code of their error."""


def built(store: Store) -> World:
    """An organization with a user and a custom field."""
    world = build(store)
    boss = operator(world.organization)
    manage.add_user(store, boss, "jo@example.com", "Jo", "Doe", world.root, now=NOW)
    manage.add_custom_field(store, boss, CustomField("floor", "Floor"), now=NOW)
    manage.set_custom_value(store, boss, world.points[0], "floor", "2", now=NOW)
    return world


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_refused_has_its_code(code: str, store: Store) -> None:
    world = built(store)
    with pytest.raises(HymioError) as refusal:
        REFUSED[code](store, world)
    assert refusal.value.code == code


def test_what_is_so_already_is_in_no_audit_log(store: Store) -> None:
    world = built(store)
    boss = operator(world.organization)
    manage.localize_question(store, boss, 1, "fi", "Miten meni?", now=NOW)
    before = manage.audit_log(store, boss)
    manage.set_raw_results(store, boss, enabled=True, now=NOW)
    manage.set_language(store, boss, "en", now=NOW)
    manage.edit_user(store, boss, user_of(store, world), now=NOW)
    manage.change_custom_field(store, boss, CustomField("floor", "Floor"), now=NOW)
    manage.set_custom_value(store, boss, world.points[0], "floor", "2", now=NOW)
    manage.localize_question(store, boss, 1, "fi", "Miten meni?", now=NOW)
    assert manage.audit_log(store, boss) == before


def test_a_verb_that_forgets_to_check_its_reach_fails(store: Store) -> None:
    """A mistake in a verb, which no caller can make."""
    world = build(store)
    boss = operator(world.organization)
    with (
        pytest.raises(RuntimeError, match="did not check"),
        changing(store, boss, Permission.CHANGE_TREE, NOW) as change,
    ):
        change.audit("rename-node", "node 1")


def test_an_instant_beyond_the_calendar_is_shown_in_milliseconds() -> None:
    assert instant_text(2**61) == f"{2**61} ms"


def test_a_scale_that_there_is_not(store: Store) -> None:
    world = build(store)
    with (
        pytest.raises(HymioError, match="no scale of 7 buttons"),
        raw(store, operator(world.organization), OfScale(world.root, 7)),
    ):
        pass


def test_results_of_an_organization_that_there_is_not(store: Store) -> None:
    with pytest.raises(HymioError, match="no organization 999"), raw(store, operator(999), OfScale(1, 4)):
        pass
