"""A report as a workbook: texts stay texts whatever they hold, none is cut, and sheets have names in each language."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from hymio import report
from hymio.access import operator
from hymio.report import Report
from hymio.report.headings import TABLE_TITLES, heading_of
from hymio.report.tables import TABLE_NAMES, tables
from hymio.report.tables import table as report_table
from hymio.report.values import TextLine, Texts
from hymio.report.xlsx import MAX_TEXT, as_xlsx
from hymio.store import open_store
from hymio.texts import PAGE_LANGUAGES
from hymio.texts.localization import Localization
from tests.example import NOW, make_example

ENGLISH = Localization("en", "en-US")
FORMULA = '=HYPERLINK("https://evil.example.com","Refund")'


@pytest.fixture(scope="module")
def value(fresh_database: Callable[[str], str]) -> Iterator[Report]:
    """A report of the example on one engine, as a workbook is made from its value alone."""
    store = open_store(fresh_database("sqlite"))
    boss = operator(make_example(store).organization)
    query = replace(report.parse_query(1, {"period": "2024-03", "survey": "1"}), lists_hours=True)
    yield report.build(store, boss, query, NOW)
    store.close()


def with_texts(value: Report, *texts: str) -> Report:
    """The report with these texts."""
    lines = tuple(
        TextLine(feedback=None, at=None, node=None, button=0, text=text, spam=False, relevance=None, categories=(),
            themes=())
        for text in texts
    )  # fmt: skip
    whole = Texts(total=len(texts), spam=0, matching=len(texts), offset=0, shown=lines)
    return msgspec.structs.replace(value, texts=whole, hours=None, trend=(), heat_map=(), profile=())


def read(value: Report, language: Localization = ENGLISH) -> openpyxl.Workbook:
    """The workbook of a report, read back."""
    with as_xlsx(value, language) as file:
        return openpyxl.load_workbook(io.BytesIO(_bytes(file)))


def _bytes(file: Any) -> bytes:
    file.seek(0)
    content: bytes = file.read()
    return content


def texts_in(book: openpyxl.Workbook) -> list[str]:
    """The texts of the sheet of texts, put together from their columns."""
    heads, *rows = book["Texts"].iter_rows(values_only=True)
    columns = [place for place, head in enumerate(heads) if str(head).split(" (")[0] == "Text"]
    return ["".join(unescape(str(row[place] or "")) for place in columns) for row in rows]


def test_no_text_is_run_or_followed(value: Report):
    texts = [FORMULA, "{=1+1}", "https://example.com", "mailto:a@example.com", "+1", "@SUM(A1)", "007", "TRUE"]
    book = read(with_texts(value, *texts))
    assert texts_in(book) == texts
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" or cell.value in texts
                assert cell.hyperlink is None
    with zipfile.ZipFile(io.BytesIO(_bytes(as_xlsx(with_texts(value, *texts), ENGLISH)))) as archive:
        sheets = "".join(archive.read(name).decode() for name in archive.namelist() if "sheet" in name)
    assert "<f>" not in sheets
    assert "<hyperlink" not in sheets


@pytest.mark.parametrize(
    "text", ["x" * 40_000, "ä" * MAX_TEXT, "🙂" * 40_000, "a" + "🙂" * (MAX_TEXT // 2), "x" * (3 * MAX_TEXT + 1)]
)
def test_a_text_that_is_too_long_for_a_cell_goes_on_in_further_columns(value: Report, text: str):
    book = read(with_texts(value, "short", text))
    assert texts_in(book) == ["short", text]
    cells = [cell for row in book["Texts"].iter_rows(values_only=True) for cell in row if isinstance(cell, str)]
    assert max(len(cell.encode("utf-16-le")) // 2 for cell in cells) <= MAX_TEXT
    assert any("goes on in further columns" in str(row[0]) for row in book["About"].iter_rows(values_only=True))


@given(st.text(min_size=1, max_size=40))
def test_every_text_is_read_back(value: Report, text: str):
    shown = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    expected = "".join("\ufffd" if letter in "\ufffe\uffff" else letter for letter in shown)
    [got] = texts_in(read(with_texts(value, text)))
    assert _without_line_ends(got) == _without_line_ends(expected)


def _without_line_ends(text: str) -> str:
    """XML reads every end of a line as one character."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_numbers_and_dates_are_what_they_are(value: Report):
    book = read(value)
    heads, *rows = book["By hour"].iter_rows(values_only=True)
    assert heads[:5] == ("Start", "UTC", "Answers", "Index", "Index, rounded")
    assert len(rows) == 31 * 24
    assert all(isinstance(row[0], datetime) and isinstance(row[2], int) for row in rows)
    assert book["By hour"].freeze_panes == "A2"
    about = {row[0]: row[1] for row in book["About"].iter_rows(values_only=True) if row[0]}
    assert about["Node"] == "Acme"
    assert about["First date"] == datetime(2024, 3, 1)  # noqa: DTZ001  a date as a workbook has it
    assert about["Revision"] == value.revision
    assert about["Link"] == value.link
    assert about["Made"] == "2024-03-05 12:00+00:00"
    for table in tables(value):
        title = TABLE_TITLES[table.name]
        if table.name != "about":
            assert about[title] == len(table.rows)
            assert (title in book.sheetnames) == bool(table.rows)
        if title in book.sheetnames and table.name != "about":
            assert book[title].max_row == len(table.rows) + 1


@pytest.mark.parametrize("language", PAGE_LANGUAGES)
def test_sheets_and_columns_are_named_in_every_language(value: Report, language: str):
    words = Localization(language, language)
    names = [words.text(title) for title in TABLE_TITLES.values()]
    assert list(TABLE_TITLES) == list(TABLE_NAMES)
    assert len(set(names)) == len(names)
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in names)
    columns = {column for table in tables(value) if table.name != "about" for column in table.columns}
    about = {str(name) for name, _ in report_table(value, "about").rows}
    assert {name for name in columns | about if heading_of(name) == name} == {"p", "z"}
    book = read(with_texts(value, "a"), words)
    assert book.sheetnames[0] == words.text("About")
    assert (book.worksheets[0].sheet_view.rightToLeft or False) == (language == "ar")


def test_the_same_report_has_the_same_bytes(value: Report):
    assert _bytes(as_xlsx(value, ENGLISH)) == _bytes(as_xlsx(value, ENGLISH))
