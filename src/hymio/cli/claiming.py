"""`hymio smiley claim`: prints the one-time code by which a tablet becomes a smiley, as an address and a QR code."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, OrganizationName, changing, hint, loaded, say
from hymio.cli.listing import AsJson, print_json
from hymio.cli.taking_effect import clock_time


def claim(
    context: typer.Context,
    organization: OrganizationName,
    smiley: Annotated[
        str, typer.Argument(metavar="SMILEY", help="Serial, name or number of the smiley", show_default=False)
    ],
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Create the one-time code with which a tablet becomes a smiley. It is shown only once, and ends after a day.

    Example: hymio smiley claim "Acme" 2403TD0B120007
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.handouts.qr import qr_text

    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        made = manage.new_claim(batch, operator, chosen.id, now=batch.now)
        placement = batch.layout.placement(chosen.id, batch.now)
        zone = batch.layout.zone_of(1 if placement is None else placement.node, batch.now)
    until = datetime.fromtimestamp(made.expires_at // 1000, zone)
    address = f"{loaded(context).public_url}/k/#{made.code}"
    if as_json:
        values = {"smiley": chosen.id, "serial": chosen.serial, "address": address, "code": made.code}
        return print_json({**values, "until": until.isoformat()})
    say(f"Smiley {chosen.id}, {chosen.serial} {escape(chosen.name)}: open this on the tablet, and choose a PIN.\n")
    say(f"  address        {address}")
    say(f"  one-time code  {made.code}")
    say(f"  until          {clock_time(made.expires_at, zone)} {zone.key}\n")
    typer.echo(qr_text(address))
    return hint("The upload token that the smiley has now ends when the code is used. The code is stored as a hash.")
