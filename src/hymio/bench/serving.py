"""How fast a real server takes presses that come one at a time, answers, exports, and what memory it takes."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path
from typing import IO, NamedTuple, cast

from rich.progress import Progress

from hymio import manage
from hymio.access import operator
from hymio.bench import browsers, client, crowd, senders, steady
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import NOW, Fleet, build
from hymio.feedback import Press, Upload
from hymio.manage import ApiCredentials
from hymio.smiley import SmileyType
from hymio.store import open_store
from hymio.store.yardstick import bare_loop

CLIENTS, TERMINALS, SINGLES = 32, 1_000, 15_000
SENDERS, UPLOADS, PRESSES, OTHERS = 4, 6, 10_000, 16
IDLE, SLOW, WORKING, PRESSES_OF_EACH, PAUSE_SECONDS = 2_000, 600, 10, 100, 0.05
IDLE_PRESSES, IDLE_PAUSE_SECONDS = 200, 0.01
READERS, STEADY_SECONDS = 8, 10.0
RATES = ((100, 50), (500, 100))
"""Presses a second, and how many ms 99 of 100 answers may take."""

_MIB = 1 << 20


class Server(NamedTuple):
    """A running `hymio serve`."""

    port: int
    process: subprocess.Popen[bytes]
    started_in: float

    @property
    def memory(self) -> int:
        """Resident bytes, where the machine tells."""
        try:
            words = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        except OSError:
            return 0
        return int(words[1]) * 4096

    @property
    def processor_ms(self) -> float:
        """Processor time of the server and its ended helper processes, in ms; other work does not lengthen it."""
        stat = self._stats().get(self.process.pid, ["0"] * 15)
        ticks = sum(map(int, stat[11:15]))  # its own, and those of children that have ended
        return 1000 * ticks / os.sysconf("SC_CLK_TCK")

    @property
    def helper_memory(self) -> int:
        """The most resident bytes that its running helper processes, such as that of a PDF, have had."""
        most = 0
        for helper in self._stats().keys() - {self.process.pid}:
            with suppress(OSError, IndexError):  # it has ended
                status = Path(f"/proc/{helper}/status").read_text()
                most += 1024 * int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])
        return most

    def _stats(self) -> dict[int, list[str]]:
        """The words of /proc/PID/stat behind the name, of the server and its children, where the machine has them."""
        stats = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                words = path.read_text().rpartition(")")[2].split()
                if self.process.pid in (int(path.parent.name), int(words[1])):
                    stats[int(path.parent.name)] = words
        return stats


@contextmanager
def served(url: str, **settings: int) -> Iterator[Server]:
    """A server on a free port of the loopback, in a process of its own; `settings` are instead of their defaults."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    words = [sys.executable, "-m", "hymio", "serve", "--database", url, "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {f"HYMIO_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(  # noqa: S603  own words
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        _wait(port, process)
        yield Server(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until the server answers. RuntimeError if it ends or does not answer within 30 seconds."""
    for _ in range(3000):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("the server did not answer within 30 s")


def singles(folder: Path, url: str, progress: Progress) -> Iterator[Figure]:
    """Durable presses in, one each over HTTP: 32 clients with kept connections, a fleet of 1,000 in turn."""
    store = open_store(url)
    fleet = build(store, TERMINALS)
    store.close()
    task = progress.add_task("one press a request", total=None)
    with served(url) as server:
        plan = folder / "tokens.json"
        plan.write_text(json.dumps(fleet.tokens))
        words = [sys.executable, "-m", client.__name__, str(server.port), str(plan), str(CLIENTS), str(SINGLES)]
        told = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)  # noqa: S603  own words
    progress.remove_task(task)
    bare = _bare_singles(url, 3_000)
    rate, slow = told["rate"], told["p99"]
    yield Figure(
        f"presses in, one a request, {CLIENTS} clients",
        f"{rate:,.0f}/s",
        f"bare commits of one {bare:,.0f}/s",
        rate / bare,
        "≥ 1,500/s",
        rate >= 1500,
    )
    yield Figure(
        "its answers: median, 99 of 100", f"{told['p50']:.1f}, {slow:.1f} ms", reach="p99 < 50 ms", met=slow < 50
    )


def web(url: str, progress: Progress) -> Iterator[Figure]:
    """Presses of a web smiley, a message each: from 32 browsers without a pause, and from one that rests in between."""
    store = open_store(url)
    fleet = build(store, 1)
    by = operator(fleet.organization)
    smiley = manage.add_smiley(store, by, "WEB", "Web", SmileyType.DIGITAL, now=NOW)
    manage.place(
        store, by, smiley.id, store.layout(fleet.organization).assignments[fleet.assignments[0]].node, 0, now=NOW
    )
    code = manage.publish_smiley(store, by, smiley.id, now=NOW).code
    store.close()
    task = progress.add_task("web presses", total=None)
    with served(url, web_messages=0) as server:
        idle = _pressed(server, code, fleet.survey, 1, IDLE_PRESSES, IDLE_PAUSE_SECONDS)
        busy = _pressed(server, code, fleet.survey, CLIENTS, SINGLES)
    progress.remove_task(task)
    rate, median = busy["rate"], idle["p50"]
    yield Figure(f"web presses in, {CLIENTS} browsers", f"{rate:,.0f}/s", reach="≥ 1,500/s", met=rate >= 1500)
    yield Figure(
        "its answers: median, 99 of 100", f"{busy['p50']:.1f}, {busy['p99']:.1f} ms", reach="p99 < 50 ms",
        met=busy["p99"] < 50,
    )  # fmt: skip
    yield Figure("a web press, idle: median", f"{median:.1f} ms", reach="< 20 ms", met=median < 20)


def _pressed(server: Server, code: str, survey: int, clients: int, count: int, pause: float = 0.0) -> dict[str, float]:
    """What browsers measured, in a process of their own."""
    words = [
        sys.executable,
        "-m",
        browsers.__name__,
        str(server.port),
        code,
        *map(str, (survey, clients, count, pause)),
    ]
    figures: dict[str, float] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)  # noqa: S603  own words
    return figures


def large(folder: Path, url: str, progress: Progress) -> Iterator[Figure]:
    """Four terminals that upload 10,000 presses at a time, alone and beside others that send single ones."""
    store = open_store(url)
    fleet = build(store, SENDERS + OTHERS)
    store.close()
    plan = folder / "tokens.json"
    plan.write_text(json.dumps(fleet.tokens))
    task = progress.add_task("large uploads", total=None)
    with served(url) as server:
        # In this order, other load of the machine slows both.
        runs = [(others, _sent(server, plan, epoch, others)) for epoch, others in enumerate((0, OTHERS, OTHERS, 0), 1)]
    progress.remove_task(task)
    alone, beside = ([run for others, run in runs if bool(others) is among] for among in (False, True))
    rate, rate_alone = (sum(run["rate"] for run in each) / len(each) for each in (beside, alone))
    yield Figure(
        f"{SENDERS} senders of {PRESSES:,} presses, beside {OTHERS} others",
        f"{rate:,.0f}/s",
        f"alone {rate_alone:,.0f}/s",
        rate / rate_alone,
        "≥ 0.8",
        rate / rate_alone >= 0.8,
    )
    median, slow = (max(run[name] for run in beside) for name in ("p50", "p99"))
    yield Figure(
        "answers to the others: median, 99 of 100",
        f"{median:.1f}, {slow:.1f} ms",
        reach="p99 < 250 ms",
        met=slow < 250,
    )


def crowded(folder: Path, url: str, progress: Progress) -> Iterator[Figure]:
    """Terminals beside 2,000 clients that send nothing and 600 that send a byte now and then."""
    store = open_store(url)
    fleet = build(store, WORKING)
    store.close()
    plan = folder / "tokens.json"
    plan.write_text(json.dumps(fleet.tokens))
    task = progress.add_task("idle and slow clients", total=None)
    with served(url) as server:
        words = [sys.executable, "-m", crowd.__name__, str(server.port), str(IDLE), str(SLOW)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as others:  # noqa: S603  own words
            cast(IO[bytes], others.stdout).readline()  # half of them are there
            numbers = map(str, (WORKING, WORKING * PRESSES_OF_EACH, PAUSE_SECONDS))
            words = [sys.executable, "-m", client.__name__, str(server.port), str(plan), *numbers]
            measured = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)  # noqa: S603  own words
            others.terminate()
    progress.remove_task(task)
    slow = measured["p99"]
    yield Figure(
        f"answers beside {IDLE:,} idle and {SLOW} slow clients: median, 99 of 100",
        f"{measured['p50']:.1f}, {slow:.1f} ms",
        reach="p99 < 100 ms",
        met=slow < 100,
    )


def _sent(server: Server, plan: Path, epoch: int, others: int) -> dict[str, float]:
    """What the senders and the others measured, in a process of their own."""
    numbers = map(str, (epoch, SENDERS, UPLOADS, PRESSES, others))
    words = [sys.executable, "-m", senders.__name__, str(server.port), str(plan), *numbers]
    figures: dict[str, float] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)  # noqa: S603  own words
    return figures


def _bare_singles(url: str, count: int) -> float:
    """Commits per second of a loop that inserts one row in each commit."""
    with bare_loop(url) as commit:
        began = time.perf_counter()
        for n in range(count):
            commit([Upload(n % TERMINALS + 1, (Press(1 << 31, n, NOW, 1),))])
        return count / (time.perf_counter() - began)


def year(url: str, fleet: Fleet) -> Iterator[Figure]:
    """Start, memory at rest and a year by hour over API v1."""
    store = open_store(url)
    credentials = manage.activate_api(store, operator(fleet.organization), now=NOW)
    store.close()
    with served(url) as server:
        yield Figure("start to first answer", f"{server.started_in:.2f} s", reach="< 2 s", met=server.started_in < 2)
        path = f"/v1/surveys/{fleet.assignments[0]}"
        _get(server, path, credentials)
        idle = server.memory
        yield Figure("memory, idle", f"{idle / _MIB:.0f} MiB", reach="≤ 150 MB", met=idle <= 150_000_000)
        taken = median_ms(lambda: _get(server, f"{path}/results?truncate=hour", credentials))
        yield Figure("a year by hour of a survey, over HTTP", f"{taken:.1f} ms", reach="< 10 ms", met=taken < 10)


def beside_readers(folder: Path, url: str, fleet: Fleet, progress: Progress) -> Iterator[Figure]:
    """Single presses at a steady rate, alone and beside clients that poll a year by hour over API v1."""
    store = open_store(url)
    credentials = manage.activate_api(store, operator(fleet.organization), now=NOW)
    store.close()
    plan = folder / "tokens.json"
    plan.write_text(json.dumps(fleet.tokens))
    task = progress.add_task("presses beside readers", total=None)
    with served(url) as server:
        for rate, most in RATES:
            alone, beside = (_steady(server, plan, fleet, credentials, readers, rate) for readers in (0, READERS))
            yield Figure(
                f"presses at {rate}/s beside {READERS} readers of a year by hour: median, 99 of 100",
                f"{beside['p50']:.1f}, {beside['p99']:.1f} ms",
                f"alone {alone['p50']:.1f}, {alone['p99']:.1f} ms; {beside['rate']:.0f}/s, {beside['reads']:.0f} reads",
                beside["p50"] / alone["p50"],
                f"p99 < {most} ms",
                beside["p99"] < most and beside["rate"] > 0.95 * rate,
            )
    progress.remove_task(task)


def _steady(
    server: Server, plan: Path, fleet: Fleet, credentials: ApiCredentials, readers: int, rate: int
) -> dict[str, float]:  # fmt: skip
    """What terminals and readers measured, in a process of their own."""
    path = f"/v1/surveys/{fleet.assignments[0]}/results?truncate=hour"
    epoch = 2 * rate + bool(readers)  # not one that was pressed before
    numbers = map(str, (readers, rate, STEADY_SECONDS, epoch))
    words = [sys.executable, "-m", steady.__name__, str(server.port), str(plan), path, _basic(credentials), *numbers]
    figures: dict[str, float] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)  # noqa: S603  own words
    return figures


def _basic(credentials: ApiCredentials) -> str:
    pair = f"{credentials.client_id}:{credentials.token}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _get(server: Server, path: str, credentials: ApiCredentials) -> None:
    """Reads a response of API v1 to its end."""
    request(server, f"http://127.0.0.1:{server.port}{path}", {"Authorization": _basic(credentials)})


def request(server: Server, address: str, headers: dict[str, str]) -> Message:
    """One GET, read to its end; the headers of the answer."""
    asked = urllib.request.Request(address, headers=headers)  # noqa: S310  our own server
    with urllib.request.urlopen(asked, timeout=600) as answer:  # noqa: S310  our own server
        while answer.read(1 << 16):
            pass
        return cast(Message, answer.headers)
