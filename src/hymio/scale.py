"""Answer scales, and the index computed from counts of answers.

Button index 0 is the most negative on every scale. `FIVE_REVERSED` only displays its buttons in reverse order; its
button indexes have the same meaning as those of `FIVE`.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Final, TypeAlias

Distribution: TypeAlias = tuple[int, ...]
"""Number of answers by button index, one entry for each button of the scale."""


class Scale(Enum):
    """The buttons of a survey. Values are the spelling of API v2, names that of API v1."""

    FOUR = "four"
    FIVE = "five"
    FIVE_REVERSED = "five_reversed"
    NPS = "nps"

    @property
    def code(self) -> str:
        """The spelling of API v2, which is also the stored one."""
        return self.value

    @property
    def buttons(self) -> int:
        """The number of buttons."""
        return _BUTTONS[self]


_BUTTONS: Final = {Scale.FOUR: 4, Scale.FIVE: 5, Scale.FIVE_REVERSED: 5, Scale.NPS: 11}


class IndexType(Enum):
    """The formula of a survey's index; see `index`. A new one also has its word in `api.v1.rows` and `api.v2.rows`."""

    HAPPY = "HAPPY"
    NPS = "NPS"
    NPS_OFFICIAL = "NPS_OFFICIAL"
    AVERAGE = "AVERAGE"


def index(counts: Sequence[int], index_type: IndexType) -> float | None:
    """The index of answers counted by button index, the most negative first; None without answers. Not rounded.

    HAPPY is 100 · mean(i / (n - 1)) over the button indexes i of n buttons, from 0 to 100. AVERAGE is mean(i + 1), from
    1 to n. NPS and NPS_OFFICIAL are the percentage of promoters minus that of detractors, from -100 to 100. The
    vendor's published examples, which list the most positive button first, are 126, 60, 16, 17: HAPPY 78.23; and
    51, 23, 12, 2, 4: HAPPY 81.25, AVERAGE 4.25. ValueError if no scale has that many buttons or a count is negative.
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


def rounded(value: float | None, index_type: IndexType) -> float | None:
    """An index as people read it: AVERAGE with two decimals, the others whole; halves are rounded away from zero."""
    if value is None:
        return None
    unit = Decimal("0.01") if index_type is IndexType.AVERAGE else Decimal(1)
    return float(Decimal(repr(value)).quantize(unit, ROUND_HALF_UP)) + 0.0  # no minus before zero


def _sum_of_indices(counts: Sequence[int]) -> int:
    return sum(button * count for button, count in enumerate(counts))


def _promoters_less_detractors(counts: Sequence[int]) -> int:
    """The number of promoters minus the number of detractors.

    On 0 to 10 the answers 9 and 10 are promoters, 7 and 8 passive, 0 to 6 detractors, as NPS defines. For four and
    five buttons the vendor publishes no definition. Hymio uses the usual one for short scales: the most positive button
    is a promoter, the one below it passive, the others are detractors.
    """
    top = 2 if len(counts) == Scale.NPS.buttons else 1
    return sum(counts[-top:]) - sum(counts[: -2 * top])
