"""Sums of the hours of a node in a period, added up by the engine where stored hours have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import add
from typing import NamedTuple, TypeVar

from hymio.feedback import Verdict
from hymio.period import HOUR_MS, MINUTE_MS, Instant
from hymio.results.reader import Span
from hymio.results.shown_hours import ShownHours
from hymio.results.subject import View
from hymio.store import hours as stored_hours
from hymio.store.dialect import Transaction
from hymio.store.hours import HourFilter, StoredHour, weekday_of
from hymio.store.receive_time import receive_times

K = TypeVar("K")

Counts = tuple[int, ...]

ByDate = dict[int, dict[int, Counts]]
"""Presses by button for each verdict on each local date, in days since 1970-01-01."""

ByCell = dict[int, Counts]
"""Counted presses by button for each hour of the week: 24 · weekday + hour of the day."""


ByHour = dict[tuple[int, int], Counts]
"""Counted presses by button for each local hour and offset (minutes), 0 if those of an hour are added."""


class Progress(NamedTuple):
    """The hours with counted presses, those that changed late, and those for which presses may still be reported."""

    hours: int
    restated: int
    open: int


class SumReader:
    """Adds up the present hours of the spans of a period.

    An hour belongs to a span if its first instant does, which is its nominal start or, where a zone changes within the
    hour, less than an hour later. So the engine adds the hours that lie wholly within a span, and those at its ends are
    looked at one by one.
    """

    def __init__(self, view: View, shown: ShownHours, spans: list[Span], buttons: int, hour_filter: HourFilter) -> None:
        self._view, self._shown, self._spans = view, shown, spans
        self._buttons, self._filter = buttons, hour_filter

    def by_date(self) -> ByDate:
        """The presses of each local date, misuse too."""
        sums: ByDate = {}
        for source, start, end in self._inner():
            for date, verdict, counts in stored_hours.sums_by_date(*self._of(source), start, end, self._filter):
                _add(sums.setdefault(date, {}), verdict, counts[: self._buttons])
        for hour in self._at_ends:
            _add(sums.setdefault(hour.hour // 24, {}), hour.verdict, hour.counts)
        return sums

    def by_cell(self) -> ByCell:
        """The counted presses of each hour of the week."""
        sums: ByCell = {}
        for source, start, end in self._inner():
            for cell, counts in stored_hours.sums_by_cell(*self._of(source), start, end, self._filter):
                _add(sums, cell, counts[: self._buttons])
        for hour in self._at_ends:
            if hour.verdict == Verdict.COUNTED:
                _add(sums, weekday_of(hour.hour) * 24 + hour.hour % 24, hour.counts)
        return sums

    def by_hour(self, *, by_start: bool) -> ByHour:
        """The counted presses of each local hour; `by_start`, of each offset with which it has any."""
        sums: ByHour = {}
        for source, start, end in self._inner():
            rows = stored_hours.counted_by_hour(*self._of(source), start, end, self._filter, by_start=by_start)
            for hour, starts_at, counts in rows:
                offset = (hour * HOUR_MS - starts_at) // MINUTE_MS if by_start else 0
                _add(sums, (hour, offset), counts[: self._buttons])
        for one in self._at_ends:
            offset = (one.hour * HOUR_MS - one.starts_at) // MINUTE_MS if by_start else 0
            if one.verdict == Verdict.COUNTED:
                _add(sums, (one.hour, offset), one.counts)
            elif not by_start:
                _add(sums, (one.hour, offset), (0,) * self._buttons)
        return sums

    def progress(self, late: int, unreported: Iterable[tuple[Instant, Instant]]) -> Progress:
        """The progress of the hours; `late` is in ms from the start of an hour, `unreported` ranges of instants."""
        ranges = list(unreported)
        since = min((start for start, _ in ranges), default=None)
        total, restated, starts = 0, 0, set[Instant]()
        for source, start, end in self._inner():
            part = stored_hours.restated_hours(*self._of(source), start, end, self._filter, late)
            total, restated = total + part.hours, restated + part.restated
            if since is not None and since < end + HOUR_MS:
                first = max(start, since - HOUR_MS)
                starts |= set(stored_hours.starts_of_hours(*self._of(source), first, end, self._filter))
        at_ends = [hour for hour in self._at_ends if hour.verdict == Verdict.COUNTED and any(hour.counts)]
        received = self._received(at_ends)
        is_late = {(hour.hour, hour.starts_at): False for hour in at_ends}
        for hour in at_ends:
            is_late[hour.hour, hour.starts_at] |= received.get(hour.revision, 0) > hour.starts_at + late
        starts |= {hour.starts_at for hour in at_ends}
        still_open = sum(any(start < at + HOUR_MS and at < end for start, end in ranges) for at in starts)
        return Progress(total + len(is_late), restated + sum(is_late.values()), still_open)

    def _received(self, hours: list[StoredHour]) -> dict[int, Instant]:
        return receive_times(self._view.transaction, self._view.organization, {hour.revision for hour in hours})

    def _of(self, source: stored_hours.Source) -> tuple[Transaction, int, stored_hours.Source]:
        return self._view.transaction, self._view.organization, source

    def _inner(self) -> Iterator[tuple[stored_hours.Source, Instant, Instant]]:
        """The nominal starts, as a range, of the hours that lie wholly within each span."""
        for span in self._spans:
            end = span.end - HOUR_MS + 1
            if span.start < end:
                yield span.hours.source, span.start, end

    @cached_property
    def _at_ends(self) -> list[StoredHour]:
        """The hours that begin in a span and lie at one of its ends."""
        return list(self._read_ends())

    def _read_ends(self) -> Iterator[StoredHour]:
        for span in self._spans:
            last = max(span.start, span.end - HOUR_MS + 1)
            for start, end in ((span.start - HOUR_MS + 1, span.start), (last, span.end)):
                for hour in span.hours.hours(start, end, self._buttons):
                    offset = (hour.hour * HOUR_MS - hour.starts_at) // MINUTE_MS
                    first = self._shown.hour_start(hour.hour, offset)
                    if span.start <= first < span.end and self._filter.holds(hour.hour):
                        yield hour


def _add(sums: dict[K, Counts], key: K, counts: Counts) -> None:
    before = sums.get(key)
    sums[key] = counts if before is None else tuple(map(add, before, counts))
