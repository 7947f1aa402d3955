"""Which revision last changed feedback of a day other than by adding presses, for entity tags of answers about a range.

Distribution on Citus: the new table is distributed by `organization_id`.
"""

import sqlalchemy as sa

from hymio.store.new_tables import create_table

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "changed_day",
        sa.Column("organization_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("assignment_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("day", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
