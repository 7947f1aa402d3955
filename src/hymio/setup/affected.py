"""Which results of a layout a change of its rows makes old, so that all others are carried over and not checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """What differs between two layouts of which only the rows named in `touched` differ.

    Where something was before the change need not be looked at: whatever is elsewhere now is itself named.
    """
    settings = touched.get(Part.NODE_SETTING, frozenset())
    moved = _below(after, {node for node in touched.get(Part.NODE, ()) if _has_moved(before, after, node)})
    zones = moved | _below(after, _differing(before.zones, after.zones, settings))
    governed = moved | _below(after, _differing(before.policies, after.policies, settings))
    assignments = _assignments(before, after, touched) | _assignments_at(after, moved)
    ranges = assignments | _assignments_at(after, zones)
    return Affected(
        zones=frozenset(zones),
        assignments=frozenset(assignments),
        ranges=frozenset(ranges),
        policies=frozenset(assignments | _assignments_at(after, governed)),
        standings=frozenset(_smileys(before, after, touched, moved | _nodes(before, after, ranges))),
    )


def _has_moved(before: Layout, after: Layout, node: int) -> bool:
    old, new = before.hierarchy.nodes.get(node), after.hierarchy.nodes.get(node)
    return old is None or new is None or (old.parent, old.kind) != (new.parent, new.kind)


def _differing(before: Mapping[int, object], after: Mapping[int, object], ids: Iterable[int]) -> set[int]:
    return {key for key in ids if before.get(key) != after.get(key)}


def _below(layout: Layout, nodes: Iterable[int]) -> set[int]:
    """Nodes, those that are gone too, and what is below them."""
    there = (node for node in nodes if node in layout.hierarchy.nodes)
    return {*nodes, *(below.id for node in there for below in layout.hierarchy.subtree(node))}


def _assignments(before: Layout, after: Layout, touched: Touched) -> set[int]:
    """Assignments that are others, or whose survey or smiley is another."""
    differing = _differing(before.assignments, after.assignments, touched.get(Part.ASSIGNMENT, ()))
    surveys = _differing(before.surveys, after.surveys, touched.get(Part.SURVEY, ()))
    smileys = _differing(before.smileys, after.smileys, touched.get(Part.SMILEY, ()))
    if surveys or smileys:
        named = (row for row in after.assignments.values() if row.survey in surveys or row.smiley in smileys)
        differing.update(row.id for row in named)
    return differing


def _assignments_at(layout: Layout, nodes: Iterable[int]) -> set[int]:
    return {row.id for node in nodes for row in layout.assignments_at(node)}


def _nodes(before: Layout, after: Layout, assignments: Iterable[int]) -> set[int]:
    """Where assignments are or were."""
    rows = (layout.assignments.get(key) for key in assignments for layout in (before, after))
    return {row.node for row in rows if row is not None}


def _smileys(before: Layout, after: Layout, touched: Touched, nodes: Iterable[int]) -> set[int]:
    """Smileys that are others, are placed otherwise, or are placed at some of these nodes at any time."""
    return {
        *(row.smiley for node in nodes for row in after.placed_at(node)),
        *_differing(before.placements, after.placements, touched.get(Part.PLACEMENT, ())),
        *_differing(before.smileys, after.smileys, touched.get(Part.SMILEY, ())),
    }
