"""All tables, each with its distribution on a Citus cluster."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

from hymio.rollup import MAX_BUTTONS

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

REFERENCE = {"distribution": "reference"}
"""Of small tables that are seldom written: replicated to every node."""

BY_ORGANIZATION = {"distribution": "organization_id"}
"""Of all other tables: rows of one organization are on one node; `organization_id` is first in every key and WHERE."""


def _id(name: str) -> Column[int]:
    """A bigint column that is part of the primary key; never an identity column."""
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _owned(name: str, *columns: SchemaItem) -> Table:
    """A table of rows that belong to an organization, with `organization_id` first in its key."""
    key = _id("organization_id")
    return Table(name, metadata, key, *columns, info=BY_ORGANIZATION, sqlite_with_rowid=False)


def _number(name: str, *, null: bool = False) -> Column[int]:
    """A bigint column."""
    return Column(name, BigInteger, nullable=null)


def _small(name: str) -> Column[int]:
    """A smallint column that is not null."""
    return Column(name, SmallInteger, nullable=False)


def _text(name: str, *, null: bool = False, personal: bool = False) -> Column[str]:
    """A text column; docs/privacy.md says of one with people's data why it is stored, how long, and what deletes it."""
    return Column(name, Text, nullable=null, info={"personal": personal})


def _hash(name: str) -> Column[bytes]:
    """A column of hashes of people's data, which is part of the primary key."""
    return Column(name, LargeBinary, primary_key=True, info={"personal": True})


def _counts() -> list[Column[int]]:
    """The columns c0 to c10: presses by button index."""
    return [Column(f"c{button}", Integer, nullable=False) for button in range(MAX_BUTTONS)]


organization = Table(
    "organization",
    metadata,
    _id("id"),
    _text("name"),
    _number("created_at"),
    _small("api_enabled"),
    _small("raw_results"),
    Column("language", Text, nullable=False, server_default="en"),
    info=REFERENCE,
)

directory = Table(
    "directory",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    _number("organization_id"),
    _number("id"),
    info=REFERENCE,
    sqlite_with_rowid=False,
)

# The row whose lock serializes the writes of an organization. It is not in `organization` because that is a reference
# table, every write to which is a transaction over all nodes.
ledger = _owned(
    "ledger",
    _number("revision"),
    _number("setup_revision"),
    _number("raw_from", null=True),
    Column("content_revision", BigInteger, nullable=False, server_default="0"),
)

revision = _owned("revision", _id("revision"), _number("committed_at"))

# Who changed what of the set-up and of credentials: a row for each verb of `manage`, in the commit of the change.
audit = _owned(
    "audit",
    _id("revision"),
    _id("number"),
    _number("at"),
    _text("actor", personal=True),
    _text("via"),
    _text("verb"),
    _number("node_id", null=True),
    _number("from_node_id", null=True),
    _text("subject"),
    _text("old_value", personal=True),
    _text("new_value", personal=True),
)

# Which rows of the set-up a revision touched, so that a reader who has an older layout or content loads only these.
setup_change = _owned("setup_change", _id("revision"), Column("part", Text, primary_key=True), _id("id"))

# Periodic jobs of the installation: when each is due, how often that run was begun, and which process holds its lease.
job = Table(
    "job",
    metadata,
    Column("name", Text, primary_key=True),
    _number("due_at"),
    _number("attempts"),
    _text("holder", null=True),
    _number("lease_until", null=True),
    _number("started_at", null=True),
    _number("finished_at", null=True),
    _text("outcome", null=True),
    _text("detail", null=True),
    info=REFERENCE,
    sqlite_with_rowid=False,
)

# What must happen because of a commit (a mail, a webhook), written in that commit and done afterwards. An id that came
# from the highest one stored would be given twice once old rows are deleted; the revision never is.
outbox = _owned(
    "outbox",
    _id("revision"),
    _id("number"),
    _text("kind"),
    _text("payload"),
    _number("created_at"),
    _number("not_before"),
    _number("attempts"),
    _text("holder", null=True),
    _number("lease_until", null=True),
    _text("outcome", null=True),
    _text("detail", null=True),
    _number("ended_at", null=True),
    Index(
        "ix_outbox_waiting",
        "organization_id",
        "not_before",
        sqlite_where=text("outcome IS NULL"),
        postgresql_where=text("outcome IS NULL"),
    ),
)

node = _owned(
    "node", _id("id"), _number("parent_id", null=True), _text("kind"), _text("name"), _text("public_name", null=True)
)

