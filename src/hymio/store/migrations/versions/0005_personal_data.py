"""How long people's data is kept, tombstones of erased phases, and erased bodies in quarantine.

Distribution on Citus: all new tables are distributed by `organization_id`.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hymio.store.new_tables import create_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _key(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.BigInteger(), primary_key=True, autoincrement=False)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _owned(name: str, *columns: sa.Column[Any]) -> None:
    create_table(name, _key("organization_id"), *columns, sqlite_with_rowid=False)


def upgrade() -> None:
    _owned(
        "tombstone",
        _key("smiley_id"),
        _key("epoch"),
        _key("sequence"),
        _key("phase", sa.Text()),
        _number("revision"),
    )
    _owned("retention", _key("kind", sa.Text()), _number("days", null=True))
    _owned("purge_due", _key("name", sa.Text()), _number("revision"))
    op.add_column("quarantine", _number("erased_revision", null=True))
    kept = sa.text("erased_revision IS NULL")
    op.create_index(
        "ix_quarantine_kept",
        "quarantine",
        ["organization_id", "revision"],
        sqlite_where=kept,
        postgresql_where=kept,
    )
