"""What each rendering of a report says of its answers, read back from what people and programs get.

Law 7 (tests/test_renderings.py) holds all renderings to the same counts and index. A new rendering is one more function
in RENDERINGS that renders the report of an `Asked` and reads its own output back.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from html import unescape
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, cast

import openpyxl
from litestar.response import Stream
from pypdf import PdfReader

from hymio.access import Principal
from hymio.report import Report, ReportQuery
from hymio.report.files import as_csv, as_json, from_json
from hymio.report.pdf import as_pdf
from hymio.report.terminal import as_text
from hymio.report.xlsx import as_xlsx
from hymio.serving.door import Services
from hymio.settings import Settings
from hymio.store import Store
from hymio.texts.localization import Localization
from hymio.user import Theme
from hymio.web.look import Look
from hymio.web.page import rendered
from hymio.web.report_address import Address
from hymio.web.report_files import FileRequest, file_answer, kind_of
from hymio.web.report_page import page_values
from hymio.web.report_view import view_of


class Asked(NamedTuple):
    """A report whose survey has answers that are shown, with what it was built from."""

    store: Store
    principal: Principal
    query: ReportQuery
    now: int
    report: Report


class Shown(NamedTuple):
    """What a rendering says: the number of answers, that of each button (None if it does not say), and the index.

    The index is its text as people read it, with a point and without a sign of grouping: `78`, `-12` or `4.25`.
    """

    number: int
    counts: tuple[int, ...] | None
    index_text: str


def of_value(report: Report) -> Shown:
    """What the value itself says."""
    assert report.summary is not None
    return Shown(report.summary.number or 0, report.summary.counts, index_text(report.summary.shown))


def index_text(shown: float | None) -> str:
    """A rounded index as a text."""
    return "" if shown is None else f"{shown:g}"


def json_file(asked: Asked) -> Shown:
    value: dict[str, Any] = json.loads(as_json(asked.report))
    by_trend = [line["figure"]["counts"] for line in value["trend"]]
    by_cell = [cell["figure"]["counts"] for cell in value["heatMap"]]
    counts = tuple(value["summary"]["counts"])
    assert added(by_trend) == added(by_cell) == counts
    by_button = sorted((line["index"], line["answers"]) for line in value["distribution"])
    assert tuple(answers for _, answers in by_button) == counts
    return Shown(value["summary"]["number"], counts, index_text(value["summary"]["shown"]))


def csv_tables(asked: Asked) -> Shown:
    [summary, *_] = csv_rows(asked.report, "summary")
    number = int(summary["answers"])
    for name in ("trend", "heat-map", "profile"):
        assert sum(int(row["answers"]) for row in csv_rows(asked.report, name)) == number
    by_button = sorted((int(row["button"]), int(row["answers"])) for row in csv_rows(asked.report, "distribution"))
    about = {row["name"]: row["value"] for row in csv_rows(asked.report, "about")}
    assert int(about["answers"]) == number
    return Shown(number, tuple(answers for _, answers in by_button), index_text(float(summary["indexShown"])))


def csv_rows(report: Report, table: str) -> list[dict[str, str]]:
    return _rows(as_csv(report, table))


def workbook(asked: Asked) -> Shown:
    with as_xlsx(asked.report, Localization("en", "en-US")) as file:
        file.seek(0)
        book = openpyxl.load_workbook(io.BytesIO(file.read()))
    sheets = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}
    summary, by_button = (_sheet_rows(sheets[name]) for name in ("Summary", "Distribution"))
    about = {row[0]: row[1] for row in sheets["About"] if row[0]}
    number = int(summary[0]["Answers"])
    assert int(about["Answers"]) == number
    for name in ("Trend", "Hours of the week", "Hours of the day"):
        assert sum(int(row["Answers"]) for row in _sheet_rows(sheets[name])) == number
    counts = {int(row["Button"]): int(row["Answers"]) for row in by_button}
    shown = index_text(float(summary[0]["Index, rounded"]))
    return Shown(number, tuple(counts[button] for button in sorted(counts)), shown)


def _sheet_rows(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The rows of a sheet by the heads of their columns."""
    heads, *others = rows
    return [dict(zip(map(str, heads), row, strict=True)) for row in others]


def addresses(asked: Asked) -> Shown:
    """The files as `/reports/NODE` sends them: JSON, and all tables as CSV in a zip file."""
    value = from_json(_sent(asked, "json"))
    with zipfile.ZipFile(io.BytesIO(_sent(asked, "zip"))) as archive:
        by_hour, by_table = (_rows(archive.read(f"{table}.csv")) for table in ("hours", "summary"))
    shown = of_value(value)
    buttons = [name for name in by_hour[0] if name.startswith("button")]
    assert tuple(sum(int(row[name]) for row in by_hour) for name in buttons) == shown.counts
    assert sum(int(row["answers"]) for row in by_hour) == int(by_table[0]["answers"]) == shown.number
    return shown


def _rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def _sent(asked: Asked, extension: str) -> bytes:
    """A file as it is answered, whoever asked for it."""
    services, kind = Services.of(asked.store, Settings(), lambda: asked.now), kind_of(extension)
    wanted = FileRequest(
        kind, kind.query(asked.query), Localization("en", "en-US"), "https://hymio.example.com", None, ""
    )
    make = file_answer(services, asked.principal, wanted)
    assert callable(make)
    answer = make()
    assert isinstance(answer, Stream)
    return b"".join(cast("Iterable[bytes]", answer.iterator))


