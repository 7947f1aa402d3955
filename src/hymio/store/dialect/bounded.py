"""A connection to PostgreSQL whose waits for the server are bounded: no thread waits forever for one that hangs."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from hymio.store.dialect.bulkhead import WaitBound
from hymio.store.dialect.citus import Cluster

T = TypeVar("T")


class AnswerOverdue(psycopg.OperationalError):
    """The server did not answer in time; the connection was closed, and what it was doing is not known."""


class GaveUp(AnswerOverdue):
    """Enough others wait for the same part of the database."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer is overdue, as the server may still be working on it.

    The server sees that within `client_connection_check_interval` and ends the statement.
    """

    bound: WaitBound | None = None
    cluster: Cluster | None = None
    """What is known of the Citus cluster, if the tables were distributed over one when the connection was opened."""

    def wait(self, gen: PQGen[T], *options: Any, **named: Any) -> T:
        """Runs one exchange with the server. AnswerOverdue, GaveUp."""
        bound = self.bound
        if bound is None:
            return super().wait(gen, *options, **named)
        if bound.bulkhead is None or bound.part is None:
            return self._wait(gen, bound, time.monotonic(), *options, **named)
        bulkhead, part, overdue = bound.bulkhead, bound.part, False
        began = bulkhead.begin(part)
        try:
            return self._wait(gen, bound, began, *options, **named)
        except AnswerOverdue as error:
            overdue = not isinstance(error, GaveUp)
            raise
        finally:
            bulkhead.end(part, began, overdue=overdue)

    def _wait(self, gen: PQGen[T], bound: WaitBound, began: float, *options: Any, **named: Any) -> T:
        try:
            return super().wait(_watched(gen, bound, began), *options, **named)
        except AnswerOverdue:
            self.close()
            raise


def _watched(gen: PQGen[T], bound: WaitBound, began: float) -> Generator[Any, Any, T]:
    """The exchange itself; whenever a tenth of a second passes without an answer, its bounds are looked at."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready:
                _check(bound, began)
            wanted = gen.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


def _check(bound: WaitBound, began: float) -> None:
    """Raises AnswerOverdue or GaveUp where an answer takes too long."""
    waited = time.monotonic() - began
    if bound.seconds is not None and waited > bound.seconds:
        raise AnswerOverdue(f"no answer of the server within {bound.seconds:g} seconds")
    if bound.bulkhead is not None and bound.part is not None and bound.bulkhead.is_surplus(bound.part, began):
        raise GaveUp(f"no answer of the server within {waited:.1f} seconds, and others wait for it already")
