"""What a principal may not do changes nothing and appends no audit row; what it changes appends exactly one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import EVERY_KIND, NO_ORGANIZATION, PERMISSIONS, DataKind, Permission, Principal, Role, Via, operator
from hymio.errors import Conflict, Forbidden, HymioError, NotFound, SetupError
from hymio.feedback import Press, Upload
from hymio.manage.change import changing
from hymio.manage.secrets import hash_secret, sms_key
from hymio.misuse import MisusePolicy
from hymio.period import InstantRange
from hymio.smiley import SmileyType
from hymio.store import Store, open_store, schema
from hymio.store.catalog.nodes import update_name
from hymio.store.dialect import Transaction
from tests.test_laws import law
from tests.verbs import NOW, VERBS, Attempt, attempts, attempts_of_all, organizations, principals
from tests.world import build

opened = cache(open_store)
OWNED = [table for table in schema.metadata.sorted_tables if "organization_id" in table.columns]
MAX_DONE = 4
"""Allowed verbs that are called in one example, each twice: the second call often finds nothing to change."""

LOG = {"audit", "ledger", "revision", "setup_change"}
"""Tables that a verb writes besides what it changes."""


def snapshot(transaction: Transaction, organization: int, *, without: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]  # frozen
    """Every row of an organization, by table."""
    rows = {
        table.name: sorted(
            map(repr, transaction.rows(f"SELECT * FROM {table.name} WHERE organization_id = :o", o=organization))
        )
        for table in OWNED
        if table.name not in without
    }
    rows["organization"] = list(map(repr, transaction.rows("SELECT * FROM organization WHERE id = :o", o=organization)))
    return rows


def logged(transaction: Transaction, organization: int) -> int:
    [[count]] = transaction.rows("SELECT count(*) FROM audit WHERE organization_id = :o", o=organization)
    return int(count)


def refused(attempt: Attempt, where: Store | manage.Batch, principal: Principal) -> HymioError | None:
    """The error with which a verb refuses an attempt, None where it does it."""
    try:
        attempt.make(where, principal)
    except (Conflict, Forbidden, NotFound, SetupError) as error:
        return error
    return None


@law
@given(st.data())
def test_what_a_principal_may_not_do_is_refused_and_what_it_does_is_logged_once(
    shared_database_url: str, data: st.DataObject
) -> None:
    """Each example tries every verb that the principal may not call, and some that it may, each of these twice.

    A table changed if and only if exactly one audit row was appended.
    """
    store = opened(shared_database_url)
    world = data.draw(organizations(store))
    principal = data.draw(principals(world))
    tried = data.draw(attempts_of_all(world))
    with store.read() as transaction:
        before, count = snapshot(transaction, world.organization), logged(transaction, world.organization)
    for attempt in tried:
        if not attempt.is_allowed(world, principal):
            error = refused(attempt, store, principal)
            assert isinstance(error, (Forbidden, NotFound)), (attempt, error)
    with store.read() as transaction:
        assert snapshot(transaction, world.organization) == before
    allowed = [attempt for attempt in tried if attempt.is_allowed(world, principal)]
    chosen = data.draw(st.permutations(allowed))[:MAX_DONE]
    for number, attempt in enumerate(attempt for attempt in chosen for _ in range(2)):
        error = refused(attempt, store, principal)
        with store.read() as transaction:
            after, total = snapshot(transaction, world.organization), logged(transaction, world.organization)
        changed = {name for name in before if before[name] != after[name]} - LOG
        if error is not None:  # a rule; or a verb before it has moved or removed something
            assert isinstance(error, SetupError) or number > 0, error
            assert after == before
        else:
            assert total - count == (bool(changed) or attempt.is_announcement), (attempt, changed)
            assert not (changed and attempt.is_announcement), (attempt, changed)
        before, count = after, total


@law
@given(st.data())
def test_in_a_batch_each_verb_stands_or_falls_alone(shared_database_url: str, data: st.DataObject) -> None:
    store = opened(shared_database_url)
    world = data.draw(organizations(store))
    with store.read() as transaction:
        start, count = snapshot(transaction, world.organization), logged(transaction, world.organization)
    rows = 0
    try:
        with manage.batch(store, world.organization, NOW) as batch:
            for _ in range(data.draw(st.integers(1, 4))):
                principal, attempt = data.draw(principals(world)), data.draw(attempts(world))
                transaction = batch.ledger.transaction
                before, rows = snapshot(transaction, world.organization, without=LOG), len(batch.audit_rows)
                error = refused(attempt, batch, principal)
                after = snapshot(transaction, world.organization, without=LOG)
                added = len(batch.audit_rows) - rows
                expected = after != before or (attempt.is_announcement and error is None)
                assert added == expected, (attempt, error)
                assert not (error and added), (attempt, error)
                rows += added
    except SetupError:  # two surveys of one smiley at a time, which the commit finds
        with store.read() as transaction:
            assert snapshot(transaction, world.organization) == start
        return
    with store.read() as transaction:
        assert logged(transaction, world.organization) - count == rows


def test_the_same_change_a_second_time_appends_nothing(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    north, point = world.groups[1], world.points[0]
    manage.activate_api(store, boss, now=NOW)
    token = manage.create_token(store, boss, "Token", now=NOW).id
    for verb, *args in (
        (manage.rename_node, point, "Renamed"),
        (manage.move_node, point, world.groups[2]),
        (manage.set_zone, north, "Asia/Kathmandu"),
        (manage.set_policy, north, MisusePolicy(interval=7)),
        (manage.edit_token, token, "Board", north, EVERY_KIND, None),
        (manage.revoke_token, token),
        (manage.revoke_api,),
    ):
        counts = []
        for _ in range(3):
            with store.read() as transaction:
                counts.append(logged(transaction, world.organization))
            verb(store, boss, *args, now=NOW)
        assert [count - counts[0] for count in counts] == [0, 1, 1], verb


def test_the_audit_log_says_which_placements_were_ended_and_deleted(store: Store) -> None:
    world = build(store)
    boss, smiley, (first, second, *_) = operator(world.organization), world.smileys[0], world.points
    manage.place(store, boss, smiley, second, NOW + 2000, now=NOW)
    manage.new_token(store, boss, smiley, now=NOW)
    manage.unplace(store, boss, smiley, NOW + 1000, now=NOW)
    ended, renewed = manage.audit_log(store, boss, limit=2)
    assert (renewed.verb, renewed.node) == ("new-token", first)
    assert (ended.verb, ended.node) == ("unplace", first)
    assert ended.old == [
        {"node": first, "from": "1970-01-01T00:00:00.000Z", "until": "2023-11-14T22:13:22.000Z"},
        {"node": second, "from": "2023-11-14T22:13:22.000Z", "until": None},
    ]
    manage.new_token(store, boss, smiley, now=NOW + 5000)
    assert manage.audit_log(store, boss, limit=1)[0].node is None


def test_who_reaches_only_the_old_or_only_the_new_node_reads_that_something_moved(store: Store) -> None:
    world = build(store)
    boss, (first, second, *_) = operator(world.organization), world.points
    old, new = (Principal(world.organization, Role.ADMIN, Via.SESSION, "admin", node=node) for node in (first, second))
    manage.add_user(store, boss, "jo@example.com", "Jo", "Doe", first, now=NOW)
    manage.activate_api(store, boss, now=NOW)
    [user] = manage.users(store, boss)
    token = manage.create_token(store, boss, "BI", first, now=NOW).id
    manage.place(store, boss, world.smileys[0], first, NOW, now=NOW)
    manage.edit_user(store, boss, replace(user, node=second), now=NOW)
    manage.edit_token(store, boss, token, "BI", second, EVERY_KIND, None, now=NOW)
    manage.place(store, boss, world.smileys[0], second, NOW + 1000, now=NOW)
    moves = [("place", second, first), ("edit-token", second, first), ("edit-user", second, first)]
    for principal in (old, new):
        entries = manage.audit_log(store, principal, limit=3)
        assert [(entry.verb, entry.node, entry.from_node) for entry in entries] == moves


def test_the_audit_log_says_which_zones_and_policies_a_move_replaced(store: Store) -> None:
    world = build(store)
    boss, point = operator(world.organization), world.points[0]
    manage.set_zone(store, boss, point, "Asia/Kathmandu", NOW - 1000, now=NOW)
    intake.record(store, world.organization, [Upload(world.smileys[0], (Press(1, 1, NOW, 1),))], NOW)
    manage.move_node(store, boss, point, world.groups[2], now=NOW)
    [moved] = manage.audit_log(store, boss, limit=1)
    zones = [{"from": None, "value": "UTC"}, {"from": "2023-11-14T22:13:19.000Z", "value": "Asia/Kathmandu"}]
    assert moved.old == {"parent": world.groups[1], "zones": zones, "policies": []}
    assert moved.new == {"parent": world.groups[2]}


def rename_and_fail(batch: manage.Batch, principal: Principal, node: int) -> None:
    """A verb that raises after it has written."""
    with changing(batch, principal, Permission.CHANGE_TREE, NOW, node=node) as change:
        update_name(change.ledger, node, "Undone")
        change.audit("rename-and-fail", f"node {node}", node=node)
        raise ZeroDivisionError


def test_what_a_verb_of_a_batch_wrote_before_it_raised_is_undone(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    with manage.batch(store, world.organization, NOW) as batch:
        manage.rename_node(batch, boss, world.groups[1], "First", now=NOW)
        with pytest.raises(ZeroDivisionError):
            rename_and_fail(batch, boss, world.root)
        assert batch.layout.hierarchy.nodes[world.root].name != "Undone"
        manage.rename_node(batch, boss, world.groups[2], "Last", now=NOW)
    nodes = store.layout(world.organization).hierarchy.nodes
    assert [nodes[node].name for node in world.groups][1:] == ["First", "Last"]
    assert nodes[world.root].name != "Undone"
    assert [entry.new for entry in manage.audit_log(store, boss, limit=2)] == ["Last", "First"]
    assert [entry.number for entry in manage.audit_log(store, boss, limit=2)] == [2, 1]


def test_nobody_makes_edits_or_removes_somebody_with_more_permissions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No role has fewer permissions and may change users in the table as it stands, so this one is another."""
    lesser = frozenset({Permission.CHANGE_USERS, Permission.CHANGE_CREDENTIALS, Permission.READ_USERS})
    monkeypatch.setattr("hymio.access.PERMISSIONS", {**PERMISSIONS, Role.PARTNER: lesser})
    world = build(store)
    boss = operator(world.organization)
    partner = Principal(world.organization, Role.PARTNER, Via.SESSION, "Pat", 1)
    manage.activate_api(store, boss, now=NOW)
    manage.add_user(store, boss, "admin@example.com", "A", "A", world.root, Role.ADMIN, now=NOW)
    manage.add_user(store, partner, "pat@example.com", "P", "P", world.root, Role.PARTNER, now=NOW)
    admin, other = manage.users(store, boss)
    for verb, *args in (
        (manage.add_user, "more@example.com", "M", "M", world.root, Role.USER),
        (manage.edit_user, replace(admin, role=Role.PARTNER)),
        (manage.edit_user, replace(other, role=Role.ADMIN)),
        (manage.remove_user, admin.id),
        (manage.create_token, "Token"),
    ):
        with pytest.raises(Forbidden, match="does not have: "):
            verb(store, partner, *args, now=NOW)
    assert manage.users(store, boss) == [admin, other]
    assert manage.tokens(store, boss) == []


