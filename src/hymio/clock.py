"""The system clock and its steps. Only this module reads it; all other code takes the instant as an argument, `now`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from hymio.period import MINUTE_MS, Instant

Clock: TypeAlias = Callable[[], Instant]
"""A function that returns the current instant in ms since 1970 UTC; tests pass one with a fixed instant."""

MAX_STEP: Final = MINUTE_MS
"""Difference in ms up to which a step of the wall clock is not noted."""

_ELAPSED_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux has a monotonic clock that goes on while the machine is suspended, which is no step of the wall clock."""


def now() -> Instant:
    """The current instant of the system clock, in ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


def elapsed() -> int:
    """The time of a monotonic clock that nobody sets, in ms since an arbitrary start."""
    return time.clock_gettime_ns(_ELAPSED_CLOCK) // 1_000_000


class ClockStep(NamedTuple):
    """The wall clock was set: by so many ms, negative for back; `at` is what it showed when that was noticed."""

    at: Instant
    by: int


class ClockWatch:
    """Notices steps of the wall clock, by comparing it with a monotonic one; usable from any thread."""

    def __init__(self, wall: Clock = now, monotonic: Callable[[], int] = elapsed) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._difference = wall() - monotonic()
        self._lock = threading.Lock()
        self.last_step: ClockStep | None = None

    def check(self) -> ClockStep | None:
        """A step of more than MAX_STEP since the last one that was noticed; several small ones add up to it."""
        with self._lock:
            at = self._wall()
            by = at - self._monotonic() - self._difference
            if abs(by) <= MAX_STEP:
                return None
            self._difference += by
            self.last_step = ClockStep(at, by)
            return self.last_step
