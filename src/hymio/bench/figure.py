"""One row of the table that `hymio bench` prints."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Figure(NamedTuple):
    """A measurement, the yardstick it is compared with, their ratio, and the target (`reach`) with whether it is met.

    `met` is None if there is no target. `group` is the heading under which the row stands.
    """

    what: str
    measured: str
    compared: str = ""
    ratio: float | None = None
    reach: str = ""
    met: bool | None = None
    group: str = ""


def median_ms(work: Callable[[], object], times: int = 7) -> float:
    """The median duration of `times` calls, in milliseconds."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[times // 2] * 1000


def seconds_of(work: Callable[[], object]) -> float:
    """How many seconds a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
