"""How fast a real server answers with pages and files of reports, and how large they are."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from threading import Event, Thread
from typing import Final, NamedTuple

from hymio import clock, manage
from hymio.access import Role, operator
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import Fleet
from hymio.bench.served import Server, served
from hymio.store import open_store
from hymio.web.cookies import SESSION
from hymio.web.report_files import EXTENSIONS

PAGE_MS, PAGE_KB, POINT_MS, UNCHANGED_MS, XLSX_MS, PDF_MS, PDF_MIB = 300, 60, 60, 5, 1_000, 500, 100
_MIB: Final = 1 << 20
_CHART: Final = re.compile(rb"<svg.*?</svg>", re.DOTALL)


class Reply(NamedTuple):
    """An answer of the server."""

    status: int
    etag: str
    body: bytes


class Browser:
    """A kept connection with the session of a person."""

    def __init__(self, server: Server, session: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=300)
        self._cookie = f"{SESSION}={session}"

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def get(self, address: str, etag: str = "") -> Reply:
        """Asks for an address. RuntimeError for an error."""
        headers = {"Cookie": self._cookie, "Accept": "text/html", **({"If-None-Match": etag} if etag else {})}
        self._connection.request("GET", address, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 304):
            raise RuntimeError(f"{address} was answered {answer.status}: {body[:200]!r}")
        return Reply(answer.status, answer.headers.get("ETag", ""), body)


def pages(url: str, fleet: Fleet) -> Iterator[Figure]:
    """The page of a year of the root and of a point, unchanged ones, and the files."""
    session, point = _session(url, fleet)
    year = f"/reports/{fleet.root}?period=2025"
    with served(url) as server, closing(Browser(server, session)) as browser:
        first = browser.get(year)
        yield _timed(server, "page of the root, a year", PAGE_MS, partial(browser.get, year))
        size, whole = (len(gzip.compress(body)) / 1000 for body in (_CHART.sub(b"", first.body), first.body))
        yield Figure(
            "its size gzipped, without charts",
            f"{size:.0f} kB",
            f"{whole:.0f} kB with them",
            reach=f"≤ {PAGE_KB} kB",
            met=size <= PAGE_KB,
        )
        yield _timed(
            server, "page of a point, a year", POINT_MS, partial(browser.get, f"/reports/{point}?period=2025")
        )  # fmt: skip
        yield _timed(server, "an unchanged page: 304", UNCHANGED_MS, partial(browser.get, year, first.etag))
        workbook = f"/reports/{fleet.root}.xlsx?period=2025"
        yield _timed(server, "XLSX of a year by hour", XLSX_MS, partial(browser.get, workbook), 3)
        if "pdf" in EXTENSIONS:
            yield from _pdf(server, browser, f"/reports/{point}.pdf?period=2025")


def _pdf(server: Server, browser: Browser, address: str) -> Iterator[Figure]:
    before, peaks, is_done = server.memory, [0], Event()

    def watch() -> None:
        while not is_done.wait(0.005):
            peaks.append(server.helper_memory)

    watcher = Thread(target=watch)
    watcher.start()
    body = browser.get(address).body
    is_done.set()
    watcher.join()
    count = len(re.findall(rb"/Type\s*/Page\b", body))
    yield _timed(server, f"PDF, {count or 'compressed'} pages, warm", PDF_MS, partial(browser.get, address), 3)
    more = (server.memory - before + max(peaks)) / _MIB
    yield Figure(
        "memory that it takes, the helper process included",
        f"{more:.0f} MiB more",
        reach=f"≤ {PDF_MIB} MiB",
        met=more <= PDF_MIB,
    )


def _timed(server: Server, what: str, most: int, work: partial[Reply], times: int = 7) -> Figure:
    """The median time of an answer, and beside it the processor time that the server used for one."""
    work()
    used = server.processor_ms
    taken = median_ms(work, times)
    used = (server.processor_ms - used) / times
    return Figure(what, f"{taken:.1f} ms", f"{used:.0f} ms of a processor", reach=f"≤ {most} ms", met=taken <= most)


def _session(url: str, fleet: Fleet) -> tuple[str, int]:
    """The secret of a session of a new administrator, and the node of a point."""
    store = open_store(url)
    principal, now = operator(fleet.organization), clock.now()
    user = manage.add_user(store, principal, "bench@example.com", "B", "Ench", fleet.root, Role.ADMIN, now=now)
    secret = manage.begin_session(store, principal, user, "bench", now=now)
    point = store.layout(fleet.organization).assignments[fleet.assignments[0]].node
    store.close()
    return secret, point
