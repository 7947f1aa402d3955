"""Hourly results at any grain, as of any revision, and how raw comes to counted, hour by hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any, NamedTuple

from hymio.feedback import Verdict
from hymio.period import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Grain,
    Instant,
    InstantRange,
    bucket_of,
    nominal_start,
)
from hymio.results.clock import Clock
from hymio.results.complete import is_complete, untold
from hymio.results.subject import (
    EVERYTHING,
    OfAssignment,
    Subject,
    assignments_of,
    buttons_of,
    revision_in,
)
from hymio.rollup import Counts, no_counts
from hymio.setup import Layout
from hymio.store import Store
from hymio.store import feedback as reading
from hymio.store.dialect import Transaction
from hymio.store.listing import counts_then


class Bucket(NamedTuple):
    """The results of an hour, day, week, month or year; `verdicts` has counts per button for each that occurs."""

    starts_at: Instant
    offset: int
    verdicts: Mapping[int, tuple[int, ...]]
    revision: int
    hour: int
    """The local hour with which it begins; facts alone tell it, whatever zone is set today."""

    @property
    def counted(self) -> tuple[int, ...]:
        """The results with misuse left out, per button index."""
        return self.verdicts.get(Verdict.COUNTED) or tuple(0 for _ in next(iter(self.verdicts.values())))

    @property
    def raw(self) -> tuple[int, ...]:
        """All results, misuse kept, per button index."""
        return tuple(map(sum, zip(*self.verdicts.values(), strict=True)))

    @property
    def misuse(self) -> dict[Verdict, tuple[int, ...]]:
        """What was left out, per reason."""
        return {Verdict(each): counts for each, counts in self.verdicts.items() if each != Verdict.COUNTED}


@dataclass(frozen=True, slots=True)
class Hourly:
    """Buckets in order of time, empty ones left out, and the revision they are of."""

    revision: int
    buckets: tuple[Bucket, ...]


def hourly(
    store: Store,
    organization: int,
    subject: Subject,
    within: InstantRange = EVERYTHING,
    grain: Grain = Grain.HOUR,
    as_of: int | None = None,
) -> Hourly:
    """The results of the hours that start within a range, grouped by the wall clock of the subject.

    With `as_of`, the numbers as they were at that revision. Counts of a group over several zones add equal wall-clock
    hours, and a bucket is then stamped in the group's own zone; where all points have one zone, in that. NotFound for
    an unknown subject.
    """
    with store.read() as transaction:
        layout = store.layout_now(transaction, organization)
        return _hourly(transaction, layout, subject, within, grain, as_of)


def _hourly(
    transaction: Transaction,
    layout: Layout,
    subject: Subject,
    within: InstantRange,
    grain: Grain,
    as_of: int | None = None,
) -> Hourly:
    revision = revision_in(transaction, layout.organization)
    clock = Clock(layout, subject)
    hours = _hours(transaction, layout, subject, clock, within)
    if as_of is not None and as_of < revision:
        hours = _as_of(transaction, layout, subject, list(hours), as_of)
        revision = as_of
    return Hourly(revision, tuple(_bucketed(clock, hours, grain)))


class Reconciled(NamedTuple):
    """How an hour's raw results come to its counted ones: `raw = counted + the sum of misuse`, per button index."""

    bucket: Bucket
    complete: bool


def reconcile(
    store: Store, organization: int, subject: Subject, within: InstantRange, now: Instant
) -> tuple[Reconciled, ...]:
    """The hours of a subject with misuse by reason, and whether each is complete: all smileys have told all of it.

    An hour of a group over several zones is complete when it is at each point, as often as the clocks there show it.
    """
    with store.read() as transaction:
        layout = store.layout_now(transaction, organization)
        found = _hourly(transaction, layout, subject, within, Grain.HOUR)
        reported = reading.reported_through(transaction, organization)
    several = Clock(layout, subject).several
    missing = untold(layout, assignments_of(layout, subject), reported, now)
    return tuple(
        Reconciled(each, is_complete(missing, each.hour, None if several else each.offset)) for each in found.buckets
    )


