"""The only reader of feedback: hourly results without misuse, raw results with it, and how the two reconcile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import starmap
from operator import add
from typing import NamedTuple

from hymio.errors import NotFound
from hymio.feedback import Text, Verdict, is_raw
from hymio.period import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Grain,
    Instant,
    InstantRange,
    bucket_of,
    bucket_start,
    first_instant,
    hour_of,
    nominal_start,
    offset_stretch,
)
from hymio.rollup import Counts, no_counts
from hymio.setup import END, Setup
from hymio.store import Store
from hymio.store import feedback as reading
from hymio.store.dialect import Row, Transaction
from hymio.store.export import csv_chunks

EVERYTHING = InstantRange(-END // 2, END // 2)


@dataclass(frozen=True, slots=True)
class OfAssignment:
    """The results of one survey at one point."""

    assignment: int


@dataclass(frozen=True, slots=True)
class OfNode:
    """The results of a group or point: of one survey, or of a whole scale (`survey` is minus its number of buttons)."""

    node: int
    survey: int


Subject = OfAssignment | OfNode


class Bucket(NamedTuple):
    """The results of an hour, day, week, month or year; `verdicts` has counts per button for each that occurs."""

    starts_at: Instant
    offset: int
    verdicts: Mapping[int, tuple[int, ...]]
    revision: int

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
    hours; a bucket is then stamped in the group's own zone. NotFound for an unknown subject.
    """
    with store.read() as transaction:
        setup = store.setup_now(transaction, organization)
        return _hourly(transaction, setup, subject, within, grain, as_of)


