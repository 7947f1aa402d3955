"""Rows of signing in: hashes of e-mail addresses, passwords, one-time links and sessions of users."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from hymio.period import Instant
from hymio.store import schema
from hymio.store.catalog.rows import next_id, run
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger
from hymio.user import LinkKind, Session, Theme

# --- e-mail addresses ------------------------------------------------------------------------------------------------


def _email_hash(email: str) -> bytes:
    """The hash of an address, which counts the same in upper and lower case."""
    return hashlib.sha256(email.lower().encode()).digest()


def accounts_of(transaction: Transaction, email: str, limit: int) -> list[tuple[int, int]]:
    """The organizations and users with an address: at most `limit`, by organization."""
    rows = transaction.rows(
        "SELECT organization_id, user_id FROM account_email WHERE hash = :hash ORDER BY organization_id LIMIT :most",
        hash=_email_hash(email),
        most=limit,
    )
    return [(row[0], row[1]) for row in rows]


def insert_email(ledger: Ledger, user: int, email: str) -> None:
    """Makes a user's address known."""
    ledger.transaction.insert(schema.account_email, [(_email_hash(email), ledger.organization, user)])


def delete_email(ledger: Ledger, user: int, email: str) -> None:
    """Forgets a user's address."""
    text = "DELETE FROM account_email WHERE organization_id = :o AND hash = :hash AND user_id = :user"
    run(ledger, text, user=user, hash=_email_hash(email))


# --- passwords and themes --------------------------------------------------------------------------------------------


class SignIn(NamedTuple):
    """How a user signs in; `password_hash` is None before a first password."""

    password_hash: str | None
    theme: Theme


def select_sign_in(transaction: Transaction, organization: int, user: int) -> SignIn:
    """How a user signs in; what a user without a row has."""
    row = transaction.row(
        "SELECT password_hash, theme FROM user_sign_in WHERE organization_id = :o AND user_id = :user",
        o=organization,
        user=user,
    )
    return SignIn(row[0], Theme(row[1])) if row else SignIn(None, Theme.SYSTEM)


def set_password_hash(ledger: Ledger, user: int, password_hash: str, now: Instant) -> None:
    """Sets the hash of a user's password."""
    ledger.transaction.insert(
        schema.user_sign_in,
        [(ledger.organization, user, password_hash, now, Theme.SYSTEM.value)],
        """ON CONFLICT (organization_id, user_id) DO UPDATE SET
        password_hash = excluded.password_hash, password_set_at = excluded.password_set_at""",
    )


def renew_password_hash(transaction: Transaction, organization: int, user: int, old: str, new: str) -> None:
    """Stores another hash of the same password, unless the password was changed meanwhile."""
    transaction.run(
        "UPDATE user_sign_in SET password_hash = :new WHERE organization_id = :o AND user_id = :user"
        " AND password_hash = :old",
        o=organization,
        user=user,
        old=old,
        new=new,
    )


def clear_password_hash(ledger: Ledger, user: int) -> None:
    """Deletes the hash of a user's password; the theme stays."""
    run(
        ledger,
        "UPDATE user_sign_in SET password_hash = NULL, password_set_at = NULL"
        " WHERE organization_id = :o AND user_id = :user",
        user=user,
    )


def set_theme(ledger: Ledger, user: int, theme: Theme) -> None:
    """Sets the theme of pages for a user."""
    ledger.transaction.insert(
        schema.user_sign_in,
        [(ledger.organization, user, None, None, theme.value)],
        "ON CONFLICT (organization_id, user_id) DO UPDATE SET theme = excluded.theme",
    )


def delete_sign_in(ledger: Ledger, user: int) -> None:
    """Deletes a user's password and theme."""
    run(ledger, "DELETE FROM user_sign_in WHERE organization_id = :o AND user_id = :user", user=user)


# --- one-time links --------------------------------------------------------------------------------------------------


class Link(NamedTuple):
    """The one-time link of a user, with the hash of its secret."""

    hash: bytes
    kind: LinkKind
    expires_at: Instant


