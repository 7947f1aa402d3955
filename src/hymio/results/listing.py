"""Feedbacks one by one, of any node, a page at a time: the same cost on every page, nothing twice, nothing missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hymio.period import DAY_MS, HOUR_MS, Instant, InstantRange
from hymio.results.subject import OfNode, Subject, assignments_of, node_of, revision_in
from hymio.setup import Layout
from hymio.store import Store, listing
from hymio.store.dialect import Row, Transaction
from hymio.store.listing import Groups, Phase, Place, Selection, Source

_FIRST_LOOK = 2 * DAY_MS
"""How far the hours are looked at at first for where a page's rows lie; then further and further."""

_FEWEST, _MOST = 500, 50_000
"""Rows that a tile holds, about: at first, and as it grows."""

_FEW = 30
"""One assignment in so many, or less, may have so few presses that what came after them is looked up press by press."""

_QUICKLY = 20_000
"""What came after presses, where there is no more of it than this, is gone through whatever is listed."""

_FINEST = 1_000
"""Into how many parts an hour is cut at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is listed. `within` gives the instants that are meant in a zone; `node` is seen with all below it.

    `after` is the place at which the page before ended, and `revision` the one that it was read at; without them a
    listing begins anew, `offset` rows on.
    """

    phase: Phase
    node: int
    survey: int | None
    within: Callable[[ZoneInfo], InstantRange]
    misuse: bool = False
    spam: bool = True
    descending: bool = False
    offset: int = 0
    limit: int = 1_000
    after: Place | None = None
    revision: int | None = None


class Listed(NamedTuple):
    """Rows, one more than wanted where there are more, the revision that they are of, and the view's own
    revision and set-up.

    A row holds instant (ms UTC), offset (minutes), button, verdict, smiley, epoch, sequence, ui and assignment, then
    the phase's own columns (`Phase.columns`).
    """

    revision: int
    present: int
    rows: Iterator[Row]
    layout: Layout


class _Span(NamedTuple):
    """Instants [start, end) in which the same assignments are listed; `whole`: all that the node has."""

    start: Instant
    end: Instant
    assignments: tuple[int, ...]
    whole: bool


@contextmanager
def listed(store: Store, organization: int, wanted: Wanted, now: Instant) -> Iterator[Listed]:
    """A page, in one consistent view that lasts as long as the context. A revision of the future counts as the present.

    Zones are those of today at each point.
    """
    with store.read() as transaction:
        layout = store.layout_now(transaction, organization)
        present = revision_in(transaction, organization)
        revision = present if wanted.revision is None else min(wanted.revision, present)
        reader = _Reader(transaction, layout, wanted, revision)
        yield Listed(revision, present, reader.page(_spans(layout, wanted, now)), layout)


def place_of(row: Row, phase: Phase) -> Place:
    """The place of a row in the order, from which a page may go on."""
    at, _, _, _, smiley, epoch, sequence, _, _, *columns = row
    return (at, smiley, epoch, sequence, *columns[: len(phase.order)])


def skipped(
    transaction: Transaction, layout: Layout, subject: Subject, within: InstantRange, skip: int
) -> tuple[Instant, int]:
    """From which instant raw results of a subject are to be read to skip so many, and how many of those are left then.

    The hours say how many lie before; only those that are cut are counted row by row.
    """
    if not skip:
        return within.start, 0
    node, survey = node_of(layout, subject), subject.survey if isinstance(subject, OfNode) else None
    wanted = Wanted(Phase.BUTTON, node, survey, lambda _: within, misuse=True)
    span = _Span(within.start, within.end, tuple(assignments_of(layout, subject)), isinstance(subject, OfNode))
    rest, left = _Reader(transaction, layout, wanted, revision_in(transaction, layout.organization)).beyond(span, skip)
    return rest.start, left


# --- which assignments when ------------------------------------------------------------------------------------------


def _spans(layout: Layout, wanted: Wanted, now: Instant) -> list[_Span]:
    """The range of each zone, cut where that of another begins or ends, in order of time.

    At the ends of a period some zones are in it and others are not; in between, all are.
    """
    zones = _by_zone(layout, wanted, now)
    ranges = {zone: wanted.within(zone) for zone in zones}
    edges = sorted({edge for each in ranges.values() for edge in (each.start, each.end)})
    spans = []
    for start, end in pairwise(edges):
        inside = [zone for zone, its in ranges.items() if its.start <= start and end <= its.end]
        if inside:
            assignments = tuple(sorted(each for zone in inside for each in zones[zone]))
            spans.append(_Span(start, end, assignments, len(inside) == len(zones)))
    return spans


