"""The system clock. Only this module reads it; all other code takes the current instant as an argument, `now`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from hymio.period import Instant

Clock: TypeAlias = Callable[[], Instant]
"""A function that returns the current instant in ms since 1970 UTC; tests pass one with a fixed instant."""


def now() -> Instant:
    """The current instant of the system clock, in ms since 1970 UTC."""
    return time.time_ns() // 1_000_000
