"""Reading what is not read in a moment: in threads of its own, one body of a smiley at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from hymio.errors import Unavailable

THREADS = 2
MOST_OF_ONE = 3
"""Large uploads of one smiley that are taken in at the same time; a device sends one, and perhaps repeats it."""

T = TypeVar("T")
Smiley = tuple[int, int]
"""Organization and smiley."""


class Turn:
    """What one smiley has under way."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool, self._alone, self.open = pool, asyncio.Lock(), 0

    async def read(self, step: Callable[[], T]) -> T:
        """What a step gives that is run in a thread, alone among this smiley's."""
        async with self._alone:
            return await asyncio.get_running_loop().run_in_executor(self._pool, step)


class Reading:
    """The threads that take bodies apart, shared out fairly among smileys; made within the event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "hymio-reading")
        self._turns: dict[Smiley, Turn] = {}

    @asynccontextmanager
    async def of(self, smiley: Smiley, *, most: int | None = None) -> AsyncIterator[Turn]:
        """A smiley's turn. Unavailable where it has `most` under way already."""
        turn = self._turns.setdefault(smiley, Turn(self._pool))
        if most is not None and turn.open >= most:
            raise Unavailable("other large uploads of this smiley are still being read")
        turn.open += 1
        try:
            yield turn
        finally:
            turn.open -= 1
            if not turn.open:
                del self._turns[smiley]

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()
