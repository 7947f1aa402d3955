"""What a layout keeps of each smiley, for receipts and for intake, equals what is computed anew at each instant."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from hymio.errors import SetupError
from hymio.feedback import Verdict
from hymio.gateway.receipt import remembered_settings, settings_of
from hymio.intake.resolving import remembered_range
from hymio.period import offset_at
from hymio.setup import Layout, LayoutRows
from tests.test_layout import FIRST, HOUR, SMILEYS, START, changes

instants = st.integers(-20, 60).map(lambda step: START + step * HOUR)


@given(st.lists(changes, max_size=6), st.lists(st.tuples(st.sampled_from(SMILEYS), instants), max_size=12))
def test_settings_and_ranges_are_those_of_the_instant(rows: list[LayoutRows], asked: list[tuple[int, int]]) -> None:
    layout = Layout(1, 0).changed(FIRST, 1)
    for revision, changed in enumerate(rows, 2):
        with suppress(SetupError):
            after = layout.changed(changed, revision)
            after.check()
            layout = after
    for smiley, at in asked:
        if smiley not in layout.smileys:
            continue
        resolved = layout.resolve(smiley, at)
        assert remembered_settings(layout, smiley, at).members == settings_of(layout, smiley, at)
        uniform = remembered_range(layout, smiley, at)
        if isinstance(resolved, Verdict):
            assert uniform is None
            continue
        assert uniform is not None
        assert uniform.start <= at < uniform.end
        assert (uniform.assignment, uniform.buttons) == (resolved.assignment.id, resolved.buttons)
        assert uniform.offset == offset_at(at, resolved.zone)
