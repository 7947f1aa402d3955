"""`hymio audit`: the audit log of an organization's set-up and credentials."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from hymio.cli.command import (
    FOLDED,
    WHOLE,
    Database,
    Moment,
    OrganizationName,
    console,
    hint,
    opened,
    operator_of,
    table,
)
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.manage import AuditEntry
    from hymio.period import Instant
    from hymio.setup import Layout

_LONGEST_CHANGE = 200


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
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with complete values and times in UTC")] = False,
    database: Database = None,
) -> None:
    """List the changes of the set-up and of credentials, the newest first: when, by whom, and what.

    Times are in the zone of the root of the tree.

    Example: hymio audit "Acme" --node "Finland" --from 2026-01-01
    """
    from hymio import manage
    from hymio.cli import naming

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout = store.layout(operator.organization)
        entries = manage.audit_log(
            store, operator, node=None if node is None else naming.node_of(layout, node).id, actor=who, verb=verb,
            since=_instant(layout, start), until=_instant(layout, end), limit=limit,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps([_in_json(entry) for entry in entries], ensure_ascii=False, indent=2))
        return
    if not entries:
        hint("Nothing of that kind was changed.")
        return
    output = table(("when", WHOLE), ("who", FOLDED), ("what", {"ratio": 2}), ("change", {"ratio": 3, **FOLDED}))
    output.expand = True
    for entry in entries:
        what = f"{entry.verb} [dim]{escape(entry.subject)}[/]"
        output.add_row(_local_time(layout, entry.at), escape(entry.actor), what, escape(_change(entry)))
    console().print(output)
    if len(entries) == limit:
        hint(f"There may be more than {limit}; --limit shows more.")


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


def _in_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as a JSON object, with its time in UTC."""
    from hymio.period import format_timestamp

    return {**asdict(entry), "at": format_timestamp(entry.at, 0, utc=True)}
