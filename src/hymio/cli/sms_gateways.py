"""`hymio sms-gateway`: the gateways that deliver terminals' texts, with their secrets and keys; `hymio sms-secret`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hymio.access import SmsGateway
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
    say,
)
from hymio.cli.listing import AsJson, Column, Fit, Listing, listing, print_json

if TYPE_CHECKING:
    from hymio.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="SMS gateways: their addresses, and the secret or key of each.")

Gateway = Annotated[SmsGateway, typer.Argument(metavar="GATEWAY", help="generic, kannel, twilio, vonage or android")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File with the key that the gateway signs with; - is standard input; otherwise it is asked",
        show_default=False,
    ),
]


@commands.command("set")
def set_gateway(
    context: typer.Context,
    organization: OrganizationName,
    gateway: Gateway,
    key_file: KeyFile = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Let an SMS gateway deliver texts, or replace its secret or key.

    Kannel and generic gateways send a secret, which is made and shown only once. Twilio, Vonage and SMS Gateway for
    Android sign with a key that they give you: it is read from a file or asked for, never an argument.

    Examples: hymio sms-gateway set "Acme" kannel · hymio sms-gateway set "Acme" twilio --key-file twilio.key
    """
    from hymio import manage

    key = _key(key_file) if gateway.signs else ""
    with changing(context, database, organization) as (chosen, operator, batch):
        if gateway.signs:
            manage.set_sms_key(batch, operator, gateway, key, now=batch.now)
        else:
            key = manage.new_sms_secret(batch, operator, gateway, now=batch.now)
    settings = loaded(context, database)
    address = _address(settings, gateway, chosen.id)
    if as_json:
        return print_json({"gateway": gateway.value, "address": address, "secret": None if gateway.signs else key})
    say(f"  address  {address}")
    if not gateway.signs:
        say(f"  secret   {key}")
        hint("It is stored as a hash and cannot be shown again. docs/terminal-protocol.md says where it is sent.")
    return _warn_without_address(settings, gateway)


_COLUMNS = (Column("gateway"), Column("authentication"), Column("address", Fit.WORD))


@commands.command("list")
@listing()
def list_gateways(context: typer.Context, organization: OrganizationName, database: Database = None) -> Listing:
    """List the SMS gateways of an organization with their addresses.

    Example: hymio sms-gateway list "Acme"
    """
    from hymio import manage

    with opened(context, database) as store:
        chosen = manage.find_organization(store, organization)
        there = manage.sms_gateways(store, operator_of(chosen))
    rows = [
        (
            gateway.value,
            "signature" if gateway.signs else "secret",
            _address(loaded(context, database), gateway, chosen.id),
        )
        for gateway in there
    ]
    nothing = "No SMS gateway is set up. Set one up with: hymio sms-gateway set ORGANIZATION GATEWAY"
    return Listing("gateways", _COLUMNS, rows, nothing=nothing)


@commands.command("remove")
def remove(
    context: typer.Context,
    organization: OrganizationName,
    gateway: Gateway,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Delete the secret or key of an SMS gateway; its texts are refused from then on.

    Example: hymio sms-gateway remove "Acme" kannel
    """
    from hymio import manage

    ask(f"Refuse texts of {gateway.value} from now on?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        manage.remove_sms_gateway(batch, operator, gateway, now=batch.now)
    say(f"Texts of {gateway.value} are refused from now on.")


def sms_secret(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """Create a new shared secret for generic SMS gateways of an organization: hymio sms-gateway set "Acme" generic.

    Example: hymio sms-secret "Acme"
    """
    set_gateway(context, organization, SmsGateway.GENERIC, database=database)


def print_gateways(context: typer.Context, database: str | None, organization: int, gateways: list[SmsGateway]) -> None:
    """Prints the addresses of an organization's gateways, and which signatures cannot fit."""
    settings = loaded(context, database)
    for gateway in gateways:
        say(f"texts of {gateway.value} arrive at {_address(settings, gateway, organization)}")
        _warn_without_address(settings, gateway)


def address_of(context: typer.Context, database: str | None, gateway: SmsGateway, organization: int) -> str:
    """The address that a gateway calls."""
    return _address(loaded(context, database), gateway, organization)


def _address(settings: Settings, gateway: SmsGateway, organization: int) -> str:
    """The address that a gateway calls."""
    from hymio.gateway.sms import path_of

    return settings.public_url + path_of(gateway, organization)


def _warn_without_address(settings: Settings, gateway: SmsGateway) -> None:
    """Says that the signatures of a gateway cannot fit while the public address is not set."""
    if gateway is SmsGateway.TWILIO and not settings.base_url:
        hint("Twilio signs the address that it calls: set base_url to what stands there before /sms.")


def _key(file: Path | None) -> str:
    """The key: the first line of a file or of standard input, or what is typed without being shown."""
    if file is None:
        return str(typer.prompt("Key of the gateway", hide_input=True, err=True)).strip()
    text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8-sig", errors="replace")
    return text.partition("\n")[0].strip()
