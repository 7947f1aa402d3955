"""docs/privacy.md: every column with people's data stands there, and every column is decided."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Column, LargeBinary, Text

from hymio.personal_data import DEFAULT_DAYS
from hymio.store import schema
from hymio.store.personal_rows import PHASES

DOCUMENT = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in DOCUMENT.splitlines() if re.match(r"\|.*`\w+\.\w+`", line)]

NOT_PERSONAL = {
    "archived": "kind",
    "alert": "id type parameters", "alert_specification": "type parameters", "active_period": "starts ends",
    "brand": "ground ink accent logo",
    "api_client": "client_id token_hash", "api_token": "kinds", "audit": "via verb subject",
    "custom_field": "id label type options", "custom_value": "field_id", "directory": "kind hash",
    "job": "name holder outcome detail", "localization": "kind locale text", "node": "kind name public_name",
    "node_setting": "name value", "organization": "name language", "outbox": "kind payload holder outcome detail",
    "purge_due": "name", "question": "default_locale", "followup_question": "default_locale", "retention": "kind",
    "setup_change": "part", "shared_link": "hash", "sign_in_link": "hash kind", "smiley": "serial name type sms_key",
    "smiley_state": "firmware", "sms_gateway": "kind secret",
    "survey": "scale index_type type", "tombstone": "phase", "user_account": "role login_method",
    "survey_flow": "metadata consent_locale", "visitor_key": "key", "web_smiley": "token code origins",
    "user_session": "hash", "user_sign_in": "theme",
}  # fmt: skip
"""Columns of texts and bytes that hold no people's data: words of Hymio, names of things, secrets of devices."""


def every_column() -> list[Column[object]]:
    return [column for table in schema.metadata.sorted_tables for column in table.columns]


def is_personal(column: Column[object]) -> bool:
    return bool(column.info.get("personal"))


def test_every_column_with_peoples_data_stands_in_the_document_once() -> None:
    listed = [name for row in ROWS for name in re.findall(r"`(\w+\.\w+)`", row[1])]
    assert sorted(listed) == sorted(str(column) for column in every_column() if is_personal(column))


@pytest.mark.parametrize(
    "column", [each for each in every_column() if isinstance(each.type, (Text, LargeBinary))], ids=str
)
def test_it_is_decided_of_every_text_whether_it_is_peoples_data(column: Column[object]) -> None:
    assert is_personal(column) != (column.name in NOT_PERSONAL.get(column.table.name, "").split())


def test_each_row_says_why_how_long_and_how_it_is_deleted() -> None:
    for row in ROWS:
        assert len(row) == 5
        assert all(cell.strip() for cell in row), row
        assert re.search("hymio|shorter", row[4]), row


def test_the_document_names_each_kind_with_its_days() -> None:
    listed = dict(re.findall(r"`([a-z-]+)`, ([0-9,]+ days|no limit)", "\n".join(row[3] for row in ROWS)))
    assert listed == {
        kind.value: "no limit" if days is None else f"{days:,} days" for kind, days in DEFAULT_DAYS.items()
    }


def test_a_kind_of_a_phase_is_the_kind_of_its_table() -> None:
    for kind, phase in PHASES.items():
        [row] = [row for row in ROWS if f"`{phase.table.name}." in row[1]]
        assert f"`{kind.value}`" in row[3]
