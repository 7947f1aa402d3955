"""`hymio share`: the links by which people share reports; they are made on the page of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    RIGHT,
    WHOLE,
    Database,
    OrganizationName,
    Yes,
    ask,
    changing,
    console,
    hint,
    opened,
    operator_of,
    say,
    table,
)
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.manage import SharedLink

commands = typer.Typer(no_args_is_help=True, help="List and revoke links by which people share reports.")

LinkNumber = Annotated[int, typer.Argument(metavar="LINK", help="Number of the link", show_default=False)]


@commands.command("list")
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """List the shared links of an organization, including revoked and expired ones of the last month."""
    from hymio import manage
    from hymio.period import wall_of, zone

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout, existing = store.layout(operator.organization), manage.links(store, operator)
        emails = {user.id: user.email for user in manage.users(store, operator)}
    if not existing:
        hint("There is no shared link. People make them on the page of a report.")
        return
    output = table(
        ("link", RIGHT), "name", "shared by", "shows", ("texts", WHOLE), ("sign-in", WHOLE), ("state", WHOLE),
        ("until", WHOLE), ("last used", WHOLE),
    )  # fmt: skip
    utc = zone("UTC")
    for link in existing:
        terms = link.terms
        output.add_row(
            str(link.id),
            escape(terms.name),
            escape(emails.get(link.user, "")),
            escape(layout.hierarchy.path(terms.node)),
            "yes" if terms.shows_texts else "no",
            "yes" if terms.needs_sign_in else "no",
            _state(link),
            f"{wall_of(terms.expires_at, utc):%Y-%m-%d}",
            "[dim]never[/]" if link.used_at is None else f"{wall_of(link.used_at, utc):%Y-%m-%d}",
        )
    console().print(output)


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
        return "[green]valid[/]"
    return "[dim]expired[/]" if link.revoked_at is None else "[dim]revoked[/]"
