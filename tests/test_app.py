"""The application as a whole: health, errors, the log, exports that are cut off, and a server of its own process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import httpx
import pytest
import uvicorn
from litestar import Litestar, Response, get

from hymio import manage
from hymio.access import operator
from hymio.app import DOORS, create_app, open_database
from hymio.errors import HymioError, NotFound, TooManyRequests, Unauthorized, Unavailable
from hymio.feedback import Upload
from hymio.serving import answers, connection, streams, turns
from hymio.serving.door import Door, Route, Services, database_connections
from hymio.serving.server import connection_class
from hymio.serving.streams import Exports, Streamed
from hymio.settings import Settings
from hymio.store import open_store
from hymio.store.dialect import Transaction
from tests.example import NOW, make_example
from tests.served import Api, serving

# --- health and errors ---------------------------------------------------------------------------------------------


def test_health(database_url: str):
    store = open_store(database_url)
    with serving(store) as http:
        ready = ["database", "clock-for-all", "intake"]
        for path, checks in (
            ("/health", ["database", "clock", "clock-for-all", "space", "intake", "nodes"]),
            ("/ready", ready),
        ):
            answer = http.get(path)
            assert answer.status_code == 200
            assert answer.json().keys() == {"status", "version", "database", "checks"}
            assert answer.json()["database"] == database_url.partition(":")[0]
            assert answer.json()["checks"] == [{"name": name, "ok": True, "detail": ""} for name in checks]
    store.close()


def test_a_database_that_cannot_be_reached(tmp_path: Path):
    place = tmp_path / "database"
    place.mkdir()
    store = open_store(f"sqlite:///{place / 'hymio.db'}")
    example = make_example(store)
    with serving(store) as http:
        api = Api(http, example.credentials)
        assert (http.get("/health").status_code, api.get("/v1/folders").status_code) == (200, 200)
        store.close()
        place.rename(tmp_path / "away")
        for answer in (http.get("/health"), api.get("/v1/folders"), api.get("/v1/surveys/1/rawresults")):
            assert (answer.status_code, answer.json()["title"]) == (503, "Unavailable")
            assert int(answer.headers["retry-after"]) > 0
        (tmp_path / "away").rename(place)
        assert (http.get("/health").status_code, api.get("/v1/folders").status_code) == (200, 200)
    store.close()


def test_the_root_path_is_the_form_of_signing_in_with_a_link_to_the_documentation(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path / 'hymio.db'}")
    with serving(store) as http:
        answer = http.get("/")
        assert answer.status_code == 200
        assert 'action="/sign-in"' in answer.text
        assert 'href="/docs"' in answer.text
    store.close()


def test_an_unforeseen_exception_becomes_a_problem_without_details(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = open_store(f"sqlite:///{tmp_path / 'hymio.db'}")

    def broken() -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(store, "check", broken)
    with serving(store) as http:
        answer = http.get("/health")
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert "secret" not in answer.text
        assert http.get("/docs").status_code == 200
    store.close()


@pytest.mark.parametrize("error", [each for each in HymioError.__subclasses__() if each.status >= 400])
def test_every_error_becomes_a_problem_of_its_status(error: type[HymioError]):
    more: Any = {"retry_after": 7} if error is TooManyRequests else {}
    answer = answers.error_answer(error("some-code", "what happened", **more), challenge="Basic")
    problem = json.loads(answer.content)
    assert (answer.status_code, problem["status"], problem["title"]) == (error.status, error.status, error.title)
    assert (problem["code"], problem["detail"]) == ("some-code", "what happened")
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("en", "Accept-Language")
    assert ("Retry-After" in answer.headers) is (error in (Unavailable, TooManyRequests))


def test_a_503_does_not_contain_the_drivers_message():
    error = Unavailable("database-busy", "the database cannot take this now", cause="no route to db.example.com:5432")
    assert "db.example.com" in error.detail
    assert json.loads(answers.error_answer(error).content)["detail"] == "the database cannot take this now"


def test_every_response_has_nosniff_and_options_lists_head(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path / 'hymio.db'}")
    with serving(store) as http:
        for path in ("/health", "/docs", "/nowhere", "/v1/folders"):
            assert http.get(path).headers["x-content-type-options"] == "nosniff"
        answer = http.options("/v1/folders")
        assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    store.close()


class Refused:
    """An upload that no way in accepts."""

    size = rows = 1
    sender = "nobody"

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        raise NotFound("refused-upload", "refused")


def test_a_door_has_its_own_challenge_and_lives_while_the_services_run(tmp_path: Path):
    accepted: list[str] = []

    def routes(_services: Services) -> list[Route]:
        @get("/private", sync_to_thread=False)
        def private() -> None:
            raise Unauthorized("device-token-refused", "refused")

        return [private]

    @asynccontextmanager
    async def lifespan(services: Services) -> AsyncIterator[None]:
        for moment in ("begin", "end"):
            with pytest.raises(NotFound, match="refused"):
                await services.uploads.record(Refused())
            accepted.append(moment)
            if moment == "begin":
                yield

    with closing(open_store(f"sqlite:///{tmp_path / 'hymio.db'}")) as store:
        doors = (*DOORS, Door("private", routes, challenge="Own", lifespan=lifespan))
        app = create_app(store, Settings(port=0), lambda: NOW, doors)
        with running(uvicorn.Config(app, port=0, log_config=None)) as server:
            address = f"http://127.0.0.1:{port_of(server)}"
            challenges = [
                httpx.request(method, address + path).headers["www-authenticate"].partition(" ")[0]
                for method, path in (
                    ("GET", "/private"),
                    ("GET", "/v1/folders"),
                    ("GET", "/v2/surveys.json"),
                    ("POST", "/terminal/v1/uploads"),
                    ("POST", "/sms"),
                )
            ]
            assert challenges == ["Own", "Basic", "X-HON-API-Token", "Bearer", "Basic"]
            assert accepted == ["begin"]
    assert accepted == ["begin", "end"]


def test_a_server_opens_as_many_database_connections_as_it_uses_at_once(tmp_path: Path):
    settings = Settings(data=tmp_path, threads=30, streams=20)
    count = database_connections(settings)
    assert count >= 30 + 20
    all_open = threading.Barrier(count)

    def read() -> None:
        with store.read():
            all_open.wait(60)

    with closing(open_database(settings)) as store, ThreadPoolExecutor(count) as pool:
        for reader in [pool.submit(read) for _ in range(count)]:
            reader.result()


# --- connections ---------------------------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """A call serves an empty store and gives the port."""
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(f"sqlite:///{tmp_path / 'hymio.db'}")))

        def serve(**settings: int) -> int:
            http = stack.enter_context(serving(store, Settings(port=0, **settings)))  # type: ignore[arg-type]
            return http.base_url.port or 0

        yield serve


def heard(port: int, *said: bytes) -> bytes:
    """All that a server answers to bytes until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        answer = b""
        try:
            for each in said:
                line.sendall(each)
            while piece := line.recv(10_000):
                answer += piece
        except ConnectionError:
            pass
    return answer


GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
BOTH_LENGTHS = b"POST /sms HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ([GET, b"X: " + b"a" * 70_000], b"431"),
        ([GET, *[b"X: " + b"a" * 10_000 + b"\r\n"] * 10], b"431"),
        ([GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n"], b"431"),
        ([GET, b"X: a\r\n" * 101], b"431"),
        ([b"GET /" + b"a" * 70_000], b"431"),
        ([b"nonsense\r\n\r\n"], b"400"),
        ([GET + b"X: " + b"a" * 60_000 + b"\r\n", b"Connection: close\r\n\r\n"], b"200"),
        ([GET + b"X: a\r\n" * 98 + b"Connection: close\r\n\r\n"], b"200"),
    ],
)
def test_a_header_section_has_limits_of_size_and_number(served: Callable[..., int], head: list[bytes], status: bytes):
    answer = heard(served(), *head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"nosniff" in answer.lower()


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "malformed-request"),
        (BOTH_LENGTHS, 400, "malformed-request"),
        (b"POST /sms HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400, "malformed-request"),
        (GET + b"X: a\r\n" * 101, 431, "header-too-large"),
        (GET, 408, "request-too-slow"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed-request"),
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "unknown-address"),
    ],
    ids=["no HTTP", "two lengths", "long length", "many headers", "half", "CONNECT", "nowhere"],
)
def test_every_refusal_is_a_problem_document(
    served: Callable[..., int], monkeypatch: pytest.MonkeyPatch, said: bytes, status: int, code: str
):
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.3)
    head, _, body = heard(served(), said).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert (json.loads(body)["status"], json.loads(body)["code"]) == (status, code)


