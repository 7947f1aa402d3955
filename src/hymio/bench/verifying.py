"""How long `hymio verify` and `hymio rebuild` take for the year, and their memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from rich.progress import Progress

from hymio import results
from hymio.access import operator
from hymio.bench.figure import Figure
from hymio.bench.fleet import Fleet
from hymio.bench.served import MIB, Server
from hymio.results import OfSurvey
from hymio.store import open_store

MINUTES: Final = {"verify": 2, "rebuild": 5}
"""How long each may take for FULL presses."""

FULL: Final = 20_000_000


def year(url: str, fleet: Fleet, progress: Progress) -> Iterator[Figure]:
    """Both commands, each in a process of its own: seconds, presses a second and the most memory."""
    with (
        closing(open_store(url)) as store,
        results.raw(store, operator(fleet.organization), OfSurvey(fleet.root, fleet.survey)) as raw,
    ):
        total = raw.total
    for command, minutes in MINUTES.items():
        task = progress.add_task(command, total=None)
        seconds, memory = _run(command, url)
        progress.remove_task(task)
        rate = total / seconds
        yield Figure(
            f"{command} of {total:,} presses",
            f"{seconds:.1f} s, {rate:,.0f}/s",
            f"20 million: {FULL / rate / 60:.1f} min; {memory / MIB:.0f} MiB",
            reach=f"< {minutes} min",
            met=FULL / rate < 60 * minutes,
        )


def _run(command: str, url: str) -> tuple[float, int]:
    """Runs a command for all organizations: its seconds, and the most resident bytes. RuntimeError if it fails."""
    words = [sys.executable, "-m", "hymio", command, "--all", "--database", url]
    began, most = time.perf_counter(), 0
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # noqa: S603  own words
        program = Server(0, process, 0.0)
        while process.poll() is None:
            most = max(most, program.memory)
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        errors = process.stderr.read() if process.stderr else b""
    if process.returncode:
        raise RuntimeError(f"hymio {command} ended with {process.returncode}: {errors.decode(errors='replace')}")
    return seconds, most
