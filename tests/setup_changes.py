"""Generated changes of a set-up, possible and impossible ones, for the laws of how it is refreshed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any

from hypothesis import strategies as st

from hymio import manage
from hymio.access import operator
from hymio.errors import HymioError
from hymio.manage import Batch
from hymio.misuse import MisusePolicy
from hymio.scale import Scale
from hymio.setup import Part
from hymio.smiley import SmileyType
from hymio.survey import ActivePeriod, Flow
from tests.world import NOW, wall, wording

HOUR = 3_600_000
START = int(wall("2024-03-30T00:00+00:00").timestamp()) * 1000
"""Within two days of it, the clocks of Helsinki change."""

Change = Callable[[Batch], object]
"""A change within a commit; an error where a rule forbids it."""

ids = st.integers(1, 6)
instants = st.integers(0, 16).map(lambda step: START + step * 3 * HOUR)
walls = st.integers(0, 16).map(lambda step: wall("2024-03-30") + timedelta(hours=3 * step))
periods = st.lists(st.builds(ActivePeriod, walls, st.none() | walls), min_size=1, max_size=2)
zones = st.sampled_from(["UTC", "Europe/Helsinki", "America/New_York", "Asia/Kathmandu"])
policies = st.builds(MisusePolicy, interval=st.sampled_from([0, 5, 60]))
scales, kinds = st.sampled_from(Scale), st.sampled_from(SmileyType)
texts = st.sampled_from(["One?", "Two?", "Three?"])
flows = st.builds(Flow, ids, st.booleans(), st.booleans(), st.just(("refId",)), st.none() | texts.map(wording))


def begun(batch: Batch) -> None:
    """Two groups, three points, two surveys, three smileys: something for the changes to meet."""
    for group in (2, 3):
        _do(manage.add_group, batch, f"Group {group}", 1, group)
    for point, group in ((4, 2), (5, 2), (6, 3)):
        _do(manage.add_point, batch, f"Point {point}", group, point)
    for survey in (1, 2):
        _do(manage.add_question, batch, wording("How?"))
        _do(manage.add_survey, batch, survey, Scale.FOUR)
    for smiley in (1, 2, 3):
        _add_smiley(batch, smiley, SmileyType.TERMINAL)
        _do(manage.place, batch, smiley, smiley + 3, START)
        _do(manage.assign, batch, smiley + 3, 1, [ActivePeriod(wall("2024-03-30"))])
    _add_followup(batch, 1, "Why?")


def _do(verb: Callable[..., object], batch: Batch, *values: object, **named: object) -> None:
    verb(batch, operator(batch.organization, "tests"), *values, now=NOW, **named)


def attempt(change: Change, batch: Batch) -> None:
    """A change that leaves nothing behind where a rule forbids it: each verb has its savepoint."""
    with suppress(HymioError):
        change(batch)


# --- what no verb does -----------------------------------------------------------------------------------------------


def _add_smiley(batch: Batch, number: int, kind: SmileyType) -> None:
    _do(manage.add_smiley, batch, f"S{number}", f"Smiley {number}", kind, number)


def _add_followup(batch: Batch, survey: int, text: str) -> None:
    options = [wording("a"), wording("b")]
    _do(manage.add_followup, batch, survey, positive=True, wording=wording(text), options=options)


def _edit_publication(batch: Batch, smiley: int, interval: int, is_installing: bool) -> None:
    known = batch.layout.smileys.get(smiley)
    if known is not None and known.publication is not None:
        changed = replace(known.publication, answer_interval=interval, is_installing=is_installing)
        _do(manage.edit_publication, batch, smiley, changed)


def _read(batch: Batch) -> None:
    """Has both values refreshed in the middle of a commit."""
    assert batch.layout.organization == batch.content.organization


def _unlisted(batch: Batch, node: int) -> None:
    """A change of which no row is listed."""
    _run(batch, "UPDATE node SET name = 'Unlisted' WHERE organization_id = :o AND id = :node", node=node)
    batch.ledger.changed(Part.WHOLE, 0)


def _remove(batch: Batch, row: tuple[Part, str, str], key: int) -> None:
    part, table, column = row
    _run(batch, f"DELETE FROM {table} WHERE organization_id = :o AND {column} = :key", key=key)
    batch.ledger.changed(part, key)


def _edit(batch: Batch, part: Part, column: str, key: int, value: object) -> None:
    text = f"UPDATE {part.value} SET {column} = :value WHERE organization_id = :o AND id = :key"
    _run(batch, text, key=key, value=value)
    batch.ledger.changed(part, key)


def _run(batch: Batch, text: str, **values: object) -> None:
    batch.ledger.transaction.run(text, o=batch.organization, **values)


_REMOVABLE = (
    (Part.NODE, "node", "id"),
    (Part.NODE_SETTING, "node_setting", "node_id"),
    (Part.SURVEY, "survey", "id"),
    (Part.ASSIGNMENT, "assignment", "id"),
    (Part.SMILEY, "smiley", "id"),
    (Part.PLACEMENT, "placement", "smiley_id"),
    (Part.QUESTION, "question", "id"),
    (Part.FOLLOWUP, "followup_question", "id"),
    (Part.FLOW, "survey_flow", "survey_id"),
)


# --- all of them -----------------------------------------------------------------------------------------------------


def _made(function: Callable[..., object], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    def change(values: tuple[Any, ...]) -> Change:
        def made(batch: Batch) -> object:
            return function(batch, *values)

        made.__qualname__ = f"{function.__name__}{values}"
        return made

    return st.tuples(*arguments).map(change)


def _verb(verb: Callable[..., object], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    @wraps(verb)
    def function(batch: Batch, *values: object) -> None:
        _do(verb, batch, *values)

    return _made(function, *arguments)


changes: st.SearchStrategy[Change] = st.one_of(
    _verb(manage.add_group, texts, ids),
    _verb(manage.add_point, texts, ids, st.none() | ids),
    _verb(manage.rename_node, ids, texts),
    _verb(manage.move_node, ids, ids),
    _verb(manage.set_zone, ids, zones, st.none() | instants),
    _verb(manage.set_policy, ids, policies, st.none() | instants),
    _verb(manage.add_question, texts.map(wording)),
    _verb(manage.add_survey, ids, scales),
    _made(_add_followup, ids, texts),
    _made(_add_smiley, ids, kinds),
    _verb(manage.new_token, ids),
    _verb(manage.publish_smiley, ids),
    _verb(manage.withdraw_smiley, ids),
    _verb(manage.renew_addresses, ids),
    _made(_edit_publication, ids, st.integers(0, 60), st.booleans()),
    _verb(manage.set_flow, flows),
    _verb(manage.place, ids, ids, instants, st.none() | instants),
    _verb(manage.unplace, ids, instants),
    _verb(manage.assign, ids, ids, periods, st.none() | ids),
    _verb(manage.set_periods, ids, periods),
    _verb(manage.localize_question, ids, st.just("fi"), texts),
    _verb(manage.localize_followup_question, ids, st.just("fi"), texts),
    _verb(manage.localize_followup_option, ids, st.just("fi"), texts),
    _made(_remove, st.sampled_from(_REMOVABLE), ids),
    _made(_edit, st.just(Part.SURVEY), st.just("scale"), ids, scales.map(lambda scale: scale.value)),
    _made(_edit, st.just(Part.SMILEY), st.just("type"), ids, kinds.map(lambda kind: kind.value)),
    _made(_edit, st.just(Part.NODE), st.just("kind"), ids, st.sampled_from(["group", "experience_point"])),
    _made(_edit, st.just(Part.NODE), st.just("parent_id"), st.integers(2, 6), st.just(1)),
    _made(_unlisted, ids),
    _made(_read),
)
