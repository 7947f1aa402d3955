"""Hourly counts: what they are counted of, and the reference that every store must equal."""

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
    """What hours are counted of: one survey at one experience point."""

    assignment: int


@dataclass(frozen=True, slots=True)
class OfSurvey:
    """What hours are counted of: one survey at a node and everywhere below it."""

    node: int
    survey: int


@dataclass(frozen=True, slots=True)
class OfScale:
    """What hours are counted of: all surveys whose scale has so many buttons, at a node and everywhere below it."""

    node: int
    buttons: int


GroupSubject = OfSurvey | OfScale
"""What the stored hours of a group are of; `store.hours.survey_id` is its value in the column `survey_id`."""

Subject = OfAssignment | GroupSubject


class AssignmentHour(NamedTuple):
    """The key of an hour at an assignment: its local hour number, nominal start (ms UTC) and verdict.

    The nominal start is the full hour by the offset of its presses. It tells the doubled hours of autumn apart, and it
    is made of facts alone, so that no change of a zone can move what was counted. The instant that people are shown is
    `period.first_instant`, which differs from it only where a clock is changed within an hour.
    """

    assignment: int
    hour: int
    starts_at: int
    verdict: int


class GroupHour(NamedTuple):
    """The key of an hour of a group; `survey` is its subject as stored (`store.hours.survey_id`)."""

    node: int
    survey: int
    hour: int
    starts_at: int
    verdict: int


# By name it takes twice as long.
_group_hour: Callable[[tuple[int, ...]], GroupHour] = partial(tuple.__new__, GroupHour)

Counts = list[int]
"""Presses by button index, as long as MAX_BUTTONS."""


def no_counts() -> Counts:
    """Counts of nothing."""
    return [0] * MAX_BUTTONS


def roll_up(feedbacks: Iterable[Feedback]) -> dict[AssignmentHour, Counts]:
    """The hours of judged feedbacks."""
    hours: dict[AssignmentHour, Counts] = {}
    for each in feedbacks:
        if is_raw(each.verdict):
            hour = hour_of(each.at, each.offset)
            key = AssignmentHour(each.assignment, hour, nominal_start(hour, each.offset), each.verdict)
            hours.setdefault(key, no_counts())[each.button] += 1
    return hours


def group_up(
    hours: Iterable[tuple[AssignmentHour, Counts]], keys: Callable[[int], Iterable[tuple[int, int]]]
) -> dict[GroupHour, Counts]:
    """The hours of the groups above; `keys(assignment)` gives the (node, survey) pairs an assignment counts towards."""
    # Assignments side by side count towards the same groups: their hours are added once and then carried up together.
    together: dict[tuple[tuple[tuple[int, int], ...], int, int, int], Counts] = {}
    for (assignment, hour, starts_at, verdict), counts in hours:
        _add(together, (tuple(keys(assignment)), hour, starts_at, verdict), counts)
    groups: dict[GroupHour, Counts] = {}
    for (above, hour, starts_at, verdict), counts in together.items():
        told = [(button, count) for button, count in enumerate(counts) if count]
        for node, survey in above:
            total = groups.setdefault(_group_hour((node, survey, hour, starts_at, verdict)), no_counts())
            for button, count in told:
                total[button] += count
    return groups


def _add(totals: dict[K, Counts], key: K, counts: Counts) -> None:
    known = totals.get(key)
    totals[key] = counts if known is None else list(map(add, known, counts))
