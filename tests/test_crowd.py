"""More clients than a server takes: idle and slow ones make room for those that work."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from litestar import Litestar, get

from hymio.bench.client import upload
from hymio.bench.crowd import allow_open_files, crowd
from hymio.serving.server import OTHER_FILES, connection_class
from hymio.settings import Settings
from hymio.store import open_store
from tests.terminals import PLACED, Terminals, put_up, serving, stored
from tests.test_app import GET, ask, heard, port_of, running, wait_until

NOW = PLACED + 1_000_000_000
IDLE, SLOW, TERMINALS, PRESSES = 2_000, 600, 10, 30


def test_terminals_are_served_beside_two_thousand_idle_and_six_hundred_slow_clients(tmp_path: Path) -> None:
    """Each terminal keeps one connection all the time, and each of its requests is answered 200."""
    if not allow_open_files(IDLE + SLOW + Settings().connections * 5 // 4):
        pytest.skip("this account may not open enough files (ulimit -n)")
    with closing(open_store(f"sqlite:///{tmp_path / 'hymio.db'}")) as store:
        acme = put_up(store, TERMINALS)
        with serving(store, NOW) as url:
            statuses = asyncio.run(crowded(int(url.rpartition(":")[2]), acme))
        assert statuses == [200] * TERMINALS * PRESSES
        assert len(stored(store, acme.organization, "feedback", "sequence")) == TERMINALS * PRESSES


async def crowded(port: int, acme: Terminals) -> list[int]:
    """The statuses that terminals are answered while the others connect again as soon as they are disconnected."""
    came = asyncio.Semaphore(0)
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in acme.tokens]
    working = list(zip(lines, acme.tokens, strict=True))
    statuses = [await press(*line, token, 1) for line, token in working]
    others = asyncio.create_task(crowd(port, IDLE, SLOW, came))
    for sequence in range(2, PRESSES + 1):
        statuses += await asyncio.gather(*(press(*line, token, sequence) for line, token in working))
        for _ in range((IDLE + SLOW) // (2 * PRESSES)):
            await came.acquire()  # so many more have come meanwhile
    others.cancel()
    with suppress(asyncio.CancelledError):
        await others
    for _, writer in lines:
        writer.close()
    return statuses


async def press(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str, sequence: int) -> int:
    """Sends a press of a terminal over its connection; the status of the answer."""
    writer.write(upload(token, 1, [{"sequence": sequence, "at": NOW - 1000, "button": 1}]))
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    return int(head.split()[1])


# --- a few ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """A call serves an empty store and gives the port."""
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(f"sqlite:///{tmp_path / 'hymio.db'}")))

        def serve(**settings: Any) -> int:
            url = stack.enter_context(serving(store, NOW, Settings(port=0, **settings)))
            return int(url.rpartition(":")[2])

        yield serve


def closed(line: socket.socket) -> bytes:
    """What a server sends until it closes a connection."""
    line.settimeout(30)
    said = b""
    with suppress(ConnectionError):
        while piece := line.recv(10_000):
            said += piece
    return said


def test_the_client_that_is_idle_longest_makes_room(served: Callable[..., int]) -> None:
    port = served(connections=3)
    with ExitStack() as stack:
        lines = [stack.enter_context(opened(port)) for _ in range(4)]
        assert closed(lines[0]) == b""
        for line in lines[1:]:
            assert answered(line, GET + b"\r\n").startswith(b"HTTP/1.1 200")


def test_one_that_was_answered_keeps_its_place_before_those_that_said_nothing(served: Callable[..., int]) -> None:
    port = served(connections=3)
    with ExitStack() as stack:
        working = stack.enter_context(opened(port))
        for _ in range(5):
            assert answered(working, GET + b"\r\n").startswith(b"HTTP/1.1 200")
            for _ in range(5):
                stack.enter_context(opened(port))


def test_a_request_that_is_not_complete_makes_room_with_an_answer(served: Callable[..., int]) -> None:
    port = served(connections=1)
    halves = [GET, b"POST /sms HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"]
    for half in halves:
        with opened(port) as line:
            line.sendall(half)
            time.sleep(0.2)
            assert heard(port, GET + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
            answer = closed(line)
            assert answer.startswith(b"HTTP/1.1 503")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too-many-connections"


def test_where_all_are_being_answered_a_further_request_is_answered_503_and_a_further_connection_closed() -> None:
    released = threading.Event()

    @get("/", sync_to_thread=True)
    def wait() -> str:
        released.wait(60)
        return "done"

    app = Litestar([wait], openapi_config=None, logging_config=None)
    settings = Settings(connections=4)
    with running(uvicorn.Config(app, port=0, log_config=None, http=cast(Any, connection_class(settings)))) as server:
        port = port_of(server)
        busy = [ask(port) for _ in range(4)]
        wait_until(lambda: len(server.server_state.tasks) == 4)
        answer = heard(port, GET + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too-many-connections"
        with opened(port), opened(port):
            time.sleep(0.2)
            assert heard(port, GET + b"\r\n") == b""
        released.set()
        assert all(line.recv(1000).startswith(b"HTTP/1.1 200") for line in busy)
        assert heard(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_client_has_a_bound_of_its_own(served: Callable[..., int]) -> None:
    port = served(connections_per_address=2, trusted_proxies="")
    with ExitStack() as stack:
        other = stack.enter_context(opened(port, "127.0.0.3"))
        lines = [stack.enter_context(opened(port, "127.0.0.2")) for _ in range(4)]
        assert [closed(line) for line in lines[:2]] == [b"", b""]
        for line in (other, *lines[2:]):
            assert answered(line, GET + b"\r\n").startswith(b"HTTP/1.1 200")


def test_requests_through_a_proxy_have_the_bound_of_their_client() -> None:
    released = threading.Event()

    @get("/", sync_to_thread=True)
    def wait() -> str:
        released.wait(60)
        return "done"

    app = Litestar([wait], openapi_config=None, logging_config=None)
    factory = cast(Any, connection_class(Settings(connections_per_address=2)))

    def through_proxy(client: str) -> bytes:
        return f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: {client}\r\n\r\n".encode()

    with running(uvicorn.Config(app, port=0, log_config=None, http=factory)) as server:
        port = port_of(server)
        busy = [ask(port, through_proxy(client)) for client in ("203.0.113.1", "203.0.113.1", "203.0.113.2")]
        wait_until(lambda: len(server.server_state.tasks) == 3)
        assert heard(port, through_proxy("203.0.113.1")).startswith(b"HTTP/1.1 503")
        busy.append(ask(port, through_proxy("203.0.113.2")))
        wait_until(lambda: len(server.server_state.tasks) == 4)
        released.set()
        assert all(line.recv(1000).startswith(b"HTTP/1.1 200") for line in busy)
        assert heard(port, through_proxy("203.0.113.1")).startswith(b"HTTP/1.1 200")


def test_a_server_may_open_as_many_files_as_its_settings_need() -> None:
    resource = pytest.importorskip("resource")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    program = (
        "import resource; from hymio.serving.server import allow_open_files; from hymio.settings import Settings;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (64, {hard})); allow_open_files(Settings(connections=100));"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 125 + OTHER_FILES


@contextmanager
def opened(port: int, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A connection from an address of the loopback, which the server has accepted before the next one opens."""
    try:
        line = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
    except OSError as error:
        if source == "127.0.0.1":
            raise
        pytest.skip(f"this machine's loopback has no {source}: {error}")
    with line:
        time.sleep(0.05)
        yield line


def answered(line: socket.socket, said: bytes) -> bytes:
    """The beginning of an answer."""
    line.sendall(said)
    return line.recv(10_000)
