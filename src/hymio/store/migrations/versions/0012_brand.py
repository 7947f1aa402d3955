"""How an organization's published smileys look.

Distribution on Citus: the new table is distributed by `organization_id`.
"""

import sqlalchemy as sa

from hymio.store.new_tables import create_table

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "brand",
        sa.Column("organization_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("ink", sa.Text(), nullable=False),
        sa.Column("accent", sa.Text(), nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.Column("is_square", sa.SmallInteger(), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