def _by_zone(layout: Layout, wanted: Wanted, now: Instant) -> dict[ZoneInfo, list[int]]:
    """The assignments that are listed, by the zone of their points."""
    found: dict[ZoneInfo, list[int]] = {}
    for point in layout.hierarchy.points(wanted.node):
        asked = [each.id for each in layout.assignments_at(point.id) if wanted.survey in (None, each.survey)]
        if asked:
            found.setdefault(layout.zone_of(point.id, now), []).extend(asked)
    return found


# --- reading ---------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads one page in one transaction."""

    def __init__(self, transaction: Transaction, layout: Layout, wanted: Wanted, revision: int) -> None:
        self._transaction, self._setup, self._wanted = transaction, layout, wanted
        self._revision = revision
        self._restated = listing.last_restated(transaction, layout.organization) > revision

    def page(self, spans: Sequence[_Span]) -> Iterator[Row]:
        """The rows from the place, or else from the offset on, one more than the limit."""
        skip, left = (0 if self._wanted.after else self._wanted.offset), self._wanted.limit + 1
        for span in reversed(spans) if self._wanted.descending else spans:
            rest, skip = self.beyond(self._from_place(span), skip)
            few = self._has_few(rest)
            for start, end in self._tiles(rest, skip + left, few=few):
                for row in self._rows(rest, start, end, skip + left, few=few):
                    if skip:
                        skip -= 1
                        continue
                    yield row
                    left -= 1
                    if not left:
                        return

    def _has_few(self, span: _Span) -> bool:
        """Whether so few presses are listed, by so many of the phase, that it is found sooner through them."""
        if self._wanted.phase is Phase.BUTTON or _FEW * len(span.assignments) >= len(self._setup.assignments):
            return False
        asked = self._transaction, self._setup.organization, self._wanted.phase, span.start, span.end
        if not listing.has_more(*asked, _QUICKLY):
            return False
        presses = self._sum(span, (span.start - HOUR_MS, span.end))
        return listing.has_more(*asked, presses)

    def _rows(self, span: _Span, start: Instant, end: Instant, limit: int, *, few: bool) -> Iterator[Row]:
        wanted = self._wanted
        of = Selection(
            wanted.phase, span.assignments, wanted.misuse, wanted.spam, self._revision, self._restated,
            wanted.descending, few,
        )  # fmt: skip
        return listing.rows(self._transaction, self._setup.organization, of, start, end, wanted.after, limit)

    def _from_place(self, span: _Span) -> _Span:
        if self._wanted.after is None:
            return span
        at = _instant(self._wanted.after)
        if self._wanted.descending:
            return span._replace(end=max(span.start, min(span.end, at + 1)))
        return span._replace(start=min(span.end, max(span.start, at)))

    def _source(self, span: _Span) -> Source:
        """A group's own hours where they are exactly what is listed: one row an hour, however many points there are."""
        if not span.whole or self._setup.hierarchy.nodes[self._wanted.node].is_point:
            return span.assignments
        asked = {self._setup.assignments[each].survey for each in span.assignments}
        buttons = {each: self._setup.surveys[each].scale.buttons for each in asked}
        if self._wanted.survey is not None:
            return Groups(self._wanted.node, tuple(buttons.items()))
        return Groups(self._wanted.node, tuple((-each, each) for each in sorted(set(buttons.values()))))

    def _hours(self, span: _Span, start: Instant, end: Instant) -> list[tuple[Instant, int]]:
        asked = self._transaction, self._setup.organization, self._source(span)
        return listing.hours(*asked, start, end, misuse=self._wanted.misuse)

    # Skipping

    def beyond(self, span: _Span, skip: int) -> tuple[_Span, int]:
        """The rest of a span behind hours that lie wholly within what is skipped, and how much is left to skip.

        Only buttons of the present are what the hours count; the others are skipped row by row.
        """
        if not skip or self._restated or self._wanted.phase is not Phase.BUTTON or span.start >= span.end:
            return span, skip
        axis = _Axis(self._wanted.descending)
        edge, held = self._edge(span, axis, skip)
        start, end = axis.range_of(span, edge)
        rest = span._replace(end=start) if self._wanted.descending else span._replace(start=end)
        return rest, skip - self._without_cut(span, start, end, held)

    def _edge(self, span: _Span, axis: _Axis, skip: int) -> tuple[int, int]:
        """Up to where, in the direction of reading, hours begin that together hold no more than is skipped; and how
        much they hold. Found by halves, so that the hours of a year are added up once and no list of them is made.
        """
        first, low, high = axis.ends(span)
        held = 0
        while high - low > _FIRST_LOOK:
            middle = (low + high) // 2 // HOUR_MS * HOUR_MS
            part = self._sum(span, axis.starts(first, middle))
            if held + part > skip:
                high = middle
            else:
                first, low, held = middle, middle, held + part
        for at, count in axis.in_order(self._hours(span, *axis.starts(first, high))):
            if held + count > skip:
                return max(low, axis.place(at)), held
            held += count
        return high, held

    def _sum(self, span: _Span, starts: tuple[Instant, Instant]) -> int:
        asked = self._transaction, self._setup.organization, self._source(span)
        return listing.hour_sum(*asked, *starts, misuse=self._wanted.misuse)

    def _without_cut(self, span: _Span, start: Instant, end: Instant, held: int) -> int:
        """How many feedbacks lie in [start, end), of whose hours is known what they hold in all.

        Of hours that reach beyond it, as those of zones with :30 and :45 do, the rows inside are counted one by one.
        """
        if start == end:
            return 0
        around = self._hours(span, start - HOUR_MS + 1, start), self._hours(span, end - HOUR_MS + 1, end)
        cut = dict(chain(*around))
        if not cut:
            return held
        asked = self._transaction, self._setup.organization, span.assignments
        inside = listing.count_of_cut_hours(*asked, start, end, misuse=self._wanted.misuse)
        return held - sum(cut.values()) + inside

    # Cutting into tiles

    def _tiles(self, span: _Span, per: int, *, few: bool) -> Iterator[tuple[Instant, Instant]]:
        """Stretches of a span that hold about as many rows as are wanted, so that little is sorted in vain.

        Phases come in order of time by themselves and need no cutting. A revision of long ago may have had nothing
        where there is much now: the tiles grow, so that few are read in vain.
        """
        if self._wanted.phase is not Phase.BUTTON and not few:
            yield span.start, span.end
            return
        per = max(per, _FEWEST)
        for start, end in _looks(span, descending=self._wanted.descending):
            hours = self._hours(span, start - HOUR_MS + 1, end)
            if hours or self._restated:
                yield from _tiled(hours, start, end, per, descending=self._wanted.descending)
            per = min(4 * per, max(per, _MOST))


