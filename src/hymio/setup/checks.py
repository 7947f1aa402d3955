"""Checks assignments and placements: no missing references, no smiley at two points or with two surveys at once.

The tree is checked in `hierarchy`; rules that only verbs apply are in `manage`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hymio.errors import SetupError
from hymio.hierarchy import BEGINNING
from hymio.sharing import versions
from hymio.smiley import Placement
from hymio.survey import Assignment

if TYPE_CHECKING:
    from hymio.setup.layout import Layout


def check_rows(layout: Layout, assignments: Iterable[int], smileys: Iterable[int]) -> None:
    """Checks these assignments, and the placements and surveys of these smileys. SetupError."""
    smileys = sorted(smileys)
    for assignment in versions(layout.assignments, sorted(assignments)):
        _check_assignment(layout, assignment)
    for placements in versions(layout.placements, smileys):
        for placement in placements:
            _check_placement(layout, placement)
    for smiley in versions(layout.smileys, smileys):
        layout.resolved_range(smiley.id, BEGINNING)  # computes all its ranges: SetupError if two overlap


def _check_assignment(layout: Layout, row: Assignment) -> None:
    """SetupError unless the point, survey and smiley of an assignment exist."""
    if not _is_point(layout, row.node):
        raise SetupError(
            "assignment-not-at-point",
            "assignment {assignment} is at node {node}, which is not an experience point",
            assignment=row.id,
            node=row.node,
        )
    if row.survey not in layout.surveys:
        raise SetupError(
            "assignment-without-survey",
            "assignment {assignment} names survey {survey}, which does not exist",
            assignment=row.id,
            survey=row.survey,
        )
    if row.smiley is not None and row.smiley not in layout.smileys:
        raise SetupError(
            "assignment-without-smiley",
            "assignment {assignment} names smiley {smiley}, which does not exist",
            assignment=row.id,
            smiley=row.smiley,
        )


def _check_placement(layout: Layout, row: Placement) -> None:
    """SetupError unless the smiley and point of a placement exist and it ends after its start."""
    if row.smiley not in layout.smileys:
        raise SetupError(
            "placement-without-smiley",
            "smiley {smiley}, which does not exist, is placed at node {node}",
            smiley=row.smiley,
            node=row.node,
        )
    if not _is_point(layout, row.node):
        raise SetupError(
            "placement-not-at-point",
            "smiley {smiley} is placed at node {node}, which is not an experience point",
            smiley=row.smiley,
            node=row.node,
        )
    if row.end is not None and row.end <= row.start:
        raise SetupError(
            "placement-ends-first",
            "the placement of smiley {smiley} at node {node} ends before it begins",
            smiley=row.smiley,
            node=row.node,
        )


def _is_point(layout: Layout, node: int) -> bool:
    """Whether a node exists and is an experience point."""
    return node in layout.hierarchy.nodes and layout.hierarchy.nodes[node].is_point