node_setting = _owned(
    "node_setting", _id("node_id"), Column("name", Text, primary_key=True), _id("starts_at"), _text("value")
)

localization = _owned(
    "localization",
    Column("kind", Text, primary_key=True),
    _id("id"),
    Column("locale", Text, primary_key=True),
    _text("text"),
)

question = _owned("question", _id("id"), _text("default_locale"))

survey = _owned("survey", _id("id"), _number("question_id"), _text("scale"), _text("index_type"), _text("type"))

followup_question = _owned(
    "followup_question", _id("id"), _number("survey_id"), _small("positive"), _text("default_locale")
)

followup_option = _owned("followup_option", _id("id"), _number("followup_question_id"), _small("position"))

assignment = _owned("assignment", _id("id"), _number("node_id"), _number("survey_id"), _number("smiley_id", null=True))

active_period = _owned(
    "active_period", _id("assignment_id"), Column("starts", Text, primary_key=True), _text("ends", null=True)
)

smiley = _owned(
    "smiley",
    _id("id"),
    _text("serial"),
    _text("name"),
    _text("type"),
    Column("sms_key", LargeBinary, nullable=True),
)

# Until when the one-time code of a smiley can be used; its hash is in the directory.
smiley_claim = _owned("smiley_claim", _id("smiley_id"), _number("expires_at"))

# How a digital smiley is open to the web; its token and code are public.
web_smiley = _owned(
    "web_smiley",
    _id("smiley_id"),
    _text("token"),
    _text("code"),
    _text("origins"),
    _number("answer_interval", null=True),
    _small("is_installing"),
    _small("work_bits"),
    _small("is_withdrawn"),
)

# What a survey asks for on the web, and the names of the metadata that it accepts.
survey_flow = _owned(
    "survey_flow",
    _id("survey_id"),
    _small("asks_text"),
    _small("asks_contact"),
    _text("metadata"),
    _text("consent_locale", null=True),
)

placement = _owned("placement", _id("smiley_id"), _id("starts_at"), _number("node_id"), _number("ends_at", null=True))

api_client = _owned(
    "api_client",
    _id("id"),
    _text("client_id"),
    Column("token_hash", LargeBinary, nullable=False),
    _number("created_at"),
    _number("revoked_at", null=True),
)

# A token of API v2: a scope, kinds of data and an end. When it was last used stands elsewhere, as reading writes it.
api_token = _owned(
    "api_token",
    _id("id"),
    _text("name", personal=True),
    _number("node_id", null=True),
    _text("kinds"),
    _number("created_at"),
    _number("expires_at", null=True),
    _number("revoked_at", null=True),
)

token_use = _owned("token_use", _id("token_id"), _number("used_at"))

custom_field = _owned(
    "custom_field", Column("id", Text, primary_key=True), _text("label"), _text("type"), _text("options")
)

custom_value = _owned(
    "custom_value", _id("node_id"), Column("field_id", Text, primary_key=True), _text("value", personal=True)
)

user_account = _owned(
    "user_account",
    _id("id"),
    _text("email", personal=True),
    _text("first_name", personal=True),
    _text("last_name", personal=True),
    _number("node_id"),
    _text("role"),
    _text("locale", personal=True),
    _small("login_allowed"),
    _text("login_method"),
    Column("last_login_at", BigInteger, nullable=True, info={"personal": True}),
    _number("created_at"),
)

# Which accounts an e-mail address belongs to, by the hash of the address in lower case: a person who signs in does not
# name an organization, and the accounts of each are on its own node of a cluster.
account_email = Table(
    "account_email",
    metadata,
    _hash("hash"),
    _id("organization_id"),
    _number("user_id"),
    info=REFERENCE,
    sqlite_with_rowid=False,
)

# How a user signs in and how pages look to them. Without a row there is no password yet, and the theme is the system's.
user_sign_in = _owned(
    "user_sign_in",
    _id("user_id"),
    _text("password_hash", null=True, personal=True),
    _number("password_set_at", null=True),
    _text("theme"),
)

# The one-time link by which a user chooses a password; a new one replaces it, and its use deletes it.
sign_in_link = _owned(
    "sign_in_link", _id("user_id"), Column("hash", LargeBinary, nullable=False), _text("kind"), _number("expires_at")
)

