"""The tree of groups and experience points, scopes in it, and settings that change over time and are inherited."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter, itemgetter
from typing import Generic, TypeVar

from hymio.errors import SetupError
from hymio.sharing import regrouped, replaced, versions

T = TypeVar("T")
BEGINNING = -(1 << 62)
"""Start of the first step of every timeline: an instant before all others, in ms UTC."""


class NodeKind(Enum):
    """A group contains nodes; an experience point is a leaf, at which smileys are placed."""

    GROUP = "group"
    EXPERIENCE_POINT = "experience_point"


@dataclass(frozen=True, slots=True)
class Node:
    """A group or an experience point; `parent` is None for the organization's root."""

    id: int
    parent: int | None
    kind: NodeKind
    name: str
    public_name: str | None = None

    @property
    def is_point(self) -> bool:
        """Whether the node is an experience point."""
        return self.kind is NodeKind.EXPERIENCE_POINT


class Timeline(Generic[T]):
    """A value that changes over time: `steps` are pairs (start instant, value), ascending, the first from BEGINNING.

    Consecutive steps with equal values are merged.
    """

    __slots__ = ("_instants", "steps")

    def __init__(self, steps: Iterable[tuple[int, T]]) -> None:
        self.steps: tuple[tuple[int, T], ...] = tuple(_merged(steps))
        self._instants = [instant for instant, _ in self.steps]

    def at(self, instant: int) -> T:
        """The value at an instant."""
        return self.steps[bisect_right(self._instants, instant) - 1][1]

    def ranges(self) -> Iterator[tuple[int, int, T]]:
        """The half-open ranges of instants with one value, in order: start, end, value."""
        ends = [*self._instants[1:], -BEGINNING]
        for (start, value), end in zip(self.steps, ends, strict=True):
            yield start, end, value


def _merged(steps: Iterable[tuple[int, T]]) -> Iterator[tuple[int, T]]:
    """The steps without those that have the same value as the step before."""
    previous: list[T] = []
    for instant, value in steps:
        if previous != [value]:
            yield instant, value
        previous = [value]


@dataclass(frozen=True)
class Hierarchy:
    """The tree of one organization: its nodes by id; `changed` makes the next tree from it."""

    nodes: Mapping[int, Node] = field(default_factory=dict)
    _children: Mapping[int | None, tuple[Node, ...]] = field(default_factory=dict, repr=False, compare=False)
    _points: dict[int, tuple[Node, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def changed(self, nodes: Mapping[int, Node | None]) -> Hierarchy:
        """A new tree in which `nodes` replace those with the same ids (None removes one); unchanged parts are shared.

        SetupError if the parent of a node is not a group.
        """
        if not nodes:
            return self
        new = [node for node in nodes.values() if node is not None]
        children = regrouped(self._children, versions(self.nodes, nodes), new, attrgetter("parent"), attrgetter("id"))
        after = Hierarchy(replaced(self.nodes, nodes), children)
        for node in new:
            after._check_parent(node)
        for key in nodes:
            for child in after.children(key) if key not in after.nodes or after.nodes[key].is_point else ():
                after._check_parent(child)
        return after

    def _check_parent(self, node: Node) -> None:
        """SetupError unless a node is a root or its parent is a group."""
        if node.parent is None:
            return
        parent = self.nodes.get(node.parent)
        if parent is None:
            raise SetupError(
                "unknown-parent",
                "node {node} names parent {parent}, which does not exist",
                node=node.id,
                parent=node.parent,
            )
        if parent.is_point:
            raise SetupError(
                "parent-is-point",
                "node {node} lies below experience point {parent}; only groups hold nodes",
                node=node.id,
                parent=node.parent,
            )

    @property
    def root(self) -> Node | None:
        """The node without a parent; None while the organization has no nodes."""
        return next(iter(self._children.get(None, ())), None)

    def children(self, node: int) -> tuple[Node, ...]:
        """The direct children of a node, ordered by id."""
        return self._children.get(node, ())

    def ancestors(self, node: int) -> Iterator[int]:
        """The ids of the groups above a node, from its parent to the root."""
        parent = self.nodes[node].parent
        while parent is not None:
            yield parent
            parent = self.nodes[parent].parent

    def path(self, node: int) -> str:
        """The names from the root to the node, for display: `Acme / Finland / Tampere`."""
        names = [self.nodes[ancestor].name for ancestor in self.ancestors(node)]
        return " / ".join([*reversed(names), self.nodes[node].name])

    def subtree(self, node: int) -> Iterator[Node]:
        """The node and everything below it, in depth-first order, parents before children."""
        stack = [self.nodes[node]]
        while stack:
            top = stack.pop()
            yield top
            stack += reversed(self.children(top.id))

    def points(self, node: int) -> tuple[Node, ...]:
        """The experience points of a node's subtree; cached, as each result of a group asks for them several times."""
        points = self._points.get(node)
        if points is None:
            points = self._points[node] = tuple(below for below in self.subtree(node) if below.is_point)
        return points

    def inherited(self, node: int, settings: Mapping[int, Iterable[tuple[int, T | None]]], default: T) -> Timeline[T]:
        """The timeline of a setting at a node: at each instant the value of the node or its nearest ancestor with one.

        `settings` maps nodes to their own steps (start instant, value); a value of None ends the node's own setting.
        """
        lineage = [sorted(settings.get(above, ()), key=itemgetter(0)) for above in (node, *self.ancestors(node))]
        instants = sorted({BEGINNING, *(instant for steps in lineage for instant, _ in steps)})
        return Timeline((instant, _nearest(lineage, instant, default)) for instant in instants)


def _nearest(lineage: list[list[tuple[int, T | None]]], instant: int, default: T) -> T:
    """The first value at an instant among the steps of a node and its ancestors, nearest first."""
    return next((value for steps in lineage if (value := value_at(steps, instant)) is not None), default)


def value_at(steps: Iterable[tuple[int, T | None]], instant: int) -> T | None:
    """A node's own value at an instant, from its steps in order of time; None if it has none then."""
    started = [value for start, value in steps if start <= instant]
    return started[-1] if started else None


@dataclass(frozen=True, slots=True)
class Scope:
    """The node that a principal reaches, with everything below it."""

    node: int

    def holds(self, hierarchy: Hierarchy, node: int) -> bool:
        """Whether a node is in the scope."""
        return node == self.node or self.node in hierarchy.ancestors(node)
