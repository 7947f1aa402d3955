"""Rows of feedback: pages of any listing, raw results, answers after them, and raw results as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from hymio.access import Principal
from hymio.period import Instant, InstantRange
from hymio.results.last_change import LastChange, change_in_view
from hymio.results.reader import Query, RowReader
from hymio.results.subject import EVERYTHING, RowSubject, in_scope, open_view
from hymio.setup import Layout
from hymio.store import Store
from hymio.store.rows import FeedbackRow, Phase, has_texts


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as of `revision`, streamed; `layout` is the present set-up.

    `changed` gives the last change of the present revision to what the query selects.
    """

    revision: int
    layout: Layout
    rows: Iterator[FeedbackRow]
    changed: Callable[[], LastChange]


@contextmanager
def rows(store: Store, principal: Principal, query: Query, now: Instant) -> Iterator[Rows]:
    """Rows of any phase, in one consistent view that lasts as long as the context.

    Every page costs the same, however far it is, if `query` has the sort key and the revision of the page before. A
    revision of the future counts as the present one. Zones are those of the points at `now`. Forbidden without the
    permission to read results (and contact details, if they are the phase), without the phase's kind of data, or where
    raw results are switched off; NotFound for a subject that does not exist or is outside the scope.
    """
    principal.require_raw_results()
    with open_view(store, principal, query.phase) as view:
        subject = in_scope(view, query.subject)
        reader = RowReader(view, subject, query, now)
        with closing(reader.rows()) as feedback:
            yield Rows(reader.revision, view.layout, feedback, partial(change_in_view, view, subject, query.within))


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows of the present revision in order of instant, then key; `total` is their number without offset and limit."""

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
    """Raw results with instants in a range, with misuse, each with its text if one was written.

    Raises the errors of `rows`; the principal needs the kinds of data of buttons and of texts.
    """
    principal.require_raw_results()
    query = Query(subject, within, misuse=True, offset=offset, limit=limit, with_text=True)
    with _raw(store, principal, query) as selected:
        yield selected


@contextmanager
def answers(
    store: Store,
    principal: Principal,
    subject: RowSubject,
    within: InstantRange = EVERYTHING,
    offset: int = 0,
    limit: int | None = None,
    *,
    phase: Phase,
    chosen: bool = False,
) -> Iterator[Raw]:
    """The texts, follow-up options or other answers of a phase that were given after raw results, one per row.

    With `chosen` only follow-ups with an option, without the questions that were left without a choice. Raises the
    errors of `rows`, except that raw results may be switched off.
    """
    query = Query(subject, within, phase, misuse=True, offset=offset, limit=limit, chosen=chosen)
    with _raw(store, principal, query) as selected:
        yield selected


class RawCsv(NamedTuple):
    """The number of lines, and the lines, in chunks of whole lines; `store.export.HEADER` names the columns."""

    total: int
    chunks: Iterator[bytes]


@contextmanager
def raw_csv(
    store: Store, principal: Principal, subject: RowSubject, within: InstantRange = EVERYTHING
) -> Iterator[RawCsv]:
    """Raw results as lines of CSV, written in the engine: the rows of `raw` in their order. Errors as for `rows`."""
    principal.require_raw_results()
    with open_view(store, principal, Phase.BUTTON) as view:
        reader = RowReader(view, in_scope(view, subject), Query(subject, within, misuse=True), 0)
        total = reader.total()
        # If the caller stops early, the statement must be closed before the transaction of the view ends.
        with closing(reader.csv()) as chunks:
            yield RawCsv(total, chunks)


@contextmanager
def _raw(store: Store, principal: Principal, query: Query) -> Iterator[Raw]:
    """Opens the rows of a query in one snapshot."""
    phases = (query.phase, Phase.TEXT) if query.with_text else (query.phase,)
    with open_view(store, principal, *phases) as view:
        if query.with_text and not has_texts(view.transaction, view.organization):
            query = replace(query, with_text=False)
        reader = RowReader(view, in_scope(view, query.subject), query, 0)
        with closing(reader.rows()) as feedback:
            yield Raw(view.revision, reader.total(), feedback)
