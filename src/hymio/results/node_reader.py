"""All that a report of a node shows, read in one consistent view: hours, totals of children, answers, progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from operator import add
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hymio.access import Principal
from hymio.errors import NotFound
from hymio.feedback import Verdict
from hymio.hierarchy import Node
from hymio.period import HOUR_MS, MINUTE_MS, DateRange, Instant, InstantRange, nominal_start
from hymio.results.complete import Unreported, unreported
from hymio.results.hours import as_of_revision
from hymio.results.last_change import LastChange, change_in_view
from hymio.results.reader import Query, RowReader, Span, spans_of
from hymio.results.shown_hours import ShownHours
from hymio.results.subject import OfNode, ScopedSubject, View, assignments_below, in_scope, open_view
from hymio.results.sums import SumReader
from hymio.rollup import MAX_BUTTONS, OfSurvey
from hymio.setup import Content, Layout
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.store import hours as stored_hours
from hymio.store.hours import AssignmentHours, GroupHours, HourFilter, StoredHour, survey_id
from hymio.store.minimum import Minimums, minimums
from hymio.store.receive_time import receive_time, receive_times
from hymio.store.rows import FeedbackRow, Phase, counts_as_of
from hymio.store.scan import placeholder_count
from hymio.survey import Assignment

Totals = tuple[int, ...]
"""Counted presses by button index, MAX_BUTTONS of them."""

ALL_HOURS: Final = HourFilter()

_NONE: Totals = (0,) * MAX_BUTTONS


class PeriodHour(NamedTuple):
    """A local hour in a period under one verdict: its first instant, offset (minutes), number and presses by button."""

    start: Instant
    offset: int
    hour: int
    verdict: int
    revision: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read: a survey on dates of each point's own zone, of one type of smiley or all, in some hours or all."""

    survey: int
    dates: DateRange
    smiley_type: SmileyType | None = None
    hours: HourFilter = ALL_HOURS


@contextmanager
def open_node(
    store: Store, principal: Principal, node: int, now: Instant, as_of: int | None = None
) -> Iterator[NodeReader]:
    """A reader of a node as of a revision, by default the present one; zones are those of the points at `now`.

    Forbidden without the permission to read results or the kind of data of buttons; NotFound, with the same text, for
    a node that does not exist or is outside the scope.
    """
    with open_view(store, principal, Phase.BUTTON) as view:
        principal.require_node(view.layout.hierarchy, node)
        yield NodeReader(store, view, node, now, as_of)


