"""The least number of answers that a number of a report needs.

Distribution on Citus: the new table is distributed by `organization_id`.
"""

import sqlalchemy as sa

from hymio.store.new_tables import create_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_table(
        "minimum_answers",
        sa.Column("organization_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("survey_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("answers", sa.BigInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
