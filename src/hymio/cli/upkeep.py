"""`hymio verify`, `rebuild`, `resettle`, `quarantine`, `message` and `db`: looking after what is stored."""

from __future__ import annotations

from itertools import islice
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    FOLDED,
    RIGHT,
    WHOLE,
    Database,
    OrganizationName,
    console,
    hint,
    how_many,
    opened,
    progress,
    say,
    table,
)
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.intake import Difference
    from hymio.manage import Organization
    from hymio.store import Store

SHOWN = 50
"""Differences listed for each organization; the rest is counted."""

_LONG_TEXT = 160
"""Characters of a text message that are shown unless all are asked for: what a single SMS can hold."""

quarantine = typer.Typer(no_args_is_help=True, help="Presses that are kept but could not be used.")
messages = typer.Typer(no_args_is_help=True, help="The text messages that the SMS webhook was given.")
database = typer.Typer(no_args_is_help=True, help="The database: its state, its migrations, its distribution.")

Some = Annotated[str | None, typer.Argument(metavar="ORGANIZATION", help="Its name or number", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All organizations")]
Limit = Annotated[int, typer.Option(help="The newest so many", min=1)]


# --- recomputing ------------------------------------------------------------------------------------------------------


def verify(context: typer.Context, organization: Some = None, every: All = False, database: Database = None) -> None:
    """Recompute all verdicts and hours from raw and compare. Ends with 1, and a table, where something differs.

    Nothing is written, and presses may keep arriving. `hymio rebuild` restores what differs.

    Examples: hymio verify "Acme" · hymio verify --all
    """
    from hymio import intake

    wrong = 0
    with opened(context, database) as store:
        for each in _chosen(store, organization, every):
            with progress(f"Verifying {each.name}", _feedbacks(store, each.id)) as advance:
                found = iter(intake.verify(store, each.id, advance))
                first = list(islice(found, SHOWN))
                more = sum(1 for _ in found)
            _report(store, each, first, len(first) + more)
            wrong += len(first) + more
    if wrong:
        raise typer.Exit(1)


def rebuild(context: typer.Context, organization: Some = None, every: All = False, database: Database = None) -> None:
    """Restore verdicts and hours from raw, in pieces, while presses keep arriving. Only what differs is touched.

    Examples: hymio rebuild "Acme" · hymio rebuild --all
    """
    from hymio import intake

    with opened(context, database) as store:
        for each in _chosen(store, organization, every):
            with progress(f"Rebuilding {each.name}", _feedbacks(store, each.id)) as advance:
                changed = intake.rebuild(store, each.id, now(), advance)
            wrong = f"{how_many(changed.verdicts, 'verdict')} and {how_many(changed.hours, 'hour')}"
            say(f"{escape(each.name)}: rebuilt; {wrong} of points and groups were other than raw says.")


def resettle(
    context: typer.Context, organization: OrganizationName,
    node: Annotated[str, typer.Argument(metavar="NODE", help="Number, name or end of path", show_default=False)],
    start: Annotated[
        str, typer.Option("--from", metavar="WHEN", help="2025-03-01 or 2025-03-01T08:00, on the clock there",
                          show_default=False)
    ],
    database: Database = None,
) -> None:  # fmt: skip
    """Resolve and judge stored feedback anew, after the set-up was mended: another zone, period, place or policy.

    Example: hymio resettle "Acme" "Front door" --from 2025-03-01
    """
    from hymio import intake
    from hymio.cli.naming import moment, node_of
    from hymio.manage import find_organization

    with opened(context, database) as store:
        found = find_organization(store, organization)
        layout = store.layout(found.id)
        at = node_of(layout, node)
        since = moment(start, layout.zone_of(at.id, now()))
        with progress(f"Resettling {at.name}") as advance:
            changed = intake.resettle(store, found.id, at.id, since, now(), advance)
    path, many = escape(layout.hierarchy.path(at.id)), how_many(changed, "feedback")
    say(f"{path}: resettled from {escape(start)}; {many} changed.")


def _chosen(store: Store, organization: str | None, every: bool) -> list[Organization]:
    from hymio.errors import SetupError
    from hymio.manage import find_organization, organizations

    if (organization is None) != every:
        raise SetupError("no-organization-named", "name an organization, or say --all")
    return organizations(store) if organization is None else [find_organization(store, organization)]


def _feedbacks(store: Store, organization: int) -> int:
    from hymio.access import operator
    from hymio.results import OfAssignment, raw

    total = 0
    for assignment in store.layout(organization).assignments:
        with raw(store, operator(organization), OfAssignment(assignment), limit=0) as found:
            total += found.total
    return total


def _report(store: Store, organization: Organization, found: list[Difference], count: int) -> None:
    name = f"[bold]{escape(organization.name)}[/]"
    if not count:
        say(f"{name}: {how_many(_feedbacks(store, organization.id), 'raw result')}, and every hour is what they give.")
        return
    say(f"{name}: {how_many(count, 'difference')}")
    for where in dict.fromkeys(each.where for each in found):
        say(f"\n[bold]{escape(where)}[/]")
        shown = table(("when", WHOLE), "what", ("stored", RIGHT), ("from raw", RIGHT))
        for each in sorted((each for each in found if each.where == where), key=lambda each: (each.at, each.what)):
            shown.add_row(_when(each), escape(each.what), each.stored, each.recomputed)
        console().print(shown)
    if count > len(found):
        say(f"… and {count - len(found):,} more")


def _when(difference: Difference) -> str:
    from datetime import UTC, datetime, timedelta

    if difference.hour is not None:  # the wall clock there, without offset
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=difference.hour):%Y-%m-%d %H:00}"
    return _instant(difference.at)


# --- what could not be used -------------------------------------------------------------------------------------------


