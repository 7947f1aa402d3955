"""Hourly results at any grain, as of any revision, and how raw results come to counted ones, hour by hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any, NamedTuple

from hymio.access import Principal
from hymio.feedback import Verdict
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS, Grain, Instant, InstantRange, bucket_of, nominal_start
from hymio.results.clock import Clock, Stamp
from hymio.results.complete import is_complete, unreported
from hymio.results.reader import hours_of
from hymio.results.subject import EVERYTHING, Reached, View, buttons_of, reached, viewed
from hymio.rollup import Counts, Subject, no_counts
from hymio.store import Store
from hymio.store import hours as stored_hours
from hymio.store.hours import StoredHour
from hymio.store.rows import counts_as_of


class Bucket(NamedTuple):
    """The results of an hour, day, week, month or year; `verdicts` has counts per button for each that occurs."""

    starts_at: Instant
    offset: int
    verdicts: Mapping[int, tuple[int, ...]]
    revision: int
    hour: int
    """The local hour with which it begins: made of stored facts alone, whatever zone is set today."""

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
        return {Verdict(verdict): counts for verdict, counts in self.verdicts.items() if verdict != Verdict.COUNTED}


@dataclass(frozen=True, slots=True)
class Hourly:
    """Buckets in order of time, empty ones left out, and the revision they are of."""

    revision: int
    buckets: tuple[Bucket, ...]


def hourly(
    store: Store,
    principal: Principal,
    subject: Subject,
    within: InstantRange = EVERYTHING,
    grain: Grain = Grain.HOUR,
    as_of: int | None = None,
) -> Hourly:
    """The results of the hours that start within a range, grouped by the wall clock of the subject.

    With `as_of`, the numbers as they were at that revision. Counts of a group over several zones add equal wall-clock
    hours, and a bucket is then stamped in the group's own zone; where all points have one zone, in that. Forbidden
    without the permission to read results; NotFound for a subject that is not there or not in the principal's subtree.
    """
    with viewed(store, principal) as view:
        found = reached(view, subject)
        return _hourly(view, found, buttons_of(view.layout, subject), within, grain, as_of)


def _hourly(
    view: View, subject: Reached, buttons: int, within: InstantRange, grain: Grain, as_of: int | None = None
) -> Hourly:  # fmt: skip
    clock = Clock(view.layout, subject.node)
    hours: Iterable[StoredHour] = hours_of(view, subject).hours(within.start - HOUR_MS, within.end, buttons)
    if as_of is None or as_of >= view.revision:
        return Hourly(view.revision, tuple(_bucketed(clock, hours, within, grain)))
    hours = _as_of(view, subject, buttons, list(hours), as_of)
    return Hourly(as_of, tuple(_bucketed(clock, hours, within, grain)))


class Reconciled(NamedTuple):
    """How an hour's raw results come to its counted ones: `raw = counted + the sum of misuse`, per button index."""

    bucket: Bucket
    complete: bool


def reconcile(
    store: Store, principal: Principal, subject: Subject, within: InstantRange, now: Instant
) -> tuple[Reconciled, ...]:
    """The hours of a subject with misuse by reason, and whether each is complete: all smileys have reported all of it.

    An hour of a group over several zones is complete when it is at each point, as often as the clocks there show it.
    Raises the same as `hourly`.
    """
    with viewed(store, principal) as view:
        found = reached(view, subject)
        hourly = _hourly(view, found, buttons_of(view.layout, subject), within, Grain.HOUR)
        reported = stored_hours.reported_through(view.transaction, view.organization)
    several = Clock(view.layout, found.node).several
    missing = unreported(view.layout, found.assignments, reported, now)
    return tuple(
        Reconciled(bucket, is_complete(missing, bucket.hour, None if several else bucket.offset))
        for bucket in hourly.buckets
    )


_bucket: Callable[[tuple[Any, ...]], Bucket] = partial(tuple.__new__, Bucket)
"""Twice as fast as by name; a year has thousands."""


def _bucketed(clock: Clock, hours: Iterable[StoredHour], within: InstantRange, grain: Grain) -> Iterator[Bucket]:
    """The hours whose first instants lie in a range, grouped by first instant, or by wall clock where the grain is
    coarser or the zones are several."""
    stamp = None if grain is Grain.HOUR and not clock.several else clock.stamps(grain)
    start, end, first_of = within.start, within.end, clock.first
    grouped: dict[Stamp, tuple[dict[int, tuple[int, ...]], list[int]]] = {}
    for hour, starts_at, verdict, revision, counts in hours:
        offset = (hour * HOUR_MS - starts_at) // MINUTE_MS
        first = first_of(hour, offset)
        if not start <= first < end or not any(counts):
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
        yield _bucket((key[0], key[1], verdicts, max(revisions), key[2]))


def _as_of(view: View, subject: Reached, buttons: int, hours: list[StoredHour], as_of: int) -> Iterator[StoredHour]:
    """Untouched hours as they are; those that changed after the revision, counted from what the rows were at it."""
    touched = {(hour.hour, hour.starts_at) for hour in hours if hour.revision > as_of}
    yield from (hour for hour in hours if (hour.hour, hour.starts_at) not in touched)
    counts: dict[tuple[int, int, int], Counts] = {}
    asked = (
        view.transaction,
        view.organization,
        subject.assignments,
        _joined(sorted({starts_at for _, starts_at in touched})),
    )
    for each in counts_as_of(*asked, as_of):
        key = each.hour, nominal_start(each.hour, each.offset)
        if key in touched:
            counts.setdefault((*key, each.verdict), no_counts())[each.button] += each.presses
    for (hour, starts_at, verdict), presses in counts.items():
        yield StoredHour(hour, starts_at, verdict, as_of, tuple(presses[:buttons]))


def _joined(starts: Iterable[Instant]) -> list[tuple[Instant, Instant]]:
    """Ranges of instants that hold the hours with these starts; those within a day of one another are in one."""
    ranges: list[tuple[Instant, Instant]] = []
    for start in starts:
        if ranges and start <= ranges[-1][1] + DAY_MS:
            ranges[-1] = ranges[-1][0], start + HOUR_MS
        else:
            ranges.append((start, start + HOUR_MS))
    return ranges


def reported_through(store: Store, principal: Principal) -> dict[int, Instant]:
    """The instant up to which each smiley has reported everything, of those that ever did. Forbidden; NotFound."""
    with viewed(store, principal) as view:
        return stored_hours.reported_through(view.transaction, view.organization)
