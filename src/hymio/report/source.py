"""Where the numbers of a report come from: all hours of a survey at a node, or the blocks that may be shown of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from operator import add
from typing import Final, Generic, NamedTuple, TypeVar

from hymio.errors import BadRequest
from hymio.feedback import Verdict
from hymio.period import HOUR_MS, MINUTE_MS, Grain, Instant, bucket_of
from hymio.report.figures import figure
from hymio.report.values import Figure
from hymio.report.withholding import (
    Block,
    Place,
    PlacedHour,
    add_counts,
    blocks,
    first_of,
    has_ended,
    hours_by_key,
)
from hymio.results import FeedbackRow, NodeReader, PeriodHour, Progress, Selection, SumReader, weekday_of
from hymio.scale import IndexType

K = TypeVar("K")

MAX_HOURS: Final = 400_000
"""Hours of assignments, by verdict, that a report looks at where a minimum is set: about three seconds' work."""

_EPOCH: Final = date(1970, 1, 1).toordinal()

Sums = Mapping[int, tuple[int, ...]]
"""Presses by button, for each verdict."""


class Grouped(NamedTuple, Generic[K]):
    """Sums by a key, and the keys of which answers are left out."""

    sums: Mapping[K, Sums]
    cut: frozenset[K]


def first_hour(day: date) -> int:
    """The number of the first local hour of a date."""
    return (day.toordinal() - _EPOCH) * 24


