"""`hymio check`: whether the clock fits what is stored, and which presses were corrected by more than a day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    Database,
    hint,
    how_many,
    loaded,
    opened,
    operator_of,
    quoted,
    say,
)
from hymio.cli.instants import instant_text, timestamp
from hymio.cli.listing import AsJson, Cell, Column, Fit, Form, Listing, Shown, instant, show, write
from hymio.cli.sms_gateways import address_of, print_gateways
from hymio.cli.upkeep import All, Some, chosen_organizations
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.errors import ClockBehind
    from hymio.manage import Organization
    from hymio.period import Instant
    from hymio.store import Store
    from hymio.store.corrections import Corrected


_CORRECTIONS = (
    Column("smiley", Fit.WORD), Column("name"), Column("presses", Fit.NUMBER), Column("pressed_from", Fit.WORD),
    Column("through", Fit.WORD), Column("corrected_by", Fit.WORD),
)  # fmt: skip


def check(
    context: typer.Context,
    organization: Some = None,
    every: All = False,
    clock_is_right: Annotated[
        bool,
        typer.Option(
            "--clock-is-right", help="Accept the clock of this computer: receive times that lie after it become now"
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether the clock is right")] = False,
    sms_request: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A request of an SMS gateway as it came: is its secret or signature right?",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Check the clock of this computer against the newest receive time, and list presses corrected by over a day.

    Intake waits while the clock lies before the newest receive time; then this exits with 1.
    If the clock was ahead before and is right now, --clock-is-right lets intake go on.
    The addresses of SMS gateways are listed; --sms-request says of a request that you saved whether it is authentic.
    A correction is listed with its smiley: that clock was wrong, or that of the server.

    Examples: hymio check "Acme" · hymio check --all
    """
    from hymio import manage
    from hymio.errors import SetupError

    if as_json and (clock_is_right or sms_request is not None):
        raise SetupError("json-of-check-alone", "--json goes with neither --clock-is-right nor --sms-request")
    is_wrong = False
    with opened(context, database) as store:
        organizations = chosen_organizations(store, organization, every)
        if as_json:
            rows = [_row(store, chosen, context, database) for chosen in organizations]
            write(Listing("organizations", _CHECKED, rows), Form.JSON)
            raise typer.Exit(0 if rows and all(row[2] for row in rows) else 1)
        if not organizations:
            say("There is nothing to check: the database has no organization.")
            raise typer.Exit(1)
        for chosen in organizations:
            if clock_is_right:
                if not yes:
                    typer.confirm(f"The clock shows {instant_text(now())}. Is that right?", abort=True)
                restated = manage.accept_clock(store, operator_of(chosen), now=now())
                say(f"{escape(chosen.name)}: {how_many(restated, 'receive time')} set to now.")
            is_wrong |= _check_clock(store, chosen)
            _list_corrections(store, chosen, _corrected(store, chosen))
            print_gateways(context, database, chosen.id, manage.sms_gateways(store, operator_of(chosen)))
            if sms_request is not None:
                is_wrong |= not _check_sms_request(store, chosen, sms_request, loaded(context, database).public_url)
    if is_wrong:
        raise typer.Exit(1)


_CHECKED = (
    Column("organization", Fit.KEY), Column("name"), Column("clock_fits", Fit.WORD), Column("clock", Fit.WORD),
    Column("received_last", Fit.WORD), Column("corrections"), Column("sms_addresses"),
)  # fmt: skip


def _row(store: Store, organization: Organization, context: typer.Context, database: str | None) -> tuple[Cell, ...]:
    """What is checked of an organization, for programs."""
    from hymio import manage

    newest, at = _received_last(store, organization), now()
    smileys = store.layout(organization.id).smileys
    corrections = [
        {"smiley": smileys[row.smiley].serial, "presses": row.number, "pressed_from": timestamp(row.first),
         "through": timestamp(row.last), "corrected_by_ms": [row.least, row.most]}
        for row in _corrected(store, organization)
    ]  # fmt: skip
    gateways = manage.sms_gateways(store, operator_of(organization))
    addresses = {gateway.value: address_of(context, database, gateway, organization.id) for gateway in gateways}
    return (
        organization.id, organization.name, _clock_error(at, newest) is None, instant(at), instant(newest), corrections,
        addresses,
    )  # fmt: skip


def _corrected(store: Store, organization: Organization) -> list[Corrected]:
    """The smileys with presses that were corrected by more than a day."""
    from hymio.period import DAY_MS
    from hymio.store.corrections import corrected_by_more

    with store.read() as transaction:
        return corrected_by_more(transaction, organization.id, DAY_MS)


def _received_last(store: Store, organization: Organization) -> Instant:
    """The newest receive time."""
    from hymio.store.receive_time import received_last

    with store.read() as transaction:
        return received_last(transaction, organization.id)


def _clock_error(at: Instant, newest: Instant) -> ClockBehind | None:
    """The error of a clock that lies before the newest receive time; None if it fits."""
    from hymio.errors import ClockBehind
    from hymio.store.receive_time import require_clock

    try:
        require_clock(at, newest)
    except ClockBehind as error:
        return error
    return None


def _check_clock(store: Store, organization: Organization) -> bool:
    """Prints whether the clock lies before the newest receive time, and returns it."""
    newest = _received_last(store, organization)
    name = escape(organization.name)
    error = _clock_error(now(), newest)
    if error is None:
        say(f"{name}: the clock fits; the newest receive time is {instant_text(newest)}.")
        return False
    say(f"{name}: [red]{escape(error.detail)}[/]")
    say(f"{name}: the clock shows {instant_text(now())}, the newest receive time is {instant_text(newest)}")
    hint(f"If the clock is right now and was ahead before: hymio check {quoted(organization.name)} --clock-is-right")
    return True


def _check_sms_request(store: Store, organization: Organization, file: Path, public_url: str) -> bool:
    """Prints whether a saved request of an SMS gateway is authentic, and returns it."""
    from hymio.gateway.sms import check_sample

    is_right, detail = check_sample(store, organization.id, file.read_bytes(), public_url)
    say(f"{escape(file.name)}: {escape(detail)}" if is_right else f"{escape(file.name)}: [red]{escape(detail)}[/]")
    return is_right


def _list_corrections(store: Store, organization: Organization, corrected: list[Corrected]) -> None:
    """Prints the smileys with presses that were corrected by more than a day."""
    name = escape(organization.name)
    if not corrected:
        say(f"{name}: no press was corrected by more than a day.")
        return
    smileys = store.layout(organization.id).smileys
    heading = f"{organization.name}: presses corrected by more than a day"
    rows = [
        (
            smileys[row.smiley].serial, smileys[row.smiley].name, row.number, instant(row.first), instant(row.last),
            _by(row.least, row.most),
        )
        for row in corrected
    ]  # fmt: skip
    show(Listing("corrections", _CORRECTIONS, rows, title=heading))


def _by(least: int, most: int) -> Shown:
    """The least and the greatest correction; for programs in ms."""
    return Shown([least, most], _days(least) if least == most else f"{_days(least)} to {_days(most)}")


def _days(milliseconds: int) -> str:
    """A correction in days, with its sign."""
    from hymio.period import DAY_MS

    return f"{milliseconds / DAY_MS:+,.1f} days"