def select_link(transaction: Transaction, organization: int, user: int) -> Link | None:
    """The link of a user, expired or not."""
    row = transaction.row(
        "SELECT hash, kind, expires_at FROM sign_in_link WHERE organization_id = :o AND user_id = :user",
        o=organization,
        user=user,
    )
    return Link(bytes(row[0]), LinkKind(row[1]), row[2]) if row else None


def set_link(ledger: Ledger, user: int, link: Link) -> None:
    """Sets the link of a user in place of an earlier one."""
    delete_link(ledger, user)
    row = (ledger.organization, user, link.hash, link.kind.value, link.expires_at)
    ledger.transaction.insert(schema.sign_in_link, [row])


def delete_link(ledger: Ledger, user: int) -> int:
    """Deletes the link of a user; returns how many there were."""
    return run(ledger, "DELETE FROM sign_in_link WHERE organization_id = :o AND user_id = :user", user=user)


# --- sessions --------------------------------------------------------------------------------------------------------

_SELECT = "SELECT id, user_id, created_at, seen_at, ends_at, browser, hash FROM user_session WHERE organization_id = :o"


def select_session(transaction: Transaction, organization: int, session: int) -> tuple[Session, bytes] | None:
    """A session, ended or not, and the hash of its secret."""
    row = transaction.row(f"{_SELECT} AND id = :id", o=organization, id=session)
    return (_session(row), bytes(row[6])) if row else None


def select_sessions(transaction: Transaction, organization: int, user: int) -> list[Session]:
    """The sessions of a user, ended ones too, that seen last first."""
    rows = transaction.rows(f"{_SELECT} AND user_id = :user ORDER BY seen_at DESC, id", o=organization, user=user)
    return [_session(row) for row in rows]


def insert_session(ledger: Ledger, user: int, digest: bytes, browser: str, ends_at: Instant, now: Instant) -> int:
    """Inserts a session and sets the user's last login; returns the session's id."""
    identity = next_id(ledger, "user_session")
    row = (ledger.organization, identity, user, digest, now, now, ends_at, browser)
    ledger.transaction.insert(schema.user_session, [row])
    run(
        ledger,
        "UPDATE user_account SET last_login_at = :at WHERE organization_id = :o AND id = :user",
        user=user,
        at=now,
    )
    return identity


def delete_sessions(ledger: Ledger, user: int, *, session: int | None = None, except_for: int | None = None) -> int:
    """Deletes the sessions of a user: all, one, or all but one; returns their number."""
    text, values = "DELETE FROM user_session WHERE organization_id = :o AND user_id = :user", {"user": user}
    if session is not None:
        text, values = f"{text} AND id = :id", {**values, "id": session}
    if except_for is not None:
        text, values = f"{text} AND id <> :kept", {**values, "kept": except_for}
    return run(ledger, text, **values)


def update_seen(transaction: Transaction, organization: int, session: int, now: Instant) -> None:
    """Sets when a session was last used; not to an earlier instant."""
    transaction.run(
        "UPDATE user_session SET seen_at = :now WHERE organization_id = :o AND id = :id AND seen_at < :now",
        o=organization,
        id=session,
        now=now,
    )


def delete_expired(transaction: Transaction, organization: int, idle_since: Instant, now: Instant) -> int:
    """Deletes sessions that ended or were last used before `idle_since`, and expired links; returns their number."""
    sessions = transaction.run(
        "DELETE FROM user_session WHERE organization_id = :o AND (ends_at <= :now OR seen_at <= :idle)",
        o=organization,
        now=now,
        idle=idle_since,
    )
    text = "DELETE FROM sign_in_link WHERE organization_id = :o AND expires_at <= :now"
    return sessions + transaction.run(text, o=organization, now=now)


def delete_all(transaction: Transaction) -> tuple[int, int]:
    """Deletes the sessions and the one-time links of all organizations; returns the number of each."""
    return transaction.run("DELETE FROM user_session"), transaction.run("DELETE FROM sign_in_link")


def _session(row: Row) -> Session:
    """A session from its row."""
    return Session(*row[:6])
