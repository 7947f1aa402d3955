"""`hymio smiley`: the devices and digital smileys, where they stand, and their upload tokens."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, Moment, OrganizationName, changing, hint, loaded, say

commands = typer.Typer(no_args_is_help=True, help="Add smileys, place them, and give them tokens.")

SmileyName = Annotated[str, typer.Argument(metavar="SMILEY", help="Its serial, name or number", show_default=False)]


class Kind(StrEnum):
    """What a smiley can be."""

    TERMINAL = "terminal"
    TOUCH = "touch"
    DIGITAL = "digital"


@commands.command("add")
def add(
    context: typer.Context, organization: OrganizationName,
    serial: Annotated[str, typer.Argument(help="What is printed on it: capitals, digits and -", show_default=False)],
    name: Annotated[str, typer.Argument(help="What people call it; otherwise its serial", show_default=False)] = "",
    kind: Annotated[Kind, typer.Option("--type", help="digital is the web")] = Kind.TERMINAL,
    point: Annotated[
        str | None, typer.Option("--at", metavar="POINT", help="Where it stands from now on", show_default=False)
    ] = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Add a smiley. Its upload token is shown this once.

    Example: hymio smiley add "Acme" 2415VE0A110042 "By the door" --at "Front door"
    """
    from hymio import manage
    from hymio.cli.naming import point_of
    from hymio.smiley import SmileyType

    with changing(context, database, organization) as (_, operator, batch):
        made = manage.add_smiley(batch, operator, serial, name or serial, SmileyType[kind.name], now=batch.now)
        if point is not None:
            manage.place(batch, operator, made.id, point_of(batch.layout, point).id, batch.now, now=batch.now)
        where = "" if point is None else f" at {batch.layout.hierarchy.path(point_of(batch.layout, point).id)}"
    say(f"Smiley {made.id}, {serial}{escape(where)}\n")
    _show_token(context, made.token)


@commands.command("place")
def place(
    context: typer.Context, organization: OrganizationName, smiley: SmileyName,
    point: Annotated[str, typer.Argument(metavar="POINT", help="Where it stands", show_default=False)],
    start: Moment = None, database: Database = None,
) -> None:  # fmt: skip
    """Stand a smiley at an experience point, from now or --from until it was placed again.

    Where it stood before ends then.

    Example: hymio smiley place "Acme" 2415VE0A110042 "Back door" --from 2025-03-01T08:00
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        found, at = naming.smiley_of(batch.layout, smiley), naming.point_of(batch.layout, point)
        since = batch.now if start is None else naming.moment(start, batch.layout.zone_of(at.id, batch.now))
        later = [each.start for each in batch.layout.placements.get(found.id, ()) if each.start > since]
        manage.place(batch, operator, found.id, at.id, since, min(later, default=None), now=batch.now)
        path = batch.layout.hierarchy.path(at.id)
    say(f"{found.serial} {escape(found.name)} stands at {escape(path)}.")
    hint("Presses that waited for this in quarantine are settled by: hymio quarantine release ORGANIZATION")


@commands.command("token")
def token(
    context: typer.Context, organization: OrganizationName, smiley: SmileyName, database: Database = None
) -> None:
    """Give a smiley a new upload token; the old one ends. It is shown this once.

    Example: hymio smiley token "Acme" 2415VE0A110042
    """
    from hymio import manage
    from hymio.cli.naming import smiley_of

    with changing(context, database, organization) as (_, operator, batch):
        found = smiley_of(batch.layout, smiley)
        made = manage.new_token(batch, operator, found.id, now=batch.now)
    say(f"Smiley {found.id}, {found.serial}: the old token has ended.\n")
    _show_token(context, made)


def _show_token(context: typer.Context, made: str) -> None:
    from hymio.manage import sms_key

    say(f"  upload token  {made}")
    say(f"  SMS key       {sms_key(made).hex()}")
    say(f"  uploads to    {loaded(context).public_url}/terminal/v1/uploads")
    hint("\nThe token is stored as a hash and cannot be shown again. The SMS key is made from it.")


@commands.command("remove")
def remove(
    context: typer.Context, organization: OrganizationName, smiley: SmileyName,
    end: Annotated[
        str | None,
        typer.Option("--at", metavar="WHEN", help="On the clock there; otherwise now", show_default=False),
    ] = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Take a smiley away from where it stands. What it pressed there stays; what it presses later waits in quarantine.

    Example: hymio smiley remove "Acme" 2415VE0A110042 --at 2025-03-01T08:00
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        found = naming.smiley_of(batch.layout, smiley)
        zone = naming.zone_of(batch.layout, found.id, batch.now)
        manage.unplace(batch, operator, found.id, batch.now if end is None else naming.moment(end, zone), now=batch.now)
    say(f"{found.serial} {escape(found.name)} stands nowhere any more.")
    hint("Presses that are stored already are settled anew by: hymio resettle ORGANIZATION POINT --from WHEN")
