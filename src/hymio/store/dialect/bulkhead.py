"""A bulkhead: of the threads of a pool only some wait for a slow part of the database, so that the others go on."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Final

from hymio.errors import Unavailable

SLOW_SECONDS: Final = 1.0
"""An answer that has not come by then makes its part of the database a slow one."""

RETRY_SECONDS: Final = 5.0
"""How often it is tried whether a part that did not answer in time answers again."""


BRIEF_SECONDS: Final = 3.0
"""How long an answer is waited for while the work of others waits in the same thread."""

COMMIT_SECONDS: Final = 15.0
"""How long the answer to a COMMIT is waited for at least: whether it took place is not known without it."""


class Bulkhead:
    """The waits of a pool's threads for parts of a database: for organizations, or for the nodes of a cluster.

    Where `most` threads have waited for a part for longer than SLOW_SECONDS, those that came later give up, and no
    further one begins. A part that did not answer in time is waited for no more until it is found to answer, which is
    tried by the next thread at once, and then every RETRY_SECONDS.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that only grow."""
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._waits: defaultdict[Hashable, list[float]] = defaultdict(list)  # by part: when each began, in order
        self._silent: dict[Hashable, float] = {}  # by part that did not answer in time: when to try it again

    def check(self, part: Hashable, answers: Callable[[], bool]) -> None:
        """Before a wait for a part: Unavailable where enough threads wait for it, or it did not answer.

        `answers` tells whether a part that did not answer does again.
        """
        if part in self._silent and not self._has_recovered(part, answers):
            raise _refused()
        with self._lock:
            waits = self._waits.get(part, ())
            is_full = len(waits) >= self._most and self._clock() - waits[self._most - 1] > SLOW_SECONDS
        if is_full:
            raise _refused()

    def _has_recovered(self, part: Hashable, answers: Callable[[], bool]) -> bool:
        with self._lock:
            if self._clock() < self._silent.get(part, 0.0):
                return False
            self._silent[part] = self._clock() + RETRY_SECONDS
        if not answers():
            return False
        with self._lock:
            self._silent.pop(part, None)
        return True

    def begin(self, part: Hashable) -> float:
        """A thread begins to wait for a part; the instant of its clock that names this wait."""
        with self._lock:
            began = self._clock()
            self._waits[part].append(began)
        return began

    def is_surplus(self, part: Hashable, began: float) -> bool:
        """Whether a wait is to be given up, because it is long and enough older ones go on."""
        if self._clock() - began < SLOW_SECONDS:
            return False
        with self._lock:
            return began in self._waits[part][self._most :]

    def end(self, part: Hashable, began: float, *, overdue: bool) -> None:
        """A thread waits no longer; `overdue` if until its own deadline, in vain."""
        with self._lock:
            waits = self._waits[part]
            waits.remove(began)
            if not waits:
                del self._waits[part]
            if overdue:
                self._silent.setdefault(part, self._clock())


def _refused() -> Unavailable:
    return Unavailable("database-part-slow", "the part of the database with this organization does not answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a transaction that reads, or writes, waits for each answer of a server, in seconds; None is no bound.

    `bulkhead` is that of the pool of threads that it runs in.
    """

    read_seconds: float | None = None
    write_seconds: float | None = None
    bulkhead: Bulkhead | None = None

    def seconds(self, *, writes: bool) -> float | None:
        """The bound of a transaction that writes or reads."""
        return self.write_seconds if writes else self.read_seconds

    def for_others(self) -> Patience:
        """That of work for which the work of others waits: BRIEF_SECONDS at most."""
        return replace(self, read_seconds=BRIEF_SECONDS, write_seconds=BRIEF_SECONDS)


ENDLESS: Final = Patience()
"""For commands: whoever runs one can end it."""


@dataclass(slots=True)
class WaitBound:
    """How long a transaction waits for each answer, in seconds, and with which other threads for its part."""

    seconds: float | None = None
    bulkhead: Bulkhead | None = None
    part: Hashable = None
