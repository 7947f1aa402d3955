"""The tree of groups and experience points, what a credential may see of it, and settings that have a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from operator import itemgetter
from typing import Generic, TypeVar

from hymio.errors import SetupError

T = TypeVar("T")
BEGINNING = -(1 << 62)
"""The instant from which a setting acts that has always acted."""


class NodeKind(Enum):
    """Groups hold nodes; experience points are the leaves, where smileys stand."""

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
        """Whether smileys can stand here."""
        return self.kind is NodeKind.EXPERIENCE_POINT


class Timeline(Generic[T]):
    """A value that changes at instants: `steps` of (from instant, value), ascending, the first from BEGINNING."""

    __slots__ = ("_instants", "steps")

    def __init__(self, steps: Iterable[tuple[int, T]]) -> None:
        self.steps: tuple[tuple[int, T], ...] = tuple(_without_repeats(steps))
        self._instants = [instant for instant, _ in self.steps]

    def at(self, instant: int) -> T:
        """The value that acts at an instant."""
        return self.steps[bisect_right(self._instants, instant) - 1][1]

    def stretches(self) -> Iterator[tuple[int, int, T]]:
        """Each value with the half-open range of instants in which it acts."""
        ends = [*self._instants[1:], -BEGINNING]
        for (start, value), end in zip(self.steps, ends, strict=True):
            yield start, end, value


def _without_repeats(steps: Iterable[tuple[int, T]]) -> Iterator[tuple[int, T]]:
    before: list[T] = []
    for instant, value in steps:
        if before != [value]:
            yield instant, value
        before = [value]


@dataclass(frozen=True)
class Hierarchy:
    """The nodes of one organization, by id."""

    nodes: Mapping[int, Node]
    _children: dict[int, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        children: dict[int, list[int]] = {}
        for node in sorted(self.nodes.values(), key=lambda node: node.id):
            if node.parent is not None:
                self._check_parent(node, node.parent)
                children.setdefault(node.parent, []).append(node.id)
        object.__setattr__(self, "_children", children)

    def _check_parent(self, node: Node, parent: int) -> None:
        if parent not in self.nodes:
            raise SetupError(
                "unknown-parent", "node {node} names parent {parent}, which does not exist", node=node.id, parent=parent
            )
        if self.nodes[parent].is_point:
            raise SetupError(
                "parent-is-point",
                "node {node} lies below experience point {parent}; only groups hold nodes",
                node=node.id,
                parent=parent,
            )

    @cached_property
    def root(self) -> Node | None:
        """The node without a parent; None while the organization has no nodes."""
        return next((node for node in self.nodes.values() if node.parent is None), None)

    def children(self, node: int) -> tuple[Node, ...]:
        """The nodes directly below, by id."""
        return tuple(self.nodes[child] for child in self._children.get(node, ()))

    def ancestors(self, node: int) -> Iterator[int]:
        """The groups above a node, nearest first."""
        parent = self.nodes[node].parent
        while parent is not None:
            yield parent
            parent = self.nodes[parent].parent

    def path(self, node: int) -> str:
        """The names from the root down to the node, as people read it."""
        names = [self.nodes[each].name for each in self.ancestors(node)]
        return " / ".join([*reversed(names), self.nodes[node].name])

    def subtree(self, node: int) -> Iterator[Node]:
        """The node and everything below it, parents before children."""
        waiting = [node]
        while waiting:
            each = waiting.pop()
            yield self.nodes[each]
            waiting += reversed(self._children.get(each, ()))

    def points(self, node: int) -> tuple[Node, ...]:
        """The experience points of the subtree."""
        return tuple(each for each in self.subtree(node) if each.is_point)

    def inherited(self, node: int, settings: Mapping[int, Iterable[tuple[int, T | None]]], default: T) -> Timeline[T]:
        """What acts at a node over time: at each instant the value of the nearest node, itself first, that has one.

        A step to None says that from then on the node has none of its own.
        """
        chain = [sorted(settings.get(each, ()), key=itemgetter(0)) for each in (node, *self.ancestors(node))]
        instants = sorted({BEGINNING, *(instant for steps in chain for instant, _ in steps)})
        return Timeline((instant, _nearest(chain, instant, default)) for instant in instants)


def _nearest(chain: list[list[tuple[int, T | None]]], instant: int, default: T) -> T:
    return next((value for steps in chain if (value := own_value(steps, instant)) is not None), default)


def own_value(steps: Iterable[tuple[int, T | None]], instant: int) -> T | None:
    """What steps of a node, in order, say at an instant; None where they say nothing."""
    acting = [value for start, value in steps if start <= instant]
    return acting[-1] if acting else None


@dataclass(frozen=True, slots=True)
class Scope:
    """The subtree a credential may see."""

    node: int

    def holds(self, hierarchy: Hierarchy, node: int) -> bool:
        """Whether a node lies inside."""
        return node == self.node or self.node in hierarchy.ancestors(node)
