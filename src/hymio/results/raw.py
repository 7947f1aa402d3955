"""Raw results of a subject, misuse kept, with what came after the button, as values or as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import starmap
from typing import NamedTuple

from hymio.feedback import Text
from hymio.period import HOUR_MS, Instant, InstantRange, nominal_start
from hymio.results.listing import skipped
from hymio.results.subject import EVERYTHING, OfNode, Subject, assignments_of, revision_in
from hymio.setup import Layout
from hymio.store import Store
from hymio.store import feedback as reading
from hymio.store.dialect import Row, Transaction
from hymio.store.export import csv_chunks


class RawRow(NamedTuple):
    """One raw result; `text` where one was given and asked for, `option` in follow-ups."""

    at: Instant
    offset: int
    button: int
    accuracy: int
    verdict: int
    smiley: int
    epoch: int
    sequence: int
    text: Text | None = None
    option: int | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows in order of instant, then key; `total` is how many there are without offset and limit."""

    revision: int
    total: int
    rows: Iterator[RawRow]


@contextmanager
def raw(
    store: Store,
    organization: int,
    subject: Subject,
    within: InstantRange = EVERYTHING,
    offset: int = 0,
    limit: int | None = None,
    *,
    texts: bool = True,
) -> Iterator[Raw]:
    """Raw results with instants in a range, in one consistent view that lasts as long as the context.

    `total` comes from the hours; only those cut by the ends of the range are counted row by row.
    """
    with store.read() as transaction:
        layout = store.layout_now(transaction, organization)
        assignments = assignments_of(layout, subject)
        phase = "any text" if texts and reading.has_texts(transaction, organization) else ""
        start, skip = skipped(transaction, layout, subject, within, offset)
        rows = reading.raw_rows(
            transaction, organization, assignments, start, within.end, phase=phase, offset=skip, limit=limit
        )
        total = _total(transaction, layout, subject, within)
        yield Raw(
            revision_in(transaction, organization), total, map(_with_text, rows) if phase else starmap(RawRow, rows)
        )


@contextmanager
def texts(
    store: Store,
    organization: int,
    subject: Subject,
    within: InstantRange = EVERYTHING,
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[Raw]:
    """The raw results that have a text phase."""
    with _phase(store, organization, subject, within, offset, limit, "text") as (revision, total, rows):
        yield Raw(revision, total, map(_with_text, rows))


@contextmanager
def followups(
    store: Store,
    organization: int,
    subject: Subject,
    within: InstantRange = EVERYTHING,
    offset: int = 0,
    limit: int | None = None,
) -> Iterator[Raw]:
    """The follow-up options chosen, one row each, with the raw result they follow."""
    with _phase(store, organization, subject, within, offset, limit, "followup") as (revision, total, rows):
        yield Raw(revision, total, (RawRow._make((*row[:8], None, row[8])) for row in rows))


class RawCsv(NamedTuple):
    """How many lines there are, and the lines, in chunks of whole ones; `store.export.HEADER` names the columns."""

    total: int
    chunks: Iterator[bytes]


@contextmanager
def raw_csv(store: Store, organization: int, subject: Subject, within: InstantRange = EVERYTHING) -> Iterator[RawCsv]:
    """The raw results as lines of CSV, written in the engine: the same rows as `raw`, in the same order."""
    with store.read() as transaction:
        layout = store.layout_now(transaction, organization)
        assignments = assignments_of(layout, subject)
        total = _total(transaction, layout, subject, within)
        chunks = csv_chunks(transaction, organization, assignments, within.start, within.end)
        # Left before its end, a copy must be ended first: the connection takes no other word until then.
        with closing(chunks):
            yield RawCsv(total, chunks)


def _total(transaction: Transaction, layout: Layout, subject: Subject, within: InstantRange) -> int:
    """Whole hours from their counts; rows of the two hours that the ends of the range cut are counted one by one.

    The presses of an hour lie within one from its nominal start, so it is whole if that lies an hour before the end.
    """
    assignments = assignments_of(layout, subject)
    organization, last = layout.organization, within.end - HOUR_MS
    if not assignments or last < within.start + HOUR_MS:
        return reading.raw_count(transaction, organization, assignments, within.start, within.end) if assignments else 0
    if isinstance(subject, OfNode) and not layout.hierarchy.nodes[subject.node].is_point:
        whole = reading.group_total(transaction, organization, subject.node, subject.survey, within.start, last + 1)
    else:
        whole = reading.hour_total(transaction, organization, assignments, within.start, last + 1)
    cut_first = reading.counts_by_hour(transaction, organization, assignments, within.start, within.start + HOUR_MS)
    cut_last = reading.counts_by_hour(transaction, organization, assignments, last, within.end)
    before = sum(count for (hour, offset), count in cut_first if nominal_start(hour, offset) < within.start)
    after = sum(count for (hour, offset), count in cut_last if nominal_start(hour, offset) > last)
    return whole + before + after


def _with_text(row: Row) -> RawRow:
    if row[8] is None and row[9] is None and row[10] is None:
        return RawRow(*row[:8])
    return RawRow._make((*row[:8], Text(row[8], row[9], None if row[10] is None else bool(row[10])), None))


@contextmanager
def _phase(
    store: Store, organization: int, subject: Subject, within: InstantRange, offset: int, limit: int | None, phase: str
) -> Iterator[tuple[int, int, Iterator[Row]]]:
    with store.read() as transaction:
        assignments = assignments_of(store.layout_now(transaction, organization), subject)
        rows = reading.raw_rows(
            transaction, organization, assignments, within.start, within.end, phase=phase, offset=offset, limit=limit
        )
        total = reading.raw_count(transaction, organization, assignments, within.start, within.end, phase)
        yield revision_in(transaction, organization), total, rows
