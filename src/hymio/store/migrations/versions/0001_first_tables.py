"""The first tables.

Distribution on Citus: `organization` and `directory` are reference tables, all others are distributed by
`organization_id` (the table's `info` in `schema.py`; `hymio db distribute` does it).
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _counts() -> list[sa.Column[int]]:
    return [sa.Column(f"c{button}", sa.Integer(), nullable=False) for button in range(11)]


def _key(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.BigInteger(), primary_key=True, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "organization",
        _key("id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("api_enabled", sa.SmallInteger(), nullable=False),
        sa.Column("raw_results", sa.SmallInteger(), nullable=False),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "directory",
        _key("kind", sa.Text()),
        _key("hash", sa.LargeBinary()),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger",
        _key("organization_id"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("setup_revision", sa.BigInteger(), nullable=False),
        sa.Column("raw_from", sa.BigInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revision",
        _key("organization_id"),
        _key("revision"),
        sa.Column("committed_at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "node",
        _key("organization_id"),
        _key("id"),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_name", sa.Text(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "node_setting",
        _key("organization_id"),
        _key("node_id"),
        _key("name", sa.Text()),
        _key("starts_at"),
        sa.Column("value", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "localization",
        _key("organization_id"),
        _key("kind", sa.Text()),
        _key("id"),
        _key("locale", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "question",
        _key("organization_id"),
        _key("id"),
        sa.Column("default_locale", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "survey",
        _key("organization_id"),
        _key("id"),
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("scale", sa.Text(), nullable=False),
        sa.Column("index_type", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "followup_question",
        _key("organization_id"),
        _key("id"),
        sa.Column("survey_id", sa.BigInteger(), nullable=False),
        sa.Column("positive", sa.SmallInteger(), nullable=False),
        sa.Column("default_locale", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "followup_option",
        _key("organization_id"),
        _key("id"),
        sa.Column("followup_question_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "assignment",
        _key("organization_id"),
        _key("id"),
        sa.Column("node_id", sa.BigInteger(), nullable=False),
        sa.Column("survey_id", sa.BigInteger(), nullable=False),
        sa.Column("smiley_id", sa.BigInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "active_period",
        _key("organization_id"),
        _key("assignment_id"),
        _key("starts", sa.Text()),
        sa.Column("ends", sa.Text(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "smiley",
        _key("organization_id"),
        _key("id"),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sms_key", sa.LargeBinary(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "placement",
        _key("organization_id"),
        _key("smiley_id"),
        _key("starts_at"),
        sa.Column("node_id", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_client",
        _key("organization_id"),
        _key("id"),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "smiley_state",
        _key("organization_id"),
        _key("smiley_id"),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_through", sa.BigInteger(), nullable=True),
        sa.Column("clock_error", sa.BigInteger(), nullable=True),
        sa.Column("battery", sa.Float(), nullable=True),
        sa.Column("signal", sa.Integer(), nullable=True),
        sa.Column("firmware", sa.Text(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "smiley_epoch",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "accounted",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        _key("first_sequence"),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quarantine",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        _key("sequence"),
        _key("hash", sa.LargeBinary()),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feedback",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        _key("sequence"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("utc_offset", sa.SmallInteger(), nullable=False),
        sa.Column("correction", sa.BigInteger(), nullable=False),
        sa.Column("button", sa.SmallInteger(), nullable=False),
        sa.Column("accuracy", sa.SmallInteger(), nullable=False),
        sa.Column("repeated", sa.SmallInteger(), nullable=False),
        sa.Column("assignment_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_feedback_assignment_at", "feedback", ["organization_id", "assignment_id", "at"])
    op.create_index("ix_feedback_revision", "feedback", ["organization_id", "revision"])
    op.create_table(
        "followup_feedback",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        _key("sequence"),
        _key("position"),
        sa.Column("option_id", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "text_feedback",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        _key("sequence"),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("relevance", sa.Float(), nullable=True),
        sa.Column("spam", sa.SmallInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "restatement",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        _key("sequence"),
        _key("revision"),
        sa.Column("old_verdict", sa.SmallInteger(), nullable=False),
        sa.Column("new_verdict", sa.SmallInteger(), nullable=False),
        sa.Column("old_assignment_id", sa.BigInteger(), nullable=False),
        sa.Column("old_utc_offset", sa.SmallInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_restatement_revision", "restatement", ["organization_id", "revision"])
    op.create_table(
        "hour_report",
        _key("organization_id"),
        _key("smiley_id"),
        _key("epoch"),
        _key("first_sequence"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("end_sequence", sa.BigInteger(), nullable=False),
        *_counts(),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "visit",
        _key("organization_id"),
        _key("assignment_id"),
        _key("visitor", sa.LargeBinary()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message",
        _key("organization_id"),
        _key("received_at"),
        _key("hash", sa.LargeBinary()),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("smiley_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "assignment_hour",
        _key("organization_id"),
        _key("assignment_id"),
        _key("local_hour"),
        _key("starts_at"),
        _key("verdict", sa.SmallInteger()),
        *_counts(),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "group_hour",
        _key("organization_id"),
        _key("node_id"),
        _key("survey_id"),
        _key("local_hour"),
        _key("starts_at"),
        _key("verdict", sa.SmallInteger()),
        *_counts(),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
