"""Bounds how many requests of one kind a client address may send in a minute."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from hymio.errors import TooManyRequests
from hymio.serving.addresses import client_key

MAX_ADDRESSES: Final = 10_000
"""Addresses that are remembered; of more, those that sent nothing for longest are forgotten."""


class _Level(NamedTuple):
    """Requests of an address: how many at an instant (seconds), less those that time has taken away."""

    sent: float
    at: float


class Pace:
    """A token bucket for each client address; safe to share between threads.

    An address may send `most` requests at once and as many a minute; a request beyond that is not counted, so that
    waiting as long as it was told is enough.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`most` 0 is no bound; `clock` gives seconds."""
        self._most, self._clock = most, clock
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, host: str) -> None:
        """Counts a request of a client address. TooManyRequests beyond the bound."""
        if not self._most:
            return
        now = self._clock()
        address = client_key(host)
        with self._lock:
            sent, at = self._levels.get(address, (0.0, now))
            level = max(0.0, sent - (now - at) * self._most / 60) + 1
            if level > self._most:
                wait = math.ceil((level - self._most) * 60 / self._most)
                raise TooManyRequests(
                    "too-many-messages", "Too many messages came from this address.", retry_after=max(1, wait)
                )
            self._levels[address] = _Level(level, now)
            self._levels.move_to_end(address)
            if len(self._levels) > MAX_ADDRESSES:
                self._levels.popitem(last=False)
