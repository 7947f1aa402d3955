"""Delays sign-ins after wrong passwords: to an account, where each further one doubles it, and by client address."""

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


FREE_OF_ADDRESS: Final = 30
"""Wrong passwords that a client address may send at once, to whichever accounts."""

SECONDS_OF_ADDRESS: Final = 20.0
"""After how long it may send one more: who tries one password with many accounts tries 180 an hour."""


class _Level(NamedTuple):
    """Wrong passwords of a client address at an instant (seconds), less those that time has taken away."""

    wrong: float
    at: float


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
    """The wrong passwords of each account, known or not, and of each client address; safe to share between threads.

    Attempts from an address from which the account was signed in to before are counted apart, so that a stranger who
    tries passwords does not keep the person out, and do not wait for those of other accounts. It is in memory: each
    process counts for itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._failures: OrderedDict[Hashable, _Failures] = OrderedDict()
        self._levels: OrderedDict[Hashable, _Level] = OrderedDict()
        self._familiar: OrderedDict[Hashable, None] = OrderedDict()
        self._key = secrets.token_bytes(16)
        self._lock = threading.Lock()

    def require_turn(self, account: str, address: str) -> None:
        """TooManyRequests while the account or the address has to wait."""
        with self._lock:
            wait = max(self._wait_of_account(account, address), self._wait_of_address(account, address))
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
            _put(self._levels, address, _Level(self._level(address) + 1, now))

    def note_right(self, account: str, address: str) -> None:
        """Forgets the wrong passwords that came from this address, which is familiar from now on."""
        with self._lock:
            self._failures.pop(self._counted(account, address), None)
            _put(self._familiar, self._pair(account, address), None)

    def _wait_of_account(self, account: str, address: str) -> float:
        """Seconds, not above 0 if none."""
        failures = self._failures.get(self._counted(account, address))
        return 0.0 if failures is None else failures.at + failures.seconds - self._clock()

    def _wait_of_address(self, account: str, address: str) -> float:
        """Seconds, not above 0 if none; a familiar address does not wait for other accounts, nor one not known."""
        if not address or self._pair(account, address) in self._familiar:
            return 0.0
        return (self._level(address) + 1 - FREE_OF_ADDRESS) * SECONDS_OF_ADDRESS

    def _level(self, address: str) -> float:
        """The wrong passwords of an address that count now."""
        wrong, at = self._levels.get(address, (0.0, 0.0))
        return max(0.0, wrong - (self._clock() - at) / SECONDS_OF_ADDRESS)

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
