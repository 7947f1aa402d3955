"""`hymio serve --processes`: one that dies is started again while the others serve, and all end together."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from hymio import jobs
from hymio.serving import processes as processes_module
from hymio.serving.processes import Place, Worker
from hymio.settings import Settings
from hymio.store import Store
from tests.terminals import Terminals, put_up, stored

PROCESSES, PRESSES, WAIT_SECONDS = 2, 30, 60
METRICS = {"Authorization": "Bearer metrics"}

THRESHOLD = 1_234
"""Of the garbage collector of the process that starts others."""

PARENT = f"""
import gc, socket
from hymio.serving.processes import run_processes
from tests.test_processes import wait_for_signal
gc.set_threshold({THRESHOLD}, 10, 10)
run_processes(wait_for_signal, {PROCESSES}, socket.socket(), lambda: print("started", flush=True))
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are looked up in /proc")


def test_a_process_that_is_killed_is_replaced_and_the_others_take_presses(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    if store.has_single_writer:
        pytest.skip("one process serves a SQLite file")
    acme = put_up(store, 1)
    with served(database_url, tmp_path) as (parent, url):
        [first, *others] = processes(parent)
        assert len(others) == PROCESSES - 1
        for sequence in range(1, PRESSES + 1):
            if sequence == PRESSES // 2:
                os.kill(first, signal.SIGKILL)
            press(url, acme, sequence)
        wait_until(lambda: first not in processes(parent) and len(processes(parent)) == PROCESSES)
        wait_until(lambda: len({counting(url) for _ in range(20)}) == PROCESSES)  # both answer, and say which they are
        parent.send_signal(signal.SIGTERM)
        _, log = parent.communicate(timeout=WAIT_SECONDS)
    assert parent.returncode == 0
    assert "a process of the server ended" in log
    assert stored(store, acme.organization, "feedback", "sequence") == [(n,) for n in range(1, PRESSES + 1)]


def test_processes_end_with_the_one_that_started_them() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert [int(parent.stdout.readline()) for _ in range(PROCESSES)] == [THRESHOLD] * PROCESSES
        assert parent.stdout.readline() == b"started\n"
        children = processes(parent)
        assert len(children) == PROCESSES
        parent.kill()
        wait_until(lambda: not any(map(command_of, children)))


def test_a_process_that_cannot_serve_is_started_again_more_and_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes_module, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(processes_module, "LONGEST_PAUSE_SECONDS", 0.04)
    with socket.socket() as listening:
        worker, pauses = Worker(end_at_once, 0, listening), list[float]()
        for _ in range(3):
            wait_until(lambda: runs(worker))
            wait_until(lambda: not runs(worker))
            pauses.append(worker.pause)
    assert pauses == [0.02, 0.04, 0.04]


def runs(worker: Worker) -> bool:
    """Looks after a process; whether it runs."""
    worker.look_after()
    return bool(worker.events)


CANNOT_SERVE = """
import socket
from multiprocessing import Pipe
from hymio.app import _serve_in_process
from hymio.serving.processes import Place
from hymio.settings import Settings
ours, theirs = Pipe()
settings = Settings(database="postgresql://nobody@127.0.0.1:1/nothing", processes=2)
_serve_in_process(settings, Place(1, socket.socket(), theirs))
"""


def test_why_a_process_cannot_serve_is_one_line_of_the_log() -> None:
    ended = subprocess.run([sys.executable, "-c", CANNOT_SERVE], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "database-busy" in ended.stderr
    assert "Traceback" not in ended.stderr


def end_at_once(_place: Place) -> None:
    """Serves nothing."""


def wait_for_signal(place: Place) -> None:
    """Serves nothing until SIGTERM; prints when its garbage collector runs."""
    print(gc.get_threshold()[0], flush=True)
    place.end_with_parent()
    place.say_listening()
    signal.pause()


def test_a_sqlite_file_is_served_by_one_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hymio", "--data", str(tmp_path / "data"), "serve", "--port", "0"]
    refused = subprocess.run([*command, "--processes", "2"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "processes-on-sqlite" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_the_first_of_several_processes_runs_the_jobs() -> None:
    settings = Settings(processes=3, backup_hours=1)
    table = [{job.name for job in jobs.periodic_jobs(settings, process)} for process in range(3)]
    assert table[0] == {job.name for job in jobs.JOBS} | {"backup"}
    assert table[1] == table[2] == {"write-token-use"}


# --- a server with processes ------------------------------------------------------------------------------------------


@contextmanager
def served(database_url: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server with several processes that answers; the process that started them, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "HYMIO_DATABASE": database_url,
        "HYMIO_PORT": str(port),
        "HYMIO_PROCESSES": str(PROCESSES),
        "HYMIO_METRICS_TOKEN": "metrics",
    }
    command = [sys.executable, "-m", "hymio", "serve"]
    with subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.PIPE, text=True) as parent:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: parent.poll() is not None or len({counting(url) for _ in range(20)}) == PROCESSES)
            yield parent, url
        finally:
            parent.kill()


def press(url: str, acme: Terminals, sequence: int) -> None:
    """Sends a press over a connection of its own until it is acknowledged; a process may die meanwhile."""
    upload = {"epoch": 1, "presses": [{"sequence": sequence, "at": time.time_ns() // 1_000_000, "button": 1}]}

    def is_acknowledged() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.post(f"{url}/terminal/v1/uploads", json=upload, headers=acme.headers).is_success
        return False

    wait_until(is_acknowledged)


def counting(url: str) -> str:
    """Which process answers: the label of its counts; nothing while none does."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/metrics", headers=METRICS).text.partition('process="')[2].partition('"')[0]
    return ""


def processes(parent: subprocess.Popen[Any]) -> list[int]:
    """The processes that a process has started to serve."""
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in command_of(int(child))]


def command_of(process: int) -> bytes:
    """The command of a process; nothing once it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)
