"""Which cached results of a layout a change of its rows invalidates; the next layout shares all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hymio.setup.part import ChangedIds, Part

if TYPE_CHECKING:
    from hymio.setup.layout import Layout


@dataclass(frozen=True, slots=True)
class Affected:
    """Ids of nodes, assignments and smileys whose results a change may alter; all others keep theirs."""

    zones: frozenset[int]
    """Nodes with other zones."""
    assignments: frozenset[int]
    """Assignments with another survey, smiley, point or groups above."""
    ranges: frozenset[int]
    """Assignments with other active periods, as instants."""
    policies: frozenset[int]
    """Assignments judged by other policies."""
    resolutions: frozenset[int]
    """Smileys whose presses have other results of resolution."""


def affected_by(before: Layout, after: Layout, changed_ids: ChangedIds) -> Affected:
    """The results that may differ between two layouts whose only different rows are those in `changed_ids`.

    Only the new tree is searched for what lies below a node: a node that left it is itself among the changed rows.
    """
    settings = changed_ids.get(Part.NODE_SETTING, frozenset())
    moved_nodes = _below(after, {node for node in changed_ids.get(Part.NODE, ()) if _has_moved(before, after, node)})
    zones = moved_nodes | _below(after, _differing(before.zones, after.zones, settings))
    policy_nodes = moved_nodes | _below(after, _differing(before.policies, after.policies, settings))
    assignments = _assignments(before, after, changed_ids) | _assignments_at(after, moved_nodes)
    ranges = assignments | _assignments_at(after, zones)
    return Affected(
        zones=frozenset(zones),
        assignments=frozenset(assignments),
        ranges=frozenset(ranges),
        policies=frozenset(assignments | _assignments_at(after, policy_nodes)),
        resolutions=frozenset(_smileys(before, after, changed_ids, moved_nodes | _nodes(before, after, ranges))),
    )


def _has_moved(before: Layout, after: Layout, node: int) -> bool:
    """Whether a node is new, removed, or has another parent or kind."""
    old, new = before.hierarchy.nodes.get(node), after.hierarchy.nodes.get(node)
    return old is None or new is None or (old.parent, old.kind) != (new.parent, new.kind)


def _differing(before: Mapping[int, object], after: Mapping[int, object], ids: Iterable[int]) -> set[int]:
    """The ids whose values differ."""
    return {key for key in ids if before.get(key) != after.get(key)}


def _below(layout: Layout, nodes: Iterable[int]) -> set[int]:
    """The nodes, even if they do not exist any more, and all nodes below them."""
    existing = (node for node in nodes if node in layout.hierarchy.nodes)
    return {*nodes, *(below.id for node in existing for below in layout.hierarchy.subtree(node))}


def _assignments(before: Layout, after: Layout, changed_ids: ChangedIds) -> set[int]:
    """Assignments that changed or whose survey or smiley changed."""
    differing = _differing(before.assignments, after.assignments, changed_ids.get(Part.ASSIGNMENT, ()))
    surveys = _differing(before.surveys, after.surveys, changed_ids.get(Part.SURVEY, ()))
    smileys = _differing(before.smileys, after.smileys, changed_ids.get(Part.SMILEY, ()))
    if surveys or smileys:
        rows = after.assignments.values()
        differing.update(row.id for row in rows if row.survey in surveys or row.smiley in smileys)
    return differing


def _assignments_at(layout: Layout, nodes: Iterable[int]) -> set[int]:
    """The assignments at these nodes."""
    return {row.id for node in nodes for row in layout.assignments_at(node)}


def _nodes(before: Layout, after: Layout, assignments: Iterable[int]) -> set[int]:
    """The points of assignments before and after the change."""
    rows = (layout.assignments.get(key) for key in assignments for layout in (before, after))
    return {row.node for row in rows if row is not None}


def _smileys(before: Layout, after: Layout, changed_ids: ChangedIds, nodes: Iterable[int]) -> set[int]:
    """Smileys that changed, whose placements changed, or that have a placement at one of these nodes."""
    return {
        *(row.smiley for node in nodes for row in after.placed_at(node)),
        *_differing(before.placements, after.placements, changed_ids.get(Part.PLACEMENT, ())),
        *_differing(before.smileys, after.smileys, changed_ids.get(Part.SMILEY, ())),
    }
