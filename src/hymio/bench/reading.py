"""How fast results are read back in the store, and what a press takes on disk."""

from __future__ import annotations

import csv as csv_format
import io
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from hymio import results
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import Fleet
from hymio.results import EVERYTHING, OfNode
from hymio.store import open_store
from hymio.store.export import csv_line

MOST_BYTES = 120


def disk(url: str, fleet: Fleet) -> Iterator[Figure]:
    """Bytes per press, indexes and hours of five levels included."""
    store = open_store(url)
    with results.raw(store, fleet.organization, OfNode(fleet.root, fleet.survey)) as raw:
        total = raw.total
    if store.is_sqlite:
        file = Path(make_url(url).database or "")
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = file.stat().st_size
    else:
        with store.read() as transaction:
            size = transaction.rows("SELECT pg_database_size(current_database())")[0][0]
    store.close()
    met = size / total <= MOST_BYTES if make_url(url).get_backend_name() == "sqlite" else None
    yield Figure(f"disk per press, {total:,} presses", f"{size / total:.0f} B", reach="≤ 120 B on SQLite", met=met)


def hours(url: str, fleet: Fleet) -> Iterator[Figure]:
    """A year by hour of the root: of one survey, and of a whole scale."""
    store = open_store(url)
    for what, survey in (("one survey", fleet.survey), ("one scale", -4)):
        taken = median_ms(lambda survey=survey: results.hourly(store, fleet.organization, OfNode(fleet.root, survey)))  # type: ignore[misc]  # bound now
        count = len(results.hourly(store, fleet.organization, OfNode(fleet.root, survey)).buckets)
        yield Figure(
            f"a year by hour of the root, {what}, {count:,} hours", f"{taken:.1f} ms", reach="< 20 ms", met=taken < 20
        )
    store.close()


def csv(url: str, fleet: Fleet) -> Iterator[Figure]:
    """All raw results of the root as CSV, beside the engine's own tool writing the same columns."""
    store = open_store(url)
    began = time.perf_counter()
    with results.raw_csv(store, fleet.organization, OfNode(fleet.root, fleet.survey), EVERYTHING) as found:
        lines, size = found.total, sum(len(chunk) for chunk in found.chunks)
    ours = time.perf_counter() - began
    name, theirs = _sqlite_tool(url) if store.is_sqlite else _postgresql_tool(url)
    store.close()
    ratio = theirs / ours
    yield Figure(
        f"raw CSV, {lines:,} lines, {size / 1e6:.0f} MB",
        f"{lines / ours:,.0f}/s",
        f"{name} {lines / theirs:,.0f}/s",
        ratio,
        "≥ 0.7",
        ratio >= 0.7,
    )


def _sqlite_tool(url: str) -> tuple[str, float]:
    columns = csv_line(sqlite=True).replace(" || ',' || ", ", ")
    text = f"SELECT {columns} FROM feedback WHERE verdict < 10 ORDER BY at, smiley_id, epoch, sequence"  # noqa: S608
    file, shell = make_url(url).database or "", shutil.which("sqlite3")
    began = time.perf_counter()
    if shell:
        subprocess.run([shell, "-csv", file, text], stdout=subprocess.DEVNULL, check=True)  # noqa: S603  own text
        return "sqlite3 shell", time.perf_counter() - began
    with sqlite3.connect(file) as connection:
        written = csv_format.writer(io.StringIO())
        for row in connection.execute(text):
            written.writerow(row)
    return "Python's sqlite3 and csv", time.perf_counter() - began


def _postgresql_tool(url: str) -> tuple[str, float]:
    columns = csv_line(sqlite=False).replace(" || ',' || ", ", ")
    text = f"COPY (SELECT {columns} FROM feedback WHERE verdict < 10 ORDER BY at, smiley_id, epoch, sequence) TO STDOUT (FORMAT csv)"  # noqa: S608, E501
    began = time.perf_counter()
    with psycopg.connect(url) as connection, connection.cursor().copy(text) as copying:
        for _ in copying:
            pass
    return "COPY … TO STDOUT", time.perf_counter() - began
