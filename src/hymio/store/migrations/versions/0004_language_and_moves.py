"""The language of an organization, and where a moved thing was before in the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organization", sa.Column("language", sa.Text(), nullable=False, server_default="en"))
    op.add_column("audit", sa.Column("from_node_id", sa.BigInteger(), nullable=True))
