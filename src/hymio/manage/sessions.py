"""Signing in: one-time links, passwords, preferences and sessions of users."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import NamedTuple

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.locale import check_locale
from hymio.manage.change import Batch, Change, changing, reading
from hymio.manage.passwords import check_password, hash_password
from hymio.manage.secrets import hash_secret, new_secret
from hymio.manage.users import require_oneself, require_user
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog import signing_in as rows
from hymio.store.catalog.claims import delete_all_claims
from hymio.store.catalog.rows import is_id
from hymio.store.catalog.shared_links import revoke_links
from hymio.store.catalog.users import update_user
from hymio.user import SESSION_IDLE_MS, SESSION_MS, LinkKind, LoginMethod, Session, Theme, User

_MAX_BROWSER = 80
"""Characters of the name of a browser that are stored."""


# --- verbs of administrators -----------------------------------------------------------------------------------------


def invite_user(store: Store | Batch, principal: Principal, user: int, *, now: Instant) -> str:
    """Makes the one-time link by which a user chooses a first password; returns its secret, which is shown once.

    It lasts seven days and replaces an earlier link. Forbidden and NotFound as for `remove_user`; SetupError if the
    user may not sign in by password.
    """
    with changing(store, principal, Permission.CHANGE_USERS, now) as change:
        return _new_link(change, user, LinkKind.INVITATION, "invite-user")


def reset_password(store: Store | Batch, principal: Principal, user: int, *, now: Instant) -> str:
    """Makes the one-time link by which a user chooses a new password, as `invite_user`; it lasts one day.

    The old password is deleted and all sessions end, because somebody else may have them.
    """
    with changing(store, principal, Permission.CHANGE_USERS, now) as change:
        secret = _new_link(change, user, LinkKind.RESET, "reset-password")
        rows.clear_password_hash(change.ledger, user)
        rows.delete_sessions(change.ledger, user)
        return secret


def disable_user(store: Store | Batch, principal: Principal, user: int, *, now: Instant) -> None:
    """Keeps a user from signing in, ends its sessions and deletes its link; the account and its password stay."""
    with changing(store, principal, Permission.CHANGE_USERS, now) as change:
        stored = require_user(change, user)
        ended = rows.delete_sessions(change.ledger, user)
        links = rows.delete_link(change.ledger, user) + revoke_links(change.ledger, now, user=user)
        if stored.login_allowed:
            update_user(change.ledger, _without_login(stored))
        if stored.login_allowed or ended or links:
            change.audit("disable-user", f"user {user}", node=stored.node, new={"sessionsEnded": ended})


def _without_login(user: User) -> User:
    """The user, not allowed to sign in."""
    return replace(user, login_allowed=False)


def _new_link(change: Change, user: int, kind: LinkKind, verb: str) -> str:
    """Makes a user's link, with its audit row; returns its secret, which names organization and user."""
    stored = require_user(change, user)
    if not _may_sign_in(stored):
        raise SetupError("no-sign-in-by-password", "user {user} may not sign in by password", user=user)
    secret = new_secret()
    rows.set_link(change.ledger, user, rows.Link(hash_secret(secret), kind, change.now + kind.lasts_ms))
    change.audit(verb, f"user {user}", node=stored.node)
    return f"{change.ledger.organization}.{user}.{secret}"


def _may_sign_in(user: User) -> bool:
    """Whether a user may sign in by password."""
    return user.login_allowed and user.login_method is LoginMethod.EMAIL_PASSWORD


# --- verbs of a person -----------------------------------------------------------------------------------------------


def set_password(
    store: Store | Batch, principal: Principal, user: int, password: str, link: str | None = None, *, now: Instant
) -> None:
    """Sets a user's password, ends all its sessions and deletes its link. SetupError for a bad password.

    With the secret of a `link`, NotFound unless that is still the user's. Forbidden if a person names another user.
    """
    principal.require(Permission.CHANGE_OWN_ACCOUNT)
    digest = hash_password(password)  # takes long: not while the ledger is locked
    with changing(store, principal, Permission.CHANGE_OWN_ACCOUNT, now) as change:
        stored = require_oneself(change, user)
        if link is not None:
            _require_link(change, user, link)
        check_password(password, stored.email)
        rows.set_password_hash(change.ledger, user, digest, now)
        rows.delete_link(change.ledger, user)
        ended = rows.delete_sessions(change.ledger, user)
        change.audit("set-password", f"user {user}", node=stored.node, new={"sessionsEnded": ended})


