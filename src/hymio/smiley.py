"""Smileys: the devices and digital smileys that gather feedback, and where they stood when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

CLOCK_TOLERANCE = 60_000
"""How many ms a device's clock may differ before it is corrected: as much as a slow upload may take."""


class SmileyType(Enum):
    """What a smiley is; the values are API v2's."""

    TERMINAL = "SMILEY_TERMINAL"
    TOUCH = "SMILEY_TOUCH"
    DIGITAL = "SMILEY_DIGITAL"

    @property
    def judged_by_interval(self) -> bool:
        """Whether quick presses in a row are misuse; behind a digital smiley people are independent."""
        return self is not SmileyType.DIGITAL


@dataclass(frozen=True, slots=True)
class Smiley:
    """A device or digital smiley; its upload token is stored elsewhere and hashed."""

    id: int
    serial: str
    name: str
    type: SmileyType


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a smiley stood, in the half-open range of instants; `end` None: it stands there still."""

    smiley: int
    node: int
    start: int
    end: int | None = None
