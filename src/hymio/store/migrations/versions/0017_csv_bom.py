"""Whether a token of API v2 gets CSV with a byte order mark.

Distribution on Citus: a column of a table that is distributed by `organization_id`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_token", sa.Column("csv_bom", sa.SmallInteger(), nullable=False, server_default="0"))