def _instant(place: Place) -> Instant:
    return int(str(place[0]))


class _Axis(NamedTuple):
    """Time in the direction of reading: backwards, an instant is its negative, and an hour lies where it ends."""

    descending: bool

    def place(self, at: Instant) -> int:
        """Where the hour of a nominal start begins to be read."""
        return -(at + HOUR_MS) if self.descending else at

    def ends(self, span: _Span) -> tuple[int, int, int]:
        """From where hours may begin that touch a span, where the span begins, and where it ends."""
        low, high = (-span.end, -span.start) if self.descending else (span.start, span.end)
        return low - HOUR_MS + 1, low, high

    def starts(self, low: int, high: int) -> tuple[Instant, Instant]:
        """The nominal starts of the hours whose places lie in [low, high), as a half-open range."""
        return (1 - high - HOUR_MS, 1 - low - HOUR_MS) if self.descending else (low, high)

    def in_order(self, hours: list[tuple[Instant, int]]) -> list[tuple[Instant, int]]:
        """Hours as they are read."""
        return hours[::-1] if self.descending else hours

    def range_of(self, span: _Span, edge: int) -> tuple[Instant, Instant]:
        """The part of a span that is read before an edge."""
        if self.descending:
            return max(span.start, min(span.end, -edge)), span.end
        return span.start, max(span.start, min(span.end, edge))


def _looks(span: _Span, *, descending: bool) -> Iterator[tuple[Instant, Instant]]:
    """A span in stretches that grow, from the end that is read first."""
    length, at = _FIRST_LOOK, 0
    total = span.end - span.start
    while at < total:
        until = min(total, at + length)
        yield (span.end - until, span.end - at) if descending else (span.start + at, span.start + until)
        at, length = until, 4 * length


def _tiled(
    hours: Sequence[tuple[Instant, int]], start: Instant, end: Instant, per: int, *, descending: bool
) -> Iterator[tuple[Instant, Instant]]:
    """[start, end) cut at the edges of hours, so that each tile holds about `per` rows; full hours are cut within."""
    edge, held = (end, 0) if descending else (start, 0)
    for at, count in reversed(hours) if descending else hours:
        held += count
        if held >= per:
            cut = min(max(at if descending else at + HOUR_MS, start), end)
            yield from _cut(min(edge, cut), max(edge, cut), held, per, descending=descending)
            edge, held = cut, 0
    rest = (start, edge) if descending else (edge, end)
    if rest[0] < rest[1]:
        yield rest


def _cut(
    start: Instant, end: Instant, held: int, per: int, *, descending: bool
) -> Iterator[tuple[Instant, Instant]]:  # fmt: skip
    parts = min(ceil(held / per), _FINEST, end - start) if held > 2 * per else 1
    edges = [start + (end - start) * part // parts for part in range(parts + 1)] if end > start else []
    pairs = list(pairwise(edges))
    return iter(pairs[::-1] if descending else pairs)