class NodeReader:
    """Reads a node and the nodes below it; all methods see one state of the organization."""

    def __init__(self, store: Store, view: View, node: int, now: Instant, as_of: int | None) -> None:
        """A revision of the future counts as the present one."""
        self._view, self._now = view, now
        self.node: Node = view.layout.hierarchy.nodes[node]
        self.layout: Layout = view.layout
        self.principal: Principal = view.principal
        self.content: Content = store.content_now(view.transaction, view.organization)
        self.present: int = view.revision
        self.revision: int = view.revision if as_of is None else min(as_of, view.revision)
        self.shown = ShownHours(view.layout, node)
        self._subjects: dict[tuple[int, int], ScopedSubject] = {}

    @property
    def is_present(self) -> bool:
        """Whether the revision is the present one, whose hours are stored."""
        return self.revision == self.present

    # The node

    def zone(self) -> ZoneInfo:
        """The node's own zone now."""
        return self.layout.zone_of(self.node.id, self._now)

    def zones(self) -> tuple[ZoneInfo, ...]:
        """The zones of the points at and below the node now, by name; the node's own if there are no points."""
        points = self.layout.hierarchy.points(self.node.id)
        zones = {str(zone): zone for zone in (self.layout.zone_of(point.id, self._now) for point in points)}
        return tuple(zones[name] for name in sorted(zones)) or (self.zone(),)

    def assignments(self) -> tuple[Assignment, ...]:
        """The assignments at and below the node."""
        return tuple(assignments_below(self.layout, self.node.id))

    @cached_property
    def minimums(self) -> Minimums:
        """The least numbers of answers that reports of the organization show."""
        return minimums(self._view.transaction, self._view.organization)

    def made_at(self) -> Instant:
        """The receive time of the revision."""
        return receive_time(self._view.transaction, self._view.organization, self.revision)

    # The last change

    def last_change(self, periods: Iterable[DateRange]) -> LastChange:
        """The last change of the present revision to feedback on dates, or to anything that `manage` changes."""
        subject = in_scope(self._view, OfNode(self.node.id))
        ranges = [self._within(dates, subject.assignments) for dates in periods]
        return max(change_in_view(self._view, subject, one) for one in ranges)

    def last_commit(self) -> LastChange:
        """The last commit of the organization."""
        return LastChange(self.present, receive_time(self._view.transaction, self._view.organization, self.present))

    def setup_changed_at(self) -> Instant:
        """When the set-up last changed."""
        return receive_time(self._view.transaction, self._view.organization, self.layout.revision)

    def reported_until(self, end: Instant) -> tuple[tuple[int, Instant], ...]:
        """How far the smileys that are or were placed at or below the node have reported, at most until `end`."""
        points, reported = self.layout.hierarchy.points(self.node.id), self.reported_through()
        placed = sorted({placement.smiley for point in points for placement in self.layout.placed_at(point.id)})
        return tuple((smiley, min(reported[smiley], end)) for smiley in placed if smiley in reported)

    def last_instant(self, dates: DateRange) -> Instant:
        """The end of dates in the zone of the node or its points in which they end last."""
        return max(dates.instants(zone).end for zone in self.zones())

    # Hours

    def hours(self, selection: Selection, node: int | None = None) -> list[PeriodHour]:
        """The hours of a survey at a node and below it in a period, in no order, of counted presses and of misuse.

        `node` is the reader's own or one below it.
        """
        subject = self._subject(selection.survey, self.node.id if node is None else node)
        shown = self.shown if node in (None, self.node.id) else ShownHours(self.layout, subject.node)
        first, hour_filter, buttons = shown.hour_start, selection.hours, self._buttons(selection.survey)
        is_filtered = hour_filter != ALL_HOURS
        hours: list[PeriodHour] = []
        for span in self._spans(subject, selection.dates):
            for hour, starts_at, verdict, revision, counts in self._stored(span, selection, buttons):
                offset = (hour * HOUR_MS - starts_at) // MINUTE_MS
                start = first(hour, offset)
                if span.start <= start < span.end and not (is_filtered and not hour_filter.holds(hour)):
                    hours.append(PeriodHour(start, offset, hour, verdict, revision, counts))
        return hours

    def is_added(self, selection: Selection) -> bool:
        """Whether stored hours have the presses of a selection, so that the engine can add them up (`sums`)."""
        return self.is_present and selection.smiley_type is None

    def sums(self, selection: Selection) -> SumReader:
        """Sums of the hours of a selection for which `is_added` holds."""
        spans = self._spans(self._subject(selection.survey, self.node.id), selection.dates)
        return SumReader(self._view, self.shown, spans, self._buttons(selection.survey), selection.hours)

    def counted_in_months(
        self, survey: int, months: Sequence[tuple[int, int]], minimum: int
    ) -> dict[int, dict[int, int]]:
        """How many counted presses each assignment of a survey has in months, given by their first and end local hour.

        By month, then assignment, of the whole organization. In a month in which none has 1 to `minimum` - 1 they are
        not exact, but at least `minimum`. For withholding, which has to compare the node with its siblings: what is
        given here is not to be shown.
        """
        keys = [row.id for row in self.layout.assignments.values() if row.survey == survey]
        source = self._view.transaction, self._view.organization, keys
        numbers: dict[int, dict[int, int]] = {first: {} for first, _ in months}
        for assignment, month, number in stored_hours.counted_at_most(*source, months, minimum):
            numbers[month][assignment] = number
        exact = [one for one in months if any(0 < number < minimum for number in numbers[one[0]].values())]
        for assignment, month, number in stored_hours.counted_by_range(*source, exact) if exact else ():
            numbers[month][assignment] = number
        return numbers

    def number_of_hours(self, assignments: Sequence[int], first: int, end: int) -> int:
        """How many hours `hours_of_assignments` gives."""
        source = self._view.transaction, self._view.organization, assignments
        return stored_hours.number_of_hours(*source, first, end)

    def hours_of_assignments(
        self, survey: int, assignments: Sequence[int], first: int, end: int
    ) -> Iterator[tuple[int, int, int, tuple[int, ...]]]:
        """Assignment, local hour in [first, end), verdict and presses by button of some assignments of a survey."""
        source = self._view.transaction, self._view.organization, assignments, first, end, self._buttons(survey)
        return stored_hours.hours_by_assignment(*source)

    def _by_zone(self, rows: Iterable[Assignment]) -> dict[ZoneInfo, list[int]]:
        zones: dict[ZoneInfo, list[int]] = {}
        for row in rows:
            zones.setdefault(self.layout.zone_of(row.node, self._now), []).append(row.id)
        return zones

    def _buttons(self, survey: int) -> int:
        return self.layout.surveys[survey].scale.buttons

    def _subject(self, survey: int, node: int) -> ScopedSubject:
        subject = self._subjects.get((survey, node))
        if subject is None:
            subject = self._subjects[survey, node] = in_scope(self._view, OfSurvey(node, survey))
        return subject

    def _within(self, dates: DateRange, assignments: Iterable[int]) -> Mapping[ZoneInfo, InstantRange]:
        """The instants of dates in each zone of these assignments."""
        rows = (self.layout.assignments[assignment] for assignment in assignments)
        return {zone: dates.instants(zone) for zone in self._by_zone(rows)}

    def _spans(self, subject: ScopedSubject, dates: DateRange) -> list[Span]:
        """The spans of a period: near its ends only the points of some zones are in it."""
        return spans_of(self._view, subject, self._within(dates, subject.assignments), self._now)

    def _stored(self, span: Span, selection: Selection, buttons: int) -> Iterator[StoredHour]:
        """The hours of a span as of the revision, of one type of smiley or of all."""
        start, end = span.start - HOUR_MS, span.end
        if selection.smiley_type is not None:
            yield from self._of_type(span, selection.smiley_type, buttons)
            return
        hours = span.hours.hours(start, end, buttons)
        yield from hours if self.is_present else self._as_of(span.assignments, buttons, hours)

    def _as_of(self, assignments: tuple[int, ...], buttons: int, hours: Iterable[StoredHour]) -> Iterator[StoredHour]:
        subject = ScopedSubject(OfNode(self.node.id), self.node.id, assignments)
        return as_of_revision(self._view, subject, buttons, list(hours), self.revision)

    def _of_type(self, span: Span, smiley_type: SmileyType, buttons: int) -> Iterator[StoredHour]:
        """The hours of the smileys of a type: those of assignments with only this type, and counted rows of others."""
        types = {key: set(self.layout.smiley_types(key)) for key in span.assignments}
        alone = tuple(key for key in span.assignments if types[key] == {smiley_type})
        mixed = tuple(key for key in span.assignments if smiley_type in types[key] and len(types[key]) > 1)
        start, end = span.start - HOUR_MS, span.end
        source = self._view.transaction, self._view.organization
        if alone:
            hours = stored_hours.hours(*source, AssignmentHours(alone), start, end, buttons)
            yield from hours if self.is_present else self._as_of(alone, buttons, hours)
        if mixed:
            of_type = [smiley.id for smiley in self.layout.smileys.values() if smiley.type is smiley_type]
            for row in counts_as_of(*source, mixed, [(start, end + HOUR_MS)], self.revision, of_type):
                counts = tuple(row.presses if button == row.button else 0 for button in range(buttons))
                starts_at = nominal_start(row.hour, row.offset)
                if start <= starts_at < end:
                    yield StoredHour(row.hour, starts_at, row.verdict, self.revision, counts)

    # Totals

    def totals_of_children(self, selection: Selection) -> dict[int, Totals]:
        """The counted presses of the direct children of the node that have any, by child; the engine adds them up."""
        children = self.layout.hierarchy.children(self.node.id)
        if selection.smiley_type is not None or not self.is_present:
            return {child.id: total for child in children if any(total := self._added(selection, child.id))}
        child_of = {point.id: child.id for child in children for point in self.layout.hierarchy.points(child.id)}
        totals: dict[int, Totals] = {}
        if not children:
            return totals
        for span in self._spans(self._subject(selection.survey, self.node.id), selection.dates):
            groups = [child.id for child in children if not child.is_point]
            if isinstance(span.hours.source, AssignmentHours):
                groups = []
            for node, counts in self._of_groups(span, groups, selection):
                totals[node] = tuple(map(add, totals.get(node, _NONE), counts))
            in_groups = set(groups)
            keys = [key for key in span.assignments if child_of[self._node_of(key)] not in in_groups]
            for key, counts in self._of_assignments(span, keys, selection):
                child = child_of[self._node_of(key)]
                totals[child] = tuple(map(add, totals.get(child, _NONE), counts))
        return totals

    def totals_of_surveys(self, dates: DateRange, hours: HourFilter) -> dict[int, Totals]:
        """The counted presses of each survey at and below the node that has any, at the present revision."""
        subject = in_scope(self._view, OfNode(self.node.id))
        within = self._within(dates, subject.assignments)
        totals: dict[int, Totals] = {}
        for span in spans_of(self._view, subject, within, self._now):
            selection = Selection(0, dates, hours=hours)
            surveys = sorted({self.layout.assignments[key].survey for key in span.assignments})
            if isinstance(span.hours.source, GroupHours):
                keys = [(self.node.id, survey_id(OfSurvey(self.node.id, survey))) for survey in surveys]
                source = self._view.transaction, self._view.organization, keys, span.start, span.end
                found = stored_hours.counted_of_groups(*source, hours)
                counted = [(key, counts) for (_, key), counts in found.items()]
            else:
                of_assignments = self._of_assignments(span, span.assignments, selection)
                counted = [(self.layout.assignments[key].survey, counts) for key, counts in of_assignments]
            for survey, counts in counted:
                totals[survey] = tuple(map(add, totals.get(survey, _NONE), counts))
        return totals

    def _added(self, selection: Selection, node: int) -> Totals:
        """The counted presses of a node below this one, added up from its hours."""
        total = [0] * MAX_BUTTONS
        for hour in self.hours(selection, node):
            if hour.verdict == Verdict.COUNTED:
                for button, count in enumerate(hour.counts):
                    total[button] += count
        return tuple(total)

    def _of_groups(self, span: Span, groups: Sequence[int], selection: Selection) -> Iterable[tuple[int, Totals]]:
        if not groups:
            return []
        keys = [(group, selection.survey) for group in groups]
        source = self._view.transaction, self._view.organization, keys, span.start, span.end
        found = stored_hours.counted_of_groups(*source, selection.hours)
        return [(node, counts) for (node, _), counts in found.items()]

    def _of_assignments(
        self, span: Span, assignments: Sequence[int], selection: Selection
    ) -> Iterable[tuple[int, Totals]]:
        if not assignments:
            return []
        source = self._view.transaction, self._view.organization, assignments, span.start, span.end
        return stored_hours.counted_of_assignments(*source, selection.hours).items()

    def _node_of(self, assignment: int) -> int:
        return self.layout.assignments[assignment].node

    # Answers after the button

    @contextmanager
    def answers(self, selection: Selection, phase: Phase, *, spam: bool = True) -> Iterator[Iterator[FeedbackRow]]:
        """Counted presses with their follow-ups or texts, as of the revision, in order of time, the newest first.

        Forbidden without the kind of data of the phase.
        """
        subject = self._subject(selection.survey, self.node.id)
        within = self._within(selection.dates, subject.assignments)
        query = Query(subject.subject, within, phase, spam=spam, descending=True, revision=self.revision)
        with closing(RowReader(self._view, subject, query, self._now).rows()) as rows:
            yield filter(lambda row: self._is_selected(row, selection), rows)

    def tally(self, selection: Selection, phase: Phase, columns: Sequence[str]) -> Counter[tuple[Any, ...]]:
        """How many of the rows of `answers` have which values of columns (`store.rows.tally`); empty texts excluded."""
        subject, kind = self._subject(selection.survey, self.node.id), selection.smiley_type
        smileys = None if kind is None else [one.id for one in self.layout.smileys.values() if one.type is kind]
        within = self._within(selection.dates, subject.assignments)
        query = Query(subject.subject, within, phase, revision=self.revision)
        return RowReader(self._view, subject, query, self._now).tally(columns, selection.hours, smileys)

    def _is_selected(self, row: FeedbackRow, selection: Selection) -> bool:
        hour = (row.at + row.offset * MINUTE_MS) // HOUR_MS
        if not selection.hours.holds(hour):
            return False
        return selection.smiley_type is None or self.layout.smileys[row.smiley].type is selection.smiley_type

    # Progress

    def unreported(self, survey: int) -> Unreported:
        """The ranges in which smileys may still report presses of a survey at and below the node."""
        assignments = self._subject(survey, self.node.id).assignments
        return unreported(self.layout, assignments, self.reported_through(), self._now)

    def reported_through(self) -> dict[int, Instant]:
        """The reported-through instants of the organization's smileys that have one."""
        return stored_hours.reported_through(self._view.transaction, self._view.organization)

    def received_at(self, revisions: Iterable[int]) -> dict[int, Instant]:
        """When revisions were committed."""
        return receive_times(self._view.transaction, self._view.organization, revisions)

    def placeholders(self, selection: Selection) -> int:
        """How many counted presses of a selection are known only to the hour."""
        kind = selection.smiley_type
        smileys = None if kind is None else [one.id for one in self.layout.smileys.values() if one.type is kind]
        as_of = None if self.is_present else self.revision
        return sum(
            placeholder_count(
                self._view.transaction,
                self._view.organization,
                span.assignments,
                span.start,
                span.end,
                hour_filter=selection.hours,
                smileys=smileys,
                as_of=as_of,
            )
            for span in self._spans(self._subject(selection.survey, self.node.id), selection.dates)
        )


def require_survey_asked(reader: NodeReader, survey: int) -> None:
    """NotFound unless a survey is asked at or below the reader's node."""
    if all(row.survey != survey for row in reader.assignments()):
        raise NotFound("unknown-survey", "there is no survey {survey}", survey=survey)
