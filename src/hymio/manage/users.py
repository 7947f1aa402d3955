"""Users of an organization: people who see the results of a node and everything below it."""

from __future__ import annotations

from dataclasses import replace

from hymio.access import DataKind, Permission, Principal, Role
from hymio.errors import Forbidden, NotFound, Phrase, SetupError
from hymio.locale import check_locale
from hymio.manage.change import Batch, Change, changing, reach_in, reading, require_own_permissions
from hymio.manage.checks import check_name
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog import signing_in
from hymio.store.catalog import users as rows
from hymio.store.catalog.rows import is_id
from hymio.store.catalog.shared_links import delete_links, revoke_links
from hymio.user import LoginMethod, User, check_email


def add_user(
    store: Store | Batch, principal: Principal, email: str, first_name: str, last_name: str, node: int,
    role: Role = Role.USER, locale: str = "en-US", login_method: LoginMethod = LoginMethod.EMAIL_PASSWORD,
    id: int | None = None, *, login_allowed: bool = True, now: Instant,  # noqa: A002
) -> int:  # fmt: skip
    """Adds a user; its email is unique in the organization, regardless of case. Returns its id.

    Forbidden if its role has a permission that the principal does not have.
    """
    with changing(store, principal, Permission.CHANGE_USERS, now) as change:
        identity = change.new_id("user_account", rows.next_user(change.ledger) if id is None else id)
        user = User(identity, email, first_name, last_name, node, role, locale, login_allowed, login_method, now)
        _check(change, user)
        rows.insert_user(change.ledger, user)
        signing_in.insert_email(change.ledger, identity, email)
        change.audit("add-user", f"user {identity}", node=node, new=_shown(user))
        return identity


def edit_user(store: Store | Batch, principal: Principal, user: User, *, now: Instant) -> None:
    """Sets everything of the user with `user.id`, except when it was created and last logged in.

    Forbidden if its old or new role has a permission that the principal does not have.
    """
    with changing(store, principal, Permission.CHANGE_USERS, now) as change:
        old = require_user(change, user.id)
        _check(change, user)
        if replace(user, created_at=old.created_at, last_login_at=old.last_login_at) == old:
            return
        rows.update_user(change.ledger, user)
        _update_sign_in(change, old, user)
        values = {"old": _shown(old), "new": _shown(user)}
        change.audit("edit-user", f"user {user.id}", node=user.node, from_node=old.node, **values)


def remove_user(store: Store | Batch, principal: Principal, user: int, *, now: Instant) -> None:
    """Removes a user; its comments and acknowledgements keep its number, which no other user gets.

    Forbidden if its role has a permission that the principal does not have.
    """
    with changing(store, principal, Permission.CHANGE_USERS, now) as change:
        old = require_user(change, user)
        rows.delete_user(change.ledger, user)
        signing_in.delete_email(change.ledger, user, old.email)
        signing_in.delete_sign_in(change.ledger, user)
        _end_sign_in(change, user)
        delete_links(change.ledger, user)
        change.audit("remove-user", f"user {user}", node=old.node, old=_shown(old))


def users(store: Store | Batch, principal: Principal) -> list[User]:
    """The users whose node is in the principal's scope, by id."""
    principal.require(Permission.READ_USERS)
    principal.require_kind(DataKind.USERS)
    with reading(store) as transaction:
        reach = reach_in(store, transaction, principal)
        stored = rows.select_users(transaction, principal.organization)
    return [user for user in stored if reach.holds(user.node)]


def require_user(change: Change, user: int) -> User:
    """The user. NotFound if it does not exist or its node is outside the scope; Forbidden as for `remove_user`."""
    stored = rows.select_user(change.ledger, user) if is_id(user) else None
    if stored is None or not change.reaches(stored.node):
        raise NotFound("unknown-user", "there is no user {user}", user=user)
    require_own_permissions(change, stored.role)
    return stored


def require_oneself(change: Change, user: int) -> User:
    """The user. NotFound if it does not exist or is outside the scope, Forbidden if a person names another user."""
    stored = rows.select_user(change.ledger, user) if is_id(user) else None
    if stored is None or not change.reaches(stored.node):
        raise NotFound("unknown-user", "there is no user {user}", user=user)
    if change.principal.role.is_person and change.principal.id != user:
        raise Forbidden("not-own-account", "a person changes only their own account")
    return stored


def _update_sign_in(change: Change, old: User, user: User) -> None:
    """Follows a change of the address; a user who may not sign in by password any more loses its sessions and link."""
    if old.email.lower() != user.email.lower():
        signing_in.delete_email(change.ledger, user.id, old.email)
        signing_in.insert_email(change.ledger, user.id, user.email)
    if not user.login_allowed or user.login_method is not LoginMethod.EMAIL_PASSWORD:
        _end_sign_in(change, user.id)


def _end_sign_in(change: Change, user: int) -> None:
    """Deletes the sessions and the one-time link of a user, and revokes what it shares."""
    revoke_links(change.ledger, change.now, user=user)
    signing_in.delete_sessions(change.ledger, user)
    signing_in.delete_link(change.ledger, user)


def _check(change: Change, user: User) -> None:
    """SetupError unless a user's role, address, names and locale are valid and the address is unique."""
    change.require_node(user.node)
    if not user.role.is_person:
        raise SetupError("no-role-of-a-person", "the role {role} is not a role of users", role=user.role.value)
    require_own_permissions(change, user.role)
    check_email(user.email)
    check_name(user.first_name, Phrase("first name"))
    check_name(user.last_name, Phrase("last name"))
    check_locale(user.locale)
    other_user = rows.select_by_email(change.ledger, user.email, user.id)
    if other_user is not None:
        raise SetupError(
            "email-taken", "there is a user with email {email} already: {user}", email=user.email, user=other_user
        )


def _shown(user: User) -> dict[str, object]:
    """A user for the audit log."""
    return {
        "email": user.email,
        "name": f"{user.first_name} {user.last_name}",
        "node": user.node,
        "role": user.role.value,
        "locale": user.locale,
        "login": user.login_method.value if user.login_allowed else None,
    }
