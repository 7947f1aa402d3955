"""`hymio audit`: the audit log of an organization's set-up and credentials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from hymio.cli.command import Database, Moment, OrganizationName, opened, operator_of
from hymio.cli.listing import Column, Fit, Listing, Shown, listing
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.manage import AuditEntry
    from hymio.period import Instant
    from hymio.setup import Layout

_LONGEST_CHANGE = 200
_COLUMNS = (
    Column("revision", Fit.DATA), Column("number", Fit.DATA), Column("at", Fit.WORD, "when"),
    Column("actor", heading="who"), Column("via", Fit.DATA), Column("verb"), Column("node", Fit.DATA),
    Column("from_node", Fit.DATA), Column("subject"), Column("old", Fit.DATA), Column("new", heading="change"),
)  # fmt: skip


@listing()
def audit(
    context: typer.Context,
    organization: OrganizationName,
    node: Annotated[
        str | None, typer.Option(metavar="NODE", help="Only changes of this node or nodes below", show_default=False)
    ] = None,
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only changes by this account or credential", show_default=False)
    ] = None,
    verb: Annotated[
        str | None, typer.Option(metavar="VERB", help="Only this verb, such as rename-node", show_default=False)
    ] = None,
    start: Moment = None,
    end: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Only changes before", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(metavar="COUNT", help="Number of the newest to list")] = 50,
    database: Database = None,
) -> Listing:
    """List the changes of the set-up and of credentials, the newest first: when, by whom, and what.

    Times are in the zone of the root of the tree.

    Example: hymio audit "Acme" --node "Finland" --from 2026-01-01
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.cli.instants import timestamp

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout = store.layout(operator.organization)
        entries = manage.audit_log(
            store, operator, node=None if node is None else naming.node_of(layout, node).id, actor=who, verb=verb,
            since=_instant(layout, start), until=_instant(layout, end), limit=limit,
        )  # fmt: skip
    rows = [
        (
            entry.revision, entry.number, Shown(timestamp(entry.at), _local_time(layout, entry.at)), entry.actor,
            entry.via, entry.verb, entry.node, entry.from_node, entry.subject, entry.old,
            Shown(entry.new, escape(_change(entry))),
        )
        for entry in entries
    ]  # fmt: skip
    after = f"There may be more than {limit}; --limit shows more." if len(entries) == limit else ""
    return Listing("changes", _COLUMNS, rows, nothing="Nothing of that kind was changed.", after=after)


def _instant(layout: Layout, text: str | None) -> Instant | None:
    """The instant of an argument in local time of the root; None without argument."""
    from hymio.cli.naming import moment, zone_of_node

    return None if text is None else moment(text, zone_of_node(layout, None, now()))


def _local_time(layout: Layout, at: Instant) -> str:
    """An instant in local time of the root, to the second."""
    from hymio.cli.naming import zone_of_node
    from hymio.period import wall_of

    return f"{wall_of(at, zone_of_node(layout, None, at)):%Y-%m-%d %H:%M:%S}"


def _change(entry: AuditEntry) -> str:
    """The old and the new value, `old → new`; of two objects only the members that differ."""
    old, new = entry.old, entry.new
    if isinstance(old, dict) and isinstance(new, dict):
        differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        return "; ".join(f"{name}: {_short(old.get(name))} → {_short(new.get(name))}" for name in differing)
    if old is None:
        return _short(new)
    return f"{_short(old)} → {_short(new)}" if new is not None else f"{_short(old)} →"


def _short(value: Any) -> str:
    """A JSON value as text for people, cut to _LONGEST_CHANGE characters."""
    if isinstance(value, dict):
        text = "; ".join(f"{name}: {_short(member)}" for name, member in value.items() if member is not None)
    elif isinstance(value, list):
        text = ", ".join(_short(item) for item in value)
    else:
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST_CHANGE else f"{text[:_LONGEST_CHANGE]}…"
