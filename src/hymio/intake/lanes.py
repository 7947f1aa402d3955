"""Which waiting uploads the next commit takes: small ones first, then slices of large ones in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

from hymio.intake.arrival import Arrival, Committed, SlicedArrival
from hymio.intake.slices import SLICE_ROWS

MAX_BATCH_UPLOADS = 256
MAX_BATCH_BYTES = 1 << 20
MAX_BATCH_ROWS = 2_000
"""A batch takes no further small upload once it has this many uploads, bytes or rows; the rest waits for the next."""


class Waiting(NamedTuple):
    """An upload that waits, what a commit takes of it (`arrival`), and the bytes that it holds in memory meanwhile."""

    arrival: Arrival
    outcome: asyncio.Future[Committed]
    size: int


def waiting(arrival: Arrival, outcome: asyncio.Future[Committed]) -> Waiting:
    """An upload that waits; one that takes more than SLICE_ROWS rows is committed in slices."""
    return Waiting(SlicedArrival(arrival) if arrival.rows > SLICE_ROWS else arrival, outcome, arrival.size)


class Lanes:
    """The uploads that wait: small ones in order of arrival, large ones in turn.

    While a large upload waits or is being stored, others of its sender wait behind it, so that none overtakes it.
    """

    def __init__(self) -> None:
        self._small: deque[Waiting] = deque()
        self._large: deque[Waiting] = deque()
        self._behind: dict[Hashable, deque[Waiting]] = {}  # by the sender of each large upload

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

        There is room for a slice of a large upload in every commit, so that large ones advance however many small ones
        arrive; for more than one only where no small ones wait for the same commit.
        """
        batch: list[Waiting] = []
        rows = SLICE_ROWS if self._large else 0
        size = 0
        while self._small and len(batch) < MAX_BATCH_UPLOADS and rows < MAX_BATCH_ROWS and size < MAX_BATCH_BYTES:
            batch.append(self._small.popleft())
            rows += batch[-1].arrival.rows
            size += batch[-1].arrival.size
        slices = 1 if batch else MAX_BATCH_ROWS // SLICE_ROWS
        return batch + [self._large.popleft() for _ in range(min(slices, len(self._large)))]

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
