"""The words of reports for people: names of indexes, their decimals and ranges."""

from __future__ import annotations

from typing import Final

from hymio.errors import Phrase
from hymio.scale import IndexType

INDEX_NAMES: Final = {
    IndexType.HAPPY: Phrase("Happy Index"),
    IndexType.NPS: Phrase("NPS"),
    IndexType.NPS_OFFICIAL: Phrase("NPS"),
    IndexType.AVERAGE: Phrase("Average"),
}
"""The names of indexes."""

DIGITS: Final = {
    IndexType.HAPPY: 0, IndexType.NPS: 0, IndexType.NPS_OFFICIAL: 0, IndexType.AVERAGE: 2,
}  # fmt: skip
"""Decimals of an index as people read it (`scale.rounded`)."""

RANGES: Final = {
    IndexType.HAPPY: (0, 100), IndexType.NPS: (-100, 100), IndexType.NPS_OFFICIAL: (-100, 100),
}  # fmt: skip
"""The smallest and largest value of an index; an average goes from 1 to the number of buttons."""


def index_range(index_type: IndexType, buttons: int) -> tuple[int, int]:
    """The smallest and largest value of an index on a scale of some buttons."""
    return RANGES.get(index_type, (1, buttons))
