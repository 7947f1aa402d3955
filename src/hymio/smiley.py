"""Smileys: the devices and digital smileys that send presses, and their placements over time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

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


MAX_WORK_BITS: Final = 24
"""The most bits of proof of work: a phone takes some seconds for 20."""


@dataclass(frozen=True, slots=True)
class Publication:
    """How a digital smiley is open to the web: its public token and code, and what its owner decided.

    Pages of other `origins` than these may not send presses; without any, all may. Within `answer_interval` seconds a
    second press of a visitor is a repeat; None leaves it to the policy. Presses are tests while it `is_installing`.
    A browser must find a number whose hash begins with `work_bits` zero bits; 0 asks for none. While it `is_withdrawn`,
    its addresses answer 404.
    """

    token: str
    code: str
    origins: tuple[str, ...] = ()
    answer_interval: int | None = None
    is_installing: bool = False
    work_bits: int = 0
    is_withdrawn: bool = False

    def answers_to(self, word: str) -> bool:
        """Whether a word is its token or code, and it is not withdrawn."""
        return not self.is_withdrawn and word in (self.token, self.code)

    def allows(self, origin: str) -> bool:
        """Whether a page of an origin (`https://shop.example`) may send presses."""
        return not self.origins or origin in self.origins


@dataclass(frozen=True, slots=True)
class Smiley:
    """A device or digital smiley, without its upload token, of which only the hash is stored."""

    id: int
    serial: str
    name: str
    type: SmileyType
    publication: Publication | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """The experience point of a smiley in the half-open range of instants; `end` None means until further notice."""

    smiley: int
    node: int
    start: int
    end: int | None = None
