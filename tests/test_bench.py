"""`hymio bench` measures what it says, on both engines; how fast is no matter of a test."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from hymio.bench import beside, plan, writing
from hymio.cli import app
from hymio.errors import SetupError

ROWS = [
    "presses in, uploads of 100",
    "presses in, uploads of 100",
    "presses in, uploads of 100",
    "presses in bulk",
    "disk per press",
    "a year by hour of a region, one survey",
    "a year by hour of a region, one scale",
    "a year by hour of a region, with misuse",
    "a year by hour of the root, 3 zones, one survey",
    "a year by hour of the root, 3 zones, one scale",
    "a year by hour of the root, 3 zones, with misuse",
    "raw CSV",
    "verify of ",
    "rebuild of ",
    "start to first answer",
    "memory, idle",
    "a year by hour of a point, over HTTP",
    "v2, a page of ",
    "v2, a page of 1,000 at offset",
    "v2, the whole year as CSV",
    "… its first tenth",
    "… its last tenth",
    "memory, more while exporting",
    "presses at 100/s beside 8 readers",
    "presses at 500/s beside 8 readers",
    "presses at 500/s beside an export",
    "presses in, one a request, 32 clients",
    "… beside an empty handler of the same server",
    "its answers: median, 99 of 100",
    "web presses in, 32 browsers",
    "its answers: median, 99 of 100",
    "a web press, idle: median",
    "texts of a point among 60",
    "texts at offset 54",
    "v1 folder tree, 30 points, after a change",
    "… again; 304",
    "4 senders of ",
    "answers to the others: median, 99 of 100",
    "answers beside 40 idle, 10 slow clients",
]
SMALL = {
    "singles.SINGLES": 400, "singles.TERMINALS": 20, "singles.IDLE_PRESSES": 5, "singles.BARE_COMMITS": 10,
    "beside_readers.STEADY_SECONDS": 0.1, "listings.POINTS": 30, "listings.TEXTS": 60,
    "listings.BUSY_DAYS": 1, "serving.UPLOADS": 2, "serving.IDLE": 40, "serving.SLOW": 10,
    "serving.PRESSES_OF_EACH": 3, "serving.PRESSES": 1_200,
}  # fmt: skip


def test_each_figure_is_measured(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SMALL.items():
        monkeypatch.setattr(f"hymio.bench.{name}", value)
    server = [] if database_url.startswith("sqlite") else ["--database", database_url]
    done = CliRunner().invoke(app, ["bench", "--presses", "1200", "--json", *server])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert [figure["what"].startswith(row) for figure, row in zip(figures, ROWS, strict=True)] == [True] * len(ROWS)
    assert all(figure["measured"][0].isdigit() for figure in figures if "more while" not in figure["what"])
    assert all(figure["ratio"] > 0 for figure in figures if figure["ratio"] is not None)
    assert {figure["group"] for figure in figures} == {"Writing", "Reading", "Serving"}


BESIDE = [
    "a year by hour of a point, in a process",
    "a year by hour of a region, in a process",
    "a year by hour of a root, in a process",
    "… DuckDB's table, made from raw CSV",
    "raw CSV of 1,200 presses, in a process",
    "InfluxDB: single presses",
]


def test_duckdb_counts_the_same_presses_and_who_is_absent_is_named(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": "", "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"PIP_{name}", value)  # a real pip, which finds nothing
    progress = Progress(disable=True)
    fleet = writing.year(database_url, 1_200, progress).fleet
    datasette, *figures = beside.year(database_url, fleet, progress)
    if find_spec("datasette") is None or not database_url.startswith("sqlite"):
        assert datasette.what.startswith("Datasette: ")
        assert datasette.measured == "not measured"
        reads = "not installed: datasette (pip says: " if database_url.startswith("sqlite") else "it reads files of"
        assert datasette.compared.startswith(reads)
    assert [figure.what for figure in figures][-len(BESIDE) :] == BESIDE
    assert all(figure.ratio > 0 for figure in figures if figure.ratio is not None)


@pytest.mark.skipif(find_spec("datasette") is None, reason="Datasette is not installed in this environment")
def test_datasette_counts_the_same_presses(tmp_path: Path) -> None:
    url, progress = f"sqlite:///{tmp_path / 'year.db'}", Progress(disable=True)
    fleet = writing.year(url, 1_200, progress).fleet
    page, hours, lines, *_others = beside.year(url, fleet, progress)
    assert [figure.compared.startswith("Datasette ") for figure in (page, hours, lines)] == [True] * 3


def test_a_kept_year_is_read_again_and_another_folder_is_refused(tmp_path: Path) -> None:
    fleet = writing.year(f"sqlite:///{tmp_path / 'year.db'}", 1_200, Progress(disable=True)).fleet
    plan.note_fleet(tmp_path, fleet)
    assert plan.kept_fleet(tmp_path) == fleet
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "fleet.json").write_text("[]")
    (tmp_path / "without").mkdir()
    plan.note_fleet(tmp_path / "without", fleet)
    for folder in ("elsewhere", "list", "without"):
        done = CliRunner().invoke(app, ["bench", "--again", str(tmp_path / folder)])
        assert isinstance(done.exception, SetupError)
        assert done.exception.code == "no-kept-year"
    assert [file.name for file in (tmp_path / "without").iterdir()] == ["fleet.json"]


def test_one_more_press_in_a_full_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hymio.bench.writing.HOT", 5_000)
    done = CliRunner().invoke(app, ["bench", "--hot-hour", "--json"])
    assert done.exit_code == 0, done.output
    (figure,) = json.loads(done.stdout)
    assert figure["measured"].endswith(" ms")


def test_changes_of_a_large_set_up(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("POINTS", 30), ("SURVEYS", 3), ("TIMES", 3)):
        monkeypatch.setattr(f"hymio.bench.setup.{name}", value)
    server = [] if database_url.startswith("sqlite") else ["--database", database_url]
    done = CliRunner().invoke(app, ["bench", "--setup", "--json", *server])
    assert done.exit_code == 0, done.output
    loaded, *figures = json.loads(done.stdout)
    assert loaded["what"] == "30 points, 3 surveys: opened and loaded"
    assert len(figures) == 12
    assert all(figure["measured"][0].isdigit() and "worst" in figure["measured"] for figure in figures)


REPORTS = [
    "report of the root, a year, 1,199 answers",
    "report of the root, a year, compared",
    "report of a region, a year",
    "report of a point, a year",
    "report of a point, a month",
    "report of the root, mondays at 9",
    "as JSON",
    "as text for the terminal",
    "page of the root, a year",
    "its size gzipped, without charts",
    "page of a point, a year",
    "an unchanged page: 304",
    "XLSX of a year by hour",
]


def test_reports_are_measured() -> None:
    done = CliRunner().invoke(app, ["bench", "--reports", "--presses", "1200", "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    rows = [figure["what"] for figure in figures if not figure["what"].startswith(("PDF", "memory that it takes"))]
    assert [what.startswith(row) for what, row in zip(rows, REPORTS, strict=True)] == [True] * len(REPORTS)
