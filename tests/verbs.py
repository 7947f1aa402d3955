"""Every verb of `manage` with arguments drawn for an organization, and what each takes by docs/access.md."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import uuid4

from hypothesis import strategies as st

from hymio import manage
from hymio.access import EVERY_KIND, DataKind, Permission, Principal, Role, Via, operator
from hymio.alert import AlertType
from hymio.brand import Brand
from hymio.custom import CustomField
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS
from hymio.personal_data import Contact, OfContact, OfFeedback, OfOrganization, OfPeriod, PersonalData
from hymio.scale import Scale
from hymio.smiley import Publication, SmileyType
from hymio.store import Store
from hymio.store.lease import Outcome
from hymio.store.outbox import OutboxId
from hymio.survey import ActivePeriod, Flow, Localized
from hymio.user import LoginMethod, Theme, User

NOW = 1_700_000_000_000
ROOT, NOWHERE = manage.ROOT, 99
"""The root of the tree, and a number that no node has."""

SHARED_BY = 1
"""The user who shares the report of its own node, by the link with the number 1."""

PEOPLE = (Role.USER, Role.ADMIN, Role.PARTNER)
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Grown:
    """An organization with a tree and something of each kind, each at a node that was drawn."""

    organization: int
    parents: dict[int, int | None]
    points: tuple[int, ...]
    placed: dict[int, tuple[int, ...]]  # by smiley
    asked_at: int
    users: dict[int, User]
    token_at: int | None
    specified_at: int
    raised_at: int
    failed: OutboxId
    published: Publication
    claim: str

    def reaches(self, principal: Principal, node: int | None) -> bool:
        """Whether a principal reaches a node, or the whole tree, by the parents of the tree alone."""
        if node is None:
            return principal.node in (None, ROOT)
        if node not in self.parents:
            return False
        above: int | None = node
        while above not in (None, principal.node):
            above = self.parents[above]
        return above == principal.node


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a verb, and what it takes: a permission, nodes within reach (None: the whole tree), and no more kinds
    of data, permissions of a role, or another's account than the principal has."""

    verb: Callable[..., Any]
    permission: Permission
    nodes: tuple[int | None, ...]
    args: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)
    kinds: frozenset[DataKind] = frozenset()
    roles: tuple[Role, ...] = ()
    user: int | None = None
    is_announcement: bool = False
    """Whether the verb changes no table: its audit row comes before work that other parts do."""

    def is_allowed(self, world: Grown, principal: Principal) -> bool:
        """What the documents say."""
        return (
            self.permission in principal.role.permissions
            and all(world.reaches(principal, node) for node in self.nodes)
            and self.kinds <= principal.kinds
            and all(role.permissions <= principal.role.permissions for role in self.roles)
            and (self.user in (None, principal.id) or principal.role not in PEOPLE)
        )

    def make(self, where: Store | manage.Batch, principal: Principal) -> Any:
        """Calls the verb."""
        return self.verb(where, principal, *self.args, **self.named, now=NOW)


Draw: TypeAlias = st.DrawFn
VERBS: dict[str, Callable[[Draw, Grown], Attempt]] = {}


def verb(make: Callable[[Draw, Grown], Attempt]) -> Callable[[Draw, Grown], Attempt]:
    """Adds a maker of attempts under the name of its verb."""
    VERBS[make.__name__] = make
    return make


def _node(draw: Draw, world: Grown) -> int:
    return draw(st.sampled_from([*world.parents, NOWHERE]))


def _names(draw: Draw, world: Grown, number: int) -> int:
    """A number that is there, or one that is not."""
    return draw(st.sampled_from([number, number, number, NOWHERE]))


def _english(text: str) -> Localized:
    return Localized("en-US", {"en-US": text})


def _reached(node: int | None, *, exists: bool) -> tuple[int | None, ...]:
    """The node of a thing, or one that nobody reaches where there is no such thing."""
    return (node,) if exists else (NOWHERE,)


