"""Hourly results at any grain, as of any revision, and hours with misuse by reason and completeness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any, Final, NamedTuple

from hymio.access import Principal
from hymio.feedback import Verdict
from hymio.period import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Grain,
    Instant,
    InstantRange,
    bucket_of,
    format_timestamp,
    nominal_start,
)
from hymio.results.complete import is_complete, unreported
from hymio.results.reader import HourReader, hours_of
from hymio.results.shown_hours import BucketStart, ShownHours
from hymio.results.subject import EVERYTHING, ScopedSubject, View, buttons_of, in_scope, open_view
from hymio.rollup import Counts, OfAssignment, Subject, no_counts
from hymio.store import Store
from hymio.store import hours as stored_hours
from hymio.store.dialect import HourText
from hymio.store.hours import StoredHour
from hymio.store.rows import Phase, counts_as_of
from hymio.store.summed_hours import HourRow, HourSums, hours_as_text, hours_in_order, sums_by_day, sums_by_hour

_COUNTED: Final = int(Verdict.COUNTED)


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
    *,
    misuse: bool = True,
) -> Hourly:
    """The results of the hours that start within a range, grouped into buckets of local time.

    With `as_of`, the numbers as they were at that revision. Without `misuse` only counted presses are read, and buckets
    without them are left out: half the work for a group of which nearly every hour has some misuse. If the points of a
    group have several zones, hours with equal local time are added and buckets have times in the group's own zone;
    otherwise in the zone of the points. Forbidden without the permission to read results or the kind of data of
    buttons; NotFound if the subject does not exist or is outside the scope.
    """
    with open_view(store, principal, Phase.BUTTON) as view:
        scoped = in_scope(view, subject)
        return _hourly(view, scoped, _Selected(buttons_of(view.layout, subject), within, grain, misuse), as_of)


class _Selected(NamedTuple):
    """What is read of a subject: the first `buttons` buttons, in which hours, how they are grouped, and misuse too."""

    buttons: int
    within: InstantRange
    grain: Grain
    misuse: bool = True

    def of(self, hours: Iterable[StoredHour]) -> Iterable[StoredHour]:
        """Hours without misuse, unless it is selected."""
        return hours if self.misuse else (hour for hour in hours if hour.verdict == _COUNTED)


def _hourly(view: View, subject: ScopedSubject, selected: _Selected, as_of: int | None = None) -> Hourly:
    """`hourly` of a subject within an open view."""
    shown, reader, within = ShownHours(view.layout, subject.node), hours_of(view, subject), selected.within
    if as_of is None or as_of >= view.revision:
        return Hourly(view.revision, tuple(_present(shown, reader, selected)))
    hours = list(reader.hours(within.start - HOUR_MS, within.end, selected.buttons))
    as_they_were = selected.of(as_of_revision(view, subject, selected.buttons, hours, as_of))
    return Hourly(as_of, tuple(_buckets(shown, as_they_were, within, selected.grain)))


def _present(shown: ShownHours, reader: HourReader, selected: _Selected) -> Iterator[Bucket]:
    """The buckets of the present revision; the engine adds up hours where all begin at their nominal starts."""
    within, (buttons, _, grain, misuse) = reader.cut(selected.within), selected
    start, end = within.start, within.end
    is_each_shown = grain is Grain.HOUR and not shown.has_several_zones
    # Hours that are added need not begin at their nominal starts, only be in the range if these are.
    checked = [(start, end)] if is_each_shown else [(at - HOUR_MS, at) for at in (start, end)]
    if not all(shown.are_nominal(*instants) for instants in checked):
        return _buckets(shown, selected.of(reader.hours(start - HOUR_MS, end, buttons)), within, grain)
    hours, transaction = reader.between(start, end, buttons, misuse=misuse), reader.view.transaction
    if is_each_shown:
        return _of_hours(hours_in_order(transaction, hours))
    if grain is Grain.HOUR:
        return _of_sums(shown, sums_by_hour(transaction, hours))
    start_of = shown.bucket_starts(grain)
    days = sums_by_day(transaction, hours)
    return _grouped((start_of(bucket_of(row[0], grain)), row[1], row[2], row[3:]) for row in days)


def _of_hours(rows: Iterable[HourRow]) -> Iterator[Bucket]:
    """The buckets of hours in order, which begin at their nominal starts."""
    buckets: list[Bucket] = []
    last, verdicts = (0, 0), dict[int, tuple[int, ...]]()
    for row in rows:
        hour, starts_at, verdict, revision = row[:4]
        if last != (hour, starts_at):
            last, verdicts = (hour, starts_at), {verdict: row[4:]}
            buckets.append(_bucket((starts_at, (hour * HOUR_MS - starts_at) // MINUTE_MS, verdicts, revision, hour)))
            continue
        before = verdicts.get(verdict)
        verdicts[verdict] = row[4:] if before is None else tuple(map(add, before, row[4:]))
        if revision > buckets[-1].revision:
            buckets[-1] = buckets[-1]._replace(revision=revision)
    return iter(buckets)


def _of_sums(shown: ShownHours, sums: HourSums) -> Iterator[Bucket]:
    """The buckets of sums of hours, which begin where the shown zone says."""
    verdicts: dict[int, dict[int, tuple[int, ...]]] = {row[0]: {_COUNTED: row[2:]} for row in sums.counted}
    revisions = {row[0]: row[1] for row in sums.counted}
    for row in sums.misuse:
        hour, verdict, revision = row[:3]
        of_hour = verdicts.get(hour)
        if of_hour is None:
            verdicts[hour], revisions[hour] = {verdict: row[3:]}, revision
            continue
        of_hour[verdict] = tuple(map(add, of_hour[verdict], row[3:])) if verdict in of_hour else row[3:]
        revisions[hour] = max(revisions[hour], revision)
    starts = sorted(shown.starts_of(sorted(verdicts)))
    return (_bucket((start, offset, verdicts[hour], revisions[hour], hour)) for start, offset, hour in starts)


def counted_text(
    store: Store,
    principal: Principal,
    subject: OfAssignment,
    form: HourText,
    within: InstantRange = EVERYTHING,
    grain: Grain = Grain.HOUR,
) -> str:
    """The buckets of `hourly` that have counted presses, as text; the engine writes it where that gives the same.

    Raises the errors of `hourly`.
    """
    with open_view(store, principal, Phase.BUTTON) as view:
        scoped, buttons = in_scope(view, subject), buttons_of(view.layout, subject)
        shown, reader = ShownHours(view.layout, scoped.node), hours_of(view, scoped)
        cut = reader.cut(within)
        if grain is Grain.HOUR and shown.are_nominal(cut.start, cut.end):
            return hours_as_text(view.transaction, reader.between(cut.start, cut.end, buttons, misuse=False), form)
        selected = _Selected(buttons, within, grain, misuse=False)
        return written(_hourly(view, scoped, selected).buckets, form)


def written(buckets: Iterable[Bucket], form: HourText) -> str:
    """The buckets that have counted presses, as text."""
    return form.joint.join(
        f"{form.before}{format_timestamp(bucket.starts_at, bucket.offset, form.utc and not bucket.offset)}"
        f"{form.between}{form.separator.join(map(str, bucket.counted))}{form.after}"
        for bucket in buckets
        if any(bucket.counted)
    )


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
        hourly = _hourly(view, scoped, _Selected(buttons_of(view.layout, subject), within, Grain.HOUR))
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

    def keyed() -> Iterator[_KeyedCounts]:
        for hour, starts_at, verdict, revision, counts in hours:
            offset = (hour * HOUR_MS - starts_at) // MINUTE_MS
            first = hour_start(hour, offset)
            if start <= first < end and any(counts):
                key = (first, offset, hour) if start_of is None else start_of(bucket_of(hour, grain))
                yield key, verdict, revision, counts

    return _grouped(keyed())


_KeyedCounts = tuple[BucketStart, int, int, tuple[int, ...]]
"""The beginning of a bucket, and of some of its presses their verdict, last revision and counts by button."""


def _grouped(rows: Iterable[_KeyedCounts]) -> Iterator[Bucket]:
    """Buckets in order of time; presses with equal beginnings are added."""
    grouped: dict[BucketStart, tuple[dict[int, tuple[int, ...]], list[int]]] = {}
    for key, verdict, revision, counts in rows:
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
