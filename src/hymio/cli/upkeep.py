"""`hymio verify`, `rebuild`, `resettle`, `quarantine`, `message` and `db`: maintenance of stored data."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.markup import escape

from hymio.cli.command import (
    Database,
    OrganizationName,
    Yes,
    ask,
    hint,
    how_many,
    opened,
    operator_of,
    progress,
    say,
)
from hymio.cli.instants import instant_text, timestamp
from hymio.cli.listing import AsJson, Cell, Column, Fit, Form, Listing, Listings, Shown, instant, listing, show, write
from hymio.cli.mending import Mending
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.feedback import Verdict
    from hymio.intake import Difference
    from hymio.manage import Organization
    from hymio.store import Store
    from hymio.store.messages import Message

MAX_PRINTED = 50
"""Differences printed for an organization; of further ones only the number is printed."""

_LONG_TEXT = 160
"""Characters of a text message that are printed without --full: the length of one SMS."""

quarantine = typer.Typer(
    no_args_is_help=True,
    help="Presses that are stored but not counted, because the set-up does not fit them or they contradict.",
)
messages = typer.Typer(no_args_is_help=True, help="Text messages received by the SMS webhook.")
database = typer.Typer(no_args_is_help=True, help="State, migrations and distribution of the database.")

Some = Annotated[
    str | None, typer.Argument(metavar="ORGANIZATION", help="Name or number of the organization", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="All organizations")]
Limit = Annotated[int, typer.Option(help="Number of the newest to list", min=1)]


# --- recomputing ------------------------------------------------------------------------------------------------------


def verify(
    context: typer.Context,
    organization: Some = None,
    every: All = False,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Compute all verdicts and hours from the raw presses and the set-up, and compare them with the stored ones.

    Prints the differences, with the commands that mend them, and exits with 1 if there are any, or if there is no
    organization. Nothing is changed, and presses may keep arriving.

    Examples: hymio verify "Acme" · hymio verify --all
    """
    with opened(context, database) as store:
        organizations = chosen_organizations(store, organization, every)
        if as_json:
            wrong = _write_verified(store, organizations)
        elif not organizations:
            wrong = 0
            say("There is nothing to verify: the database has no organization.")
        else:
            wrong = print_verified(store, organizations)
    if not organizations or wrong:
        raise typer.Exit(1)


class Verified(NamedTuple):
    """What verifying an organization found: the first differences, the number of all, and the commands that mend."""

    first: list[Difference]
    differences: int
    mending: list[str]


def print_verified(store: Store, organizations: list[Organization]) -> int:
    """Verifies organizations and prints the result of each; the number of differences."""
    wrong = 0
    for chosen in organizations:
        verified = _verified(store, chosen)
        _report(store, chosen, verified.first, verified.differences)
        for line in verified.mending:
            hint(f"To mend it: {line}")
        wrong += verified.differences
    return wrong


def _verified(store: Store, organization: Organization) -> Verified:
    """Verifies an organization."""
    from hymio import intake

    mending = Mending()
    with progress(f"Verifying {organization.name}", _feedbacks(store, organization.id)) as advance:
        differences = map(mending.note, intake.verify(store, organization.id, advance))
        first = list(islice(differences, MAX_PRINTED))
        more = sum(1 for _ in differences)
    lines = list(mending.lines(organization.name, store.layout(organization.id)))
    return Verified(first, len(first) + more, lines)


_VERIFIED = (
    Column("organization", Fit.KEY), Column("name"), Column("raw_results", Fit.NUMBER),
    Column("differences", Fit.NUMBER), Column("mending"), Column("first"),
)  # fmt: skip


def _write_verified(store: Store, organizations: list[Organization]) -> int:
    """Verifies organizations and writes the results as JSON; the number of differences."""
    rows: list[tuple[Cell, ...]] = []
    wrong = 0
    for chosen in organizations:
        verified = _verified(store, chosen)
        first = [
            {
                "where": difference.where, "at": timestamp(difference.at), "what": difference.what,
                "stored": difference.stored, "right": difference.recomputed,
            }
            for difference in verified.first
        ]  # fmt: skip
        count = _feedbacks(store, chosen.id)
        rows.append((chosen.id, chosen.name, count, verified.differences, verified.mending, first))
        wrong += verified.differences
    write(Listing("organizations", _VERIFIED, rows), Form.JSON)
    return wrong


