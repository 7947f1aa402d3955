"""`hymio api`: credentials of API v1."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    Database,
    OrganizationName,
    Yes,
    ask,
    changing,
    hint,
    loaded,
    opened,
    operator_of,
    quoted,
    say,
)
from hymio.cli.header_file import Header, header_file
from hymio.cli.listing import Column, Fit, Listing, Listings, instant, listing

if TYPE_CHECKING:
    from hymio.manage import ApiCredentials

commands = typer.Typer(
    no_args_is_help=True, help="Activate or revoke the API of an organization, and manage its credentials."
)

_FLAGS = (Column("api", Fit.STATE, "API"), Column("raw_results", Fit.STATE))
_CLIENTS = (
    Column("client", Fit.KEY),
    Column("client_identifier", Fit.WORD),
    Column("created", Fit.WORD),
    Column("state", Fit.STATE),
    Column("revoked", Fit.WORD),
)


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


@commands.command("activate")
def activate(context: typer.Context, name: OrganizationName, header: Header = None, database: Database = None) -> None:
    """Enable the API, including raw results, and create credentials. The token is shown only once.

    Calling it again creates additional credentials.

    Example: hymio api activate "Acme"
    """
    from hymio import manage

    with header_file(header) as write, changing(context, database, name) as (organization, operator, batch):
        credentials = manage.activate_api(batch, operator, now=batch.now)
        write(*_headers(credentials))
    say(f"The API of [bold]{escape(organization.name)}[/] is active; raw results are part of it.\n")
    _show(context, credentials, header)


@commands.command("rotate")
def rotate(
    context: typer.Context,
    name: OrganizationName,
    header: Header = None,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Create new credentials and revoke all others. The token is shown only once.

    Example: hymio api rotate "Acme"
    """
    from hymio import manage

    ask("Revoke all former credentials of API v1?", yes=yes)
    with header_file(header) as write, changing(context, database, name) as (organization, operator, batch):
        credentials = manage.rotate_api(batch, operator, now=batch.now)
        write(*_headers(credentials))
    say(f"All former credentials of [bold]{escape(organization.name)}[/] have ended. The new ones:\n")
    _show(context, credentials, header)


@commands.command("revoke")
def revoke(context: typer.Context, name: OrganizationName, yes: Yes = False, database: Database = None) -> None:
    """Disable the API and revoke all its credentials.

    Example: hymio api revoke "Acme"
    """
    from hymio import manage

    ask("End the API and all its credentials?", yes=yes)
    with changing(context, database, name) as (organization, operator, batch):
        manage.revoke_api(batch, operator, now=batch.now)
    say(f"The API of [bold]{escape(organization.name)}[/] and all its credentials have ended.")


@commands.command("list")
@listing("api", "clients")
def list_all(context: typer.Context, name: OrganizationName, database: Database = None) -> Listings:
    """List the credentials of API v1 with their state, and whether the API and raw results are on.

    Example: hymio api list "Acme"
    """
    from hymio import manage

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, name))
        clients = manage.clients(store, operator)
        enabled, raw_results = manage.api_flags(store, operator)
    flags = Listing("api", _FLAGS, [("active" if enabled else "off", "on" if raw_results else "off")], is_one=True)
    rows = [
        (
            client.id, client.client_id, instant(client.created_at),
            "valid" if client.revoked_at is None else "revoked", instant(client.revoked_at),
        )
        for client in clients
    ]  # fmt: skip
    nothing = "There are no credentials of API v1. Make some with: hymio api activate ORGANIZATION"
    after = "Tokens of API v2: hymio api token list ORGANIZATION"
    return Listings((flags, Listing("clients", _CLIENTS, rows, nothing=nothing, after=after)))


@commands.command("raw-results")
def raw_results(
    context: typer.Context,
    name: OrganizationName,
    switch: Annotated[Switch, typer.Argument(help="Whether clients may read raw results")],
    database: Database = None,
) -> None:
    """Switch raw results on or off for all clients of the API; off, `rawresults` answers 403.

    Example: hymio api raw-results "Acme" off
    """
    from hymio import manage

    with changing(context, database, name) as (organization, operator, batch):
        manage.set_raw_results(batch, operator, enabled=switch is Switch.ON, now=batch.now)
    say(f"Raw results of [bold]{escape(organization.name)}[/] are {switch.value}.")


def _headers(credentials: ApiCredentials) -> tuple[str, str]:
    """The headers by which a client of API v1 authenticates."""
    return f"X-HON-Client-Id: {credentials.client_id}", f"X-HON-API-Token: {credentials.token}"


def _show(context: typer.Context, credentials: ApiCredentials, header: Path | None) -> None:
    """Prints credentials or the file that has them, and a curl command in which the token does not stand."""
    url = loaded(context).public_url
    say(f"  documentation      {url}/docs")
    say(f"  client identifier  {credentials.client_id}")
    if header is not None:
        say(f"  API token          in {escape(str(header))}\n")
        return say(f"  curl -H @{quoted(str(header))} {url}/v1/folders")
    say(f"  API token          {credentials.token}\n")
    say(f"  curl -u {credentials.client_id} {url}/v1/folders")
    hint("\ncurl asks for the token as password, so that it stands in no command line, which other accounts see.")
    return hint("The token is stored as a hash and cannot be shown again.")