# A browser in which a user is signed in: the cookie has the id and a secret, of which the hash is here.
user_session = _owned(
    "user_session",
    _id("id"),
    _number("user_id"),
    Column("hash", LargeBinary, nullable=False),
    _number("created_at"),
    Column("seen_at", BigInteger, nullable=False, info={"personal": True}),
    _number("ends_at"),
    _text("browser", personal=True),
    Index("ix_user_session_user_id", "organization_id", "user_id"),
)

# A report that a person shares by an address: that has the id and a secret, of which the hash is here. `words` are the
# parameters of the report's address.
shared_link = _owned(
    "shared_link",
    _id("id"),
    _number("user_id"),
    Column("hash", LargeBinary, nullable=False),
    _text("name", personal=True),
    _number("node_id"),
    _text("words", personal=True),
    _small("needs_sign_in"),
    _small("shows_texts"),
    _number("created_at"),
    _number("expires_at"),
    _number("revoked_at", null=True),
    _number("used_at", null=True),
    Index("ix_shared_link_user_id", "organization_id", "user_id"),
)

alert_specification = _owned(
    "alert_specification", _id("id"), _number("survey_id"), _number("node_id"), _text("type"), _text("parameters")
)

alert = _owned(
    "alert",
    _id("id"),
    _number("specification_id"),
    _number("survey_id"),
    _number("node_id"),
    _text("type"),
    _text("parameters"),
    _number("begins_at"),
    _number("ends_at", null=True),
    _number("acknowledged_by", null=True),
    _number("acknowledged_at", null=True),
    Index("ix_alert_begins_at", "organization_id", "begins_at"),
)

alert_comment = _owned(
    "alert_comment",
    _id("id"),
    _number("alert_id"),
    _number("user_id"),
    _number("commented_at"),
    _text("comment", personal=True),
    Index("ix_alert_comment_commented_at", "organization_id", "commented_at"),
)

smiley_state = _owned(
    "smiley_state",
    _id("smiley_id"),
    _number("seen_at"),
    _number("reported_through", null=True),
    _number("clock_error", null=True),
    Column("battery", Float, nullable=True),
    Column("signal", Integer, nullable=True),
    _text("firmware", null=True),
)

smiley_epoch = _owned("smiley_epoch", _id("smiley_id"), _id("epoch"), _number("through"), _number("highest"))

# Sequences that no feedback row stands for: declared lost by the device, or kept in quarantine because they could not
# be read or contradicted what was stored.
accounted = _owned(
    "accounted", _id("smiley_id"), _id("epoch"), _id("first_sequence"), _number("last_sequence"), _number("revision")
)

# Of a body that was erased, the hash is a random number, and the revision that erased it stands beside it.
quarantine = _owned(
    "quarantine",
    _id("smiley_id"),
    _id("epoch"),
    _id("sequence"),
    _hash("hash"),
    _small("reason"),
    _text("body", personal=True),
    _number("revision"),
    _number("erased_revision", null=True),
    Index(
        "ix_quarantine_kept",
        "organization_id",
        "revision",
        sqlite_where=text("erased_revision IS NULL"),
        postgresql_where=text("erased_revision IS NULL"),
    ),
)

feedback = _owned(
    "feedback",
    _id("smiley_id"),
    _id("epoch"),
    _id("sequence"),
    _number("at"),
    _small("utc_offset"),
    _number("correction"),
    _small("button"),
    _small("accuracy"),
    _small("finding"),
    _number("assignment_id"),
    _small("verdict"),
    _number("revision"),
    Column("ui", SmallInteger, nullable=True),
    Index("ix_feedback_assignment_at", "organization_id", "assignment_id", "at"),
    Index("ix_feedback_revision", "organization_id", "revision"),
    Index(
        "ix_feedback_placeholder",
        "organization_id",
        "assignment_id",
        "at",
        sqlite_where=text("sequence < 0"),
        postgresql_where=text("sequence < 0"),
    ),
)


def _phase(name: str, *columns: SchemaItem) -> Table:
    # In order of time, so that those of a period are one range; `at` and the key are the feedback's and never change.
    return _owned(name, _id("at"), _id("smiley_id"), _id("epoch"), _id("sequence"), *columns, _number("revision"))


followup_feedback = _phase(
    "followup_feedback",
    _id("position"),
    _number("option_id", null=True),
    _number("question_id", null=True),
    Column("ui", SmallInteger, nullable=True),
)

text_feedback = _phase(
    "text_feedback",
    _small("position"),
    Column("ui", SmallInteger, nullable=True),
    _text("text", null=True, personal=True),
    Column("relevance", Float, nullable=True),
    Column("spam", SmallInteger, nullable=True),
    _text("masked", null=True, personal=True),
    _text("rephrased", null=True, personal=True),
    _text("english", null=True, personal=True),
    _text("categories", personal=True),
    _text("themes", personal=True),
)

