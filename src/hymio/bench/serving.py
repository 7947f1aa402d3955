"""How fast a real server starts and answers, its memory at rest, and answers beside large uploads and many clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, cast

from rich.progress import Progress

from hymio import manage
from hymio.access import operator
from hymio.bench import client, crowd, senders
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import NOW, Fleet, build
from hymio.bench.served import MIB, Server, basic, measured_by, request, served, write_tokens
from hymio.store import open_store
from hymio.store.yardstick import sum_point_hours_by_engine

SENDERS, UPLOADS, PRESSES, OTHERS = 4, 6, 10_000, 16
IDLE, SLOW, WORKING, PRESSES_OF_EACH, PAUSE_SECONDS = 2_000, 600, 10, 100, 0.05

_HOURS_MS = 10
"""What a year by hour of a point may take over HTTP."""


def year(server: Server, url: str, fleet: Fleet) -> Iterator[Figure]:
    """Start, memory at rest and a year by hour over API v1, of a server that has just started."""
    store = open_store(url)
    credentials = manage.activate_api(store, operator(fleet.organization), now=NOW)
    headers, path = {"Authorization": basic(credentials)}, f"/v1/surveys/{fleet.assignments[0]}"
    with closing(store):
        yield Figure("start to first answer", f"{server.started_in:.2f} s", reach="< 2 s", met=server.started_in < 2)
        request(server, path, headers)
        idle = server.memory
        yield Figure("memory, idle", f"{idle / MIB:.0f} MiB", reach="≤ 150 MB", met=idle <= 150_000_000)
        taken = median_ms(partial(request, server, f"{path}/results?truncate=hour", headers), 15)
        alone = median_ms(partial(sum_point_hours_by_engine, store, fleet.organization, fleet.assignments[0]), 15)
        yield Figure(
            "a year by hour of a point, over HTTP", f"{taken:.1f} ms", f"the engine alone {alone:.1f} ms",
            taken / alone, f"< {_HOURS_MS} ms", taken < _HOURS_MS,
        )  # fmt: skip


def large(folder: Path, url: str, progress: Progress) -> Iterator[Figure]:
    """Four terminals that upload 10,000 presses at a time, alone and beside others that send single ones."""
    store = open_store(url)
    tokens = write_tokens(folder, build(store, SENDERS + OTHERS))
    store.close()
    task = progress.add_task("large uploads", total=None)
    with served(url) as server:
        # In this order, other load of the machine slows both.
        runs = [
            (others, _sent(server, tokens, epoch, others)) for epoch, others in enumerate((0, OTHERS, OTHERS, 0), 1)
        ]
    progress.remove_task(task)
    alone, beside = ([run for others, run in runs if bool(others) is among] for among in (False, True))
    rate, rate_alone = (sum(run["rate"] for run in both) / len(both) for both in (beside, alone))
    yield Figure(
        f"{SENDERS} senders of {PRESSES:,} presses, beside {OTHERS} others", f"{rate:,.0f}/s",
        f"alone {rate_alone:,.0f}/s", rate / rate_alone, "≥ 0.8", rate / rate_alone >= 0.8,
    )  # fmt: skip
    median, slow = (max(run[name] for run in beside) for name in ("p50", "p99"))
    measured = f"{median:.1f}, {slow:.1f} ms"
    yield Figure("answers to the others: median, 99 of 100", measured, reach="p99 < 250 ms", met=slow < 250)


def _sent(server: Server, tokens: Path, epoch: int, others: int) -> dict[str, float]:
    """What the senders and the others measured."""
    return measured_by(senders.__name__, server.port, tokens, epoch, SENDERS, UPLOADS, PRESSES, others)


def crowded(folder: Path, url: str, progress: Progress) -> Iterator[Figure]:
    """Terminals beside 2,000 clients that send nothing and 600 that send a byte now and then."""
    store = open_store(url)
    tokens = write_tokens(folder, build(store, WORKING))
    store.close()
    task = progress.add_task("idle and slow clients", total=None)
    with served(url) as server:
        words = [sys.executable, "-m", crowd.__name__, str(server.port), str(IDLE), str(SLOW)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as others:  # noqa: S603  own words
            cast(IO[bytes], others.stdout).readline()  # half of them are there
            numbers = WORKING, WORKING * PRESSES_OF_EACH, client.EPOCH, PAUSE_SECONDS
            measured = measured_by(client.__name__, server.port, tokens, *numbers)
            others.terminate()
    progress.remove_task(task)
    median, slow = measured["p50"], measured["p99"]
    yield Figure(
        f"answers beside {IDLE:,} idle, {SLOW} slow clients", f"{median:.1f}, {slow:.1f} ms",
        reach="p99 < 100 ms", met=slow < 100,
    )  # fmt: skip
