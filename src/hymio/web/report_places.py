"""The places around a node for the side of a page: those above it, its siblings, and its children with their index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hymio.access import Principal
from hymio.hierarchy import Node
from hymio.report import Figure, Report
from hymio.setup import Layout
from hymio.web.report_address import Address

MOST: Final = 30
"""Siblings and children that are listed; the table of the page lists all children."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node with its address, and its figure in the period if the report has it."""

    node: Node
    address: Address
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The places around a node; `before` and `after` are siblings, `more` says how many further children there are."""

    above: tuple[Place, ...]
    before: tuple[Place, ...]
    here: Place
    children: tuple[Place, ...]
    after: tuple[Place, ...]
    more: int


def places_of(layout: Layout, principal: Principal, report: Report, address: Address) -> Places:
    """The places around the node of a report that are in the principal's scope."""
    hierarchy, node = layout.hierarchy, layout.hierarchy.nodes[report.node.id]
    asked = _asked(layout, address.words.get("survey", ""))

    def place(one: Node, figure: Figure | None = None) -> Place:
        return Place(one, address.at(one.id, has_survey=asked is None or one.id in asked), figure)

    figures = {line.node.id: line.figure for line in report.children}
    children = hierarchy.children(node.id)
    before, after = _siblings(layout, principal, node)
    return Places(
        above=tuple(map(place, path_of(layout, principal, node.id))),
        before=tuple(map(place, before)),
        here=place(node, report.summary),
        children=tuple(place(child, figures.get(child.id)) for child in children[:MOST]),
        after=tuple(map(place, after)),
        more=max(0, len(children) - MOST),
    )


def path_of(layout: Layout, principal: Principal, node: int) -> Iterator[Node]:
    """The nodes above a node that are in the scope, from the top down."""
    hierarchy = layout.hierarchy
    above = [key for key in hierarchy.ancestors(node) if principal.reaches(hierarchy, key)]
    yield from (hierarchy.nodes[key] for key in reversed(above))


def _siblings(layout: Layout, principal: Principal, node: Node) -> tuple[Sequence[Node], Sequence[Node]]:
    """The siblings before and after a node, at most MOST in all, those next to it."""
    if node.parent is None or not principal.reaches(layout.hierarchy, node.parent):
        return (), ()
    siblings = layout.hierarchy.children(node.parent)
    place = next(number for number, sibling in enumerate(siblings) if sibling.id == node.id)
    first = max(0, min(place - MOST // 2, len(siblings) - MOST - 1))
    return siblings[first:place], siblings[place + 1 : first + MOST + 1]


def _asked(layout: Layout, survey: str) -> Mapping[int, None] | None:
    """The nodes at or below which a survey is asked; None without one."""
    if not survey:
        return None
    points = {row.node for row in layout.assignments.values() if str(row.survey) == survey}
    nodes = dict.fromkeys(points)
    for point in points:
        nodes.update(dict.fromkeys(layout.hierarchy.ancestors(point)))
    return nodes
