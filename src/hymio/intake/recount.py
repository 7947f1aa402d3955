"""Recomputes verdicts and hours from stored feedback, and hours of groups from those of assignments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from hymio.feedback import Accuracy, Feedback, Verdict, is_raw
from hymio.hierarchy import BEGINNING
from hymio.misuse import Judge
from hymio.period import hour_of, nominal_start
from hymio.rollup import AssignmentHour, Counts, GroupHour, sum_groups
from hymio.setup import Layout
from hymio.store import scan
from hymio.store.dialect import Transaction
from hymio.store.hours import group_keys

MAX_PIECE_HOURS = 10_000
"""At most this many hours of assignments are read in a piece, unless a single local hour has more."""

FIRST_PIECE_SPAN, MAX_PIECE_SPAN = 24, 24 * 90
"""The number of local hours of the first piece of groups, and of the longest one."""

MAX_REPORTS = 200
"""Hour reports whose placeholders are recomputed in one transaction."""

Progress = Callable[[int], None]
"""Called with the number of feedbacks that were recounted since the last call."""


def recounted_key(feedback: Feedback) -> AssignmentHour:
    """The hour in which a raw result is counted."""
    hour = hour_of(feedback.at, feedback.offset)
    return AssignmentHour(feedback.assignment, hour, nominal_start(hour, feedback.offset), feedback.verdict)


class Judges:
    """The judges of the chains of one assignment; its feedbacks must come in order of instant."""

    def __init__(self, layout: Layout, assignment: int) -> None:
        self._layout, self._assignment = layout, assignment
        self._by_smiley: dict[int, Judge] = {}

    def rejudged(self, feedback: Feedback) -> Feedback:
        """The next feedback with its correct verdict."""
        if feedback.accuracy == Accuracy.HOUR and not is_raw(feedback.verdict):
            return feedback  # whether a placeholder is superseded depends on its detailed presses, not on its chain
        if feedback.verdict == Verdict.TEST:
            return feedback
        return feedback._replace(verdict=self._judge(feedback.smiley).judge(feedback))

    def replay(self, feedback: Feedback) -> None:
        """Takes the next feedback with its stored verdict."""
        if is_raw(feedback.verdict):
            self._judge(feedback.smiley).replay(feedback)

    def _judge(self, smiley: int) -> Judge:
        """The judge of a smiley's chain, made on first use."""
        judge = self._by_smiley.get(smiley)
        if judge is None:
            judge = self._by_smiley[smiley] = Judge(self._layout.policies_of(self._assignment, smiley))
        return judge


class GroupPiece(NamedTuple):
    """The hours of all groups in a range of local hours, without empty ones: as stored, and summed from assignments."""

    stored: dict[GroupHour, Counts]
    expected: dict[GroupHour, Counts]

    def differing(self) -> Iterator[GroupHour]:
        """The hours that differ, in order."""
        for key in sorted(self.stored.keys() | self.expected.keys()):
            if self.stored.get(key) != self.expected.get(key):
                yield key


class GroupPieces:
    """An iteration over the hours of all groups in pieces of bounded size, each read in a transaction of the caller.

    A piece is a range of local hours. It is twice as long as the one before if that had few hours of assignments, and
    is halved until it has at most MAX_PIECE_HOURS of them. Local hours without any are skipped.
    """

    def __init__(self, transaction: Transaction, organization: int) -> None:
        self._stored_keys = set(scan.group_totals(transaction, organization))
        self._next_hour, self._span = BEGINNING, FIRST_PIECE_SPAN  # where the next piece starts; its length in hours

    def next(self, transaction: Transaction, layout: Layout) -> GroupPiece | None:
        """The next piece, as the transaction sees it; None after the last."""
        organization, assignments = layout.organization, list(layout.assignments)
        keys_of = group_keys(layout)
        keys = sorted(self._stored_keys | {key for assignment in assignments for key in keys_of(assignment)})
        first = scan.next_hour(transaction, organization, assignments, keys, self._next_hour)
        if first is None:
            return None
        local_hours, assignment_hours = self._read(transaction, organization, assignments, first)
        self._next_hour = local_hours.stop
        expected = sum_groups(assignment_hours, keys_of)
        return GroupPiece(
            stored=scan.hours_of_groups(transaction, organization, keys, local_hours),
            expected={key: counts for key, counts in expected.items() if any(counts)},
        )

    def _read(
        self, transaction: Transaction, organization: int, assignments: list[int], first: int
    ) -> tuple[range, list[tuple[AssignmentHour, Counts]]]:
        """A range of local hours that begins at `first`, and the hours of assignments in it.

        The range is as long as `_span`, which is halved until it has at most MAX_PIECE_HOURS hours of assignments. If
        it has few, `_span` is doubled for the next piece.
        """
        while True:
            local_hours = range(first, first + self._span)
            limit = MAX_PIECE_HOURS + 1 if self._span > 1 else None
            hours = scan.hours_of_assignments(transaction, organization, assignments, local_hours, limit)
            if limit is None or len(hours) < limit:
                break
            self._span //= 2
        if len(hours) < MAX_PIECE_HOURS // 4:
            self._span = min(2 * self._span, MAX_PIECE_SPAN)
        return local_hours, hours
