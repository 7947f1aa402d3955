"""Reads the hours and the rows of a subject; every result goes through one of these two readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from math import isqrt
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hymio.period import DAY_MS, HOUR_MS, Instant, InstantRange
from hymio.results.subject import RowSubject, ScopedSubject, View, buttons_of
from hymio.results.tiles import FIRST_RANGE_MS, Axis, Tile, growing_ranges, ranges_of_at_most, tiles_of
from hymio.rollup import GroupSubject, OfAssignment, OfScale, OfSurvey
from hymio.setup import Layout
from hymio.store import hours as stored_hours
from hymio.store import rows as stored_rows
from hymio.store.export import CSV_ROWS, RowRange, csv_chunks
from hymio.store.hours import AssignmentHours, GroupHours, HourFilter, HourSize, Source, StoredHour
from hymio.store.rows import FeedbackRow, Phase, Selection, SortKey
from hymio.store.spam import has_spam_marks
from hymio.store.summed_hours import HourRange

MIN_TILE_ROWS, MAX_TILE_ROWS = 500, 50_000
"""About how many rows a tile holds: at first for a small page, and where all rows are read."""

_FEW_CSV_ROWS, _CSV_ROWS_EACH = 8_000, 20
"""Rows of a chunk of CSV, at least, and for each assignment.

Each chunk searches the index once for each assignment: of 2,000, a line takes 3.3 µs in chunks of 27,000 lines and
2.7 µs in chunks of 55,000. Of 100, small chunks are 5 % faster, as they stay in the processor's cache.
"""

_SIZES_MS: Final = 30 * DAY_MS
"""The time of which an export has the sizes of hours in memory."""

_BATCH: Final = 1_000
"""Rows of a tile that are in memory at a time where they are counted."""

SMALL_SCOPE: Final = 30
"""Answers may be looked up press by press if at most one in this many assignments is selected."""

FEW_ANSWERS: Final = 1_000
"""If an organization has at most this many answers in a span, all are read, however few assignments are selected.

Reading an answer with its press takes as long as reading a press with its answer, about a microsecond: more answers are
read only if there are fewer of them than presses.
"""

LONG_SPAN_MS: Final = 3 * 366 * DAY_MS
"""A longer span, such as `EVERYTHING`, is first cut to the time in which there are hours."""


# --- hours -----------------------------------------------------------------------------------------------------------


class HourReader(NamedTuple):
    """Reads the stored hours of a source."""

    view: View
    source: Source

    def hours(self, start: Instant, end: Instant, buttons: int) -> Iterator[StoredHour]:
        """The hours that start in [start, end), in no order."""
        return stored_hours.hours(self.view.transaction, self.view.organization, self.source, start, end, buttons)

    def between(self, start: Instant, end: Instant, buttons: int, *, misuse: bool) -> HourRange:
        """The hours that start in [start, end), for what the engine does with them; the source has one scale."""
        return HourRange(self.view.organization, self.source, start, end, buttons, misuse)

    def cut(self, within: InstantRange) -> InstantRange:
        """A range of instants or, if it is longer than LONG_SPAN_MS, the part of it in which there are hours."""
        if within.end - within.start <= LONG_SPAN_MS:
            return within
        first, last = self.bounds()
        start = min(max(within.start, first), within.end)
        return InstantRange(start, max(start, min(within.end, last)))

    def sizes(self, start: Instant, end: Instant, *, misuse: bool) -> list[HourSize]:
        """The number of rows in each hour that starts in [start, end), in order of time, without empty hours."""
        arguments = self.view.transaction, self.view.organization, self.source, start, end
        return stored_hours.hour_sizes(*arguments, misuse=misuse)

    def bounds(self) -> tuple[Instant, Instant]:
        """A range of instants that holds all rows of the hours; empty without hours."""
        return stored_hours.hour_bounds(self.view.transaction, self.view.organization, self.source)

    def total(self, start: Instant, end: Instant, *, misuse: bool) -> int:
        """The number of rows in the hours that start in [start, end)."""
        arguments = self.view.transaction, self.view.organization, self.source, start, end
        return stored_hours.row_total(*arguments, misuse=misuse)


def hours_of(view: View, subject: ScopedSubject) -> HourReader:
    """The reader of a subject's hours: for a group its own stored hours, otherwise those of the assignments."""
    layout = view.layout
    if isinstance(subject.subject, OfAssignment) or layout.hierarchy.nodes[subject.node].is_point:
        return HourReader(view, AssignmentHours(subject.assignments))
    if isinstance(subject.subject, (OfSurvey, OfScale)):
        groups: Iterable[GroupSubject] = [subject.subject]
    else:
        scales = {layout.surveys[layout.assignments[key].survey].scale.buttons for key in subject.assignments}
        groups = [OfScale(subject.node, buttons) for buttons in sorted(scales)]
    return HourReader(view, GroupHours(tuple((group, buttons_of(layout, group)) for group in groups)))


