"""API v1 as its clients see it, over real HTTP on every engine; every answer is held to the OpenAPI document."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.api.v1 import ENDPOINTS
from hymio.feedback import Press, Upload, Verdict
from hymio.manage import ApiCredentials
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.store import Store, open_store
from hymio.survey import ActivePeriod, Localized
from tests.example import NOW, PLACED, TAMPERE_VISIT, TERMINAL, Example, at, make_example
from tests.served import Api, serving
from tests.world import treeless

GOLDEN = Path(__file__).parent / "golden" / "v1.json"
UPDATE = "HYMIO_UPDATE_EXAMPLES"
EVERY_PATH = [endpoint.path.replace("{key}", "1") for endpoint in ENDPOINTS]
TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}(Z|[+-]\d{2}:\d{2})")


class World(NamedTuple):
    """A served store, the example organization in it, and a client of that."""

    store: Store
    address: str
    example: Example
    api: Api


@pytest.fixture(scope="module")
def world(shared_database_url: str) -> Iterator[World]:
    store = open_store(shared_database_url)
    example = make_example(store, f"Acme {secrets.token_hex(4)}")
    with serving(store) as http:
        yield World(store, str(http.base_url), example, Api(http, example.credentials))
    store.close()


def another(world: World) -> tuple[Example, Api]:
    """An organization of its own, for tests that change it."""
    example = make_example(world.store, f"Acme {secrets.token_hex(4)}")
    return example, world.api.of(example.credentials)


# --- golden answers --------------------------------------------------------------------------------------------------

GOLDEN_REQUESTS = [
    "/v1/folders",
    "/v1/folders?surveys=true",
    *(f"/v1/folders?surveys=true&state={state}" for state in ("active", "ended", "starting")),
    "/v1/folders/4?surveys=true",
    "/v1/folders/1/children?offset=1&limit=1&surveys=true",
    "/v1/folders/3/children",
    "/v1/folders/1/alerts",
    "/v1/questions",
    "/v1/questions?offset=1&limit=1",
    "/v1/questions?offset=9",
    "/v1/questions/3",
    "/v1/questions/1/surveys",
    "/v1/questions/1/surveys?state=ended&limit=1",
    *(f"/v1/surveys/{survey}" for survey in range(1, 6)),
    *(f"/v1/surveys/{survey}/{what}" for survey in range(1, 6) for what in ("results", "rawresults")),
    *(f"/v1/surveys/1/results?truncate={grain}" for grain in ("hour", "week", "month", "year")),
    "/v1/surveys/1/results?date_start=2024-03-04T06:00:00.000Z&date_end=2024-03-04T07:00:00.000Z&truncate=hour",
    "/v1/surveys/1/results?date_start=2024-03-05",
    "/v1/surveys/1/results?date_end=2024-03-05",
    "/v1/surveys/1/rawresults?offset=2&limit=2",
    "/v1/surveys/1/rawresults?date_start=2024-03-04T08:15:09.000%2B02:00&date_end=2024-03-04T09:02:11%2B0200",
    "/v1/surveys/4/openfeedback",
    "/v1/surveys/4/openfeedback?date_start=2024-03-04T15:00:00Z",
    "/v1/surveys/1/openfeedback",
    "/v1/surveys/4/followup",
    "/v1/surveys/4/followup?offset=1",
    "/v1/surveys/1/followup",
    "/v1/folders/9",
    "/v1/questions/9",
    "/v1/surveys/9",
    "/v1/surveys/9/rawresults",
    "/v1/surveys/1/results?truncate=quarter",
    "/v1/surveys/1/results?date_start=2024-03-05&date_end=2024-03-04",
    "/v1/questions?limit=101",
]


@pytest.mark.parametrize("request_line", GOLDEN_REQUESTS)
def test_golden_answer(request_line: str, world: World):
    answer = world.api.get(request_line)
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get(UPDATE):
        known[request_line] = [answer.status_code, answer.json()]
        GOLDEN.parent.mkdir(exist_ok=True)
        ordered = {each: known[each] for each in GOLDEN_REQUESTS if each in known}
        lines = [f"{json.dumps(each)}: {json.dumps(content, ensure_ascii=False)}" for each, content in ordered.items()]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    assert [answer.status_code, answer.json()] == known[request_line], f"set {UPDATE}=1 to write it anew"


def test_properties_that_do_not_apply_are_left_out(world: World):
    def check(value: Any, where: str) -> None:
        assert value is not None, where
        if isinstance(value, dict):
            for name, each in value.items():
                assert each != [] or name == "data", f"{where}.{name}"
                check(each, f"{where}.{name}")
        if isinstance(value, list):
            for each in value:
                check(each, where)

    for request_line, (_, content) in json.loads(GOLDEN.read_text()).items():
        check(content, request_line)


# --- the clients that are known --------------------------------------------------------------------------------------


def _urlopen(address: str, headers: dict[str, str]) -> Any:
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        assert answer.headers.get_content_type() == "application/json"
        return json.load(answer)


def test_a_client_that_walks_folders_two_deep_and_reads_every_survey(world: World):
    """As the Python client does: headers, one request for the tree, then each survey's results without parameters."""
    credentials = world.example.credentials
    headers = {"X-HON-Client-Id": credentials.client_id, "X-HON-API-Token": credentials.token}
    root = _urlopen(f"{world.address}/v1/folders?surveys=true", headers)
    found = {}
    for group in root["folders"]:
        for folder in group.get("folders", []):
            for survey in folder.get("surveys", []):
                found[survey["key"]] = _urlopen(f"{world.address}/v1/surveys/{survey['key']}/results", headers)
    assert found.keys() == {1, 2, 5}
    assert found[TAMPERE_VISIT] == [
        {"ts": "2024-03-04T00:00:00.000+02:00", "data": [1, 0, 1, 2]},
        {"ts": "2024-03-05T00:00:00.000+02:00", "data": [0, 1, 0, 0]},
    ]


