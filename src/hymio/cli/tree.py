"""`hymio node`: the tree of groups and experience points, with time zones and what is misuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, Moment, OrganizationName, changing, hint, say

if TYPE_CHECKING:
    from hymio.access import Principal
    from hymio.manage import Batch

commands = typer.Typer(no_args_is_help=True, help="Build the tree: groups, experience points, zones, misuse policies.")

Name = Annotated[str, typer.Argument(help="What people call it", show_default=False)]
NodeName = Annotated[
    str, typer.Argument(metavar="NODE", help="Its number, its name or the end of its path", show_default=False)
]
Below = Annotated[
    str | None,
    typer.Option("--below", metavar="NODE", help="The group it belongs to; otherwise the root", show_default=False),
]
Zone = Annotated[str | None, typer.Option(metavar="ZONE", help="Time zone, if other than above", show_default=False)]


@commands.command("add-group")
def add_group(
    context: typer.Context, organization: OrganizationName, name: Name, below: Below = None, zone: Zone = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Add a group.

    Example: hymio node add-group "Acme" "Finland" --zone Europe/Helsinki
    """
    from hymio import manage

    with changing(context, database, organization) as (_, operator, batch):
        node = manage.add_group(batch, operator, name, _parent(batch, below), now=batch.now)
        told = _settled(batch, operator, node, zone)
    say(told)


@commands.command("add-point")
def add_point(
    context: typer.Context, organization: OrganizationName, name: Name, below: Below = None, zone: Zone = None,
    public_name: Annotated[str | None, typer.Option(help="Its name in what others see", show_default=False)] = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Add an experience point: a place where smileys stand.

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
        told = _settled(batch, operator, node, zone)
    say(told)


@commands.command("rename")
def rename(
    context: typer.Context, organization: OrganizationName, node: NodeName, name: Name, database: Database = None
) -> None:
    """Give a group or point another name."""
    from hymio import manage
    from hymio.cli.naming import node_of

    with changing(context, database, organization) as (_, operator, batch):
        found = node_of(batch.layout, node)
        manage.rename_node(batch, operator, found.id, name, now=batch.now)
    say(f"{found.id} {escape(found.name)} is {escape(name)} now.")


@commands.command("move")
def move(
    context: typer.Context, organization: OrganizationName, node: NodeName,
    below: Annotated[str, typer.Argument(metavar="GROUP", help="The group it goes to", show_default=False)],
    database: Database = None,
) -> None:  # fmt: skip
    """Move a node, with its whole history, below another group.

    Example: hymio node move "Acme" "Front door" "Sweden"
    """
    from hymio import manage
    from hymio.cli.naming import node_of

    with changing(context, database, organization) as (_, operator, batch):
        found = node_of(batch.layout, node)
        manage.move_node(batch, operator, found.id, node_of(batch.layout, below).id, now=batch.now)
        path = batch.layout.hierarchy.path(found.id)
    say(f"{found.id} is now {escape(path)}.")


@commands.command("zone")
def zone(
    context: typer.Context, organization: OrganizationName, node: NodeName,
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="Such as Europe/Helsinki", show_default=False)],
    start: Moment = None, database: Database = None,
) -> None:  # fmt: skip
    """Set the time zone of a node and of all below that has no other.

    The first one acts always, a later one from now or --from.
    `hymio resettle` brings stored feedback in line with it.

    Example: hymio node zone "Acme" "Finland" Europe/Helsinki
    """
    from hymio import manage, period
    from hymio.cli.naming import moment, node_of

    with changing(context, database, organization) as (_, operator, batch):
        found = node_of(batch.layout, node)
        at = None if start is None else moment(start, period.zone(zone))
        manage.set_zone(batch, operator, found.id, zone, at, now=batch.now)
    say(f"{found.id} {escape(found.name)} is in the zone {zone}.")
    _mention_resettle(organization, found.name, start)


@commands.command("policy")
def policy(
    context: typer.Context, organization: OrganizationName, node: NodeName,
    interval: Annotated[int, typer.Option(metavar="SECONDS", help="Least time between counted presses; 0 is off")] = 5,
    burst: Annotated[
        str | None, typer.Option(metavar="PRESSES/SECONDS", help="More than 6/10 is a burst, say", show_default=False)
    ] = None,
    answer_interval: Annotated[
        int, typer.Option(metavar="SECONDS", help="How often one visitor of the web may answer; 0 is off")
    ] = 0,
    opening_hours: Annotated[
        str | None,
        typer.Option(help="Presses outside are misuse: mon-fri 8:00-20:00, sat 10:00-16:00", show_default=False),
    ] = None,
    start: Moment = None, database: Database = None,
) -> None:  # fmt: skip
    """Set what is misuse at a node and at all below without a policy of its own.

    Raw results keep every press; hourly results leave misuse out.
    The first policy acts always, a later one from now or --from.
    `hymio resettle` judges stored feedback anew.

    Example: hymio node policy "Acme" "Front door" --burst 6/10 --opening-hours "mon-sat 9-21"
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.misuse import MisusePolicy
    from hymio.opening_hours import parse_opening_hours

    presses, seconds = _burst(burst)
    hours = parse_opening_hours(opening_hours) if opening_hours else None
    made = MisusePolicy(interval, presses, seconds, answer_interval, hours is not None, hours)
    with changing(context, database, organization) as (_, operator, batch):
        found = naming.node_of(batch.layout, node)
        zone = batch.layout.zone_of(found.id, batch.now)
        manage.set_policy(
            batch, operator, found.id, made, None if start is None else naming.moment(start, zone), now=batch.now
        )
    say(f"{found.id} {escape(found.name)} has this misuse policy now.")
    _mention_resettle(organization, found.name, start)


def _parent(batch: Batch, below: str | None) -> int | None:
    from hymio.cli.naming import node_of

    root = batch.layout.hierarchy.root
    return node_of(batch.layout, below).id if below is not None else None if root is None else root.id


def _settled(batch: Batch, operator: Principal, node: int, zone: str | None) -> str:
    """Gives a new node its zone, if it has one of its own, and says what was made."""
    from hymio import manage

    if zone is not None:
        manage.set_zone(batch, operator, node, zone, now=batch.now)
    kind = "Point" if batch.layout.hierarchy.nodes[node].is_point else "Group"
    return f"{kind} {node}: {escape(batch.layout.hierarchy.path(node))}"


def _mention_resettle(organization: str, node: str, start: str | None) -> None:
    from hymio.cli.command import quoted

    if start is not None:
        hint(
            f"For feedback stored already: hymio resettle {quoted(organization)} {quoted(node)} --from {quoted(start)}"
        )


def _burst(text: str | None) -> tuple[int, int]:
    from hymio.errors import SetupError

    if text is None:
        return 0, 0
    presses, slash, seconds = text.partition("/")
    if not (slash and presses.isdecimal() and seconds.isdecimal()):
        raise SetupError("bad-burst", "got burst {got!r}; accepted is PRESSES/SECONDS, 6/10 say", got=text)
    return int(presses), int(seconds)
