"""Delays sign-ins to an account after wrong passwords: each further one doubles the wait."""

from __future__ import annotations

import hashlib
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

from hymio.errors import TooManyRequests

FREE_ATTEMPTS: Final = 5
"""Wrong passwords in a row after which the next attempt has to wait."""

LONGEST_SECONDS: Final = 900.0
"""The longest wait, after which the count of wrong passwords begins to be forgotten."""

MAX_ACCOUNTS: Final = 10_000
"""Accounts that are remembered; of more, those that were tried longest ago are forgotten."""


class _Failures(NamedTuple):
    """Wrong passwords in a row, and when the last one came, in seconds."""

    wrong: int
    at: float

    @property
    def seconds(self) -> float:
        """How long the next attempt has to wait after the last one."""
        if self.wrong < FREE_ATTEMPTS:
            return 0.0
        return min(LONGEST_SECONDS, 2.0 ** min(self.wrong - FREE_ATTEMPTS, 30))


class Backoff:
    """The wrong passwords of each account, known or not; safe to share between threads.

    Attempts from an address from which the account was signed in to before are counted apart, so that a stranger who
    tries passwords does not keep the person out. It is in memory: each process counts for itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._failures: OrderedDict[Hashable, _Failures] = OrderedDict()
        self._familiar: OrderedDict[Hashable, None] = OrderedDict()
        self._key = secrets.token_bytes(16)
        self._lock = threading.Lock()

    def require_turn(self, account: str, address: str) -> None:
        """TooManyRequests while the account has to wait."""
        with self._lock:
            failures = self._failures.get(self._counted(account, address))
            wait = 0.0 if failures is None else failures.at + failures.seconds - self._clock()
        if wait > 0:
            raise TooManyRequests(
                "too-many-wrong-passwords",
                "Too many wrong passwords were sent for this address. Wait a little, then try again.",
                retry_after=math.ceil(wait),
            )

    def note_wrong(self, account: str, address: str) -> None:
        """Counts a wrong password; those before the longest wait do not count any more."""
        with self._lock:
            key, now = self._counted(account, address), self._clock()
            before = self._failures.get(key, _Failures(0, now))
            count = before.wrong if now - before.at <= 2 * LONGEST_SECONDS else 0
            _put(self._failures, key, _Failures(count + 1, now))

    def note_right(self, account: str, address: str) -> None:
        """Forgets the wrong passwords that came from this address, which is familiar from now on."""
        with self._lock:
            self._failures.pop(self._counted(account, address), None)
            _put(self._familiar, self._pair(account, address), None)

    def _counted(self, account: str, address: str) -> Hashable:
        """What an attempt is counted for: the account, or the account at a familiar address."""
        pair = self._pair(account, address)
        return pair if pair in self._familiar else self._digest(account)

    def _pair(self, account: str, address: str) -> Hashable:
        return self._digest(account), address

    def _digest(self, account: str) -> bytes:
        """A keyed hash of an account's name, so that memory does not list the addresses of people."""
        return hashlib.blake2b(account.lower().encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).digest()


def _put(entries: OrderedDict[Hashable, Any], key: Hashable, value: Any) -> None:
    """Sets the newest entry, and forgets the oldest if there are too many."""
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > MAX_ACCOUNTS:
        entries.popitem(last=False)
