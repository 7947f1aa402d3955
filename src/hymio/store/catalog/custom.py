"""Rows of custom data fields and of their values at nodes."""

from __future__ import annotations

import json

from hymio.custom import CustomField, CustomValue
from hymio.store import schema
from hymio.store.catalog.rows import first_row, run
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger

_SELECT = "SELECT id, label, type, options FROM custom_field WHERE organization_id = :o"


def select_fields(transaction: Transaction, organization: int) -> list[CustomField]:
    """The fields of an organization, by id."""
    rows = transaction.rows(_SELECT, o=organization)
    # Sorted in Python, because a database may order texts by the rules of a language.
    return sorted(map(_field, rows), key=lambda field: field.id)


def select_field(ledger: Ledger, field: str) -> CustomField | None:
    """The field with an id."""
    row = first_row(ledger, f"{_SELECT} AND id = :field", field=field)
    return _field(row) if row else None


def insert_field(ledger: Ledger, field: CustomField) -> None:
    """Inserts a field."""
    values = (ledger.organization, field.id, field.label, field.type, json.dumps(field.options))
    ledger.transaction.insert(schema.custom_field, [values])


def update_field(ledger: Ledger, field: CustomField) -> None:
    """Sets the label, type and options of the field with `field.id`."""
    run(
        ledger,
        """UPDATE custom_field SET label = :label, type = :type, options = :options
        WHERE organization_id = :o AND id = :field""",
        label=field.label,
        type=field.type,
        options=json.dumps(field.options),
        field=field.id,
    )


def delete_field(ledger: Ledger, field: str) -> int:
    """Deletes a field with all its values; returns the number of values."""
    values = run(ledger, "DELETE FROM custom_value WHERE organization_id = :o AND field_id = :field", field=field)
    run(ledger, "DELETE FROM custom_field WHERE organization_id = :o AND id = :field", field=field)
    return values


def select_values(transaction: Transaction, organization: int, field: str | None = None) -> list[CustomValue]:
    """The values of a field, or of all, by node and field."""
    text = "SELECT node_id, field_id, value FROM custom_value WHERE organization_id = :o"
    if field is None:
        return sorted(CustomValue(*row) for row in transaction.rows(text, o=organization))
    rows = transaction.rows(f"{text} AND field_id = :field", o=organization, field=field)
    return sorted(CustomValue(*row) for row in rows)


def select_value(ledger: Ledger, node: int, field: str) -> str | None:
    """A node's value of a field."""
    text = "SELECT value FROM custom_value WHERE organization_id = :o AND node_id = :node AND field_id = :field"
    row = first_row(ledger, text, node=node, field=field)
    return row[0] if row else None


def upsert_value(ledger: Ledger, node: int, field: str, value: str) -> None:
    """Sets a node's value of a field."""
    ledger.transaction.insert(
        schema.custom_value,
        [(ledger.organization, node, field, value)],
        "ON CONFLICT (organization_id, node_id, field_id) DO UPDATE SET value = excluded.value",
    )


def delete_value(ledger: Ledger, node: int, field: str) -> None:
    """Deletes a node's value of a field."""
    text = "DELETE FROM custom_value WHERE organization_id = :o AND node_id = :node AND field_id = :field"
    run(ledger, text, node=node, field=field)


def _field(row: Row) -> CustomField:
    """A custom field from its row."""
    identity, label, kind, options = row
    return CustomField(identity, label, kind, tuple(json.loads(options)))
