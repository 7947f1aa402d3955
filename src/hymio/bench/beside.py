"""What one would pick instead of Hymio, measured in the same run on the same presses: Datasette and DuckDB."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from rich.progress import Progress

from hymio import manage, results
from hymio.access import operator
from hymio.bench.exporting import LISTING, NEXT
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import NOW, Fleet
from hymio.bench.peers import Peer, peer
from hymio.bench.served import Server, basic, free_port, request, running, served
from hymio.feedback import Verdict
from hymio.results import Hourly, OfAssignment, OfSurvey, Subject
from hymio.store import Store, open_store
from hymio.store.yardstick import HOURS_OF_POINT, database_file

CSV_ROWS, TIMES = 500_000, 7
"""Rows of CSV that are read over HTTP of each server, and how often the rest is measured."""

_NOT_MEASURED: Final = "not measured"
_DATASETTE_SETTINGS: Final = {"max_returned_rows": 100_000, "sql_time_limit_ms": 600_000, "allow_csv_stream": "on"}
"""Without them Datasette cuts a year by hour off after 1,000 hours, and ends a query after a second."""

_DUCKDB_PROGRAM: Final = Path(__file__).with_name("duckdb_program.py")
"""Run by its path: the Python that has DuckDB may not have Hymio."""


class Access(NamedTuple):
    """What a client needs for both APIs: the headers of v1 and v2."""

    v1: dict[str, str]
    v2: dict[str, str]


def year(url: str, fleet: Fleet, progress: Progress) -> Iterator[Figure]:
    """Hymio over HTTP beside Datasette over HTTP; Hymio in the store beside DuckDB in a process; who is absent.

    The ratio says how many times as fast as the other Hymio is. RuntimeError if the other counts other presses.
    """
    with closing(open_store(url)) as store, TemporaryDirectory(prefix="hymio-bench-beside-") as folder:
        yield from _datasette(Path(folder), url, store, fleet, progress)
        yield from _duckdb(Path(folder), store, fleet, progress)
    yield Figure("InfluxDB: single presses", _NOT_MEASURED, "its server is not on PyPI")


# --- Datasette -------------------------------------------------------------------------------------------------------


def _datasette(folder: Path, url: str, store: Store, fleet: Fleet, progress: Progress) -> Iterator[Figure]:
    """JSON and CSV over HTTP, by the tables of Hymio's own file."""
    if store.kind != "sqlite":
        yield Figure("Datasette: JSON and CSV over HTTP", _NOT_MEASURED, "it reads files of SQLite only")
        return
    other = peer("datasette", folder, progress)
    if other.absent:
        yield Figure("Datasette: JSON and CSV over HTTP", _NOT_MEASURED, other.absent)
        return
    access, task = _access(store, fleet), progress.add_task("Datasette", total=None)
    file, port = database_file(url), free_port()
    words = [other.python, "-m", "datasette", "serve", str(file), "--port", str(port)]
    for name, value in _DATASETTE_SETTINGS.items():
        words += ["--setting", name, str(value)]
    with served(url) as hymio, running(words, port, "/-/versions.json", stop_seconds=2.0) as datasette:
        yield from _over_http(hymio, datasette, access, fleet, f"Datasette {other.version}", file.stem)
    progress.remove_task(task)


def _access(store: Store, fleet: Fleet) -> Access:
    """New credentials of both APIs."""
    by = operator(fleet.organization)
    credentials = manage.activate_api(store, by, now=NOW)
    token = manage.create_token(store, by, "Peers", now=NOW).secret
    return Access({"Authorization": basic(credentials)}, {"X-HON-API-Token": token})


def _over_http(
    hymio: Server, datasette: Server, access: Access, fleet: Fleet, name: str, database: str
) -> Iterator[Figure]:  # fmt: skip
    """The two servers, asked in turn."""
    page = f"{LISTING}.json?period=2025&includeMisuse=true&limit=1000"
    rows = f"/{database}/feedback.json?_size=1000&_shape=objects&_nocount=1&_nofacet=1"
    ours, theirs = _in_turn(partial(request, hymio, page, access.v2), partial(request, datasette, rows))
    yield _times("JSON page of 1,000 presses, HTTP", ours, theirs, name)

    hours = f"/v1/surveys/{fleet.assignments[0]}/results?truncate=hour"
    query = urllib.parse.urlencode(
        {"sql": HOURS_OF_POINT, "o": fleet.organization, "assignment": fleet.assignments[0], "_shape": "arrays"}
    )
    sums = f"/{database}.json?{query}"
    _require_equal(name, _counted_by_hymio(hymio, hours, access.v1), _counted_by_datasette(datasette, sums))
    ours, theirs = _in_turn(partial(request, hymio, hours, access.v1), partial(request, datasette, sums))
    yield _times("a year by hour of a point, HTTP", ours, theirs, name)

    ours = _csv_rate(_pages(hymio, f"{LISTING}.csv?period=2025&includeMisuse=true&limit=10000", access.v2))
    theirs = _csv_rate(_lines(datasette, f"/{database}/feedback.csv?_stream=on&_size=max"))
    what = f"CSV of up to {CSV_ROWS:,} presses, HTTP"
    yield Figure(what, f"{ours:,.0f} rows/s", f"{name} {theirs:,.0f} rows/s", ours / theirs)


