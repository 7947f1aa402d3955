"""The one reader of hours and the one reader of rows: all results go through them, page by page or as a whole."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hymio.period import DAY_MS, HOUR_MS, Instant, InstantRange
from hymio.results.subject import Reached, RowSubject, View, buttons_of
from hymio.results.tiles import FIRST_LOOK, Axis, Tile, looks, tiles_of
from hymio.rollup import GroupSubject, OfAssignment, OfScale, OfSurvey
from hymio.setup import Layout
from hymio.store import hours as stored_hours
from hymio.store import rows as stored_rows
from hymio.store.export import csv_chunks
from hymio.store.hours import AssignmentHours, GroupHours, HourSize, Source, StoredHour
from hymio.store.rows import FeedbackRow, Phase, Selection, SortKey

FEWEST_ROWS, MOST_ROWS = 500, 50_000
"""Rows that a tile holds, about: at first, and as tiles grow."""

SMALL_SCOPE: Final = 30
"""One assignment in so many, or less, is so small a scope that answers may be looked up press by press."""

FEW_ANSWERS: Final = 20_000
"""The answers of an organization, where there are no more of them than this, are read whatever the scope is."""

LONG_SPAN_MS: Final = 3 * 366 * DAY_MS
"""A span that is longer may be longer than its rows by far, as `EVERYTHING` is."""


# --- hours -----------------------------------------------------------------------------------------------------------


class HourReader(NamedTuple):
    """Reads the stored hours of a source."""

    view: View
    source: Source

    def hours(self, start: Instant, end: Instant, buttons: int) -> Iterator[StoredHour]:
        """The hours that start in [start, end), in no order."""
        return stored_hours.hours(self.view.transaction, self.view.organization, self.source, start, end, buttons)

    def sizes(self, start: Instant, end: Instant, *, misuse: bool) -> list[HourSize]:
        """How many rows lie in each hour that starts in [start, end), in order of time, empty hours left out."""
        asked = self.view.transaction, self.view.organization, self.source, start, end
        return stored_hours.hour_sizes(*asked, misuse=misuse)

    def bounds(self) -> tuple[Instant, Instant]:
        """A range of instants that holds all rows of the hours; empty without hours."""
        return stored_hours.hour_bounds(self.view.transaction, self.view.organization, self.source)

    def total(self, start: Instant, end: Instant, *, misuse: bool) -> int:
        """How many rows lie in the hours that start in [start, end)."""
        asked = self.view.transaction, self.view.organization, self.source, start, end
        return stored_hours.row_total(*asked, misuse=misuse)


def hours_of(view: View, subject: Reached) -> HourReader:
    """The reader of a subject's hours: a group's own, one row an hour however many points there are, else those of
    its assignments."""
    layout = view.layout
    if isinstance(subject.subject, OfAssignment) or layout.hierarchy.nodes[subject.node].is_point:
        return HourReader(view, AssignmentHours(subject.assignments))
    if isinstance(subject.subject, (OfSurvey, OfScale)):
        groups: Iterable[GroupSubject] = [subject.subject]
    else:
        scales = {layout.surveys[layout.assignments[each].survey].scale.buttons for each in subject.assignments}
        groups = [OfScale(subject.node, buttons) for buttons in sorted(scales)]
    return HourReader(view, GroupHours(tuple((group, buttons_of(layout, group)) for group in groups)))


# --- rows ------------------------------------------------------------------------------------------------------------

Within = InstantRange | Mapping[ZoneInfo, InstantRange]
"""The same range of instants everywhere, or one for each zone; points in a zone that has none have no rows."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows are read, in which order, and which part of them.

    `after` is the sort key of the row that the page before ended with, and `revision` the one that page was of; without
    them a listing begins anew, `offset` rows on. Without a `limit` all rows are read.
    """

    subject: RowSubject
    within: Within
    phase: Phase = Phase.BUTTON
    misuse: bool = False
    spam: bool = True
    descending: bool = False
    offset: int = 0
    limit: int | None = None
    after: SortKey | None = None
    revision: int | None = None
    with_text: bool = False


class Span(NamedTuple):
    """Instants [start, end) in which rows are those of the same assignments, and the reader of their hours."""

    start: Instant
    end: Instant
    assignments: tuple[int, ...]
    hours: HourReader


class RowReader:
    """Reads the rows of one query in one view, as of the query's revision, or of the present one."""

    def __init__(self, view: View, subject: Reached, query: Query, now: Instant) -> None:
        """Zones are those of the points at `now`."""
        self._view, self._query = view, query
        self.revision = view.revision if query.revision is None else min(query.revision, view.revision)
        last = stored_rows.last_restatement(view.transaction, view.organization)
        self._restated = last > self.revision
        spans = _spans(view, subject, query.within, now)
        self._spans = spans[::-1] if query.descending else spans

    def rows(self) -> Generator[FeedbackRow]:
        """The rows from the query's sort key, or else from its offset on, up to its limit."""
        skip, left = 0 if self._query.after else self._query.offset, self._query.limit
        for span in self._spans:
            rest, skip = self._skip_hours(self._from_sort_key(span), skip)
            by_press = self._is_by_press(rest)
            if len(self._spans) == 1 and self._is_in_order(rest, by_press=by_press):
                yield from self._read(rest, rest.start, rest.end, by_press=by_press, offset=skip, limit=left)
                return
            for start, end in self._tiles(rest, None if left is None else skip + left, by_press=by_press):
                limit = None if left is None else skip + left
                rows = self._read(rest, start, end, by_press=by_press, limit=limit)
                skip -= sum(1 for _ in islice(rows, skip))
                if left is None:
                    yield from rows
                    continue
                part = list(rows)
                yield from part
                left -= len(part)
                if not left:
                    return

    def total(self) -> int:
        """How many rows the query has without offset and limit, at the present revision."""
        if self._query.phase is Phase.BUTTON:
            return sum(self._presses_between(span, span.start, span.end) for span in self._spans)
        asked = self._view.transaction, self._view.organization
        return sum(
            stored_rows.count(*asked, self._selection(span, by_press=False), span.start, span.end)
            for span in self._spans
        )

    def csv(self) -> Generator[bytes]:
        """All presses of the query as lines of CSV, misuse too, at the present revision."""
        asked = self._view.transaction, self._view.organization
        for span in map(_bounded, self._spans):
            yield from csv_chunks(*asked, span.assignments, span.start, span.end)

    # Statements

    def _selection(self, span: Span, *, by_press: bool) -> Selection:
        """The store's selection of rows for a span."""
        query = self._query
        return Selection(
            query.phase, span.assignments, self.revision, query.misuse, query.spam, self._restated, query.descending,
            by_press, query.with_text,
        )  # fmt: skip

    def _read(
        self, span: Span, start: Instant, end: Instant, *, by_press: bool, offset: int = 0, limit: int | None
    ) -> Iterator[FeedbackRow]:
        """The rows of a span in [start, end)."""
        asked = self._view.transaction, self._view.organization, self._selection(span, by_press=by_press), start, end
        return stored_rows.rows(*asked, after=self._query.after, offset=offset, limit=limit)

    def _is_in_order(self, span: Span, *, by_press: bool) -> bool:
        """Whether an index gives the rows of a span in their order, so that one statement reads them all unsorted."""
        if self._query.phase is Phase.BUTTON:
            return len(span.assignments) == 1 and not self._restated
        return not by_press

    def _is_by_press(self, span: Span) -> bool:
        """Whether answers are found sooner through the presses of a span than among all answers of the organization."""
        if self._query.phase is Phase.BUTTON:
            return False
        if SMALL_SCOPE * len(span.assignments) >= len(self._view.layout.assignments):
            return False
        asked = self._view.transaction, self._view.organization, self._query.phase, span.start, span.end
        if not stored_rows.has_more_answers(*asked, FEW_ANSWERS):
            return False
        presses = span.hours.total(span.start - HOUR_MS, span.end, misuse=self._query.misuse)
        return stored_rows.has_more_answers(*asked, presses)

    # Skipping

    def _from_sort_key(self, span: Span) -> Span:
        """The part of a span from the instant of the query's sort key on."""
        if self._query.after is None:
            return span
        at = self._query.after.at
        if self._query.descending:
            return span._replace(end=max(span.start, min(span.end, at + 1)))
        return span._replace(start=min(span.end, max(span.start, at)))

    def _skip_hours(self, span: Span, skip: int) -> tuple[Span, int]:
        """The rest of a span behind hours that lie wholly within what is skipped, and how many are left to skip.

        Hours count presses of the present revision alone; everything else is skipped row by row.
        """
        if not skip or self._restated or self._query.phase is not Phase.BUTTON or span.start >= span.end:
            return span, skip
        axis = Axis(self._query.descending)
        edge, held = self._edge(span, axis, skip)
        start, end = axis.read_before(span.start, span.end, edge)
        rest = span._replace(end=start) if self._query.descending else span._replace(start=end)
        return rest, skip - self._presses_between(span, start, end, held)

    def _edge(self, span: Span, axis: Axis, skip: int) -> tuple[int, int]:
        """The furthest edge of an hour on the axis before which hours begin that hold no more rows than are skipped,
        and how many they hold.

        It is found by bisection, so that the hours of a year are added up once and no list of them is made.
        """
        low, high = axis.ends(span.start, span.end)
        first, held = low - HOUR_MS + 1, 0
        while high - low > FIRST_LOOK:
            middle = (low + high) // 2 // HOUR_MS * HOUR_MS
            part = span.hours.total(*axis.hour_starts(first, middle), misuse=self._query.misuse)
            if held + part > skip:
                high = middle
            else:
                first, low, held = middle, middle, held + part
        sizes = span.hours.sizes(*axis.hour_starts(first, high), misuse=self._query.misuse)
        for starts_at, rows in axis.hours(sizes):
            if held + rows > skip:
                return max(low, axis.hour(starts_at)), held
            held += rows
        return high, held

    def _presses_between(self, span: Span, start: Instant, end: Instant, held: int | None = None) -> int:
        """How many presses of a span lie in [start, end); `held`, if known, is what hours hold that reach into it.

        Hours that reach beyond it, as at the ends of a period or of zones with :30 and :45, are counted row by row.
        """
        if start >= end:
            return 0
        misuse = self._query.misuse
        if held is None:
            held = span.hours.total(start - HOUR_MS + 1, end, misuse=misuse)
        edges = (start - HOUR_MS + 1, start), (end - HOUR_MS + 1, end)
        cut = dict(chain.from_iterable(span.hours.sizes(*edge, misuse=misuse) for edge in edges))
        if not cut:
            return held
        asked = self._view.transaction, self._view.organization, span.assignments, start, end
        return held - sum(cut.values()) + stored_rows.count_in_cut_hours(*asked, misuse=misuse)

    # Tiles

    def _tiles(self, span: Span, rows: int | None, *, by_press: bool) -> Iterator[Tile]:
        """The span in tiles that hold about so many rows, so that few more are sorted than are given.

        Answers come in order of time by themselves and need no tiles. A revision of long ago may have had nothing where
        there is much now: the tiles grow, so that few of them are read in vain.
        """
        if self._query.phase is not Phase.BUTTON and not by_press:
            yield span.start, span.end
            return
        span = _bounded(span)
        misuse, descending = self._query.misuse, self._query.descending
        per_tile = MOST_ROWS if rows is None else max(rows, FEWEST_ROWS)
        for start, end in looks(span.start, span.end, descending=descending):
            sizes = span.hours.sizes(start - HOUR_MS + 1, end, misuse=misuse)
            if sizes or self._restated:
                yield from tiles_of(sizes, start, end, per_tile, descending=descending)
            per_tile = min(4 * per_tile, max(per_tile, MOST_ROWS))


