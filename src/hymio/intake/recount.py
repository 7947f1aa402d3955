"""What verdicts and hours should be: recomputed from raw rows, and for groups from the hours of assignments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from hymio.feedback import Accuracy, Feedback, is_raw
from hymio.hierarchy import BEGINNING
from hymio.misuse import Judge
from hymio.period import hour_of, nominal_start
from hymio.rollup import AssignmentHour, Counts, GroupHour, sum_groups
from hymio.setup import Layout
from hymio.store import scan
from hymio.store.dialect import Transaction
from hymio.store.hours import group_keys

MAX_PIECE_HOURS = 10_000
"""Hours of assignments that are read at once to recount groups, unless a single local hour of all has more."""

FIRST_PIECE_SPAN, MAX_PIECE_SPAN = 24, 24 * 90
"""Local hours of the first piece of groups, and of the longest one."""

MAX_REPORTS = 200
"""Hours told by SMS whose placeholders are looked at together."""

Progress = Callable[[int], None]
"""Called with how many more feedbacks were recounted."""


def recounted_key(feedback: Feedback) -> AssignmentHour:
    """The hour in which a raw result is counted."""
    hour = hour_of(feedback.at, feedback.offset)
    return AssignmentHour(feedback.assignment, hour, nominal_start(hour, feedback.offset), feedback.verdict)


class Judges:
    """The judges of all chains of one assignment, whose feedbacks come in order of instant."""

    def __init__(self, layout: Layout, assignment: int) -> None:
        self._layout, self._assignment = layout, assignment
        self._by_smiley: dict[int, Judge] = {}

    def rejudged(self, feedback: Feedback) -> Feedback:
        """The next feedback with the verdict it deserves."""
        if feedback.accuracy == Accuracy.HOUR and not is_raw(feedback.verdict):
            return feedback  # a placeholder's detail says whether it stands
        return feedback._replace(verdict=self._judge(feedback.smiley).judge(feedback))

    def replay(self, feedback: Feedback) -> None:
        """Takes the next feedback as it was judged before."""
        if is_raw(feedback.verdict):
            self._judge(feedback.smiley).replay(feedback)

    def _judge(self, smiley: int) -> Judge:
        judge = self._by_smiley.get(smiley)
        if judge is None:
            judge = self._by_smiley[smiley] = Judge(self._layout.policies_of(self._assignment, smiley))
        return judge


class GroupPiece(NamedTuple):
    """The hours of all groups in a stretch of time, without empty ones: as stored, and summed up from assignments."""

    stored: dict[GroupHour, Counts]
    expected: dict[GroupHour, Counts]

    def differing(self) -> Iterator[GroupHour]:
        """The hours that differ, in order."""
        for key in sorted(self.stored.keys() | self.expected.keys()):
            if self.stored.get(key) != self.expected.get(key):
                yield key


class GroupPieces:
    """Goes through the hours of all groups in pieces of time, each in a transaction of the caller's.

    A piece covers twice the local hours of the one before while they hold few hours of assignments, and half of them
    where they hold more than MAX_PIECE_HOURS. Stretches without any hour are skipped.
    """

    def __init__(self, transaction: Transaction, organization: int) -> None:
        self._stored_totals = set(scan.group_totals(transaction, organization))
        self._first, self._span = BEGINNING, FIRST_PIECE_SPAN

    def next(self, transaction: Transaction, layout: Layout) -> GroupPiece | None:
        """The next piece, as the transaction sees it; None after the last."""
        organization, assignments = layout.organization, list(layout.assignments)
        keys = group_keys(layout)
        totals = sorted(self._stored_totals | {key for assignment in assignments for key in keys(assignment)})
        first = scan.next_hour(transaction, organization, assignments, totals, self._first)
        if first is None:
            return None
        hours, counts = self._read(transaction, organization, assignments, first)
        self._first = hours.stop
        expected = sum_groups(counts, keys)
        return GroupPiece(
            stored=scan.hours_of_groups(transaction, organization, totals, hours),
            expected={key: summed for key, summed in expected.items() if any(summed)},
        )

    def _read(
        self, transaction: Transaction, organization: int, assignments: list[int], first: int
    ) -> tuple[range, list[tuple[AssignmentHour, Counts]]]:
        """A stretch of local hours that begins at `first`, and the hours of assignments in it."""
        while True:
            hours = range(first, first + self._span)
            limit = MAX_PIECE_HOURS + 1 if self._span > 1 else None
            counts = scan.hours_of_assignments(transaction, organization, assignments, hours, limit)
            if limit is None or len(counts) < limit:
                break
            self._span //= 2
        if len(counts) < MAX_PIECE_HOURS // 4:
            self._span = min(2 * self._span, MAX_PIECE_SPAN)
        return hours, counts