def rebuild(context: typer.Context, organization: Some = None, every: All = False, database: Database = None) -> None:
    """Correct stored verdicts and hours that differ from those computed from the raw presses.

    It works in batches, each a commit of its own, so presses may keep arriving.

    Examples: hymio rebuild "Acme" · hymio rebuild --all
    """
    from hymio import intake
    from hymio.manage import begin_rebuild

    with opened(context, database) as store:
        for chosen in chosen_organizations(store, organization, every):
            begin_rebuild(store, operator_of(chosen), now=now())
            with progress(f"Rebuilding {chosen.name}", _feedbacks(store, chosen.id)) as advance:
                changed = intake.rebuild(store, chosen.id, now(), advance)
            wrong = f"{how_many(changed.verdicts, 'verdict')} and {how_many(changed.hours, 'hour')}"
            say(f"{escape(chosen.name)}: rebuilt; {wrong} of points and groups were other than raw says.")


def resettle(
    context: typer.Context,
    organization: OrganizationName,
    node: Annotated[str, typer.Argument(metavar="NODE", help="Number, name or end of path", show_default=False)],
    start: Annotated[
        str,
        typer.Option(
            "--from", metavar="WHEN", help="2025-03-01 or 2025-03-01T08:00, in local time", show_default=False
        ),
    ],
    database: Database = None,
) -> None:
    """Apply the current set-up to stored feedback: placements, periods, zones and misuse policies.

    Example: hymio resettle "Acme" "Front door" --from 2025-03-01
    """
    from hymio import intake
    from hymio.cli.naming import moment, node_of
    from hymio.manage import begin_resettle, find_organization

    with opened(context, database) as store:
        chosen = find_organization(store, organization)
        layout = store.layout(chosen.id)
        at = node_of(layout, node)
        since = moment(start, layout.zone_of(at.id, now()))
        begin_resettle(store, operator_of(chosen), at.id, since, now=now())
        with progress(f"Resettling {at.name}") as advance:
            changed = intake.resettle(store, chosen.id, at.id, since, now(), advance)
    path, feedbacks = escape(layout.hierarchy.path(at.id)), how_many(changed, "feedback")
    say(f"{path}: resettled from {escape(start)}; {feedbacks} changed.")


def chosen_organizations(store: Store, organization: str | None, every: bool) -> list[Organization]:
    """The named organization, or all of them. SetupError unless exactly one of both is given."""
    from hymio.errors import SetupError
    from hymio.manage import find_organization, organizations

    if (organization is None) != every:
        raise SetupError("no-organization-named", "name an organization, or say --all")
    return organizations(store) if organization is None else [find_organization(store, organization)]


def _feedbacks(store: Store, organization: int) -> int:
    """The number of raw results of an organization."""
    from hymio.access import operator
    from hymio.results import OfAssignment, raw

    total = 0
    for assignment in store.layout(organization).assignments:
        with raw(store, operator(organization), OfAssignment(assignment), limit=0) as raw_results:
            total += raw_results.total
    return total


def _report(store: Store, organization: Organization, differences: list[Difference], count: int) -> None:
    """Prints the first differences, a table for each place, and the number of the others."""
    name = f"[bold]{escape(organization.name)}[/]"
    if not count:
        say(f"{name}: {how_many(_feedbacks(store, organization.id), 'raw result')}, and every hour is what they give.")
        return
    say(f"{name}: {how_many(count, 'difference')}")
    for where in dict.fromkeys(difference.where for difference in differences):
        say(f"\n[bold]{escape(where)}[/]")
        in_table = [difference for difference in differences if difference.where == where]
        rows: list[tuple[Cell, ...]] = [
            (_when(difference), difference.what, difference.stored, difference.recomputed)
            for difference in sorted(in_table, key=lambda difference: (difference.at, difference.what))
        ]
        show(Listing("differences", _DIFFERENCES, rows))
    if count > len(differences):
        say(f"… and {count - len(differences):,} more")


_DIFFERENCES = (Column("when", Fit.WORD), Column("what"), Column("stored", Fit.KEY), Column("right", Fit.KEY))


def _when(difference: Difference) -> str:
    """The local hour of a difference, or the instant of a single feedback in UTC."""
    from datetime import UTC, datetime, timedelta

    if difference.hour is not None:  # local time, without offset
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=difference.hour):%Y-%m-%d %H:00}"
    return instant_text(difference.at)


