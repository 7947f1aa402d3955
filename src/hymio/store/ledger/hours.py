"""Hours in one commit: differences of the counts of assignments and groups, summed in memory, written at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add
from typing import TypeVar

from hymio.feedback import Feedback, is_raw
from hymio.period import HOUR_MS, MINUTE_MS, hour_of, nominal_start
from hymio.rollup import MAX_BUTTONS, AssignmentHour, Counts, GroupHour, no_counts, sum_groups
from hymio.store import schema
from hymio.store.dialect import Row, Transaction
from hymio.store.hours import GroupKey

Key = TypeVar("Key", bound=tuple[int, ...])
Gathered = dict[tuple[int, int, int, int], Counts]
"""By assignment, local hour, offset in minutes and verdict."""

GroupKeys = Callable[[int], Iterable[GroupKey]]
"""The keys of the group hours that include an assignment's hours."""


def _adding(table: str) -> str:
    sums = ", ".join(f"c{i} = {table}.c{i} + excluded.c{i}" for i in range(MAX_BUTTONS))
    return f"DO UPDATE SET {sums}, revision = excluded.revision"


_ADD_ASSIGNMENT_HOUR = (
    f"ON CONFLICT (organization_id, assignment_id, local_hour, starts_at, verdict) {_adding('assignment_hour')}"
)
_ADD_GROUP_HOUR = (
    f"ON CONFLICT (organization_id, node_id, survey_id, local_hour, starts_at, verdict) {_adding('group_hour')}"
)


class HourDifferences:
    """The differences by which a commit changes the hours of an organization; `flush` writes them."""

    def __init__(self, transaction: Transaction, organization: int, revision: int) -> None:
        self._transaction = transaction
        self._organization = organization
        self._revision = revision
        self._gathered: Gathered = {}

    def count(self, feedbacks: Iterable[Feedback], by: int) -> None:
        """Adds the raw results among feedbacks to their hours (`by` 1) or subtracts them (-1)."""
        hours = self._gathered
        for _, _, _, at, offset, _, button, _, _, assignment, verdict, _, _ in feedbacks:
            if not verdict or is_raw(verdict):
                key = (assignment, hour_of(at, offset), offset, verdict)
                counts = hours.get(key)
                if counts is None:
                    counts = hours[key] = no_counts()
                counts[button] += by

    def count_uniform(
        self, assignment: int, offset: int, instants: Sequence[int], verdicts: Sequence[int], buttons: Sequence[int]
    ) -> None:
        """Adds raw results of one assignment and offset to their hours: their instants, verdicts and buttons."""
        hours, shift = self._gathered, offset * MINUTE_MS
        for at, verdict, button in zip(instants, verdicts, buttons, strict=True):
            key = (assignment, (at + shift) // HOUR_MS, offset, verdict)
            counts = hours.get(key)
            if counts is None:
                counts = hours[key] = no_counts()
            counts[button] += 1

    def add_assignment_hours(self, hours: Mapping[AssignmentHour, Counts]) -> None:
        """Writes differences to the hours of assignments now, and not to those of groups."""
        self._transaction.insert_later(schema.assignment_hour, self._rows(hours), _ADD_ASSIGNMENT_HOUR)

    def add_group_hours(self, groups: Mapping[GroupHour, Counts]) -> None:
        """Writes differences to the hours of groups now."""
        self._transaction.insert_later(schema.group_hour, self._rows(groups), _ADD_GROUP_HOUR)

    # The commit

    def flush(self, group_keys: GroupKeys) -> None:
        """Writes the differences to the hours of assignments and of the groups above them."""
        hours = {
            AssignmentHour(assignment, hour, nominal_start(hour, offset), verdict): counts
            for (assignment, hour, offset, verdict), counts in self._gathered.items()
            if any(counts)
        }
        self._gathered = {}
        self.add_assignment_hours(hours)
        self.add_group_hours(sum_groups(hours.items(), group_keys))

    def set_aside(self) -> Gathered:
        """Returns the differences so far, for `restore` or `merge`, and starts with none."""
        before, self._gathered = self._gathered, {}
        return before

    def restore(self, before: Gathered) -> None:
        """Drops the differences since `set_aside` and puts back those before it."""
        self._gathered = before

    def merge(self, before: Gathered) -> None:
        """Adds the differences since `set_aside` to those before it."""
        since, self._gathered = self._gathered, before
        for key, counts in since.items():
            _add(before, key, counts)

    def _rows(self, hours: Mapping[Key, Counts]) -> list[Row]:
        organization, revision = self._organization, self._revision
        return [(organization, *key, *counts, revision) for key, counts in hours.items() if any(counts)]


def _add(hours: dict[Key, Counts], key: Key, counts: Counts) -> None:
    """Adds counts to those of a key in `hours`."""
    sums = hours.get(key)
    hours[key] = counts if sums is None else list(map(add, sums, counts))
