"""The folders of API v1 as they were made last: programs ask for the whole tree again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Final, NamedTuple

from hymio.period import MINUTE_MS, Instant
from hymio.serving.answers import tag_of
from hymio.setup import Layout

MOST_BYTES: Final = 16 << 20
"""Bytes of bodies that are remembered; of more, those that were not asked for longest are forgotten."""

_BYTES_BESIDE: Final = 600
"""What a body takes in memory besides its bytes: its key, its tag and its place."""

_QUARTER_HOUR_MS: Final = 15 * MINUTE_MS
"""In every zone a year begins at a full quarter of an hour, and with it another shown end of endless periods."""


class Body(NamedTuple):
    """The body of an answer and its ETag, which are right in [since, until)."""

    content: bytes
    tag: str
    since: Instant
    until: Instant


class Trees:
    """Bodies by what they were made of besides the time; safe to share between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bodies: OrderedDict[Hashable, Body] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def body(self, key: Hashable, layout: Layout, now: Instant, make: Callable[[], bytes]) -> Body:
        """The remembered body of a key, or a new one where there is none that is right at `now`."""
        with self._lock:
            body = self._bodies.get(key)
            if body is not None and body.since <= now < body.until:
                self._bodies.move_to_end(key)
                return body
        content = make()
        body = Body(content, tag_of(content), now, right_until(layout, now))
        with self._lock:
            self._forget(self._bodies.pop(key, None))
            self._bodies[key] = body
            self._bytes += _size(body)
            while self._bytes > self._most:
                self._forget(self._bodies.popitem(last=False)[1])
        return body

    def _forget(self, body: Body | None) -> None:
        self._bytes -= 0 if body is None else _size(body)


def _size(body: Body) -> int:
    return len(body.content) + _BYTES_BESIDE


def right_until(layout: Layout, now: Instant) -> Instant:
    """An instant after `now` before which no survey begins or ends, no zone changes and no year begins."""
    quarter = (now // _QUARTER_HOUR_MS + 1) * _QUARTER_HOUR_MS
    return min((at for at in _changes(layout) if now < at < quarter), default=quarter)


def _changes(layout: Layout) -> Iterator[Instant]:
    """The instants at which surveys begin and end and zones of their points change."""
    for assignment in layout.assignments.values():
        for start, end in layout.ranges(assignment.id):
            yield start
            yield end
        for start, _ in layout.zones_at(assignment.node).steps:
            yield start
