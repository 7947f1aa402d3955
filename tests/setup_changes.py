"""Generated changes of a set-up, possible and impossible ones, for the laws of how it is refreshed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from hymio.misuse import MisusePolicy
from hymio.scale import Scale
from hymio.setup import Part
from hymio.smiley import SmileyType
from hymio.store import catalog
from hymio.store.ledger import Ledger
from hymio.survey import ActivePeriod
from tests.world import wall, wording

HOUR = 3_600_000
START = int(wall("2024-03-30T00:00+00:00").timestamp()) * 1000
"""Within two days of it, the clocks of Helsinki change."""

Change = Callable[[Ledger], object]
"""A change within a commit; SetupError where a rule forbids it."""

ids = st.integers(1, 6)
instants = st.integers(0, 16).map(lambda step: START + step * 3 * HOUR)
walls = st.integers(0, 16).map(lambda step: wall("2024-03-30") + timedelta(hours=3 * step))
periods = st.lists(st.builds(ActivePeriod, walls, st.none() | walls), min_size=1, max_size=2)
zones = st.sampled_from(["UTC", "Europe/Helsinki", "America/New_York", "Asia/Kathmandu"])
policies = st.builds(MisusePolicy, interval=st.sampled_from([0, 5, 60]))
scales, kinds = st.sampled_from(Scale), st.sampled_from(SmileyType)
texts = st.sampled_from(["One?", "Two?", "Three?"])


def begun(ledger: Ledger) -> None:
    """Two groups, three points, two surveys, three smileys: something for the changes to meet."""
    catalog.add_group(ledger, "Root", id=1)
    for group in (2, 3):
        catalog.add_group(ledger, f"Group {group}", 1, id=group)
    for point, group in ((4, 2), (5, 2), (6, 3)):
        catalog.add_point(ledger, f"Point {point}", group, id=point)
    for survey in (1, 2):
        catalog.add_survey(ledger, catalog.add_question(ledger, wording("How?"), id=survey), Scale.FOUR, id=survey)
    for smiley in (1, 2, 3):
        _add_smiley(ledger, smiley, SmileyType.TERMINAL)
        catalog.place(ledger, smiley, smiley + 3, START)
        catalog.assign(ledger, smiley + 3, 1, [ActivePeriod(wall("2024-03-30"))], id=smiley)
    _add_followup(ledger, 1, "Why?")


# --- what no verb of the catalog is ----------------------------------------------------------------------------------


def _add_smiley(ledger: Ledger, number: int, kind: SmileyType) -> None:
    catalog.add_smiley(ledger, f"S{number}", f"Smiley {number}", kind, id=number)


def _add_followup(ledger: Ledger, survey: int, text: str) -> None:
    catalog.add_followup(ledger, survey, positive=True, wording=wording(text), options=[wording("a"), wording("b")])


def _read(ledger: Ledger) -> None:
    """Has both values refreshed in the middle of a commit."""
    assert ledger.layout.organization == ledger.content.organization


def _unlisted(ledger: Ledger, node: int) -> None:
    """A change of which no row is listed."""
    _run(ledger, "UPDATE node SET name = 'Unlisted' WHERE organization_id = :o AND id = :node", node=node)
    ledger.changed(Part.WHOLE, 0)


def _remove(ledger: Ledger, row: tuple[Part, str, str], key: int) -> None:
    part, table, column = row
    _run(ledger, f"DELETE FROM {table} WHERE organization_id = :o AND {column} = :key", key=key)
    ledger.changed(part, key)


def _edit(ledger: Ledger, part: Part, column: str, key: int, value: object) -> None:
    text = f"UPDATE {part.value} SET {column} = :value WHERE organization_id = :o AND id = :key"
    _run(ledger, text, key=key, value=value)
    ledger.changed(part, key)


def _run(ledger: Ledger, text: str, **values: object) -> None:
    ledger.transaction.run(text, o=ledger.organization, **values)


_REMOVABLE = (
    (Part.NODE, "node", "id"),
    (Part.NODE_SETTING, "node_setting", "node_id"),
    (Part.SURVEY, "survey", "id"),
    (Part.ASSIGNMENT, "assignment", "id"),
    (Part.SMILEY, "smiley", "id"),
    (Part.PLACEMENT, "placement", "smiley_id"),
    (Part.QUESTION, "question", "id"),
    (Part.FOLLOWUP, "followup_question", "id"),
)


# --- all of them -----------------------------------------------------------------------------------------------------


def _made(function: Callable[..., object], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    def change(values: tuple[Any, ...]) -> Change:
        def made(ledger: Ledger) -> object:
            return function(ledger, *values)

        made.__qualname__ = f"{function.__name__}{values}"
        return made

    return st.tuples(*arguments).map(change)


changes: st.SearchStrategy[Change] = st.one_of(
    _made(catalog.add_group, texts, ids),
    _made(catalog.add_point, texts, ids, ids),
    _made(catalog.rename_node, ids, texts),
    _made(catalog.move_node, ids, ids),
    _made(catalog.set_zone, ids, zones, st.none() | instants),
    _made(catalog.set_policy, ids, policies, st.none() | instants),
    _made(catalog.add_question, texts.map(wording)),
    _made(catalog.add_survey, ids, scales),
    _made(_add_followup, ids, texts),
    _made(_add_smiley, ids, kinds),
    _made(catalog.new_token, ids),
    _made(catalog.place, ids, ids, instants, st.none() | instants),
    _made(catalog.unplace, ids, instants),
    _made(catalog.assign, ids, ids, periods, st.none() | ids),
    _made(catalog.set_periods, ids, periods),
    _made(catalog.localize_question, ids, st.just("fi"), texts),
    _made(catalog.localize_followup_question, ids, st.just("fi"), texts),
    _made(catalog.localize_followup_option, ids, st.just("fi"), texts),
    _made(_remove, st.sampled_from(_REMOVABLE), ids),
    _made(_edit, st.just(Part.SURVEY), st.just("scale"), ids, scales.map(lambda scale: scale.value)),
    _made(_edit, st.just(Part.SMILEY), st.just("type"), ids, kinds.map(lambda kind: kind.value)),
    _made(_edit, st.just(Part.NODE), st.just("kind"), ids, st.sampled_from(["group", "experience_point"])),
    _made(_edit, st.just(Part.NODE), st.just("parent_id"), st.integers(2, 6), st.just(1)),
    _made(_unlisted, ids),
    _made(_read),
)
