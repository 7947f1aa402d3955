"""Moves the hours of assignments between the totals of groups when a node moves in the tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hymio.rollup import AssignmentHour, Counts, GroupHour, no_counts
from hymio.setup import Layout
from hymio.store.hours import group_keys
from hymio.store.ledger.ledger import Ledger
from hymio.store.scan import assignment_hours

MAX_GATHERED_HOURS = 20_000
"""Hours of groups held in memory at a time."""


class _Move(NamedTuple):
    """A group's total from which an assignment's hours are subtracted (`sign` -1) or to which they are added (1)."""

    node: int
    survey: int
    sign: int


def regroup_hours(ledger: Ledger, before: Layout, assignments: Iterable[int]) -> None:
    """Subtracts the hours of assignments from the groups they left and adds them to those they joined.

    `before` is the layout from before the move; the ledger has the one after it.
    """
    keys_before, keys_now = group_keys(before), group_keys(ledger.layout)
    for assignment in assignments:
        before_move, after_move = set(keys_before(assignment)), set(keys_now(assignment))
        moves = [_Move(*key, -1) for key in before_move - after_move]
        moves += [_Move(*key, 1) for key in after_move - before_move]
        if moves:
            _move_hours(ledger, assignment, moves)


def _move_hours(ledger: Ledger, assignment: int, moves: list[_Move]) -> None:
    groups: dict[GroupHour, Counts] = {}
    for hour, counts in assignment_hours(ledger.transaction, ledger.organization, assignment):
        for move in moves:
            total = groups.setdefault(_group_hour(move, hour), no_counts())
            for button, count in enumerate(counts):
                total[button] += move.sign * count
        if len(groups) >= MAX_GATHERED_HOURS:
            ledger.hours.add_group_hours(groups)
            groups = {}
    ledger.hours.add_group_hours(groups)


def _group_hour(move: _Move, hour: AssignmentHour) -> GroupHour:
    return GroupHour(move.node, move.survey, hour.hour, hour.starts_at, hour.verdict)
