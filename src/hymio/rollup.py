"""Hourly counts: their subjects and keys, and the reference computation that the stored counts must equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import NamedTuple, TypeVar

from hymio.feedback import Feedback, is_raw
from hymio.period import hour_of, nominal_start

MAX_BUTTONS = 11
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class OfAssignment:
    """The subject of hours of one assignment: one survey at one experience point."""

    assignment: int


@dataclass(frozen=True, slots=True)
class OfSurvey:
    """The subject of hours of one survey at a node and everywhere below it."""

    node: int
    survey: int


@dataclass(frozen=True, slots=True)
class OfScale:
    """The subject of hours of all surveys whose scale has `buttons` buttons, at a node and everywhere below it."""

    node: int
    buttons: int


GroupSubject = OfSurvey | OfScale
"""The subject of a group's hours; `store.hours.survey_id` encodes it for the column `survey_id`."""

Subject = OfAssignment | GroupSubject


class AssignmentHour(NamedTuple):
    """The key of an hour at an assignment: its local hour number, nominal start (ms UTC) and verdict.

    The nominal start is the full hour by the offset of its presses. It distinguishes the two hours of a clock change in
    autumn. It depends only on what is stored with the presses, so a change of the zone does not move counted presses.
    The instant that results show is `period.first_instant`, which differs only if a clock changes within the hour.
    """

    assignment: int
    hour: int
    starts_at: int
    verdict: int


class GroupHour(NamedTuple):
    """The key of an hour of a group; `survey` is the encoded subject (`store.hours.survey_id`)."""

    node: int
    survey: int
    hour: int
    starts_at: int
    verdict: int


_group_hour: Callable[[tuple[int, ...]], GroupHour] = partial(tuple.__new__, GroupHour)
"""Makes a key of a tuple, twice as fast as the constructor."""

Counts = list[int]
"""Number of presses by button index; the list has MAX_BUTTONS entries."""


def no_counts() -> Counts:
    """Counts that are all 0."""
    return [0] * MAX_BUTTONS


def roll_up(feedbacks: Iterable[Feedback]) -> dict[AssignmentHour, Counts]:
    """The hours of assignments, counted from feedbacks with verdicts; superseded and quarantined ones are left out."""
    hours: dict[AssignmentHour, Counts] = {}
    for feedback in feedbacks:
        if is_raw(feedback.verdict):
            hour = hour_of(feedback.at, feedback.offset)
            start = nominal_start(hour, feedback.offset)
            key = AssignmentHour(feedback.assignment, hour, start, feedback.verdict)
            hours.setdefault(key, no_counts())[feedback.button] += 1
    return hours


def sum_groups(
    hours: Iterable[tuple[AssignmentHour, Counts]], keys: Callable[[int], Iterable[tuple[int, int]]]
) -> dict[GroupHour, Counts]:
    """The hours of groups, summed from those of assignments.

    `keys(assignment)` gives the (node, encoded subject) pairs of all groups whose hours include the assignment.
    """
    # From the groups next to assignments up: hours of groups with the same groups above them are added before they are
    # added there, which takes a third of adding each to all of its groups.
    sums: dict[tuple[tuple[int, int], ...], dict[tuple[int, int, int], Counts]] = {}
    for (assignment, hour, starts_at, verdict), counts in hours:
        _add(sums.setdefault(tuple(keys(assignment)), {}), (hour, starts_at, verdict), counts)
    groups: dict[GroupHour, Counts] = {}
    for length in range(max(map(len, sums), default=0), 0, -1):
        for group_keys in [some for some in sums if len(some) == length]:
            below = sums.pop(group_keys)
            (node, survey), others = group_keys[0], group_keys[1:]
            for key, counts in below.items():
                _add(groups, _group_hour((node, survey, *key)), counts)
            above = sums.setdefault(others, below)
            if above is not below:
                for key, counts in below.items():
                    _add(above, key, counts)
    return groups


def _add(totals: dict[K, Counts], key: K, counts: Counts) -> None:
    """Adds counts to the total of a key."""
    total = totals.get(key)
    totals[key] = counts if total is None else list(map(add, total, counts))
