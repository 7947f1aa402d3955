"""Whether the addresses of a published smiley are withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("web_smiley", sa.Column("is_withdrawn", sa.SmallInteger(), nullable=False, server_default="0"))
