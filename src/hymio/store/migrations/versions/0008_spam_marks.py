"""Corrections of the source's word that a text is spam.

Distribution on Citus: the new table is distributed by `organization_id`.
"""

import sqlalchemy as sa

from hymio.store.new_tables import create_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = ("organization_id", "at", "smiley_id", "epoch", "sequence", "revision")
    create_table(
        "spam_mark",
        *(sa.Column(name, sa.BigInteger(), primary_key=True, autoincrement=False) for name in key),
        sa.Column("spam", sa.SmallInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