class _Hour(NamedTuple):
    """A stored hour under one verdict, with its first instant and its offset, which the nominal start tells."""

    first: Instant
    offset: int
    hour: int
    verdict: int
    revision: int
    counts: tuple[int, ...]


# By name they take twice as long, and a year has thousands.
_made_hour: Callable[[tuple[Any, ...]], _Hour] = partial(tuple.__new__, _Hour)
_made_bucket: Callable[[tuple[Any, ...]], Bucket] = partial(tuple.__new__, Bucket)


def _hours(
    transaction: Transaction, layout: Layout, subject: Subject, clock: Clock, within: InstantRange
) -> Iterator[_Hour]:
    """The stored hours whose first instants lie in a range.

    Hours of a group come from its own rows, those of a point or assignment from the assignments'.
    """
    assignments = assignments_of(layout, subject)
    start, end, buttons = within.start - HOUR_MS, within.end, buttons_of(layout, subject)
    if isinstance(subject, OfAssignment) or layout.hierarchy.nodes[subject.node].is_point:
        rows = reading.assignment_hours(transaction, layout.organization, assignments, start, end, buttons)
    else:
        rows = reading.group_hours(transaction, layout.organization, subject.node, subject.survey, start, end, buttons)
    low, high, first_of = within.start, within.end, clock.first
    for row in rows:
        hour, full, verdict, revision = row[:4]
        offset = (hour * HOUR_MS - full) // MINUTE_MS
        first = first_of(hour, offset)
        if low <= first < high:
            yield _made_hour((first, offset, hour, verdict, revision, row[4:]))


def _bucketed(clock: Clock, hours: Iterable[_Hour], grain: Grain) -> Iterator[Bucket]:
    """Hours grouped by first instant, or by wall clock where the grain is coarser or the zones are several."""
    stamp = None if grain is Grain.HOUR and not clock.several else clock.stamps(grain)
    grouped: dict[tuple[Instant, int, int], tuple[dict[int, tuple[int, ...]], list[int]]] = {}
    for first, offset, hour, verdict, revision, counts in hours:
        if not any(counts):
            continue
        key = (first, offset, hour) if stamp is None else stamp(bucket_of(hour, grain))
        known = grouped.get(key)
        if known is None:
            grouped[key] = {verdict: counts}, [revision]
            continue
        verdicts, revisions = known
        before = verdicts.get(verdict)
        verdicts[verdict] = counts if before is None else tuple(map(add, before, counts))
        revisions.append(revision)
    for key in sorted(grouped):
        verdicts, revisions = grouped[key]
        yield _made_bucket((key[0], key[1], verdicts, max(revisions), key[2]))


def _as_of(
    transaction: Transaction, layout: Layout, subject: Subject, hours: list[_Hour], as_of: int
) -> Iterator[_Hour]:  # fmt: skip
    """Untouched hours as they are; those that changed after the revision recomputed from what the rows were then."""
    touched = {(each.hour, each.offset): each.first for each in hours if each.revision > as_of}
    yield from (each for each in hours if (each.hour, each.offset) not in touched)
    ranges = _joined(sorted(nominal_start(*each) for each in touched))
    counts: dict[tuple[int, int, int], Counts] = {}
    under = assignments_of(layout, subject)
    for hour, offset, verdict, button, count in counts_then(transaction, layout.organization, under, ranges, as_of):
        if (hour, offset) in touched:
            counts.setdefault((hour, offset, verdict), no_counts())[button] += count
    for (hour, offset, verdict), found in counts.items():
        yield _Hour(touched[hour, offset], offset, hour, verdict, as_of, tuple(found[: buttons_of(layout, subject)]))


def _joined(starts: Iterable[Instant]) -> list[tuple[Instant, Instant]]:
    """Ranges of instants that hold the hours with these starts; those within a day of one another are in one."""
    ranges: list[tuple[Instant, Instant]] = []
    for start in starts:
        begun = ranges.pop() if ranges and start <= ranges[-1][1] + DAY_MS else (start, start)
        ranges.append((begun[0], start + HOUR_MS))
    return ranges
