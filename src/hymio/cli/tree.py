"""`hymio node`: the tree of groups and experience points, their time zones and misuse policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, Moment, OrganizationName, Undo, Yes, ask, changing, hint, say, say_removal
from hymio.cli.taking_effect import say_effect, when

if TYPE_CHECKING:
    from hymio.access import Principal
    from hymio.manage import Batch

commands = typer.Typer(no_args_is_help=True, help="Build the tree: groups, experience points, zones, misuse policies.")

Name = Annotated[str, typer.Argument(help="Name of the node", show_default=False)]
NodeName = Annotated[
    str, typer.Argument(metavar="NODE", help="Number, name or end of the path of the node", show_default=False)
]
Below = Annotated[
    str | None,
    typer.Option("--below", metavar="NODE", help="The parent group; otherwise the root", show_default=False),
]
Zone = Annotated[str | None, typer.Option(metavar="ZONE", help="Time zone; otherwise inherited", show_default=False)]


@commands.command("add-group")
def add_group(
    context: typer.Context,
    organization: OrganizationName,
    name: Name,
    below: Below = None,
    zone: Zone = None,
    database: Database = None,
) -> None:
    """Add a group.

    Example: hymio node add-group "Acme" "Finland" --zone Europe/Helsinki
    """
    from hymio import manage

    with changing(context, database, organization) as (_, operator, batch):
        node = manage.add_group(batch, operator, name, _parent(batch, below), now=batch.now)
        description = _set_zone_and_describe(batch, operator, node, zone)
    say(description)


@commands.command("add-point")
def add_point(
    context: typer.Context,
    organization: OrganizationName,
    name: Name,
    below: Below = None,
    zone: Zone = None,
    public_name: Annotated[
        str | None, typer.Option(help="Name of the point in published results", show_default=False)
    ] = None,
    database: Database = None,
) -> None:
    """Add an experience point: a place for smileys.

    Example: hymio node add-point "Acme" "Front door" --below "Finland"
    """
    from hymio import manage
    from hymio.errors import SetupError

    with changing(context, database, organization) as (_, operator, batch):
        parent = _parent(batch, below)
        if parent is None:
            raise SetupError(
                "point-without-group",
                "an experience point belongs to a group; add one first with: hymio node add-group",
            )
        node = manage.add_point(batch, operator, name, parent, public_name=public_name, now=batch.now)
        description = _set_zone_and_describe(batch, operator, node, zone)
    say(description)


@commands.command("rename")
def rename(
    context: typer.Context, organization: OrganizationName, node: NodeName, name: Name, database: Database = None
) -> None:
    """Rename a group or point."""
    from hymio import manage
    from hymio.cli.naming import node_of

    with changing(context, database, organization) as (_, operator, batch):
        chosen = node_of(batch.layout, node)
        manage.rename_node(batch, operator, chosen.id, name, now=batch.now)
    say(f"{chosen.id} {escape(chosen.name)} is {escape(name)} now.")


@commands.command("move")
def move(
    context: typer.Context,
    organization: OrganizationName,
    node: NodeName,
    below: Annotated[str, typer.Argument(metavar="GROUP", help="The new parent group", show_default=False)],
    database: Database = None,
) -> None:
    """Move a node with its whole history to another group.

    Example: hymio node move "Acme" "Front door" "Sweden"
    """
    from hymio import manage
    from hymio.cli.naming import node_of

    with changing(context, database, organization) as (_, operator, batch):
        chosen = node_of(batch.layout, node)
        effect = manage.move_node(batch, operator, chosen.id, node_of(batch.layout, below).id, now=batch.now)
        path = batch.layout.hierarchy.path(chosen.id)
    say(f"{chosen.id} is now {escape(path)}.")
    if effect is not None and effect.oldest is not None:
        hint(
            "Feedback lies there already: the zones and misuse policies of the new groups act from a minute from now"
            " on, those of the old ones until then."
        )


@commands.command("delete")
def delete(
    context: typer.Context,
    organization: OrganizationName,
    node: NodeName,
    undo: Undo = False,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Delete a group or point; where feedback lies below, it is archived: surveys end there, smileys are taken away.

    Feedback stays, and so do results. Archived nodes are left out of listings; --undo lists them again.

    Example: hymio node delete "Acme" "Front door"
    """
    from hymio import manage
    from hymio.cli.naming import node_of

    if not undo:
        ask("Delete the node?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = node_of(batch.layout, node)
        if undo:
            manage.unarchive(batch, operator, manage.Archivable.NODE, chosen.id, now=batch.now)
        else:
            what = manage.remove_node(batch, operator, chosen.id, now=batch.now)
    say_removal(f"{chosen.id} {chosen.name}", None if undo else what)


@commands.command("zone")
def zone(
    context: typer.Context,
    organization: OrganizationName,
    node: NodeName,
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="Such as Europe/Helsinki", show_default=False)],
    start: Moment = None,
    database: Database = None,
) -> None:
    """Set the time zone of a node and of everything below that has no other zone.

    While no feedback lies below the node, it acts at all times.
    Afterwards it acts from a minute from now on, or from --from on.
    `hymio resettle` applies it to stored feedback.

    Example: hymio node zone "Acme" "Finland" Europe/Helsinki
    """
    from hymio import manage, period
    from hymio.cli.naming import moment, node_of

    with changing(context, database, organization) as (_, operator, batch):
        chosen = node_of(batch.layout, node)
        at = None if start is None else moment(start, period.zone(zone))
        effect = manage.set_zone(batch, operator, chosen.id, zone, at, now=batch.now)
    clock = period.zone(zone)
    say(f"{chosen.id} {escape(chosen.name)} is in the zone {zone}{when(effect, clock)}.")
    say_effect(organization, node, effect, clock, start)


