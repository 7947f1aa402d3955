"""Stored feedback that the current set-up resolves otherwise: counted by what is stored and what is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.feedback import Accuracy, Feedback, Verdict
from hymio.intake.difference import Difference, of_resolution
from hymio.intake.resolving import UniformRange, placed, uniform_range
from hymio.setup import END, Layout

NO_RANGE: Final = UniformRange(0, 0, 0, 0, 0)
"""A range that has no instants."""


class _Resolution(NamedTuple):
    """What feedback is resolved to: assignment or quarantine key, offset in minutes, reason of quarantine or None."""

    assignment: int
    offset: int
    reason: int | None


@dataclass(slots=True)
class _Count:
    """How many feedbacks have the same contradiction, with the oldest of them as it is stored and as it is right."""

    stored: Feedback
    right: Feedback
    number: int = 0


class Contradictions:
    """Compares feedback, given in order of time, with what the layout resolves it to.

    The last result of each smiley is cached with the range of instants for which it is valid. Not compared are
    placeholders (`hour_reports` does it) and presses at an impossible time, which no set-up mends.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._ranges: dict[int, UniformRange] = {}  # by smiley
        self._counts: dict[tuple[_Resolution, _Resolution], _Count] = {}

    @property
    def are_any(self) -> bool:
        """Whether any feedback so far was resolved otherwise than the layout does."""
        return bool(self._counts)

    def range_of(self, smiley: int) -> UniformRange:
        """The range in which the last feedback of a smiley was resolved, without instants if there is none."""
        return self._ranges.get(smiley, NO_RANGE)

    def compare(self, feedback: Feedback) -> None:
        """Counts a feedback whose stored assignment or offset is not the one of the set-up."""
        known = self._ranges.get(feedback.smiley, NO_RANGE)
        if (
            known.start <= feedback.at < known.end
            and (known.assignment, known.offset) == (feedback.assignment, feedback.offset)
            and feedback.button < known.buttons
        ):
            return
        if feedback.accuracy != Accuracy.HOUR and feedback.verdict != Verdict.IMPOSSIBLE_TIME:
            self._resolve(feedback)

    def _resolve(self, feedback: Feedback) -> None:
        """Resolves a feedback as if it came now, and counts it if that differs from what is stored."""
        right = placed(self._layout, feedback, END)
        self._ranges[feedback.smiley] = uniform_range(self._layout, feedback.smiley, feedback.at) or NO_RANGE
        stays_in_quarantine = not feedback.is_assigned and not right.is_assigned
        if stays_in_quarantine or (right.assignment, right.offset) == (feedback.assignment, feedback.offset):
            return
        count = self._counts.setdefault((_resolution(feedback), _resolution(right)), _Count(feedback, right))
        count.number += 1

    def differences(self) -> Iterator[Difference]:
        """The contradictions, each once with the number of its presses, at the instant of the oldest."""
        for count in self._counts.values():
            yield of_resolution(self._layout, count.stored, count.right, count.number)


def _resolution(feedback: Feedback) -> _Resolution:
    return _Resolution(feedback.assignment, feedback.offset, None if feedback.is_assigned else feedback.verdict)