def test_what_follows_a_refusal_is_received_and_discarded(served: Callable[..., int]):
    """A reset would take the answer away from a client that still sends."""
    with socket.create_connection(("127.0.0.1", served()), timeout=30) as line:
        line.sendall(BOTH_LENGTHS)
        for _ in range(20):
            line.sendall(b"x" * 500_000)
        assert line.recv(10_000).startswith(b"HTTP/1.1 400")


def test_silent_connections_are_closed_and_incomplete_requests_answered_408(
    served: Callable[..., int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.3)
    port = served()
    assert heard(port) == b""
    assert heard(port, GET).startswith(b"HTTP/1.1 408")
    half = b"POST /sms HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
    assert heard(port, half).startswith(b"HTTP/1.1 408")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(GET + b"\r\n")
        assert line.recv(10_000).startswith(b"HTTP/1.1 200")
        line.sendall(b"\r\n")
        assert line.recv(10_000) == b""


@pytest.mark.parametrize("keep", [b"", b"Connection: close\r\n"], ids=["kept", "closing"])
def test_a_connection_whose_client_does_not_read_is_aborted(monkeypatch: pytest.MonkeyPatch, keep: bytes):
    monkeypatch.setattr(connection, "WRITE_SECONDS", 0.3)

    @get("/", sync_to_thread=False)
    def large() -> bytes:
        return b"x" * (20 << 20)

    app = Litestar([large], openapi_config=None, logging_config=None)
    config = uvicorn.Config(app, port=0, log_config=None, http=cast(Any, connection_class(Settings())))
    said = b"GET / HTTP/1.1\r\nHost: x\r\n" + keep + b"\r\n"
    with running(config) as server, ask(port_of(server), said):
        wait_until(lambda: server.server_state.total_requests == 1)
        wait_until(lambda: not server.server_state.connections)


def test_the_bytes_of_all_request_bodies_have_a_limit(served: Callable[..., int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hymio.app.MAX_BUFFERED_BYTES", 100_000)
    port = served(body_bytes=20_000)
    half = b"POST /sms HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n" + b"x" * 50_000
    with socket.create_connection(("127.0.0.1", port)) as first:
        first.sendall(half)
        time.sleep(0.3)
        answer = heard(port, half + b"x" * 10_000, b"")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in answer.lower()
    time.sleep(0.2)
    assert heard(port, half + b"x" * 10_000, b"").startswith(b"HTTP/1.1 401")


# --- exports -------------------------------------------------------------------------------------------------------


class Endless:
    """Chunks without end, and how many generators of them are open."""

    def __init__(self) -> None:
        self.open = 0
        self.made = 0

    def chunks(self) -> Generator[bytes]:
        self.open += 1
        try:
            while True:
                self.made += 1
                yield b"x" * 65_536
        finally:
            self.open -= 1


@contextmanager
def exporting(
    source: Callable[[], Generator[bytes]], *, most: int, seconds: float, owner: object = None
) -> Iterator[int]:
    """Serves an export at /; gives the port."""

    exports = Exports(most, seconds)

    @get("/", sync_to_thread=False)
    def export() -> Response[None]:
        return Streamed(exports, source, {}, owner)

    app = Litestar(
        [export],
        exception_handlers={HymioError: lambda _request, error: answers.error_answer(error)},
        openapi_config=None,
        logging_config=None,
    )
    with running(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1)) as server:
        yield port_of(server)


def port_of(server: uvicorn.Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


@contextmanager
def running(config: uvicorn.Config) -> Iterator[uvicorn.Server]:
    """A server in a thread."""
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def ask(port: int, said: bytes = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") -> socket.socket:
    """A connection on which something, an export mostly, was asked for and nothing is read."""
    line = socket.create_connection(("127.0.0.1", port))
    line.sendall(said)
    return line


def test_an_export_ends_when_its_client_goes_away():
    endless = Endless()
    with exporting(endless.chunks, most=1, seconds=3600) as port:
        connection = ask(port)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert endless.open == 1
        connection.close()
        wait_until(lambda: endless.open == 0)


def test_an_export_ends_when_its_time_is_over_and_the_client_can_see_it():
    endless = Endless()
    with exporting(endless.chunks, most=1, seconds=0.5) as port:
        with pytest.raises(httpx.RemoteProtocolError), httpx.stream("GET", f"http://127.0.0.1:{port}/") as answer:
            for _chunk in answer.iter_raw():
                pass
        assert endless.open == 0


def test_an_export_that_is_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "STALL_SECONDS", 0.3)
    endless = Endless()
    with exporting(endless.chunks, most=1, seconds=3600) as port, ask(port):
        wait_until(lambda: endless.made > 0 and endless.open == 0)


def test_no_chunk_is_made_before_the_one_before_it_is_sent():
    endless = Endless()
    with exporting(endless.chunks, most=1, seconds=3600) as port, ask(port) as connection:
        made = -1
        while made != endless.made:
            made = endless.made
            time.sleep(0.3)
        assert 0 < made * 65_536 < 64 << 20, "more than sockets hold"
        connection.close()
        wait_until(lambda: endless.open == 0)


def test_exports_wait_for_a_turn_and_are_answered_503_after_a_while(monkeypatch: pytest.MonkeyPatch):
    endless = Endless()
    with exporting(endless.chunks, most=1, seconds=3600) as port:
        first = ask(port)
        wait_until(lambda: endless.open == 1)
        monkeypatch.setattr(turns, "WAIT_SECONDS", 0.2)
        refused = httpx.get(f"http://127.0.0.1:{port}/", timeout=30)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        monkeypatch.setattr(turns, "WAIT_SECONDS", 60)
        second = ask(port)
        first.close()
        assert second.recv(1000).startswith(b"HTTP/1.1 200 OK")
        second.close()
        wait_until(lambda: endless.open == 0)


def test_a_slow_client_delays_only_exports_of_its_own_organization():
    endless = Endless()
    with exporting(endless.chunks, most=4, seconds=3600, owner="Acme") as port:
        slow = [ask(port) for _ in range(5)]
        wait_until(lambda: endless.open == 2)
        time.sleep(0.3)
        assert endless.open == 2
        for each in slow:
            each.close()
        wait_until(lambda: endless.open == 0)


def test_an_export_of_one_chunk_needs_no_turn(monkeypatch: pytest.MonkeyPatch):
    endless = Endless()

    def either() -> Generator[bytes]:
        return iterate() if endless.open else endless.chunks()

    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.2)
    with exporting(either, most=1, seconds=3600) as port, ask(port):
        wait_until(lambda: endless.open == 1 and endless.made > 2)
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=30).content == b"short"


def iterate() -> Generator[bytes]:
    yield b"short"


def test_an_error_in_the_first_chunk_is_a_problem_and_in_a_later_one_closes_the_connection():
    def failing(after: int) -> Generator[bytes]:
        for _ in range(after):
            yield b"["
        raise Unavailable("some-code", "the database went away", retry_after=7)

    with exporting(lambda: failing(0), most=1, seconds=3600) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    with exporting(lambda: failing(5), most=1, seconds=3600) as port, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{port}/")


def test_an_export_returns_its_database_connection_to_the_pool(database_url: str):
    store = open_store(database_url)
    example = make_example(store)
    with serving(store) as http:
        api = Api(http, example.credentials)
        for _ in range(30):  # more than the pool holds
            assert len(api.json("/v1/surveys/1/rawresults")["data"]) == 6
        assert api.request("HEAD", "/v1/surveys/1/rawresults").status_code == 200
    store.close()


def test_a_turn_that_was_given_back_is_taken_again():
    async def two_in_turn() -> None:
        exports = Exports(1, 60)
        for _ in range(2):
            async with exports.turn():
                pass

    anyio.run(two_in_turn)


# --- a process of its own ------------------------------------------------------------------------------------------

SERVE = """
import os
from hymio.app import serve
from hymio.settings import load
serve(load(environment=os.environ))
"""


@contextmanager
def process(folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`serve` in a process; gives it and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "HYMIO_PORT": str(port), "HYMIO_DATA": str(folder / "data"), **settings}
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.PIPE, text=True) as running:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: running.poll() is not None or _answers(address))
            yield running, address
        finally:
            running.kill()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_server_process_makes_its_database_logs_no_secrets_and_ends_at_sigterm(tmp_path: Path):
    with process(tmp_path, HYMIO_LOG_LEVEL="info", HYMIO_LOG_FORMAT="json") as (running, address):
        assert (tmp_path / "data" / "hymio.db").exists()
        token = {"X-HON-Client-Id": "a-client", "X-HON-API-Token": "a-token"}
        assert (
            httpx.get(f"{address}/v1/folders?password=a-query", headers=token, auth=("u", "a-password")).status_code
            == 401
        )
        running.send_signal(signal.SIGTERM)
        _, log = running.communicate(timeout=30)
    assert running.returncode == 0
    entries = [json.loads(line) for line in log.splitlines()]
    [entry] = [each for each in entries if (each["event"], each.get("path")) == ("request", "/v1/folders")]
    assert {
        "event": "request",
        "method": "GET",
        "path": "/v1/folders",
        "status": 401,
        "client": "127.0.0.0/24",
        "level": "info",
    }.items() <= entry.items()
    for secret in ("a-client", "a-token", "a-query", "a-password"):
        assert secret not in log