def _hourly(
    transaction: Transaction,
    setup: Setup,
    subject: Subject,
    within: InstantRange,
    grain: Grain,
    as_of: int | None = None,
) -> Hourly:
    revision = _revision(transaction, setup.organization)
    hours = _hours(transaction, setup, subject, within)
    if as_of is not None and as_of < revision:
        hours = _as_of(transaction, setup, subject, list(hours), as_of)
        revision = as_of
    return Hourly(revision, tuple(_bucketed(setup, subject, hours, grain)))


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
        setup = store.setup_now(transaction, organization)
        assignments = _assignments(setup, subject)
        phase = "any text" if texts and reading.has_texts(transaction, organization) else ""
        rows = reading.raw_rows(
            transaction, organization, assignments, within.start, within.end, phase=phase, offset=offset, limit=limit
        )
        total = _total(transaction, setup, assignments, within)
        yield Raw(
            _revision(transaction, organization), total, map(_with_text, rows) if phase else starmap(RawRow, rows)
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
        setup = store.setup_now(transaction, organization)
        assignments = _assignments(setup, subject)
        total = _total(transaction, setup, assignments, within)
        chunks = csv_chunks(transaction, organization, assignments, within.start, within.end)
        # Left before its end, a copy must be ended first: the connection takes no other word until then.
        with closing(chunks):
            yield RawCsv(total, chunks)


class Reconciled(NamedTuple):
    """How an hour's raw results come to its counted ones: `raw = counted + the sum of misuse`, per button index."""

    bucket: Bucket
    complete: bool


def reconcile(
    store: Store, organization: int, subject: Subject, within: InstantRange = EVERYTHING
) -> tuple[Reconciled, ...]:
    """The hours of a subject with misuse by reason, and whether all smileys there have reported through the end."""
    with store.read() as transaction:
        setup = store.setup_now(transaction, organization)
        found = _hourly(transaction, setup, subject, within, Grain.HOUR)
        reported = reading.reported_through(transaction, organization)
    points = _points(setup, subject)
    return tuple(
        Reconciled(each, is_complete(setup, points, reported, each.starts_at, each.starts_at + HOUR_MS))
        for each in found.buckets
    )


def is_complete(
    setup: Setup, points: Sequence[int], reported: Mapping[int, Instant], start: Instant, end: Instant
) -> bool:
    """Whether every smiley at the points in [start, end) has told everything through then, or while it stood."""
    for point in points:
        for placement in setup.placed_at(point):
            until = end if placement.end is None else min(end, placement.end)
            if placement.start < end and start < until and reported.get(placement.smiley, -END) < until:
                return False
    return True


def revision(store: Store, organization: int) -> tuple[int, int]:
    """The organization's revision, and the one at which its set-up last changed. NotFound."""
    with store.read() as transaction:
        found = reading.revisions(transaction, organization)
    if found is None:
        raise NotFound(f"there is no organization {organization}")
    return found


def _revision(transaction: Transaction, organization: int) -> int:
    found = reading.revisions(transaction, organization)
    return found[0] if found else 0


def _points(setup: Setup, subject: Subject) -> tuple[int, ...]:
    if isinstance(subject, OfAssignment):
        return (_known_assignment(setup, subject.assignment),)
    return tuple(point.id for point in setup.hierarchy.points(subject.node))


def _known_assignment(setup: Setup, assignment: int) -> int:
    if assignment not in setup.assignments:
        raise NotFound(f"there is no assignment {assignment}")
    return setup.assignments[assignment].node


def _assignments(setup: Setup, subject: Subject) -> list[int]:
    if isinstance(subject, OfAssignment):
        _known_assignment(setup, subject.assignment)
        return [subject.assignment]
    if subject.node not in setup.hierarchy.nodes:
        raise NotFound(f"there is no group or experience point {subject.node}")
    below = {point.id for point in setup.hierarchy.points(subject.node)}
    return sorted(
        each.id
        for each in setup.assignments.values()
        if each.node in below and _asks(setup, each.survey, subject.survey)
    )


def _asks(setup: Setup, survey: int, wanted: int) -> bool:
    return survey == wanted or setup.surveys[survey].scale.buttons == -wanted


class _Hour(NamedTuple):
    """A stored hour under one verdict, with its first instant and its offset, which the nominal start tells."""

    first: Instant
    offset: int
    hour: int
    verdict: int
    revision: int
    counts: tuple[int, ...]


def _hours(transaction: Transaction, setup: Setup, subject: Subject, within: InstantRange) -> Iterator[_Hour]:
    """The stored hours whose first instants lie in a range.

    Hours of a group come from its own rows, those of a point or assignment from the assignments'.
    """
    assignments = _assignments(setup, subject)
    start, end, buttons = within.start - HOUR_MS, within.end, _buttons(setup, subject)
    if isinstance(subject, OfAssignment) or setup.hierarchy.nodes[subject.node].is_point:
        rows = reading.assignment_hours(transaction, setup.organization, assignments, start, end, buttons)
    else:
        rows = reading.group_hours(transaction, setup.organization, subject.node, subject.survey, start, end, buttons)
    zones = setup.zones_at(_node(setup, subject))
    since = until = known = 0  # while the clock is not changed, a full hour begins when it says
    for row in rows:
        hour, first = row[0], row[1]
        offset = (hour * HOUR_MS - first) // MINUTE_MS
        if not since <= first < until or offset != known:
            zone = zones.at(first)
            if len(zones.steps) == 1:
                since, until, known = offset_stretch(first, zone)
            first = first_instant(hour, offset, zone)
        if within.start <= first < within.end:
            yield _Hour(first, offset, hour, row[2], row[3], row[4:])


def _node(setup: Setup, subject: Subject) -> int:
    return setup.assignments[subject.assignment].node if isinstance(subject, OfAssignment) else subject.node


def _buttons(setup: Setup, subject: Subject) -> int:
    survey = setup.assignments[subject.assignment].survey if isinstance(subject, OfAssignment) else subject.survey
    if survey > 0 and survey not in setup.surveys:
        raise NotFound(f"there is no survey {survey}")
    return -survey if survey < 0 else setup.surveys[survey].scale.buttons


def _bucketed(setup: Setup, subject: Subject, hours: Iterable[_Hour], grain: Grain) -> Iterator[Bucket]:
    """Hours grouped by first instant, or by wall clock where the grain is coarser or the zones are several."""
    node = _node(setup, subject)
    several = len({str(setup.zone_of(point, END - 1)) for point in _points(setup, subject)}) > 1
    by_hour = grain is Grain.HOUR and not several
    grouped: dict[int, list[_Hour]] = {}
    for each in hours:
        if any(each.counts):
            grouped.setdefault(each.first if by_hour else bucket_of(each.hour, grain), []).append(each)
    for key in sorted(grouped):
        group = grouped[key]
        at, offset = (key, group[0].offset) if by_hour else _bucket_stamp(setup, node, key, grain)
        yield Bucket(at, offset, _by_verdict(group), max([each.revision for each in group]))


def _by_verdict(group: list[_Hour]) -> dict[int, tuple[int, ...]]:
    verdicts: dict[int, tuple[int, ...]] = {}
    for each in group:
        known = verdicts.get(each.verdict)
        verdicts[each.verdict] = each.counts if known is None else tuple(map(add, known, each.counts))
    return verdicts


def _bucket_stamp(setup: Setup, node: int, hour: int, grain: Grain) -> tuple[Instant, int]:
    return bucket_start(hour, grain, setup.zone_of(node, hour * HOUR_MS))


def _total(transaction: Transaction, setup: Setup, assignments: Sequence[int], within: InstantRange) -> int:
    """Whole hours from their counts; rows of the two hours that the ends of the range cut are counted one by one.

    The presses of an hour lie within one from its nominal start, so it is whole if that lies an hour before the end.
    """
    organization, last = setup.organization, within.end - HOUR_MS
    if not assignments or last < within.start + HOUR_MS:
        return reading.raw_count(transaction, organization, assignments, within.start, within.end) if assignments else 0
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
        assignments = _assignments(store.setup_now(transaction, organization), subject)
        rows = reading.raw_rows(
            transaction, organization, assignments, within.start, within.end, phase=phase, offset=offset, limit=limit
        )
        total = reading.raw_count(transaction, organization, assignments, within.start, within.end, phase)
        yield _revision(transaction, organization), total, rows


def _as_of(transaction: Transaction, setup: Setup, subject: Subject, hours: list[_Hour], as_of: int) -> Iterator[_Hour]:
    """Untouched hours as they are; those that changed after the revision recomputed from what the rows were then."""
    touched = {(each.hour, each.offset): each.first for each in hours if each.revision > as_of}
    yield from (each for each in hours if (each.hour, each.offset) not in touched)
    buttons = _buttons(setup, subject)
    for start, end in _stretches(sorted(nominal_start(*each) for each in touched)):
        counts: dict[tuple[int, int, int], Counts] = {}
        for assignment in _assignments(setup, subject):
            facts = _facts_then(transaction, setup.organization, assignment, start, end, as_of)
            for at, offset, button, verdict in facts:
                hour = hour_of(at, offset)
                if (hour, offset) in touched:
                    counts.setdefault((hour, offset, verdict), no_counts())[button] += 1
        for (hour, offset, verdict), found in counts.items():
            yield _Hour(touched[hour, offset], offset, hour, verdict, as_of, tuple(found[:buttons]))


def _stretches(starts: list[Instant]) -> Iterator[tuple[Instant, Instant]]:
    """Ranges of instants that hold the hours with these starts; hours that touch are in one, of a day at most."""
    while starts:
        start = end = starts[0]
        while starts and starts[0] <= end and end - start < DAY_MS:
            end = starts.pop(0) + HOUR_MS
        yield start, end


def _facts_then(
    transaction: Transaction, organization: int, assignment: int, start: Instant, end: Instant, as_of: int
) -> Iterator[tuple[Instant, int, int, int]]:
    """(instant, offset, button, verdict) of what was a raw result under an assignment at a revision."""
    then = {row[5:8]: row for row in reading.facts_before(transaction, organization, as_of, assignment, start, end)}
    now = (row for row in reading.facts(transaction, organization, assignment, start, end) if row[5:8] not in then)
    before = (row for row in then.values() if row[8] == assignment)
    for row in (*before, *now):
        if row[4] <= as_of and is_raw(row[3]):
            yield row[0], row[1], row[2], row[3]
