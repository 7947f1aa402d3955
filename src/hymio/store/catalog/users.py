"""Rows of users."""

from __future__ import annotations

from hymio.access import Role
from hymio.store import schema
from hymio.store.catalog.rows import first_row, run
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger
from hymio.user import LoginMethod, User

_SELECT = """SELECT id, email, first_name, last_name, node_id, role, locale, login_allowed, login_method, created_at,
    last_login_at FROM user_account WHERE organization_id = :o"""


def select_users(transaction: Transaction, organization: int) -> list[User]:
    """The users of an organization, by id."""
    return [_user(row) for row in transaction.rows(f"{_SELECT} ORDER BY id", o=organization)]


def select_user(ledger: Ledger, user: int) -> User | None:
    """A user."""
    row = first_row(ledger, f"{_SELECT} AND id = :user", user=user)
    return _user(row) if row else None


def select_account(transaction: Transaction, organization: int, user: int) -> User | None:
    """A user, outside a change."""
    row = transaction.row(f"{_SELECT} AND id = :user", o=organization, user=user)
    return _user(row) if row else None


def select_by_email(ledger: Ledger, email: str, other_than: int) -> int | None:
    """The id of another user with this email, regardless of case; None if there is none."""
    text = "SELECT id FROM user_account WHERE organization_id = :o AND lower(email) = :email AND id <> :user"
    row = first_row(ledger, text, email=email.lower(), user=other_than)
    return row[0] if row else None


def next_user(ledger: Ledger) -> int:
    """A number that no user has, and no removed user to whom an alert or a comment still refers."""
    references = (("user_account", "id"), ("alert_comment", "user_id"), ("alert", "acknowledged_by"))
    texts = (f"SELECT max({column}) FROM {table} WHERE organization_id = :o" for table, column in references)
    highest = (first_row(ledger, text) for text in texts)
    return max(row[0] or 0 for row in highest if row) + 1


def insert_user(ledger: Ledger, user: User) -> None:
    """Inserts a user without a last login."""
    values = (
        ledger.organization, user.id, user.email, user.first_name, user.last_name, user.node, user.role.value,
        user.locale, int(user.login_allowed), user.login_method.value, None, user.created_at,
    )  # fmt: skip
    ledger.transaction.insert(schema.user_account, [values])


def update_user(ledger: Ledger, user: User) -> None:
    """Sets everything of the user with `user.id`, except when it was created and last logged in."""
    run(
        ledger,
        """UPDATE user_account SET email = :email, first_name = :first, last_name = :last, node_id = :node,
        role = :role, locale = :locale, login_allowed = :allowed, login_method = :method
        WHERE organization_id = :o AND id = :user""",
        email=user.email, first=user.first_name, last=user.last_name, node=user.node, role=user.role.value,
        locale=user.locale, allowed=int(user.login_allowed), method=user.login_method.value, user=user.id,
    )  # fmt: skip


def delete_user(ledger: Ledger, user: int) -> None:
    """Deletes a user; its comments and acknowledgements keep its number."""
    run(ledger, "DELETE FROM user_account WHERE organization_id = :o AND id = :user", user=user)


def _user(row: Row) -> User:
    """A user from its row."""
    identity, email, first, last, node, role, locale, allowed, method, created, last_login = row
    return User(
        identity, email, first, last, node, Role(role), locale, bool(allowed), LoginMethod(method), created, last_login
    )
