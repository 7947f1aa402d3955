"""`hymio organization`: the customers of this installation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from hymio.cli.branding import brand
from hymio.cli.command import (
    Archived,
    Database,
    OrganizationName,
    account,
    changing,
    hint,
    opened,
    operator_of,
    quoted,
    say,
)
from hymio.cli.listing import Column, Fit, Listing, Listings, Shown, listing, table_of
from hymio.clock import now

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hymio.hierarchy import Node
    from hymio.misuse import MisusePolicy
    from hymio.setup import Content, Layout
    from hymio.survey import ActivePeriod, FollowupQuestion

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


_COLUMNS = (
    Column("number", Fit.KEY), Column("name"), Column("points", Fit.NUMBER), Column("smileys", Fit.NUMBER),
    Column("api", Fit.STATE, "API"), Column("raw_results", Fit.STATE), Column("language", Fit.WORD),
    Column("revision", Fit.NUMBER),
)  # fmt: skip


@commands.command("list")
@listing()
def list_all(context: typer.Context, database: Database = None) -> Listing:
    """List the organizations."""
    from hymio.access import operator
    from hymio.manage import organizations
    from hymio.results import revision

    rows = []
    with opened(context, database) as store:
        for row in organizations(store):
            layout = store.layout(row.id)
            points = sum(node.is_point for node in layout.hierarchy.nodes.values())
            api, raw_results = "on" if row.api_enabled else "off", "on" if row.raw_results else "off"
            number = revision(store, operator(row.id)).revision
            rows.append(
                (
                    row.id, row.name, points, len(layout.smileys), api, raw_results if row.api_enabled else None,
                    row.language, number,
                )
            )  # fmt: skip
    nothing = "There is no organization yet. Create one with: hymio organization create NAME"
    return Listing("organizations", _COLUMNS, rows, nothing=nothing)


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


_NODES = (
    Column("node", Fit.KEY), Column("parent", Fit.KEY), Column("name"), Column("kind", Fit.WORD), Column("path"),
    Column("zone"), Column("policy"),
)  # fmt: skip
_ASSIGNMENTS = (
    Column("v1_key", Fit.KEY), Column("survey", Fit.KEY), Column("question"), Column("node", Fit.KEY),
    Column("smiley", Fit.WORD), Column("state", Fit.STATE), Column("periods"),
)  # fmt: skip
_SURVEYS = (
    Column("survey", Fit.KEY), Column("question"), Column("scale", Fit.WORD), Column("index", Fit.WORD),
    Column("points", Fit.NUMBER, "asked at points"), Column("followups", heading="follow-up"),
)  # fmt: skip
_SMILEYS = (
    Column("smiley", Fit.KEY), Column("serial", Fit.WORD), Column("name"), Column("type", Fit.WORD),
    Column("node", Fit.DATA), Column("point", heading="stands at"),
)  # fmt: skip


@commands.command("show")
@listing("nodes", "assignments", "surveys", "smileys")
def show(
    context: typer.Context, organization: OrganizationName, archived: Archived = False, database: Database = None
) -> Listings:
    """Show the tree of an organization, its surveys and its smileys.

    For programs these are four tables: nodes, assignments of surveys, surveys and smileys.

    Example: hymio organization show "Acme"
    """
    from hymio import manage
    from hymio.manage import Archivable

    with opened(context, database) as store:
        owner = manage.find_organization(store, organization)
        layout, content = store.layout(owner.id), store.content(owner.id)
        hidden = {} if archived else manage.archived(store, operator_of(owner))
    root = layout.hierarchy.root
    nodes, surveys, smileys = (
        hidden.get(kind, frozenset()) for kind in (Archivable.NODE, Archivable.SURVEY, Archivable.SMILEY)
    )
    parts = (
        _nodes(layout, nodes),
        _assignments(layout, content, nodes | surveys),
        _surveys(layout, content, surveys),
        _smileys(layout, smileys),
    )

    def picture() -> Iterator[RenderableType]:
        if root is not None:
            yield _branch(layout, content, root, nodes)
        for part in parts[2:]:
            if part.rows:
                yield ""
                yield table_of(part)

    return Listings(parts, picture)


def _nodes(layout: Layout, hidden: frozenset[int]) -> Listing:
    """The nodes that are not hidden, neither themselves nor a node above, with what they do not inherit."""
    from hymio.hierarchy import value_at

    rows = []
    for node in layout.hierarchy.nodes.values():
        if hidden.isdisjoint((node.id, *layout.hierarchy.ancestors(node.id))):
            zone = value_at(layout.zones.get(node.id, ()), now())
            policy = value_at(layout.policies.get(node.id, ()), now())
            kind, path = "point" if node.is_point else "group", layout.hierarchy.path(node.id)
            rules = None if policy is None else _policy(policy)
            rows.append((node.id, node.parent, node.name, kind, path, zone, rules))
    nothing = "The tree is empty. Begin with: hymio node add-group ORGANIZATION NAME"
    return Listing("nodes", _NODES, rows, nothing=nothing)


def _assignments(layout: Layout, content: Content, hidden: frozenset[int]) -> Listing:
    """Which surveys are asked where and when, by the keys of API v1."""
    rows = []
    for assignment in layout.assignments.values():
        if hidden.isdisjoint((assignment.survey, assignment.node, *layout.hierarchy.ancestors(assignment.node))):
            question = content.question(layout.surveys[assignment.survey]).wording.text
            state, smiley = layout.state(assignment.id, now()).value, assignment.smiley
            serial = None if smiley is None else layout.smileys[smiley].serial
            periods = [_interval(period) for period in assignment.periods]
            rows.append((assignment.id, assignment.survey, question, assignment.node, serial, state, periods))
    return Listing("assignments", _ASSIGNMENTS, rows)


def _interval(period: ActivePeriod) -> str:
    """An active period on the clocks of its point, as START/END or START/."""
    return f"{period.start.isoformat()}/{'' if period.end is None else period.end.isoformat()}"


def _branch(layout: Layout, content: Content, node: Node, hidden: frozenset[int], above: Tree | None = None) -> Tree:
    """A node with its children, assignments and current smileys as a branch of a printed tree, without some nodes."""
    label = _label(layout, node)
    branch = Tree(label, guide_style="dim") if above is None else above.add(label)
    for child in layout.hierarchy.children(node.id):
        if child.id not in hidden:
            _branch(layout, content, child, hidden, branch)
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


def _surveys(layout: Layout, content: Content, hidden: frozenset[int]) -> Listing:
    """The surveys, without some, with their numbers of points and their follow-up questions."""
    rows = []
    for survey in layout.surveys.values():
        if survey.id not in hidden:
            points = {row.node for row in layout.assignments.values() if row.survey == survey.id}
            question, kind = content.question(survey).wording.text, survey.index_type.value
            followups = _followups(content.followups(survey))
            rows.append((survey.id, question, survey.scale.code, kind, len(points), followups))
    return Listing("surveys", _SURVEYS, rows)


def _followups(followups: Iterable[FollowupQuestion]) -> Shown:
    """Follow-up questions; for people with a sign for the buttons before them and the number of their options."""
    rows, texts = [], []
    for followup in followups:
        options = [option.wording.text for option in followup.options]
        texts.append(f"{'+' if followup.positive else '–'} {followup.wording.text} ({len(options)})")
        rows.append(
            {
                "followup": followup.id,
                "question": followup.wording.text,
                "positive": followup.positive,
                "options": options,
            }
        )
    return Shown(rows, escape("; ".join(texts)))


def _smileys(layout: Layout, hidden: frozenset[int]) -> Listing:
    """The smileys, without some, with their current points."""
    rows = []
    for smiley in layout.smileys.values():
        if smiley.id not in hidden:
            placement = layout.placement(smiley.id, now())
            node = layout.hierarchy.nodes[placement.node] if placement else None
            kind = smiley.type.value.removeprefix("SMILEY_").lower()
            at = (None, None) if node is None else (node.id, Shown(node.name, f"[dim]{node.id}[/] {escape(node.name)}"))
            rows.append((smiley.id, smiley.serial, smiley.name, kind, *at))
    return Listing("smileys", _SMILEYS, rows)
