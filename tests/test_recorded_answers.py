"""Every answer of API v1 and v2 is, byte for byte, the one recorded under `tests/golden/answers/`, on every engine.

`python -m tests.test_recorded_answers` records them anew, on SQLite: only where a change of the answers is meant.
Credentials, ETags and cursors differ from run to run; of these the record says only that they are there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from hymio import demo
from hymio.demo.history import Span
from hymio.period import Instant, parse_timestamp
from hymio.store import Store, open_store
from tests import example, example_v2, recorded_requests
from tests.recorded_requests import NOBODY, V1, V2, Request
from tests.served import serving

FOLDER: Final = Path(__file__).parent / "golden" / "answers"
HOST: Final = "hymio.example.com"
"""What requests name as their host, so that links do not hold the port of a run."""

WHOLE_BYTES, FIRST_BYTES = 2_000, 500
"""A larger body than the first is recorded by its length, its SHA-256 and as much of its beginning as the second."""

IGNORED_MEMBERS: Final = frozenset({"code"})
"""Members of problem documents that may come or go without a change of the record."""

IGNORED_HEADERS: Final = frozenset({"content-length", "content-language", "vary"})
"""The same for their headers."""

DESCRIPTIONS: Final = ("/openapi.json",)
"""Documents that may gain members: only status and media type are recorded."""

Record = dict[str, dict[str, Any]]


# --- organizations ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Organization:
    """An organization in a store: headers by the name of who sends them, the v2 token, and the time of its requests."""

    senders: dict[str, dict[str, str]]
    token: str
    now: Instant


def _senders(client_id: str, v1_token: str, v2_token: str) -> dict[str, dict[str, str]]:
    client, token = "X-HON-Client-Id", "X-HON-API-Token"
    both = base64.b64encode(f"{client_id}:{v1_token}".encode()).decode()
    return {
        V1: {client: client_id, token: v1_token},
        V2: {token: v2_token},
        NOBODY: {},
        "v1 Basic": {"Authorization": f"Basic {both}"},
        "v1 wrong token": {client: client_id, token: "wrong"},
        "v1 wrong client": {client: "wrong", token: v1_token},
        "v1 client alone": {client: client_id},
        "v1 broken Basic": {"Authorization": "Basic /w=="},
        "v2 wrong token": {token: "wrong"},
        "v2 empty token": {token: ""},
    }


DEMO_NOW: Final = parse_timestamp("2025-12-31T20:00:00Z")
"""22:00 in Helsinki, the afternoon in New York, and the next year already in Kathmandu."""


def demo_organization(store: Store) -> Organization:
    """The demo with few presses, late on the last day of its history."""
    span = Span(date(2025, 1, 1), 365)
    made = demo.prepare(store, DEMO_NOW, first=span.first)
    demo.load(store, made.organization, span, span.end, presses=6_000, seed=1, step=7)
    secrets = made.credentials
    senders = _senders(secrets.client_id, secrets.api_token, secrets.v2_token)
    return Organization(senders, secrets.v2_token, DEMO_NOW)


def example_organization(store: Store) -> Organization:
    """The example organization with everything that v2 shows, and tokens of parts of it."""
    made = example.make_example(store)
    example_v2.furnish(store, made.organization)
    example_v2.press_with_phases(store, made.organization)
    organization = _with_token(store, made)
    partial = {
        name: {"X-HON-API-Token": example_v2.make_token(store, made.organization, **reach)}
        for name, reach in PARTIAL_TOKENS.items()
    }
    return replace(organization, senders={**organization.senders, **partial})


PARTIAL_TOKENS: Final[dict[str, dict[str, Any]]] = {
    "token of Finland": {"node": example_v2.FINLAND},
    "token of Tampere": {"node": example.TAMPERE},
    "token of New York": {"node": example.NEW_YORK},
    "token of the website": {"node": example.WEBSITE},
    "token of smileys and texts": {"kinds": ("smileys", "text-feedbacks")},
    "token that has expired": {"expires_at": example.NOW},
}


def organization_without_raw_results(store: Store) -> Organization:
    """The example organization with raw results switched off."""
    made = example.make_example(store)
    organization = _with_token(store, made)
    example_v2.switch_raw_results_off(store, made.organization)
    return organization


def organization_without_api(store: Store) -> Organization:
    """The example organization with credentials that are good and an API that is not activated."""
    made = example.make_example(store)
    organization = _with_token(store, made)
    example_v2.switch_api_off(store, made.organization)
    return organization


def empty_organization(store: Store) -> Organization:
    """An organization of which nothing is set up but its API."""
    return _with_token(store, example_v2.make_empty(store))


def _with_token(store: Store, made: example.Example) -> Organization:
    token = example_v2.make_token(store, made.organization)
    return Organization(_senders(made.credentials.client_id, made.credentials.token, token), token, example.NOW)


# --- what is recorded ------------------------------------------------------------------------------------------------


def demo_v1() -> Iterator[Request]:
    """API v1 of the demo."""
    periods = (
        "date_start=2025-05-12&date_end=2025-05-19", "date_end=2023-01-01", "date_start=2025-11-28T05:00:00.000-0500",
        "date_start=2025-03-30T00:00:00Z&date_end=2025-03-31T00:00:00%2B02:00",
    )  # fmt: skip
    yield from recorded_requests.v1_requests(19, 5, 11, periods)


def demo_v2() -> Iterator[Request]:
    """API v2 of the demo."""
    periods = ("2025", "2025-12", "2025-q4", "2022-11")
    yield from recorded_requests.v2_requests("startDate=2025-01-01&endDate=2026-01-01", periods, (2, 9, 10, 19), 5)
    yield from recorded_requests.v2_set_up((1, 2, 4, 10, 16), V2)


def example_v1() -> Iterator[Request]:
    """API v1 of the example organization, with its manners and errors."""
    periods = ("date_start=2024-03-05", "date_end=2024-03-04T09:02:11%2B0200", "date_start=2024-03-04T15:00:00Z")
    yield from recorded_requests.v1_requests(6, 3, 5, periods)
    yield from recorded_requests.v1_manners()
    yield from recorded_requests.v1_errors()
    yield from (Request(path, NOBODY) for path in DESCRIPTIONS)


EXAMPLE_PERIOD: Final = "startDate=2024-01-01&endDate=2024-12-31"


def example_v2_requests() -> Iterator[Request]:
    """API v2 of the example organization, with its manners and errors."""
    yield from recorded_requests.v2_requests(EXAMPLE_PERIOD, ("2024", "2024-03", "2024-q1"), (1, 2, 3, 6), 3)
    yield from recorded_requests.v2_set_up((1, 2, 3), V2)
    for sender in PARTIAL_TOKENS:
        yield from recorded_requests.v2_scoped(EXAMPLE_PERIOD, sender)
    yield from recorded_requests.v2_manners(EXAMPLE_PERIOD)
    yield from recorded_requests.v2_errors()


def every_endpoint() -> Iterator[Request]:
    """Each endpoint of both APIs once."""
    yield from (Request(path, V1) for path in recorded_requests.V1_PATHS)
    yield from recorded_requests.v2_scoped(EXAMPLE_PERIOD, V2)


@dataclass(frozen=True)
class Recorded:
    """An organization, and by the name of each file of the record what the organization is asked."""

    organization: Callable[[Store], Organization]
    files: dict[str, Callable[[], Iterable[Request]]]


RECORDED: Final = (
    Recorded(demo_organization, {"demo-v1": demo_v1, "demo-v2": demo_v2}),
    Recorded(example_organization, {"example-v1": example_v1, "example-v2": example_v2_requests}),
    Recorded(organization_without_raw_results, {"without-raw-results": every_endpoint}),
    Recorded(organization_without_api, {"without-api": every_endpoint}),
    Recorded(empty_organization, {"empty": every_endpoint}),
)


# --- asking and recording --------------------------------------------------------------------------------------------


def answers(store: Store, recorded: Recorded) -> dict[str, Record]:
    """The answers of an organization that is made in a store, by file and request."""
    organization = recorded.organization(store)
    with serving(store, now=organization.now) as http:
        return {
            file: {name: entry for request in requests() for name, entry in _answers(http, organization, request)}
            for file, requests in recorded.files.items()
        }


def _answers(http: httpx.Client, organization: Organization, request: Request) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answers to a request and to those that follow from it, with their names in the record."""
    path = request.path.replace("{token}", organization.token)
    answer = _send(http, organization, request, path)
    if request.if_none_match:
        tags = request.if_none_match.replace("{etag}", answer.headers.get("etag", "no ETag"))
        again = _send(http, organization, request, path, {"If-None-Match": tags})
        assert again.headers.get("etag") == answer.headers.get("etag"), request.name
        yield f"{request.name} if none match {request.if_none_match}", entry(again, organization.token)
        return
    yield request.name, entry(answer, organization.token)
    page = 1
    while request.follow and "next" in answer.links:
        page += 1
        path = answer.links["next"]["url"].removeprefix(f"http://{HOST}")
        answer = _send(http, organization, request, path)
        yield f"{request.name}, page {page}", entry(answer, organization.token)