# --- which assignments when ------------------------------------------------------------------------------------------


def _spans(view: View, subject: Reached, within: Within, now: Instant) -> list[Span]:
    """The spans of a query in order of time: one, or the ranges of the zones cut where that of another begins or ends.

    At the ends of a period of dates some zones are in it and others are not; in between, all are.
    """
    whole = hours_of(view, subject)
    if isinstance(within, InstantRange):
        span = Span(within.start, within.end, subject.assignments, whole)
        return [span] if subject.assignments and span.start < span.end else []
    zones = _by_zone(view.layout, subject.assignments, now)
    ranges = {zone: within[zone] for zone in zones if zone in within}
    edges = sorted({edge for each in ranges.values() for edge in (each.start, each.end)})
    spans = []
    for start, end in pairwise(edges):
        inside = [zone for zone, each in ranges.items() if each.start <= start and end <= each.end]
        if inside:
            assignments = tuple(sorted(chain.from_iterable(zones[zone] for zone in inside)))
            hours = whole if len(inside) == len(zones) else HourReader(view, AssignmentHours(assignments))
            spans.append(Span(start, end, assignments, hours))
    return spans


def _bounded(span: Span) -> Span:
    """A span of many years cut to that part of it in which there are hours."""
    if span.end - span.start <= LONG_SPAN_MS:
        return span
    start, end = span.hours.bounds()
    return span._replace(start=max(span.start, start), end=min(span.end, end))


def _by_zone(layout: Layout, assignments: Iterable[int], now: Instant) -> dict[ZoneInfo, list[int]]:
    """Assignments by the current zone of their points."""
    zones: dict[ZoneInfo, list[int]] = {}
    for assignment in assignments:
        zones.setdefault(layout.zone_of(layout.assignments[assignment].node, now), []).append(assignment)
    return zones
