"""`hymio organization`: the customers of this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from hymio.cli.branding import brand
from hymio.cli.command import (
    RIGHT,
    WHOLE,
    Database,
    OrganizationName,
    account,
    changing,
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

commands = typer.Typer(no_args_is_help=True, help="Create organizations and show their set-up.")
commands.command("brand")(brand)


@commands.command("create")
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name of the organization and of the root of its tree", show_default=False)
    ],
    zone: Annotated[str, typer.Option(metavar="ZONE", help="Time zone of the root")] = "UTC",
    database: Database = None,
) -> None:
    """Create an organization and the root group of its tree.

    Example: hymio organization create "Acme" --zone Europe/Helsinki
    """
    from hymio import access, manage, period

    period.zone(zone)  # raises before a database is created
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

    output = table(
        ("number", RIGHT),
        "name",
        ("points", RIGHT),
        ("smileys", RIGHT),
        "API",
        "raw results",
        "language",
        ("revision", RIGHT),
    )
    with opened(context, database) as store:
        for row in organizations(store):
            layout = store.layout(row.id)
            points = sum(node.is_point for node in layout.hierarchy.nodes.values())
            output.add_row(
                str(row.id),
                escape(row.name),
                str(points),
                str(len(layout.smileys)),
                "on" if row.api_enabled else "[dim]off[/]",
                ("on" if row.raw_results else "off") if row.api_enabled else "[dim]–[/]",
                row.language,
                f"{revision(store, operator(row.id)).revision:,}",
            )
    console().print(output)


@commands.command("language")
def language(
    context: typer.Context,
    organization: OrganizationName,
    language: Annotated[str, typer.Argument(help="The code of a language, such as en or fi", show_default=False)],
    database: Database = None,
) -> None:
    """Set the language of errors for clients of the API that send no Accept-Language, as most programs do not.

    Example: hymio organization language "Acme" fi
    """
    from hymio import manage

    with changing(context, database, organization) as (changed, operator, batch):
        manage.set_language(batch, operator, language, now=batch.now)
    say(f"Clients of [bold]{escape(changed.name)}[/] that ask for no language are answered in {language}.")


@commands.command("show")
def show(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """Show the tree of an organization, its surveys and its smileys.

    Example: hymio organization show "Acme"
    """
    from hymio.manage import find_organization

    with opened(context, database) as store:
        chosen = find_organization(store, organization).id
        layout, content = store.layout(chosen), store.content(chosen)
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
    """A node with its children, assignments and current smileys as a branch of a printed tree."""
    label = _label(layout, node)
    branch = Tree(label, guide_style="dim") if above is None else above.add(label)
    for child in layout.hierarchy.children(node.id):
        _branch(layout, content, child, branch)
    for assignment in layout.assignments_at(node.id):
        question = content.question(layout.surveys[assignment.survey]).wording.text
        state = layout.state(assignment.id, now()).value
        style = {"active": "green", "upcoming": "yellow"}.get(state, "dim")
        periods = ", ".join(_period(period.start, period.end) for period in assignment.periods)
        branch.add(f"[{style}]{state}[/] [dim]survey {assignment.id}:[/] {escape(question)} [dim]{periods}[/]")
    for placement in layout.placed_at(node.id):
        if placement.start <= now() and (placement.end is None or now() < placement.end):
            smiley = layout.smileys[placement.smiley]
            branch.add(f"[cyan]{smiley.serial}[/] {escape(smiley.name)}")
    return branch


def _label(layout: Layout, node: Node) -> str:
    """A node's number and name, with its own zone and policy if it has them."""
    name = f"[bold]{escape(node.name)}[/]" if not node.is_point else escape(node.name)
    from hymio.hierarchy import value_at

    zone, policy = value_at(layout.zones.get(node.id, ()), now()), value_at(layout.policies.get(node.id, ()), now())
    settings = [text for text in (zone, policy and _policy(policy)) if text]
    return f"[dim]{node.id}[/] {name}" + "".join(f" [dim]· {escape(text)}[/]" for text in settings)


def _policy(policy: MisusePolicy) -> str:
    """The rules of a policy that are on."""
    parts = [f"interval {policy.interval} s" if policy.interval else "no interval"]
    if policy.burst_window:
        parts.append(f"burst over {policy.burst_presses} in {policy.burst_seconds} s")
    if policy.answer_interval:
        parts.append(f"one answer in {policy.answer_interval} s")
    if policy.judge_closed:
        parts.append("opening hours")
    return "misuse: " + ", ".join(parts)


def _period(start: object, end: object) -> str:
    """The start and end of an active period; times at midnight without the time."""
    return (
        f"{str(start).removesuffix(' 00:00:00')} – {'' if end is None else str(end).removesuffix(' 00:00:00')}".strip()
    )


def _surveys(layout: Layout, content: Content) -> Table:
    """The surveys with their numbers of points and their follow-ups."""
    output = table(("survey", RIGHT), "question", ("scale", WHOLE), ("index", WHOLE), ("asked at", RIGHT), "follow-up")
    for survey in layout.surveys.values():
        points = len({assignment.node for assignment in layout.assignments.values() if assignment.survey == survey.id})
        followups = "; ".join(
            f"{'+' if followup.positive else '–'} {followup.wording.text} ({len(followup.options)})"
            for followup in content.followups(survey)
        )
        output.add_row(
            str(survey.id),
            escape(content.question(survey).wording.text),
            survey.scale.code,
            survey.index_type.value,
            f"{points} point{'s' if points != 1 else ''}",
            escape(followups),
        )
    return output


def _smileys(layout: Layout) -> Table:
    """The smileys with their current points."""
    output = table(("smiley", RIGHT), ("serial", WHOLE), "name", ("type", WHOLE), "stands at")
    for smiley in layout.smileys.values():
        placement = layout.placement(smiley.id, now())
        node = layout.hierarchy.nodes[placement.node] if placement else None
        place = f"[dim]{node.id}[/] {escape(node.name)}" if node else "[dim]nowhere[/]"
        kind = smiley.type.value.removeprefix("SMILEY_").lower()
        output.add_row(str(smiley.id), smiley.serial, escape(smiley.name), kind, place)
    return output