def listings(where: Store | manage.Batch, principal: Principal) -> list[tuple[Callable[[], list[Any]], Permission]]:
    """What manage lists of rows at nodes, with the permission that it takes."""
    stretches = [manage.Stretch(InstantRange(0, 2 * NOW), range(1, 12))]
    return [
        (lambda: manage.users(where, principal), Permission.READ_USERS),
        (lambda: manage.custom_values(where, principal), Permission.READ_SETUP),
        (lambda: manage.alert_specifications(where, principal), Permission.READ_SETUP),
        (lambda: manage.alerts(where, principal, stretches, None, 0, 99), Permission.READ_RESULTS),
        (lambda: manage.tokens(where, principal), Permission.CHANGE_CREDENTIALS),
    ]


@law
@given(st.data())
def test_rows_are_listed_where_the_principal_reaches_in_one_transaction_however_many(
    shared_database_url: str, data: st.DataObject
) -> None:
    store = opened(shared_database_url)
    world = data.draw(organizations(store))
    principal = replace(data.draw(principals(world)), kinds=EVERY_KIND)
    everybody, transactions, read = operator(world.organization), list[Store](), Store.read

    def counted(of: Store) -> AbstractContextManager[Transaction]:
        transactions.append(of)
        return read(of)

    with manage.batch(store, world.organization, NOW) as batch:
        whole = [listing() for listing, _ in listings(batch, everybody)]
        in_batch = [listing() if principal.may(needed) else [] for listing, needed in listings(batch, principal)]
    assert all(whole)
    for (listing, needed), every, same in zip(listings(store, principal), whole, in_batch, strict=True):
        if not principal.may(needed):
            continue
        transactions.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Store, "read", counted)
            listed = listing()
        assert listed == same == [row for row in every if world.reaches(principal, row.node)]
        assert len(transactions) == 1


