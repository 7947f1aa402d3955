"""CORS: pages of the origins that a setting names read the APIs, no others do, and none with cookies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from hymio.settings import Settings
from hymio.store import open_store
from tests.example import make_example
from tests.served import serving

BI, OTHER = "https://bi.example.com", "https://bi.example.com.evil.example"
API = ("/v1/folders", "/v2/surveys.json", "/openapi.json", "/docs/schema/upload.json")
PAGES = ("/", "/sign-in", "/reports/1.json", "/terminal/v1/uploads", "/docs")


@pytest.fixture(scope="module")
def served(shared_database_url: str) -> Iterator[httpx.Client]:
    with closing(open_store(shared_database_url)) as store:
        made = make_example(store, "Origins")
        with serving(store, Settings(port=0, cors_origins=f"{BI}, http://localhost:3000")) as http:
            http.auth = httpx.BasicAuth(made.credentials.client_id, made.credentials.token)
            yield http


def allowing(answer: httpx.Response) -> dict[str, str]:
    """The headers of CORS."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("address", API)
def test_pages_of_a_named_origin_read_the_apis(served: httpx.Client, address: str) -> None:
    answer = served.get(address, headers={"Origin": BI})
    assert answer.headers["access-control-allow-origin"] == BI
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]
    asking = {"Origin": BI, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-hon-api-token"}
    preflight = served.request("OPTIONS", address, headers=asking, auth=None)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, BI)
    assert "X-HON-API-Token" in preflight.headers["access-control-allow-headers"]
    for one in (answer, preflight):
        assert "access-control-allow-credentials" not in one.headers


@pytest.mark.parametrize("origin", [OTHER, "null", "http://bi.example.com", f"{BI}:444", ""])
def test_no_other_origin_does(served: httpx.Client, origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        asking = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answer = served.request(method, API[0], headers=asking)
        assert not allowing(answer)
        assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_for_people_are_read_by_none(served: httpx.Client, address: str) -> None:
    assert not allowing(served.get(address, headers={"Origin": BI}))


def test_without_the_setting_nothing_is_allowed(store: object) -> None:
    with serving(store) as http:  # type: ignore[arg-type]  # a Store
        answer = http.get("/openapi.json", headers={"Origin": BI})
    assert not allowing(answer)
    assert "Origin" not in answer.headers["vary"]
