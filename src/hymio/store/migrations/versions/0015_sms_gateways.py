"""Keys of SMS gateways that sign, bytes of undecodable texts, parts of longer texts, what is archived and dismissed.

Distribution on Citus: the new tables are distributed by `organization_id`.
"""

import sqlalchemy as sa
from alembic import op

from hymio.store.new_tables import create_table

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "sms_gateway",
        sa.Column("organization_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    create_table(
        "archived",
        sa.Column("organization_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    create_table(
        "dismissal",
        sa.Column("organization_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("smiley_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("reason", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    for name in ("body", "part_of"):
        op.add_column("message", sa.Column(name, sa.LargeBinary(), nullable=True))
    for name in ("part", "parts", "joined_at"):
        op.add_column("message", sa.Column(name, sa.BigInteger(), nullable=True))
