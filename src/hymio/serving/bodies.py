"""Parses large request bodies in threads of their own, one body of a smiley at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from hymio.errors import Unavailable

THREADS = 2
MAX_LARGE_UPLOADS = 3
"""Large uploads of one smiley that may be in progress; a device sends one at a time, and may repeat it."""

T = TypeVar("T")
SmileyKey = tuple[int, int]
"""The ids of an organization and of a smiley in it."""


class SmileyParser:
    """Parses the bodies of one smiley, one after the other."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool, self._lock = pool, asyncio.Lock()
        self.users = 0

    async def run(self, parse: Callable[[], T]) -> T:
        """Calls a function in one of the threads, when no other of this smiley runs, and returns its result."""
        async with self._lock:
            return await asyncio.get_running_loop().run_in_executor(self._pool, parse)


class BodyParsers:
    """Threads that parse bodies; because one smiley occupies at most one of them, the others' bodies need not wait."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "hymio-bodies")
        self._parsers: dict[SmileyKey, SmileyParser] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ends the threads at the end."""
        with self._pool:
            yield

    @asynccontextmanager
    async def of(self, smiley: SmileyKey, *, max_users: int | None = None) -> AsyncIterator[SmileyParser]:
        """The parser of one smiley. Unavailable where `max_users` requests of the smiley have it already."""
        parser = self._parsers.setdefault(smiley, SmileyParser(self._pool))
        if max_users is not None and parser.users >= max_users:
            raise Unavailable("large-uploads-in-progress", "other large uploads of this smiley are still being read")
        parser.users += 1
        try:
            yield parser
        finally:
            parser.users -= 1
            if not parser.users:
                del self._parsers[smiley]
