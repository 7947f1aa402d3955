"""The clock: the one place where the present is read; everything else takes it as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from hymio.period import Instant

Clock: TypeAlias = Callable[[], Instant]
"""Returns the present instant, in ms UTC; tests hand in a fixed one."""


def now() -> Instant:
    """The present instant of the system clock, in ms UTC."""
    return time.time_ns() // 1_000_000