# --- quarantine and text messages -------------------------------------------------------------------------------------


_REASONS = (Column("reason"), Column("presses", Fit.NUMBER))
_NEWEST = (
    Column("pressed", Fit.WORD), Column("smiley", Fit.WORD), Column("press"), Column("what"), Column("reason"),
)  # fmt: skip


@quarantine.command("list")
@listing("reasons", "newest")
def list_quarantine(
    context: typer.Context,
    organization: OrganizationName,
    limit: Limit = 50,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="Also what was dismissed")] = False,
    database: Database = None,
) -> Listings:
    """List quarantined presses and parts of presses: their number by reason, and the newest ones.

    Example: hymio quarantine list "Acme"
    """
    from hymio.feedback import Verdict
    from hymio.manage import find_organization
    from hymio.store.quarantine import newest_quarantined, quarantine_counts

    with opened(context, database) as store:
        chosen = find_organization(store, organization)
        layout = store.layout(chosen.id)
        with store.read() as transaction:
            counts = quarantine_counts(transaction, chosen.id, dismissed=dismissed)
            rows = newest_quarantined(transaction, chosen.id, limit, dismissed=dismissed)
    reasons = [(_reason(reason), count) for reason, count in counts]
    newest = [
        (
            instant(press.at), layout.smileys[press.smiley].serial,
            _key_text(press.smiley, press.epoch, press.sequence),
            Shown(press.body, escape(press.body) or "[dim]erased[/]"), _reason(Verdict(press.reason)),
        )
        for press in rows
    ]  # fmt: skip
    after = (
        "Once the set-up is mended: hymio quarantine release ORGANIZATION\n"
        "What can never be counted: hymio quarantine dismiss ORGANIZATION"
    )
    return Listings(
        (
            Listing("reasons", _REASONS, reasons, nothing="Nothing is in quarantine."),
            Listing("newest", _NEWEST, newest, title="The newest", after=after),
        )
    )


def _reason(verdict: Verdict) -> str:
    """The reason for quarantine, as `hymio quarantine dismiss --reason` takes it."""
    return verdict.label.replace("_", " ")


@quarantine.command("release")
def release(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """Count quarantined presses that the current set-up can resolve, as if they had arrived late.

    Example: hymio quarantine release "Acme"
    """
    from hymio import intake
    from hymio.manage import begin_release, find_organization

    with opened(context, database) as store:
        chosen = find_organization(store, organization)
        if intake.can_release(store, chosen.id, now()):
            begin_release(store, operator_of(chosen), now=now())
        with progress("Releasing") as advance:
            released = intake.release(store, chosen.id, now(), advance)
    say(f"{escape(chosen.name)}: {how_many(released, 'press')} released from quarantine.")


@quarantine.command("dismiss")
def dismiss(
    context: typer.Context,
    organization: OrganizationName,
    smiley: Annotated[str | None, typer.Option(metavar="SMILEY", help="Only of this smiley")] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="REASON", help="Only for this reason, as the list has it", show_default=False)
    ] = None,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Leave the presses that are in quarantine now out of its list. They stay stored.

    A release still counts those that the set-up resolves by then; a resettle lists all again.

    Example: hymio quarantine dismiss "Acme" --smiley 2415VE0A110042 --reason "no placement"
    """
    from hymio import manage
    from hymio.cli import naming

    with opened(context, database) as store:
        chosen = manage.find_organization(store, organization)
        key = None if smiley is None else naming.smiley_of(store.layout(chosen.id), smiley).id
        verdict = None if reason is None else naming.reason_of(reason)
        ask("Leave them out of the list?", yes=yes)
        dismissed = manage.dismiss_quarantined(store, operator_of(chosen), key, verdict, now=now())
    say(f"{escape(chosen.name)}: {how_many(dismissed, 'press')} dismissed.")


def _key_text(smiley: int, epoch: int, sequence: int) -> str:
    """A press's epoch/sequence, or its UUID; for a press reported by SMS, the first sequence of its hour."""
    from hymio.feedback import feedback_id, is_device_key, placeholder_of

    if not is_device_key(epoch):
        return str(feedback_id(smiley, epoch, sequence))
    return f"from {epoch}/{placeholder_of(sequence)[0]}" if sequence < 0 else f"{epoch}/{sequence}"


def _whole(message: Message) -> str:
    """The text of a message, and the bytes of one that could not be decoded."""
    return message.text if message.body is None else f"{message.text} (bytes {message.body.hex()})"


