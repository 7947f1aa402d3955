"""Carrying the history of assignments from the groups they leave to those they join."""

from __future__ import annotations

from collections.abc import Iterable

from hymio.rollup import AssignmentHour, Counts, GroupHour, no_counts
from hymio.setup import Layout
from hymio.store.ledger import COUNTS, Ledger

BATCH = 20_000
"""Hours held in memory at a time."""


def carry_hours(ledger: Ledger, before: Layout, assignments: Iterable[int]) -> None:
    """Subtracts the hours of assignments from the groups they left and adds them to those they joined.

    `before` is the set-up from before the move; the ledger has the one after it.
    """
    for assignment in assignments:
        left, joined = set(before.group_keys(assignment)), set(ledger.layout.group_keys(assignment))
        signed = [(*key, -1) for key in left - joined] + [(*key, 1) for key in joined - left]
        if signed:
            _carry(ledger, assignment, signed)


def _carry(ledger: Ledger, assignment: int, signed: list[tuple[int, int, int]]) -> None:
    text = f"""SELECT assignment_id, local_hour, starts_at, verdict, {COUNTS} FROM assignment_hour
        WHERE organization_id = :o AND assignment_id = :assignment"""
    groups: dict[GroupHour, Counts] = {}
    for row in ledger.transaction.stream(text, o=ledger.organization, assignment=assignment):
        key = AssignmentHour(*row[:4])
        for node, survey, sign in signed:
            total = groups.setdefault(GroupHour(node, survey, key.hour, key.starts_at, key.verdict), no_counts())
            for button, count in enumerate(row[4:]):
                total[button] += sign * count
        if len(groups) >= BATCH:
            ledger.add_group_hours(groups)
            groups = {}
    ledger.add_group_hours(groups)
