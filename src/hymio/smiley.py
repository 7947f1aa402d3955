"""Smileys: the devices and digital smileys that send presses, and their placements over time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

CLOCK_TOLERANCE = 60_000
"""Difference in ms up to which a device's clock is not corrected, because a slow upload can cause as much."""


class SmileyType(Enum):
    """The kind of smiley; the values are API v2's."""

    TERMINAL = "SMILEY_TERMINAL"
    TOUCH = "SMILEY_TOUCH"
    DIGITAL = "SMILEY_DIGITAL"

    @property
    def judged_by_interval(self) -> bool:
        """Whether the interval rule applies; visitors of a digital smiley are independent of each other."""
        return self is not SmileyType.DIGITAL


@dataclass(frozen=True, slots=True)
class Smiley:
    """A device or digital smiley, without its upload token, of which only the hash is stored."""

    id: int
    serial: str
    name: str
    type: SmileyType


@dataclass(frozen=True, slots=True)
class Placement:
    """The experience point of a smiley in the half-open range of instants; `end` None means until further notice."""

    smiley: int
    node: int
    start: int
    end: int | None = None
