"""`hymio organization`: the customers of this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from hymio.cli.command import (
    RIGHT,
    WHOLE,
    Database,
    OrganizationName,
    account,
    console,
    hint,
    opened,
    quoted,
    say,
    table,
)
from hymio.clock import now

if TYPE_CHECKING:
    from rich.table import Table

    from hymio.hierarchy import Node
    from hymio.misuse import MisusePolicy
    from hymio.setup import Content, Layout

commands = typer.Typer(no_args_is_help=True, help="Create organizations and see what they have set up.")


@commands.command("create")
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Its name, which is also that of the root of its tree", show_default=False)
    ],
    zone: Annotated[str, typer.Option(metavar="ZONE", help="Time zone, for all below that has no other")] = "UTC",
    database: Database = None,
) -> None:
    """Create an organization and the root group of its tree.

    Example: hymio organization create "Acme" --zone Europe/Helsinki
    """
    from hymio import access, manage, period

    period.zone(zone)  # before a database is made
    with opened(context, database, make=True) as store:
        operator = access.operator(name=account())
        organization = manage.create_organization(store, operator, name, zone, now=now())
    say(f"Organization {organization} [bold]{escape(name)}[/], with group {manage.ROOT} as the root of its tree.")
    hint(f"Next: hymio node add-point {quoted(name)} 'Front door'")


@commands.command("list")
def list_all(context: typer.Context, database: Database = None) -> None:
    """List the organizations."""
    from hymio.access import operator
    from hymio.manage import organizations
    from hymio.results import revision

    shown = table(
        ("number", RIGHT), "name", ("points", RIGHT), ("smileys", RIGHT), "API", "raw results", ("revision", RIGHT)
    )
    with opened(context, database) as store:
        for each in organizations(store):
            layout = store.layout(each.id)
            points = sum(node.is_point for node in layout.hierarchy.nodes.values())
            shown.add_row(
                str(each.id), escape(each.name), str(points), str(len(layout.smileys)),
                "active" if each.api_enabled else "[dim]not activated[/]",
                ("on" if each.raw_results else "off") if each.api_enabled else "[dim]–[/]",
                f"{revision(store, operator(each.id)).revision:,}",
            )  # fmt: skip
    console().print(shown)


@commands.command("show")
def show(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """Show the tree of an organization, its surveys and its smileys.

    Example: hymio organization show "Acme"
    """
    from hymio.manage import find_organization

    with opened(context, database) as store:
        found = find_organization(store, organization).id
        layout, content = store.layout(found), store.content(found)
    out = console()
    root = layout.hierarchy.root
    if root is None:
        hint("The tree is empty. Begin with: hymio node add-group ORGANIZATION NAME")
        return
    out.print(_branch(layout, content, root))
    if layout.surveys:
        out.print("", _surveys(layout, content))
    if layout.smileys:
        out.print("", _smileys(layout))


def _branch(layout: Layout, content: Content, node: Node, above: Tree | None = None) -> Tree:
    label = _label(layout, node)
    branch = Tree(label, guide_style="dim") if above is None else above.add(label)
    for child in layout.hierarchy.children(node.id):
        _branch(layout, content, child, branch)
    for assignment in layout.assignments_at(node.id):
        question = content.question(layout.surveys[assignment.survey]).wording.text
        state = layout.state(assignment.id, now()).value
        style = {"active": "green", "upcoming": "yellow"}.get(state, "dim")
        periods = ", ".join(_period(each.start, each.end) for each in assignment.periods)
        branch.add(f"[{style}]{state}[/] [dim]survey {assignment.id}:[/] {escape(question)} [dim]{periods}[/]")
    for placement in layout.placed_at(node.id):
        if placement.start <= now() and (placement.end is None or now() < placement.end):
            smiley = layout.smileys[placement.smiley]
            branch.add(f"[cyan]{smiley.serial}[/] {escape(smiley.name)}")
    return branch


def _label(layout: Layout, node: Node) -> str:
    name = f"[bold]{escape(node.name)}[/]" if not node.is_point else escape(node.name)
    from hymio.hierarchy import value_at

    zone, policy = value_at(layout.zones.get(node.id, ()), now()), value_at(layout.policies.get(node.id, ()), now())
    said = [each for each in (zone, policy and _policy(policy)) if each]
    return f"[dim]{node.id}[/] {name}" + "".join(f" [dim]· {escape(each)}[/]" for each in said)


def _policy(policy: MisusePolicy) -> str:
    parts = [f"interval {policy.interval} s" if policy.interval else "no interval"]
    if policy.burst_window:
        parts.append(f"burst over {policy.burst_presses} in {policy.burst_seconds} s")
    if policy.answer_interval:
        parts.append(f"one answer in {policy.answer_interval} s")
    if policy.judge_closed:
        parts.append("opening hours")
    return "misuse: " + ", ".join(parts)


def _period(start: object, end: object) -> str:
    return (
        f"{str(start).removesuffix(' 00:00:00')} – {'' if end is None else str(end).removesuffix(' 00:00:00')}".strip()
    )


def _surveys(layout: Layout, content: Content) -> Table:
    shown = table(("survey", RIGHT), "question", ("scale", WHOLE), ("index", WHOLE), ("asked at", RIGHT), "follow-up")
    for each in layout.surveys.values():
        points = len({one.node for one in layout.assignments.values() if one.survey == each.id})
        followups = "; ".join(
            f"{'+' if one.positive else '–'} {one.wording.text} ({len(one.options)})" for one in content.followups(each)
        )
        shown.add_row(
            str(each.id), escape(content.question(each).wording.text), each.scale.code, each.index_type.value,
            f"{points} point{'s' if points != 1 else ''}", escape(followups),
        )  # fmt: skip
    return shown


def _smileys(layout: Layout) -> Table:
    shown = table(("smiley", RIGHT), ("serial", WHOLE), "name", ("type", WHOLE), "stands at")
    for each in layout.smileys.values():
        placement = layout.placement(each.id, now())
        node = layout.hierarchy.nodes[placement.node] if placement else None
        place = f"[dim]{node.id}[/] {escape(node.name)}" if node else "[dim]nowhere[/]"
        kind = each.type.value.removeprefix("SMILEY_").lower()
        shown.add_row(str(each.id), each.serial, escape(each.name), kind, place)
    return shown
