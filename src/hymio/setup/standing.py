"""What a smiley's presses resolve to, and in which range of instants."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

from hymio.feedback import Verdict
from hymio.hierarchy import BEGINNING
from hymio.survey import Assignment

END = -BEGINNING
"""The instant after all others."""


class Where(NamedTuple):
    """What a press resolves to: the assignment, the zone at its point, and how many buttons its scale has."""

    assignment: Assignment
    zone: ZoneInfo
    buttons: int


class Standing(NamedTuple):
    """The instants [start, end) in which a smiley's presses resolve to the same answer."""

    start: int
    end: int
    answer: Where | Verdict