def test_a_client_with_double_slashes_and_basic_authentication(world: World):
    """As the Scala exporter does: Basic, `//`, a year by hour, a content type on GET."""
    credentials = world.example.credentials
    secret = base64.b64encode(f"{credentials.client_id}:{credentials.token}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json; charset=UTF-8"}
    root = _urlopen(f"{world.address}/v1//folders", headers)
    folders = [_urlopen(f"{world.address}/v1//folders/{each['key']}?surveys=true", headers) for each in root["folders"]]
    assert [folder["name"] for folder in folders] == ["Finland", "New York", "Website"]
    period = "date_start=2024-01-01T00:00:00.000Z&date_end=2024-12-31T23:59:59.000Z&truncate=hour"
    rows = _urlopen(f"{world.address}/v1//surveys/{TAMPERE_VISIT}/results?{period}", headers)
    assert [(row["ts"], sum(row["data"])) for row in rows] == [
        ("2024-03-04T08:00:00.000+02:00", 2),
        ("2024-03-04T09:00:00.000+02:00", 2),
        ("2024-03-05T08:00:00.000+02:00", 1),
    ]


def test_a_client_that_parses_times_strictly(world: World):
    """As the Clojure client does: raw results without parameters, offsets with a colon."""
    for survey in range(1, 6):
        for row in world.api.json(f"/v1/surveys/{survey}/rawresults")["data"]:
            assert TIMESTAMP.fullmatch(row["ts"])
            assert datetime.fromisoformat(row["ts"]).utcoffset() is not None


# --- access ----------------------------------------------------------------------------------------------------------


