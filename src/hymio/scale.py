"""Answer scales, and the index that sums up how people answered on them.

Index 0 is the most negative button on every scale. `FIVE_REVERSED` only shows its buttons in the other order: what is
sent and stored is the meaning, so it counts like `FIVE`.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final, TypeAlias

Distribution: TypeAlias = tuple[int, ...]
"""Answers per button index, exactly as many entries as the scale has buttons."""


class Scale(Enum):
    """The value is the spelling of API v2, the name that of API v1: `Scale("four") is Scale["FOUR"]`."""

    FOUR = "four"
    FIVE = "five"
    FIVE_REVERSED = "five_reversed"
    NPS = "nps"

    @property
    def code(self) -> str:
        return self.value

    @property
    def buttons(self) -> int:
        return _BUTTONS[self]


_BUTTONS: Final = {Scale.FOUR: 4, Scale.FIVE: 5, Scale.FIVE_REVERSED: 5, Scale.NPS: 11}


class IndexType(Enum):
    """Which index a survey is summed up by."""

    HAPPY = "HAPPY"
    NPS = "NPS"
    NPS_OFFICIAL = "NPS_OFFICIAL"
    AVERAGE = "AVERAGE"


def index(counts: Sequence[int], index_type: IndexType) -> float | None:
    """Sum up answers counted per button index, the most negative first; None without answers.

    HAPPY is 0..100, the mean of evenly spaced weights; AVERAGE is 1..n on n buttons; NPS and NPS_OFFICIAL are
    -100..100, promoters less detractors in percent. Nothing is rounded. The vendor's examples (126, 60, 16, 17 makes
    78.23; 51, 23, 12, 2, 4 makes 81.25, on average 4.25) are printed there with the most positive first.
    Raises ValueError when no scale has that many buttons or a count is negative.
    """
    if len(counts) not in _BUTTONS.values() or min(counts) < 0:
        raise ValueError(f"not a count per button of a scale: {tuple(counts)}")
    total = sum(counts)
    if total == 0:
        return None
    if index_type is IndexType.HAPPY:
        return 100 * _sum_of_indices(counts) / ((len(counts) - 1) * total)
    if index_type is IndexType.AVERAGE:
        return (_sum_of_indices(counts) + total) / total
    return 100 * _promoters_less_detractors(counts) / total


def _sum_of_indices(counts: Sequence[int]) -> int:
    return sum(button * count for button, count in enumerate(counts))


def _promoters_less_detractors(counts: Sequence[int]) -> int:
    """Count promoters positive and detractors negative.

    On 0..10 the answers 9 and 10 promote, 7 and 8 are passive, 0 to 6 detract, as everywhere. What NPS means on four
    and five smileys is not published; our choice is the usual reading of short scales: the top button promotes, the
    one below it is passive, the rest detract.
    """
    top = 2 if len(counts) == Scale.NPS.buttons else 1
    return sum(counts[-top:]) - sum(counts[: -2 * top])
