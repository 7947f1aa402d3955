"""Every answer that generated requests get, right and wrong ones, is one that our own OpenAPI document describes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from hymio import intake, manage
from hymio.access import operator
from hymio.feedback import Followup, Phases, Press, Ui, Upload
from hymio.store import open_store
from tests.example import FOUND, NOW, WEB, WEBSITE_FOUND, Example, make_example
from tests.example_v2 import furnish, make_token, press_with_phases
from tests.served import Api, check, described, serving

CASES = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [(path, method.upper()) for path, methods in described()["paths"].items() for method in methods]
UNKNOWN_METHODS = ("PUT", "PATCH", "DELETE")


class Served:
    """A served store with the example, and the headers of a client that is let in everywhere."""

    def __init__(self, http: httpx.Client, made: Example, headers: dict[str, dict[str, str]]) -> None:
        self.http, self.example, self.headers = http, made, headers

    def headers_of(self, path: str) -> dict[str, str]:
        """The credential of an address."""
        [found] = [headers for prefix, headers in self.headers.items() if path.startswith(prefix)] or [{}]
        return found


@pytest.fixture(scope="module")
def served(fresh_database: Callable[[str], str]) -> Iterator[Served]:
    """On one engine: what is held to the document here is written in no statement."""
    store = open_store(fresh_database("sqlite"))
    made = make_example(store, "Own contract")
    furnish(store, made.organization)
    press_with_phases(store, made.organization)
    boss = operator(made.organization)
    pair = base64.b64encode(f"{made.credentials.client_id}:{made.credentials.token}".encode()).decode()
    headers = {
        "/v1/": {"Authorization": f"Basic {pair}"},
        "/v2/": {"X-HON-API-Token": make_token(store, made.organization)},
        "/terminal/": {"Authorization": f"Bearer {manage.new_token(store, boss, WEB, now=NOW)}"},
        "/sms": {"X-Hymio-Secret": manage.new_sms_secret(store, boss, now=NOW)},
    }
    left = Press(
        -3, 1, NOW - 60_000, 1, FOUND, None, None, Phases((Followup(None), Followup(None, 1, 2, int(Ui.SKIP))))
    )
    intake.record(store, made.organization, [Upload(WEB, (left,))], NOW)
    with serving(store) as http:
        yield Served(http, made, headers)
    store.close()


@cache
def schema() -> Any:
    return schemathesis.openapi.from_dict(described())


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_every_answer_is_described(path: str, method: str, served: Served) -> None:
    operation = schema()[path][method]

    def asked(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=str(served.http.base_url), headers=served.headers_of(path), checks=CHECKS)

    CASES(given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))(asked))()
    if operation.query or operation.path_parameters or operation.body:
        CASES(given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))(asked))()


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_refusals_are_described(path: str, method: str, served: Served) -> None:
    """Without a credential, with a wrong one, by another method, and in a format that is not served."""
    address = path.replace("{key}", "1").replace("{format}", "json").replace("{organization}", "1")
    told = described()["paths"][path][method.lower()]["responses"]
    answers = [served.http.request(method, address), *(served.http.request(each, address) for each in UNKNOWN_METHODS)]
    if "{format}" in path:
        answers.append(served.http.get(path.replace("{format}", "xml"), headers=served.headers_of(path)))
        assert answers[-1].status_code == 404
    for answer in answers:
        assert str(answer.status_code) in told, (path, answer.request.method, answer.status_code)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code


def test_a_question_left_without_a_choice_is_no_answer_of_v1_and_one_with_option_0_in_v2(served: Served) -> None:
    api = Api(served.http, served.example.credentials)
    answer = api.get(f"/v1/surveys/{WEBSITE_FOUND}/followup")
    check(answer)
    rows = answer.json()["data"]
    assert answer.json()["meta"]["total"] == len(rows) == 3
    assert all(row["option"]["key"] >= 1 for row in rows)
    v2 = served.http.get("/v2/results/follow-up-feedbacks.json?period=2024", headers=served.headers_of("/v2/"))
    assert sorted(row["followupOptionId"] for row in v2.json()) == [
        0,
        0,
        0,
        *sorted(row["option"]["key"] for row in rows),
    ]
