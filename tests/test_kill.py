"""Law 8 on a real server: it is killed again and again while terminals press and others read, and nothing is lost or
doubled, nor is it in what is read meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from hymio import intake, manage
from hymio.access import operator
from hymio.manage import ApiCredentials
from hymio.simulator.journal import Journal, append_press, close_journal, create_journal, open_journal
from hymio.simulator.sending import UploadFailed, send
from hymio.store import Store, open_store
from tests.terminals import Terminals, put_up, stored

TERMINALS = 20
KILLS = 10
PAGE_ROWS = 500
LIFE_SECONDS = 0.7
"""How long the server serves before it is killed, after it has answered."""

START_SECONDS = 60
FORKING = """
import os, sys, uvicorn, hymio.app
from hymio.cli import main
for line in sys.stdin:
    what, *process = line.split()
    if what == "wait":
        print(os.waitstatus_to_exitcode(os.waitpid(int(process[0]), 0)[1]), flush=True)
    elif server := os.fork():
        print(server, flush=True)
    else:
        sys.exit(main())
"""


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def test_a_server_that_is_killed_loses_and_doubles_nothing(store: Store, database_url: str, tmp_path: Path) -> None:
    acme = put_up(store, TERMINALS)
    credentials = manage.activate_api(store, operator(acme.organization), now=now())
    token = manage.create_token(store, operator(acme.organization), "BI", now=now()).secret
    [assignment] = store.layout(acme.organization).assignments
    presses = Presses(TERMINALS)
    with free_port() as port, Servers(database_url, port, tmp_path) as servers:
        files = [make_terminal(tmp_path, acme, number, port) for number in range(TERMINALS)]
        readers = (
            HoursReader(port, credentials, assignment),
            ExportReader(port, credentials, assignment),
            PagesReader(port, token),
        )
        with ThreadPoolExecutor(TERMINALS + len(readers)) as pool:
            ending = threading.Event()
            pressing = [pool.submit(keep_pressing, number, file, presses, ending) for number, file in enumerate(files)]
            reading = [pool.submit(keep_reading, reader, presses, ending) for reader in readers]
            try:
                for _ in range(KILLS):
                    server = servers.start()
                    time.sleep(LIFE_SECONDS)
                    assert servers.end(server, signal.SIGKILL) == -signal.SIGKILL
                server = servers.start()
            finally:
                ending.set()
            duplicates = sum(each.result() for each in pressing)
            assert all(each.result() for each in reading)
        assert servers.end(server, signal.SIGTERM) == 0
    assert duplicates > TERMINALS
    check(store, acme, files)


def check(store: Store, acme: Terminals, files: list[Path]) -> None:
    """Every press that a terminal noted is in the ledger once, as it was noted, and the hours agree."""
    noted = []
    for smiley, file in enumerate(files, 1):
        journal = open_journal(file)
        assert not journal.waiting
        noted += [(smiley, journal.epoch, sequence) for sequence in range(1, journal.last + 1)]
        close_journal(journal)
    assert stored(store, acme.organization, "feedback", "smiley_id, epoch, sequence") == sorted(noted)
    assert len(noted) > TERMINALS * KILLS
    assert stored(store, acme.organization, "quarantine", "reason") == []
    through = {row[:2]: row[2] for row in stored(store, acme.organization, "smiley_epoch", "smiley_id, epoch, through")}
    assert through == {(smiley, epoch): sequence for smiley, epoch, sequence in sorted(noted)}
    assert list(intake.verify(store, acme.organization)) == []


# --- the server -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    """A port that nobody else is given while the server is away: it stays bound, but does not listen."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Servers:
    """Starts `hymio serve` in a process of its own, again and again: forks of one that has loaded the program once."""

    def __init__(self, database_url: str, port: int, folder: Path) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._log = folder / "server.log"
        self._command = [sys.executable, "-c", FORKING, "serve", "--host", "127.0.0.1", "--port", str(port)]
        self._environment = os.environ | {"HYMIO_DATABASE": database_url}
        self._running: set[int] = set()

    def __enter__(self) -> Servers:
        with self._log.open("ab") as log:
            self._parent = subprocess.Popen(
                self._command, env=self._environment, cwd=self._log.parent,
                text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            os.kill(process, signal.SIGKILL)
        self._parent.communicate()

    def start(self) -> int:
        """A server that answers; its process."""
        process = self._ask("start")
        self._running.add(process)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self._address}/health", timeout=5).is_success:
                    return process
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def end(self, process: int, how: signal.Signals) -> int:
        """Ends a server; its exit status, minus the signal where that ended it."""
        os.kill(process, how)
        self._running.remove(process)
        return self._ask(f"wait {process}")

    def _ask(self, what: str) -> int:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(f"{what}\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())


# --- the terminals ----------------------------------------------------------------------------------------------------


def make_terminal(folder: Path, acme: Terminals, number: int, port: int) -> Path:
    file = folder / f"{number}.terminal"
    close_journal(create_journal(file, f"http://127.0.0.1:{port}", acme.tokens[number], f"T{number + 1}"))
    return file


class Presses:
    """How many presses each terminal has noted, and how many of them are acknowledged."""

    def __init__(self, terminals: int) -> None:
        self._noted, self._acknowledged = [0] * terminals, [0] * terminals

    def note(self, terminal: int, journal: Journal) -> None:
        """Takes the numbers of a terminal from its journal."""
        self._noted[terminal] = journal.last
        self._acknowledged[terminal] = journal.last - len(journal.waiting)

    @property
    def noted(self) -> int:
        return sum(self._noted)

    @property
    def acknowledged(self) -> int:
        return sum(self._acknowledged)


def keep_pressing(number: int, file: Path, presses: Presses, ending: threading.Event) -> int:
    """Presses and sends, the server alive or not, and at the end sends what waits; how many duplicates it sent.

    Now and then an answer is lost on its way, and now and then the terminal loses its power.
    """
    journal, duplicates = open_journal(file), 0
    with httpx.Client(timeout=5, transport=Lossy()) as http:
        while not ending.is_set():
            append_press(journal, now(), journal.last % 4)
            presses.note(number, journal)
            receipt = try_to_send(journal, http)
            presses.note(number, journal)
            duplicates += receipt["duplicates"] if receipt else 0
            time.sleep(0.01 if receipt else 0.05)
            if journal.last % 25 == 0:
                journal = power_failure(journal)
        deadline = time.monotonic() + START_SECONDS
        while not try_to_send(journal, http):
            assert time.monotonic() < deadline, "what waits is not taken"
            time.sleep(0.05)
    close_journal(journal)
    return duplicates


def try_to_send(journal: Journal, http: httpx.Client) -> dict[str, Any] | None:
    try:
        return send(journal, http, now())
    except UploadFailed as error:
        if error.permanent:
            raise
        return None


class Lossy(httpx.HTTPTransport):
    """A connection on which every seventh answer is lost."""

    answers = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        self.answers += 1
        if self.answers % 7 == 0:
            answer.close()
            raise httpx.ReadError("the answer was lost")
        return answer


def power_failure(journal: Journal) -> Journal:
    """The terminal as it starts again, after it died while it noted a press."""
    close_journal(journal)
    with journal.path.open("ab") as file:
        file.write(b'{"press":[%d,17' % (journal.last + 1))
    return open_journal(journal.path)


# --- the readers ------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """How many presses a reader got, and whether those that are misuse are among them."""

    presses: int
    has_misuse: bool


class HoursReader:
    """Polls the hours of the survey over API v1."""

    def __init__(self, port: int, credentials: ApiCredentials, assignment: int) -> None:
        self._http = v1_client(port, credentials)
        self._path = f"/v1/surveys/{assignment}/results?truncate=hour"

    def read(self) -> Answer:
        hours = whole(self._http.get(self._path)).json()
        assert all(sum(hour["data"]) for hour in hours)
        return Answer(sum(sum(hour["data"]) for hour in hours), has_misuse=False)


class ExportReader:
    """Exports all raw results over API v1."""

    def __init__(self, port: int, credentials: ApiCredentials, assignment: int) -> None:
        self._http, self._path = v1_client(port, credentials), f"/v1/surveys/{assignment}/rawresults"

    def read(self) -> Answer:
        export = whole(self._http.get(self._path)).json()
        assert len(export["data"]) == export["meta"]["total"]
        return Answer(len(export["data"]), has_misuse=False)


class PagesReader:
    """Follows the pages of API v2, over several lives of the server."""

    def __init__(self, port: int, token: str) -> None:
        self._http = httpx.Client(timeout=5, headers={"X-HON-API-Token": token}, base_url=f"http://127.0.0.1:{port}")

    def read(self) -> Answer:
        page = whole(self._http.get(f"/v2/results/button-feedbacks.json?includeMisuse=true&limit={PAGE_ROWS}"))
        presses = [row["feedbackId"] for row in page.json()]
        while "next" in page.links:
            try:
                page = whole(self._http.get(page.links["next"]["url"]))
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            presses += [row["feedbackId"] for row in page.json()]
        assert len(set(presses)) == len(presses)
        return Answer(len(presses), has_misuse=True)


def v1_client(port: int, credentials: ApiCredentials) -> httpx.Client:
    auth = httpx.BasicAuth(credentials.client_id, credentials.token)
    return httpx.Client(timeout=5, auth=auth, base_url=f"http://127.0.0.1:{port}")


def whole(answer: httpx.Response) -> httpx.Response:
    """An answer that was received to its end."""
    assert answer.status_code == 200
    return answer


def keep_reading(reader: HoursReader | ExportReader | PagesReader, presses: Presses, ending: threading.Event) -> int:
    """Reads, the server alive or not; how many answers it got. None has more than was pressed, or less than was
    acknowledged before."""
    answers = 0
    while not ending.is_set():
        acknowledged = presses.acknowledged
        try:
            answer = reader.read()
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        assert answer.presses <= presses.noted
        assert answer.presses >= acknowledged or not answer.has_misuse
        answers += 1
    return answers


def now() -> int:
    return time.time_ns() // 1_000_000
