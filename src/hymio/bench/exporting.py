"""How fast API v2 gives feedback one by one: a page, a far page beside the first, a whole year, and its memory."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from rich.progress import Progress

from hymio import manage, results
from hymio.access import operator
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import NOW, Fleet
from hymio.bench.served import MIB, Server, request
from hymio.results import OfSurvey
from hymio.store import open_store

ROWS_A_SECOND = 150_000
MAX_MORE_MIB, FLAT_MIB = 30, 4
"""What the server's memory may grow by while everything is exported, and by how much after the first tenth."""

LISTING = "/v2/results/button-feedbacks"
NEXT = re.compile(r'<([^>]+)>; rel="next"')


class Read(NamedTuple):
    """What a client has read of an export: rows so far, seconds since its start, and the most memory until then."""

    rows: int
    seconds: float
    memory: int


def year(server: Server, url: str, fleet: Fleet, progress: Progress) -> Iterator[Figure]:
    """A page of CSV, a far page beside the first, and the whole year page after page, all of the whole tree."""
    total, token = _prepared(url, fleet)
    headers = {"X-HON-API-Token": token}
    request(server, f"{LISTING}.json?period=2025&limit=1", headers)
    idle = server.memory
    pages = _export(server, headers, total, progress)
    yield _page(server, headers, total)
    yield _far(server, headers, total)
    yield from _of_export(pages, idle)


def _prepared(url: str, fleet: Fleet) -> tuple[int, str]:
    """How many presses there are, and the secret of a new token."""
    store = open_store(url)
    by = operator(fleet.organization)
    manage.activate_api(store, by, now=NOW)
    token = manage.create_token(store, by, "Bench", now=NOW).secret
    with results.raw(store, by, OfSurvey(fleet.root, fleet.survey)) as raw:
        total = raw.total
    store.close()
    return total, token


def _page(server: Server, headers: dict[str, str], total: int) -> Figure:
    rows = min(10_000, total)
    path = f"{LISTING}.csv?period=2025&includeMisuse=true&limit={rows}"
    taken = median_ms(partial(request, server, path, headers))
    return Figure(f"v2, a page of {rows:,} rows as CSV", f"{1000 * rows / taken:,.0f} rows/s", f"{taken:.0f} ms")


def _far(server: Server, headers: dict[str, str], total: int) -> Figure:
    """A page behind nine tenths of the rows beside the first, misuse left out, in zones whose hours overlap."""
    offset = max(0, total * 9 // 10)
    page = f"{LISTING}.json?period=2025&limit=1000"
    first = median_ms(partial(request, server, page, headers))
    far = median_ms(partial(request, server, f"{page}&offset={offset}", headers))
    what = f"v2, a page of 1,000 at offset {offset:,}"
    return Figure(what, f"{far:.1f} ms", f"the first page {first:.1f} ms", far / first, "≤ 3", far / first <= 3)


def _export(server: Server, headers: dict[str, str], total: int, progress: Progress) -> list[Read]:
    """Reads the whole year as CSV by following `Link`; what was read after each page, from nothing on."""
    rows = min(10_000, max(1, total // 10))
    path, pages = f"{LISTING}.csv?period=2025&includeMisuse=true&limit={rows}", [Read(0, 0.0, server.memory)]
    task = progress.add_task("an export of the year", total=total)
    began = time.perf_counter()
    with _watching(server) as most:
        while path:
            lines = [-1]  # without the header
            link = NEXT.search(request(server, path, headers, partial(_count_lines, lines)).get("Link", ""))
            path = link[1] if link else ""
            pages.append(Read(pages[-1].rows + lines[0], time.perf_counter() - began, most[0]))
            progress.update(task, completed=pages[-1].rows)
    progress.remove_task(task)
    return pages


def _count_lines(lines: list[int], part: bytes) -> None:
    """Adds the lines that end in a part of a body."""
    lines[0] += part.count(b"\n")


@contextmanager
def _watching(server: Server) -> Iterator[list[int]]:
    """Looks at the server's memory a hundred times a second; the most that was seen."""
    most, ended = [server.memory], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            most[0] = max(most[0], server.memory)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


def _of_export(pages: list[Read], idle: int) -> Iterator[Figure]:
    """The rate over all, over the first and the last tenth of the pages, and what the memory grew by."""
    count, tenth = len(pages) - 1, max(1, (len(pages) - 1) // 10)
    what = f"v2, the whole year as CSV in {count:,} pages"
    yield Figure(what, f"{_rate(pages[0], pages[-1]):,.0f} rows/s", f"{pages[-1].rows:,} rows")
    first, last = _rate(pages[0], pages[tenth]), _rate(pages[-1 - tenth], pages[-1])
    for which, rate in (("first", first), ("last", last)):
        other = f"the first {first:,.0f} rows/s" if which == "last" else ""
        ratio = rate / first if which == "last" else None
        met = rate >= ROWS_A_SECOND
        yield Figure(f"… its {which} tenth", f"{rate:,.0f} rows/s", other, ratio, f"≥ {ROWS_A_SECOND:,} rows/s", met)
    early, end = ((pages[number].memory - idle) / MIB for number in (tenth, -1))
    yield Figure(
        "memory, more while exporting that", f"{end:.0f} MiB", f"after a tenth {early:.0f} MiB",
        reach=f"≤ {MAX_MORE_MIB} MiB, flat", met=end <= MAX_MORE_MIB and end - early <= FLAT_MIB,
    )  # fmt: skip


def _rate(start: Read, end: Read) -> float:
    """Rows a second between two pages."""
    return (end.rows - start.rows) / (end.seconds - start.seconds)
