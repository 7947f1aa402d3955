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
from hymio.cli.instants import instant_text
from hymio.cli.listing import Column, Fit, Listing, Shown, instant, show
from hymio.cli.sms_gateways import print_gateways
from hymio.cli.upkeep import All, Some, chosen_organizations
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.manage import Organization
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
    from hymio.period import DAY_MS
    from hymio.store.corrections import corrected_by_more

    is_wrong = False
    with opened(context, database) as store:
        organizations = chosen_organizations(store, organization, every)
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
            with store.read() as transaction:
                corrected = corrected_by_more(transaction, chosen.id, DAY_MS)
            _list_corrections(store, chosen, corrected)
            print_gateways(context, database, chosen.id, manage.sms_gateways(store, operator_of(chosen)))
            if sms_request is not None:
                is_wrong |= not _check_sms_request(store, chosen, sms_request, loaded(context, database).public_url)
    if is_wrong:
        raise typer.Exit(1)


def _check_clock(store: Store, organization: Organization) -> bool:
    """Prints whether the clock lies before the newest receive time, and returns it."""
    from hymio.errors import ClockBehind
    from hymio.store.receive_time import received_last, require_clock

    with store.read() as transaction:
        newest = received_last(transaction, organization.id)
    name = escape(organization.name)
    try:
        require_clock(now(), newest)
    except ClockBehind as error:
        say(f"{name}: [red]{escape(error.detail)}[/]")
        say(f"{name}: the clock shows {instant_text(now())}, the newest receive time is {instant_text(newest)}")
        hint(
            f"If the clock is right now and was ahead before: hymio check {quoted(organization.name)} --clock-is-right"
        )
        return True
    say(f"{name}: the clock fits; the newest receive time is {instant_text(newest)}.")
    return False


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
