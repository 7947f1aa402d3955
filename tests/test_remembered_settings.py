"""What a layout keeps for receipts, intake and hours of groups equals what is computed anew, between changes too."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from hymio.errors import SetupError
from hymio.feedback import Verdict
from hymio.gateway.receipt import remembered_settings, settings_of
from hymio.intake.resolving import EARLIEST, remembered_range
from hymio.period import offset_at
from hymio.setup import Layout, LayoutRows
from hymio.store.hours import group_keys, survey_id
from tests.test_layout import FIRST, HOUR, SMILEYS, START, changes

instants = st.integers(-20, 60).map(lambda step: START + step * HOUR) | st.just(EARLIEST - 1)
questions = st.lists(st.tuples(st.sampled_from(SMILEYS), instants), max_size=8)


@given(st.lists(st.tuples(changes, questions), max_size=6), questions)
def test_what_is_kept_is_right_before_and_after_each_change(
    changed: list[tuple[LayoutRows, list[tuple[int, int]]]], asked: list[tuple[int, int]]
) -> None:
    """Each process makes its next layout so, whether it made the change or another did."""
    layout = Layout(1, 0).changed(FIRST, 1)
    for revision, (rows, asked_then) in enumerate(changed, 2):
        ask(layout, asked_then)
        with suppress(SetupError):
            after = layout.changed(rows, revision)
            after.check()
            ask(layout, asked_then)  # transactions that began before the change still have it
            layout = after
        ask(layout, asked_then)
    ask(layout, asked)


def ask(layout: Layout, asked: list[tuple[int, int]]) -> None:
    """Asks for what is kept of smileys at instants, and of all assignments."""
    for smiley, at in asked:
        if smiley not in layout.smileys:
            continue
        resolved = layout.resolve(smiley, at)
        assert remembered_settings(layout, smiley, at).members == settings_of(layout, smiley, at)
        uniform = remembered_range(layout, smiley, at)
        if isinstance(resolved, Verdict) or at < EARLIEST:
            assert uniform is None
            continue
        assert uniform is not None
        assert uniform.start <= at < uniform.end
        assert (uniform.assignment, uniform.buttons) == (resolved.assignment.id, resolved.buttons)
        assert uniform.offset == offset_at(at, resolved.zone)
    for assignment in layout.assignments:
        subjects = layout.group_subjects(assignment)
        assert group_keys(layout)(assignment) == tuple((subject.node, survey_id(subject)) for subject in subjects)