def _in_turn(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """The median ms of two calls, which alternate, so that other load of the machine slows both."""
    ours(), theirs()
    pairs = [(median_ms(ours, 1), median_ms(theirs, 1)) for _ in range(TIMES)]
    first, second = (sorted(column)[TIMES // 2] for column in zip(*pairs, strict=True))
    return first, second


def _times(what: str, ours: float, theirs: float, name: str) -> Figure:
    return Figure(what, f"{ours:.1f} ms", f"{name} {theirs:.1f} ms", theirs / ours)


def _json(server: Server, path: str, headers: dict[str, str]) -> Any:
    address = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers=headers)
    with urllib.request.urlopen(address, timeout=600) as answer:  # noqa: S310  our own server
        return json.load(answer)


def _counted_by_hymio(server: Server, path: str, headers: dict[str, str]) -> int:
    """Presses that Hymio's year by hour counts."""
    return sum(sum(hour["data"]) for hour in _json(server, path, headers))


def _counted_by_datasette(server: Server, path: str) -> int:
    """Presses that Datasette's year by hour counts."""
    return sum(sum(hour[1:]) for hour in _json(server, path, {})["rows"])


def _require_equal(name: str, ours: int, theirs: int) -> None:
    if ours != theirs:
        raise RuntimeError(f"{name} counts {theirs} presses, Hymio {ours}")


def _csv_rate(lines: Iterator[int]) -> float:
    """Rows a second of an export, up to CSV_ROWS of them; `lines` yields numbers of lines as they arrive."""
    began, rows = time.perf_counter(), 0
    for more in lines:
        rows += more
        if rows >= CSV_ROWS:
            break
    return rows / (time.perf_counter() - began)


def _pages(server: Server, path: str, headers: dict[str, str]) -> Iterator[int]:
    """Rows of each page of Hymio's export, which is read by its links."""
    while path:
        address = path if path.startswith("http") else f"http://127.0.0.1:{server.port}{path}"
        question = urllib.request.Request(address, headers=headers)  # noqa: S310  our own server
        with urllib.request.urlopen(question, timeout=600) as answer:  # noqa: S310  our own server
            yield answer.read().count(b"\n") - 1
            link = NEXT.search(answer.headers.get("Link", ""))
        path = link[1] if link else ""


def _lines(server: Server, path: str) -> Iterator[int]:
    """Lines of Datasette's export as they arrive."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=600) as answer:
        while chunk := answer.read1(1 << 16):
            yield chunk.count(b"\n")


# --- DuckDB ----------------------------------------------------------------------------------------------------------


def _duckdb(folder: Path, store: Store, fleet: Fleet, progress: Progress) -> Iterator[Figure]:
    """A year by hour from raw presses and CSV, in a table of DuckDB's own made from Hymio's raw CSV."""
    other = peer("duckdb", folder, progress)
    if other.absent:
        yield Figure("DuckDB: hours from raw presses, CSV", _NOT_MEASURED, other.absent)
        return
    task, name = progress.add_task("DuckDB", total=None), f"DuckDB {other.version}"
    by = operator(fleet.organization)
    presses = folder / "presses.csv"
    lines, seconds = _write_csv(store, fleet, presses)
    try:
        measured = _measured_by_duckdb(other, folder, presses, _smileys(store, fleet))
    finally:
        presses.unlink()
    progress.remove_task(task)
    subjects: dict[str, Subject] = {
        "point": OfAssignment(fleet.assignments[0]),
        "region": OfSurvey(fleet.region, fleet.survey),
        "root": OfSurvey(fleet.root, fleet.survey),
    }
    for which, subject in subjects.items():
        read = partial(results.hourly, store, by, subject)
        _require_equal(name, _counted(read()), measured[which]["presses"])
        ours = median_ms(read, TIMES)
        yield _times(f"a year by hour of a {which}, in a process", ours, measured[which]["ms"], name)
    yield Figure("… DuckDB's table, made from raw CSV", f"{measured['load']:.1f} s")
    ours, theirs = lines / seconds, lines / measured["csv"]
    what = f"raw CSV of {lines:,} presses, in a process"
    yield Figure(what, f"{ours:,.0f} rows/s", f"{name} {theirs:,.0f} rows/s", ours / theirs)


def _write_csv(store: Store, fleet: Fleet, file: Path) -> tuple[int, float]:
    """Writes Hymio's raw CSV into a file: how many lines, and in how many seconds, without those of writing."""
    began, writing = time.perf_counter(), 0.0
    with (
        results.raw_csv(store, operator(fleet.organization), OfSurvey(fleet.root, fleet.survey)) as raw,
        file.open("wb") as output,
    ):
        for chunk in raw.chunks:
            before = time.perf_counter()
            output.write(chunk)
            writing += time.perf_counter() - before
    return raw.total, time.perf_counter() - began - writing


def _smileys(store: Store, fleet: Fleet) -> dict[str, list[int]]:
    """The smileys below the first point, the region and the root; each point has one."""
    layout = store.layout(fleet.organization)
    region = [
        smiley
        for smiley, assignment in zip(fleet.smileys, fleet.assignments, strict=True)
        if fleet.region in layout.hierarchy.ancestors(layout.assignments[assignment].node)
    ]
    return {"point": [fleet.smileys[0]], "region": region, "root": list(fleet.smileys)}


def _measured_by_duckdb(other: Peer, folder: Path, presses: Path, smileys: dict[str, list[int]]) -> dict[str, Any]:
    """What the program of DuckDB's part writes. RuntimeError with its errors if it fails."""
    subjects = folder / "subjects.json"
    subjects.write_text(json.dumps(smileys))
    words = [other.python, str(_DUCKDB_PROGRAM), str(presses), str(subjects), str(TIMES)]
    ended = subprocess.run(words, capture_output=True, check=False)  # noqa: S603  own words
    if ended.returncode:
        raise RuntimeError(ended.stderr.decode(errors="replace"))
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def _counted(hourly: Hourly) -> int:
    """Presses that a year by hour counts."""
    return sum(sum(bucket.verdicts.get(Verdict.COUNTED, ())) for bucket in hourly.buckets)
