"""How digital smileys are open to the web, what surveys ask for there, keys of visitors' hashes, and findings.

Distribution on Citus: `visitor_key` is a reference table; the others are distributed by `organization_id`.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hymio.store.new_tables import create_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), primary_key=True, autoincrement=False)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.SmallInteger(), nullable=False)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def upgrade() -> None:
    op.execute("ALTER TABLE feedback RENAME COLUMN repeated TO finding")
    create_table(
        "web_smiley",
        _key("organization_id"),
        _key("smiley_id"),
        _text("token"),
        _text("code"),
        _text("origins"),
        sa.Column("answer_interval", sa.BigInteger(), nullable=True),
        _flag("is_installing"),
        _flag("work_bits"),
        sqlite_with_rowid=False,
    )
    create_table(
        "survey_flow",
        _key("organization_id"),
        _key("survey_id"),
        _flag("asks_text"),
        _flag("asks_contact"),
        _text("metadata"),
        _text("consent_locale", null=True),
        sqlite_with_rowid=False,
    )
    create_table(
        "visitor_key",
        _key("day"),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        distribution="reference",
        sqlite_with_rowid=False,
    )
