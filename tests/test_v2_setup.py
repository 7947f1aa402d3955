"""API v2's listings of what is set up, made without HTTP: each trap, each limit of a token's sight, JSON and CSV."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import manage
from hymio.access import EVERY_KIND, Principal, Role, Via, operator
from hymio.alert import AlertType
from hymio.api.formats import Format, encoded
from hymio.api.query import Query
from hymio.api.v2 import params, rows
from hymio.api.v2.alerts import PAGED
from hymio.api.v2.call import Call
from hymio.api.v2.setup import LISTINGS
from hymio.custom import CustomField
from hymio.errors import BadRequest, Forbidden
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.spreadsheet import disarmed
from hymio.store import Store, open_store
from hymio.survey import ActivePeriod, Localized
from tests.contract_v2 import OPERATIONS, check_rows
from tests.example import (
    FOUND,
    HELSINKI,
    NEW_YORK,
    NOW,
    RECOMMEND,
    TABLET,
    TAMPERE,
    TERMINAL,
    TEXTING_TERMINAL,
    VISIT,
    WEB,
    WEBSITE,
    at,
    make_example,
)  # fmt: skip
from tests.example_v2 import ACME, FINLAND, JANE, JOE, TOM, furnish
from tests.test_laws import law
from tests.world import treeless, wall, wording

BY_NAME = {each.name: each for each in LISTINGS}
PAGED_BY_NAME = {each.name: each for each in PAGED}


def call(store: Store, organization: int, node: int | None = None, now: int = NOW, **asked: Any) -> Call:
    """A request by a token of a node, None for the whole tree."""
    principal = Principal(organization, Role.CLIENT, Via.V2_TOKEN, "Test", 1, node)
    query = urlencode(asked).encode()
    return Call(
        store=store, principal=principal, layout=store.layout(organization),
        query=Query(query), output_format=Format.JSON, now=now,
        if_none_match="", path="/v2/anything.json", base_url="https://hymio.example.com",
        query_string=query,
    )  # fmt: skip


def listed(of: Call, name: str) -> list[dict[str, Any]]:
    """A listing, held to the contract, and the same in JSON and CSV."""
    return checked(name, BY_NAME[name].row_class, BY_NAME[name].rows(of))


def page(of: Call, name: str) -> tuple[list[dict[str, Any]], bool]:
    """A page by the parameters `offset` and `limit`, held to the contract, and whether there is more."""
    found = PAGED_BY_NAME[name].page(of, params.window(of.query))
    return checked(name, PAGED_BY_NAME[name].row_class, found.rows), found.more


def checked(name: str, content: type[msgspec.Struct], found: Any) -> list[dict[str, Any]]:
    assert content.__name__ == OPERATIONS[name].gives
    check_rows(content.__name__, found)
    plain: list[dict[str, Any]] = msgspec.to_builtins(list(found))
    assert json.loads(encoded(found, content, Format.JSON, ",")) == plain
    header, *lines = csv.reader(
        io.StringIO(encoded(found, content, Format.CSV, ";").decode(), newline=""), delimiter=";"
    )
    assert header == [each.encode_name for each in msgspec.structs.fields(content)]
    assert lines == [[in_csv(row.get(column, "")) for column in header] for row in plain]
    return plain


def in_csv(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(in_csv, value))
    return disarmed(value) if isinstance(value, str) else str(value)


@dataclass(frozen=True)
class Acme:
    """The example organization with people, custom data, translations and alerts."""

    store: Store
    organization: int

    def see(self, name: str, node: int | None = None, **asked: Any) -> list[dict[str, Any]]:
        return listed(call(self.store, self.organization, node, **asked), name)

    def ids(self, name: str, node: int | None = None, **asked: Any) -> list[Any]:
        return [next(iter(row.values())) for row in self.see(name, node, **asked)]

    def page(self, name: str, node: int | None = None, now: int = NOW, **asked: Any) -> list[dict[str, Any]]:
        return page(call(self.store, self.organization, node, now, **asked), name)[0]

    def alerts(self, node: int | None = None, **asked: Any) -> list[int]:
        return [row["alertId"] for row in self.page("alerts", node, **asked)]


@pytest.fixture
def acme(store: Store) -> Acme:
    organization = make_example(store).organization
    furnish(store, organization)
    return Acme(store, organization)


# --- the tree --------------------------------------------------------------------------------------------------------


def test_the_whole_tree(acme: Acme):
    assert acme.see("experience-points") == [
        {"experiencePointId": ACME, "name": "Acme", "type": "GROUP"},
        {"experiencePointId": FINLAND, "name": "Finland", "parent": ACME, "type": "GROUP"},
        {"experiencePointId": TAMPERE, "name": "Tampere", "parent": FINLAND, "type": "EXPERIENCE-POINT"},
        {"experiencePointId": HELSINKI, "name": "Helsinki", "parent": FINLAND, "type": "EXPERIENCE-POINT"},
        {"experiencePointId": NEW_YORK, "name": "New York", "parent": ACME, "type": "EXPERIENCE-POINT"},
        {"experiencePointId": WEBSITE, "name": "Website", "parent": ACME, "type": "EXPERIENCE-POINT"},
    ]


@pytest.mark.parametrize("spelling", ["EXPERIENCE_POINT", "EXPERIENCE-POINT", "experience_point", "Experience-Point"])
def test_both_spellings_of_an_experience_point_are_taken_and_one_is_given(acme: Acme, spelling: str):
    found = acme.see("experience-points", type=spelling)
    assert [row["experiencePointId"] for row in found] == [TAMPERE, HELSINKI, NEW_YORK, WEBSITE]
    assert {row["type"] for row in found} == {"EXPERIENCE-POINT"}


def test_groups_alone(acme: Acme):
    assert acme.ids("experience-points", type="GROUP") == [ACME, FINLAND]
    assert acme.ids("experience-points", type="group", rootExperiencePointId=FINLAND) == [FINLAND]
    with pytest.raises(BadRequest) as refused:
        acme.see("experience-points", type="point")
    assert refused.value.parameter == "type"


def test_the_parent_of_a_tokens_own_node_is_out_of_its_sight(acme: Acme):
    first, *rest = acme.see("experience-points", FINLAND)
    assert "parent" not in first
    assert [row["parent"] for row in rest] == [FINLAND, FINLAND]


def test_the_parent_of_a_node_below_is_shown_also_where_the_listing_begins_there(acme: Acme):
    assert acme.see("experience-points", rootExperiencePointId=FINLAND)[0]["parent"] == ACME
    assert acme.ids("experience-points", rootExperiencePointId=FINLAND) == [FINLAND, TAMPERE, HELSINKI]


@pytest.mark.parametrize(
    ("parameter", "seen", "names"),
    [
        ("rootExperiencePointId", TAMPERE, ["experience-points", "experience-point-custom-data"]),
        ("experiencePointId", TAMPERE, ["experience-point-custom-data", "alerts", "alert-comments"]),
        ("questionId", VISIT, ["question-localizations"]),
        ("surveyId", VISIT, ["alerts", "alert-comments"]),
    ],
)
def test_what_lies_outside_or_is_nowhere_is_forbidden_alike(acme: Acme, parameter: str, seen: int, names: list[str]):
    for name in names:
        read: Any = acme.see if name in BY_NAME else acme.page
        read(name, FINLAND, **{parameter: seen})
        texts = set()
        for unseen in (NEW_YORK, 999, 0, -1, (1 << 63) - 1):
            with pytest.raises(Forbidden) as refused:
                read(name, FINLAND, **{parameter: unseen})
            texts.add(refused.value.detail)
        assert len(texts) == 1


def test_ids_are_integers(acme: Acme):
    named = [
        (each.name, parameter)
        for each in (*LISTINGS, *PAGED)
        for parameter in each.parameters
        if parameter.endswith("Id")
    ]
    assert len(named) == 10
    for (name, parameter), wrong in itertools.product(named, ["", "1.0", "one", "1e3", str(1 << 63), "１"]):
        read: Any = acme.see if name in BY_NAME else acme.page
        with pytest.raises(BadRequest) as refused:
            read(name, **{parameter: wrong})
        assert refused.value.parameter == parameter


def test_the_parameters_are_those_that_are_published():
    for each in (*LISTINGS, *PAGED):
        assert {"csvSeparator", *each.parameters} == set(OPERATIONS[each.name].parameters)


# --- custom data -----------------------------------------------------------------------------------------------------


def test_custom_data_of_the_company(acme: Acme):
    wanted = [
        {"id": "cost", "label": "Cost centre", "type": "text"},
        {"id": "format", "label": "Store format", "type": "select", "options": ["City", "Outlet"]},
    ]
    assert acme.see("company-custom-data") == acme.see("company-custom-data", WEBSITE) == wanted


def test_custom_data_of_points(acme: Acme):
    finland = {"experiencePointId": FINLAND, "label": "Cost centre", "value": "0042"}
    tampere = {"experiencePointId": TAMPERE, "label": "Store format", "value": "City"}
    new_york = {"experiencePointId": NEW_YORK, "label": "Store format", "value": "Outlet"}
    assert acme.see("experience-point-custom-data") == [finland, tampere, new_york]
    assert acme.see("experience-point-custom-data", FINLAND) == [finland, tampere]
    assert acme.see("experience-point-custom-data", rootExperiencePointId=FINLAND) == [finland, tampere]
    assert acme.see("experience-point-custom-data", WEBSITE) == []


def test_one_point_goes_before_a_tree_of_points(acme: Acme):
    found = acme.see("experience-point-custom-data", experiencePointId=FINLAND, rootExperiencePointId=NEW_YORK)
    assert [row["experiencePointId"] for row in found] == [FINLAND]


# --- surveys ---------------------------------------------------------------------------------------------------------


def test_surveys(acme: Acme):
    visit, recommend, found = acme.see("surveys")
    assert visit == {
        "surveyId": VISIT,
        "questionId": VISIT,
        "defaultLocale": "en_US",
        "questionTextInDefaultLocale": "How was your visit?",
        "surveyType": "CUSTOMER",
        "feedbackScale": "four",
        "indexType": "HAPPY",
        "state": "active",
    }
    assert (recommend["feedbackScale"], recommend["indexType"]) == ("nps", "NPS")
    assert (found["feedbackScale"], found["indexType"]) == ("five", "AVERAGE")


@pytest.mark.parametrize(
    ("node", "states"),
    [
        (TAMPERE, {VISIT: "active"}),
        (HELSINKI, {VISIT: "upcoming", RECOMMEND: "active"}),
        (NEW_YORK, {VISIT: "ended"}),
        (FINLAND, {VISIT: "active", RECOMMEND: "active"}),
        (WEBSITE, {FOUND: "active"}),
    ],
)
def test_the_state_of_a_survey_is_that_of_what_the_token_sees(acme: Acme, node: int, states: dict[int, str]):
    assert {row["surveyId"]: row["state"] for row in acme.see("surveys", node)} == states


def test_a_survey_that_is_asked_nowhere_has_ended_and_only_the_whole_tree_shows_it(acme: Acme):
    with manage.batch(acme.store, acme.organization, NOW) as batch:
        made = manage.add_survey(batch, operator(acme.organization), VISIT, Scale.FIVE_REVERSED, now=NOW)
    last = acme.see("surveys")[-1]
    assert (last["surveyId"], last["state"], last["feedbackScale"]) == (made, "ended", "five_reversed")
    assert made not in acme.ids("surveys", TAMPERE)


def test_a_question_that_two_surveys_ask_is_listed_once(acme: Acme):
    with manage.batch(acme.store, acme.organization, NOW) as batch:
        manage.add_survey(batch, operator(acme.organization), VISIT, Scale.FIVE, now=NOW)
    assert acme.ids("questions") == [VISIT, RECOMMEND, FOUND]
    assert acme.ids("questions", NEW_YORK) == [VISIT]
    assert [row["questionId"] for row in acme.see("surveys")] == [VISIT, RECOMMEND, FOUND, VISIT]


def test_localizations_of_questions_are_written_with_an_underscore(acme: Acme):
    visit = [("en_US", "How was your visit?"), ("fi", "Millainen käynti oli?"), ("sv_FI", "Hur var besöket?")]
    for found in (acme.see("question-localizations", NEW_YORK), acme.see("question-localizations", questionId=VISIT)):
        assert [(row["questionId"], row["locale"], row["text"]) for row in found] == [(VISIT, *each) for each in visit]
    assert [row["questionId"] for row in acme.see("question-localizations")] == [VISIT] * 3 + [RECOMMEND, FOUND]


def test_follow_ups(acme: Acme):
    asked = {"followupQuestionId": 1, "surveyId": FOUND, "positive": False}
    assert acme.see("follow-up-questions") == [{**asked, "questionTextInDefaultLocale": "What was missing?"}]
    options = [(row["followupOptionId"], row["optionTextInDefaultLocale"]) for row in acme.see("follow-up-options")]
    assert options == [(1, "The product"), (2, "The price"), (3, "Somebody to ask")]
    assert {row["followupQuestionId"] for row in acme.see("follow-up-options")} == {1}
    said = acme.see("follow-up-question-localizations", followupQuestionId=1)
    assert [(row["locale"], row["text"]) for row in said] == [("en_US", "What was missing?"), ("fi", "Mitä puuttui?")]
    said = acme.see("follow-up-option-localizations", followupOptionId=2)
    assert [(row["locale"], row["text"]) for row in said] == [("en_US", "The price"), ("fi", "Hinta")]
    assert len(acme.see("follow-up-option-localizations")) == 4


def test_follow_ups_are_seen_where_their_survey_is(acme: Acme):
    for name in (each for each in BY_NAME if each.startswith("follow-up")):
        assert acme.see(name, WEBSITE) == acme.see(name) != []
        assert acme.see(name, FINLAND) == []
        for parameter in BY_NAME[name].parameters:
            with pytest.raises(Forbidden):
                acme.see(name, FINLAND, **{parameter: 1})


def test_a_follow_up_without_a_text_in_its_surveys_default_locale_has_none(acme: Acme):
    finnish = Localized("fi", {"fi": "Miksi?"})
    with manage.batch(acme.store, acme.organization, NOW) as batch:
        [made, options] = manage.add_followup(
            batch, operator(acme.organization), VISIT, positive=True, wording=finnish, options=[finnish], now=NOW
        )
    [row] = [row for row in acme.see("follow-up-questions") if row["followupQuestionId"] == made]
    assert row == {"followupQuestionId": made, "surveyId": VISIT, "positive": True}
    [row] = [row for row in acme.see("follow-up-options") if row["followupOptionId"] == options[0]]
    assert row == {"followupOptionId": options[0], "followupQuestionId": made}


# --- people and devices ----------------------------------------------------------------------------------------------


def test_users(acme: Acme):
    jane, joe, tom = acme.see("users")
    assert jane == {
        "userId": JANE,
        "email": "jane@example.com",
        "firstName": "Jane",
        "lastName": "Doe",
        "rootExperiencePointId": ACME,
        "role": "ADMIN",
        "locale": "en_US",
        "loginAllowed": True,
        "loginMethod": "EMAIL_PASSWORD",
        "created": "2024-02-01T09:30:00.250Z",
    }
    assert (joe["loginAllowed"], joe["loginMethod"], joe["locale"]) == (False, "SINGLE_SIGN_ON", "fi")
    assert (tom["role"], tom["locale"]) == ("PARTNER", "en_GB")


def test_users_are_seen_where_their_own_sight_begins(acme: Acme):
    assert acme.ids("users") == [JANE, JOE, TOM]
    assert acme.ids("users", FINLAND) == [JOE]
    assert acme.ids("users", TAMPERE) == []
    assert acme.ids("users", NEW_YORK) == [TOM]


def test_smileys(acme: Acme):
    first = acme.see("smileys")[0]
    assert first == {
        "smileyId": TERMINAL,
        "name": "Tampere, by the door",
        "serialNumber": "2415VE0A110042",
        "smileyType": "SMILEY_TERMINAL",
    }
    assert acme.ids("smileys", FINLAND) == [TERMINAL, TABLET]
    assert acme.ids("smileys", NEW_YORK) == [TEXTING_TERMINAL]


def test_smileys_are_seen_wherever_they_ever_stood(acme: Acme):
    with manage.batch(acme.store, acme.organization, NOW) as batch:
        manage.place(batch, operator(acme.organization), TERMINAL, NEW_YORK, NOW, now=NOW)
        unplaced = manage.add_smiley(
            batch, operator(acme.organization), "X1", "In a drawer", SmileyType.TOUCH, now=NOW
        ).id
    assert acme.ids("smileys", TAMPERE) == [TERMINAL]
    assert acme.ids("smileys", NEW_YORK) == [TERMINAL, TEXTING_TERMINAL]
    assert acme.ids("smileys") == [TERMINAL, TABLET, TEXTING_TERMINAL, WEB, unplaced]


# --- alerts ----------------------------------------------------------------------------------------------------------


def test_alert_specifications(acme: Acme):
    assert acme.ids("alert-specifications") == [1, 2]
    assert acme.see("alert-specifications", NEW_YORK) == [{
        "alertSpecificationId": 2, "surveyId": VISIT, "experiencePointId": NEW_YORK,
        "alertSpecificationType": "negative", "parameters": "percent=50 window=15 buttons=0,1",
    }]  # fmt: skip


def test_alerts_by_the_clock_of_their_point(acme: Acme):
    tampere, new_york = acme.page("alerts", startDate="2024-03-04", endDate="2024-03-05")
    assert tampere == {
        "alertId": 1,
        "alertSpecificationId": 1,
        "surveyId": VISIT,
        "experiencePointId": TAMPERE,
        "beginTime": "2024-03-04T08:15:07.000+02:00",
        "endTime": "2024-03-04T09:00:00.000+02:00",
        "alertSpecificationType": "negative",
        "parameters": "percent=50 window=15 buttons=0,1",
        "acknowledged": True,
        "acknowledgedByUserId": JANE,
        "acknowledgedTime": "2024-03-05T09:20:00.000+02:00",
    }
    assert (new_york["beginTime"], new_york["acknowledged"]) == ("2024-03-04T01:15:07.000-05:00", False)
    assert "endTime" not in new_york
    assert "acknowledgedByUserId" not in new_york


def test_alerts_of_today_are_those_of_the_date_at_each_point(acme: Acme):
    assert acme.alerts() == acme.alerts(period="today") == [5, 3, 4]
    assert acme.alerts(period="yesterday") == [1, 2]
    # Early in the morning of Helsinki it is still the day before in New York.
    night = at("2024-03-04T23:00:00+00:00")
    assert acme.alerts(now=night) == [2, 5, 4]
    assert acme.alerts(now=night, startDate="2024-03-05", endDate="2024-03-06") == [5, 3, 4]


def test_dates_win_over_a_period_and_the_end_is_not_included(acme: Acme):
    assert acme.alerts(period="2020", startDate="2024-03-05", endDate="2024-03-06") == [5, 3, 4]
    assert acme.alerts(startDate="2024-03-05", endDate="2024-03-05") == []
    assert acme.alerts(startDate="2024-03-04") == [1, 2, 5, 3, 4]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"experiencePointId": FINLAND}, [1, 5, 4]),
        ({"experiencePointId": TAMPERE}, [1, 5, 4]),
        ({"experiencePointId": WEBSITE}, []),
        ({"surveyId": VISIT}, [1, 2, 5, 3, 4]),
        ({"surveyId": RECOMMEND}, []),
        ({"surveyId": VISIT, "experiencePointId": NEW_YORK}, [2, 3]),
    ],
)
def test_alerts_of_a_point_or_survey(acme: Acme, asked: dict[str, int], found: list[int]):
    assert acme.alerts(period="2024", **asked) == found


def test_alerts_are_seen_below_the_tokens_node(acme: Acme):
    assert acme.alerts(FINLAND, period="2024") == [1, 5, 4]
    assert acme.alerts(NEW_YORK, period="2024") == [2, 3]
    assert acme.alerts(WEBSITE, period="2024") == []


def test_comments_are_found_by_their_own_time(acme: Acme):
    first, second = acme.page("alert-comments")
    assert first == {
        "alertCommentId": 1,
        "alertId": 1,
        "userId": JANE,
        "time": "2024-03-05T09:20:00.000+02:00",
        "comment": "Somebody was ill.\nBetter now.",
    }
    assert (second["alertId"], second["time"]) == (3, "2024-03-05T02:20:00.000-05:00")
    assert acme.page("alert-comments", period="yesterday") == []
    assert [row["alertCommentId"] for row in acme.page("alert-comments", NEW_YORK)] == [2]
    assert [row["alertCommentId"] for row in acme.page("alert-comments", experiencePointId=TAMPERE)] == [1]
    assert acme.page("alert-comments", surveyId=RECOMMEND) == []


def test_pages_say_whether_there_is_more(acme: Acme):
    def part(**asked: Any) -> tuple[list[int], bool]:
        found, more = page(call(acme.store, acme.organization, period="2024", **asked), "alerts")
        return [row["alertId"] for row in found], more

    assert part(limit=2) == ([1, 2], True)
    assert part(limit=2, offset=3) == ([3, 4], False)
    assert part(limit=0) == ([], True)
    assert part(limit=0, offset=5) == ([], False)
    assert part(limit=10_000, offset=4) == ([4], False)
    assert part(offset=10**15) == ([], False)


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"period": "soon"}, "period"),
        ({"startDate": "2024-3-1"}, "startDate"),
        ({"startDate": "2024-03-05", "endDate": "2024-03-01"}, "endDate"),
        ({"startDate": "2022-01-01", "endDate": "2024-01-01"}, "startDate"),
        ({"limit": 10_001}, "limit"),
        ({"offset": -1}, "offset"),
    ],
)
def test_what_alerts_cannot_be_asked_for(acme: Acme, asked: dict[str, Any], parameter: str):
    for name in PAGED_BY_NAME:
        with pytest.raises(BadRequest) as refused:
            acme.page(name, **asked)
        assert refused.value.parameter == parameter


# --- before there is anything ----------------------------------------------------------------------------------------


def test_an_organization_without_a_tree_has_empty_listings(store: Store):
    organization = treeless(store, "Nobody yet")
    for each in LISTINGS:
        assert listed(call(store, organization), each.name) == []
    for name in PAGED_BY_NAME:
        assert page(call(store, organization), name) == ([], False)
        with pytest.raises(BadRequest):
            page(call(store, organization, period="soon"), name)


def test_a_formula_in_csv_is_only_a_text(acme: Acme):
    found = PAGED_BY_NAME["alert-comments"].page(call(acme.store, acme.organization), params.Window(0, 10)).rows
    lines = encoded(found, rows.AlertComment, Format.CSV, ",").decode()
    assert lines.endswith("2024-03-05T02:20:00.000-05:00,'=1+1\r\n")
    assert '"Somebody was ill.\nBetter now."' in lines


def test_introspection_is_in_snake_case(acme: Acme):
    token = call(acme.store, acme.organization).principal
    shown = msgspec.to_builtins(rows.token(token))
    check_rows("TokenIntrospection", [shown])
    assert (shown["token_id"], shown["token_name"]) == (1, "Test")
    assert shown["scopes"] == sorted(shown["scopes"])
    assert len(shown["scopes"]) == len(EVERY_KIND)


# --- law 5: nothing outside of a token's sight -----------------------------------------------------------------------

ZONES = ("Europe/Helsinki", "America/New_York", "Pacific/Chatham", "UTC")
DAY = 86_400_000


@dataclass(frozen=True)
class Forest:
    """A small tree as numbers: `parents` of nodes 2, 3, … and everything that hangs on nodes, by node."""

    parents: tuple[int, ...]
    zones: tuple[int, ...]
    asked: tuple[tuple[int, int], ...]
    placed: tuple[tuple[int, int], ...]
    users: tuple[int, ...]
    values: frozenset[int]
    alerts: tuple[tuple[int, int], ...]
    comments: tuple[tuple[int, int], ...]
    token: int

    @property
    def nodes(self) -> range:
        return range(1, len(self.parents) + 2)

    @property
    def points(self) -> list[int]:
        return [node for node in self.nodes if node > 1 and node not in self.parents]

    def parent(self, node: int) -> int | None:
        return None if node == 1 else self.parents[node - 2]

    def sees(self, node: int) -> bool:
        above: int | None = node
        while above is not None and above != self.token:
            above = self.parent(above)
        return above == self.token


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    count = draw(st.integers(2, 8))
    parents = tuple(draw(st.integers(1, node - 1)) for node in range(2, count + 1))
    points = [node for node in range(2, count + 1) if node not in parents]
    node, point = st.integers(1, count), st.sampled_from(points)
    alerts = draw(st.lists(st.tuples(node, st.integers(-3, 3)), max_size=8))
    return Forest(
        parents=parents,
        zones=tuple(draw(st.integers(0, len(ZONES) - 1)) for _ in range(count)),
        asked=tuple(draw(st.lists(st.tuples(point, st.integers(1, 3)), max_size=4, unique_by=lambda each: each[0]))),
        placed=tuple(draw(st.lists(st.tuples(st.integers(1, 3), point), max_size=4))),
        users=tuple(draw(st.lists(node, max_size=4))),
        values=draw(st.frozensets(node)),
        alerts=tuple((at_, NOW + days * DAY // 3) for at_, days in alerts),
        comments=tuple(draw(st.lists(st.tuples(st.integers(1, len(alerts)), st.integers(0, 9)), max_size=6)))
        if alerts
        else (),
        token=draw(node),
    )


opened = cache(open_store)
_numbers = itertools.count(1)


def planted(store: Store, forest: Forest) -> int:
    """The organization that a forest describes."""
    organization = manage.create_organization(store, operator(), f"Forest {next(_numbers)}", now=0)
    boss = operator(organization)
    with manage.batch(store, organization, NOW) as batch:
        for node in forest.nodes[1:]:
            add: Callable[..., int] = manage.add_point if node in forest.points else manage.add_group
            add(batch, boss, str(node), forest.parent(node), id=node, now=NOW)
        for node, zone in zip(forest.nodes, forest.zones, strict=True):
            manage.set_zone(batch, boss, node, ZONES[zone], now=NOW)
        for survey in (1, 2, 3):
            manage.add_survey(
                batch,
                boss,
                manage.add_question(batch, boss, wording(f"Q{survey}"), now=NOW),
                Scale.FOUR,
                now=NOW,
            )
            manage.add_followup(
                batch, boss, survey, positive=True, wording=wording("F"), options=[wording("O")], now=NOW
            )
            manage.add_smiley(batch, boss, f"S{survey}", f"S{survey}", SmileyType.TERMINAL, now=NOW)
        for node, survey in forest.asked:
            manage.assign(batch, boss, node, survey, [ActivePeriod(wall("2020-01-01"))], now=NOW)
        for hour, (smiley, node) in enumerate(forest.placed):
            manage.place(batch, boss, smiley, node, hour, now=NOW)
    with manage.batch(store, organization, NOW) as batch:
        manage.add_custom_field(batch, boss, CustomField("f", "Field"), now=NOW)
        for node in forest.values:
            manage.set_custom_value(batch, boss, node, "f", f"={node}", now=NOW)
        for number, node in enumerate(forest.users, 1):
            manage.add_user(batch, boss, f"u{number}@example.com", "U", str(number), node, now=NOW)
        writer = manage.add_user(batch, boss, "writer@example.com", "W", "R", 1, now=NOW)
        for number, (node, begins_at) in enumerate(forest.alerts, 1):
            manage.add_alert_specification(
                batch, boss, 1 + number % 3, node, AlertType.FEEDBACK_COUNT, "count=1", number, now=NOW
            )
            manage.open_alert(batch, boss, number, begins_at, id=number, now=NOW)
    for alert, hours in forest.comments:
        with manage.batch(store, organization, NOW - hours * DAY // 4) as batch:
            manage.comment_alert(batch, boss, alert, writer, "Hm.", now=NOW - hours * DAY // 4)
    return organization


def seen_ids(of: Call, name: str) -> list[int]:
    return [next(iter(row.values())) for row in listed(of, name)]


@law
@given(forests(), st.sampled_from(["today", "yesterday", "this-week", "2024"]), st.integers(1, 3))
def test_a_token_sees_its_subtree_and_nothing_else(
    shared_database_url: str, forest: Forest, period: str, size: int
) -> None:
    store = opened(shared_database_url)
    of = call(store, planted(store, forest), forest.token)
    whole = forest.token == 1
    nodes = [node for node in forest.nodes if forest.sees(node)]
    surveys = [each for each in (1, 2, 3) if whole or any(s == each and n in nodes for n, s in forest.asked)]
    smileys = [each for each in (1, 2, 3) if whole or any(s == each and n in nodes for s, n in forest.placed)]
    assert seen_ids(of, "experience-points") == nodes
    assert [row["experiencePointId"] for row in listed(of, "experience-point-custom-data")] == [
        node for node in nodes if node in forest.values
    ]
    for name in ("surveys", "questions", "question-localizations", "follow-up-questions", "follow-up-options"):
        assert seen_ids(of, name) == surveys
    for name in ("follow-up-question-localizations", "follow-up-option-localizations"):
        assert seen_ids(of, name) == surveys
    users = [number for number, node in enumerate((*forest.users, 1), 1) if node in nodes]
    assert seen_ids(of, "users") == users
    assert seen_ids(of, "smileys") == smileys
    specifications = [number for number, (node, _) in enumerate(forest.alerts, 1) if node in nodes]
    assert seen_ids(of, "alert-specifications") == specifications
    check_pages(of, forest, period, size)


def check_pages(of: Call, forest: Forest, period: str, size: int) -> None:
    """Alerts and comments against plain lists: who sees them, in which dates they lie, and pages put together."""
    alerts = sorted(
        (begins_at, number)
        for number, (node, begins_at) in enumerate(forest.alerts, 1)
        if forest.sees(node) and lies_in(period, begins_at, forest.zones[node - 1])
    )
    assert paged(of, "alerts", period, size) == [number for _, number in alerts]
    comments = sorted(
        (NOW - hours * DAY // 4, number)
        for number, (alert, hours) in enumerate(forest.comments, 1)
        if forest.sees(node := forest.alerts[alert - 1][0])
        and lies_in(period, NOW - hours * DAY // 4, forest.zones[node - 1])
    )
    assert paged(of, "alert-comments", period, size) == [number for _, number in comments]


def paged(of: Call, name: str, period: str, size: int) -> list[int]:
    found: list[int] = []
    for offset in itertools.count(0, size):
        asked: dict[str, Any] = {"period": period, "offset": offset, "limit": size}
        part, more = page(call(of.store, of.organization, of.principal.node, **asked), name)
        found += [next(iter(row.values())) for row in part]
        if not more:
            return found
        assert len(part) == size
    raise AssertionError


def lies_in(period: str, instant: int, zone: int) -> bool:
    """Whether an instant lies in a period, by the calendar alone."""
    clock = ZoneInfo(ZONES[zone])
    today, day = (datetime.fromtimestamp(each / 1000, UTC).astimezone(clock).date() for each in (NOW, instant))
    monday = today - timedelta(days=today.weekday())
    return {
        "today": day == today,
        "yesterday": day == today - timedelta(days=1),
        "this-week": monday <= day < monday + timedelta(days=7),
        "2024": day.year == 2024,
    }[period]
