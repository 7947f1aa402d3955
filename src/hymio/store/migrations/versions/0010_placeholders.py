"""An index of presses with negative sequences: among them are the placeholders, which reports count in a period."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_feedback_placeholder",
        "feedback",
        ["organization_id", "assignment_id", "at"],
        sqlite_where=sa.text("sequence < 0"),
        postgresql_where=sa.text("sequence < 0"),
    )
