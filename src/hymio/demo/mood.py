"""How often each button is pressed in the example organization, depending on the mood of its people."""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from typing import NamedTuple

from hymio.period import Instant

_CONTENT = {4: (12, 8, 20, 60), 5: (9, 6, 11, 26, 48), 11: (4, 1, 2, 2, 2, 6, 5, 10, 19, 20, 29)}
"""Percentage of presses by button index at mood 1, for each number of buttons."""


class Moment(NamedTuple):
    """The instant and button of a press, before it has a sequence or UUID."""

    at: Instant
    button: int


@cache
def sums_of(count: int, mood: float) -> list[float]:
    """Cumulative weights of `count` buttons from the most negative on, to draw from by bisection.

    `mood` 1 is average; a larger mood favours positive buttons.
    """
    return list(accumulate(part * mood ** (4 * index / (count - 1)) for index, part in enumerate(_CONTENT[count])))
