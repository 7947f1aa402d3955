"""How many connections a server serves, in all and of each client, and which one is closed to make room for another."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol


class Waits(IntEnum):
    """For what a connection waits of its client; the value is the order in which they are closed, in seconds.

    A connection is closed before another one that has waited as long, and before one whose value is larger by as much
    as that one has waited longer. So clients that have sent nothing make room first, then those that are slow to send
    their request, then those between two requests, then those that do not read their response.
    """

    FIRST_REQUEST = 0
    REST_OF_REQUEST = 5
    NEXT_REQUEST = 10
    READING = 20


class Occupant(Protocol):
    """A connection, as far as the occupancy knows it."""

    def make_room(self) -> None:
        """Closes it at once."""
        ...


class _Waiting:
    """Connections that wait for their clients, of each kind in order of time."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: dict[Waits, OrderedDict[Occupant, float]] = {waits: OrderedDict() for waits in Waits}

    def add(self, occupant: Occupant, waits: Waits, now: float) -> None:
        """Notes that a connection waits since `now`."""
        self._since[waits][occupant] = now

    def discard(self, occupant: Occupant, waits: Waits) -> None:
        """Notes that a connection does not wait for this any more."""
        self._since[waits].pop(occupant, None)

    def first(self) -> Occupant | None:
        """The connection that is to be closed first; None if none waits for its client."""
        heads = [(waits, next(iter(since.items()))) for waits, since in self._since.items() if since]
        if not heads:
            return None
        _, (occupant, _) = min(heads, key=lambda head: head[0] + head[1][1])
        return occupant


@dataclass(slots=True)
class _Client:
    """What the connections of one client address, or its requests through trusted proxies, amount to."""

    count: int = 0
    waiting: _Waiting = field(default_factory=_Waiting)


@dataclass(slots=True)
class _Seat:
    """A connection that is served: its client, the lists in which it is while it waits, and for what it waits.

    The lists are that of all connections and that of its client.
    """

    client: str | None
    lists: tuple[_Waiting, ...]
    waits: Waits | None = None


class Occupancy:
    """The connections of one server; used in its event loop alone.

    A client is a key of `addresses.client_key`, or None for a trusted proxy, whose connections have no bound of their
    own because they are many clients'.
    """

    def __init__(self, most: int, most_of_client: int) -> None:
        """`most_of_client` 0 is no bound."""
        self.most: Final = most
        self._most_of_client = most_of_client or most
        self._seats: dict[Occupant, _Seat] = {}
        self._waiting = _Waiting()
        self._clients: dict[str, _Client] = {}

    # Connections

    def take_seat(self, occupant: Occupant, client: str | None) -> bool:
        """Whether a connection is served from now on, after another one was closed if there is no room.

        Beyond the bound of its client it must be one of the same client.
        """
        if occupant in self._seats:
            return True
        known = None if client is None else self._clients.get(client)
        if known is not None and known.count >= self._most_of_client and not self._make_room(known.waiting):
            return False
        if len(self._seats) >= self.most and not self._make_room(self._waiting):
            return False
        lists = [self._waiting]
        if client is not None:
            known = self._clients.setdefault(client, _Client())
            known.count += 1
            lists.append(known.waiting)
        self._seats[occupant] = _Seat(client, tuple(lists))
        return True

    def leave(self, occupant: Occupant) -> None:
        """Notes that a connection is closed; does nothing if it has no seat."""
        self.set_waits(occupant, None, 0.0)
        seat = self._seats.pop(occupant, None)
        if seat is not None and seat.client is not None:
            self._decrease(seat.client)

    def set_waits(self, occupant: Occupant, waits: Waits | None, now: float) -> None:
        """Notes for what a connection waits of its client from `now` (seconds) on; None while its request is answered.

        While it waits for the same, it waits since the first call.
        """
        seat = self._seats.get(occupant)
        if seat is None or seat.waits is waits:
            return
        before, seat.waits = seat.waits, waits
        for waiting in seat.lists:
            if before is not None:
                waiting.discard(occupant, before)
            if waits is not None:
                waiting.add(occupant, waits, now)

    # Requests through trusted proxies

    def begin_request(self, client: str) -> bool:
        """Whether a client may have one more request answered; then `end_request` must follow."""
        known = self._clients.setdefault(client, _Client())
        if known.count >= self._most_of_client:
            return False
        known.count += 1
        return True

    def end_request(self, client: str) -> None:
        """Notes that a request that was allowed has been answered."""
        self._decrease(client)

    def _make_room(self, waiting: _Waiting) -> bool:
        """Closes the connection that is to be closed first; whether there was one."""
        occupant = waiting.first()
        if occupant is None:
            return False
        self.leave(occupant)
        occupant.make_room()
        return True

    def _decrease(self, client: str) -> None:
        """Counts one connection or request of a client less."""
        known = self._clients[client]
        known.count -= 1
        if not known.count:
            del self._clients[client]