# --- the tree --------------------------------------------------------------------------------------------------------


@verb
def add_group(draw: Draw, world: Grown) -> Attempt:
    node = draw(st.sampled_from([*world.parents, NOWHERE, None]))
    return Attempt(manage.add_group, Permission.CHANGE_TREE, (node,), ("New group", node))


@verb
def add_point(draw: Draw, world: Grown) -> Attempt:
    node = _node(draw, world)
    return Attempt(manage.add_point, Permission.CHANGE_TREE, (node,), ("New point", node))


@verb
def rename_node(draw: Draw, world: Grown) -> Attempt:
    node, name = _node(draw, world), draw(st.sampled_from(["Other name", "Group", "Point", "", "x" * 300]))
    return Attempt(manage.rename_node, Permission.CHANGE_TREE, (node,), (node, name))


@verb
def move_node(draw: Draw, world: Grown) -> Attempt:
    node, parent = _node(draw, world), _node(draw, world)
    return Attempt(manage.move_node, Permission.CHANGE_TREE, (node, parent), (node, parent))


@verb
def set_zone(draw: Draw, world: Grown) -> Attempt:
    node, zone = _node(draw, world), draw(st.sampled_from(["Europe/Helsinki", "No/Where"]))
    return Attempt(manage.set_zone, Permission.CHANGE_TREE, (node,), (node, zone, draw(st.sampled_from([None, NOW]))))


@verb
def set_policy(draw: Draw, world: Grown) -> Attempt:
    node = _node(draw, world)
    return Attempt(manage.set_policy, Permission.CHANGE_TREE, (node,), (node, MisusePolicy(interval=9)))


# --- surveys ---------------------------------------------------------------------------------------------------------


@verb
def add_question(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.add_question, Permission.CHANGE_SURVEYS, (None,), (_english("And?"),))


@verb
def add_survey(draw: Draw, world: Grown) -> Attempt:
    question = _names(draw, world, 1)
    return Attempt(
        manage.add_survey, Permission.CHANGE_SURVEYS, _reached(None, exists=question == 1), (question, Scale.FIVE)
    )  # fmt: skip


@verb
def add_followup(draw: Draw, world: Grown) -> Attempt:
    survey, count = _names(draw, world, 1), draw(st.sampled_from([1, 6, 0, 7]))
    named = {"positive": True, "wording": _english("Why?"), "options": [_english("So")] * count}
    nodes = _reached(None, exists=survey == 1)
    return Attempt(manage.add_followup, Permission.CHANGE_SURVEYS, nodes, (survey,), named)


@verb
def assign(draw: Draw, world: Grown) -> Attempt:
    node, survey = _node(draw, world), _names(draw, world, 1)
    start = datetime.fromisoformat(draw(st.sampled_from(["2000-01-01", "2030-01-01"])))
    nodes = (node, *(() if survey == 1 else (NOWHERE,)))
    return Attempt(manage.assign, Permission.CHANGE_SURVEYS, nodes, (node, survey, [ActivePeriod(start)]))


@verb
def set_periods(draw: Draw, world: Grown) -> Attempt:
    assignment = _names(draw, world, 1)
    periods = [ActivePeriod(datetime.fromisoformat("2001-01-01"))] * draw(st.integers(0, 1))
    nodes = _reached(world.asked_at, exists=assignment == 1)
    return Attempt(manage.set_periods, Permission.CHANGE_SURVEYS, nodes, (assignment, periods))


def _localize(make: Callable[..., Any], draw: Draw, world: Grown) -> Attempt:
    number, locale = _names(draw, world, 1), draw(st.sampled_from(["fi", "fin", "en-US"]))
    nodes = _reached(None, exists=number == 1)
    return Attempt(make, Permission.CHANGE_SURVEYS, nodes, (number, locale, "Miksi?"))


@verb
def localize_question(draw: Draw, world: Grown) -> Attempt:
    return _localize(manage.localize_question, draw, world)


