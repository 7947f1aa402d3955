"""API v2 as its clients see it, over real HTTP on every engine; every answer is held to the contract."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from hymio import demo, intake, manage, results
from hymio.access import DataKind, operator
from hymio.api.v2.cursor import Cursor, decoded, encoded
from hymio.demo import history
from hymio.errors import BadRequest
from hymio.feedback import Press, Upload, feedback_id
from hymio.results import OfAssignment, Phase, SortKey
from hymio.spreadsheet import disarmed
from hymio.store import Store, open_store
from tests.contract_v2 import OPERATIONS, check_rows, document
from tests.example import HELSINKI, NEW_YORK, NOW, TAMPERE, TAMPERE_VISIT, TERMINAL, VISIT, WEBSITE, make_example
from tests.example_v2 import ACME, FINLAND, furnish, press_with_phases
from tests.served import serving

EVERYTHING = "startDate=2024-01-01&endDate=2024-12-31"
RESULTS = [name for name in OPERATIONS if name.startswith("results/")]
LISTINGS = [name for name, each in OPERATIONS.items() if each.is_listing]


@dataclass(frozen=True)
class World:
    """A served store with the furnished example organization, and tokens of it by the node they reach."""

    store: Store
    organization: int
    http: httpx.Client
    tokens: dict[int | None, str]

    def request(self, path: str, node: int | None = None, if_none_match: str = "") -> httpx.Response:
        """An answer to a token, unchecked."""
        headers = {"X-HON-API-Token": self.tokens[node], "If-None-Match": if_none_match}
        return self.http.get(f"/v2/{path}", headers=headers)

    def get(self, name: str, query: str = "", node: int | None = None) -> list[dict[str, Any]]:
        """A listing in JSON, held to the contract, and the same rows in CSV."""
        asked = f"?{query}" if query else ""
        answer = self.request(f"{name}.json{asked}", node)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        check_rows(OPERATIONS[name].gives, found)
        assert self.csv(name, asked, node) == [cells(row) for row in found]
        return found

    def csv(self, name: str, asked: str, node: int | None) -> list[dict[str, str]]:
        answer = self.request(f"{name}.csv{asked}", node)
        assert answer.headers["content-type"] == "text/csv; header=present; charset=utf-8"
        rows = csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True)
        return [{key: value for key, value in row.items() if value} for row in rows]

    def pages(self, name: str, query: str, node: int | None = None) -> list[dict[str, Any]]:
        """All rows of a listing, as far as its links lead."""
        rows, path = [], f"{name}.json?{query}"
        while path:
            answer = self.request(path, node)
            rows += answer.json()
            following = answer.links.get("next", {}).get("url", "")
            assert answer.headers["x-more-available"] == ("true" if following else "false")
            path = following.removeprefix(f"{self.http.base_url}/v2/")
        return rows


def cells(row: dict[str, Any]) -> dict[str, str]:
    """A row as CSV has it, without the cells that are empty."""
    return {key: in_csv(value) for key, value in row.items() if in_csv(value)}


def in_csv(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(in_csv, value))
    return disarmed(value) if isinstance(value, str) else str(value)


@pytest.fixture(scope="module")
def world(shared_database_url: str) -> Iterator[World]:
    store = open_store(shared_database_url)
    made = make_example(store, f"Acme {secrets.token_hex(4)}")
    furnish(store, made.organization)
    press_with_phases(store, made.organization)
    with manage.batch(store, made.organization, NOW) as batch:
        nodes = (None, FINLAND, TAMPERE, NEW_YORK, WEBSITE)
        tokens = {
            node: manage.create_token(batch, operator(made.organization), f"Node {node}", node, now=NOW).secret
            for node in nodes
        }
    with serving(store) as http:
        yield World(store, made.organization, http, tokens)
    store.close()


def another_token(world: World, **how: Any) -> str:
    with manage.batch(world.store, world.organization, NOW) as batch:
        return manage.create_token(batch, operator(world.organization), "Another", **how, now=NOW).secret


# --- what is listed --------------------------------------------------------------------------------------------------


def test_a_button_feedback(world: World):
    assert world.get("results/button-feedbacks", f"{EVERYTHING}&experiencePointId={TAMPERE}&limit=1") == [
        {
            "feedbackId": str(feedback_id(TERMINAL, 1, 1)),
            "smileyId": TERMINAL,
            "localTime": "2024-03-04T08:15:07.000+02:00",
            "surveyId": VISIT,
            "experiencePointId": TAMPERE,
            "buttonIndex": 3,
            "misuse": False,
            "position": 0,
            "ui": "physical",
            "smileyType": "SMILEY_TERMINAL",
        }
    ]


def test_phases(world: World):
    query = f"{EVERYTHING}&experiencePointId={WEBSITE}"
    [asked, skipped] = world.get("results/follow-up-feedbacks", query)[-2:]
    told = ("position", "ui", "followupQuestionId", "followupOptionId", "followupOptionTextInDefaultLocale")
    assert [asked[name] for name in told] == [1, "digital", 1, 1, "The product"]
    assert [skipped.get(name) for name in told] == [3, "skip", 1, 0, None]
    [first, second] = world.get("results/text-feedbacks", query)[-2:]
    assert first["text"] == 'Where is "the, damn" shop?'
    assert (first["categories"], first["themes"]) == ("relevant,profanity", "location,other")
    assert (second["spam"], second["categories"], second["textInEnglish"]) == (True, "", second["text"])
    [john, mary] = world.get("results/contact-details", query)
    assert (john["name"], john["email"], john["phoneNumber"]) == ("John Doe", "john@example.com", "+358401234567")
    assert (mary["name"], mary["position"], "email" in mary) == ("Mary", 2, False)
    assert [(row["key"], row["value"]) for row in world.get("results/metadata", query)] == [
        ("cart", "=1+1"), ("refId", "ABCD1234")
    ]  # fmt: skip
    ages = world.get("results/demographics", f"{EVERYTHING}&includeMisuse=true")
    assert [(row.get("gender"), row["age"], row["misuse"]) for row in ages] == [
        ("female", 34, False), (None, 61, True)
    ]  # fmt: skip
    assert [row["ui"] for row in world.get("results/button-feedbacks", query)][-2:] == ["qr", "link"]


@pytest.mark.parametrize("name", [name for name in LISTINGS if name not in RESULTS])
def test_what_is_set_up(name: str, world: World):
    query = EVERYTHING if name.startswith("alert") and name != "alert-specifications" else ""
    assert world.get(name, query)


def test_a_text_that_a_spreadsheet_would_run_is_disarmed(world: World):
    [row] = [row for row in world.csv("results/metadata", f"?{EVERYTHING}", None) if row["key"] == "cart"]
    assert row["value"] == "'=1+1"
    answer = world.request(f"results/contact-details.csv?{EVERYTHING}&csvSeparator=;")
    assert b";+358401234567\r\n" in answer.content
    assert answer.text.startswith("feedbackId;smileyId;localTime;")


@pytest.mark.parametrize("separator", [*",;|-:.+0a_T'", " ", "\t", "é", "☺"])
@pytest.mark.parametrize("name", ["results/button-feedbacks", "results/text-feedbacks", "smileys", "users"])
def test_any_separator_keeps_the_cells_apart(name: str, separator: str, world: World):
    period = EVERYTHING if name in RESULTS else ""
    plain = world.request(f"{name}.csv?{period}").content.decode()
    query = httpx.QueryParams({"csvSeparator": separator})
    odd = world.request(f"{name}.csv?{period}&{query}").content.decode()
    wanted = list(csv.reader(io.StringIO(plain, newline=""), strict=True))
    assert list(csv.reader(io.StringIO(odd, newline=""), strict=True, delimiter=separator)) == wanted


def test_misuse_is_left_out_unless_it_is_asked_for(world: World):
    query = f"{EVERYTHING}&experiencePointId={TAMPERE}"
    assert [row["misuse"] for row in world.get("results/button-feedbacks", query)] == [False] * 5
    kept = world.get("results/button-feedbacks", f"{query}&includeMisuse=true")
    assert [row["misuse"] for row in kept] == [False, True, False, False, False, False]


def test_spam_is_there_unless_it_is_left_out(world: World):
    query = f"{EVERYTHING}&experiencePointId={WEBSITE}"
    assert [row["spam"] for row in world.get("results/text-feedbacks", query)] == [False, True, False, True]
    assert [row["spam"] for row in world.get("results/text-feedbacks", f"{query}&includeSpam=false")] == [False, False]


def test_introspection_is_in_snake_case(world: World):
    secret = another_token(world, node=TAMPERE, kinds=[DataKind.USERS, DataKind.BUTTON_FEEDBACKS])
    for path in ("/v2/token/introspect", "/v2token/introspect"):
        told = world.http.get(path, headers={"X-HON-API-Token": secret}).json()
        check_rows("TokenIntrospection", [told])
        assert (told["token_name"], told["scopes"]) == ("Another", ["button-feedbacks", "users"])


# --- periods ---------------------------------------------------------------------------------------------------------


def test_a_period_is_that_of_each_zone(world: World):
    """It is 14:00 on 5 March in Helsinki and 07:00 in New York; on both clocks yesterday was the 4th."""
    for period in ("yesterday", "this-week", "2024-03", "2024-q1", "this-year"):
        everywhere = world.get("results/button-feedbacks", f"period={period}")
        days = {row["localTime"][:10] for row in everywhere}
        assert days == ({"2024-03-04"} if period == "yesterday" else {"2024-03-04", "2024-03-05"}), period
    assert {row["localTime"][:10] for row in world.get("results/button-feedbacks")} == {"2024-03-05"}


def test_dates_win_over_the_period(world: World):
    rows = world.get("results/button-feedbacks", "period=last-year&startDate=2024-03-05&endDate=2024-03-06")
    assert {row["localTime"][:10] for row in rows} == {"2024-03-05"}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("period=lately", "period"),
        ("startDate=2024-03-05&endDate=2024-03-04", "endDate"),
        ("startDate=2023-01-01&endDate=2024-01-02", "startDate"),
        ("endDate=2025-12-01", "endDate"),
        ("startDate=05.03.2024", "startDate"),
        ("startDate=2024-02-30", "startDate"),
        ("limit=10001", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("order=up", "order"),
        ("csvSeparator=;;", "csvSeparator"),
        ("csvSeparator=", "csvSeparator"),
        ("csvSeparator=%22", "csvSeparator"),
        ("surveyId=one", "surveyId"),
        ("experiencePointId=1.5", "experiencePointId"),
        ("experiencePointId=99999999999999999999", "experiencePointId"),
        ("includeMisuse=perhaps", "includeMisuse"),
        ("limit=1&limit=2", "limit"),
        ("cursor=bm90aGluZw", "cursor"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(query: str, parameter: str, world: World):
    answer = world.request(f"results/text-feedbacks.json?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert problem["parameter"] == parameter
    assert problem["accepted"]


def test_a_year_of_any_length_may_be_asked_for(world: World):
    for dates in ("startDate=2023-01-01&endDate=2024-01-01", "startDate=2024-02-29&endDate=2025-03-01"):
        assert world.request(f"results/button-feedbacks.json?{dates}").status_code == 200


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_put_together_are_the_whole_list(name: str, limit: int, world: World):
    query = f"{EVERYTHING}&includeMisuse=true"
    whole = world.get(name, f"{query}&limit=10000")
    assert world.pages(name, f"{query}&limit={limit}") == whole
    assert world.pages(name, f"{query}&limit={limit}&order=desc") == whole[::-1]
    for offset in range(len(whole) + 1):
        assert world.get(name, f"{query}&limit={limit}&offset={offset}") == whole[offset : offset + limit]


def test_alerts_come_in_pages(world: World):
    whole = world.get("alerts", EVERYTHING)
    assert world.pages("alerts", f"{EVERYTHING}&limit=2") == whole
    assert len(whole) == 5


def test_a_link_keeps_the_request(world: World):
    answer = world.http.get(
        f"/v2/results/button-feedbacks.csv?auth={world.tokens[None]}&{EVERYTHING}&limit=2&csvSeparator=%3B"
    )
    following = httpx.URL(answer.links["next"]["url"])
    assert following.path == "/v2/results/button-feedbacks.csv"
    assert (following.params["offset"], following.params["limit"]) == ("2", "2")
    assert (following.params["csvSeparator"], following.params["auth"]) == (";", world.tokens[None])
    assert world.http.get(following).status_code == 200


def test_a_limit_of_nothing_tells_whether_there_is_something(world: World):
    answer = world.request(f"results/button-feedbacks.json?{EVERYTHING}&limit=0")
    assert (answer.json(), answer.headers["x-more-available"], answer.links) == ([], "true", {})


def test_a_day_that_ends_between_two_pages_changes_neither(world: World):
    """The cursor holds the moment at which the listing was begun, and with it what today is."""
    begun = world.request("results/button-feedbacks.json?period=today&limit=1")
    goes_on = httpx.URL(begun.links["next"]["url"]) if begun.links else None
    assert goes_on is None or decoded(goes_on.params["cursor"], Phase.BUTTON).moment == NOW


@given(st.binary(max_size=60), st.sampled_from(list(Phase)))
def test_a_cursor_of_somebody_elses_making_is_refused(made_up: bytes, phase: Phase):
    with pytest.raises(BadRequest):
        decoded(made_up.hex() + "!", phase)
    try:
        cursor = decoded(made_up.decode("latin-1"), phase)
    except BadRequest:
        return
    assert decoded(encoded(cursor), phase) == cursor


@given(
    st.integers(0, 2**40), st.integers(0, 2**46), st.integers(0, 10**9),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4),
)  # fmt: skip
def test_a_cursor_is_read_as_it_was_written(revision: int, moment: int, offset: int, key: list[int]):
    cursor = Cursor(revision, moment, offset, SortKey(*key))
    assert decoded(encoded(cursor), Phase.BUTTON) == cursor


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=64))
def test_a_cursor_holds_any_key_of_metadata(name: str):
    cursor = Cursor(1 << 40, 1 << 46, 10**9, SortKey(1 << 41, 1 << 31, -(1 << 63), -(1 << 63), name))
    assert decoded(encoded(cursor), Phase.METADATA) == cursor


@pytest.mark.parametrize("name", ["\ud800", "a\0b", ""])
def test_a_cursor_with_a_key_that_cannot_be_stored_is_refused(name: str, world: World):
    content = json.dumps([5, NOW, 0, 0, 0, 0, 0, name])
    crafted = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    assert world.request(f"results/metadata.json?{EVERYTHING}&cursor={crafted}").status_code == 400


# --- who may see what ------------------------------------------------------------------------------------------------


def refused(world: World, token: str) -> tuple[int, str]:
    answer = world.http.get("/v2/surveys.json", headers={"X-HON-API-Token": token})
    return answer.status_code, answer.text


def test_tokens_that_open_nothing_are_all_alike(world: World):
    expired, ended = another_token(world, expires_at=NOW), another_token(world)
    with manage.batch(world.store, world.organization, NOW) as batch:
        manage.revoke_token(
            batch,
            operator(world.organization),
            manage.tokens(world.store, operator(world.organization))[-1].id,
            now=NOW,
        )
    answers = {refused(world, token) for token in ("", "nonsense", expired, ended)}
    assert {status for status, _ in answers} == {401}
    assert len(answers) == 1
    assert world.http.get("/v2/surveys.json").text == answers.pop()[1]


def test_a_token_may_stand_in_the_query(world: World):
    assert world.http.get(f"/v2/surveys.json?auth={world.tokens[None]}").status_code == 200
    twice = world.http.get(f"/v2/surveys.json?auth={world.tokens[None]}&auth={world.tokens[None]}")
    assert (twice.status_code, world.tokens[None] in twice.text) == (401, False)


def test_the_two_versions_have_credentials_of_their_own(world: World):
    with manage.batch(world.store, world.organization, NOW) as batch:
        v1 = manage.activate_api(batch, operator(world.organization), now=NOW)
    assert world.http.get("/v2/surveys.json", headers={"X-HON-API-Token": v1.token}).status_code == 401
    for client in (v1.client_id, ""):
        headers = {"X-HON-Client-Id": client, "X-HON-API-Token": str(world.tokens[None])}
        assert world.http.get("/v1/folders", headers=headers).status_code == 401


def test_a_token_reads_the_kinds_that_were_chosen(world: World):
    secret = another_token(world, kinds=[DataKind.SMILEYS])
    for name in LISTINGS:
        answer = world.http.get(f"/v2/{name}.json?{EVERYTHING}", headers={"X-HON-API-Token": secret})
        assert answer.status_code == (200 if name == "smileys" else 403), name


def test_raw_results_that_are_switched_off_are_off_here_too(world: World):
    with manage.batch(world.store, world.organization, NOW) as batch:
        manage.set_raw_results(batch, operator(world.organization), enabled=False, now=NOW)
    try:
        assert {world.request(f"{name}.json").status_code for name in RESULTS} == {403}
        assert world.request("surveys.json").status_code == 200
    finally:
        with manage.batch(world.store, world.organization, NOW) as batch:
            manage.set_raw_results(batch, operator(world.organization), enabled=True, now=NOW)


@pytest.mark.parametrize("name", RESULTS)
def test_no_row_lies_outside_the_scope(name: str, world: World):
    query = f"{EVERYTHING}&includeMisuse=true"
    below = {FINLAND: {TAMPERE, HELSINKI}, TAMPERE: {TAMPERE}, NEW_YORK: {NEW_YORK}, WEBSITE: {WEBSITE}}
    whole = world.get(name, query)
    for node, points in below.items():
        assert world.get(name, query, node) == [row for row in whole if row["experiencePointId"] in points]


@pytest.mark.parametrize("outside", [ACME, HELSINKI, NEW_YORK, 4711, -1])
def test_what_lies_outside_is_forbidden_as_if_it_were_not_there(outside: int, world: World):
    answers = [
        world.request(f"{name}.json?experiencePointId={outside}", TAMPERE)
        for name in ("results/button-feedbacks", "alerts", "experience-point-custom-data")
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.text for answer in answers} == {world.request("alerts.json?experiencePointId=99", TAMPERE).text}


def test_revoking_the_api_ends_the_tokens_for_good(world: World):
    organization = make_example(world.store, f"Acme {secrets.token_hex(4)}").organization
    boss = operator(organization)
    with manage.batch(world.store, organization, NOW) as batch:
        token = manage.create_token(batch, boss, "Short-lived", now=NOW).secret
        manage.revoke_api(batch, boss, now=NOW)
    assert refused(world, token)[0] == 401
    with manage.batch(world.store, organization, NOW) as batch:
        manage.activate_api(batch, boss, now=NOW)
    assert refused(world, token)[0] == 401


def test_the_use_of_a_token_is_noted(world: World):
    secret = another_token(world)
    with serving(world.store) as http:
        assert http.get("/v2/surveys.json", headers={"X-HON-API-Token": secret}).status_code == 200
    # A server that stops writes what the job has not written yet.
    assert manage.tokens(world.store, operator(world.organization))[-1].used_at == NOW


# --- HTTP ------------------------------------------------------------------------------------------------------------


def test_other_addresses_formats_and_methods(world: World):
    for path in ("surveys", "surveys.xml", "survey.json", "results/surveys.json", "results/button-feedbacks", ".json"):
        answer = world.request(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
    token = {"X-HON-API-Token": str(world.tokens[None])}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert world.http.request(method, "/v2/surveys.json", headers=token).status_code == 405
    head = world.http.head("/v2/surveys.json", headers=token)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(world.request("surveys.json").content)
    assert world.http.options("/v2/surveys.json").status_code == 204


@pytest.mark.parametrize("path", ["surveys.json", f"results/button-feedbacks.csv?{EVERYTHING}"])
def test_an_answer_that_is_known_is_not_sent_again(path: str, world: World):
    first = world.request(path)
    again = world.request(path, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


# --- law 7: every surface shows the same number ----------------------------------------------------------------------


def test_v1_v2_and_verify_agree(world: World):
    intake.record(world.store, world.organization, [_many_presses()], NOW)
    counted = results.hourly(world.store, operator(world.organization), OfAssignment(TAMPERE_VISIT)).buckets
    query = f"{EVERYTHING}&experiencePointId={TAMPERE}&limit=100"
    rows = world.pages("results/button-feedbacks", query)
    kept = world.pages("results/button-feedbacks", f"{query}&includeMisuse=true")
    by_button = [sum(row["buttonIndex"] == button for row in rows) for button in range(4)]
    assert by_button == [sum(column) for column in zip(*(each.counted for each in counted), strict=True)]
    assert len(kept) == sum(sum(each.raw) for each in counted)
    assert [row for row in kept if not row["misuse"]] == rows
    with manage.batch(world.store, world.organization, NOW) as batch:
        v1 = manage.activate_api(batch, operator(world.organization), now=NOW)
    months = world.http.get(f"/v1/surveys/{TAMPERE_VISIT}/results", auth=(v1.client_id, v1.token)).json()
    assert [sum(column) for column in zip(*(each["data"] for each in months), strict=True)] == by_button
    assert list(intake.verify(world.store, world.organization)) == []


def _many_presses() -> Upload:
    return Upload(TERMINAL, tuple(Press(77, n, NOW - 86_400_000 * 3 - n * 4_321, n % 4) for n in range(1, 400)))


# --- the published file as the judge ---------------------------------------------------------------------------------


@cache
def described() -> Any:
    """The document that judges; the one path without a slash before it gets one, as its base has none behind it."""
    told = document()
    paths = {f"/{path.lstrip('/')}": each for path, each in told["paths"].items()}
    return schemathesis.openapi.from_dict({**told, "paths": paths})


CASES = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)  # fmt: skip


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
PERIODS = {"of the example": ["2024-03", "2024-q1", "this-year"], "of the demo": ["2025", "2025-11", "2022"]}


@pytest.fixture(scope="module")
def demo_world(fresh_database: Callable[[str], str]) -> Iterator[World]:
    """A served store that holds the demo, and its token."""
    store = open_store(fresh_database("sqlite"))
    span = history.Span(date(2025, 1, 1), 365)
    made = demo.build(store, span.end, presses=3_000, span=span, step=7)
    with serving(store, now=span.end) as http:
        yield World(store, made.organization, http, {None: made.credentials.v2_token})
    store.close()


def operation_of(name: str) -> Any:
    return described()[f"/{name}.{{format}}" if OPERATIONS[name].is_listing else f"/{name}"]["GET"]


def call(case: schemathesis.Case, world: World, node: int | None = None) -> Any:
    """An answer that is held to the document."""
    headers = {"X-HON-API-Token": str(world.tokens[node])}
    return case.call_and_validate(base_url=f"{world.http.base_url}/v2", headers=headers, checks=CHECKS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_as_published(name: str, world: World):
    operation = operation_of(name)

    @CASES
    @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), st.sampled_from(list(world.tokens)))
    def as_published(case: schemathesis.Case, node: int | None) -> None:
        call(case, world, node)

    @CASES
    @given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def never_a_server_error(case: schemathesis.Case) -> None:
        headers = {"X-HON-API-Token": str(world.tokens[None])}
        answer = case.call(base_url=f"{world.http.base_url}/v2", headers=headers)
        assert answer.status_code in (200, 400, 401, 403, 404, 405), answer.status_code

    as_published()
    if operation.query:
        never_a_server_error()


@pytest.mark.parametrize("name", LISTINGS)
def test_rows_are_as_published(name: str, world: World):
    for node in world.tokens:
        seen = _rows_seen(name, world, PERIODS["of the example"], node)
        assert node is not None or min(seen.values()) > 0, seen


@pytest.mark.parametrize("name", [name for name in LISTINGS if not name.startswith("alert")])
def test_rows_of_the_demo_are_as_published(name: str, demo_world: World):
    seen = _rows_seen(name, demo_world, PERIODS["of the demo"], None)
    assert min(seen.values()) > 0, seen


def _rows_seen(name: str, world: World, periods: list[str], node: int | None) -> dict[str, int]:
    """How many rows there were in each format; what a generated request would hardly ever ask for."""
    operation = operation_of(name)
    asked = [{"period": period} for period in periods] if "period" in OPERATIONS[name].parameters else [{}]
    seen = dict.fromkeys(("json", "csv"), 0)
    for query, ending in itertools.product(asked, seen):
        misuse = {"includeMisuse": "true"} if "includeMisuse" in OPERATIONS[name].parameters else {}
        answer = call(operation.Case(path_parameters={"format": ending}, query={**query, **misuse}), world, node)
        assert answer.status_code == 200
        rows = answer.json() if ending == "json" else list(csv.DictReader(io.StringIO(answer.text, newline="")))
        seen[ending] += len(rows)
    return seen