contact_feedback = _phase(
    "contact_feedback",
    _small("position"),
    _text("name", personal=True),
    _text("email", null=True, personal=True),
    _text("phone", null=True, personal=True),
)

metadata_feedback = _phase(
    "metadata_feedback",
    Column("name", Text, primary_key=True, info={"personal": True}),
    _text("value", personal=True),
)

demographics_feedback = _phase(
    "demographics_feedback",
    _text("gender", null=True, personal=True),
    Column("age", BigInteger, nullable=True, info={"personal": True}),
)

# What people said of a text, against its source: whether it is spam, from a revision on. The text's row never changes.
spam_mark = _owned(
    "spam_mark",
    _id("at"),
    _id("smiley_id"),
    _id("epoch"),
    _id("sequence"),
    _id("revision"),
    _small("spam"),
)

# Which phases of which presses were erased, so that an upload that is sent again does not bring them back.
tombstone = _owned(
    "tombstone",
    _id("smiley_id"),
    _id("epoch"),
    _id("sequence"),
    Column("phase", Text, primary_key=True),
    _number("revision"),
)

# Days that an organization keeps a kind of people's data, where it is not the default; NULL is without limit.
retention = _owned("retention", Column("kind", Text, primary_key=True), _number("days", null=True))

# The least number of answers that a number of a report needs, by survey; 0 is the organization's own, NULL is not set.
minimum_answers = _owned("minimum_answers", _id("survey_id"), _number("answers", null=True))

# How published smileys look, where an organization has chosen it; the logo is a PNG file or empty.
brand = _owned(
    "brand",
    _text("ground"),
    _text("ink"),
    _text("accent"),
    _small("size"),
    _small("is_square"),
    Column("logo", LargeBinary, nullable=False),
)

# Tables of an SQLite file from which rows were erased whose bytes the file may still hold.
purge_due = _owned("purge_due", Column("name", Text, primary_key=True), _number("revision"))

restatement = _owned(
    "restatement",
    _id("smiley_id"),
    _id("epoch"),
    _id("sequence"),
    _id("revision"),
    _small("old_verdict"),
    _small("new_verdict"),
    _number("old_assignment_id"),
    _small("old_utc_offset"),
    Index("ix_restatement_revision", "organization_id", "revision"),
)

# Feedback that left an assignment, by when it was pressed: what a listing that was begun before still has to show.
departure = _owned(
    "departure", _id("assignment_id"), _id("at"), _id("smiley_id"), _id("epoch"), _id("sequence"), _id("revision")
)

hour_report = _owned(
    "hour_report",
    _id("smiley_id"),
    _id("epoch"),
    _id("first_sequence"),
    _number("at"),
    _number("end_sequence"),
    *_counts(),
    Column("utc_offset", SmallInteger, nullable=True),
)

visit = _owned("visit", _id("assignment_id"), _hash("visitor"), _number("at"))

message = _owned(
    "message",
    _id("received_at"),
    _hash("hash"),
    _text("sender", personal=True),
    _text("text", personal=True),
    _number("smiley_id", null=True),
    _text("outcome", personal=True),
)

# The keys of hashes of visitors: a random one for each day (UTC, days since 1970), deleted soon after.
visitor_key = Table(
    "visitor_key",
    metadata,
    _id("day"),
    Column("key", LargeBinary, nullable=False),
    info=REFERENCE,
    sqlite_with_rowid=False,
)

assignment_hour = _owned(
    "assignment_hour",
    _id("assignment_id"),
    _id("local_hour"),
    _id("starts_at"),
    Column("verdict", SmallInteger, primary_key=True, autoincrement=False),
    *_counts(),
    _number("revision"),
)

group_hour = _owned(
    "group_hour",
    _id("node_id"),
    _id("survey_id"),
    _id("local_hour"),
    _id("starts_at"),
    Column("verdict", SmallInteger, primary_key=True, autoincrement=False),
    *_counts(),
    _number("revision"),
)

FEEDBACK_COLUMNS = tuple(column.name for column in feedback.columns)[1:]
"""The columns of `feedback` without the organization: the fields of a Feedback, in their order."""

COUNT_COLUMNS = tuple(f"c{button}" for button in range(MAX_BUTTONS))
"""The counts of an hour by button, in order."""