def basic(text: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {base64.b64encode(text.encode()).decode()}"}


def pair(client_id: str, token: str) -> dict[str, str]:
    return {"X-HON-Client-Id": client_id, "X-HON-API-Token": token}


def test_both_ways_to_authenticate(world: World):
    client_id, token = world.example.credentials.client_id, world.example.credentials.token
    for headers in (
        basic(f"{client_id}:{token}"),
        basic(f"{client_id}:{token}", "basic"),
        pair(client_id, token),
        {name.lower(): value for name, value in pair(client_id, token).items()},
        {**pair(client_id, token), **basic("proxy:password")},
        {"X-HON-Client-Id": "only one of the two", **basic(f"{client_id}:{token}")},
    ):
        assert world.api.of(None).get("/v1/folders", headers).status_code == 200, headers


def test_every_wrong_credential_gets_the_same_answer(world: World):
    client_id, token = world.example.credentials.client_id, world.example.credentials.token
    other, _ = another(world)
    wrong = [
        {},
        basic(f"{client_id}:{token}x"),
        basic(f"{client_id}:"),
        basic(f":{token}"),
        basic(":"),
        basic(client_id),
        basic(f"{token}:{client_id}"),
        basic(f"{client_id}:{token}", "Bearer"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic \xa7\xa7\xa7"},
        {"Authorization": "Basic /w=="},
        basic(f"{client_id}:{other.credentials.token}"),
        pair(client_id, ""),
        pair("", token),
        {"X-HON-Client-Id": client_id},
        {"X-HON-API-Token": token},
        {**basic(f"{client_id}:{token}"), **pair(client_id, "wrong")},
    ]
    anybody = world.api.of(None)
    answers = [anybody.get("/v1/folders", httpx.Headers(each, encoding="latin-1")) for each in wrong]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Basic realm="Hymio API", charset="UTF-8"'}
    assert answers[0].json()["title"] == "Unauthorized"


@pytest.mark.parametrize("path", EVERY_PATH)
def test_every_address_wants_a_credential_before_anything_else(path: str, world: World):
    answer = world.api.of(None).get(f"{path}?limit=nonsense")
    assert answer.status_code == 401


def test_credentials_end_when_they_are_rotated_or_revoked(world: World):
    example, old = another(world)
    with manage.batch(world.store, example.organization, NOW) as batch:
        rotated = manage.rotate_api(batch, operator(example.organization), now=NOW)
    new = world.api.of(rotated)
    assert (old.get("/v1/folders").status_code, new.get("/v1/folders").status_code) == (401, 200)
    with manage.batch(world.store, example.organization, NOW) as batch:
        manage.revoke_api(batch, operator(example.organization), now=NOW)
    assert new.get("/v1/folders").status_code == 401


def test_an_organization_whose_api_is_not_activated(world: World):
    example, api = another(world)
    with world.store.write() as transaction:
        transaction.run("UPDATE organization SET api_enabled = 0 WHERE id = :o", o=example.organization)
    assert api.get("/v1/folders").status_code == 403
    stranger = world.api.of(ApiCredentials(example.credentials.client_id, "wrong"))
    assert stranger.get("/v1/folders").status_code == 401, "only who may know is told"


def test_raw_results_can_be_switched_off(world: World):
    example, api = another(world)
    with manage.batch(world.store, example.organization, NOW) as batch:
        manage.set_raw_results(batch, operator(example.organization), enabled=False, now=NOW)
    assert api.get("/v1/surveys/1/rawresults").status_code == 403
    for other in ("results", "openfeedback", "followup"):
        assert api.get(f"/v1/surveys/1/{other}").status_code == 200
    with manage.batch(world.store, example.organization, NOW) as batch:
        manage.set_raw_results(batch, operator(example.organization), enabled=True, now=NOW)
    assert api.get("/v1/surveys/1/rawresults").status_code == 200


def test_nothing_of_another_organization_is_found(world: World):
    organization = manage.create_organization(world.store, operator(), f"Other {secrets.token_hex(4)}", now=PLACED)
    boss = operator(organization)
    with manage.batch(world.store, organization, PLACED) as batch:
        manage.add_point(batch, boss, "Point", manage.ROOT, id=7002, now=PLACED)
        manage.add_question(batch, boss, Localized("en", {"en": "?"}), id=7003, now=PLACED)
        manage.add_survey(batch, boss, 7003, Scale.FOUR, id=7004, now=PLACED)
        manage.assign(batch, boss, 7002, 7004, [], id=7005, now=PLACED)
        api = world.api.of(manage.activate_api(batch, boss, now=PLACED))
    for path in ("/v1/folders/7002", "/v1/questions/7004", "/v1/surveys/7005"):
        assert (world.api.get(path).status_code, api.get(path).status_code) == (404, 200)
    for endpoint in ENDPOINTS:
        if "{key}" in endpoint.path:
            assert api.get(endpoint.path.replace("{key}", "3")).status_code == 404


def test_an_organization_without_folders(world: World):
    organization = treeless(world.store, f"Empty {secrets.token_hex(4)}")
    with manage.batch(world.store, organization, PLACED) as batch:
        api = world.api.of(manage.activate_api(batch, operator(organization), now=PLACED))
    assert api.get("/v1/folders").status_code == 404
    assert api.json("/v1/questions") == {"meta": {"offset": 0, "limit": 50, "total": 0}, "data": []}


# --- addresses and methods -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["0", "-1", "+1", "1.0", "x", "%31%32", "١", "1_0", "9" * 30, "%2e%2e", "null"])
def test_a_key_that_names_nothing(key: str, world: World):
    for path in (f"/v1/folders/{key}", f"/v1/questions/{key}/surveys", f"/v1/surveys/{key}/rawresults"):
        answer = world.api.request("GET", path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/folder", "/v1/surveys", "/v1/surveys/1/result", "/v1/folders/1/children/2", "/v3/folders", "/x"],
)
def test_an_address_that_does_not_exist(path: str, world: World):
    answer = world.api.request("GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank", "title": "Not found", "status": 404, "detail": "There is nothing at this address.",
        "code": "unknown-address",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["//v1/folders/1", "/v1//folders//1", "/v1/folders/1/", "///v1///folders///1///"])
def test_repeated_slashes_count_as_one(path: str, world: World):
    with urllib.request.urlopen(
        urllib.request.Request(world.address + path, headers=pair(*_both(world.example.credentials)))
    ) as answer:
        assert json.load(answer) == world.api.json("/v1/folders/1")


def _both(credentials: ApiCredentials) -> tuple[str, str]:
    return credentials.client_id, credentials.token


@pytest.mark.parametrize("path", EVERY_PATH)
def test_head_is_get_without_the_body(path: str, world: World):
    get, head = world.api.request("GET", path), world.api.request("HEAD", path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    passing = {"date", "content-length"}  # an export's length is not known before it is made
    assert {name: value for name, value in head.headers.items() if name not in passing} == {
        name: value for name, value in get.headers.items() if name not in passing
    }
    assert head.headers.get("content-length", str(len(get.content))) == str(len(get.content))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(method: str, world: World):
    for path in EVERY_PATH:
        answer = world.api.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
        assert set(answer.headers["allow"].split(", ")) >= {"GET", "HEAD"}


# --- parameters ------------------------------------------------------------------------------------------------------

BAD = [
    ("/v1/folders", "surveys", "yes"),
    ("/v1/folders", "surveys", ""),
    ("/v1/folders", "state", "upcoming"),
    ("/v1/folders/1", "state", "ACTIVE "),
    ("/v1/questions", "limit", "0"),
    ("/v1/questions", "limit", "101"),
    ("/v1/questions", "limit", "-5"),
    ("/v1/questions", "limit", "1e1"),
    ("/v1/questions", "limit", "٣"),
    ("/v1/questions", "offset", "-1"),
    ("/v1/questions", "limit", "1" * 40),
    ("/v1/questions/1/surveys", "state", "all"),
    ("/v1/surveys/1/results", "truncate", "minute"),
    ("/v1/surveys/1/results", "truncate", ""),
    ("/v1/surveys/1/results", "date_start", ""),
    ("/v1/surveys/1/results", "date_start", "yesterday"),
    ("/v1/surveys/1/results", "date_start", "2024-02-30"),
    ("/v1/surveys/1/results", "date_start", "2024-02-30T00:00:00Z"),
    ("/v1/surveys/1/results", "date_start", "2024-03-04T00:00:00"),
    ("/v1/surveys/1/results", "date_start", "0000-12-31"),
    ("/v1/surveys/1/results", "date_end", "2024-03-04T24:00:00Z"),
    ("/v1/surveys/1/rawresults", "date_end", "1709532907000"),
    ("/v1/surveys/1/rawresults", "limit", "0"),
    ("/v1/surveys/1/rawresults", "offset", "x" * 1000),
    ("/v1/surveys/4/openfeedback", "limit", "\0"),
    ("/v1/surveys/4/followup", "date_start", "2024-03-04 00:00"),
]


@pytest.mark.parametrize(("path", "name", "value"), BAD)
def test_a_bad_parameter_is_named(path: str, name: str, value: str, world: World):
    answer = world.api.get(path, None, **{name: value})
    assert answer.status_code == 400
    problem = answer.json()
    assert (problem["parameter"], problem["got"]) == (name, value[:200])
    assert problem["accepted"]


@pytest.mark.parametrize("most", ["9" * 16, "9" * 5000, "0" * 5000 + "1000000000000000"])
def test_more_than_there_can_be_is_all_of_it(most: str, world: World):
    whole = world.api.json("/v1/surveys/1/rawresults")
    found = world.api.json("/v1/surveys/1/rawresults", limit=most)
    assert (found["data"], found["meta"]["limit"]) == (whole["data"], 10**15)
    assert world.api.json("/v1/surveys/1/rawresults", offset=most)["data"] == []
    assert world.api.json("/v1/questions", offset=most)["data"] == []


@pytest.mark.parametrize("path", ["results", "results?truncate=year", "rawresults", "openfeedback", "followup"])
def test_a_period_to_the_last_day_of_the_calendar_is_open(path: str, world: World):
    for survey in (1, 4):
        whole = world.api.json(f"/v1/surveys/{survey}/{path}")
        joined = f"{path}{'&' if '?' in path else '?'}date_start=0001-01-01&date_end=9999-12-31"
        assert world.api.json(f"/v1/surveys/{survey}/{joined}") == whole


@pytest.mark.parametrize("path", ["/v1/questions?limit=1&limit=1", "/v1/folders?surveys=true&surveys=false"])
def test_a_parameter_given_twice_is_refused(path: str, world: World):
    answer = world.api.get(path)
    assert (answer.status_code, answer.json()["parameter"]) == (400, path.partition("?")[2].partition("=")[0])


def test_what_no_address_asks_for_is_ignored(world: World):
    for path in EVERY_PATH:
        plain = world.api.get(path)
        more = world.api.get(f"{path}?precision=hour&precision=day&_=1709&%FF=%FF&&=")
        assert (more.status_code, more.content) == (plain.status_code, plain.content)


def test_words_may_be_in_capitals(world: World):
    for path in ("/v1/folders?surveys=TRUE&state=Active", "/v1/surveys/1/results?truncate=HOUR"):
        assert world.api.json(path) == world.api.json(path.lower())


@pytest.mark.parametrize(
    "spelling",
    [
        "2024-03-04T09:02:11.000%2B02:00",
        "2024-03-04T09:02:11.000%2B0200",
        "2024-03-04T09:02:11.000+02:00",
        "2024-03-04T09:02:11+0200",
        "2024-03-04T07:02:11Z",
        "2024-03-04T07:02:11.000Z",
        "2024-03-04T02:02:11.000-0500",
        "2024-03-04t07:02:11z",
    ],
)
def test_spellings_of_one_time(spelling: str, world: World):
    rows = world.api.json(f"/v1/surveys/1/rawresults?date_start={spelling}")
    assert rows["meta"]["total"] == 3
    assert rows["data"][0] == {"ts": "2024-03-04T09:02:11.000+02:00", "r": 0}


def test_a_date_is_the_beginning_of_the_day_where_the_survey_is(world: World):
    [counted] = world.api.json("/v1/surveys/1/results?date_start=2024-03-05&date_end=2024-03-06")
    assert counted == {"ts": "2024-03-05T00:00:00.000+02:00", "data": [0, 1, 0, 0]}
    of_day = world.api.json("/v1/surveys/1/rawresults?date_start=2024-03-05")
    assert of_day == world.api.json("/v1/surveys/1/rawresults?date_start=2024-03-04T22:00:00Z")


def test_state_says_when_it_is_asked(world: World):
    def states(now: int) -> dict[str, list[int]]:
        with serving(world.store, now=now) as http:
            api = Api(http, world.example.credentials)
            return {
                state: [survey["key"] for survey in api.json("/v1/questions/1/surveys", state=state)["data"]]
                for state in ("active", "ended", "starting")
            }

    assert states(NOW) == {"active": [1], "ended": [3], "starting": [5]}
    assert states(at("2024-02-01T00:00:00+00:00")) == {"active": [1, 3], "ended": [], "starting": [5]}
    assert states(at("2024-10-01T00:00:00+03:00")) == {"active": [1], "ended": [3, 5], "starting": []}


# --- caching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERY_PATH)
def test_what_has_not_changed_is_not_sent_again(path: str, world: World):
    first = world.api.get(path)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = world.api.get(path, {"If-None-Match": known})
        assert (again.status_code, again.headers["etag"]) == (304, tag)
    assert world.api.get(path, {"If-None-Match": '"other"'}).content == first.content


def test_the_tag_changes_with_what_it_stands_for(world: World):
    example, api = another(world)
    paths = [
        "/v1/surveys/1/results",
        "/v1/surveys/1/results?truncate=hour",
        "/v1/surveys/1/results?date_start=2024-03-05",
        "/v1/surveys/3/results",
        *(f"/v1/surveys/1/{what}" for what in ("rawresults", "openfeedback", "followup")),
        "/v1/surveys/1/rawresults?limit=1",
        "/v1/surveys/1/rawresults?offset=1",
    ]
    before = {path: api.get(path).headers["etag"] for path in paths}
    assert len(set(before.values())) == len(paths)
    late = Upload(TERMINAL, (Press(1, 7, at("2024-03-05T09:00:00+02:00"), 3),))
    intake.record(world.store, example.organization, [late], NOW)
    after = {path: api.get(path).headers["etag"] for path in paths}
    unchanged = [path for path in paths if after[path] == before[path]]
    assert unchanged == ["/v1/surveys/3/results"]  # nobody pressed there


def test_the_tag_changes_after_a_restore_in_which_the_same_revision_is_another_commit(world: World):
    example, api = another(world)
    path = "/v1/surveys/1/results"
    before = api.get(path).headers["etag"]
    shift = "UPDATE revision SET committed_at = committed_at + :by WHERE organization_id = :o"
    with world.store.write() as transaction:
        transaction.run(shift, o=example.organization, by=5)
    assert api.get(path, {"If-None-Match": before}).status_code == 200
    with world.store.write() as transaction:
        transaction.run(shift, o=example.organization, by=-5)
    assert api.get(path, {"If-None-Match": before}).status_code == 304
    with manage.batch(world.store, example.organization, NOW) as batch:
        manage.rename_node(batch, operator(example.organization), 3, "Tampere, Hämeenkatu", now=NOW)
    assert api.json("/v1/folders/3")["name"] == "Tampere, Hämeenkatu"


# --- results are raw results less misuse -----------------------------------------------------------------------------


class Point(NamedTuple):
    """An organization with one terminal at one point of a zone."""

    organization: int
    api: Api


def make_point(world: World, zone: str, presses: list[tuple[int, int]]) -> Point:
    organization = manage.create_organization(world.store, operator(), secrets.token_hex(8), now=PLACED)
    boss = operator(organization)
    with manage.batch(world.store, organization, PLACED) as batch:
        manage.add_point(batch, boss, "Here", 1, now=PLACED)
        manage.set_zone(batch, boss, 1, zone, now=PLACED)
        question = manage.add_question(batch, boss, Localized("en", {"en": "How?"}), now=PLACED)
        survey = manage.add_survey(batch, boss, question, Scale.FIVE, now=PLACED)
        manage.assign(batch, boss, 2, survey, [ActivePeriod(datetime(2001, 1, 1))], id=1, now=PLACED)  # noqa: DTZ001  wall time
        smiley = manage.add_smiley(batch, boss, "A1", "One", SmileyType.TERMINAL, now=PLACED)
        manage.place(batch, boss, smiley.id, 2, at("2001-01-02T00:00:00+00:00"), now=PLACED)
        credentials = manage.activate_api(batch, boss, now=PLACED)
    numbered = tuple(Press(1, number, moment, button) for number, (moment, button) in enumerate(presses, 1))
    intake.record(world.store, organization, [Upload(smiley.id, numbered)], NOW)
    return Point(organization, world.api.of(credentials))


def local_start(moment: datetime, grain: str) -> datetime:
    """The wall clock at which the hour, day, week, month or year of a moment begins."""
    hour = moment.replace(tzinfo=None, minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {
        "hour": hour,
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "year": day.replace(month=1, day=1),
    }[grain]


def expected(raw: list[dict[str, Any]], verdicts: list[int], zone: ZoneInfo, grain: str) -> list[tuple[Any, list[int]]]:
    """Raw results less misuse, grouped by the calendar alone; hours are told apart by their offset."""
    counts: dict[Any, Counter[int]] = {}
    for row, verdict in zip(raw, verdicts, strict=True):
        if verdict == Verdict.COUNTED:
            moment = datetime.fromisoformat(row["ts"]).astimezone(zone)
            start = local_start(moment, grain)
            counts.setdefault((start, moment.utcoffset() if grain == "hour" else None), Counter())[row["r"]] += 1
    return [(key, [found[button] for button in range(5)]) for key, found in counts.items()]


CLOCK_CHANGES = {
    "America/New_York": "2023-11-05T06:00:00+00:00",
    "Europe/Tallinn": "2023-03-26T01:00:00+00:00",
    "Australia/Lord_Howe": "2023-04-01T15:00:00+00:00",
    "Pacific/Chatham": "2023-09-23T14:00:00+00:00",
    "Asia/Kathmandu": "2023-12-31T18:15:00+00:00",
    "Antarctica/Troll": "2023-10-29T01:00:00+00:00",
    "Asia/Beirut": "2023-03-25T22:00:00+00:00",
}
SPREAD = st.one_of(
    st.integers(-20, 20).map(lambda seconds: seconds * 1000),
    st.integers(-4 * 3_600_000, 4 * 3_600_000),
    st.integers(-60 * 86_400_000, 60 * 86_400_000),
)


@settings(max_examples=30)
@given(data=st.data(), zone=st.sampled_from(sorted(CLOCK_CHANGES)))
def test_results_are_raw_results_less_misuse(world: World, data: st.DataObject, zone: str):
    change = at(CLOCK_CHANGES[zone])
    presses = data.draw(st.lists(st.tuples(SPREAD.map(lambda apart: change + apart), st.integers(0, 4)), max_size=40))
    point = make_point(world, zone, presses)
    with results.raw(world.store, operator(point.organization), results.OfAssignment(1)) as found:
        verdicts = [row.verdict for row in found.rows]
    raw = point.api.json("/v1/surveys/1/rawresults")
    assert raw["meta"] == {"offset": 0, "limit": len(presses), "total": len(presses)}
    moments = [moment_of(row) for row in raw["data"]]
    assert moments == sorted(moments), "the oldest first"
    hours = sorted({moment_of(row) for row in point.api.json("/v1/surveys/1/results", truncate="hour")})
    bounds = data.draw(st.lists(st.sampled_from(hours), min_size=2, max_size=2).map(sorted)) if hours else [None, None]
    start = data.draw(st.sampled_from([None, bounds[0]]))
    end = data.draw(st.sampled_from([None, bounds[1]]))
    period = {name: spelled(bound) for name, bound in (("date_start", start), ("date_end", end)) if bound}
    chosen = [
        (row, verdict)
        for row, moment, verdict in zip(raw["data"], moments, verdicts, strict=True)
        if (start is None or start <= moment) and (end is None or moment < end)
    ]
    grain = data.draw(st.sampled_from(["hour", "day", "week", "month", "year"]))
    answered = point.api.json("/v1/surveys/1/results", truncate=grain, **period)
    moments = [moment_of(row) for row in answered]
    assert moments == sorted(moments), "the oldest first"
    wanted = expected([row for row, _ in chosen], [verdict for _, verdict in chosen], ZoneInfo(zone), grain)
    assert [row["data"] for row in answered] == [counts for _, counts in wanted]
    for moment, ((wall, offset), _) in zip(moments, wanted, strict=True):
        local = moment.astimezone(ZoneInfo(zone))
        assert local_start(local, grain) == wall
        assert offset in (None, local.utcoffset())
        assert moment.utcoffset() == local.utcoffset()
    assert point.api.json("/v1/surveys/1/rawresults", **period)["meta"]["total"] == len(chosen)


def moment_of(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["ts"])


def spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


@settings(max_examples=15)
@given(
    times=st.lists(st.integers(0, 3 * 86_400_000), max_size=30),
    start=st.integers(-1, 3 * 86_400_000),
    length=st.integers(0, 3 * 86_400_000),
    size=st.integers(1, 12),
)
def test_pages_of_raw_results_are_the_whole(world: World, times: list[int], start: int, length: int, size: int):
    beginning = at("2023-03-25T20:00:00+00:00")
    point = make_point(world, "Europe/Tallinn", [(beginning + time, time % 5) for time in times])
    period = {"date_start": stamp(beginning + start), "date_end": stamp(beginning + start + length)}
    whole = point.api.json("/v1/surveys/1/rawresults", **period)
    assert [datetime.fromisoformat(row["ts"]) for row in whole["data"]] == [
        datetime.fromisoformat(stamp(beginning + time)) for time in sorted(times) if start <= time < start + length
    ]
    assert whole["meta"]["total"] == len(whole["data"])
    pages = []
    for offset in range(0, len(whole["data"]) + 1, size):
        page = point.api.json("/v1/surveys/1/rawresults", **period, offset=offset, limit=size)
        assert page["meta"] == {"offset": offset, "limit": size, "total": len(whole["data"])}
        pages += page["data"]
    assert pages == whole["data"]


def stamp(moment: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")


def test_hours_that_a_clock_repeats_come_twice_and_in_the_order_of_time(world: World):
    """Troll, 29 October 2023: the clocks go back by two hours, from 03:00 to 01:00."""
    first = at("2023-10-28T22:30:00+00:00")
    point = make_point(world, "Antarctica/Troll", [(first + hour * 3_600_000, 4) for hour in range(6)])
    assert [row["ts"] for row in point.api.json("/v1/surveys/1/results", truncate="hour")] == [
        "2023-10-29T00:00:00.000+02:00",
        "2023-10-29T01:00:00.000+02:00",
        "2023-10-29T02:00:00.000+02:00",
        "2023-10-29T01:00:00.000+00:00",
        "2023-10-29T02:00:00.000+00:00",
        "2023-10-29T03:00:00.000+00:00",
    ]
    [day] = point.api.json("/v1/surveys/1/results", truncate="day")
    assert day == {"ts": "2023-10-29T00:00:00.000+02:00", "data": [0, 0, 0, 0, 6]}


def test_a_day_that_begins_when_the_clock_jumps(world: World):
    """Beirut, 26 March 2023: midnight does not exist, the day begins at one."""
    point = make_point(world, "Asia/Beirut", [(at("2023-03-25T22:00:00+00:00"), 0)])
    for grain in ("hour", "day"):
        [row] = point.api.json("/v1/surveys/1/results", truncate=grain, date_start="2023-03-26", date_end="2023-03-27")
        assert row["ts"] == "2023-03-26T01:00:00.000+03:00"


def test_london_in_winter_is_not_utc(world: World):
    press = at("2023-12-24T18:00:00+00:00")
    for zone, shown in (("Europe/London", "+00:00"), ("UTC", "Z"), ("Etc/UTC", "Z"), ("Africa/Abidjan", "+00:00")):
        point = make_point(world, zone, [(press, 1)])
        assert point.api.json("/v1/surveys/1/rawresults")["data"] == [{"ts": f"2023-12-24T18:00:00.000{shown}", "r": 1}]
        assert point.api.json("/v1/surveys/1")["timeZone"] == zone