def test_a_token_reads_no_more_kinds_of_data_than_its_maker(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    manage.activate_api(store, boss, now=NOW)
    few = frozenset({DataKind.SURVEYS})
    limited = Principal(world.organization, Role.ADMIN, Via.SESSION, "Ada", 1, kinds=few)
    with pytest.raises(Forbidden, match="kinds of data"):
        manage.create_token(store, limited, "Token", now=NOW)
    token = manage.create_token(store, limited, "Token", kinds=few, now=NOW).id
    with pytest.raises(Forbidden, match="kinds of data"):
        manage.edit_token(store, limited, token, "Token", None, EVERY_KIND, None, now=NOW)
    assert [each.kinds for each in manage.tokens(store, boss)] == [few]


def test_a_verb_of_another_organization_is_refused(store: Store) -> None:
    world, other = build(store), build(store)
    boss = operator(other.organization)
    with manage.batch(store, world.organization, NOW) as batch, pytest.raises(NotFound, match="no organization"):
        manage.rename_node(batch, boss, world.root, "Mine", now=NOW)


def test_no_secret_is_in_the_audit_log(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    made = [
        manage.activate_api(store, boss, now=NOW),
        manage.rotate_api(store, boss, now=NOW),
        manage.new_sms_secret(store, boss, now=NOW),
        manage.add_smiley(store, boss, "NEW", "New", SmileyType.TERMINAL, now=NOW),
        manage.new_token(store, boss, world.smileys[0], now=NOW),
        manage.create_token(store, boss, "Token", now=NOW),
    ]
    secrets = {text for value in made for text in texts(value)}
    assert len(secrets) == 8
    log = repr(manage.audit_log(store, boss, limit=1000))
    for secret in secrets:
        assert not [form for form in (secret, hash_secret(secret).hex(), sms_key(secret).hex()) if form in log]


def texts(value: Any) -> list[str]:
    """The texts within a value, which are secrets and client identifiers."""
    parts = [getattr(value, each.name) for each in fields(value)] if is_dataclass(value) else [value]
    return [part for part in parts if isinstance(part, str)]


def test_every_verb_is_tried() -> None:
    verbs = {
        name
        for name in manage.__all__
        if callable(thing := getattr(manage, name))
        and {"principal", "now"} <= set(inspect.signature(thing).parameters)
        and inspect.signature(thing).parameters["now"].kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert verbs == {*VERBS, "create_organization"}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("node", [None, 1])
def test_only_an_operator_creates_organizations(store: Store, role: Role, node: int | None) -> None:
    principal = Principal(NO_ORGANIZATION, role, Via.SHELL, "root", node=node)
    if Permission.CREATE_ORGANIZATION in role.permissions and node is None:
        organization = manage.create_organization(store, principal, "Acme", "Europe/Helsinki", now=NOW)
        boss = Principal(organization, Role.OPERATOR, Via.SHELL, "root")
        [entry] = manage.audit_log(store, boss)
        assert (entry.revision, entry.verb, entry.actor, entry.subject) == (
            1,
            "create-organization",
            "root",
            "organization 1",
        )
        assert entry.new == {"name": "Acme", "zone": "Europe/Helsinki"}
    else:
        with pytest.raises(Forbidden):
            manage.create_organization(store, principal, "Acme", now=NOW)
        assert manage.organizations(store) == []
