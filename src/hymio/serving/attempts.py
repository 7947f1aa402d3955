"""Bounds how many wrong credentials a client address may send, and logs each of them."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import structlog

from hymio.errors import TooManyRequests, Unauthorized
from hymio.serving.addresses import client_key, shown

MAX_ADDRESSES: Final = 10_000
"""Addresses that are remembered; of more, those that sent a wrong credential longest ago are forgotten."""

_log = structlog.get_logger("hymio.credentials")


class _Level(NamedTuple):
    """Wrong credentials of an address: how many at an instant (seconds), less those that time has taken away."""

    wrong: float
    at: float


class Attempts:
    """The wrong credentials of each client address; safe to share between threads.

    An address may send `most` wrong ones at once and as many a minute; more are answered 429 instead of 401. A right
    one is always accepted, so that nobody is locked out by others behind the same router.
    """

    def __init__(self, most: int, log_address: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`most` 0 is no bound; `clock` gives seconds."""
        self._most, self._log_address, self._clock = most, log_address, clock
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def of(self, scope: Mapping[str, Any]) -> Iterator[None]:
        """Surrounds the look-up of a request's credential. Counts an Unauthorized that is raised inside.

        A missing credential is not counted. TooManyRequests, in its place, where the address sent too many wrong ones.
        """
        client = scope.get("client")
        try:
            yield
        except Unauthorized as error:
            if client is None or error.is_missing:
                raise
            if wait := self._note_wrong(client_key(client[0])):
                raise TooManyRequests(
                    "too-many-wrong-credentials",
                    "Too many wrong credentials came from this address.",
                    retry_after=wait,
                ) from error
            address = shown(client[0], self._log_address)
            _log.warning("wrong credential", client=address, path=scope["path"], code=error.code)
            raise

    def _note_wrong(self, address: str) -> int:
        """Counts a wrong credential of an address; the seconds until it may send another one if it is beyond its bound.

        One beyond the bound is not counted, so that waiting as long as it was told is enough.
        """
        if not self._most:
            return 0
        with self._lock:
            level = self._level(address)
            excess = level + 1 - self._most
            if excess > 0:
                return math.ceil(excess * 60 / self._most)
            self._levels[address] = _Level(level + 1, self._clock())
            self._levels.move_to_end(address)
            if len(self._levels) > MAX_ADDRESSES:
                self._levels.popitem(last=False)
        return 0

    def _level(self, address: str) -> float:
        """The wrong credentials of an address that count now."""
        wrong, at = self._levels.get(address, (0.0, 0.0))
        return max(0.0, wrong - (self._clock() - at) * self._most / 60)
