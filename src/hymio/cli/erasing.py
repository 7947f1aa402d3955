"""`hymio erase` and `hymio retention`: what is erased of people's data on request, and what is erased by its age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    Database,
    OrganizationName,
    Yes,
    changing,
    confirm,
    hint,
    how_many,
    opened,
    operator_of,
    progress,
    say,
)
from hymio.cli.listing import Column, Fit, Listing, Shown, listing, show
from hymio.clock import now
from hymio.personal_data import PersonalData

if TYPE_CHECKING:
    from hymio.intake import Tally
    from hymio.manage import Organization
    from hymio.personal_data import Erasure
    from hymio.store import Store

erase = typer.Typer(
    no_args_is_help=True,
    help="Erase people's data: texts, contact details, metadata. Presses, counts and indexes stay as they are.",
)
retention = typer.Typer(no_args_is_help=True, help="How long people's data is kept before a job erases it.")

WORDS: dict[PersonalData, str] = {
    PersonalData.CONTACT_DETAILS: "contact details",
    PersonalData.TEXTS: "texts",
    PersonalData.METADATA: "metadata",
    PersonalData.DEMOGRAPHICS: "gender and age",
    PersonalData.QUARANTINED_BODIES: "bodies of presses in quarantine",
    PersonalData.SMS_MESSAGES: "text messages with their senders",
    PersonalData.VISITOR_HASHES: "hashes of visitors of digital smileys",
    PersonalData.ALERT_COMMENTS: "comments on alerts",
    PersonalData.AUDIT_LOG: "rows of the audit log",
}


# --- on request -------------------------------------------------------------------------------------------------------


@erase.command("feedback")
def erase_feedback(
    context: typer.Context,
    organization: OrganizationName,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of feedback as in API v2", show_default=False)],
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Erase what came with or after the button of some feedback.

    Example: hymio erase feedback "Acme" 00000000-5000-8000-8000-000000000001
    """
    from hymio.cli.naming import feedback_ids
    from hymio.personal_data import OfFeedback

    wanted = OfFeedback(feedback_ids(ids))
    with opened(context, database) as store:
        _erase(store, organization, wanted, yes)


