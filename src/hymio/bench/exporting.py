"""How fast API v2 gives feedback one by one: a page, a far page beside the first, a whole year, and its memory."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hymio import manage, results
from hymio.access import operator
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import NOW, Fleet
from hymio.bench.serving import Server, request, served
from hymio.results import OfSurvey
from hymio.store import open_store

_MIB = 1 << 20
_NEXT = re.compile(r'<([^>]+)>; rel="next"')
_LISTING = "/v2/results/button-feedbacks"


def year(url: str, fleet: Fleet) -> Iterator[Figure]:
    """A page of CSV, a far page beside the first, and the whole year page after page, all of the whole tree."""
    total, token = _prepared(url, fleet)
    with served(url) as server:
        client = _Client(server, token)
        client.get(f"{_LISTING}.json?period=2025&limit=1")
        idle = server.memory
        yield _page(client, total)
        yield _far(client, total)
        with _watching(server) as most:
            began = time.perf_counter()
            pages = client.follow(f"{_LISTING}.csv?period=2025&includeMisuse=true&limit=10000")
            taken = time.perf_counter() - began
        yield Figure(f"v2, the whole year as CSV in {pages} pages, {total:,} rows", f"{total / taken:,.0f} rows/s")
        grown = most[0] - idle
        yield Figure("memory, more while exporting that", f"{grown / _MIB:.0f} MiB", reach="≤ 50 MB", met=grown <= 5e7)


def _prepared(url: str, fleet: Fleet) -> tuple[int, str]:
    store = open_store(url)
    builder = operator(fleet.organization)
    manage.activate_api(store, builder, now=NOW)
    token = manage.create_token(store, builder, "Bench", now=NOW).secret
    with results.raw(store, builder, OfSurvey(fleet.root, fleet.survey)) as raw:
        total = raw.total
    store.close()
    return total, token


class _Client:
    """A client of API v2."""

    def __init__(self, server: Server, token: str) -> None:
        self._server, self._headers = server, {"X-HON-API-Token": token}

    def get(self, path: str) -> str:
        """Reads an answer to its end; the address of the next page, or nothing."""
        address = path if path.startswith("http") else f"http://127.0.0.1:{self._server.port}{path}"
        link = _NEXT.search(request(self._server, address, self._headers).get("Link", ""))
        return link[1] if link else ""

    def follow(self, path: str) -> int:
        """Reads all pages; how many there were."""
        pages = 0
        while path:
            path = self.get(path)
            pages += 1
        return pages


def _page(client: _Client, total: int) -> Figure:
    rows = min(10_000, total)
    taken = median_ms(lambda: client.get(f"{_LISTING}.csv?period=2025&includeMisuse=true&limit={rows}"))
    return Figure(f"v2, a page of {rows:,} rows as CSV", f"{1000 * rows / taken:,.0f} rows/s", f"{taken:.0f} ms")


def _far(client: _Client, total: int) -> Figure:
    """A page behind nine tenths of the rows beside the first, misuse left out, in zones whose hours overlap."""
    offset = max(0, total * 9 // 10)
    page = f"{_LISTING}.json?period=2025&limit=1000"
    first = median_ms(lambda: client.get(page))
    far = median_ms(lambda: client.get(f"{page}&offset={offset}"))
    what = f"v2, a page of 1,000 at offset {offset:,}"
    return Figure(what, f"{far:.1f} ms", f"the first page {first:.1f} ms", far / first, "≤ 3", far / first <= 3)


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