# --- rows ------------------------------------------------------------------------------------------------------------

Within = InstantRange | Mapping[ZoneInfo, InstantRange]
"""One range of instants for all points, or one for each zone; points in a zone without a range have no rows."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows are read, in which order, and which page of them.

    To continue a listing, `after` is the sort key of the last row of the page before, and `revision` the revision of
    that page. Without them a listing begins, after `offset` rows. Without a `limit` all rows are read.
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
    chosen: bool = False


class Span(NamedTuple):
    """The instants [start, end), the assignments whose rows are read in them, and the reader of their hours."""

    start: Instant
    end: Instant
    assignments: tuple[int, ...]
    hours: HourReader


@dataclass(slots=True)
class _Left:
    """How many rows a page still skips, and then still needs; None where it has all."""

    skip: int
    rows: int | None

    def needed(self) -> int | None:
        """How many rows are read for them."""
        return None if self.rows is None else self.skip + self.rows


class RowReader:
    """Reads the rows of one query in one view, as of the query's revision, or of the present one."""

    def __init__(self, view: View, subject: ScopedSubject, query: Query, now: Instant) -> None:
        """Zones are those of the points at `now`."""
        self._view, self._query = view, query
        self.revision = view.revision if query.revision is None else min(query.revision, view.revision)
        last = stored_rows.last_restatement(view.transaction, view.organization)
        self._restated = last > self.revision
        reads_texts = query.phase is Phase.TEXT or query.with_text
        self._marked = reads_texts and has_spam_marks(view.transaction, view.organization)
        spans = spans_of(view, subject, query.within, now)
        self._spans = spans[::-1] if query.descending else spans

    def rows(self) -> Generator[FeedbackRow]:
        """The rows after the query's sort key, or else after its offset, up to its limit."""
        left = _Left(0 if self._query.after else self._query.offset, self._query.limit)
        for span in self._spans:
            rest, left.skip = self._skip_hours(self._from_sort_key(span), left.skip)
            by_press = self._is_by_press(rest)
            if self._is_in_order(rest, by_press=by_press):
                yield from self._in_order(rest, left, by_press=by_press)
            else:
                yield from self._of_tiles(rest, left, by_press=by_press)
            if left.rows == 0:
                return

    def _in_order(self, span: Span, left: _Left, *, by_press: bool) -> Iterator[FeedbackRow]:
        """The rows of a span by one statement, in which the engine skips; only if it skips all are they counted."""
        rows = self._read(span, span.start, span.end, by_press=by_press, offset=left.skip, limit=left.rows)
        read = 0
        for row in rows:
            read += 1
            yield row
        if left.rows is not None:
            left.rows -= read
        if left.skip:
            left.skip -= left.skip if read else self._count(span, by_press=by_press)

    def _of_tiles(self, span: Span, left: _Left, *, by_press: bool) -> Iterator[FeedbackRow]:
        """The rows of a span, tile by tile."""
        for start, end in self._tiles(span, left.needed, by_press=by_press):
            rows = self._read(span, start, end, by_press=by_press, limit=left.needed())
            left.skip -= sum(1 for _ in islice(rows, left.skip))
            if left.rows is None:
                yield from rows
                continue
            while part := list(islice(rows, _BATCH)):
                yield from part
                left.rows -= len(part)
            if not left.rows:
                return

    def total(self) -> int:
        """The number of rows of the query without offset and limit, at the present revision."""
        if self._query.phase is Phase.BUTTON:
            return sum(self._presses_between(span, span.start, span.end) for span in self._spans)
        return sum(self._count(span, by_press=self._is_by_press(span)) for span in self._spans)

    def _count(self, span: Span, *, by_press: bool) -> int:
        """The number of rows of a span, counted one by one."""
        source = self._view.transaction, self._view.organization
        return stored_rows.count(*source, self._selection(span, by_press=by_press), span.start, span.end)

    def tally(
        self, columns: Sequence[str], hour_filter: HourFilter, smileys: Sequence[int] | None
    ) -> Counter[tuple[Any, ...]]:
        """How many answers of the query have which values of columns; see `store.rows.tally`."""
        source, totals = (self._view.transaction, self._view.organization), Counter[tuple[Any, ...]]()
        for span in self._spans:
            selection = self._selection(span, by_press=self._is_by_press(span))
            arguments = *source, selection, span.start, span.end, columns
            for *values, number in stored_rows.tally(*arguments, hour_filter=hour_filter, smileys=smileys):
                totals[tuple(values)] += int(number)
        return totals

    def csv(self) -> Generator[bytes]:
        """All presses of the query as lines of CSV, misuse too, at the present revision."""
        source = self._view.transaction, self._view.organization
        for span in map(_bounded, self._spans):
            yield from csv_chunks(*source, span.assignments, span.start, span.end, self._csv_parts(span))

    def _csv_parts(self, span: Span) -> Iterator[RowRange]:
        """A span in parts of as many rows as one chunk of CSV may have, by the hours."""
        most = min(CSV_ROWS, max(_FEW_CSV_ROWS, _CSV_ROWS_EACH * len(span.assignments)))
        for start in range(span.start, span.end, _SIZES_MS):
            end = min(span.end, start + _SIZES_MS)
            yield from ranges_of_at_most(span.hours.sizes(start - HOUR_MS + 1, end, misuse=True), start, end, most)

    # Statements

    def _selection(self, span: Span, *, by_press: bool) -> Selection:
        """The store's selection of rows for a span."""
        query = self._query
        return Selection(
            query.phase, span.assignments, self.revision, query.misuse, query.spam, self._restated, query.descending,
            by_press, query.with_text, query.chosen, self._marked,
        )  # fmt: skip

    def _read(
        self, span: Span, start: Instant, end: Instant, *, by_press: bool, offset: int = 0, limit: int | None
    ) -> Iterator[FeedbackRow]:
        """The rows of a span in [start, end)."""
        selection = self._selection(span, by_press=by_press)
        source = self._view.transaction, self._view.organization, selection, start, end
        return stored_rows.rows(*source, after=self._query.after, offset=offset, limit=limit)

    def _is_in_order(self, span: Span, *, by_press: bool) -> bool:
        """Whether an index gives the rows of a span in their order, so that one statement reads them all unsorted."""
        if self._query.phase is Phase.BUTTON or by_press:
            return len(span.assignments) == 1 and not self._restated
        return True

    def _is_by_press(self, span: Span) -> bool:
        """Whether reading the presses of a span with their answers takes fewer rows than reading all answers in it."""
        if self._query.phase is Phase.BUTTON:
            return False
        if SMALL_SCOPE * len(span.assignments) >= len(self._view.layout.assignments):
            return False
        answers = self._view.transaction, self._view.organization, self._query.phase, span.start, span.end
        if not stored_rows.has_more_answers(*answers, FEW_ANSWERS):
            return False
        presses = span.hours.total(span.start - HOUR_MS, span.end, misuse=self._query.misuse)
        return stored_rows.has_more_answers(*answers, presses)

    # Skipping

    def _from_sort_key(self, span: Span) -> Span:
        """The part of a span that begins with the instant of the query's sort key, in the direction of reading."""
        if self._query.after is None:
            return span
        at = self._query.after.at
        if self._query.descending:
            return span._replace(end=max(span.start, min(span.end, at + 1)))
        return span._replace(start=min(span.end, max(span.start, at)))

    def _skip_hours(self, span: Span, skip: int) -> tuple[Span, int]:
        """The span without the hours whose rows are all skipped, and the number of rows still to skip in the rest.

        It works for presses of the present revision, which hours count; other rows are skipped one by one.
        """
        if not skip or self._restated or self._query.phase is not Phase.BUTTON or span.start >= span.end:
            return span, skip
        axis = Axis(self._query.descending)
        edge, rows = self._edge(span, axis, skip)
        start, end = axis.read_before(span.start, span.end, edge)
        rest = span._replace(end=start) if self._query.descending else span._replace(start=end)
        return rest, skip - self._presses_between(span, start, end, rows)

    def _edge(self, span: Span, axis: Axis, skip: int) -> tuple[int, int]:
        """The last edge of an hour on the axis before which hours with at most `skip` rows begin, and their rows.

        Bisection adds up the hours of a long span in the engine without a list of them; the last two days are listed.
        """
        low, high = axis.ends(span.start, span.end)
        first, skipped = low - HOUR_MS + 1, 0
        while high - low > FIRST_RANGE_MS:
            middle = (low + high) // 2 // HOUR_MS * HOUR_MS
            part = span.hours.total(*axis.hour_starts(first, middle), misuse=self._query.misuse)
            if skipped + part > skip:
                high = middle
            else:
                first, low, skipped = middle, middle, skipped + part
        sizes = span.hours.sizes(*axis.hour_starts(first, high), misuse=self._query.misuse)
        for starts_at, rows in axis.hours(sizes):
            if skipped + rows > skip:
                return max(low, axis.hour(starts_at)), skipped
            skipped += rows
        return high, skipped

    def _presses_between(self, span: Span, start: Instant, end: Instant, in_hours: int | None = None) -> int:
        """The number of presses of a span in [start, end): those of the hours that overlap it, corrected at its ends.

        `in_hours` is the number in the hours that overlap it, if known. Hours that reach beyond it, as at the ends of
        a period or in zones with offsets of :30 and :45, are subtracted, and their presses in it are counted in rows.
        """
        if start >= end:
            return 0
        misuse = self._query.misuse
        if in_hours is None:
            in_hours = span.hours.total(start - HOUR_MS + 1, end, misuse=misuse)
        edges = (start - HOUR_MS + 1, start), (end - HOUR_MS + 1, end)
        cut = dict(chain.from_iterable(span.hours.sizes(*edge, misuse=misuse) for edge in edges))
        if not cut:
            return in_hours
        rows = self._view.transaction, self._view.organization, span.assignments, start, end
        return in_hours - sum(cut.values()) + stored_rows.count_in_cut_hours(*rows, misuse=misuse)

    # Tiles

    def _tiles(self, span: Span, needed: Callable[[], int | None], *, by_press: bool) -> Iterator[Tile]:
        """The span cut into tiles of about as many rows as are still needed, so that the engine sorts few others.

        Answers are read in the order of their index and need no tiles. At an old revision a tile may have no rows,
        although its hours have some now; therefore tiles grow, and few empty ones are read.
        """
        if self._query.phase is not Phase.BUTTON and not by_press:
            yield span.start, span.end
            return
        span = _bounded(span)
        misuse, descending = self._query.misuse, self._query.descending
        least = MIN_TILE_ROWS

        def rows() -> int:
            return MAX_TILE_ROWS if (count := needed()) is None else max(least, count + count // 32 + 3 * isqrt(count))

        for start, end in growing_ranges(span.start, span.end, descending=descending):
            sizes = span.hours.sizes(start - HOUR_MS + 1, end, misuse=misuse)
            if sizes or self._restated:
                yield from tiles_of(sizes, start, end, rows, descending=descending)
            least = min(4 * least, MAX_TILE_ROWS)


# --- spans -----------------------------------------------------------------------------------------------------------


def spans_of(view: View, subject: ScopedSubject, within: Within, now: Instant) -> list[Span]:
    """The spans of a query in order of time: one, or several if the zones of its points have different ranges.

    The ranges are cut at the ends of all of them: near the ends of a period of dates only the points of some zones are
    in it, in between all are.
    """
    all_hours = hours_of(view, subject)
    if isinstance(within, InstantRange):
        span = Span(within.start, within.end, subject.assignments, all_hours)
        return [span] if subject.assignments and span.start < span.end else []
    zones = _by_zone(view.layout, subject.assignments, now)
    ranges = {zone: within[zone] for zone in zones if zone in within}
    edges = sorted({edge for instants in ranges.values() for edge in (instants.start, instants.end)})
    spans = []
    for start, end in pairwise(edges):
        inside = [zone for zone, instants in ranges.items() if instants.start <= start and end <= instants.end]
        if inside:
            assignments = tuple(sorted(chain.from_iterable(zones[zone] for zone in inside)))
            hours = all_hours if len(inside) == len(zones) else HourReader(view, AssignmentHours(assignments))
            spans.append(Span(start, end, assignments, hours))
    return spans


def _bounded(span: Span) -> Span:
    """A span longer than LONG_SPAN_MS, cut to the time in which there are hours; others as they are."""
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
