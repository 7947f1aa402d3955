"""Turns of readers: how many threads of a process read results at once, and whose request is next."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from litestar import Request

from hymio.errors import Unavailable
from hymio.serving.addresses import client_key
from hymio.serving.answers import sender_of

WAIT_SECONDS: Final = 20
"""How long a request waits for its turn; clients often give up after 30."""

MOST_WAITING: Final = 500
"""Requests of one owner that may wait; those of a client that went away wait on."""

RETRY_SECONDS: Final = 30
"""The Retry-After of those that waited in vain."""

LAG_SECONDS: Final = 0.02
"""Uploads that wait longer for their commit have readers rest: half of the time, or more the longer they wait."""

MOST_RESTS, MOST_REST_SECONDS = 4, 0.5
"""A turn rests at most so many times as long as it took, and so long, however long uploads wait."""


def rest_seconds(taken: float, lag: float) -> float:
    """How long a turn that took `taken` seconds rests before the next one, while uploads wait `lag` seconds."""
    if lag < LAG_SECONDS:
        return 0.0
    return min(MOST_REST_SECONDS, taken * min(MOST_RESTS, lag / LAG_SECONDS))


def owner_of(request: Request[Any, Any, Any]) -> Hashable:
    """For whom a request waits beside those of others: its credential or, without one, its client address."""
    sender = sender_of(request)
    if sender is None:
        return client_key(request.client.host) if request.client else None
    return sender.organization, sender.via, sender.id


class Turns:
    """Lets at most so many readers read at once; for one event loop.

    Owners take turns, and the requests of one owner in the order in which they came, so that a client that sends many
    requests at once delays only its own. A reader whose turn is over is answered at once, but while uploads wait long,
    the next turn begins only after a rest (`rest_seconds`): where a server reads, one reader after the other keeps a
    core of it busy, and with commits and clients beside it two cores were too few for 500 presses a second.
    """

    def __init__(self, most: int, lag: Callable[[], float] = lambda: 0.0) -> None:
        """`lag` gives how many seconds uploads wait at present."""
        self._free = most  # 0 while anybody waits
        self._lag = lag
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, owner: Hashable) -> AsyncIterator[None]:
        """Waits for a turn of an owner, and has it inside.

        Unavailable after WAIT_SECONDS, or at once where MOST_WAITING requests of the owner wait already.
        """
        try:
            async with asyncio.timeout(0 if len(self._waiting.get(owner, ())) >= MOST_WAITING else WAIT_SECONDS):
                await self._take(owner)
        except TimeoutError:
            raise Unavailable(
                "too-many-listings", "Too many listings of feedback are being read.", retry_after=RETRY_SECONDS
            ) from None
        with self._taken():
            yield

    @asynccontextmanager
    async def further_turn(self, owner: Hashable) -> AsyncIterator[None]:
        """A turn for which an answer that has begun waits without a bound."""
        await self._take(owner)
        with self._taken():
            yield

    @contextmanager
    def _taken(self) -> Iterator[None]:
        """A turn that has been taken, which is passed on after its rest."""
        began = time.monotonic()
        try:
            yield
        finally:
            rest = rest_seconds(time.monotonic() - began, self._lag())
            if rest:
                asyncio.get_running_loop().call_later(rest, self._pass_on)
            else:
                self._pass_on()

    async def _take(self, owner: Hashable) -> None:
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # its turn came at the same moment
                self._pass_on()
            else:
                self._leave(owner, place)
            raise

    def _leave(self, owner: Hashable, place: asyncio.Future[None]) -> None:
        """Gives up a place in the queue, unless `_pass_on` has removed it already."""
        places = self._waiting.get(owner, deque())
        if place in places:
            places.remove(place)
            if not places:
                del self._waiting[owner]

    def _pass_on(self) -> None:
        """Gives a turn that ended to the next owner who waits, who then waits behind all others."""
        while self._waiting:
            owner, places = self._waiting.popitem(last=False)
            place = places.popleft()
            if places:
                self._waiting[owner] = places
            if not place.cancelled():
                place.set_result(None)
                return
        self._free += 1