def date_of(hour: int) -> date:
    """The date of a local hour."""
    return date.fromordinal(hour // 24 + _EPOCH)


def cell_of(hour: int) -> int:
    """The hour of the week of a local hour: 24 · weekday + hour of the day."""
    return weekday_of(hour) * 24 + hour % 24


def _added(counts: Iterable[tuple[K, tuple[int, ...]]]) -> dict[K, tuple[int, ...]]:
    """Counts by button, those with equal keys added."""
    totals: dict[K, tuple[int, ...]] = {}
    for key, one in counts:
        before = totals.get(key)
        totals[key] = one if before is None else tuple(map(add, before, one))
    return totals


class Source(ABC):
    """The answers of a survey at a node in a period, after all filters."""

    def __init__(self, reader: NodeReader, selection: Selection) -> None:
        self.reader, self.selection = reader, selection
        survey = reader.layout.surveys[selection.survey]
        self.index_type: IndexType = survey.index_type
        self.buttons: int = survey.scale.buttons

    @abstractmethod
    def by(self, key: Callable[[int], K | None]) -> Grouped[K]:
        """The answers by a key of their local hour; hours with None are not asked for."""

    @abstractmethod
    def by_child(self) -> tuple[Mapping[int, tuple[int, ...]], frozenset[int]]:
        """The counted answers of each direct child of the node, and the children of which answers are left out."""

    @abstractmethod
    def holds(self, row: FeedbackRow) -> bool:
        """Whether an answer of the period is among those that are shown."""

    def by_bucket(self, grain: Grain) -> dict[int, Figure]:
        """The figures of counted answers by hour, day, week, month or year, given by its first local hour."""
        return self.figures(lambda hour: bucket_of(hour, grain))

    @cached_property
    def by_cell(self) -> Mapping[int, Figure]:
        """The figures of the hours of the week that have answers: 24 · weekday + hour of the day."""
        return self.figures(cell_of)

    def by_day(self) -> Mapping[date, Sums]:
        """The answers of each local date, with misuse; with a minimum, dates of which some are left out are missing."""
        sums, cut = self.by(date_of)
        return {day: of_day for day, of_day in sums.items() if day not in cut}

    def total(self) -> Sums:
        """All answers of the period, with misuse."""
        return self.by(lambda _: 0).sums.get(0, {})

    def summary(self) -> Figure:
        """All answers of the period."""
        return self.figures(lambda _: 0).get(0) or self._figure((0,) * self.buttons, left_out=False)

    def figures(self, key: Callable[[int], K | None]) -> dict[K, Figure]:
        """The figures of counted answers by a key of their local hour, of the keys that have any."""
        sums, cut = self.by(key)
        none = (0,) * self.buttons
        return {
            one: self._figure(sums.get(one, {}).get(Verdict.COUNTED, none), left_out=one in cut)
            for one in {**sums, **dict.fromkeys(cut)}
        }

    @cached_property
    def by_hour_of_day(self) -> Mapping[int, Figure]:
        """The figures of the hours of the day that have answers."""
        return self.figures(lambda hour: hour % 24)

    def child_figures(self) -> dict[int, Figure]:
        """The figures of the direct children of the node that have answers."""
        totals, cut = self.by_child()
        none = (0,) * self.buttons
        return {
            child: self._figure(totals.get(child, none)[: self.buttons], left_out=child in cut)
            for child in {**totals, **dict.fromkeys(cut)}
        }

    def _figure(self, counts: tuple[int, ...], *, left_out: bool) -> Figure:
        return figure(counts, self.index_type, left_out=left_out)


class AllHours(Source):
    """All answers: nothing is withheld."""

    @cached_property
    def hours(self) -> list[PeriodHour]:
        """The hours of the period, in no order."""
        return self.reader.hours(self.selection)

    @cached_property
    def _sums(self) -> SumReader | None:
        """Reads sums that the engine adds up; None where hours must be added up here."""
        return self.reader.sums(self.selection) if self.reader.is_added(self.selection) else None

    @cached_property
    def _by_date(self) -> Mapping[int, Sums]:
        """The presses of each local date, in days since 1970-01-01; those of equal dates in several zones are added."""
        return self.by(lambda hour: hour // 24).sums if self._sums is None else self._sums.by_date()

    @cached_property
    def counted_by_hour(self) -> Mapping[int, tuple[int, ...]]:
        """The counted answers of each local hour, those of several zones added; none with misuse alone."""
        if self._sums is not None:
            return {hour: counts for (hour, _), counts in self._sums.by_hour(by_start=False).items()}
        none = (0,) * self.buttons
        return {hour: sums.get(Verdict.COUNTED, none) for hour, sums in self.by(lambda hour: hour).sums.items()}

    @cached_property
    def counted_by_offset(self) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """The counted answers of each local hour and offset (minutes) that has any."""
        if self._sums is not None:
            return self._sums.by_hour(by_start=True)
        counted = (hour for hour in self.hours if hour.verdict == Verdict.COUNTED)
        return _added(((hour.hour, hour.offset), hour.counts) for hour in counted)

    def by_bucket(self, grain: Grain) -> dict[int, Figure]:
        if grain is Grain.HOUR:
            return {hour: self._figure(counts, left_out=False) for hour, counts in self.counted_by_hour.items()}
        counted = ((day, sums[Verdict.COUNTED]) for day, sums in self._by_date.items() if Verdict.COUNTED in sums)
        totals = _added((bucket_of(day * 24, grain), counts) for day, counts in counted)
        return {bucket: self._figure(counts, left_out=False) for bucket, counts in totals.items()}

    @cached_property
    def by_cell(self) -> Mapping[int, Figure]:
        return {cell: self._figure(counts, left_out=False) for cell, counts in self._counted_by_cell.items()}

    @cached_property
    def _counted_by_cell(self) -> Mapping[int, tuple[int, ...]]:
        if self._sums is not None:
            return self._sums.by_cell()
        sums = self.by(cell_of).sums
        return {cell: of_cell[Verdict.COUNTED] for cell, of_cell in sums.items() if Verdict.COUNTED in of_cell}

    @cached_property
    def by_hour_of_day(self) -> Mapping[int, Figure]:
        totals = _added((cell % 24, counts) for cell, counts in self._counted_by_cell.items())
        return {hour: self._figure(counts, left_out=False) for hour, counts in totals.items()}

    def by_day(self) -> Mapping[date, Sums]:
        return {date_of(day * 24): sums for day, sums in self._by_date.items()}

    def total(self) -> Sums:
        return _added(pair for sums in self._by_date.values() for pair in sums.items())

    def summary(self) -> Figure:
        return self._figure(self.total().get(Verdict.COUNTED, (0,) * self.buttons), left_out=False)

    def progress(self, late: int, unreported: Sequence[tuple[Instant, Instant]]) -> Progress | None:
        """The progress of the hours, where the engine can tell it; else None. See `SumReader.progress`."""
        return None if self._sums is None else self._sums.progress(late, unreported)

    def by(self, key: Callable[[int], K | None]) -> Grouped[K]:
        totals: dict[K, dict[int, tuple[int, ...]]] = {}
        for _, _, hour, verdict, _, counts in self.hours:
            one = key(hour)
            if one is None:
                continue
            total = totals.setdefault(one, {})
            before = total.get(verdict)
            total[verdict] = counts if before is None else tuple(map(add, before, counts))
        return Grouped(totals, frozenset())

    def by_child(self) -> tuple[Mapping[int, tuple[int, ...]], frozenset[int]]:
        return self.reader.totals_of_children(self.selection), frozenset()

    def holds(self, row: FeedbackRow) -> bool:
        return True


class Blocks(Source):
    """The answers in blocks of at least the minimum, of those months that have ended."""

    def __init__(self, reader: NodeReader, selection: Selection, minimum: int, now: Instant) -> None:
        super().__init__(reader, selection)
        self._minimum, self._now = minimum, now
        self._first, self._end = first_hour(selection.dates.start), first_hour(selection.dates.end)
        below = {row.id for row in reader.assignments() if row.survey == selection.survey}
        kind = selection.smiley_type
        types = {key: set(reader.layout.smiley_types(key)) for key in below}
        self._assignments = {key for key in below if kind is None or {kind} == types[key]}
        self._mixed = {key for key in below - self._assignments if kind in types[key]}
        self._is_bounded()

    @cached_property
    def _blocks(self) -> list[Block]:
        """The blocks that touch the node in all months of which the period has a part."""
        reader, survey = self.reader, self.selection.survey
        rows = [row for row in reader.layout.assignments.values() if row.survey == survey]
        places = [Place(row.id, (row.node, *reader.layout.hierarchy.ancestors(row.node))) for row in rows]
        totals = reader.counted_in_months(survey, self._months, self._minimum)
        hours = reader.hours_of_assignments(survey, self._read, *self._span)
        placed = (PlacedHour(*one) for one in hours)
        return list(blocks(placed, frozenset(self._read), totals, places, self._minimum, self._now))

    @cached_property
    def _months(self) -> list[tuple[int, int]]:
        """The first and end local hour of each month of which the period has a part."""
        edges, day = [], self.selection.dates.start.replace(day=1)
        while day < self.selection.dates.end:
            edges.append(first_hour(day))
            day = (day + timedelta(days=31)).replace(day=1)
        return list(pairwise([*edges, first_hour(day)]))

    @property
    def hidden_from(self) -> date | None:
        """The first date of the period in a month that has not ended everywhere; None without any."""
        first = next((month for month, _ in self._months if not has_ended(month, self._now)), None)
        return None if first is None else max(self.selection.dates.start, date_of(first))

    @property
    def _span(self) -> tuple[int, int]:
        """The first and end local hour of all these months."""
        return self._months[0][0], self._months[-1][1]

    def _is_bounded(self) -> None:
        """BadRequest if the hours of the node are more than MAX_HOURS: each of them is looked at."""
        hours = self.reader.number_of_hours(self._read, *self._span)
        if hours > MAX_HOURS:
            raise BadRequest(
                "too-many-withheld-hours",
                "with a minimum number of answers a report looks at each hour of each point, here {hours}; accepted are"
                " {most}: choose a shorter period or a node below this one",
                hours=-(-hours // 100_000) * 100_000,  # the exact number would tell of a single hour with answers
                most=MAX_HOURS,
            )

    @property
    def _read(self) -> list[int]:
        """The assignments whose hours are read.

        Of one that has smileys of other types too no part is shown: which answers are of the type is no whole block.
        """
        return sorted(self._assignments | self._mixed)

    def by(self, key: Callable[[int], K | None]) -> Grouped[K]:
        sums: dict[K, dict[int, tuple[int, ...]]] = {}
        cut: set[K] = set()
        for month in {**self._shown_hours, **self._cut_hours}:
            keys, left_out = hours_by_key(month, key), self._cut_hours.get(month, 0)
            for hours, counts in self._shown_hours.get(month, {}).items():
                one = key(month + first_of(hours))
                if one is not None and not hours & ~keys[one]:
                    add_counts(sums.setdefault(one, {}), counts)
                else:
                    left_out |= hours
            cut |= {one for one, hours in keys.items() if hours & left_out}
        return Grouped(sums, frozenset(cut))

    def by_child(self) -> tuple[Mapping[int, tuple[int, ...]], frozenset[int]]:
        layout = self.reader.layout
        children = layout.hierarchy.children(self.reader.node.id)
        child_of = {point.id: child.id for child in children for point in layout.hierarchy.points(child.id)}

        def of(places: Iterable[int]) -> set[int]:
            return {child_of[node] for place in places if (node := layout.assignments[place].node) in child_of}

        cut = of({place for block in self._cut for place in block.extent.places} & set(self._read))
        totals: dict[int, dict[int, tuple[int, ...]]] = {}
        for block in self._shown:
            touched = of(block.extent.places)
            if len(touched) > 1:
                cut |= touched
            for child in touched if len(touched) == 1 else ():
                add_counts(totals.setdefault(child, {}), block.counts)
        none = (0,) * self.buttons
        return {child: total.get(Verdict.COUNTED, none) for child, total in totals.items()}, frozenset(cut)

    @cached_property
    def _asked_hours(self) -> Mapping[int, int]:
        """The hours that are asked for, as in `Extent.hours`, by month."""
        holds, first, end = self.selection.hours.holds, self._first, self._end
        months = {block.extent.month for block in self._blocks}
        return {
            month: hours_by_key(month, lambda hour: (first <= hour < end and holds(hour)) or None).get(True, 0)
            for month in months
        }

    @cached_property
    def _shown(self) -> list[Block]:
        """The blocks whose whole extent is asked for."""
        return [block for block in self._blocks if self._is_shown(block)]

    @cached_property
    def _cut(self) -> list[Block]:
        """The other blocks whose extent touches what is asked for: what they touch is incomplete."""
        asked = self._asked_hours
        return [
            block
            for block in self._blocks
            if block.extent.hours & asked[block.extent.month] and not self._is_shown(block)
        ]

    def _is_shown(self, block: Block) -> bool:
        month, places, hours = block.extent
        return not block.hidden and not hours & ~self._asked_hours[month] and places <= self._assignments

    @cached_property
    def _shown_hours(self) -> Mapping[int, Mapping[int, Sums]]:
        """The counts of shown blocks by month and the hours of their extents."""
        sums: dict[int, dict[int, dict[int, tuple[int, ...]]]] = {}
        for block in self._shown:
            add_counts(sums.setdefault(block.extent.month, {}).setdefault(block.extent.hours, {}), block.counts)
        return sums

    @cached_property
    def _cut_hours(self) -> Mapping[int, int]:
        """The asked hours that the extents of other blocks touch, by month."""
        hours: dict[int, int] = {}
        for (month, _, of_block), *_ in self._cut:
            hours[month] = hours.get(month, 0) | of_block
        return {month: touched & self._asked_hours[month] for month, touched in hours.items()}

    @cached_property
    def _held(self) -> Mapping[tuple[int, int], int]:
        """The hours of the shown extents, by place and month."""
        held: dict[tuple[int, int], int] = {}
        for (month, places, hours), *_ in self._shown:
            for place in places:
                held[place, month] = held.get((place, month), 0) | hours
        return held

    def holds(self, row: FeedbackRow) -> bool:
        hour = (row.at + row.offset * MINUTE_MS) // HOUR_MS
        month = bucket_of(hour, Grain.MONTH)
        return bool(self._held.get((row.assignment, month), 0) >> (hour - month) & 1)


def source_of(reader: NodeReader, selection: Selection, minimum: int, now: Instant) -> Source:
    """All hours if the minimum is 1, otherwise blocks of at least so many answers."""
    return AllHours(reader, selection) if minimum <= 1 else Blocks(reader, selection, minimum, now)
