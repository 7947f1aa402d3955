"""Custom data fields of an organization, and their values at its nodes."""

from __future__ import annotations

from hymio.access import DataKind, Permission, Principal
from hymio.custom import CustomField, CustomValue, check_field
from hymio.errors import NotFound, Phrase, SetupError
from hymio.manage.change import Batch, Change, changing, reach_in, reading
from hymio.manage.checks import check_name
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog import custom


def add_custom_field(store: Store | Batch, principal: Principal, field: CustomField, *, now: Instant) -> None:
    """Adds a field. SetupError if its id is taken."""
    with changing(store, principal, Permission.CHANGE_CUSTOM_DATA, now) as change:
        change.require_whole_tree()
        _check(field)
        if custom.select_field(change.ledger, field.id):
            raise SetupError("custom-field-taken", "there is a custom field {field} already", field=field.id)
        custom.insert_field(change.ledger, field)
        change.audit("add-custom-field", f"custom field {field.id}", new=_shown(field))


def change_custom_field(store: Store | Batch, principal: Principal, field: CustomField, *, now: Instant) -> None:
    """Sets the label, type and options of the field of an id. SetupError if a value in use is none of the options."""
    with changing(store, principal, Permission.CHANGE_CUSTOM_DATA, now) as change:
        change.require_whole_tree()
        _check(field)
        old = _require_field(change, field.id)
        for node, _, value in custom.select_values(change.ledger.transaction, principal.organization, field.id):
            if not field.accepts(value):
                raise SetupError(
                    "value-no-option-now",
                    "custom field {field}: node {node} has the value {value!r}, which is no option now",
                    field=field.id,
                    node=node,
                    value=value,
                )
        if field == old:
            return
        custom.update_field(change.ledger, field)
        change.audit("change-custom-field", f"custom field {field.id}", old=_shown(old), new=_shown(field))


def remove_custom_field(store: Store | Batch, principal: Principal, field: str, *, now: Instant) -> None:
    """Removes a field with all its values."""
    with changing(store, principal, Permission.CHANGE_CUSTOM_DATA, now) as change:
        change.require_whole_tree()
        old = _require_field(change, field)
        values = custom.delete_field(change.ledger, field)
        change.audit("remove-custom-field", f"custom field {field}", old={**_shown(old), "values": values})


def set_custom_value(
    store: Store | Batch, principal: Principal, node: int, field: str, value: str, *, now: Instant
) -> None:
    """Sets a node's value of a field. SetupError if it is none of the field's options."""
    with changing(store, principal, Permission.CHANGE_CUSTOM_DATA, now, node=node) as change:
        definition = _require_field(change, field)
        check_name(value, Phrase("value"))
        if not definition.accepts(value):
            raise SetupError(
                "value-no-option",
                "got {field} {value!r}; accepted are: {options}",
                field=field,
                value=value,
                options=", ".join(definition.options),
            )
        old = custom.select_value(change.ledger, node, field)
        if value == old:
            return
        custom.upsert_value(change.ledger, node, field, value)
        change.audit("set-custom-value", f"custom field {field}", node=node, old=old, new=value)


def clear_custom_value(store: Store | Batch, principal: Principal, node: int, field: str, *, now: Instant) -> None:
    """Deletes a node's value of a field, if it has one."""
    with changing(store, principal, Permission.CHANGE_CUSTOM_DATA, now, node=node) as change:
        _require_field(change, field)
        old = custom.select_value(change.ledger, node, field)
        if old is not None:
            custom.delete_value(change.ledger, node, field)
            change.audit("clear-custom-value", f"custom field {field}", node=node, old=old)


def custom_fields(store: Store | Batch, principal: Principal) -> list[CustomField]:
    """The fields of the organization, in order of their ids."""
    principal.require(Permission.READ_SETUP)
    principal.require_kind(DataKind.CUSTOM_DATA)
    with reading(store) as transaction:
        return custom.select_fields(transaction, principal.organization)


def custom_values(store: Store | Batch, principal: Principal) -> list[CustomValue]:
    """The values at the nodes in the principal's scope, in order of node and field."""
    principal.require(Permission.READ_SETUP)
    principal.require_kind(DataKind.CUSTOM_DATA)
    with reading(store) as transaction:
        reach = reach_in(store, transaction, principal)
        values = custom.select_values(transaction, principal.organization)
    return [value for value in values if reach.holds(value.node)]


def _require_field(change: Change, field: str) -> CustomField:
    """The custom field. NotFound."""
    definition = custom.select_field(change.ledger, field) if field.isprintable() else None
    if definition is None:
        raise NotFound("unknown-custom-field", "there is no custom field {field!r}", field=field[:80])
    return definition


def _check(field: CustomField) -> None:
    """SetupError unless the id, type, label and options of a field are valid."""
    check_field(field)
    check_name(field.label, Phrase("label"))
    for option in field.options:
        check_name(option, Phrase("option"))


def _shown(field: CustomField) -> dict[str, object]:
    """A field for the audit log."""
    return {"label": field.label, "type": field.type, "options": list(field.options)}
