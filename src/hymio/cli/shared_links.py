"""`hymio share`: the links by which people share reports; they are made on the page of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hymio.cli.command import (
    Database,
    OrganizationName,
    Yes,
    ask,
    changing,
    opened,
    operator_of,
    say,
)
from hymio.cli.listing import Column, Fit, Listing, Shown, listing
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.manage import SharedLink
    from hymio.period import Instant

commands = typer.Typer(no_args_is_help=True, help="List and revoke links by which people share reports.")

LinkNumber = Annotated[int, typer.Argument(metavar="LINK", help="Number of the link", show_default=False)]


_COLUMNS = (
    Column("link", Fit.KEY), Column("name"), Column("shared_by"), Column("node", Fit.DATA), Column("shows"),
    Column("texts"), Column("sign_in"), Column("state", Fit.STATE), Column("until", Fit.WORD),
    Column("last_used", Fit.WORD),
)  # fmt: skip


@commands.command("list")
@listing()
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> Listing:
    """List the shared links of an organization, including revoked and expired ones of the last month."""
    from hymio import manage

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout, existing = store.layout(operator.organization), manage.links(store, operator)
        emails = {user.id: user.email for user in manage.users(store, operator)}
    rows = [
        (
            link.id, link.terms.name, emails.get(link.user), link.terms.node, layout.hierarchy.path(link.terms.node),
            link.terms.shows_texts, link.terms.needs_sign_in, _state(link), _date(link.terms.expires_at),
            _date(link.used_at),
        )
        for link in existing
    ]  # fmt: skip
    return Listing(
        "links", _COLUMNS, rows, nothing="There is no shared link. People make them on the page of a report."
    )


@commands.command("revoke")
def revoke(
    context: typer.Context,
    organization: OrganizationName,
    link: LinkNumber,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Revoke a shared link for good, at once.

    Example: hymio share revoke "Acme" 3
    """
    from hymio import manage

    ask("Revoke the link for good?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        manage.revoke_link(batch, operator, link, now=batch.now)
    say(f"Link {link} is revoked.")


def _state(link: SharedLink) -> str:
    """Whether a link is valid, expired or revoked."""
    if link.is_valid(now()):
        return "valid"
    return "expired" if link.revoked_at is None else "revoked"


def _date(at: Instant | None) -> Shown | None:
    """An instant, for people as a date in UTC."""
    from hymio.cli.instants import instant_text, timestamp

    return None if at is None else Shown(timestamp(at), instant_text(at)[:10])
