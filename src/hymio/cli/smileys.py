"""`hymio smiley`: devices and digital smileys, their placements and upload tokens."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli import handing_out
from hymio.cli.claiming import claim
from hymio.cli.command import (
    Database,
    Moment,
    OrganizationName,
    Undo,
    Yes,
    ask,
    changing,
    hint,
    loaded,
    quoted,
    say,
    say_removal,
)
from hymio.cli.header_file import Header, header_file
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
    header: Header = None,
    database: Database = None,
) -> None:
    """Add a smiley. Its upload token is shown only once.

    Example: hymio smiley add "Acme" 2415VE0A110042 "By the door" --at "Front door"
    """
    from hymio import manage
    from hymio.cli.naming import point_of
    from hymio.smiley import SmileyType

    with header_file(header) as write, changing(context, database, organization) as (_, operator, batch):
        at = None if point is None else point_of(batch.layout, point).id
        added = manage.add_smiley(
            batch, operator, serial, name or serial, SmileyType[kind.name], point=at, now=batch.now
        )
        where = "" if at is None else f" at {batch.layout.hierarchy.path(at)}"
        write(_header(added.token))
    say(f"Smiley {added.id}, {serial}{escape(where)}\n")
    _show_token(context, added.token, header)
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
    verb = "will stand" if began > batch.now else "stands"
    say(f"{chosen.serial} {escape(chosen.name)} {verb} at {escape(path)} from {clock_time(began, zone)} on.")
    if start is None:
        hint(f"Presses that wait for this in quarantine are counted by: {release_line(organization)}")
    elif began <= batch.now:
        offer_resettle(organization, point, stamp(began, zone))


@commands.command("rename")
def rename(
    context: typer.Context,
    organization: OrganizationName,
    smiley: SmileyName,
    name: Annotated[str, typer.Argument(help="The new name", show_default=False)],
    database: Database = None,
) -> None:
    """Rename a smiley. Its serial stays.

    Example: hymio smiley rename "Acme" 2415VE0A110042 "By the back door"
    """
    from hymio import manage
    from hymio.cli.naming import smiley_of

    with changing(context, database, organization) as (_, operator, batch):
        chosen = smiley_of(batch.layout, smiley)
        manage.rename_smiley(batch, operator, chosen.id, name, now=batch.now)
    say(f"{chosen.serial} {escape(chosen.name)} is {escape(name)} now.")


@commands.command("delete")
def delete(
    context: typer.Context,
    organization: OrganizationName,
    smiley: SmileyName,
    undo: Undo = False,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Delete a smiley; one that has sent presses is archived: it stands nowhere any more, and its token is revoked.

    Feedback stays, and so do results. Archived smileys are left out of listings; --undo lists them again.

    Example: hymio smiley delete "Acme" 2415VE0A110042
    """
    from hymio import manage
    from hymio.cli.naming import smiley_of

    if not undo:
        ask("Delete the smiley?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = smiley_of(batch.layout, smiley)
        if undo:
            manage.unarchive(batch, operator, manage.Archivable.SMILEY, chosen.id, now=batch.now)
        else:
            what = manage.remove_smiley(batch, operator, chosen.id, now=batch.now)
    say_removal(f"{chosen.serial} {chosen.name}", None if undo else what)


@commands.command("token")
def token(
    context: typer.Context,
    organization: OrganizationName,
    smiley: SmileyName,
    header: Header = None,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Create a new upload token for a smiley and revoke the old one. It is shown only once.

    Example: hymio smiley token "Acme" 2415VE0A110042
    """
    from hymio import manage
    from hymio.cli.naming import smiley_of

    ask("Revoke the smiley's present token?", yes=yes)
    with header_file(header) as write, changing(context, database, organization) as (_, operator, batch):
        chosen = smiley_of(batch.layout, smiley)
        new_token = manage.new_token(batch, operator, chosen.id, now=batch.now)
        write(_header(new_token))
    say(f"Smiley {chosen.id}, {chosen.serial}: the old token has ended.\n")
    _show_token(context, new_token, header)


def _header(upload_token: str) -> str:
    """The header by which a terminal authenticates."""
    return f"Authorization: Bearer {upload_token}"


def _show_token(context: typer.Context, upload_token: str, header: Path | None) -> None:
    """Prints an upload token, the SMS key derived from it, and the address for uploads; or where the token is."""
    from hymio.manage import sms_key

    if header is not None:
        say(f"  upload token  in {escape(str(header))}")
        return say(f"  uploads to    {loaded(context).public_url}/terminal/v1/uploads")
    say(f"  upload token  {upload_token}")
    say(f"  SMS key       {sms_key(upload_token).hex()}")
    say(f"  uploads to    {loaded(context).public_url}/terminal/v1/uploads")
    return hint("\nThe token is stored as a hash and cannot be shown again. The SMS key is made from it.")


@commands.command("remove")
def remove(
    context: typer.Context,
    organization: OrganizationName,
    smiley: SmileyName,
    end: Annotated[
        str | None,
        typer.Option("--at", metavar="WHEN", help="Local time; otherwise now", show_default=False),
    ] = None,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """End the placement of a smiley. Its stored presses stay; later presses are quarantined.

    Example: hymio smiley remove "Acme" 2415VE0A110042 --at 2025-03-01T08:00
    """
    from hymio import manage
    from hymio.cli import naming

    ask("End the placement? Later presses go into quarantine.", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        zone, point = naming.last_place(batch.layout, chosen.id, batch.now)
        ended = manage.unplace(
            batch, operator, chosen.id, None if end is None else naming.moment(end, zone), now=batch.now
        )
    verb = "will stand" if ended > batch.now else "stands"
    say(f"{chosen.serial} {escape(chosen.name)} {verb} nowhere any more from {clock_time(ended, zone)} on.")
    if end is not None and ended <= batch.now:
        offer_resettle(organization, point, stamp(ended, zone))
