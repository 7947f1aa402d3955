"""`hymio api token`: tokens of API v2, each with a scope, kinds of data and an optional expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.access import EVERY_KIND
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
    quoted,
    say,
)
from hymio.cli.header_file import Header, header_file
from hymio.cli.listing import Column, Fit, Listing, Shown, listing
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.access import Principal
    from hymio.manage import ApiToken, Batch
    from hymio.period import Instant
    from hymio.setup import Layout

commands = typer.Typer(no_args_is_help=True, help="Create, change, list and revoke tokens of API v2.")

_NEVER = "never"
_COLUMNS = (
    Column("token", Fit.KEY), Column("name"), Column("state", Fit.STATE), Column("node", Fit.DATA), Column("sees"),
    Column("kinds"), Column("until", Fit.WORD), Column("last_used", Fit.WORD),
)  # fmt: skip

_Scope = Annotated[
    str | None,
    typer.Option(
        metavar="NODE", help="Scope: this node and everything below; otherwise the whole tree", show_default=False
    ),
]
_Kinds = Annotated[str | None, typer.Option(metavar="KIND,...", help="Kinds of data: button-feedbacks,surveys; or all")]
_Until = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Expiry, excluded: 2027-01-01 in local time; or never"),
]
_CsvBom = Annotated[
    bool | None,
    typer.Option("--csv-bom/--no-csv-bom", help="CSV with a byte order mark, which Excel needs", show_default=False),
]
TokenName = Annotated[str, typer.Argument(metavar="TOKEN", help="Number or name of the token", show_default=False)]


@commands.command("create")
def create(
    context: typer.Context,
    organization: OrganizationName,
    name: Annotated[str, typer.Argument(help="Name of the token", show_default=False)],
    scope: _Scope = None,
    kinds: _Kinds = "all",
    until: _Until = _NEVER,
    csv_bom: _CsvBom = None,
    header: Header = None,
    database: Database = None,
) -> None:
    """Create a token. It is shown only once.

    The kinds of data of API v2 are button-feedbacks, follow-up-feedbacks, text-feedbacks, demographics,
    contact-details, metadata, experience-points, custom-data-fields, surveys, alerts, users, smileys.

    Example: hymio api token create "Acme" "Dashboard" --scope "Finland" --kinds button-feedbacks,surveys
    """
    from hymio import manage
    from hymio.cli import naming

    data_kinds = naming.kinds_of(kinds or "all")
    with header_file(header) as write, changing(context, database, organization) as (_, operator, batch):
        node = None if scope is None else naming.node_of(batch.layout, scope).id
        end = _end(batch.layout, node, until or _NEVER, batch.now)
        _require_api(batch, operator)
        created = manage.create_token(
            batch, operator, name, node, data_kinds, end, csv_bom=bool(csv_bom), now=batch.now
        )
        scope_text = _scope_text(batch.layout, node)
        write(f"X-HON-API-Token: {created.secret}")
    url = loaded(context).public_url
    say(f"Token {created.id} [bold]{escape(name)}[/] sees {escape(scope_text)}.\n")
    if header is not None:
        say(f"  API token  in {escape(str(header))}\n")
        return say(f"  curl -H @{quoted(str(header))} {url}/v2/experience-points.json")
    say(f"  API token  {created.secret}\n")
    say(f"  curl -H @token.header {url}/v2/experience-points.json")
    hint("\nHere the file token.header has the line `X-HON-API-Token: TOKEN`; other accounts can see command lines.")
    return hint("The token is stored as a hash and cannot be shown again.")


@commands.command("list")
@listing()
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> Listing:
    """List the tokens of an organization, including revoked and expired ones."""
    from hymio import manage

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout, existing = store.layout(operator.organization), manage.tokens(store, operator)
    rows = [
        (
            row.id, row.name, _state(row), row.node, _scope_text(layout, row.node), _kinds(row),
            _minute(layout, row, row.expires_at), _minute(layout, row, row.used_at),
        )
        for row in existing
    ]  # fmt: skip
    nothing = "There is no token yet. Make one with: hymio api token create ORGANIZATION NAME"
    return Listing("tokens", _COLUMNS, rows, nothing=nothing)


@commands.command("edit")
def edit(
    context: typer.Context, organization: OrganizationName, token: TokenName,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="New name", show_default=False)] = None,
    scope: _Scope = None, kinds: _Kinds = None, until: _Until = None, csv_bom: _CsvBom = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Change the name, scope, kinds or expiry of a token. Options that are not given stay unchanged.

    Example: hymio api token edit "Acme" "Dashboard" --scope "Sweden" --until 2027-01-01
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        existing = naming.token_of(manage.tokens(batch, operator), token)
        node = existing.node if scope is None else naming.node_of(batch.layout, scope).id
        data_kinds = existing.kinds if kinds is None else naming.kinds_of(kinds)
        end = existing.expires_at if until is None else _end(batch.layout, node, until, batch.now)
        manage.edit_token(
            batch, operator, existing.id, existing.name if name is None else name, node, data_kinds, end,
            csv_bom=csv_bom, now=batch.now,
        )  # fmt: skip
        scope_text = _scope_text(batch.layout, node)
    say(f"Token {existing.id} {escape(name or existing.name)} sees {escape(scope_text)}.")


@commands.command("revoke")
def revoke(
    context: typer.Context,
    organization: OrganizationName,
    token: TokenName,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Revoke a token permanently.

    Example: hymio api token revoke "Acme" "Dashboard"
    """
    from hymio import manage
    from hymio.cli import naming

    ask("Revoke the token for good?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        existing = naming.token_of(manage.tokens(batch, operator), token)
        manage.revoke_token(batch, operator, existing.id, now=batch.now)
    say(f"Token {existing.id} {escape(existing.name)} has ended.")


def _require_api(batch: Batch, operator: Principal) -> None:
    """SetupError, with the command to type, if the organization's API is not activated."""
    from hymio import manage
    from hymio.errors import SetupError

    enabled, _ = manage.api_flags(batch, operator)
    if not enabled:
        raise SetupError(
            "activate-api-first",
            "the organization has no API until it is activated: hymio api activate ORGANIZATION",
        )


def _end(layout: Layout, node: int | None, text: str, at: Instant) -> Instant | None:
    """The expiry given by --until, in local time of the node; None for `never`. SetupError if it is in the past."""
    from hymio.cli.naming import moment, zone_of_node
    from hymio.errors import SetupError

    if text.strip().lower() == _NEVER:
        return None
    end = moment(text, zone_of_node(layout, node, at))
    if end <= at:
        raise SetupError(
            "token-ended-before",
            "got --until {until}, which is over; to end a token: hymio api token revoke",
            until=text,
        )
    return end


def _scope_text(layout: Layout, node: int | None) -> str:
    """The path of a scope's node, or `the whole tree`."""
    return "the whole tree" if node is None or node not in layout.hierarchy.nodes else layout.hierarchy.path(node)


def _kinds(token: ApiToken) -> Shown:
    """The kinds of data of a token; for people `all` where it has all."""
    kinds = sorted(kind.value for kind in token.kinds)
    return Shown(kinds, "all" if token.kinds == EVERY_KIND else ", ".join(kinds))


def _state(token: ApiToken) -> str:
    """Whether a token is valid, expired or revoked."""
    if token.is_valid(now()):
        return "valid"
    return "expired" if token.revoked_at is None else "revoked"


def _minute(layout: Layout, token: ApiToken, at: Instant | None) -> Shown:
    """An instant, or None; for people to the minute in local time of the token's node."""
    from hymio.cli.instants import timestamp
    from hymio.cli.naming import zone_of_node
    from hymio.period import wall_of

    if at is None:
        return Shown(None, "[dim]never[/]")
    return Shown(timestamp(at), f"{wall_of(at, zone_of_node(layout, token.node, at)):%Y-%m-%d %H:%M}")
