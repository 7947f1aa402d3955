"""Custom data fields of an organization, and what they say of its nodes."""

from __future__ import annotations

import json

from hymio.custom import CustomField, CustomValue, check_field
from hymio.errors import SetupError
from hymio.store import Store, schema
from hymio.store.catalog.changing import check_name, must_have, run
from hymio.store.dialect import Row
from hymio.store.ledger import Ledger


def add_custom_field(ledger: Ledger, field: CustomField) -> None:
    """Adds a field. SetupError if its id is taken."""
    _check(field)
    if _found(ledger, field.id):
        raise SetupError(f"there is a custom field {field.id} already")
    row = (ledger.organization, field.id, field.label, field.type, json.dumps(field.options))
    ledger.transaction.insert(schema.custom_field, [row])


def change_custom_field(ledger: Ledger, field: CustomField) -> None:
    """Gives the field of an id another label, type and options. SetupError if a value in use is not among these."""
    _check(field)
    _must_have_field(ledger, field.id)
    text = "SELECT node_id, value FROM custom_value WHERE organization_id = :o AND field_id = :field ORDER BY node_id"
    for node, value in ledger.transaction.rows(text, o=ledger.organization, field=field.id):
        if not field.accepts(value):
            raise SetupError(f"custom field {field.id}: node {node} has the value {value!r}, which is no option now")
    run(
        ledger,
        """UPDATE custom_field SET label = :label, type = :type, options = :options
        WHERE organization_id = :o AND id = :field""",
        label=field.label, type=field.type, options=json.dumps(field.options), field=field.id,
    )  # fmt: skip


def remove_custom_field(ledger: Ledger, field: str) -> None:
    """Removes a field with all its values."""
    _must_have_field(ledger, field)
    run(ledger, "DELETE FROM custom_value WHERE organization_id = :o AND field_id = :field", field=field)
    run(ledger, "DELETE FROM custom_field WHERE organization_id = :o AND id = :field", field=field)


def set_custom_value(ledger: Ledger, node: int, field: str, value: str) -> None:
    """Sets a node's value of a field. SetupError if it is not among the field's options."""
    must_have(ledger, "node", node)
    known = _must_have_field(ledger, field)
    check_name(value, "value")
    if not known.accepts(value):
        raise SetupError(f"got {field} {value!r}; accepted are: {', '.join(known.options)}")
    ledger.transaction.insert(
        schema.custom_value,
        [(ledger.organization, node, field, value)],
        "ON CONFLICT (organization_id, node_id, field_id) DO UPDATE SET value = excluded.value",
    )


def clear_custom_value(ledger: Ledger, node: int, field: str) -> None:
    """Takes a node's value of a field away, if it has one."""
    must_have(ledger, "node", node)
    _must_have_field(ledger, field)
    run(
        ledger,
        "DELETE FROM custom_value WHERE organization_id = :o AND node_id = :node AND field_id = :field",
        node=node,
        field=field,
    )


def custom_fields(store: Store, organization: int) -> list[CustomField]:
    """The fields of an organization, by id."""
    with store.read() as transaction:
        rows = transaction.rows(_SELECT, o=organization)
    # Sorted here: a database may order texts by the rules of a language.
    return sorted(map(_field, rows), key=lambda field: field.id)


def custom_values(store: Store, organization: int) -> list[CustomValue]:
    """All values in an organization, by node and field."""
    text = "SELECT node_id, field_id, value FROM custom_value WHERE organization_id = :o"
    with store.read() as transaction:
        return sorted(CustomValue(*row) for row in transaction.rows(text, o=organization))


_SELECT = "SELECT id, label, type, options FROM custom_field WHERE organization_id = :o"


def _field(row: Row) -> CustomField:
    identity, label, kind, options = row
    return CustomField(identity, label, kind, tuple(json.loads(options)))


def _found(ledger: Ledger, field: str) -> CustomField | None:
    row = ledger.transaction.row(f"{_SELECT} AND id = :field", o=ledger.organization, field=field)
    return _field(row) if row else None


def _must_have_field(ledger: Ledger, field: str) -> CustomField:
    found = _found(ledger, field)
    if found is None:
        raise SetupError(f"there is no custom field {field[:80]!r}")
    return found


def _check(field: CustomField) -> None:
    check_field(field)
    check_name(field.label, "label")
    for option in field.options:
        check_name(option, "option")
