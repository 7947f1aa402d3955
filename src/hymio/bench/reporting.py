"""How fast the value of a report is built and rendered: of the root, a region and a point, for a year and a month."""

from __future__ import annotations

import gc
import gzip
from collections.abc import Iterator
from functools import partial

from hymio import report
from hymio.access import operator
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import NOW, Fleet
from hymio.report import Compare, ReportQuery
from hymio.report.files import as_json
from hymio.report.terminal import as_text
from hymio.store import open_store

YEAR, MONTH = "2025", "2025-06"
ROOT_MS, POINT_MS = 300, 60
"""What a page may take at the server, of which building the value is the main part."""


def values(url: str, fleet: Fleet) -> Iterator[Figure]:
    """The value of each report, and the time and size of its renderings."""
    store = open_store(url)
    principal = operator(fleet.organization)
    point = store.layout(fleet.organization).assignments[fleet.assignments[0]].node
    gc.collect()
    gc.freeze()  # what the bench itself has made; a server does the same once it has started
    asked = (
        ("the root, a year", ReportQuery(fleet.root, YEAR), ROOT_MS),
        ("the root, a year, compared", ReportQuery(fleet.root, YEAR, Compare.PREVIOUS), None),
        ("a region, a year", ReportQuery(fleet.region, YEAR), ROOT_MS),
        ("a point, a year", ReportQuery(point, YEAR), POINT_MS),
        ("a point, a month", ReportQuery(point, MONTH), POINT_MS),
        ("the root, mondays at 9", ReportQuery(fleet.root, YEAR, weekdays=(0,), hours=(9,)), ROOT_MS),
    )
    for name, query, most in asked:
        taken = median_ms(partial(report.build, store, principal, query, NOW))
        answers = (report.build(store, principal, query, NOW).summary or report.Figure(number=0, counts=())).number
        reach = "" if most is None else f"≤ {most} ms"
        what = f"report of {name}, {answers:,} answers"
        yield Figure(what, f"{taken:.1f} ms", reach=reach, met=None if most is None else taken <= most)
    value = report.build(store, principal, ReportQuery(fleet.root, YEAR), NOW)
    body = as_json(value)
    taken, size = median_ms(partial(as_json, value)), len(gzip.compress(body)) / 1000
    yield Figure(f"as JSON, {len(body) / 1000:.0f} kB, {size:.0f} kB gzipped", f"{taken:.1f} ms")
    yield Figure("as text for the terminal", f"{median_ms(partial(as_text, value)):.1f} ms")
    store.close()