@verb
def localize_followup_question(draw: Draw, world: Grown) -> Attempt:
    return _localize(manage.localize_followup_question, draw, world)


@verb
def localize_followup_option(draw: Draw, world: Grown) -> Attempt:
    return _localize(manage.localize_followup_option, draw, world)


# --- smileys ---------------------------------------------------------------------------------------------------------


@verb
def add_smiley(draw: Draw, world: Grown) -> Attempt:
    serial = draw(st.sampled_from([f"N{next(_numbers)}", "PLACED", "bad serial"]))
    point = draw(st.none() | st.sampled_from([*world.points, NOWHERE]))
    args = (serial, "New", SmileyType.TOUCH)
    return Attempt(manage.add_smiley, Permission.CHANGE_SMILEYS, (point,), args, {"point": point})


def _smiley(draw: Draw, world: Grown) -> tuple[int, tuple[int | None, ...]]:
    smiley = draw(st.sampled_from([*world.placed, NOWHERE]))
    return smiley, (NOWHERE,) if smiley == NOWHERE else world.placed[smiley] or (None,)


@verb
def new_token(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    return Attempt(manage.new_token, Permission.CHANGE_SMILEYS, nodes, (smiley,))


@verb
def new_claim(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    return Attempt(manage.new_claim, Permission.CHANGE_SMILEYS, nodes, (smiley,))


@verb
def use_claim(draw: Draw, world: Grown) -> Attempt:
    code = draw(st.sampled_from([world.claim, world.claim.lower().replace("-", " "), "NO-SUCH-CODE"]))
    nodes = _reached(None, exists=code != "NO-SUCH-CODE")
    return Attempt(manage.use_claim, Permission.DELIVER_FEEDBACK, nodes, (code,))


@verb
def place(draw: Draw, world: Grown) -> Attempt:
    (smiley, nodes), node = _smiley(draw, world), _node(draw, world)
    return Attempt(manage.place, Permission.CHANGE_SMILEYS, (*nodes, node), (smiley, node, NOW))


@verb
def unplace(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    return Attempt(manage.unplace, Permission.CHANGE_SMILEYS, nodes, (smiley, NOW))


@verb
def publish_smiley(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    token = draw(st.sampled_from([None, f"{next(_numbers):032X}", "too short"]))
    return Attempt(manage.publish_smiley, Permission.CHANGE_SMILEYS, nodes, (smiley, token))


@verb
def edit_publication(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    origin = draw(st.sampled_from(["https://shop.example", "no origin"]))
    made = replace(world.published, origins=(origin,), is_installing=True)
    return Attempt(
        manage.edit_publication, Permission.CHANGE_SMILEYS, nodes if smiley == 2 else (*nodes, NOWHERE), (smiley, made)
    )


@verb
def withdraw_smiley(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    return Attempt(
        manage.withdraw_smiley, Permission.CHANGE_SMILEYS, nodes if smiley == 2 else (*nodes, NOWHERE), (smiley,)
    )


@verb
def renew_addresses(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    return Attempt(
        manage.renew_addresses, Permission.CHANGE_SMILEYS, nodes if smiley == 2 else (*nodes, NOWHERE), (smiley,)
    )


@verb
def set_flow(draw: Draw, world: Grown) -> Attempt:
    number, names = _names(draw, world, 1), draw(st.sampled_from([("refId",), ("no name",)]))
    made = Flow(number, asks_text=True, metadata=names)
    return Attempt(manage.set_flow, Permission.CHANGE_SURVEYS, _reached(None, exists=number == 1), (made,))


# --- custom data -----------------------------------------------------------------------------------------------------


@verb
def add_custom_field(draw: Draw, world: Grown) -> Attempt:
    made = CustomField(draw(st.sampled_from(["new", "format", "no word"])), "New")
    return Attempt(manage.add_custom_field, Permission.CHANGE_CUSTOM_DATA, (None,), (made,))


def _field(draw: Draw) -> tuple[str, tuple[int | None, ...]]:
    name = draw(st.sampled_from(["format", "format", "unknown"]))
    return name, _reached(None, exists=name == "format")


@verb
def change_custom_field(draw: Draw, world: Grown) -> Attempt:
    name, nodes = _field(draw)
    options = draw(st.sampled_from([(), ("City", "Kiosk"), ("Kiosk",)]))
    made = CustomField(name, "Format", "select", options)
    return Attempt(manage.change_custom_field, Permission.CHANGE_CUSTOM_DATA, nodes, (made,))


@verb
def remove_custom_field(draw: Draw, world: Grown) -> Attempt:
    name, nodes = _field(draw)
    return Attempt(manage.remove_custom_field, Permission.CHANGE_CUSTOM_DATA, nodes, (name,))


@verb
def set_custom_value(draw: Draw, world: Grown) -> Attempt:
    node, (name, _) = _node(draw, world), _field(draw)
    nodes = (node, *(() if name == "format" else (NOWHERE,)))
    value = draw(st.sampled_from(["City", "Nowhere"]))
    return Attempt(manage.set_custom_value, Permission.CHANGE_CUSTOM_DATA, nodes, (node, name, value))


@verb
def clear_custom_value(draw: Draw, world: Grown) -> Attempt:
    node, (name, _) = _node(draw, world), _field(draw)
    nodes = (node, *(() if name == "format" else (NOWHERE,)))
    return Attempt(manage.clear_custom_value, Permission.CHANGE_CUSTOM_DATA, nodes, (node, name))


# --- users -----------------------------------------------------------------------------------------------------------


@verb
def add_user(draw: Draw, world: Grown) -> Attempt:
    node, role = _node(draw, world), draw(st.sampled_from(PEOPLE))
    email = draw(st.sampled_from(["new@example.com", "1@EXAMPLE.com", "nobody"]))
    return Attempt(manage.add_user, Permission.CHANGE_USERS, (node,), (email, "N", "N", node, role), roles=(role,))


@verb
def edit_user(draw: Draw, world: Grown) -> Attempt:
    number, node, role = _names(draw, world, 1), _node(draw, world), draw(st.sampled_from(PEOPLE))
    old = world.users[1]
    locale = draw(st.sampled_from(["en", old.locale]))
    made = User(number, old.email, "J", "D", node, role, locale, True, LoginMethod.EMAIL_PASSWORD, NOW)
    nodes = (node, *_reached(old.node, exists=number == 1))
    return Attempt(manage.edit_user, Permission.CHANGE_USERS, nodes, (made,), roles=(role, old.role))


@verb
def remove_user(draw: Draw, world: Grown) -> Attempt:
    number = _names(draw, world, 1)
    nodes = _reached(world.users[1].node, exists=number == 1)
    return Attempt(manage.remove_user, Permission.CHANGE_USERS, nodes, (number,), roles=(world.users[1].role,))


def _account(draw: Draw, world: Grown) -> tuple[int, tuple[int | None, ...]]:
    """The number of a user, or one that no user has, and its node."""
    number = draw(st.sampled_from([1, 2, NOWHERE]))
    return number, _reached(world.users[number].node if number in world.users else None, exists=number != NOWHERE)


@verb
def invite_user(draw: Draw, world: Grown) -> Attempt:
    number, nodes = _account(draw, world)
    roles = (world.users[number].role,) if number in world.users else ()
    return Attempt(manage.invite_user, Permission.CHANGE_USERS, nodes, (number,), roles=roles)


@verb
def reset_password(draw: Draw, world: Grown) -> Attempt:
    number, nodes = _account(draw, world)
    roles = (world.users[number].role,) if number in world.users else ()
    return Attempt(manage.reset_password, Permission.CHANGE_USERS, nodes, (number,), roles=roles)


@verb
def disable_user(draw: Draw, world: Grown) -> Attempt:
    number, nodes = _account(draw, world)
    roles = (world.users[number].role,) if number in world.users else ()
    return Attempt(manage.disable_user, Permission.CHANGE_USERS, nodes, (number,), roles=roles)


def _own(draw: Draw, world: Grown, name: Callable[..., Any], *args: Any) -> Attempt:
    """A verb on one's own account."""
    number, nodes = _account(draw, world)
    return Attempt(name, Permission.CHANGE_OWN_ACCOUNT, nodes, (number, *args), user=number)


@verb
def set_password(draw: Draw, world: Grown) -> Attempt:
    return _own(draw, world, manage.set_password, draw(st.sampled_from(["a long enough password", "short"])))


@verb
def set_preferences(draw: Draw, world: Grown) -> Attempt:
    return _own(
        draw, world, manage.set_preferences, draw(st.sampled_from(["en-US", "fi"])), draw(st.sampled_from(Theme))
    )


@verb
def begin_session(draw: Draw, world: Grown) -> Attempt:
    return _own(draw, world, manage.begin_session, "Firefox")


@verb
def end_session(draw: Draw, world: Grown) -> Attempt:
    return _own(draw, world, manage.end_session, draw(st.sampled_from([1, 2, NOWHERE])))


@verb
def end_sessions(draw: Draw, world: Grown) -> Attempt:
    return _own(draw, world, manage.end_sessions, draw(st.sampled_from([None, 1, NOWHERE])))


# --- credentials -----------------------------------------------------------------------------------------------------


@verb
def activate_api(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.activate_api, Permission.CHANGE_CREDENTIALS, (None,))


@verb
def rotate_api(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.rotate_api, Permission.CHANGE_CREDENTIALS, (None,))


@verb
def revoke_api(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.revoke_api, Permission.CHANGE_CREDENTIALS, (None,))


@verb
def set_raw_results(draw: Draw, world: Grown) -> Attempt:
    named = {"enabled": draw(st.booleans())}
    return Attempt(manage.set_raw_results, Permission.CHANGE_CREDENTIALS, (None,), (), named)


@verb
def set_language(draw: Draw, world: Grown) -> Attempt:
    language = draw(st.sampled_from(["en", "fi", "tlh"]))
    return Attempt(manage.set_language, Permission.CHANGE_CREDENTIALS, (None,), (language,))


@verb
def new_sms_secret(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.new_sms_secret, Permission.CHANGE_CREDENTIALS, (None,))


_kinds = st.sampled_from([EVERY_KIND, frozenset({DataKind.SURVEYS}), frozenset[DataKind]()])


@verb
def create_token(draw: Draw, world: Grown) -> Attempt:
    node, kinds = draw(st.sampled_from([*world.parents, NOWHERE, None])), draw(_kinds)
    args = ("Token", node, kinds)
    return Attempt(
        manage.create_token, Permission.CHANGE_CREDENTIALS, (node,), args, kinds=kinds, roles=(Role.CLIENT,)
    )  # fmt: skip


@verb
def edit_token(draw: Draw, world: Grown) -> Attempt:
    token, node = _names(draw, world, 1), draw(st.sampled_from([*world.parents, NOWHERE, None]))
    kinds, nodes = draw(_kinds), (node, *_reached(world.token_at, exists=token == 1))
    args = (token, "Token", node, kinds, None)
    return Attempt(manage.edit_token, Permission.CHANGE_CREDENTIALS, nodes, args, kinds=kinds, roles=(Role.CLIENT,))


@verb
def revoke_token(draw: Draw, world: Grown) -> Attempt:
    token = _names(draw, world, 1)
    nodes = _reached(world.token_at, exists=token == 1)
    return Attempt(manage.revoke_token, Permission.CHANGE_CREDENTIALS, nodes, (token,))


# --- alerts ----------------------------------------------------------------------------------------------------------


@verb
def add_alert_specification(draw: Draw, world: Grown) -> Attempt:
    survey, node = _names(draw, world, 1), _node(draw, world)
    nodes = (node, *(() if survey == 1 else (NOWHERE,)))
    args = (survey, node, AlertType.NEGATIVE, draw(st.sampled_from(["a=1", "?"])))
    return Attempt(manage.add_alert_specification, Permission.CHANGE_ALERTS, nodes, args)


@verb
def open_alert(draw: Draw, world: Grown) -> Attempt:
    specification, node = _names(draw, world, 1), draw(st.sampled_from([*world.parents, NOWHERE, None]))
    at = () if node is None else (node,)
    nodes = (*_reached(world.specified_at, exists=specification == 1), *at)
    return Attempt(manage.open_alert, Permission.CHANGE_ALERTS, nodes, (specification, NOW, node))


@verb
def close_alert(draw: Draw, world: Grown) -> Attempt:
    alert, ends_at = _names(draw, world, 1), draw(st.sampled_from([NOW, NOW + 1, NOW - 1]))
    nodes = _reached(world.raised_at, exists=alert == 1)
    return Attempt(manage.close_alert, Permission.CHANGE_ALERTS, nodes, (alert, ends_at))


def _answer(draw: Draw, world: Grown) -> tuple[int, int, tuple[int | None, ...]]:
    alert, user = _names(draw, world, 1), draw(st.sampled_from([1, 2, NOWHERE]))
    nodes = _reached(world.raised_at, exists=alert == 1)
    return alert, user, (*nodes, *(() if user in world.users else (NOWHERE,)))


@verb
def acknowledge_alert(draw: Draw, world: Grown) -> Attempt:
    alert, user, nodes = _answer(draw, world)
    return Attempt(manage.acknowledge_alert, Permission.ANSWER_ALERTS, nodes, (alert, user), user=user)


@verb
def comment_alert(draw: Draw, world: Grown) -> Attempt:
    alert, user, nodes = _answer(draw, world)
    args = (alert, user, draw(st.sampled_from(["Seen.", ""])))
    return Attempt(manage.comment_alert, Permission.ANSWER_ALERTS, nodes, args, user=user)


# --- the outbox ------------------------------------------------------------------------------------------------------


def _row(draw: Draw, world: Grown) -> tuple[OutboxId, tuple[int | None, ...]]:
    chosen = draw(st.sampled_from([world.failed, OutboxId(NOWHERE, 1)]))
    return chosen, _reached(None, exists=chosen == world.failed)


@verb
def retry_outbox_row(draw: Draw, world: Grown) -> Attempt:
    row, nodes = _row(draw, world)
    return Attempt(manage.retry_outbox_row, Permission.CHANGE_OUTBOX, nodes, (row,))


@verb
def discard_outbox_row(draw: Draw, world: Grown) -> Attempt:
    row, nodes = _row(draw, world)
    return Attempt(manage.discard_outbox_row, Permission.CHANGE_OUTBOX, nodes, (row,))


# --- recomputing stored feedback -------------------------------------------------------------------------------------


@verb
def begin_resettle(draw: Draw, world: Grown) -> Attempt:
    node = _node(draw, world)
    return Attempt(manage.begin_resettle, Permission.RESETTLE, (node,), (node, NOW), is_announcement=True)


@verb
def begin_release(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.begin_release, Permission.RESETTLE, (None,), is_announcement=True)


@verb
def begin_import(draw: Draw, world: Grown) -> Attempt:
    smiley, nodes = _smiley(draw, world)
    return Attempt(manage.begin_import, Permission.DELIVER_FEEDBACK, (None, *nodes), (smiley,), is_announcement=True)


@verb
def begin_rebuild(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.begin_rebuild, Permission.RESETTLE, (None,), is_announcement=True)


# --- people's data ---------------------------------------------------------------------------------------------------


@verb
def set_minimum_answers(draw: Draw, world: Grown) -> Attempt:
    args = (draw(st.sampled_from([None, 1, NOWHERE])), draw(st.sampled_from([None, 0, 1, 5, 1_001])))
    return Attempt(manage.set_minimum_answers, Permission.CHANGE_SURVEYS, (None,), args)


@verb
def set_brand(draw: Draw, world: Grown) -> Attempt:
    brand = Brand(ink=draw(st.sampled_from(["#000000", "#ffffff"])), size=draw(st.sampled_from([100, 300])))
    return Attempt(manage.set_brand, Permission.CHANGE_SURVEYS, (None,), (brand,))


@verb
def mark_spam(draw: Draw, world: Grown) -> Attempt:
    kinds = frozenset({DataKind.TEXT_FEEDBACKS})
    named = {"spam": draw(st.booleans())}
    return Attempt(manage.mark_spam, Permission.CORRECT_TEXTS, (NOWHERE,), (uuid4(),), named, kinds)


@verb
def share_report(draw: Draw, world: Grown) -> Attempt:
    number, nodes = _account(draw, world)
    node, shows_texts = _node(draw, world), draw(st.booleans())
    expires_at = draw(st.sampled_from([NOW + DAY_MS, NOW + DAY_MS, NOW, NOW + 400 * DAY_MS]))
    terms = manage.LinkTerms("Link", node, "period=2025", expires_at, draw(st.booleans()), shows_texts)
    kinds = frozenset({DataKind.TEXT_FEEDBACKS}) if shows_texts else frozenset()
    return Attempt(
        manage.share_report, Permission.SHARE_REPORTS, (*nodes, node), (number, terms), kinds=kinds, user=number
    )


@dataclass(frozen=True, slots=True)
class Revocation(Attempt):
    """Revoking a link: one's own wherever it is, or another's within reach by who may change users."""

    def is_allowed(self, world: Grown, principal: Principal) -> bool:
        permissions = principal.role.permissions
        is_own = principal.role in PEOPLE and principal.id == SHARED_BY
        is_within_reach = Permission.CHANGE_USERS in permissions and world.reaches(
            principal, world.users[SHARED_BY].node
        )
        return self.args == (1,) and self.permission in permissions and (is_own or is_within_reach)


@verb
def revoke_link(draw: Draw, world: Grown) -> Attempt:
    return Revocation(manage.revoke_link, Permission.SHARE_REPORTS, (), (_names(draw, world, 1),))


@verb
def set_retention(draw: Draw, world: Grown) -> Attempt:
    args = (draw(st.sampled_from(PersonalData)), draw(st.sampled_from([None, 0, 65, 400])))
    return Attempt(manage.set_retention, Permission.ERASE, (None,), args)


@verb
def begin_erasure(draw: Draw, world: Grown) -> Attempt:
    node = _node(draw, world)
    erasure, nodes = draw(
        st.sampled_from(
            [
                (OfPeriod(node, 0, NOW), (node,)),
                (OfContact(Contact("jane@example.com")), (None,)),
                (OfOrganization(), (None,)),
                (OfFeedback((uuid4(),)), (NOWHERE,)),
            ]
        )
    )
    found = {PersonalData.TEXTS: 1}
    return Attempt(manage.begin_erasure, Permission.ERASE, nodes, (erasure, found), is_announcement=True)


@verb
def accept_clock(draw: Draw, world: Grown) -> Attempt:
    return Attempt(manage.accept_clock, Permission.ACCEPT_CLOCK, (None,))


# --- organizations and principals ------------------------------------------------------------------------------------


@st.composite
def attempts(draw: Draw, world: Grown) -> Attempt:
    """A call of any verb but `create_organization`."""
    return VERBS[draw(st.sampled_from(sorted(VERBS)))](draw, world)


@st.composite
def attempts_of_all(draw: Draw, world: Grown) -> list[Attempt]:
    """A call of each verb but `create_organization`."""
    return [make(draw, world) for make in VERBS.values()]


@st.composite
def principals(draw: Draw, world: Grown) -> Principal:
    """Anybody: of any role, at any node or none."""
    role = draw(st.sampled_from([*Role, Role.ADMIN, Role.OPERATOR]))
    node = draw(st.sampled_from([None, *world.parents, NOWHERE]))
    kinds = draw(st.sampled_from([EVERY_KIND, frozenset({DataKind.SURVEYS})]))
    return Principal(world.organization, role, Via.SESSION, "Somebody", draw(st.sampled_from([1, 2])), node, kinds)


@st.composite
def organizations(draw: Draw, store: Store) -> Grown:
    """Makes an organization with a tree of up to eight nodes and something of each kind."""
    organization = manage.create_organization(store, operator(), f"Grown {next(_numbers)}", now=NOW)
    boss, parents, points = operator(organization), dict[int, int | None]({ROOT: None}), list[int]()
    with manage.batch(store, organization, NOW) as batch:
        for _ in range(draw(st.integers(0, 5))):
            parent = draw(st.sampled_from([node for node in parents if node not in points]))
            node = manage.add_group(batch, boss, "Group", parent, now=NOW)
            parents[node] = parent
        for _ in range(2):
            parent = draw(st.sampled_from([node for node in parents if node not in points]))
            points.append(manage.add_point(batch, boss, "Point", parent, now=NOW))
            parents[points[-1]] = parent
        return _furnish(draw, batch, boss, parents, tuple(points))


def _furnish(
    draw: Draw, batch: manage.Batch, boss: Principal, parents: dict[int, int | None], points: tuple[int, ...]
) -> Grown:
    nodes = st.sampled_from(list(parents))
    manage.add_survey(batch, boss, manage.add_question(batch, boss, _english("How?"), now=NOW), Scale.FOUR, now=NOW)
    manage.add_followup(batch, boss, 1, positive=True, wording=_english("Why?"), options=[_english("So")], now=NOW)
    for serial, kind in (("PLACED", SmileyType.TERMINAL), ("DRAWER", SmileyType.DIGITAL)):
        manage.add_smiley(batch, boss, serial, serial, kind, now=NOW)
    published = manage.publish_smiley(batch, boss, 2, now=NOW)
    claim = manage.new_claim(batch, boss, 2, now=NOW).code
    placed = points[: draw(st.integers(1, 2))]
    for start, point in enumerate(placed):
        manage.place(batch, boss, 1, point, start, now=NOW)
    manage.assign(batch, boss, points[0], 1, [ActivePeriod(datetime.fromisoformat("2025-01-01"))], now=NOW)
    manage.add_custom_field(batch, boss, CustomField("format", "Format", "select", ("City",)), now=NOW)
    manage.set_custom_value(batch, boss, draw(nodes), "format", "City", now=NOW)
    users = {}
    for number in (1, 2):
        node, role = draw(nodes), draw(st.sampled_from(PEOPLE))
        manage.add_user(batch, boss, f"{number}@example.com", "J", "D", node, role, now=NOW)
        [users[number]] = [user for user in manage.users(batch, boss) if user.id == number]
        manage.begin_session(batch, boss, number, "Firefox", now=NOW)
    terms = manage.LinkTerms("Shared", users[SHARED_BY].node, "period=2025", NOW + DAY_MS)
    manage.share_report(batch, boss, SHARED_BY, terms, now=NOW)
    manage.activate_api(batch, boss, now=NOW)
    token_at, specified_at = draw(st.sampled_from([None, *parents])), draw(nodes)
    manage.create_token(batch, boss, "Token", token_at, now=NOW)
    manage.add_alert_specification(batch, boss, 1, specified_at, AlertType.NEGATIVE, "a=1", now=NOW)
    manage.open_alert(batch, boss, 1, NOW, now=NOW)
    failed = batch.ledger.outbox.add("tried by tests/verbs.py", {})
    statement = "UPDATE outbox SET outcome = :failed WHERE organization_id = :o AND revision = :revision"
    batch.ledger.transaction.run(statement, failed=Outcome.FAILED.value, o=batch.organization, revision=failed.revision)
    return Grown(
        batch.organization, parents, points, {1: placed, 2: ()}, points[0], users, token_at, specified_at,
        specified_at, failed, published, claim,
    )  # fmt: skip
