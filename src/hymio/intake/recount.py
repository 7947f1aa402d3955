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
from hymio.store.hours import GroupKey, group_keys

MAX_PIECE_HOURS, MAX_PIECE_SUMS = 50_000, 10_000
"""Hours of assignments of a piece, and sums of those with the same groups, unless a single local hour has more."""

FIRST_PIECE_SPAN, MAX_PIECE_SPAN = 24, 24 * 90
"""The number of local hours of the first piece of groups, and of the longest one."""

MAX_REPORTS = 200
"""Hour reports whose placeholders are recomputed in one transaction."""

Progress = Callable[[int], None]
"""Called with the number of feedbacks that were recounted since the last call."""


class Reported:
    """Reports the progress of feedbacks that may be read a second time, each of them once."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._count = progress, 0

    def add(self, count: int) -> None:
        """Reports feedbacks that are read for the first time."""
        self._count += count
        self._progress(count)

    def again(self) -> Progress:
        """What reports feedbacks that are read anew from the first one: those beyond the ones reported so far."""
        known = self._count

        def report(count: int) -> None:
            nonlocal known
            known -= count
            if known < 0:
                self.add(-known)
                known = 0

        return report


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
        verdict = self.of(feedback.smiley).judge(feedback)
        return feedback if feedback.verdict == verdict else feedback._replace(verdict=verdict)

    def replay(self, feedback: Feedback) -> None:
        """Takes the next feedback with its stored verdict."""
        if is_raw(feedback.verdict):
            self.of(feedback.smiley).replay(feedback)

    def of(self, smiley: int) -> Judge:
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
    is halved until it has at most MAX_PIECE_HOURS of them, and MAX_PIECE_SUMS sums. Local hours without any are
    skipped.
    """

    def __init__(self, transaction: Transaction, organization: int) -> None:
        self._stored_keys = set(scan.group_totals(transaction, organization))
        self._hours = range(BEGINNING, BEGINNING)  # of the last piece
        self._span = FIRST_PIECE_SPAN

    def next(self, transaction: Transaction, layout: Layout) -> GroupPiece | None:
        """The next piece, as the transaction sees it; None after the last."""
        groups = self._groups(layout)
        first = scan.next_hour(
            transaction, layout.organization, list(layout.assignments), groups.keys, self._hours.stop
        )
        if first is None:
            return None
        sums = self._read(transaction, groups, first)
        return _group_piece(transaction, groups, self._hours, sums)

    def again(self, transaction: Transaction, layout: Layout) -> GroupPiece:
        """The last piece, as another transaction sees it."""
        groups = self._groups(layout)
        sums = scan.summed_hours(transaction, layout.organization, groups.sets, self._hours, None)
        return _group_piece(transaction, groups, self._hours, sums)

    def _groups(self, layout: Layout) -> _Groups:
        """The groups of a layout, and those that have hours."""
        numbers: dict[tuple[GroupKey, ...], int] = {}
        keys_of = group_keys(layout)
        sets = [
            (assignment, numbers.setdefault(keys_of(assignment), len(numbers))) for assignment in layout.assignments
        ]
        keys = sorted(self._stored_keys.union(*numbers))
        return _Groups(layout.organization, keys, list(numbers), sets)

    def _read(self, transaction: Transaction, groups: _Groups, first: int) -> list[tuple[AssignmentHour, Counts]]:
        """The sums of the next piece, which begins at the local hour `first`; sets its range.

        The range is as long as `_span`, which is halved until it has few enough hours. If it has very few, `_span` is
        doubled for the next piece.
        """
        while True:
            hours = self._hours = range(first, first + self._span)
            limits = (MAX_PIECE_HOURS + 1, MAX_PIECE_SUMS + 1) if self._span > 1 else (None, None)
            number = scan.hour_count(transaction, groups.organization, groups.sets, hours, limits[0])
            if limits[0] is None or number < limits[0]:
                sums = scan.summed_hours(transaction, groups.organization, groups.sets, hours, limits[1])
                if limits[1] is None or len(sums) < limits[1]:
                    break
            self._span //= 2
        if number < MAX_PIECE_HOURS // 4 and len(sums) < MAX_PIECE_SUMS // 4:
            self._span = min(2 * self._span, MAX_PIECE_SPAN)
        return sums


class _Groups(NamedTuple):
    """The keys of all groups, the distinct sets of keys that assignments have, and each assignment with its set."""

    organization: int
    keys: list[GroupKey]
    keys_of_sets: list[tuple[GroupKey, ...]]
    sets: list[tuple[int, int]]


def _group_piece(
    transaction: Transaction, groups: _Groups, hours: range, sums: list[tuple[AssignmentHour, Counts]]
) -> GroupPiece:
    """The piece of a range of local hours, from the sums of the assignments that have the same groups."""
    expected = sum_groups(sums, groups.keys_of_sets.__getitem__)
    return GroupPiece(
        stored=scan.hours_of_groups(transaction, groups.organization, groups.keys, hours),
        expected={key: counts for key, counts in expected.items() if any(counts)},
    )
