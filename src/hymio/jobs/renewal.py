"""Renews a lease in a separate thread while the work under it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

import structlog

from hymio.clock import Clock
from hymio.errors import HymioError, LeaseLost
from hymio.period import Instant
from hymio.store.lease import Terms

log = structlog.get_logger("hymio.jobs")


class Renewal:
    """A context manager that renews a lease every third of its length; a renewal that fails is tried again."""

    def __init__(self, renew: Callable[[Instant], Instant], until: Instant, clock: Clock, terms: Terms) -> None:
        """`renew` takes the present and returns the new end of the lease, or raises LeaseLost."""
        self._renew = renew
        self._until = until
        self._clock = clock
        self._wait = terms.renewal_seconds
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_renewing, name="hymio-renewal", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._lost = True  # for a handler that hangs: what it does after its attempt was given up is not covered

    def check(self) -> None:
        """Raises LeaseLost if the lease has ended by this process's clock or was taken over, or after the context."""
        if self._lost or self._clock() >= self._until:
            raise LeaseLost("lease-ended", "the lease ended before it was renewed")

    def _keep_renewing(self) -> None:
        """Renews the lease at intervals until it is released or lost."""
        while not self._ended.wait(self._wait):
            try:
                self._until = self._renew(self._clock())
            except LeaseLost:
                self._lost = True
                return
            except HymioError as error:  # the database is unavailable: the lease still lasts for two more attempts
                log.warning("lease not renewed", detail=error.detail)
