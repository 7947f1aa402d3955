"""A fast check whether verdicts and hours of an assignment are what its rows and the set-up give; it lists nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

from hymio.feedback import Feedback, Verdict
from hymio.intake.contradicting import NO_RANGE, Contradictions
from hymio.intake.recount import Judges, Progress
from hymio.intake.resolving import EARLIEST
from hymio.period import HOUR_MS, Instant
from hymio.rollup import AssignmentHour, Counts, no_counts
from hymio.setup import Layout
from hymio.store import scan
from hymio.store.dialect import Row, Transaction

CHUNK_ROWS = 2_000
"""Rows of feedback that are checked at a time."""

MAX_UNBALANCED = 5_000
"""Counts that rows and stored hours do not have in common so far; with more of them the check ends."""

_INTERVAL: Final = int(Verdict.INTERVAL)
_SUPERSEDED: Final = int(Verdict.SUPERSEDED)

_hour_and_button: Final = itemgetter(slice(0, 4))
_instant: Final = itemgetter(4)
_smiley: Final = itemgetter(5)


def agrees(transaction: Transaction, layout: Layout, assignment: int, progress: Progress) -> bool:
    """Whether each press of an assignment is resolved and judged right, and each hour counts the presses of its rows.

    True only where comparing one by one finds no difference; it may be False where that finds none either. Each row and
    hour is read once, in order of time, and only what they do not have in common is held. Hours that are sealed are
    passed over. It takes a fourth of the time of comparing one by one, which lists the differences.
    """
    organization = layout.organization
    sealed = scan.raw_from(transaction, organization)
    rows = scan.presses_with_hours(transaction, organization, assignment, sealed)
    buttons = layout.surveys[layout.assignments[assignment].survey].scale.buttons
    presses = _Presses(layout, assignment)
    balance = _Balance(scan.counts_in_order(transaction, organization, assignment, sealed, buttons))
    while chunk := list(islice(rows, CHUNK_ROWS)):
        if not (presses.are_right(chunk) and balance.has_room_after(chunk)):
            return False
        progress(len(chunk))
    return balance.is_settled()


def counts_if_right(
    transaction: Transaction, layout: Layout, assignment: int, start: Instant, end: Instant
) -> dict[AssignmentHour, Counts] | None:
    """What the hours of an assignment that start in [start, end) must count; None if a press may be wrong."""
    since = start - layout.judging_window(assignment)
    rows = scan.presses_with_hours(transaction, layout.organization, assignment, since, end + HOUR_MS)
    presses, counted = _Presses(layout, assignment), Counter[Sequence[int]]()
    while chunk := list(islice(rows, CHUNK_ROWS)):
        first = bisect_left(chunk, start, key=_instant)
        presses.replay(chunk[:first])
        if not presses.are_right(chunk[first:]):
            return None
        counted.update(map(_hour_and_button, chunk[first:]))
    hours: dict[AssignmentHour, Counts] = {}
    for (hour, starts_at, verdict, button), count in counted.items():
        if verdict < _SUPERSEDED and start <= starts_at < end:
            hours.setdefault(AssignmentHour(assignment, hour, starts_at, verdict), no_counts())[button] = count
    return hours


class _Presses:
    """The chains of one assignment: by smiley its judge, and the range in which its presses are resolved alike."""

    def __init__(self, layout: Layout, assignment: int) -> None:
        self._assignment = assignment
        self._judges, self._contradictions = Judges(layout, assignment), Contradictions(layout)

    def replay(self, rows: Iterable[Row]) -> None:
        """Takes rows of `scan.presses_with_hours` that come before those to check, with their stored verdicts."""
        for row in rows:
            self._judges.replay(self._feedback(row))

    def are_right(self, rows: Iterable[Row]) -> bool:
        """Whether the next rows of `scan.presses_with_hours` have the assignment, offset and verdict they deserve."""
        return all(self._run_is_right(smiley, run) for smiley, run in groupby(rows, _smiley))

    def _run_is_right(self, smiley: int, run: Iterable[Row]) -> bool:
        """Whether the next presses of a smiley are right.

        Nearly all are resolved as the one before, and judged only by an interval that never changes. These are judged
        here, in 0.3 µs; `_is_right` takes 4 µs.
        """
        judge = self._judges.of(smiley)
        interval, last_counted = judge.only_interval, judge.last_counted
        start, end, own_offset, buttons = self._range(smiley)
        for row in run:
            _, _, verdict, button, at, _, offset, accuracy, finding, _ = row
            if (
                start <= at < end
                and offset == own_offset
                and 0 <= button < buttons
                and interval is not None
                and not accuracy
                and not finding
                and verdict == (_INTERVAL if at - last_counted < interval else 0)
            ):
                if not verdict:
                    last_counted = at
                continue
            judge.last_counted = last_counted
            if not self._is_right(self._feedback(row)):
                return False
            last_counted = judge.last_counted
            start, end, own_offset, buttons = self._range(smiley)
        judge.last_counted = last_counted
        return True

    def _range(self, smiley: int) -> tuple[int, int, int, int]:
        """The range in which the next presses of a smiley are probably resolved: start, end, offset, buttons."""
        known = self._contradictions.range_of(smiley)
        if known.assignment != self._assignment:
            known = NO_RANGE
        return known.start, known.end, known.offset, known.buttons

    def _feedback(self, row: Row) -> Feedback:
        """The feedback of a row, without what judging does not look at: sequence, correction, revision."""
        _, _, verdict, button, at, smiley, offset, accuracy, finding, epoch = row
        return Feedback(smiley, epoch, 0, at, offset, 0, button, accuracy, finding, self._assignment, verdict, 0)

    def _is_right(self, feedback: Feedback) -> bool:
        """Whether the next press of its smiley is right, by all rules."""
        self._contradictions.compare(feedback)
        is_resolved = feedback.at >= EARLIEST and not self._contradictions.are_any
        return is_resolved and self._judges.rejudged(feedback).verdict == feedback.verdict


class _Balance:
    """What rows and stored hours, both read in order of time, do not have in common: presses by hour and button."""

    def __init__(self, stored: Iterator[Row]) -> None:
        self._stored = stored  # rows of `scan.counts_in_order`
        self._open: Counter[Sequence[int]] = Counter()

    def has_room_after(self, rows: Sequence[Row]) -> bool:
        """Counts the next rows of `scan.presses_with_hours`; False if rows and hours drift apart.

        Of rows only raw results are counted, of hours all: one with another verdict is wrong.
        """
        for key, count in Counter(map(_hour_and_button, rows)).items():
            if key[2] < _SUPERSEDED:
                self._open[key] += count
        self._subtract(rows[-1][0])
        self._open = Counter({key: count for key, count in self._open.items() if count})
        return len(self._open) <= MAX_UNBALANCED

    def is_settled(self) -> bool:
        """Whether all rows and hours are alike, after the last row."""
        for hour in self._stored:
            if any(hour[3:]):
                self._subtract_one(hour)
                if len(self._open) > MAX_UNBALANCED:
                    return False
        return not any(self._open.values())

    def _subtract(self, through: int) -> None:
        """Subtracts the stored hours up to a local hour, and the one that follows."""
        for hour in self._stored:
            self._subtract_one(hour)
            if hour[0] > through:
                return

    def _subtract_one(self, stored: Row) -> None:
        counts = self._open
        hour, starts_at, verdict, *stored_counts = stored
        for button, count in enumerate(stored_counts):
            if count:
                counts[hour, starts_at, verdict, button] -= count
