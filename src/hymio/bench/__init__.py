"""`hymio bench`: measures Hymio on this machine and compares each figure with a yardstick measured in the same run."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hymio.bench import exporting, reading, report_pages, reporting, serving, setup, writing
from hymio.bench.figure import Figure
from hymio.store.yardstick import scratch_database


def run(
    presses: Annotated[int, typer.Option(help="Presses of the year that is read", min=1_000)] = 1_000_000,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A PostgreSQL server, on which databases are created and dropped; put its password into ~/.pgpass",
        ),
    ] = None,
    hot_hour: Annotated[
        bool, typer.Option("--hot-hour", help="Only the cost of one more press in a full hour")
    ] = False,
    changes: Annotated[
        bool, typer.Option("--setup", help="Only changes of a set-up with 5,000 points and 500 surveys")
    ] = False,
    reports: Annotated[bool, typer.Option("--reports", help="Only reports of the year")] = False,
    web: Annotated[bool, typer.Option("--web", help="Only presses of web smileys")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the SQLite files and print their path")] = False,
) -> None:
    """Measure writing, reading, serving, disk and memory, on SQLite or on a PostgreSQL server.

    Examples: hymio bench · hymio bench --presses 5000000 · hymio bench --database postgresql://hymio@localhost/hymio
    """
    console = Console(width=None if sys.stdout.isatty() else 130)
    with _folder(keep=keep, console=console) as folder, _progress(console) as progress:
        if reports:
            figures = _of_reports(folder, database, presses, progress)
        elif web:
            with scratch_database(folder, database, "web") as url:
                figures = list(serving.web(url, progress))
        else:
            figures = _measured(folder, database, presses, progress, hot_hour=hot_hour, changes=changes)
    if as_json:
        console.print_json(json.dumps([figure._asdict() for figure in figures]))
    else:
        console.print(_table(figures))


def _measured(
    folder: Path, server: str | None, presses: int, progress: Progress, *, hot_hour: bool, changes: bool
) -> list[Figure]:
    """Runs all measurements, or only those of a hot hour or of set-up changes, each on a new database."""
    if changes:
        with scratch_database(folder, server, "setup") as url:
            return list(setup.changes(url, progress))
    if hot_hour:
        with scratch_database(folder, server, "hot") as url:
            return list(writing.hot_hour(url, progress))
    figures: list[Figure] = []
    figures += writing.uploads(folder, server, min(presses, 200_000), progress)
    with scratch_database(folder, server, "year") as url:
        year = writing.year(url, presses, progress)
        figures += reading.disk(url, year)
        figures += reading.hours(url, year)
        figures += reading.csv(url, year)
        figures += serving.year(url, year)
        figures += exporting.year(url, year)
        figures += serving.beside_readers(folder, url, year, progress)
    with scratch_database(folder, server, "singles") as url:
        figures += serving.singles(folder, url, progress)
    with scratch_database(folder, server, "web") as url:
        figures += serving.web(url, progress)
    with scratch_database(folder, server, "large") as url:
        figures += serving.large(folder, url, progress)
    with scratch_database(folder, server, "crowd") as url:
        figures += serving.crowded(folder, url, progress)
    return figures


def _of_reports(folder: Path, server: str | None, presses: int, progress: Progress) -> list[Figure]:
    """Runs the measurements of reports, on a new database."""
    with scratch_database(folder, server, "reports") as url:
        year = writing.year(url, presses, progress)
        return [*reporting.values(url, year), *report_pages.pages(url, year)]


@contextmanager
def _folder(*, keep: bool, console: Console) -> Iterator[Path]:
    """A temporary folder, deleted at the end unless `keep` is set."""
    folder = Path(tempfile.mkdtemp(prefix="hymio-bench-"))
    try:
        yield folder
    finally:
        if keep:
            console.print(f"The databases are in {folder}")
        else:
            shutil.rmtree(folder)


def _progress(console: Console) -> Progress:
    """A progress bar that is removed at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True) if not console.is_terminal else console, transient=True)


def _table(figures: list[Figure]) -> Table:
    """The figures as a table with a column for the target and whether it is met."""
    table = Table("what", box=None, header_style="bold", pad_edge=False)
    for title in ("measured", "compared with", "ratio", "reach", ""):
        table.add_column(
            title, justify="left" if title == "compared with" else "right", no_wrap=title != "compared with"
        )
    for each in figures:
        met = "" if each.met is None else "[green]met[/]" if each.met else "[red]missed[/]"
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        table.add_row(each.what, each.measured, each.compared, ratio, each.reach, met)
    return table
