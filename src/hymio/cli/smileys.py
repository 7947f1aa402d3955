"""`hymio smiley`: devices and digital smileys, their placements and upload tokens."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli import handing_out
from hymio.cli.claiming import claim
from hymio.cli.command import Database, Moment, OrganizationName, changing, hint, loaded, quoted, say
from hymio.cli.importing import import_file
from hymio.cli.publishing import publish, renew, withdraw
from hymio.cli.taking_effect import clock_time, offer_resettle, release_line, stamp

commands = typer.Typer(
    no_args_is_help=True, help="Add smileys, place and publish them, create their tokens and one-time codes."
)
commands.command("claim")(claim)
commands.command("import")(import_file)
commands.command("publish")(publish)
commands.command("withdraw")(withdraw)
commands.command("renew")(renew)
commands.command("tag")(handing_out.tag)
commands.command("link")(handing_out.link)
commands.command("mail")(handing_out.mail)
commands.command("qr")(handing_out.qr)
commands.command("poster")(handing_out.poster)

SmileyName = Annotated[
    str, typer.Argument(metavar="SMILEY", help="Serial, name or number of the smiley", show_default=False)
]


class Kind(StrEnum):
    """The types of smileys."""

    TERMINAL = "terminal"
    TOUCH = "touch"
    DIGITAL = "digital"


@commands.command("add")
def add(
    context: typer.Context,
    organization: OrganizationName,
    serial: Annotated[str, typer.Argument(help="Serial number: capitals, digits and -", show_default=False)],
    name: Annotated[str, typer.Argument(help="Name; otherwise the serial", show_default=False)] = "",
    kind: Annotated[Kind, typer.Option("--type", help="digital: on web pages")] = Kind.TERMINAL,
    point: Annotated[
        str | None, typer.Option("--at", metavar="POINT", help="Experience point from now on", show_default=False)
    ] = None,
    database: Database = None,
) -> None:
    """Add a smiley. Its upload token is shown only once.

    Example: hymio smiley add "Acme" 2415VE0A110042 "By the door" --at "Front door"
    """
    from hymio import manage
    from hymio.cli.naming import point_of
    from hymio.smiley import SmileyType

    with changing(context, database, organization) as (_, operator, batch):
        at = None if point is None else point_of(batch.layout, point).id
        added = manage.add_smiley(
            batch, operator, serial, name or serial, SmileyType[kind.name], point=at, now=batch.now
        )
        where = "" if at is None else f" at {batch.layout.hierarchy.path(at)}"
    say(f"Smiley {added.id}, {serial}{escape(where)}\n")
    _show_token(context, added.token)
    if kind is Kind.DIGITAL:
        hint(f"Next: hymio smiley publish {quoted(organization)} {serial} --installing")


@commands.command("place")
def place(
    context: typer.Context,
    organization: OrganizationName,
    smiley: SmileyName,
    point: Annotated[str, typer.Argument(metavar="POINT", help="Experience point", show_default=False)],
    start: Moment = None,
    database: Database = None,
) -> None:
    """Place a smiley at an experience point from now or --from on, until its next placement.

    Its previous placement ends then.

    Example: hymio smiley place "Acme" 2415VE0A110042 "Back door" --from 2025-03-01T08:00
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        chosen, at = naming.smiley_of(batch.layout, smiley), naming.point_of(batch.layout, point)
        zone = batch.layout.zone_of(at.id, batch.now)
        since = None if start is None else naming.moment(start, zone)
        began = manage.place(batch, operator, chosen.id, at.id, since, now=batch.now)
        path = batch.layout.hierarchy.path(at.id)
    say(f"{chosen.serial} {escape(chosen.name)} stands at {escape(path)} from {clock_time(began, zone)} on.")
    if start is None:
        hint(f"Presses that wait for this in quarantine are counted by: {release_line(organization)}")
    else:
        offer_resettle(organization, point, stamp(began, zone))


@commands.command("token")
def token(
    context: typer.Context, organization: OrganizationName, smiley: SmileyName, database: Database = None
) -> None:
    """Create a new upload token for a smiley and revoke the old one. It is shown only once.

    Example: hymio smiley token "Acme" 2415VE0A110042
    """
    from hymio import manage
    from hymio.cli.naming import smiley_of

    with changing(context, database, organization) as (_, operator, batch):
        chosen = smiley_of(batch.layout, smiley)
        new_token = manage.new_token(batch, operator, chosen.id, now=batch.now)
    say(f"Smiley {chosen.id}, {chosen.serial}: the old token has ended.\n")
    _show_token(context, new_token)


def _show_token(context: typer.Context, upload_token: str) -> None:
    """Prints an upload token, the SMS key derived from it, and the address for uploads."""
    from hymio.manage import sms_key

    say(f"  upload token  {upload_token}")
    say(f"  SMS key       {sms_key(upload_token).hex()}")
    say(f"  uploads to    {loaded(context).public_url}/terminal/v1/uploads")
    hint("\nThe token is stored as a hash and cannot be shown again. The SMS key is made from it.")


@commands.command("remove")
def remove(
    context: typer.Context,
    organization: OrganizationName,
    smiley: SmileyName,
    end: Annotated[
        str | None,
        typer.Option("--at", metavar="WHEN", help="Local time; otherwise now", show_default=False),
    ] = None,
    database: Database = None,
) -> None:
    """End the placement of a smiley. Its stored presses stay; later presses are quarantined.

    Example: hymio smiley remove "Acme" 2415VE0A110042 --at 2025-03-01T08:00
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        zone, point = naming.last_place(batch.layout, chosen.id, batch.now)
        ended = manage.unplace(
            batch, operator, chosen.id, None if end is None else naming.moment(end, zone), now=batch.now
        )
    say(f"{chosen.serial} {escape(chosen.name)} stands nowhere any more from {clock_time(ended, zone)} on.")
    if end is not None:
        offer_resettle(organization, point, stamp(ended, zone))