@commands.command("policy")
def policy(
    context: typer.Context,
    organization: OrganizationName,
    node: NodeName,
    interval: Annotated[int, typer.Option(metavar="SECONDS", help="Least time between counted presses; 0 is off")] = 5,
    burst: Annotated[
        str | None,
        typer.Option(metavar="PRESSES/SECONDS", help="6/10: over 6 presses in 10 s are a burst", show_default=False),
    ] = None,
    answer_interval: Annotated[
        int, typer.Option(metavar="SECONDS", help="Minimum time between answers of one web visitor; 0 is off")
    ] = 0,
    opening_hours: Annotated[
        str | None,
        typer.Option(help="Presses outside are misuse: mon-fri 8:00-20:00, sat 10:00-16:00", show_default=False),
    ] = None,
    start: Moment = None,
    database: Database = None,
) -> None:
    """Set the misuse policy of a node and of everything below that has no policy of its own.

    Raw results include misuse; hourly results leave it out.
    While no feedback lies below the node, it acts at all times.
    Afterwards it acts from a minute from now on, or from --from on.
    `hymio resettle` applies it to stored feedback.

    Example: hymio node policy "Acme" "Front door" --burst 6/10 --opening-hours "mon-sat 9-21"
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.misuse import MisusePolicy
    from hymio.opening_hours import parse_opening_hours

    presses, seconds = _burst(burst)
    hours = parse_opening_hours(opening_hours) if opening_hours else None
    new_policy = MisusePolicy(interval, presses, seconds, answer_interval, hours is not None, hours)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.node_of(batch.layout, node)
        zone = batch.layout.zone_of(chosen.id, batch.now)
        at = None if start is None else naming.moment(start, zone)
        effect = manage.set_policy(batch, operator, chosen.id, new_policy, at, now=batch.now)
    say(f"{chosen.id} {escape(chosen.name)} has this misuse policy{when(effect, zone)}.")
    say_effect(organization, node, effect, zone, start)


def _parent(batch: Batch, below: str | None) -> int | None:
    """The node given by --below, otherwise the root; None if the tree is empty."""
    from hymio.cli.naming import node_of

    root = batch.layout.hierarchy.root
    return node_of(batch.layout, below).id if below is not None else None if root is None else root.id


def _set_zone_and_describe(batch: Batch, operator: Principal, node: int, zone: str | None) -> str:
    """Sets the zone of a new node, if one is given, and returns the line that describes the node."""
    from hymio import manage

    if zone is not None:
        manage.set_zone(batch, operator, node, zone, now=batch.now)
    kind = "Point" if batch.layout.hierarchy.nodes[node].is_point else "Group"
    return f"{kind} {node}: {escape(batch.layout.hierarchy.path(node))}"


def _burst(text: str | None) -> tuple[int, int]:
    """Presses and seconds of `6/10`; 0 and 0 without a text. SetupError."""
    from hymio.errors import SetupError

    if text is None:
        return 0, 0
    presses, slash, seconds = text.partition("/")
    if not (slash and presses.isdecimal() and seconds.isdecimal()):
        raise SetupError("bad-burst", "got burst {got!r}; accepted is PRESSES/SECONDS, 6/10 say", got=text)
    return int(presses), int(seconds)
