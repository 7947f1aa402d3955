"""Bounds how many wrong credentials a client address may send, and logs each of them."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import structlog

from hymio.errors import TooManyRequests, Unauthorized
from hymio.serving.addresses import client_key, shown

MAX_ADDRESSES: Final = 10_000
MAX_CREDENTIALS: Final = 10_000
"""Addresses and credentials that are remembered; of more, those that were seen longest ago are forgotten."""

_HEADERS: Final = frozenset((b"authorization", b"x-hon-client-id", b"x-hon-api-token", b"x-hymio-secret"))
_PARAMETERS: Final = re.compile(rb"(?:^|&)(?:auth|secret)=([^&]*)")

_log = structlog.get_logger("hymio.credentials")


class _Level(NamedTuple):
    """Wrong credentials of an address: how many at an instant (seconds), less those that time has taken away."""

    wrong: float
    at: float


class Attempts:
    """The wrong credentials of each client address; safe to share between threads.

    An address may send `most` wrong ones at once and as many a minute. Beyond that, its requests with a credential are
    refused, except those with one that was right when it came from this address before: a terminal is not locked out
    because of another one behind the same router.
    """

    def __init__(self, most: int, log_address: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`most` 0 is no bound; `clock` gives seconds."""
        self._most, self._log_address, self._clock = most, log_address, clock
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._right: OrderedDict[Hashable, None] = OrderedDict()  # addresses with digests of credentials
        self._key = secrets.token_bytes(16)
        self._lock = threading.Lock()

    @contextmanager
    def of(self, scope: Mapping[str, Any], *, may_be_in_body: bool = False) -> Iterator[None]:
        """Surrounds the look-up of a request's credential. TooManyRequests where its address sent too many wrong ones.

        Counts an Unauthorized that is raised inside, unless the credential is missing. `may_be_in_body` says that a
        request without any in its header and query may have one all the same.
        """
        client = scope.get("client")
        if client is None:
            yield
            return
        address = client_key(client[0])
        credential = self._digest(scope)
        if credential is not None or may_be_in_body:
            self._require_turn(address, credential)
        try:
            yield
        except Unauthorized as error:
            if not error.is_missing:
                self._note_wrong(address, credential)
                _log.warning(
                    "wrong credential",
                    client=shown(client[0], self._log_address),
                    path=scope["path"],
                    code=error.code,
                )
            raise
        self._note_right(address, credential)

    def _require_turn(self, address: str, credential: bytes | None) -> None:
        """TooManyRequests unless the address may send a wrong credential, or this one was right before."""
        if not self._most or address not in self._levels:
            return
        with self._lock:
            excess = self._level(address) + 1 - self._most
            if excess <= 0 or (credential is not None and (address, credential) in self._right):
                return
        raise TooManyRequests(
            "too-many-wrong-credentials",
            "Too many wrong credentials came from this address.",
            retry_after=math.ceil(excess * 60 / self._most),
        )

    def _note_wrong(self, address: str, credential: bytes | None) -> None:
        """Counts a wrong credential; one that was right before is so no more."""
        with self._lock:
            self._levels[address] = _Level(self._level(address) + 1, self._clock())
            self._right.pop((address, credential), None)
            _move_to_end(self._levels, address, MAX_ADDRESSES)

    def _note_right(self, address: str, credential: bytes | None) -> None:
        """Remembers a credential as right from this address."""
        if self._most and credential is not None:
            with self._lock:
                self._right[address, credential] = None
                _move_to_end(self._right, (address, credential), MAX_CREDENTIALS)

    def _level(self, address: str) -> float:
        """The wrong credentials of an address that count now."""
        wrong, at = self._levels.get(address, (0.0, 0.0))
        return max(0.0, wrong - (self._clock() - at) * self._most / 60)

    def _digest(self, scope: Mapping[str, Any]) -> bytes | None:
        """A keyed hash of the credentials in a request's header and query; None without any."""
        sent = [value for name, value in scope["headers"] if name in _HEADERS]
        query: bytes = scope["query_string"]
        if query:
            sent += _PARAMETERS.findall(query)
        return hashlib.blake2b(b"\n".join(sent), digest_size=16, key=self._key).digest() if sent else None


def _move_to_end(entries: OrderedDict[Any, Any], key: Hashable, most: int) -> None:
    """Makes an entry the newest, and forgets the oldest if there are too many."""
    entries.move_to_end(key)
    if len(entries) > most:
        entries.popitem(last=False)