def _send(
    http: httpx.Client, organization: Organization, request: Request, path: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    headers = {"Host": HOST, "Accept-Encoding": "identity", **organization.senders[request.sender], **(headers or {})}
    # A whole address: a path that begins with two slashes would be taken for a host.
    return http.request(request.method, f"{str(http.base_url).rstrip('/')}{path}", headers=headers)


def entry(answer: httpx.Response, token: str) -> dict[str, Any]:
    """An answer as it is recorded: status, headers, and the body or what identifies it."""
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    is_description = answer.request.url.path in DESCRIPTIONS
    # Which headers choose an answer is no part of it; without compression no other depends on them.
    left_out = {"date", "vary"} | (IGNORED_HEADERS if is_problem else {"content-length"} if is_description else set())
    headers = {name: value for name, value in sorted(answer.headers.items()) if name not in left_out}
    if "etag" in headers:
        headers["etag"] = "*"
    if "link" in headers:
        headers["link"] = re.sub(r"(?<=[?&]cursor=)[^&>]+", "*", headers["link"].replace(token, "{token}"))
    body = _without_ignored(answer.content) if is_problem else answer.content
    return {"status": answer.status_code, "headers": headers, **({} if is_description else _body(body))}


def _without_ignored(body: bytes) -> bytes:
    if not body:  # an answer to HEAD
        return body
    members = {name: value for name, value in json.loads(body).items() if name not in IGNORED_MEMBERS}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _body(body: bytes) -> dict[str, Any]:
    if len(body) <= WHOLE_BYTES:
        return {"body": body.decode()}
    first = body[:FIRST_BYTES].decode(errors="ignore")  # a character may be cut in two
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "first": first}


