"""Feedback rows one by one: pages of any listing, all raw results of a subject with what was answered, or as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from hymio.access import Principal
from hymio.period import Instant, InstantRange
from hymio.results.reader import Query, RowReader
from hymio.results.subject import EVERYTHING, RowSubject, reached, viewed
from hymio.setup import Layout
from hymio.store import Store
from hymio.store.rows import FeedbackRow, Phase, has_texts


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as of `revision`, streamed; `present` and `layout` are the revision and the set-up of the view."""

    revision: int
    present: int
    layout: Layout
    rows: Iterator[FeedbackRow]


@contextmanager
def rows(store: Store, principal: Principal, query: Query, now: Instant) -> Iterator[Rows]:
    """Rows of any phase, in one consistent view that lasts as long as the context.

    Every page costs the same, however far it is, if `query` has the sort key and the revision of the page before. A
    revision of the future counts as the present one. Zones are those of the points at `now`. Forbidden without the
    permission to read results (and contact details, if they are the phase), without the phase's kind of data, or where
    raw results are switched off; NotFound for a subject that is not there or not in the principal's subtree.
    """
    principal.require_raw_results()
    with viewed(store, principal, query.phase) as view:
        reader = RowReader(view, reached(view, query.subject), query, now)
        with closing(reader.rows()) as found:
            yield Rows(reader.revision, view.revision, view.layout, found)


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows of the present revision in order of instant, then key; `total` is how many there are without the page."""

    revision: int
    total: int
    rows: Iterator[FeedbackRow]


@contextmanager
def raw(
    store: Store,
    principal: Principal,
    subject: RowSubject,
    within: InstantRange = EVERYTHING,
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[Raw]:
    """Raw results with instants in a range, misuse kept, each with its text if one was written. Raises as `rows`,
    and takes the kinds of data of buttons and of texts.
    """
    principal.require_raw_results()
    query = Query(subject, within, misuse=True, offset=offset, limit=limit, with_text=True)
    with _raw(store, principal, query) as found:
        yield found


@contextmanager
def texts(
    store: Store,
    principal: Principal,
    subject: RowSubject,
    within: InstantRange = EVERYTHING,
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[Raw]:
    """The texts that were written after raw results. Raises as `rows`, but not where raw results are switched off."""
    with _raw(store, principal, Query(subject, within, Phase.TEXT, True, offset=offset, limit=limit)) as found:
        yield found


@contextmanager
def followups(
    store: Store,
    principal: Principal,
    subject: RowSubject,
    within: InstantRange = EVERYTHING,
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[Raw]:
    """The follow-up options chosen after raw results, a row each. Raises as `texts`."""
    with _raw(store, principal, Query(subject, within, Phase.FOLLOWUP, True, offset=offset, limit=limit)) as found:
        yield found


class RawCsv(NamedTuple):
    """How many lines there are, and the lines, in chunks of whole ones; `store.export.HEADER` names the columns."""

    total: int
    chunks: Iterator[bytes]


@contextmanager
def raw_csv(
    store: Store, principal: Principal, subject: RowSubject, within: InstantRange = EVERYTHING
) -> Iterator[RawCsv]:
    """Raw results as lines of CSV, written in the engine: the rows of `raw`, in the same order. Raises as `rows`."""
    principal.require_raw_results()
    with viewed(store, principal, Phase.BUTTON) as view:
        reader = RowReader(view, reached(view, subject), Query(subject, within, misuse=True), 0)
        total = reader.total()
        # Left before its end, a statement that still sends rows must be ended before the view is.
        with closing(reader.csv()) as chunks:
            yield RawCsv(total, chunks)


@contextmanager
def _raw(store: Store, principal: Principal, query: Query) -> Iterator[Raw]:
    """Opens the rows of a query in one snapshot."""
    phases = (query.phase, Phase.TEXT) if query.with_text else (query.phase,)
    with viewed(store, principal, *phases) as view:
        if query.with_text and not has_texts(view.transaction, view.organization):
            query = replace(query, with_text=False)
        reader = RowReader(view, reached(view, query.subject), query, 0)
        with closing(reader.rows()) as found:
            yield Raw(view.revision, reader.total(), found)
