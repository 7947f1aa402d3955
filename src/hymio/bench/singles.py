"""How fast a real server takes presses that come one at a time, beside an empty handler of the same server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.progress import Progress

from hymio import manage
from hymio.access import operator
from hymio.bench import browsers, client, empty_server
from hymio.bench.figure import Figure
from hymio.bench.fleet import NOW, build
from hymio.bench.served import Server, free_port, measured_by, running, served, write_tokens
from hymio.feedback import Press, Upload
from hymio.smiley import SmileyType
from hymio.store import open_store
from hymio.store.yardstick import bare_loop

CLIENTS, TERMINALS, SINGLES = 32, 1_000, 15_000
IDLE_PRESSES, IDLE_PAUSE_SECONDS = 200, 0.01
BARE_COMMITS = 3_000
MIN_RATE = {"sqlite": 4_000, "postgresql": 2_000}
"""Presses a second that are to come through."""

_OF_EMPTY = 0.6


def singles(folder: Path, url: str, progress: Progress) -> Iterator[Figure]:
    """Durable presses, one in each request: 32 clients with kept connections, of 1,000 terminals in turn."""
    store = open_store(url)
    fleet, kind = build(store, TERMINALS), store.kind
    store.close()
    task = progress.add_task("one press a request", total=None)
    tokens = write_tokens(folder, fleet)
    with served(url) as server:
        runs = [_sent(server, tokens, epoch=client.EPOCH)]
        # Between the two halves, so that other load of the machine slows all.
        empty_rate, bare_rate = (_empty_rate(name, int(runs[0]["size"]), tokens) for name in ("route", "bare"))
        runs.append(_sent(server, tokens, epoch=client.EPOCH + 1))
    progress.remove_task(task)
    rate = sum(run["rate"] for run in runs) / 2
    median, slow = (sum(run[name] for run in runs) / 2 for name in ("p50", "p99"))
    bare, least = _bare_singles(url), MIN_RATE[kind]
    what = f"presses in, one a request, {CLIENTS} clients"
    yield Figure(
        what, f"{rate:,.0f}/s", f"bare commits of one {bare:,.0f}/s", rate / bare, f"≥ {least:,}/s", rate >= least
    )
    ratio = rate / empty_rate
    yield Figure(
        "… beside an empty handler of the same server",
        f"{rate:,.0f}/s", f"{empty_rate:,.0f}/s; bare ASGI {bare_rate:,.0f}/s",
        ratio, f"≥ {_OF_EMPTY}", ratio >= _OF_EMPTY,
    )  # fmt: skip
    yield Figure("its answers: median, 99 of 100", f"{median:.1f}, {slow:.1f} ms", reach="p99 < 50 ms", met=slow < 50)


def _sent(server: Server, tokens: Path, epoch: int) -> dict[str, float]:
    """What clients measured that send half of SINGLES."""
    return measured_by(client.__name__, server.port, tokens, CLIENTS, SINGLES // 2, epoch)


def _empty_rate(kind: str, size: int, tokens: Path) -> float:
    """Requests a second to a server of the same configuration with an empty handler that answers `size` bytes."""
    port = free_port()
    words = [sys.executable, "-m", empty_server.__name__, str(port), str(size), kind]
    with running(words, port, "/health") as server:
        return _sent(server, tokens, epoch=1)["rate"]


def _bare_singles(url: str) -> float:
    """Commits per second of a loop that inserts one row in each commit."""
    with bare_loop(url) as commit:
        began = time.perf_counter()
        for n in range(BARE_COMMITS):
            commit([Upload(n % TERMINALS + 1, (Press(1 << 31, n, NOW, 1),))])
        return BARE_COMMITS / (time.perf_counter() - began)


def web(url: str, progress: Progress) -> Iterator[Figure]:
    """Presses of a web smiley, a message each: from 32 browsers without a pause, and from one that rests in between."""
    store = open_store(url)
    fleet = build(store, 1)
    by = operator(fleet.organization)
    smiley = manage.add_smiley(store, by, "WEB", "Web", SmileyType.DIGITAL, now=NOW)
    point = store.layout(fleet.organization).assignments[fleet.assignments[0]].node
    manage.place(store, by, smiley.id, point, 0, now=NOW)
    code = manage.publish_smiley(store, by, smiley.id, now=NOW).code
    store.close()
    task = progress.add_task("web presses", total=None)
    with served(url, web_messages=0) as server:
        idle = _pressed(server, code, fleet.survey, 1, IDLE_PRESSES, IDLE_PAUSE_SECONDS)
        busy = _pressed(server, code, fleet.survey, CLIENTS, SINGLES)
    progress.remove_task(task)
    rate, slow, median = busy["rate"], busy["p99"], idle["p50"]
    yield Figure(f"web presses in, {CLIENTS} browsers", f"{rate:,.0f}/s", reach="≥ 1,500/s", met=rate >= 1500)
    measured = f"{busy['p50']:.1f}, {slow:.1f} ms"
    yield Figure("its answers: median, 99 of 100", measured, reach="p99 < 50 ms", met=slow < 50)
    yield Figure("a web press, idle: median", f"{median:.1f} ms", reach="< 20 ms", met=median < 20)


def _pressed(server: Server, code: str, survey: int, clients: int, count: int, pause: float = 0.0) -> dict[str, float]:
    """What browsers measured."""
    return measured_by(browsers.__name__, server.port, code, survey, clients, count, pause)
