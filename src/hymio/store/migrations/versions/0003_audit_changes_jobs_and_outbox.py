"""The audit log, the list of what each change of the set-up touched, periodic jobs, and the outbox.

Distribution on Citus: `job` is a reference table; all other new tables are distributed by `organization_id`.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hymio.store.new_tables import create_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _key(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.BigInteger(), primary_key=True, autoincrement=False)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def _owned(name: str, *columns: sa.Column[Any]) -> None:
    create_table(name, _key("organization_id"), *columns, sqlite_with_rowid=False)


def upgrade() -> None:
    op.add_column("ledger", sa.Column("content_revision", sa.BigInteger(), nullable=False, server_default="0"))
    _owned(
        "audit",
        _key("revision"),
        _key("number"),
        _number("at"),
        _text("actor"),
        _text("via"),
        _text("verb"),
        _number("node_id", null=True),
        _text("subject"),
        _text("old_value"),
        _text("new_value"),
    )
    _owned("setup_change", _key("revision"), _key("part", sa.Text()), _key("id"))
    create_table(
        "job",
        _key("name", sa.Text()),
        _number("due_at"),
        _number("attempts"),
        _text("holder", null=True),
        _number("lease_until", null=True),
        _number("started_at", null=True),
        _number("finished_at", null=True),
        _text("outcome", null=True),
        _text("detail", null=True),
        distribution="reference",
        sqlite_with_rowid=False,
    )
    _owned(
        "outbox",
        _key("revision"),
        _key("number"),
        _text("kind"),
        _text("payload"),
        _number("created_at"),
        _number("not_before"),
        _number("attempts"),
        _text("holder", null=True),
        _number("lease_until", null=True),
        _text("outcome", null=True),
        _text("detail", null=True),
        _number("ended_at", null=True),
    )
    waiting = sa.text("outcome IS NULL")
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["organization_id", "not_before"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
