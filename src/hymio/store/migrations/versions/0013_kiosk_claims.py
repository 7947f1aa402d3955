"""Until when the one-time code of a smiley can be used, by which a tablet becomes that smiley.

Distribution on Citus: the new table is distributed by `organization_id`.
"""

import sqlalchemy as sa

from hymio.store.new_tables import create_table

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "smiley_claim",
        sa.Column("organization_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("smiley_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
