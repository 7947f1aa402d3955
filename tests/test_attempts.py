"""Wrong credentials have a bound for each client address, and are logged with it."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hymio.errors import HymioError, TooManyRequests, Unauthorized
from hymio.serving import attempts
from hymio.serving.attempts import Attempts
from hymio.settings import Settings
from hymio.store import open_store
from tests.example import make_example
from tests.example_v2 import make_token
from tests.served import check, serving
from tests.terminals import PLACED, put_up

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"

Try = Callable[[str, str], int]


def scope(address: str, credential: str = "", query: str = "") -> dict[str, Any]:
    headers = [(b"authorization", credential.encode())] if credential else []
    return {"client": (address, 1), "headers": headers, "query_string": query.encode(), "path": "/v1/folders"}


class Door:
    """A door at which one credential is right, with a clock of its own."""

    def __init__(self, most: int) -> None:
        self.now = 0.0
        self.attempts = Attempts(most, "shortened", lambda: self.now)

    def knock(self, address: str, credential: str, *, right: bool = False) -> int:
        """The status of a request."""
        try:
            with self.attempts.of(scope(address, credential)):
                if not right:
                    raise Unauthorized("some-code", "refused", is_missing=not credential)
        except HymioError as error:
            return error.status
        return 200


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


@given(
    st.integers(1, 10),
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 30)), min_size=1, max_size=60),
)
def test_an_address_sends_no_more_than_its_bound_and_as_many_a_minute(
    most: int, knocks: list[tuple[str, float]]
) -> None:
    door, wrong = Door(most), {"a": 0, "b": 0}
    for number, (address, pause) in enumerate(knocks):
        door.now += pause
        status = door.knock(address, f"wrong {number}")
        wrong[address] += status == 401
        assert status in (401, 429)
        assert wrong[address] <= most + 1 + door.now * most / 60
        assert status == 401 or wrong[address] >= most


def test_the_time_to_wait_is_long_enough() -> None:
    door = Door(3)
    assert [door.knock("a", str(number)) for number in range(5)] == [401, 401, 401, 429, 429]
    with pytest.raises(TooManyRequests) as refused, door.attempts.of(scope("a", "x")):
        raise Unauthorized("some-code", "refused")
    door.now += refused.value.retry_after
    assert [door.knock("a", str(number)) for number in range(2)] == [401, 429]
    assert door.knock("b", "x") == 401


def test_a_right_credential_is_never_refused() -> None:
    """Whatever others behind the same router send, also if it was never seen from there before."""
    door = Door(2)
    assert [door.knock("a", str(number)) for number in range(4)] == [401, 401, 429, 429]
    assert door.knock("a", "good", right=True) == 200


def test_a_request_without_a_credential_is_no_attempt() -> None:
    door = Door(2)
    assert [door.knock("a", "") for _ in range(5)] == [401] * 5
    assert [door.knock("a", "x"), door.knock("a", "y"), door.knock("a", "z"), door.knock("a", "")] == [
        401,
        401,
        429,
        401,
    ]


def test_without_a_bound_nobody_is_refused() -> None:
    door = Door(0)
    assert [door.knock("a", str(number)) for number in range(100)] == [401] * 100


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_ADDRESSES", 10)
    door = Door(1)
    for number in range(100):
        door.knock(f"10.0.0.{number}", "x")
    assert len(door.attempts._levels) == 10
    assert door.knock("10.0.0.99", "y") == 429
    assert door.knock("10.0.0.1", "y") == 401


def test_a_client_is_all_of_an_ipv6_network() -> None:
    door = Door(1)
    assert [door.knock(f"2001:db8:1:2::{number}", "x") for number in (1, 2)] == [401, 429]
    assert door.knock("2001:db8:1:3::1", "x") == 401


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[httpx.Client, dict[str, dict[str, Any]]]]:
    """A server whose clients may send three wrong credentials, and how each door is opened."""
    with closing(open_store(f"sqlite:///{tmp_path / 'hymio.db'}")) as store:
        example = make_example(store)
        token = make_token(store, example.organization)
        acme = put_up(store, 1, "Globex")
        with serving(store, Settings(port=0, wrong_credentials=3, log_address="full"), PLACED) as http:
            pair = (example.credentials.client_id, example.credentials.token)
            yield http, {
                "v1": {"method": "GET", "url": "/v1/folders", "auth": pair},
                "v2": {"method": "GET", "url": "/v2/surveys.json", "headers": {"X-HON-API-Token": token}},
                "v2 query": {"method": "GET", "url": f"/v2/surveys.json?auth={token}"},
                "upload": {"method": "POST", "url": "/terminal/v1/uploads", "json": {}, "headers": acme.headers},
                "large upload": {
                    "method": "POST", "url": "/terminal/v1/uploads", "content": b" " * 20_000 + b"{}",
                    "headers": acme.headers,
                },
                "SMS": {
                    "method": "POST", "url": "/sms", "json": {"text": "x"},
                    "headers": {"X-Hymio-Secret": acme.sms_secret},
                },
                "SMS form": {"method": "POST", "url": "/sms", "data": {"text": "x", "secret": acme.sms_secret}},
            }  # fmt: skip


WRONG: dict[str, dict[str, Any]] = {
    "v1": {"method": "GET", "url": "/v1/folders", "auth": ("somebody", "wrong")},
    "v2": {"method": "GET", "url": "/v2/surveys.json", "headers": {"X-HON-API-Token": "wrong"}},
    "v2 query": {"method": "GET", "url": "/v2/surveys.json?auth=wrong"},
    "upload": {"method": "POST", "url": "/terminal/v1/uploads", "json": {}, "headers": {"Authorization": "Bearer no"}},
    "large upload": {
        "method": "POST",
        "url": "/terminal/v1/uploads",
        "content": b" " * 20_000 + b"{}",
        "headers": {"Authorization": "Bearer no"},
    },
    "SMS": {"method": "POST", "url": "/sms", "json": {"text": "x"}, "headers": {"X-Hymio-Secret": "wrong"}},
    "SMS form": {"method": "POST", "url": "/sms", "data": {"text": "x", "secret": "wrong"}},
}


@pytest.mark.parametrize("door", WRONG)
def test_every_door_has_the_bound(served: tuple[httpx.Client, dict[str, dict[str, Any]]], door: str) -> None:
    http, right = served
    said = http.request(**right["v1"])
    assert said.status_code == 200
    answers = [http.request(**WRONG[door]) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    refused = answers[3]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "too-many-wrong-credentials"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    check(refused)
    elsewhere = http.request(**WRONG["v1"], headers={"X-Forwarded-For": "203.0.113.9"})
    assert elsewhere.status_code == 401
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize("door", WRONG)
def test_every_door_accepts_a_right_credential_whatever_came_before(
    served: tuple[httpx.Client, dict[str, dict[str, Any]]], door: str
) -> None:
    http, right = served
    assert [http.request(**WRONG["v1"]).status_code for _ in range(4)][-1] == 429
    assert http.request(**right[door]).status_code in (200, 204)


def test_each_wrong_credential_is_logged_with_its_address_and_without_the_credential(
    served: tuple[httpx.Client, dict[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    http, _ = served
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    # A logger that was used before has kept the processors of another configuration.
    monkeypatch.setattr(attempts, "_log", structlog.get_logger("hymio.credentials"))
    with structlog.testing.capture_logs() as entries:
        for _ in range(5):
            http.request(**WRONG["v1"], headers={"X-Forwarded-For": "203.0.113.9"})
        http.get("/v1/folders")
    wrong = [entry for entry in entries if entry["event"] == "wrong credential"]
    assert (
        wrong
        == [
            {
                "event": "wrong credential",
                "client": "203.0.113.9",
                "path": "/v1/folders",
                "code": "v1-credential-refused",
                "log_level": "warning",
            }
        ]
        * 3
    )
    assert "somebody" not in json.dumps(entries)


LOG_TWO = """
from contextlib import suppress
from hymio.errors import Unauthorized
from hymio.serving.attempts import Attempts
from hymio.serving.log import configure_log
from hymio.settings import Settings

configure_log(Settings(log_format="json"))
for path in ("/v1/folders", '/v1/folders/"event": "x", \\\\'):
    scope = {"client": ("203.0.113.9", 1), "headers": [], "query_string": b"", "path": path}
    with suppress(Unauthorized), Attempts(3, "full").of(scope):
        raise Unauthorized("v1-credential-refused", "refused", is_missing=False)
"""


def test_the_filter_for_fail2ban_finds_the_address_in_the_log() -> None:
    [text] = re.findall(r"^failregex = (.*)$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
    pattern = re.compile(text.replace("<ADDR>", "(?P<address>[0-9a-f.:]+)"))
    written = subprocess.run([sys.executable, "-c", LOG_TWO], capture_output=True, text=True, check=True).stderr
    found = [match and match["address"] for match in map(pattern.match, written.splitlines())]
    assert found == ["203.0.113.9"] * 2
