"""An upload that waits to be committed, whole or slice by slice, and the outcome."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

from hymio.feedback import Receipt, Upload
from hymio.intake.slices import SLICE_ROWS, joined, slices_of
from hymio.period import Instant
from hymio.setup import Layout
from hymio.store.dialect import Transaction


class Committed(NamedTuple):
    """The outcome of a committed upload: its receipt, the organization's set-up, the commit's instant (ms UTC)."""

    receipt: Receipt
    layout: Layout
    now: Instant


Outcome = Committed | Exception


class Arrival(Protocol):
    """An upload as one way in received it, not parsed or not looked up yet."""

    @property
    def size(self) -> int:
        """The bytes that it holds in memory while it waits."""
        ...

    @property
    def rows(self) -> int:
        """About how many rows it takes (`slices.count_rows`), which is known before it is read."""
        ...

    @property
    def sender(self) -> Hashable:
        """Whose it is: nothing of the same sender is committed before a large upload that came earlier."""
        ...

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """Its organization's id and the upload. Raises a HymioError where it is refused or cannot be parsed."""
        ...


class SlicedArrival:
    """A large upload; for a commit it stands for its next slice."""

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival
        self._organization = 0
        self._slices: Sequence[Upload] = ()  # until it is read
        self._stored = 0
        self._receipt: Receipt | None = None
        self.sender = arrival.sender
        self.rows = SLICE_ROWS
        self.size = arrival.size * SLICE_ROWS // max(arrival.rows, SLICE_ROWS)

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """Its organization's id and the next slice, which is the same until `add`. Raises as its arrival does."""
        if not self._slices:
            self._organization, upload = self._arrival.read(transaction)
            self._slices = slices_of(upload)
        part = self._slices[self._stored]
        if self._receipt is not None:
            part = part._replace(correction=self._receipt.correction)
        return self._organization, part

    def add(self, receipt: Receipt) -> Receipt | None:
        """Notes that the next slice is committed; the receipt of the whole upload if that was the last one."""
        self._receipt = receipt if self._receipt is None else joined(self._receipt, receipt)
        self._stored += 1
        return self._receipt if self._stored == len(self._slices) else None
