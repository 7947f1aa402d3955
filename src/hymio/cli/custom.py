"""`hymio custom-data`: custom fields of an organization and their values at nodes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    Database,
    OrganizationName,
    Yes,
    ask,
    changing,
    opened,
    operator_of,
    say,
)
from hymio.cli.listing import Column, Fit, Listing, Listings, listing
from hymio.custom import SELECT, TEXT


class Kind(StrEnum):
    """The types of custom fields that the command line sets; an import may have others."""

    TEXT = TEXT
    SELECT = SELECT
    NUMBER = "number"
    DATE = "date"


commands = typer.Typer(no_args_is_help=True, help="Define custom data fields, and set their values at nodes.")

FieldName = Annotated[str, typer.Argument(metavar="FIELD", help="Id or label of the field", show_default=False)]
NodeName = Annotated[
    str, typer.Argument(metavar="NODE", help="Number, name or end of the path of the node", show_default=False)
]
_Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="VALUE", help="An accepted value; repeat for each", show_default=False),
]


@commands.command("add")
def add(
    context: typer.Context,
    organization: OrganizationName,
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="Id in API v2: letters, digits, _ . and -", show_default=False)
    ],
    label: Annotated[str, typer.Argument(help="Label", show_default=False)],
    kind: Annotated[
        Kind | None,
        typer.Option("--type", help="Otherwise select with options, or text", show_default=False),
    ] = None,
    options: _Options = None,
    database: Database = None,
) -> None:
    """Add a field of which every group and experience point may have a value.

    Example: hymio custom-data add "Acme" format "Store format" --option City --option Outlet
    """
    from hymio import manage
    from hymio.custom import CustomField

    field = CustomField(identity, label, (kind or (Kind.SELECT if options else Kind.TEXT)).value, tuple(options or ()))
    with changing(context, database, organization) as (_, operator, batch):
        manage.add_custom_field(batch, operator, field, now=batch.now)
    say(f"Custom field {field.id}: {escape(label)} [dim]({escape(field.type)})[/]")


@commands.command("edit")
def edit(
    context: typer.Context,
    organization: OrganizationName,
    field: FieldName,
    label: Annotated[str | None, typer.Option(help="New label", show_default=False)] = None,
    kind: Annotated[Kind | None, typer.Option("--type", help="New type", show_default=False)] = None,
    options: _Options = None,
    database: Database = None,
) -> None:
    """Change a field's label, type or options. Options that are not given stay unchanged.

    Example: hymio custom-data edit "Acme" format --option City --option Outlet --option Airport
    """
    from dataclasses import replace

    from hymio import manage
    from hymio.cli.naming import field_of

    with changing(context, database, organization) as (_, operator, batch):
        existing = field_of(manage.custom_fields(batch, operator), field)
        chosen = existing.options if not options else tuple(options)
        changed = replace(
            existing, label=label or existing.label, type=existing.type if kind is None else kind.value, options=chosen
        )
        manage.change_custom_field(batch, operator, changed, now=batch.now)
    say(f"Custom field {changed.id}: {escape(changed.label)} [dim]({escape(changed.type)})[/]")


_FIELDS = (Column("field", Fit.WORD), Column("label"), Column("type", Fit.WORD), Column("options"))
_VALUES = (Column("node", Fit.DATA), Column("path", heading="node"), Column("field", Fit.WORD), Column("value"))


@commands.command("list")
@listing("fields", "values")
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> Listings:
    """List the fields of an organization and their values."""
    from hymio import manage

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        hierarchy = store.layout(operator.organization).hierarchy
        fields, values = manage.custom_fields(store, operator), manage.custom_values(store, operator)
    kinds = [(field.id, field.label, field.type, field.options) for field in fields]
    known = [(value.node, hierarchy.path(value.node), value.field, value.value) for value in values]
    nothing = "There is no custom field yet. Add one with: hymio custom-data add ORGANIZATION ID LABEL"
    return Listings(
        (
            Listing("fields", _FIELDS, kinds, title="Fields", nothing=nothing),
            Listing("values", _VALUES, known, title="Values"),
        )
    )


@commands.command("set")
def set_value(
    context: typer.Context,
    organization: OrganizationName,
    node: NodeName,
    field: FieldName,
    value: Annotated[str, typer.Argument(help="What is known of it", show_default=False)],
    database: Database = None,
) -> None:
    """Set the value of a field at a group or experience point; those below have values of their own.

    Example: hymio custom-data set "Acme" "Front door" format City
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        at = naming.node_of(batch.layout, node)
        existing = naming.field_of(manage.custom_fields(batch, operator), field)
        manage.set_custom_value(batch, operator, at.id, existing.id, value, now=batch.now)
    say(f"{at.id} {escape(at.name)}: {escape(existing.label)} is {escape(value)}")


@commands.command("clear")
def clear(
    context: typer.Context, organization: OrganizationName, node: NodeName, field: FieldName, database: Database = None
) -> None:
    """Take the value of a field at a group or experience point away.

    Example: hymio custom-data clear "Acme" "Front door" format
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        at = naming.node_of(batch.layout, node)
        existing = naming.field_of(manage.custom_fields(batch, operator), field)
        manage.clear_custom_value(batch, operator, at.id, existing.id, now=batch.now)
    say(f"{at.id} {escape(at.name)} has no {escape(existing.label)} now.")


@commands.command("remove")
def remove(
    context: typer.Context,
    organization: OrganizationName,
    field: FieldName,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Remove a field with all its values.

    Example: hymio custom-data remove "Acme" format
    """
    from hymio import manage
    from hymio.cli.naming import field_of

    ask("Remove the field and all its values?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        existing = field_of(manage.custom_fields(batch, operator), field)
        manage.remove_custom_field(batch, operator, existing.id, now=batch.now)
    say(f"Custom field {existing.id} {escape(existing.label)} and its values are removed.")