# --- the record ------------------------------------------------------------------------------------------------------


def read_record(file: str) -> Record:
    """The recorded answers of a file, by request."""
    record: Record = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))
    return record


def write_record(file: str, record: Record) -> None:
    """Records answers anew, one a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(answer, ensure_ascii=False)}" for name, answer in record.items()]
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{file}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def record_anew() -> None:
    """Asks all organizations on SQLite and overwrites all files of the record."""
    for recorded in RECORDED:
        with tempfile.TemporaryDirectory() as folder, closing(open_store(f"sqlite:///{folder}/hymio.db")) as store:
            for file, record in answers(store, recorded).items():
                write_record(file, record)


SHOWN_DIFFERENCES: Final = 5


def differences(recorded: Record, answered: Record) -> str:
    """The names of the answers that differ, how many they are, and the first of them whole; empty if none differs."""
    names = [name for name in {**recorded, **answered} if recorded.get(name) != answered.get(name)]
    shown = [f"{name}\n  recorded {recorded.get(name)}\n  answered {answered.get(name)}" for name in names]
    return "\n".join([f"{len(names)} of {len(recorded)} answers differ", *shown[:SHOWN_DIFFERENCES]]) if names else ""


# --- the tests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: "+".join(recorded.files))
def test_every_answer_is_as_recorded(recorded: Recorded, store: Store):
    for file, answered in answers(store, recorded).items():
        differing = differences(read_record(file), answered)
        assert not differing, f"{file}.json: {differing}"


def test_the_record_has_every_kind_of_answer():
    """So that a set-up that shows nothing, or refuses everything, is not recorded unseen."""
    statuses = {answer["status"] for part in RECORDED for file in part.files for answer in read_record(file).values()}
    assert statuses == {200, 204, 304, 400, 401, 403, 404, 405}
    for name in (*recorded_requests.RESULTS, *recorded_requests.PAGED, *recorded_requests.WHOLE):
        for file in ("demo-v2", "example-v2"):
            has_rows = _longest(read_record(file), f"/v2/{name}.json") > len("[]\n")
            assert has_rows is ((file, name) not in WITHOUT_ROWS), (file, name)


WITHOUT_ROWS: Final = {("demo-v2", name) for name in (*recorded_requests.PAGED, "alert-specifications")}
"""The demo has no alerts."""


def _longest(record: Record, path: str) -> int:
    """The bytes of the longest good answer of a path with any query."""
    return max(
        answer.get("bytes", len(answer.get("body", "")))
        for name, answer in record.items()
        if name.startswith(f"GET {path}") and answer["status"] == 200
    )


def test_a_byte_more_is_a_difference():
    record = read_record("empty")
    name, answer = next((name, answer) for name, answer in record.items() if answer["status"] == 200)
    assert not differences(record, dict(record))
    assert name in differences(record, {**record, name: {**answer, "body": answer["body"] + " "}})
    assert name in differences(record, {other: record[other] for other in record if other != name})


if __name__ == "__main__":
    record_anew()