@erase.command("contact")
def erase_contact(
    context: typer.Context,
    organization: OrganizationName,
    contact: Annotated[
        str | None,
        typer.Argument(
            metavar="CONTACT",
            help="Email address, telephone number or name; otherwise asked for, and so in no shell history",
            show_default=False,
        ),
    ] = None,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Erase all feedback of one person.

    An email address or telephone number is searched for in contact details, metadata, texts, quarantine, text
    messages and shared links; a name only where it is the whole of a contact or value. Case and spaces do not matter.

    Example: hymio erase contact "Acme" jane@example.com
    """
    from hymio.personal_data import Contact, OfContact

    wanted = OfContact(Contact(contact if contact is not None else typer.prompt("Email, telephone or name", err=True)))
    with opened(context, database) as store:
        _erase(store, organization, wanted, yes)


@erase.command("period")
def erase_period(
    context: typer.Context,
    organization: OrganizationName,
    node: Annotated[str, typer.Argument(metavar="NODE", help="Number, name or end of path", show_default=False)],
    start: Annotated[
        str,
        typer.Option("--from", metavar="WHEN", help="2025-03-01 or 2025-03-01T08:00, local time", show_default=False),
    ],
    end: Annotated[
        str, typer.Option("--until", metavar="WHEN", help="The first moment that stays, local time", show_default=False)
    ],
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Erase people's data of a node and all below it that was given in a period.

    Example: hymio erase period "Acme" "Front door" --from 2025-03-01 --until 2025-04-01
    """
    from hymio.cli.naming import moment, node_of
    from hymio.manage import find_organization
    from hymio.personal_data import OfPeriod

    with opened(context, database) as store:
        layout = store.layout(find_organization(store, organization).id)
        at = node_of(layout, node)
        zone = layout.zone_of(at.id, now())
        _erase(store, organization, OfPeriod(at.id, moment(start, zone), moment(end, zone)), yes)


@erase.command("organization")
def erase_organization(
    context: typer.Context, organization: OrganizationName, yes: Yes = False, database: Database = None
) -> None:
    """Erase all people's data that was collected for an organization. Its set-up, users and audit log stay.

    Example: hymio erase organization "Acme"
    """
    from hymio.personal_data import OfOrganization

    with opened(context, database) as store:
        _erase(store, organization, OfOrganization(), yes)


def _erase(store: Store, name: str, erasure: Erasure, yes: bool) -> None:
    """Counts, asks, erases and purges."""
    from hymio import intake
    from hymio.manage import begin_erasure, find_organization

    chosen = find_organization(store, name)
    with progress("Counting") as advance:
        found = intake.find(store, chosen.id, erasure, advance)
    links = _links(store, chosen, erasure)
    _show(found, links, chosen)
    if not (any(found.rows.values()) or found.feedbacks or links):
        return
    confirm("Erase them for good?", yes=yes)
    links = begin_erasure(store, operator_of(chosen), erasure, found.rows, now=now())
    total = found.feedbacks + sum(found.rows.values())
    with progress("Erasing", total) as advance:
        erased = intake.erase(store, chosen.id, erasure, now(), advance)
    _purge(store)
    say(f"{escape(chosen.name)}: {how_many(sum(erased.rows.values()), 'row')} erased.")
    if links:
        say(f"{how_many(links, 'shared link')} revoked and erased.")
    hint("Backups still hold them: docs/privacy.md says what to do about that.")


def _links(store: Store, organization: Organization, erasure: Erasure) -> int:
    """How many shared links have the contact of a person."""
    from hymio.manage import links
    from hymio.personal_data import OfContact

    if not isinstance(erasure, OfContact):
        return 0
    return sum(link.terms.has(erasure.contact) for link in links(store, operator_of(organization)))


def _show(found: Tally, links: int, organization: Organization) -> None:
    """Prints how much will be erased."""
    if not (any(found.rows.values()) or found.feedbacks or links):
        say(f"{escape(organization.name)}: nothing to erase.")
        return
    columns = Column("to_be_erased", Fit.WORD), Column("how_many", Fit.NUMBER)
    rows = [(WORDS[kind], number) for kind, number in found.rows.items() if number]
    if links:
        rows.append(("shared links", links))
    show(Listing("found", columns, rows))
    say(f"They belong to {how_many(found.feedbacks, 'press')}. Presses, counts, hours and indexes stay as they are.")


def _purge(store: Store) -> None:
    """Removes the bytes of erased rows from an SQLite file, and says what is left."""
    from hymio.jobs.erasing import purged_text
    from hymio.store.purging import purge

    left = purged_text(purge(store))
    if left:
        hint(f"In the file: {left}.")


# --- by age -----------------------------------------------------------------------------------------------------------


_RETENTION = (Column("kind", Fit.WORD), Column("what"), Column("days", Fit.NUMBER), Column("by_default", Fit.NUMBER))


@retention.command("list")
@listing()
def list_retention(context: typer.Context, organization: OrganizationName, database: Database = None) -> Listing:
    """List how many days each kind of people's data is kept.

    Example: hymio retention list "Acme"
    """
    from hymio import manage
    from hymio.personal_data import DEFAULT_DAYS

    with opened(context, database) as store:
        chosen = manage.find_organization(store, organization)
        kept = manage.retention(store, operator_of(chosen))
    rows = [(kind.value, WORDS[kind], _shown(days), _shown(DEFAULT_DAYS[kind])) for kind, days in kept.items()]
    return Listing("retention", _RETENTION, rows)


def _shown(days: int | None) -> Shown:
    return Shown(days, _days(days))


def _days(days: int | None) -> str:
    return "no limit" if days is None else f"{days:,}"


@retention.command("set")
def set_retention(
    context: typer.Context,
    organization: OrganizationName,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="As `hymio retention list` names it", show_default=False)],
    days: Annotated[
        int | None, typer.Argument(metavar="DAYS", help="Days after which it is erased", show_default=False)
    ] = None,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="Erase it only on request")] = False,
    database: Database = None,
) -> None:
    """Set how many days a kind of people's data is kept. What is older is erased by the server within six hours.

    Examples: hymio retention set "Acme" texts 365 · hymio retention set "Acme" texts --no-limit
    """
    from hymio import manage
    from hymio.cli.naming import personal_data_of
    from hymio.errors import SetupError

    chosen_kind = personal_data_of(kind)
    if (days is None) != no_limit:
        raise SetupError("no-retention-named", "say a number of days, or --no-limit")
    with changing(context, database, organization) as (chosen, operator, batch):
        manage.set_retention(batch, operator, chosen_kind, days, now=batch.now)
    say(f"{escape(chosen.name)}: {WORDS[chosen_kind]}: {_days(days)}{'' if days is None else ' days'}.")


@retention.command("apply")
def apply_retention(
    context: typer.Context,
    organization: OrganizationName,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="Erase although nothing was stored for more than two days")
    ] = False,
    database: Database = None,
) -> None:
    """Erase now what is older than it is kept; the server does the same every six hours.

    Example: hymio retention apply "Acme"
    """
    from hymio import intake
    from hymio.manage import find_organization

    with opened(context, database) as store:
        chosen = find_organization(store, organization)
        if not clock_is_right:
            _require_recent_commit(store, chosen.id)
        with progress("Erasing what is too old"):
            erased = intake.erase_expired(store, chosen.id, now())
        _purge(store)
    for kind, number in erased.items():
        say(f"{WORDS[kind]}: {number:,} erased")
    if not erased:
        say(f"{escape(chosen.name)}: nothing is older than it is kept.")


def _require_recent_commit(store: Store, organization: int) -> None:
    """SetupError where the clock is days after the last commit: it may be wrong, and what it makes too old is lost."""
    from hymio.errors import SetupError
    from hymio.hierarchy import BEGINNING
    from hymio.jobs.erasing import LONGEST_PAUSE
    from hymio.period import DAY_MS
    from hymio.store.receive_time import received_last

    with store.read() as transaction:
        last, present = received_last(transaction, organization), now()
    if last > BEGINNING and present - last > LONGEST_PAUSE:
        raise SetupError(
            "clock-maybe-ahead",
            "the clock is {days} days after the last commit; if it is right, say --clock-is-right",
            days=(present - last) // DAY_MS,
        )
