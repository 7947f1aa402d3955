"""The hours of groups, summed from below, are those that adding each assignment's hours to all its groups gives."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from hymio.rollup import MAX_BUTTONS, AssignmentHour, Counts, GroupHour, sum_groups

PARENTS = {2: 1, 3: 1, 4: 2, 5: 2, 6: 3}
"""A tree of groups by child; 1 is the root."""

small = st.integers(-2, 3)
counts = st.lists(small, min_size=MAX_BUTTONS, max_size=MAX_BUTTONS)
hours = st.dictionaries(
    st.builds(AssignmentHour, st.integers(0, 7), small, small, st.integers(0, 1)), counts, max_size=20
)


def groups_of(assignment: int) -> list[tuple[int, int]]:
    """The groups of an assignment from the lowest up, each by its survey and by a scale that two surveys share."""
    node: int | None = 1 + assignment % 6
    keys = list[tuple[int, int]]()
    while node is not None:
        keys += [(node, 1 + assignment % 2), (node, -4)]
        node = PARENTS.get(node)
    return keys


@given(hours)
def test_groups_are_sums_of_their_assignments(of_assignments: dict[AssignmentHour, Counts]) -> None:
    before = {hour: counts.copy() for hour, counts in of_assignments.items()}
    expected: defaultdict[GroupHour, Counts] = defaultdict(lambda: [0] * MAX_BUTTONS)
    for (assignment, *hour), counts in of_assignments.items():
        for key in groups_of(assignment):
            total = expected[GroupHour(*key, *hour)]
            total[:] = [one + other for one, other in zip(total, counts, strict=True)]
    assert sum_groups(of_assignments.items(), groups_of) == expected
    assert of_assignments == before
