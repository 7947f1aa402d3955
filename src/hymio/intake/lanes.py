"""Which waiting uploads the next commit takes: small ones first, then slices of large ones in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from hymio.intake.arrival import Arrival, Committed, SlicedArrival

LARGE_ROWS = 500
"""An upload that takes more rows is large."""

MAX_BATCH_UPLOADS = 256
MAX_BATCH_BYTES = 1 << 20
MAX_BATCH_ROWS = 2_000
"""A batch takes no further small upload once it has this many uploads, bytes or rows; the rest waits for the next."""

MIN_SLICE_ROWS, MAX_SLICE_ROWS = 100, 2_000
COMMIT_SECONDS = 0.05
"""How long a commit of a slice may take, as those before it took; half of it if small uploads wait for it."""

_SHORTEST = 1e-6
"""Seconds; a clock that ticks slowly may measure none."""


class Waiting(NamedTuple):
    """An upload that waits, what a commit takes of it (`arrival`), and the bytes that it holds in memory meanwhile."""

    arrival: Arrival
    outcome: asyncio.Future[Committed]
    size: int


def waiting(arrival: Arrival, outcome: asyncio.Future[Committed]) -> Waiting:
    """An upload that waits; a large one is committed in slices."""
    return Waiting(SlicedArrival(arrival) if arrival.rows > LARGE_ROWS else arrival, outcome, arrival.size)


class Lanes:
    """The uploads that wait: small ones in order of arrival, large ones in turn.

    While a large upload waits or is being stored, others of its sender wait behind it, so that none overtakes it.
    """

    def __init__(self) -> None:
        self._small: deque[Waiting] = deque()
        self._large: deque[Waiting] = deque()
        self._behind: dict[Hashable, deque[Waiting]] = {}  # by the sender of each large upload
        self._seconds_a_row = COMMIT_SECONDS / MAX_SLICE_ROWS

    def put(self, upload: Waiting) -> None:
        """Adds an upload."""
        sender = upload.arrival.sender
        behind = self._behind.get(sender)
        if behind is not None:
            behind.append(upload)
        elif isinstance(upload.arrival, SlicedArrival):
            self._behind[sender] = deque()
            self._large.append(upload)
        else:
            self._small.append(upload)

    def take(self) -> list[Waiting]:
        """Removes the uploads of the next commit; none if none waits.

        Every commit has a slice of a large upload, if any waits, so that large ones advance however many small ones
        arrive.
        """
        batch: list[Waiting] = []
        rows = size = 0
        while self._small and len(batch) < MAX_BATCH_UPLOADS and rows < MAX_BATCH_ROWS and size < MAX_BATCH_BYTES:
            batch.append(self._small.popleft())
            rows += batch[-1].arrival.rows
            size += batch[-1].arrival.size
        if self._large:
            upload = self._large.popleft()
            if isinstance(upload.arrival, SlicedArrival):
                upload.arrival.rows = self._slice_rows(COMMIT_SECONDS / 2 if batch else COMMIT_SECONDS)
            batch.append(upload)
        return batch

    def note_duration(self, batch: Iterable[Waiting], seconds: float) -> None:
        """Notes how long the commit of a batch took, if it had a slice, for the size of the next slices."""
        arrivals = [upload.arrival for upload in batch]
        read = [arrival.rows_read for arrival in arrivals if isinstance(arrival, SlicedArrival)]
        if any(read):
            small = sum(arrival.rows for arrival in arrivals if not isinstance(arrival, SlicedArrival))
            self._seconds_a_row = max(seconds, _SHORTEST) / (small + sum(read))

    def _slice_rows(self, seconds: float) -> int:
        """How many rows of a large upload are committed in about so many seconds."""
        return min(max(MIN_SLICE_ROWS, int(seconds / self._seconds_a_row)), MAX_SLICE_ROWS)

    def put_back(self, upload: Waiting) -> None:
        """Adds a large upload of which a slice was committed, behind the other large ones."""
        self._large.append(upload)

    def finish(self, upload: Waiting) -> None:
        """Lets those that waited behind a large upload go on."""
        if isinstance(upload.arrival, SlicedArrival):
            for follower in self._behind.pop(upload.arrival.sender, ()):
                self.put(follower)

    def take_all(self) -> list[Waiting]:
        """Removes everything that waits."""
        lanes = (self._small, self._large, *self._behind.values())
        everything = [upload for lane in lanes for upload in lane]
        for lane in lanes:
            lane.clear()
        return everything
