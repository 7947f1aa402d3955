"""`hymio api token`: tokens of API v2, each with a node it reaches, kinds of data, and an end or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.access import EVERY_KIND
from hymio.cli.command import (
    RIGHT,
    WHOLE,
    Database,
    OrganizationName,
    changing,
    console,
    hint,
    loaded,
    opened,
    operator_of,
    say,
    table,
)
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.access import Principal
    from hymio.manage import ApiToken, Batch
    from hymio.period import Instant
    from hymio.setup import Layout

commands = typer.Typer(no_args_is_help=True, help="Make tokens of API v2, change what they reach, and end them.")

_NEVER = "never"

_Scope = Annotated[
    str | None,
    typer.Option(metavar="NODE", help="It sees this node and all below; otherwise the whole tree", show_default=False),
]
_Kinds = Annotated[
    str | None, typer.Option(metavar="KIND,...", help="What it reads: button-feedbacks,surveys; or all")
]  # fmt: skip
_Until = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Its end, not included: 2027-01-01 on the clock there; or never"),
]
TokenName = Annotated[str, typer.Argument(metavar="TOKEN", help="Its number or name", show_default=False)]


@commands.command("create")
def create(
    context: typer.Context, organization: OrganizationName,
    name: Annotated[str, typer.Argument(help="What it is for", show_default=False)],
    scope: _Scope = None, kinds: _Kinds = "all", until: _Until = _NEVER, database: Database = None,
) -> None:  # fmt: skip
    """Make a token. It is shown this once.

    The kinds are those that API v2 names: button-feedbacks, follow-up-feedbacks, text-feedbacks, demographics,
    contact-details, metadata, experience-points, custom-data-fields, surveys, alerts, users, smileys.

    Example: hymio api token create "Acme" "Dashboard" --scope "Finland" --kinds button-feedbacks,surveys
    """
    from hymio import manage
    from hymio.cli import naming

    chosen = naming.kinds_of(kinds or "all")
    with changing(context, database, organization) as (_, operator, batch):
        node = None if scope is None else naming.node_of(batch.layout, scope).id
        end = _end(batch.layout, node, until or _NEVER, batch.now)
        _require_api(batch, operator)
        made = manage.create_token(batch, operator, name, node, chosen, end, now=batch.now)
        reached = _reached(batch.layout, node)
    url = loaded(context).public_url
    say(f"Token {made.id} [bold]{escape(name)}[/] sees {escape(reached)}.\n")
    say(f"  API token  {made.secret}\n")
    say(f"  curl -H 'X-HON-API-Token: {made.secret}' {url}/v2/experience-points.json")
    hint("\nThe token is stored as a hash and cannot be shown again.")


@commands.command("list")
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """List the tokens of an organization, ended ones too."""
    from hymio import manage

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout, known = store.layout(operator.organization), manage.tokens(store, operator)
    if not known:
        hint("There is no token yet. Make one with: hymio api token create ORGANIZATION NAME")
        return
    shown = table(("token", RIGHT), "name", ("state", WHOLE), "sees", "kinds", ("until", WHOLE), ("last used", WHOLE))
    for each in known:
        shown.add_row(
            str(each.id), escape(each.name), _state(each), escape(_reached(layout, each.node)), _kinds_shown(each),
            _moment(layout, each, each.expires_at, _NEVER), _moment(layout, each, each.used_at, _NEVER),
        )  # fmt: skip
    console().print(shown)


@commands.command("edit")
def edit(
    context: typer.Context, organization: OrganizationName, token: TokenName,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Its new name", show_default=False)] = None,
    scope: _Scope = None, kinds: _Kinds = None, until: _Until = None, database: Database = None,
) -> None:  # fmt: skip
    """Change what a token is called and reaches. It stays the same token; what is not named stays.

    Example: hymio api token edit "Acme" "Dashboard" --scope "Sweden" --until 2027-01-01
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        known = naming.token_of(manage.tokens(batch, operator), token)
        node = known.node if scope is None else naming.node_of(batch.layout, scope).id
        chosen = known.kinds if kinds is None else naming.kinds_of(kinds)
        end = known.expires_at if until is None else _end(batch.layout, node, until, batch.now)
        manage.edit_token(
            batch, operator, known.id, known.name if name is None else name, node, chosen, end, now=batch.now
        )
        reached = _reached(batch.layout, node)
    say(f"Token {known.id} {escape(name or known.name)} sees {escape(reached)}.")


@commands.command("revoke")
def revoke(context: typer.Context, organization: OrganizationName, token: TokenName, database: Database = None) -> None:
    """End a token for good.

    Example: hymio api token revoke "Acme" "Dashboard"
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        known = naming.token_of(manage.tokens(batch, operator), token)
        manage.revoke_token(batch, operator, known.id, now=batch.now)
    say(f"Token {known.id} {escape(known.name)} has ended.")


def _require_api(batch: Batch, operator: Principal) -> None:
    """Raises SetupError, with the command to type, where the organization's API is not activated."""
    from hymio import manage
    from hymio.errors import SetupError

    enabled, _ = manage.api_flags(batch, operator)
    if not enabled:
        raise SetupError(
            "activate-api-first",
            "the organization has no API until it is activated: hymio api activate ORGANIZATION",
        )


def _end(layout: Layout, node: int | None, text: str, at: Instant) -> Instant | None:
    """The end that was typed, by the clock of the node. SetupError if it is over."""
    from hymio.cli.naming import clock_of, moment
    from hymio.errors import SetupError

    if text.strip().lower() == _NEVER:
        return None
    end = moment(text, clock_of(layout, node, at))
    if end <= at:
        raise SetupError(
            "token-ended-before",
            "got --until {until}, which is over; to end a token: hymio api token revoke",
            until=text,
        )
    return end


def _reached(layout: Layout, node: int | None) -> str:
    return "the whole tree" if node is None or node not in layout.hierarchy.nodes else layout.hierarchy.path(node)


def _kinds_shown(of: ApiToken) -> str:
    return "all" if of.kinds == EVERY_KIND else ", ".join(sorted(each.value for each in of.kinds))


def _state(of: ApiToken) -> str:
    if of.is_valid(now()):
        return "[green]valid[/]"
    return "[dim]expired[/]" if of.revoked_at is None else "[dim]revoked[/]"


def _moment(layout: Layout, of: ApiToken, at: Instant | None, otherwise: str) -> str:
    """A time to the minute by the clock of the token's node."""
    from hymio.cli.naming import clock_of
    from hymio.period import wall_of

    return f"[dim]{otherwise}[/]" if at is None else f"{wall_of(at, clock_of(layout, of.node, at)):%Y-%m-%d %H:%M}"
