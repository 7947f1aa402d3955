"""Buttons' ways, offsets of texted hours, all phases in order of time, tokens of API v2, custom data, users, alerts.

Distribution on Citus: all new tables are distributed by `organization_id`. The two tables of phases are made anew,
under a key that begins with the instant.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hymio.store.new_tables import create_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _key(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.BigInteger(), primary_key=True, autoincrement=False)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _small(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.SmallInteger(), nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def _owned(name: str, *columns: sa.Column[Any]) -> None:
    create_table(name, _key("organization_id"), *columns, sqlite_with_rowid=False)


def _phase(name: str, *columns: sa.Column[Any]) -> None:
    _owned(name, _key("at"), _key("smiley_id"), _key("epoch"), _key("sequence"), *columns, _number("revision"))


def upgrade() -> None:
    op.add_column("feedback", _small("ui", null=True))
    op.add_column("hour_report", _small("utc_offset", null=True))
    for table in ("followup_feedback", "text_feedback"):
        _set_aside(table)
    _make_phases()
    _bring_back()
    _owned(
        "departure",
        _key("assignment_id"),
        _key("at"),
        _key("smiley_id"),
        _key("epoch"),
        _key("sequence"),
        _key("revision"),
    )
    _make_tokens_and_custom_data()
    _make_users_and_alerts()


def _set_aside(table: str) -> None:
    op.rename_table(table, f"old_{table}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_old_{table}")


def _make_phases() -> None:
    _phase(
        "followup_feedback",
        _key("position"),
        _number("option_id", null=True),
        _number("question_id", null=True),
        _small("ui", null=True),
    )
    _phase(
        "text_feedback",
        _small("position"),
        _small("ui", null=True),
        _text("text", null=True),
        sa.Column("relevance", sa.Float(), nullable=True),
        _small("spam", null=True),
        _text("masked", null=True),
        _text("rephrased", null=True),
        _text("english", null=True),
        _text("categories"),
        _text("themes"),
    )
    _phase("contact_feedback", _small("position"), _text("name"), _text("email", null=True), _text("phone", null=True))
    _phase("metadata_feedback", _key("name", sa.Text()), _text("value"))
    _phase("demographics_feedback", _text("gender", null=True), _number("age", null=True))


def _bring_back() -> None:
    """The rows that were set aside, under their new key; the revision is that of their press, with which they came."""
    joined = """p JOIN feedback f ON f.organization_id = p.organization_id AND f.smiley_id = p.smiley_id
        AND f.epoch = p.epoch AND f.sequence = p.sequence"""
    key = "p.organization_id, f.at, p.smiley_id, p.epoch, p.sequence"
    op.execute(
        f"""INSERT INTO followup_feedback
        (organization_id, at, smiley_id, epoch, sequence, position, option_id, revision)
        SELECT {key}, p.position, p.option_id, f.revision FROM old_followup_feedback {joined}"""
    )
    op.execute(
        f"""INSERT INTO text_feedback (organization_id, at, smiley_id, epoch, sequence, position, text, relevance, spam,
        categories, themes, revision)
        SELECT {key}, 1 + coalesce((SELECT max(q.position) FROM followup_feedback q
          WHERE q.organization_id = p.organization_id AND q.at = f.at AND q.smiley_id = p.smiley_id
            AND q.epoch = p.epoch AND q.sequence = p.sequence), 0),
          p.text, p.relevance, p.spam, '', '', f.revision FROM old_text_feedback {joined}"""
    )
    op.drop_table("old_followup_feedback")
    op.drop_table("old_text_feedback")


def _make_tokens_and_custom_data() -> None:
    _owned(
        "api_token",
        _key("id"),
        _text("name"),
        _number("node_id", null=True),
        _text("kinds"),
        _number("created_at"),
        _number("expires_at", null=True),
        _number("revoked_at", null=True),
    )
    _owned("token_use", _key("token_id"), _number("used_at"))
    _owned("custom_field", _key("id", sa.Text()), _text("label"), _text("type"), _text("options"))
    _owned("custom_value", _key("node_id"), _key("field_id", sa.Text()), _text("value"))


def _make_users_and_alerts() -> None:
    _owned(
        "user_account",
        _key("id"),
        _text("email"),
        _text("first_name"),
        _text("last_name"),
        _number("node_id"),
        _text("role"),
        _text("locale"),
        _small("login_allowed"),
        _text("login_method"),
        _number("last_login_at", null=True),
        _number("created_at"),
    )
    _owned(
        "alert_specification",
        _key("id"),
        _number("survey_id"),
        _number("node_id"),
        _text("type"),
        _text("parameters"),
    )
    _owned(
        "alert",
        _key("id"),
        _number("specification_id"),
        _number("survey_id"),
        _number("node_id"),
        _text("type"),
        _text("parameters"),
        _number("begins_at"),
        _number("ends_at", null=True),
        _number("acknowledged_by", null=True),
        _number("acknowledged_at", null=True),
    )
    op.create_index("ix_alert_begins_at", "alert", ["organization_id", "begins_at"])
    _owned(
        "alert_comment",
        _key("id"),
        _number("alert_id"),
        _number("user_id"),
        _number("commented_at"),
        _text("comment"),
    )
    op.create_index("ix_alert_comment_commented_at", "alert_comment", ["organization_id", "commented_at"])
