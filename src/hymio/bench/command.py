"""The command `hymio bench`: its options, and where its databases and its figures go."""

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
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hymio.bench import plan
from hymio.bench.figure import Figure
from hymio.bench.table import as_table
from hymio.errors import SetupError

WIDTH = 130
"""Columns of the table where standard output is no terminal."""


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
    beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="Also Datasette and DuckDB on the same presses; what is missing is installed temporarily from PyPI",
        ),
    ] = False,
    again: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Only what is read of the year that --keep left in a folder", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the SQLite files and print their path")] = False,
) -> None:
    """Measure writing, reading, serving, disk and memory, on SQLite or on a PostgreSQL server.

    Examples: hymio bench · hymio bench --presses 5000000 · hymio bench --database postgresql://hymio@localhost/hymio
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    figures = list[Figure]()
    try:
        with (
            _folder(again, keep=keep and database is None, console=Console(stderr=as_json)) as folder,
            _progress(console) as progress,
        ):
            place = plan.Place(folder, database, progress, beside)
            if again is not None:
                measured = plan.again(place)
            elif changes:
                measured = plan.of_changes(place)
            elif hot_hour:
                measured = plan.of_hot_hour(place)
            elif reports:
                measured = plan.of_reports(place, presses)
            elif web:
                measured = plan.of_web(place)
            else:
                measured = plan.everything(place, presses)
            figures.extend(measured)
    finally:
        if figures:  # also those that were measured before an error or Ctrl-C
            _print(console, figures, as_json=as_json)


def _print(console: Console, figures: list[Figure], *, as_json: bool) -> None:
    if as_json:
        console.print_json(json.dumps([figure._asdict() for figure in figures]))
    else:
        console.print(as_table(figures, plan.HEADINGS))


@contextmanager
def _folder(kept: Path | None, *, keep: bool, console: Console) -> Iterator[Path]:
    """The folder of an earlier run, or a temporary one, which is deleted at the end unless `keep` is set.

    SetupError if an earlier run left no year there.
    """
    if kept is not None:
        try:
            plan.kept_fleet(kept)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise SetupError(
                "no-kept-year", "there is no year of `hymio bench --keep` in {folder}", folder=str(kept)
            ) from error
        yield kept
        return
    folder = Path(tempfile.mkdtemp(prefix="hymio-bench-"))
    try:
        yield folder
    finally:
        if keep:
            console.print(f"The databases are in {folder}; measured again with: hymio bench --again {folder}")
        else:
            shutil.rmtree(folder)


def _progress(console: Console) -> Progress:
    """A progress bar that is removed at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True) if not console.is_terminal else console, transient=True)