@quarantine.command("list")
def list_quarantine(
    context: typer.Context, organization: OrganizationName, limit: Limit = 50, database: Database = None
) -> None:
    """List quarantined presses, and parts of presses: how many for each reason, and the newest.

    Example: hymio quarantine list "Acme"
    """
    from hymio.feedback import Verdict
    from hymio.manage import find_organization
    from hymio.store.quarantine import newest_quarantined, quarantine_counts

    with opened(context, database) as store:
        found = find_organization(store, organization)
        layout = store.layout(found.id)
        with store.read() as transaction:
            counts = quarantine_counts(transaction, found.id)
            rows = newest_quarantined(transaction, found.id, limit)
    if not counts:
        say("Nothing is in quarantine.")
        return
    out = console()
    summary = table("reason", ("how many", RIGHT))
    for reason, count in counts:
        summary.add_row(reason.label.replace("_", " "), f"{count:,}")
    shown = table(
        ("pressed", WHOLE),
        ("smiley", WHOLE),
        ("press", FOLDED),
        ("what", FOLDED),
        ("reason", FOLDED),
        title="The newest",
    )
    for each in rows:
        shown.add_row(
            _instant(each.at), layout.smileys[each.smiley].serial, _numbered(each.smiley, each.epoch, each.sequence),
            escape(each.body), Verdict(each.reason).label.replace("_", " "),
        )  # fmt: skip
    out.print(summary, "", shown)
    hint("Once the set-up is mended: hymio quarantine release ORGANIZATION")


@quarantine.command("release")
def release(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """Settle, like late presses, what the set-up can resolve by now.

    Example: hymio quarantine release "Acme"
    """
    from hymio import intake
    from hymio.manage import find_organization

    with opened(context, database) as store:
        found = find_organization(store, organization)
        with progress("Releasing") as advance:
            released = intake.release(store, found.id, now(), advance)
    say(f"{escape(found.name)}: {how_many(released, 'press')} released from quarantine.")


def _numbered(smiley: int, epoch: int, sequence: int) -> str:
    """The press's epoch and sequence, or the UUID that a web page gave it; one told by SMS has that of its hour."""
    from hymio.feedback import feedback_id, is_device_key, placeholder_of

    if not is_device_key(epoch):
        return str(feedback_id(smiley, epoch, sequence))
    return f"from {epoch}/{placeholder_of(sequence)[0]}" if sequence < 0 else f"{epoch}/{sequence}"


@messages.command("list")
def list_messages(
    context: typer.Context, organization: OrganizationName, limit: Limit = 50,
    full: Annotated[bool, typer.Option("--full", help="Show long texts whole")] = False,
    database: Database = None,
) -> None:  # fmt: skip
    """List the newest text messages and what became of each.

    Example: hymio message list "Acme"
    """
    from hymio.manage import find_organization
    from hymio.store.messages import newest_messages

    with opened(context, database) as store:
        found = find_organization(store, organization)
        with store.read() as transaction:
            rows = newest_messages(transaction, found.id, limit)
    if not rows:
        say("No text message was received yet.")
        return
    shown = table(("received", WHOLE), ("from", FOLDED), ("outcome", FOLDED), ("text", FOLDED))
    for each in rows:
        text = each.text if full else _shortened(each.text)
        shown.add_row(_instant(each.received_at), escape(each.sender), escape(each.outcome), escape(text))
    console().print(shown)
    if not full and any(len(each.text) > _LONG_TEXT for each in rows):
        hint("Long texts are cut off at …; --full shows them whole.")


def _shortened(text: str) -> str:
    plain = " ".join(text[: 2 * _LONG_TEXT].split())
    return plain if len(text) <= _LONG_TEXT else f"{plain[:_LONG_TEXT]}…"


def _instant(at: int | None) -> str:
    from hymio.period import format_timestamp

    if at is None:
        return ""
    try:
        return format_timestamp(at, 0, utc=True)[:19].replace("T", " ") + "Z"
    except (ValueError, OverflowError):  # a clock that no calendar has
        return fill(str(at), len("2026-01-01 12:00:00Z"))


# --- the database -----------------------------------------------------------------------------------------------------


@database.command("status")
def status(context: typer.Context, database: Database = None) -> None:
    """Show which database it is, its version and what it holds."""
    from hymio.access import operator
    from hymio.cli.command import loaded
    from hymio.manage import organizations
    from hymio.results import revision
    from hymio.store.dialect import without_password
    from hymio.store.migrate import newest

    with opened(context, database) as store:
        say(f"database  {escape(without_password(loaded(context, database).database_url))}")
        say(f"engine    {store.kind}")
        say(f"version   {newest()}, the newest this Hymio knows")
        shown = table("organization", ("raw results", RIGHT), ("revision", RIGHT))
        known = organizations(store)
        for each in known:
            shown.add_row(
                escape(each.name), f"{_feedbacks(store, each.id):,}", f"{revision(store, operator(each.id)).revision:,}"
            )
    if known:
        console().print("", shown)


@database.command("migrate")
def migrate(context: typer.Context, database: Database = None) -> None:
    """Bring the database to the newest version, as every start of Hymio does, and make it if it is not there."""
    from hymio.store.migrate import newest

    with opened(context, database, make=True) as store:
        say(f"The {store.kind} database is at version {newest()}.")


@database.command("distribute")
def distribute(context: typer.Context, database: Database = None) -> None:
    """Spread the tables over the nodes of a Citus cluster, or say exactly what is missing for that.

    Example: hymio db distribute --database postgresql://hymio@coordinator/hymio
    """
    from hymio.store.distribute import distribute as spread

    with opened(context, database) as store:
        done = spread(store)
    say(f"{len(done)} tables were distributed." if done else "All tables are distributed already.")