def set_preferences(
    store: Store | Batch, principal: Principal, user: int, locale: str, theme: Theme, *, now: Instant
) -> None:
    """Sets the language and the theme of pages for a user. Forbidden if a person names another user."""
    with changing(store, principal, Permission.CHANGE_OWN_ACCOUNT, now) as change:
        stored = require_oneself(change, user)
        check_locale(locale)
        before = rows.select_sign_in(change.ledger.transaction, change.ledger.organization, user).theme
        if (stored.locale, before) == (locale, theme):
            return
        _update_locale(change, stored, locale)
        rows.set_theme(change.ledger, user, theme)
        change.audit(
            "set-preferences", f"user {user}", node=stored.node,
            old={"locale": stored.locale, "theme": before.value}, new={"locale": locale, "theme": theme.value},
        )  # fmt: skip


def begin_session(store: Store | Batch, principal: Principal, user: int, browser: str = "", *, now: Instant) -> str:
    """Signs a user in; returns the secret for the cookie. SetupError if the user may not sign in by password."""
    with changing(store, principal, Permission.CHANGE_OWN_ACCOUNT, now) as change:
        stored = require_oneself(change, user)
        if not _may_sign_in(stored):
            raise SetupError("no-sign-in-by-password", "user {user} may not sign in by password", user=user)
        secret = new_secret()
        identity = rows.insert_session(
            change.ledger, user, hash_secret(secret), browser[:_MAX_BROWSER], now + SESSION_MS, now
        )
        change.audit("begin-session", f"user {user}", node=stored.node, new={"session": identity})
        return f"{change.ledger.organization}.{identity}.{secret}"


def end_session(store: Store | Batch, principal: Principal, user: int, session: int, *, now: Instant) -> None:
    """Ends a session of a user; nothing happens if the user has none of this id."""
    with changing(store, principal, Permission.CHANGE_OWN_ACCOUNT, now) as change:
        stored = require_oneself(change, user)
        if is_id(session) and rows.delete_sessions(change.ledger, user, session=session):
            change.audit("end-session", f"user {user}", node=stored.node, old={"session": session})


def end_sessions(
    store: Store | Batch, principal: Principal, user: int, except_for: int | None = None, *, now: Instant
) -> None:
    """Ends all sessions of a user, except for one if it is given."""
    with changing(store, principal, Permission.CHANGE_OWN_ACCOUNT, now) as change:
        stored = require_oneself(change, user)
        if ended := rows.delete_sessions(change.ledger, user, except_for=except_for):
            change.audit("end-sessions", f"user {user}", node=stored.node, old={"sessions": ended})


def sessions(store: Store | Batch, principal: Principal, now: Instant) -> list[Session]:
    """The valid sessions of the user who asks, that used last first. Forbidden."""
    principal.require(Permission.CHANGE_OWN_ACCOUNT)
    with reading(store) as transaction:
        stored = rows.select_sessions(transaction, principal.organization, principal.id)
    return [session for session in stored if session.is_valid(now)]


def _require_link(change: Change, user: int, secret: str) -> None:
    """NotFound unless a secret is that of the user's link, which has not expired."""
    link = rows.select_link(change.ledger.transaction, change.ledger.organization, user)
    digest = hash_secret(secret.rpartition(".")[2])
    if link is None or link.expires_at <= change.now or not hmac.compare_digest(link.hash, digest):
        raise NotFound("link-ended", "This link has been used or has expired.")


def _update_locale(change: Change, user: User, locale: str) -> None:
    """Sets the locale of a user."""
    update_user(change.ledger, replace(user, locale=locale))


# --- upkeep ----------------------------------------------------------------------------------------------------------


def note_session_use(store: Store, organization: int, session: int, now: Instant) -> None:
    """Writes that a session was used, outside the ledger, as reading is no change. Unavailable."""
    with store.write() as transaction:
        rows.update_seen(transaction, organization, session, now)


def clear_sessions(store: Store, organization: int, now: Instant) -> int:
    """Deletes expired sessions and links of an organization; returns their number. Idempotent."""
    with store.write() as transaction:
        return rows.delete_expired(transaction, organization, now - SESSION_IDLE_MS, now)


class SignedOut(NamedTuple):
    """How many sessions, one-time links and one-time codes of smileys were deleted."""

    sessions: int
    links: int
    codes: int


def sign_everybody_out(store: Store) -> SignedOut:
    """Deletes the sessions, one-time links and one-time codes of all organizations.

    A restored backup has those that ended, or were used, since.
    """
    with store.write() as transaction:
        return SignedOut(*rows.delete_all(transaction), delete_all_claims(transaction))
