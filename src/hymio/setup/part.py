"""The parts of a set-up by which each change of it is noted."""

from enum import Enum


class Part(Enum):
    """What of the set-up a change touches, named with an id; the values stand in the table `setup_change`.

    The first ones are of the layout, which resolving a press needs; the last two of the content, which people see.
    """

    NODE = "node"
    NODE_SETTING = "node-setting"  # zones and policies; the id is the node's
    SURVEY = "survey"  # scale, index, type and which question it asks
    ASSIGNMENT = "assignment"  # with its active periods
    SMILEY = "smiley"
    PLACEMENT = "placement"  # all placements of a smiley; the id is the smiley's
    QUESTION = "question"  # with its texts
    FOLLOWUP = "followup"  # a follow-up question with its options and their texts

    @property
    def is_content(self) -> bool:
        """Whether it is something that people see and that resolving a press does not need."""
        return self in (Part.QUESTION, Part.FOLLOWUP)
