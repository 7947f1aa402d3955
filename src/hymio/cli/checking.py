"""`hymio check`: whether the clock fits what is stored, and which presses were corrected by more than a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import RIGHT, WHOLE, Database, console, hint, how_many, opened, operator_of, quoted, say, table
from hymio.cli.upkeep import All, Some, chosen_organizations, instant_text
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.manage import Organization
    from hymio.store import Store
    from hymio.store.corrections import Corrected


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
    database: Database = None,
) -> None:
    """Check the clock of this computer against the newest receive time, and list presses corrected by over a day.

    Intake waits while the clock lies before the newest receive time; then this exits with 1.
    If the clock was ahead before and is right now, --clock-is-right lets intake go on.
    A correction is listed with its smiley: that clock was wrong, or that of the server.

    Examples: hymio check "Acme" · hymio check --all
    """
    from hymio import manage
    from hymio.period import DAY_MS
    from hymio.store.corrections import corrected_by_more

    is_behind = False
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
            is_behind |= _check_clock(store, chosen)
            with store.read() as transaction:
                corrected = corrected_by_more(transaction, chosen.id, DAY_MS)
            _list_corrections(store, chosen, corrected)
    if is_behind:
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


def _list_corrections(store: Store, organization: Organization, corrected: list[Corrected]) -> None:
    """Prints the smileys with presses that were corrected by more than a day."""
    name = escape(organization.name)
    if not corrected:
        say(f"{name}: no press was corrected by more than a day.")
        return
    smileys = store.layout(organization.id).smileys
    heading = f"{organization.name}: presses corrected by more than a day"
    instants = ("pressed from", WHOLE), ("through", WHOLE)
    shown = table(("smiley", WHOLE), "name", ("presses", RIGHT), *instants, ("corrected by", RIGHT), title=heading)
    for row in corrected:
        smiley = smileys[row.smiley]
        by = _days(row.least) if row.least == row.most else f"{_days(row.least)} to {_days(row.most)}"
        shown.add_row(
            smiley.serial, escape(smiley.name), f"{row.number:,}", instant_text(row.first), instant_text(row.last), by
        )
    console().print(shown)


def _days(milliseconds: int) -> str:
    """A correction in days, with its sign."""
    from hymio.period import DAY_MS

    return f"{milliseconds / DAY_MS:+,.1f} days"
