"""Runs what hashes passwords in threads of its own, so that sign-ins never take those of pages and intake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

from hymio.errors import Unavailable
from hymio.manage.passwords import AT_ONCE

MAX_WAITING: Final = 50
"""Calls that run or wait for a thread; a hash takes about a tenth of a second, so the last one waits some seconds."""

P = ParamSpec("P")
T = TypeVar("T")


class PasswordThreads:
    """As many threads as hashes are computed at a time, and a bounded queue before them."""

    def __init__(self, threads: int = AT_ONCE, most: int = MAX_WAITING) -> None:
        """`most` calls run or wait at a time."""
        self._pool = ThreadPoolExecutor(threads, "hymio-passwords")
        self._most, self._calls = most, 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ends the threads at the end."""
        with self._pool:
            yield

    async def run(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Calls a function in one of the threads and returns its result. Unavailable where too many calls wait."""
        if self._calls >= self._most:
            raise Unavailable("too-many-sign-ins", "Too many people sign in at the moment. Try again in a minute.")
        self._calls += 1
        call = asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **named))
        call.add_done_callback(self._end)  # not when the request ends, which may be before
        return await asyncio.shield(call)

    def _end(self, _call: object) -> None:
        """Makes room for another call."""
        self._calls -= 1
