"""Law 7 for reports: the value, every rendering of it, and both APIs over HTTP show the same counts and index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import intake
from hymio.access import operator
from hymio.feedback import Press
from hymio.misuse import MisusePolicy
from hymio.period import DateRange
from hymio.report import Report, ReportQuery, build
from hymio.scale import IndexType, Scale, index, rounded
from hymio.smiley import SmileyType
from hymio.store import Store
from tests.renderings import RENDERINGS, Asked, Shown, index_text, of_value
from tests.served import serving
from tests.test_laws import law, opened
from tests.test_report import queries
from tests.test_same_numbers import DIGITAL, Surfaces, surfaces, with_phases
from tests.world import NOW, deliveries, policies, pressed, zone_pairs
from tests.world import build as build_world

SCALES = (Scale.FIVE, Scale.FIVE_REVERSED, Scale.NPS)


@pytest.fixture(scope="module")
def served(shared_database_url: str) -> Iterator[tuple[Store, httpx.Client]]:
    store = opened(shared_database_url)
    with serving(store, now=NOW) as http:
        yield store, http


@settings(law, max_examples=law.max_examples // 2)
@given(st.data(), zone_pairs, policies)
def test_every_rendering_and_both_apis_show_the_same(
    served: tuple[Store, httpx.Client], data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = served[0]
    scale, index_type = data.draw(st.sampled_from(SCALES)), data.draw(st.sampled_from(IndexType))
    world = build_world(store, zones, policy, (Scale.FOUR, scale), index_type)
    boss = operator(world.organization)
    drawn = data.draw(pressed(4, zone=zones[0]))
    presses = [(which, _on_scale(press, scale) if which == DIGITAL else press) for which, press in drawn]
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(store, world.organization, [with_phases(upload) for upload in uploads], NOW)
    query = data.draw(queries(world, presses, zones[0]))
    value = build(store, boss, query, NOW)
    if value.surveys:
        query = replace(query, survey=data.draw(st.sampled_from([None, *(line.id for line in value.surveys)])))
        value = build(store, boss, query, NOW)
    if value.survey is None or value.summary is None:
        return
    shown = surfaces(served, world)
    told = of_value(value)
    assert of_counts(value, of_v2(shown, query, value)) == told
    if query.smiley_type is None:
        assert of_counts(value, of_v1(shown, query, value)) == told
    if told.number:
        asked = Asked(store, boss, query, NOW, value)
        for name, rendering in RENDERINGS.items():
            if name == "pdf" and data.draw(st.integers(0, 2)):  # it takes as long as all others together
                continue
            assert agrees(rendering(asked), told), name


def _on_scale(press: Press, scale: Scale) -> Press:
    """A press of one of five buttons as one on a scale with more, from end to end."""
    return press._replace(button=press.button * (scale.buttons - 1) // 4)


def agrees(rendered: Shown, told: Shown) -> bool:
    """Whether a rendering says what the value says, as far as it says something."""
    return rendered._replace(counts=rendered.counts or told.counts) == told


def of_counts(value: Report, counts: list[int]) -> Shown:
    assert value.survey is not None
    index_type = IndexType(value.survey.index_type)
    return Shown(sum(counts), tuple(counts), index_text(rounded(index(counts, index_type), index_type)))


def of_v1(shown: Surfaces, query: ReportQuery, value: Report) -> list[int]:
    """The hours of API v1 of each assignment at the node, added up."""
    assert value.survey is not None
    counts = [0] * value.survey.buttons
    for assignment in assignments_of(shown, query, value):
        for hour in shown.v1_json(f"{assignment}/results", dates_of(value), truncate="hour"):
            if is_asked(query, hour["ts"]):
                counts = [one + other for one, other in zip(counts, hour["data"], strict=True)]
    return counts


def of_v2(shown: Surfaces, query: ReportQuery, value: Report) -> list[int]:
    """The rows of API v2 of the node."""
    assert value.survey is not None
    counts = [0] * value.survey.buttons
    rows = shown.v2_rows(
        "button-feedbacks",
        dates_of(value),
        experiencePointId=str(query.node),
        surveyId=str(value.survey.id),
    )
    for row in rows:
        kind: SmileyType = shown.layout.smileys[int(row["smileyId"])].type
        if is_asked(query, row["localTime"]) and query.smiley_type in (None, kind):
            counts[int(row["buttonIndex"])] += 1
    return counts


def is_asked(query: ReportQuery, local_time: str) -> bool:
    """Whether the filter of weekdays and hours holds for a local time, by the text that an API gives."""
    at = datetime.fromisoformat(local_time)
    is_of_day = query.weekdays is None or at.weekday() in query.weekdays
    return is_of_day and (query.hours is None or at.hour in query.hours)


def assignments_of(shown: Surfaces, query: ReportQuery, value: Report) -> list[int]:
    assert value.survey is not None
    below = {point.id for point in shown.layout.hierarchy.points(query.node)}
    rows = shown.layout.assignments.values()
    return [row.id for row in rows if row.survey == value.survey.id and row.node in below]


def dates_of(value: Report) -> DateRange:
    return DateRange(value.period.first, value.period.last + timedelta(days=1))
