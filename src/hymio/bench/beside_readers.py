"""How fast a real server takes presses that come at a steady rate while clients read hours or export everything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.progress import Progress

from hymio import manage
from hymio.access import operator
from hymio.bench import steady
from hymio.bench.figure import Figure
from hymio.bench.fleet import NOW, Fleet
from hymio.bench.served import Server, basic, measured_by, write_tokens
from hymio.store import open_store

READERS, STEADY_SECONDS = 8, 8.0
RATES = ((100, 50), (500, 100))
"""Presses a second, and how many ms 99 of 100 answers may take."""

_EXPORT = "/v2/results/button-feedbacks.csv?period=2025&includeMisuse=true&limit=10000"
_ENOUGH = 0.98
"""Of the presses that are asked for, those that are to come through: the last ones are answered after the end."""


def year(server: Server, folder: Path, url: str, fleet: Fleet, progress: Progress) -> Iterator[Figure]:
    """Presses alone, beside clients that poll a year by hour over API v1, and beside a full export of API v2."""
    store, by = open_store(url), operator(fleet.organization)
    hours = f"/v1/surveys/{fleet.assignments[0]}/results?truncate=hour"
    polling = hours, f"Authorization: {basic(manage.activate_api(store, by, now=NOW))}"
    exporting = _EXPORT, f"X-HON-API-Token: {manage.create_token(store, by, 'Beside', now=NOW).secret}"
    store.close()
    tokens = write_tokens(folder, fleet)
    task = progress.add_task("presses beside readers", total=None)
    press = partial(_pressed, server, tokens)
    for rate, most in RATES:
        alone, beside = press(rate, 0, 0, *polling), press(rate, READERS, 0, *polling)
        what = f"presses at {rate}/s beside {READERS} readers: median, p99"
        yield _figure(what, rate, most, alone, beside, f"{beside['reads']:,.0f} reads/s")
    beside = press(rate, 0, 1, *exporting)
    what = f"presses at {rate}/s beside an export: median, p99"
    yield _figure(what, rate, most, alone, beside, f"{beside['rows']:,.0f} rows/s")
    progress.remove_task(task)


def _figure(
    what: str, rate: int, most: int, alone: dict[str, float], beside: dict[str, float], read: str
) -> Figure:  # fmt: skip
    """Presses beside readers compared with the same without them; `read` says what was read meanwhile."""
    return Figure(
        what,
        f"{beside['p50']:.1f}, {beside['p99']:.1f} ms",
        f"alone {alone['p50']:.1f}, {alone['p99']:.1f} ms; {beside['rate']:.0f}/s, {read}",
        beside["p99"] / alone["p99"],
        f"p99 < {most} ms",
        beside["p99"] < most and beside["rate"] >= _ENOUGH * rate,
    )


def _pressed(
    server: Server, tokens: Path, rate: int, readers: int, exporters: int, path: str, header: str
) -> dict[str, float]:  # fmt: skip
    """What terminals and readers measured."""
    epoch = int(time.time())  # one that was not pressed before
    return measured_by(
        steady.__name__, server.port, tokens, path, header, readers, exporters, rate, STEADY_SECONDS, epoch
    )
