"""How content the example's people are: presses before they are numbered, and how often each button is pressed."""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from typing import NamedTuple

from hymio.period import Instant

_CONTENT = {4: (12, 8, 20, 60), 5: (9, 6, 11, 26, 48), 11: (4, 1, 2, 2, 2, 6, 5, 10, 19, 20, 29)}
"""Of a hundred people, how many press each button where the mood is 1."""


class Moment(NamedTuple):
    """A press of the year before it is numbered."""

    at: Instant
    button: int


@cache
def sums_of(count: int, mood: float) -> list[float]:
    """Sums of how often each of so many buttons is pressed, from the most negative on; `mood` 1 is the average."""
    return list(accumulate(part * mood ** (4 * index / (count - 1)) for index, part in enumerate(_CONTENT[count])))
