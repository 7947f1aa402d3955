"""`hymio custom-data`: what an organization wants to know of its nodes, and what is known."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli.command import WHOLE, Database, OrganizationName, console, hint, looking_up, opened, say, table
from hymio.custom import SELECT, TEXT

commands = typer.Typer(no_args_is_help=True, help="Define custom data fields, and set their values at nodes.")

FieldName = Annotated[str, typer.Argument(metavar="FIELD", help="Its id or label", show_default=False)]
NodeName = Annotated[
    str, typer.Argument(metavar="NODE", help="Its number, its name or the end of its path", show_default=False)
]
_Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="VALUE", help="A value that it may have, once for each", show_default=False),
]


@commands.command("add")
def add(
    context: typer.Context, organization: OrganizationName,
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="Names it in API v2: letters, digits, _ . and -", show_default=False)
    ],
    label: Annotated[str, typer.Argument(help="What people call it", show_default=False)],
    kind: Annotated[
        str | None,
        typer.Option("--type", metavar="WORD", help="Otherwise select with options, else text", show_default=False),
    ] = None,
    options: _Options = None, database: Database = None,
) -> None:  # fmt: skip
    """Add a field that every group and experience point may have a value of.

    Example: hymio custom-data add "Acme" format "Store format" --option City --option Outlet
    """
    from hymio.custom import CustomField
    from hymio.store import catalog

    field = CustomField(identity, label, kind or (SELECT if options else TEXT), tuple(options or ()))
    with looking_up(context, database, organization) as (_, _, ledger):
        catalog.add_custom_field(ledger, field)
    say(f"Custom field {field.id}: {escape(label)} [dim]({escape(field.type)})[/]")


@commands.command("edit")
def edit(
    context: typer.Context, organization: OrganizationName, field: FieldName,
    label: Annotated[str | None, typer.Option(help="Its new label", show_default=False)] = None,
    kind: Annotated[str | None, typer.Option("--type", metavar="WORD", help="Its type", show_default=False)] = None,
    options: _Options = None, database: Database = None,
) -> None:  # fmt: skip
    """Change a field's label, type or options; what is not named stays.

    Example: hymio custom-data edit "Acme" format --option City --option Outlet --option Airport
    """
    from dataclasses import replace

    from hymio.cli.naming import field_of
    from hymio.store import catalog

    with looking_up(context, database, organization) as (store, found, ledger):
        known = field_of(catalog.custom_fields(store, found.id), field)
        chosen = known.options if not options else tuple(options)
        changed = replace(known, label=label or known.label, type=kind or known.type, options=chosen)
        catalog.change_custom_field(ledger, changed)
    say(f"Custom field {changed.id}: {escape(changed.label)} [dim]({escape(changed.type)})[/]")


@commands.command("list")
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """List the fields of an organization and their values."""
    from hymio.store import catalog

    with opened(context, database) as store:
        found = catalog.find_organization(store, organization).id
        hierarchy = store.layout(found).hierarchy
        fields, values = catalog.custom_fields(store, found), catalog.custom_values(store, found)
    if not fields:
        hint("There is no custom field yet. Add one with: hymio custom-data add ORGANIZATION ID LABEL")
        return
    shown = table(("field", WHOLE), "label", ("type", WHOLE), "options", title="Fields")
    for field in fields:
        shown.add_row(field.id, escape(field.label), field.type, escape(", ".join(field.options)))
    console().print(shown)
    if values:
        held = table("node", ("field", WHOLE), "value", title="Values")
        for each in values:
            held.add_row(escape(hierarchy.path(each.node)), each.field, escape(each.value))
        console().print("", held)


@commands.command("set")
def set_value(
    context: typer.Context, organization: OrganizationName, node: NodeName, field: FieldName,
    value: Annotated[str, typer.Argument(help="What is known of it", show_default=False)],
    database: Database = None,
) -> None:  # fmt: skip
    """Set the value of a field at a group or experience point; those below have values of their own.

    Example: hymio custom-data set "Acme" "Front door" format City
    """
    from hymio.cli import naming
    from hymio.store import catalog

    with looking_up(context, database, organization) as (store, found, ledger):
        at = naming.node_of(ledger.layout, node)
        known = naming.field_of(catalog.custom_fields(store, found.id), field)
        catalog.set_custom_value(ledger, at.id, known.id, value)
    say(f"{at.id} {escape(at.name)}: {escape(known.label)} is {escape(value)}")


@commands.command("clear")
def clear(
    context: typer.Context, organization: OrganizationName, node: NodeName, field: FieldName, database: Database = None
) -> None:
    """Take the value of a field at a group or experience point away.

    Example: hymio custom-data clear "Acme" "Front door" format
    """
    from hymio.cli import naming
    from hymio.store import catalog

    with looking_up(context, database, organization) as (store, found, ledger):
        at = naming.node_of(ledger.layout, node)
        known = naming.field_of(catalog.custom_fields(store, found.id), field)
        catalog.clear_custom_value(ledger, at.id, known.id)
    say(f"{at.id} {escape(at.name)} has no {escape(known.label)} now.")


@commands.command("remove")
def remove(context: typer.Context, organization: OrganizationName, field: FieldName, database: Database = None) -> None:
    """Remove a field with all its values.

    Example: hymio custom-data remove "Acme" format
    """
    from hymio.cli.naming import field_of
    from hymio.store import catalog

    with looking_up(context, database, organization) as (store, found, ledger):
        known = field_of(catalog.custom_fields(store, found.id), field)
        catalog.remove_custom_field(ledger, known.id)
    say(f"Custom field {known.id} {escape(known.label)} and its values are removed.")