def terminal(asked: Asked) -> Shown:
    text = as_text(asked.report)
    told = re.search(r"^\S.* (-?[\d.]+) \(95 % interval [^)]*\), ([\d,]+)\s+answers?$", text, re.MULTILINE)
    assert told is not None, text
    lines = re.findall(r"^ +(\d+)(?: [A-Z][a-z ]+)? +█* +([\d,]+) +[\d.]+ %$", text, re.MULTILINE)
    counts = {int(button): whole(answers) for button, answers in lines}
    return Shown(whole(told[2]), tuple(counts[button] for button in sorted(counts)), index_text(float(told[1])))


def page(asked: Asked) -> Shown:
    """The page in English, without scripts: the large index, the table of buttons, and the tables behind the charts."""
    html = report_html(asked)
    tables = {name: rows_of(html, name) for name in ("distribution", "since", "hour", "when")}
    rows = tables["distribution"]
    if len(rows) > len(asked.report.distribution):  # of NPS the three faces come before the eleven buttons
        rows = rows[-len(asked.report.distribution) :]
    counts = tuple(whole(row[1]) for row in rows)
    numbers = re.search(r'<data id="answers" value="(\d+)">(.*?)</data>', html)
    shown = re.search(r'<data id="index" value="[^"]*">([^<]*)</data>', html)
    assert numbers is not None
    assert shown is not None
    assert whole(numbers[2]) == int(numbers[1])
    for name in ("since", "hour", "when"):
        column = 5 if name == "when" else 4
        assert sum(whole(row[column]) for row in tables[name]) == int(numbers[1]), name
    return Shown(int(numbers[1]), counts, index_text(float(shown[1])))


def pdf(asked: Asked) -> Shown:
    """The text of the PDF in English: the large index, the table of buttons, and that of the trend."""
    lines = pdf_lines(as_pdf(asked.report, Localization("en", "en-US")))
    start = lines.index("How good")
    told = next(line for line in lines[start:] if re.fullmatch(r"[\d,]+ answers?", line))
    by_button = [whole(row[1]) for row in pdf_rows(lines, r"Button Answers Share", r"(.+) ([\d,]+) \d+%")]
    numbers = r" (?:∗|–|[-\d.,]+)"
    compared = numbers * 2 if any("Before: " in line for line in lines) else ""
    trend = pdf_rows(lines, r"From .* Low High Answers.*", rf".+{numbers}{numbers}{numbers} ([\d,]+){compared}")
    number = whole(told)
    assert len(trend) == len(asked.report.trend)
    assert sum(whole(row[0]) for row in trend) == number
    assert f"· {told} " in " ".join(lines)
    counts = tuple(by_button[-len(asked.report.distribution) :])  # of NPS the three faces come first
    return Shown(number, counts, index_text(float(lines[start + 1])))


def pdf_lines(file: bytes) -> list[str]:
    """The lines of all pages, with ordinary spaces, and without what only says where a word may break."""
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)
    return [" ".join(line.replace("\u200b", "").split()) for line in text.splitlines()]


def pdf_rows(lines: list[str], head: str, row: str) -> list[tuple[str, ...]]:
    """The rows of the first table with such a head, over pages too, as many as its last line says that there are."""
    start = next(place for place, line in enumerate(lines) if re.fullmatch(head, line))
    end = next(place for place in range(start, len(lines)) if lines[place].startswith("Rows: "))
    rows = [found.groups() for line in lines[start + 1 : end] if (found := re.fullmatch(row, line))]
    assert len(rows) == whole(lines[end])
    return rows


def report_html(asked: Asked, language: str = "en") -> str:
    """The page of a report as an operator sees it."""
    store, organization = asked.store, asked.principal.organization
    layout, content = store.layout(organization), store.content(organization)
    look = Look(language, language, Theme.SYSTEM)
    address = Address(asked.query.node, asked.query.words())
    view = view_of(layout, content, asked.principal, asked.report, address, look)
    person = SimpleNamespace(user=SimpleNamespace(first_name="Jane", last_name="Doe"), may_change_smileys=False)
    return rendered("report.html", look, person=person, token="", **page_values(view)).decode()


def rows_of(html: str, section: str) -> list[list[str]]:
    """The rows of the table behind a chart of a page, as texts."""
    part = re.search(rf'id="{section}".*?<tbody>(.*?)</tbody>', html, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", part[1] if part else "", re.DOTALL)
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row)] for row in rows]


def whole(text: str) -> int:
    """A whole number, whatever groups its digits."""
    return int(re.sub(r"[^0-9]", "", text))


def added(rows: list[list[int]]) -> tuple[int, ...]:
    """Counts by button added up."""
    return tuple(map(sum, zip(*rows, strict=True)))


RENDERINGS: Final[dict[str, Callable[[Asked], Shown]]] = {
    "json": json_file,
    "csv": csv_tables,
    "xlsx": workbook,
    "addresses": addresses,
    "terminal": terminal,
    "page": page,
    "pdf": pdf,
}
"""Every rendering by name."""
