"""Rows of a layout, as they are read from a database: all of them, or those that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from hymio.hierarchy import Node
from hymio.misuse import MisusePolicy
from hymio.setup.part import ChangedIds, Part
from hymio.smiley import Placement, Smiley
from hymio.survey import Assignment, Survey

T = TypeVar("T")
Steps = tuple[tuple[int, T | None], ...]
"""A node's own values of a setting, each from an instant on; None where it has none of its own from then on."""


@dataclass(frozen=True)
class LayoutRows:
    """Rows by id (`zones` and `policies` by node, `placements` by smiley); None for removed ones."""

    nodes: Mapping[int, Node | None] = field(default_factory=dict)
    zones: Mapping[int, Steps[str] | None] = field(default_factory=dict)
    policies: Mapping[int, Steps[MisusePolicy] | None] = field(default_factory=dict)
    surveys: Mapping[int, Survey | None] = field(default_factory=dict)
    assignments: Mapping[int, Assignment | None] = field(default_factory=dict)
    smileys: Mapping[int, Smiley | None] = field(default_factory=dict)
    placements: Mapping[int, tuple[Placement, ...] | None] = field(default_factory=dict)

    @property
    def changed_ids(self) -> ChangedIds:
        """The ids of these rows."""
        return {
            Part.NODE: frozenset(self.nodes),
            Part.NODE_SETTING: frozenset(self.zones) | frozenset(self.policies),
            Part.SURVEY: frozenset(self.surveys),
            Part.ASSIGNMENT: frozenset(self.assignments),
            Part.SMILEY: frozenset(self.smileys),
            Part.PLACEMENT: frozenset(self.placements),
        }
