"""Which measurements run, in which order, on which database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from msgspec import convert
from rich.progress import Progress

from hymio.bench import (
    beside,
    beside_readers,
    exporting,
    listings,
    reading,
    report_pages,
    reporting,
    serving,
    setup,
    singles,
    verifying,
    writing,
)
from hymio.bench.figure import Figure
from hymio.bench.fleet import Fleet
from hymio.bench.served import served
from hymio.store.yardstick import scratch_database

WRITING, READING, SERVING, BESIDE = (
    "Writing",
    "Reading",
    "Serving",
    "Beside others (ratio: times as fast)",
)
HEADINGS = (WRITING, READING, SERVING, BESIDE)
"""Headings of the table, in its order."""

_FLEET, _YEAR = "fleet.json", "year.db"
"""What `--keep` leaves in its folder of a year on SQLite."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where databases are made: a folder, or a PostgreSQL server if there is one; and the progress of the run.

    `is_beside` is whether other programs are measured too.
    """

    folder: Path
    server: str | None
    progress: Progress
    is_beside: bool = False

    def database(self, name: str) -> AbstractContextManager[str]:
        """The URL of a new database."""
        return scratch_database(self.folder, self.server, name)


def everything(place: Place, presses: int) -> Iterator[Figure]:
    """All measurements, each on a new database; those of the year share one."""
    yield from _under(WRITING, writing.uploads(place.folder, place.server, min(presses, 200_000), place.progress))
    with place.database("year") as url:
        year = writing.year(url, presses, place.progress)
        note_fleet(place.folder, year.fleet)
        yield from _under(WRITING, writing.in_bulk(place.folder, place.server, year))
        yield from of_year(place, url, year.fleet)
    with place.database("singles") as url:
        yield from _under(WRITING, singles.singles(place.folder, url, place.progress))
    with place.database("web") as url:
        yield from _under(WRITING, singles.web(url, place.progress))
    with place.database("listings") as url:
        yield from _under(READING, listings.measured(url, place.progress))
    with place.database("large") as url:
        yield from _under(SERVING, serving.large(place.folder, url, place.progress))
    with place.database("crowd") as url:
        yield from _under(SERVING, serving.crowded(place.folder, url, place.progress))


def of_year(place: Place, url: str, fleet: Fleet) -> Iterator[Figure]:
    """What is measured of a year of presses that is there, and of others beside it if they are asked for."""
    yield from _under(READING, reading.disk(url, fleet))
    yield from _under(READING, reading.hours(url, fleet))
    yield from _under(READING, reading.csv(url, fleet))
    yield from _under(READING, verifying.year(url, fleet, place.progress))
    with served(url) as server:
        yield from _under(SERVING, serving.year(server, url, fleet))
        yield from _under(SERVING, exporting.year(server, url, fleet, place.progress))
        yield from _under(SERVING, beside_readers.year(server, place.folder, url, fleet, place.progress))
    if place.is_beside:
        yield from _under(BESIDE, beside.year(url, fleet, place.progress))


def again(place: Place) -> Iterator[Figure]:
    """What is measured of the year in a folder that an earlier run kept."""
    yield from of_year(place, f"sqlite:///{place.folder / _YEAR}", kept_fleet(place.folder))


def of_reports(place: Place, presses: int) -> Iterator[Figure]:
    """Reports of a year."""
    with place.database("reports") as url:
        fleet = writing.year(url, presses, place.progress).fleet
        yield from reporting.values(url, fleet)
        yield from report_pages.pages(url, fleet)


def of_changes(place: Place) -> Iterator[Figure]:
    """Changes of a large set-up."""
    with place.database("setup") as url:
        yield from setup.changes(url, place.progress)


def of_hot_hour(place: Place) -> Iterator[Figure]:
    """One more press in a full hour."""
    with place.database("hot") as url:
        yield from writing.hot_hour(url, place.progress)


def of_web(place: Place) -> Iterator[Figure]:
    """Presses of web smileys."""
    with place.database("web") as url:
        yield from singles.web(url, place.progress)


def _under(heading: str, figures: Iterable[Figure]) -> Iterator[Figure]:
    """The figures, under a heading of the table."""
    return (figure._replace(group=heading) for figure in figures)


def note_fleet(folder: Path, fleet: Fleet) -> None:
    """Writes what a later run must know of the year, which `--keep` keeps."""
    (folder / _FLEET).write_text(json.dumps({"fleet": asdict(fleet)}))


def kept_fleet(folder: Path) -> Fleet:
    """The fleet of a kept year. OSError, ValueError, LookupError or TypeError if the folder has none."""
    (folder / _YEAR).stat()  # opening it would make an empty one
    return convert(json.loads((folder / _FLEET).read_text())["fleet"], Fleet)
