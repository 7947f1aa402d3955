"""The parts of a set-up; the table `setup_change` names one for every row that a revision changed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Part(Enum):
    """A kind of rows that belong together; a change names one with an id. The values stand in `setup_change.part`."""

    NODE = "node"
    NODE_SETTING = "node-setting"  # zones and policies; the id is the node's
    SURVEY = "survey"  # scale, index, type and which question it asks
    ASSIGNMENT = "assignment"  # with its active periods
    SMILEY = "smiley"
    PLACEMENT = "placement"  # all placements of a smiley; the id is the smiley's
    QUESTION = "question"  # with its texts
    FOLLOWUP = "followup"  # a follow-up question with its options and their texts
    FLOW = "flow"  # what a survey asks for on the web, with its consent text; the id is the survey's
    WHOLE = "whole"  # too many changes to list: readers load everything again; the id is 0

    @property
    def is_content(self) -> bool:
        """Whether it belongs to the content: what people read, which resolving a press does not need."""
        return self in (Part.QUESTION, Part.FOLLOWUP, Part.FLOW, Part.WHOLE)

    @property
    def is_layout(self) -> bool:
        """Whether it belongs to the layout: what resolving a press needs."""
        return self not in (Part.QUESTION, Part.FOLLOWUP, Part.FLOW)


ChangedIds = Mapping[Part, frozenset[int]]
"""The ids of what was changed, by part."""
