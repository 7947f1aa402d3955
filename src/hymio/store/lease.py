"""Leases: a row names the process that works on it and until when; what ends without an outcome may be taken over.

Clocks: every instant is the `now` of the caller, never the database's clock, and two clocks of an installation may
differ by at most `Terms.clock_error`. A lease is taken over only that long after its end, so that its holder's own
clock has passed the end by then. Whoever works under a lease stops at its end by its own clock (`jobs.Renewal`), and
every write that ends or renews a lease is conditional on (holder, attempts): a process that was suspended beyond its
lease changes nothing that belongs to its successor. A `now` may be old by the time that its statement runs, which waits
for a connection or a lock: a lease then ends earlier than it might, and one that another holds is taken over later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from hymio.period import HOUR_MS, Instant

MAX_DETAIL: Final = 500
"""Characters of a detail that are stored."""

WRONG_CLOCK: Final = HOUR_MS
"""What lies further ahead than it should by this much was written by a clock that was wrong, in ms."""

FREE: Final = "(holder IS NULL OR lease_until <= :ended OR lease_until > :impossible)"
"""SQL: nobody holds a lease that still lasts; `Terms.bounds` gives the values."""

ENDED: Final = "(holder IS NOT NULL AND (lease_until <= :ended OR lease_until > :impossible))"
"""SQL: a lease has ended without an outcome: its holder was killed, suspended or cut off from the database."""


class Outcome(Enum):
    """How a run of a job or a row of the outbox ended; the values are stored."""

    DONE = "done"
    FAILED = "failed"
    UNDECIDED = "undecided"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a lease lasts unless it is renewed, and by how much two clocks may differ; both in ms."""

    length: int = 30_000
    clock_error: int = 10_000

    @property
    def renewal_seconds(self) -> float:
        """How long a holder waits between renewals: a third of the lease, so that two may fail."""
        return self.length / 3000

    def bounds(self, now: Instant) -> dict[str, Instant]:
        """The values of FREE and ENDED.

        An end beyond `impossible` was written by a clock that was wrong: no statement waits that long.
        """
        return {"ended": now - self.clock_error, "impossible": now + self.length + WRONG_CLOCK}

    def has_ended(self, until: Instant, now: Instant) -> bool:
        """Whether another process may take over a lease that lasts until an instant."""
        bounds = self.bounds(now)
        return until <= bounds["ended"] or until > bounds["impossible"]


TERMS: Final = Terms()


def shortened(detail: str) -> str:
    """A detail as it is stored: one line, at most MAX_DETAIL characters."""
    line = " ".join(detail.split())
    return line if len(line) <= MAX_DETAIL else f"{line[: MAX_DETAIL - 1]}…"
