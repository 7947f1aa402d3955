"""One row of the bench's table."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, beside what, and whether it reaches what is asked of it; `met` None: nothing is."""

    what: str
    measured: str
    compared: str = ""
    ratio: float | None = None
    reach: str = ""
    met: bool | None = None


def median_ms(work: Callable[[], object], times: int = 7) -> float:
    """The median of some runs, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[times // 2] * 1000
