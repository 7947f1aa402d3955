"""Notes when API tokens were last used, beside the requests: no reader waits for a writer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final

from hymio import manage
from hymio.access import Principal
from hymio.errors import Unavailable
from hymio.period import MINUTE_MS, Instant
from hymio.store import Store

PRECISION_MS: Final = MINUTE_MS
"""A token's last use is written again only after this time."""


class TokenUse:
    """Writes the last use of each token, in a thread and at most once a minute; drops it if the database is busy."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(1, "hymio-token-use")
        self._noted: dict[tuple[int, int], Instant] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ends the thread at the end, once it has written what waits."""
        with self._pool:
            yield

    def note(self, principal: Principal, now: Instant) -> None:
        """Has a use of a token written, unless this process did so within the minute before. Any thread may call it."""
        key = (principal.organization, principal.id)
        last = self._noted.get(key, 0)
        if last <= now < last + PRECISION_MS:
            return
        self._noted[key] = now
        self._pool.submit(self._write, principal, now)

    def _write(self, principal: Principal, now: Instant) -> None:
        with suppress(Unavailable):
            manage.note_use(self._store, principal, now)
