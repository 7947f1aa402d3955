"""Law 5: in generated trees, no token of any node is given a row of feedback from outside of its subtree."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import Principal, Role, Via, operator
from hymio.api.formats import Format
from hymio.api.query import Query
from hymio.api.v2.call import Call
from hymio.api.v2.feedbacks import KINDS
from hymio.api.v2.results import feedbacks
from hymio.errors import Forbidden
from hymio.feedback import ContactDetails, Demographics, Followup, Phases, Press, Text, Upload
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.survey import ActivePeriod
from tests.test_laws import law, opened
from tests.world import NOW, wall, wording

AT = NOW - 86_400_000
EVERYTHING = Phases((Followup(1),), Text("well"), ContactDetails("Jo"), (("a", "b"),), Demographics(None, 30))


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[int, bool]]:
    """Of each node after the root, its parent among the groups before it, and whether it is a point."""
    nodes: list[tuple[int, bool]] = []
    groups = [1]
    for number in range(2, draw(st.integers(3, 10))):
        is_point = draw(st.booleans())
        nodes.append((draw(st.sampled_from(groups)), is_point))
        groups += [] if is_point else [number]
    return nodes


def plant(store: Store, tree: list[tuple[int, bool]]) -> int:
    """An organization with the tree, a survey for odd points and one for even ones, and two presses at each."""
    organization = manage.create_organization(store, operator(), f"Tree {len(manage.organizations(store))}", now=0)
    uploads = []
    boss = operator(organization)
    with manage.batch(store, organization, 0) as batch:
        surveys = [
            manage.add_survey(
                batch,
                boss,
                manage.add_question(batch, boss, wording(text), now=0),
                Scale.FIVE,
                now=0,
            )
            for text in ("a", "b")
        ]
        for number, (parent, is_point) in enumerate(tree, 2):
            add = manage.add_point if is_point else manage.add_group
            node = add(batch, boss, str(number), parent, id=number, now=0)
            if is_point:
                smiley = manage.add_smiley(batch, boss, f"S{number}", "Smiley", SmileyType.TOUCH, now=0).id
                manage.place(batch, boss, smiley, node, 0, now=0)
                manage.assign(batch, boss, node, surveys[number % 2], [ActivePeriod(wall("1990-01-01"))], now=0)
                presses = tuple(Press(1, n, AT + 60_000 * n, 0, phases=EVERYTHING) for n in (1, 2))
                uploads.append(Upload(smiley, presses))
    intake.record(store, organization, uploads, NOW)
    return organization


def asked(store: Store, organization: int, node: int, **query: Any) -> Call:
    text = urlencode(query).encode()
    principal = Principal(organization, Role.CLIENT, Via.V2_TOKEN, "Test", 1, node)
    return Call(
        store=store, principal=principal, layout=store.layout(organization),
        query=Query(text), output_format=Format.JSON, now=NOW,
        if_none_match="", path="/v2/results/anything.json", base_url="https://hymio.example.com", query_string=text,
    )  # fmt: skip


@law
@given(st.data(), trees())
def test_no_row_lies_outside(shared_database_url: str, data: st.DataObject, tree: list[tuple[int, bool]]) -> None:
    store = opened(shared_database_url)
    organization = plant(store, tree)
    hierarchy = store.layout(organization).hierarchy
    node = data.draw(st.sampled_from(sorted(hierarchy.nodes)))
    seen = {each.id for each in hierarchy.subtree(node)}
    for kind in KINDS:
        query = data.draw(
            st.fixed_dictionaries(
                {"period": st.just("yesterday")},
                optional={
                    "experiencePointId": st.integers(-1, len(tree) + 2),
                    "surveyId": st.integers(0, 3),
                    "order": st.sampled_from(["asc", "desc"]),
                    "offset": st.integers(0, 3),
                },
            )
        )
        try:
            answer = feedbacks(asked(store, organization, node, **query), kind)
        except Forbidden:
            surveys = {each.survey for each in store.layout(organization).assignments.values() if each.node in seen}
            known = {1, 2} if node == 1 else surveys
            assert query.get("experiencePointId", node) not in seen or query.get("surveyId") not in known
            continue
        rows = json.loads(answer.content or b"")
        assert {row["experiencePointId"] for row in rows} <= seen
        if set(query) == {"period"}:
            points = {each for each in seen if hierarchy.nodes[each].is_point}
            assert len(rows) == 2 * len(points)
