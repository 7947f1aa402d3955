"""Hourly results at any grain, as of any revision, and hours with misuse by reason and completeness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any, NamedTuple

from hymio.access import Principal
from hymio.feedback import Verdict
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS, Grain, Instant, InstantRange, bucket_of, nominal_start
from hymio.results.complete import is_complete, unreported
from hymio.results.reader import hours_of
from hymio.results.shown_hours import BucketStart, ShownHours
from hymio.results.subject import EVERYTHING, ScopedSubject, View, buttons_of, in_scope, open_view
from hymio.rollup import Counts, Subject, no_counts
from hymio.store import Store
from hymio.store import hours as stored_hours
from hymio.store.hours import StoredHour
from hymio.store.rows import Phase, counts_as_of


class Bucket(NamedTuple):
    """The results of an hour, day, week, month or year; `verdicts` has counts by button for each verdict."""

    starts_at: Instant
    offset: int
    verdicts: Mapping[int, tuple[int, ...]]
    revision: int
    hour: int
    """The first local hour of the bucket, as stored; a change of the zone does not alter it."""

    @property
    def counted(self) -> tuple[int, ...]:
        """Counts by button without misuse."""
        return self.verdicts.get(Verdict.COUNTED) or tuple(0 for _ in next(iter(self.verdicts.values())))

    @property
    def raw(self) -> tuple[int, ...]:
        """Counts by button including misuse."""
        return tuple(map(sum, zip(*self.verdicts.values(), strict=True)))

    @property
    def misuse(self) -> dict[Verdict, tuple[int, ...]]:
        """Counts by button of misuse, by reason."""
        return {Verdict(verdict): counts for verdict, counts in self.verdicts.items() if verdict != Verdict.COUNTED}


@dataclass(frozen=True, slots=True)
class Hourly:
    """Buckets in order of time without empty ones, and their revision."""

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
    """The results of the hours that start within a range, grouped into buckets of local time.

    With `as_of`, the numbers as they were at that revision. If the points of a group have several zones, hours with
    equal local time are added and buckets have times in the group's own zone; otherwise in the zone of the points.
    Forbidden without the permission to read results or the kind of data of buttons; NotFound if the subject does not
    exist or is outside the scope.
    """
    with open_view(store, principal, Phase.BUTTON) as view:
        return _hourly(view, in_scope(view, subject), buttons_of(view.layout, subject), within, grain, as_of)


def _hourly(
    view: View, subject: ScopedSubject, buttons: int, within: InstantRange, grain: Grain, as_of: int | None = None
) -> Hourly:
    """`hourly` of a subject within an open view; `buttons` is the number of buttons of its scale."""
    shown = ShownHours(view.layout, subject.node)
    hours: Iterable[StoredHour] = hours_of(view, subject).hours(within.start - HOUR_MS, within.end, buttons)
    if as_of is None or as_of >= view.revision:
        return Hourly(view.revision, tuple(_buckets(shown, hours, within, grain)))
    hours = as_of_revision(view, subject, buttons, list(hours), as_of)
    return Hourly(as_of, tuple(_buckets(shown, hours, within, grain)))


class Reconciled(NamedTuple):
    """An hour with raw = counted + misuse for each button, and whether it is complete."""

    bucket: Bucket
    complete: bool


def reconcile(
    store: Store, principal: Principal, subject: Subject, within: InstantRange, now: Instant
) -> tuple[Reconciled, ...]:
    """The hours of a subject, and whether each is complete: all its smileys have reported through its end.

    If the points of a group have several zones, an hour is complete when it is complete at each point. Raises the
    errors of `hourly`.
    """
    with open_view(store, principal, Phase.BUTTON) as view:
        scoped = in_scope(view, subject)
        hourly = _hourly(view, scoped, buttons_of(view.layout, subject), within, Grain.HOUR)
        reported = stored_hours.reported_through(view.transaction, view.organization)
    several_zones = ShownHours(view.layout, scoped.node).has_several_zones
    unreported_ranges = unreported(view.layout, scoped.assignments, reported, now)
    return tuple(
        Reconciled(bucket, is_complete(unreported_ranges, bucket.hour, None if several_zones else bucket.offset))
        for bucket in hourly.buckets
    )


_bucket: Callable[[tuple[Any, ...]], Bucket] = partial(tuple.__new__, Bucket)
"""Makes a bucket of a tuple, twice as fast as the constructor; a year has thousands."""


def _buckets(shown: ShownHours, hours: Iterable[StoredHour], within: InstantRange, grain: Grain) -> Iterator[Bucket]:
    """Buckets of the hours whose first instants are in a range, in order of time.

    Hours with the same first instant are one bucket; with several zones or a coarser grain, hours whose bucket has the
    same beginning are.
    """
    start_of = None if grain is Grain.HOUR and not shown.has_several_zones else shown.bucket_starts(grain)
    start, end, hour_start = within.start, within.end, shown.hour_start
    grouped: dict[BucketStart, tuple[dict[int, tuple[int, ...]], list[int]]] = {}
    for hour, starts_at, verdict, revision, counts in hours:
        offset = (hour * HOUR_MS - starts_at) // MINUTE_MS
        first = hour_start(hour, offset)
        if not start <= first < end or not any(counts):
            continue
        key = (first, offset, hour) if start_of is None else start_of(bucket_of(hour, grain))
        group = grouped.get(key)
        if group is None:
            grouped[key] = {verdict: counts}, [revision]
            continue
        verdicts, revisions = group
        before = verdicts.get(verdict)
        verdicts[verdict] = counts if before is None else tuple(map(add, before, counts))
        revisions.append(revision)
    for key in sorted(grouped):
        verdicts, revisions = grouped[key]
        yield _bucket((key[0], key[1], verdicts, max(revisions), key[2]))


def as_of_revision(
    view: View, subject: ScopedSubject, buttons: int, hours: list[StoredHour], as_of: int
) -> Iterator[StoredHour]:
    """Hours as of a revision: unchanged ones as stored, changed ones counted from the rows as they were then."""
    changed = {(hour.hour, hour.starts_at) for hour in hours if hour.revision > as_of}
    yield from (hour for hour in hours if (hour.hour, hour.starts_at) not in changed)
    counts: dict[tuple[int, int, int], Counts] = {}
    selection = (
        view.transaction,
        view.organization,
        subject.assignments,
        _ranges_with(sorted({starts_at for _, starts_at in changed})),
    )
    for row in counts_as_of(*selection, as_of):
        key = row.hour, nominal_start(row.hour, row.offset)
        if key in changed:
            counts.setdefault((*key, row.verdict), no_counts())[row.button] += row.presses
    for (hour, starts_at, verdict), presses in counts.items():
        yield StoredHour(hour, starts_at, verdict, as_of, tuple(presses[:buttons]))


def _ranges_with(starts: Iterable[Instant]) -> list[tuple[Instant, Instant]]:
    """Ranges of instants that contain the hours with these starts (ascending), of which each becomes one statement.

    Hours up to a day apart share a range, so that there are few; the caller drops what is counted between them.
    """
    ranges: list[tuple[Instant, Instant]] = []
    for start in starts:
        if ranges and start <= ranges[-1][1] + DAY_MS:
            ranges[-1] = ranges[-1][0], start + HOUR_MS
        else:
            ranges.append((start, start + HOUR_MS))
    return ranges


def reported_through(store: Store, principal: Principal) -> dict[int, Instant]:
    """The reported-through instants of the smileys that have one and are or were placed in the principal's subtree.

    Those of all smileys if it reaches the whole tree. Forbidden; NotFound.
    """
    with open_view(store, principal) as view:
        reported = stored_hours.reported_through(view.transaction, view.organization)
    hierarchy, root = view.layout.hierarchy, principal.root(view.layout.hierarchy)
    if principal.reaches_all(hierarchy):
        return reported
    points = () if root is None else hierarchy.points(root)
    placed = {placement.smiley for point in points for placement in view.layout.placed_at(point.id)}
    return {smiley: through for smiley, through in reported.items() if smiley in placed}