_MESSAGES = (Column("received", Fit.WORD), Column("from"), Column("outcome"), Column("text"), Column("bytes", Fit.DATA))


@messages.command("list")
@listing()
def list_messages(
    context: typer.Context,
    organization: OrganizationName,
    limit: Limit = 50,
    full: Annotated[bool, typer.Option("--full", help="Do not shorten long texts")] = False,
    database: Database = None,
) -> Listing:
    """List the newest text messages with their outcomes; a part of a longer one whose other parts are missing, too.

    Example: hymio message list "Acme"
    """
    from hymio.manage import find_organization
    from hymio.store.messages import newest_messages

    with opened(context, database) as store:
        chosen = find_organization(store, organization)
        with store.read() as transaction:
            rows = newest_messages(transaction, chosen.id, limit)
    at, is_cut = now(), not full and any(len(message.text) > _LONG_TEXT for message in rows)
    cells = [
        (
            instant(message.received_at), message.sender, message.outcome_at(at),
            Shown(message.text, escape(_whole(message) if full else _shortened(message.text))),
            None if message.body is None else message.body.hex(),
        )
        for message in rows
    ]  # fmt: skip
    after = "Long texts are cut off at …; --full shows them whole." if is_cut else ""
    return Listing("messages", _MESSAGES, cells, nothing="No text message was received yet.", after=after)


def _shortened(text: str) -> str:
    """A text on one line, cut to _LONG_TEXT characters."""
    plain = " ".join(text[: 2 * _LONG_TEXT].split())
    return plain if len(text) <= _LONG_TEXT else f"{plain[:_LONG_TEXT]}…"


# --- the database -----------------------------------------------------------------------------------------------------


_DATABASE = (
    Column("database"), Column("engine"), Column("version", Fit.KEY), Column("nodes"), Column("distributed", Fit.KEY),
    Column("not_distributed"), Column("local_copies"),
)  # fmt: skip
_STORED = (
    Column("organization", Fit.DATA), Column("name", heading="organization"), Column("raw_results", Fit.NUMBER),
    Column("revision", Fit.NUMBER),
)  # fmt: skip


@database.command("status")
@listing("database", "organizations")
def status(context: typer.Context, database: Database = None) -> Listings:
    """Show the address and version of the database, what of it is distributed, and the raw results of organizations."""
    from hymio.access import operator
    from hymio.cli.cluster import cells
    from hymio.cli.command import loaded
    from hymio.manage import organizations
    from hymio.results import revision
    from hymio.store.dialect import without_password
    from hymio.store.migrate import newest

    with opened(context, database) as store:
        address = without_password(loaded(context, database).database_url)
        version = Shown(newest(), f"{newest()}, the newest this Hymio knows")
        cluster, after = cells(store)
        row = (address, store.kind, version, *cluster)
        rows = [
            (row.id, row.name, _feedbacks(store, row.id), revision(store, operator(row.id)).revision)
            for row in organizations(store)
        ]
    return Listings(
        (
            Listing("database", _DATABASE, [row], is_one=True, after=after),
            Listing("organizations", _STORED, rows),
        )
    )


@database.command("migrate")
def migrate(context: typer.Context, database: Database = None) -> None:
    """Migrate the database to the newest version; every start does the same."""
    from hymio.store.migrate import newest

    with opened(context, database) as store:  # which migrates it
        say(f"The {store.kind} database is at version {newest()}.")


@database.command("vacuum")
def vacuum(context: typer.Context, database: Database = None) -> None:
    """Rewrite the SQLite file, so that nothing of what was erased is left in it. Uploads wait meanwhile.

    PostgreSQL does this by itself (autovacuum).

    Example: hymio db vacuum
    """
    from hymio.store import purging

    with opened(context, database) as store, progress("Rewriting the file"):
        done = purging.vacuum(store)
    say("The file was rewritten." if done else "Nothing to do: PostgreSQL vacuums by itself.")


@database.command("distribute")
def distribute(context: typer.Context, database: Database = None) -> None:
    """Distribute the tables over the nodes of a Citus cluster, or print what is missing for that.

    All tables are locked meanwhile: stop Hymio's servers first, and start them afterwards.

    Example: hymio db distribute --database postgresql://hymio@coordinator/hymio
    """
    from hymio.cli import cluster

    with opened(context, database) as store:
        cluster.distribute(store)