def test_a_server_logs_nothing_at_the_default_level(tmp_path: Path):
    with process(tmp_path) as (running, address):
        httpx.get(f"{address}/v1/folders")
        running.send_signal(signal.SIGINT)
        _, log = running.communicate(timeout=30)
    assert log == ""


@pytest.mark.parametrize("said", [b"", GET, b"POST /sms HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"])
def test_a_shutdown_does_not_wait_for_an_incomplete_request(tmp_path: Path, said: bytes):
    with process(tmp_path) as (running, address), ask(int(address.rpartition(":")[2]), said):
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        _, log = running.communicate(timeout=30)
    assert (running.returncode, log) == (0, "")


def test_presses_and_reads_over_one_server_share_nothing_but_the_store(tmp_path: Path):
    """An upload is answered while an export runs, since exports have threads of their own."""
    store = open_store(f"sqlite:///{tmp_path / 'hymio.db'}")
    example = make_example(store)
    with manage.batch(store, example.organization, NOW) as batch:
        token = manage.new_token(batch, operator(example.organization), 1, now=NOW)
    with serving(store, Settings(port=0, threads=1, streams=1)) as http:
        api = Api(http, example.credentials)
        before = api.get("/v1/surveys/1/rawresults")
        upload = {"epoch": 1, "presses": [{"sequence": 7, "at": NOW - 60_000, "button": 3}], "clock": NOW}
        receipt = http.post("/terminal/v1/uploads", json=upload, headers={"Authorization": f"Bearer {token}"})
        assert (receipt.status_code, receipt.json()["stored"]) == (200, 1)
        after = api.get("/v1/surveys/1/rawresults", {"If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert after.json()["data"][-1] == {"ts": "2024-03-05T13:59:00.000+02:00", "r": 3}
    store.close()
