"""Writes the outcome of finished work with retries, because it must not be lost."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import Final

import structlog

from hymio.errors import Unavailable

log = structlog.get_logger("hymio.jobs")

WAITS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to write an outcome while the database is unavailable. A stopping server waits for them."""


def write_with_retries(write: Callable[[], None]) -> None:
    """Calls `write`, and again for up to 15 s while it raises Unavailable. Raises LeaseLost, finally Unavailable.

    The lease must be renewed meanwhile, so that no other process takes the work over.
    """
    for wait in WAITS:
        try:
            return write()
        except Unavailable as error:
            log.warning("outcome not written", detail=error.detail)
            sleep(wait)
    return write()
