"""Which results of a layout a change of its rows makes old, so that all others are carried over and not checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hymio.hierarchy import Hierarchy
from hymio.setup.part import Part, Touched

if TYPE_CHECKING:
    from hymio.setup.layout import Layout


@dataclass(frozen=True, slots=True)
class Affected:
    """Ids of what a change may have given another result; what is not named has the same as before."""

    zones: frozenset[int]
    """Nodes with other zones."""
    assignments: frozenset[int]
    """Assignments with another survey, smiley, point or groups above."""
    ranges: frozenset[int]
    """Assignments with other active periods, as instants."""
    policies: frozenset[int]
    """Assignments judged by other policies."""
    standings: frozenset[int]
    """Smileys whose presses resolve to something else."""


def affected_by(before: Layout, after: Layout, touched: Touched) -> Affected:
    """What differs between two layouts of which only the rows named in `touched` differ."""
    settings = touched.get(Part.NODE_SETTING, frozenset())
    moved = _below(before, after, {node for node in touched.get(Part.NODE, ()) if _has_moved(before, after, node)})
    zones = moved | _below(before, after, _differing(before.zones, after.zones, settings))
    governed = moved | _below(before, after, _differing(before.policies, after.policies, settings))
    assignments = _assignments(before, after, touched) | _assignments_at(before, after, moved)
    ranges = assignments | _assignments_at(before, after, zones)
    return Affected(
        zones=frozenset(zones),
        assignments=frozenset(assignments),
        ranges=frozenset(ranges),
        policies=frozenset(assignments | _assignments_at(before, after, governed)),
        standings=frozenset(_smileys(before, after, touched, moved | _nodes(before, after, ranges))),
    )


def _has_moved(before: Layout, after: Layout, node: int) -> bool:
    old, new = before.hierarchy.nodes.get(node), after.hierarchy.nodes.get(node)
    return old is None or new is None or (old.parent, old.kind) != (new.parent, new.kind)


def _differing(before: Mapping[int, object], after: Mapping[int, object], ids: Iterable[int]) -> set[int]:
    return {key for key in ids if before.get(key) != after.get(key)}


def _below(before: Layout, after: Layout, nodes: Iterable[int]) -> set[int]:
    """Nodes and what was or is below them."""
    return {below for node in nodes for layout in (before, after) for below in _subtree(layout.hierarchy, node)}


def _subtree(hierarchy: Hierarchy, node: int) -> Iterable[int]:
    return (below.id for below in hierarchy.subtree(node)) if node in hierarchy.nodes else (node,)


def _assignments(before: Layout, after: Layout, touched: Touched) -> set[int]:
    """Assignments that are others, or whose survey or smiley is another."""
    differing = _differing(before.assignments, after.assignments, touched.get(Part.ASSIGNMENT, ()))
    surveys = _differing(before.surveys, after.surveys, touched.get(Part.SURVEY, ()))
    smileys = _differing(before.smileys, after.smileys, touched.get(Part.SMILEY, ()))
    if surveys or smileys:
        named = (row for row in after.assignments.values() if row.survey in surveys or row.smiley in smileys)
        differing.update(row.id for row in named)
    return differing


def _assignments_at(before: Layout, after: Layout, nodes: Iterable[int]) -> set[int]:
    return {row.id for node in nodes for layout in (before, after) for row in layout.assignments_at(node)}


def _nodes(before: Layout, after: Layout, assignments: Iterable[int]) -> set[int]:
    rows = (layout.assignments.get(key) for key in assignments for layout in (before, after))
    return {row.node for row in rows if row is not None}


def _smileys(before: Layout, after: Layout, touched: Touched, nodes: Iterable[int]) -> set[int]:
    """Smileys that are others, stand elsewhere, or stood at some of these nodes at any time."""
    placed = {row.smiley for node in nodes for layout in (before, after) for row in layout.placed_at(node)}
    return (
        placed
        | _differing(before.placements, after.placements, touched.get(Part.PLACEMENT, ()))
        | _differing(before.smileys, after.smileys, touched.get(Part.SMILEY, ()))
    )
