"""Writes how an attempt ended, with retries: the work itself is over, and its outcome must not be lost."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import Final

import structlog

from hymio.errors import Unavailable

log = structlog.get_logger("hymio.jobs")

WAITS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to write an outcome while the database is busy or away; they do not end when the server
stops, which waits for them."""


def write_with_retries(write: Callable[[], None]) -> None:
    """Calls `write` again for 15 s where it raises Unavailable; raises LeaseLost, and Unavailable at last.

    To be called while the lease is renewed, so that no other process takes the work over meanwhile.
    """
    for wait in WAITS:
        try:
            return write()
        except Unavailable as error:
            log.warning("outcome not written", detail=error.detail)
            sleep(wait)
    return write()
