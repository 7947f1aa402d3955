"""An upload that waits to be committed, whole or slice by slice, and the outcome."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from hymio.feedback import Receipt, Upload
from hymio.intake.slices import Place, count_rows, is_end, joined, slice_at
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


class SharedLookUp(ABC):
    """An arrival of a kind that looks up in one statement what all those of a batch need to be read."""

    @classmethod
    @abstractmethod
    def look_up(cls, transaction: Transaction, arrivals: Sequence[Any]) -> None:
        """Looks up what arrivals of this class need in `read`, which is called next with the same transaction."""


class SlicedArrival:
    """A large upload; for a commit it stands for its next slice, of at most `rows` presses.

    `rows_read` is how many rows the slice has that was read last.
    """

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival
        self._read: tuple[int, Upload] | None = None
        self._stored = self._after_slice = Place()
        self._is_last = False
        self._receipt: Receipt | None = None
        self.sender = arrival.sender
        self.rows = arrival.rows
        self.rows_read = 0

    @property
    def size(self) -> int:
        """The bytes of the slice in the request, about."""
        return self._arrival.size * self.rows // max(self._arrival.rows, 1)

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """Its organization's id and the next slice, which is the same until `add`. Raises as its arrival does."""
        if self._read is None:
            self._read = self._arrival.read(transaction)
        organization, upload = self._read
        part, self._after_slice = slice_at(upload, self._stored, self.rows)
        self._is_last = is_end(upload, self._after_slice)
        self.rows_read = count_rows(part)
        return organization, part if self._receipt is None else part._replace(correction=self._receipt.correction)

    def add(self, receipt: Receipt) -> Receipt | None:
        """Notes that the slice is committed; the receipt of the whole upload if it was the last one."""
        self._receipt = receipt if self._receipt is None else joined(self._receipt, receipt)
        self._stored = self._after_slice
        return self._receipt if self._is_last else None
