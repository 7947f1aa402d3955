"""Passwords, one-time links and sessions of users, and an index of their e-mail addresses by hash.

Distribution on Citus: `account_email` is a reference table; all other new tables are distributed by `organization_id`.
"""

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

from hymio.store.new_tables import create_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _key(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.BigInteger(), primary_key=True, autoincrement=False)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def _hash() -> sa.Column[Any]:
    return sa.Column("hash", sa.LargeBinary(), nullable=False)


def _owned(name: str, *columns: sa.Column[Any]) -> None:
    create_table(name, _key("organization_id"), *columns, sqlite_with_rowid=False)


def upgrade() -> None:
    create_table(
        "account_email",
        _key("hash", sa.LargeBinary()),
        _key("organization_id"),
        _number("user_id"),
        distribution="reference",
        sqlite_with_rowid=False,
    )
    _owned(
        "user_sign_in",
        _key("user_id"),
        _text("password_hash", null=True),
        _number("password_set_at", null=True),
        _text("theme"),
    )
    _owned("sign_in_link", _key("user_id"), _hash(), _text("kind"), _number("expires_at"))
    _owned(
        "user_session",
        _key("id"),
        _number("user_id"),
        _hash(),
        _number("created_at"),
        _number("seen_at"),
        _number("ends_at"),
        _text("browser"),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["organization_id", "user_id"])
    _index_addresses()


def _index_addresses() -> None:
    """Adds the accounts that exist; the hash is made here because the engines have no common function for it."""
    connection = op.get_bind()
    accounts = connection.execute(sa.text("SELECT organization_id, id, email FROM user_account")).all()
    rows = [
        {"hash": hashlib.sha256(email.lower().encode()).digest(), "organization": organization, "user": user}
        for organization, user, email in accounts
    ]
    if rows:
        statement = "INSERT INTO account_email (hash, organization_id, user_id) VALUES (:hash, :organization, :user)"
        connection.execute(sa.text(statement), rows)
