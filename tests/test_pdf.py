"""Reports as PDF: all that the report says, tagged, the same bytes each time, whatever people wrote."""

from __future__ import annotations

import io
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from hymio import demo, typesetting
from hymio.access import operator
from hymio.errors import Unavailable
from hymio.report import Compare, Report, ReportQuery, TextQuery, build
from hymio.report.paper.writer import MOST_TEXTS
from hymio.report.pdf import as_pdf
from hymio.report.values import TextLine
from hymio.store import open_store
from hymio.texts.localization import Localization
from hymio.typesetting import lacks, printable

NOW = 1_767_268_800_000
"""2026-01-01T12:00Z, at the end of the example's year."""

ENGLISH = Localization("en", "en")
GOLDEN = Path(__file__).parent / "golden"
ROOT, SITE = 1, 5
"""The root of the example, and its survey with follow-ups and texts."""

HOSTILE = (
    "<script>alert(1)</script> #set page(width: 1pt) $x$ *b* _i_ @ref \\u{7} `raw` [content] // comment",
    "w" * 10_000,
    "ع" * 5_000,
    "\u202e\u202e\u2066 turned \u200f around \u2069",
    "😀🎉👨‍👩‍👧 中文 สวัสดี \x00\x07\x1b[31m \ud83d \ufffe \ue000",
    "a\u0301" * 500,
    "line\nbreak\r\nand\ttab\u2028\u2029",
    "",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The example in a year, compared with the year before."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('example') / 'demo.db'}", make=True)
    demo.build(store, NOW, presses=4_000)
    query = ReportQuery(ROOT, "2025", Compare.PREVIOUS, SITE, texts=TextQuery(limit=None))
    value = build(store, operator(1), query, NOW)
    store.close()
    return value


def text_of(pdf: bytes) -> str:
    """The text of all pages, without what only says where a word may break."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\u200b", "")


def test_a_pdf_has_all_rows_and_numbers_of_the_report(report: Report) -> None:
    pdf = as_pdf(report, ENGLISH)
    text = " ".join(text_of(pdf).split())
    assert report.summary is not None
    assert report.texts is not None
    assert report.misuse is not None
    assert f"{report.summary.number:,} answers" in text
    assert f"{report.summary.shown:.0f}" in text
    for rows in (len(report.trend), len(report.children), len(report.misuse.days)):
        assert f"Rows: {rows}" in text
    for child in report.children:
        assert child.node.name in text
    assert f"Texts printed: {report.texts.matching} of {report.texts.matching}" in text
    for line in report.texts.shown:
        assert " ".join(line.text.split()) in text
    assert report.link in text.replace(" ", "")
    for fact in (report.node.path, *report.zones, "Jan 1 – Dec 31, 2025", "all smileys", "made Jan 1, 2026, 14:00:00"):
        assert fact in text


def test_a_pdf_is_tagged_titled_and_in_its_language(report: Report) -> None:
    reader = PdfReader(io.BytesIO(as_pdf(report, Localization("fi", "fi"))))
    root: dict[str, Any] = dict(reader.root_object)
    assert root["/MarkInfo"].get_object()["/Marked"].value
    assert root["/Lang"] == "fi"
    assert reader.metadata is not None
    assert report.node.name in (reader.metadata.title or "")
    assert "pdfuaid" in root["/Metadata"].get_object().get_data().decode()
    pages = len(reader.pages)
    for number, page in enumerate(reader.pages, 1):
        assert f"{number} / {pages}" in page.extract_text()


def test_equal_reports_have_equal_bytes(report: Report) -> None:
    first = as_pdf(report, ENGLISH)
    assert as_pdf(msgspec.structs.replace(report), ENGLISH) == first
    later = msgspec.structs.replace(report, made_at=report.made_at + timedelta(hours=1))
    reader = PdfReader(io.BytesIO(as_pdf(later, ENGLISH)))
    assert reader.metadata is not None
    assert reader.metadata.creation_date == PdfReader(io.BytesIO(first)).metadata.creation_date  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_whatever_people_wrote_a_pdf_has_it(report: Report, language: str) -> None:
    assert report.texts is not None
    assert report.survey is not None
    lines = tuple(text_line(text) for text in HOSTILE)
    hostile = msgspec.structs.replace(
        report,
        node=msgspec.structs.replace(report.node, name=HOSTILE[4], path=f"{HOSTILE[0]} / {HOSTILE[3]}"),
        survey=msgspec.structs.replace(report.survey, question=HOSTILE[0] + HOSTILE[3]),
        texts=msgspec.structs.replace(report.texts, shown=lines, total=len(lines), matching=len(lines)),
        children=tuple(
            msgspec.structs.replace(line, node=msgspec.structs.replace(line.node, name=HOSTILE[place % len(HOSTILE)]))
            for place, line in enumerate(report.children)
        ),
    )
    reader = PdfReader(io.BytesIO(as_pdf(hostile, Localization(language, language))))
    text = "".join(page.extract_text() for page in reader.pages).replace("\u200b", "").replace("\n", "")
    assert text.count("w") >= 10_000
    assert "#set page(width: 1pt) $x$ *b* _i_ @ref" in text
    assert "[U+4E2D]" in text
    assert "[party popper]" in text


def text_line(text: str) -> TextLine:
    at = datetime(2025, 12, 5, 12, 30, tzinfo=UTC)
    return TextLine(
        feedback=None, at=at, node=None, button=0, text=text, spam=False, relevance=None, categories=(), themes=(),
    )  # fmt: skip


def test_very_many_texts_are_attached_and_the_pages_say_so(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report.texts is not None
    monkeypatch.setattr("hymio.report.paper.writer.MOST_TEXTS", 5)
    reader = PdfReader(io.BytesIO(as_pdf(report, ENGLISH)))
    text = " ".join("".join(page.extract_text() for page in reader.pages).split())
    assert f"Texts printed: 5 of {report.texts.matching}" in text
    assert "texts.csv" in text
    [attached] = reader.attachments["texts.csv"]
    assert len(attached.decode().splitlines()) >= len(report.texts.shown) + 1
    assert MOST_TEXTS == 5_000


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_text_of_a_pdf_is_as_it_was(report: Report, language: str) -> None:
    """Compared with its golden file; HYMIO_GOLDEN=1 writes it anew."""
    file = GOLDEN / f"report-pdf-{language}.txt"
    text = text_of(as_pdf(shortened(report), Localization(language, language))) + "\n"
    if os.environ.get("HYMIO_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def shortened(report: Report) -> Report:
    """The report with fewer days and texts, so that a difference is seen."""
    assert report.texts is not None
    assert report.misuse is not None
    return msgspec.structs.replace(
        report,
        texts=msgspec.structs.replace(report.texts, shown=report.texts.shown[:8]),
        misuse=msgspec.structs.replace(report.misuse, days=report.misuse.days[:8]),
    )


@pytest.mark.parametrize("name", ["", "\u202e\x00 \n"])
def test_names_without_letters_are_no_fault(report: Report, name: str) -> None:
    assert report.survey is not None
    nameless = msgspec.structs.replace(
        report,
        node=msgspec.structs.replace(report.node, name=name, path=name),
        survey=msgspec.structs.replace(report.survey, question=name),
        followups=tuple(msgspec.structs.replace(line, text=name) for line in report.followups or ()),
    )
    assert "How good" in text_of(as_pdf(nameless, ENGLISH))


def test_too_many_documents_at_a_time_are_refused(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hymio.typesetting.process._places", threading.BoundedSemaphore(1))
    typesetting.process._places.acquire()
    with pytest.raises(Unavailable) as refused:
        as_pdf(report, ENGLISH)
    assert refused.value.code == "too-many-documents"


def test_a_document_that_takes_too_long_is_ended(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hymio.typesetting.process.MAX_TIME", 0.01)
    with pytest.raises(Unavailable) as refused:
        as_pdf(report, ENGLISH)
    assert refused.value.code == "document-failed"


def test_a_document_that_takes_too_much_memory_is_ended(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hymio.typesetting.process.MAX_MEMORY", 40 << 20)
    with pytest.raises(Unavailable) as refused:
        as_pdf(report, ENGLISH)
    assert refused.value.code == "document-failed"


def test_a_report_without_a_survey_is_a_page(report: Report) -> None:
    empty = msgspec.structs.replace(report, survey=None, summary=None)
    assert "No survey is asked here." in text_of(as_pdf(empty, ENGLISH))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"), ("äöü ščž жαб عرب", "äöü ščž жαб عرب"), ("中", "[U+4E2D]"), ("🎉", "[party popper]"),
        ("a\x00b", "ab"), ("\ud83d", "\ufffd"), ("a\u00a0b", "a b"), ("[x]", "[x]"),
    ],
)  # fmt: skip
def test_characters_that_the_fonts_lack_are_in_brackets(text: str, written: str) -> None:
    assert printable(text) == written
    assert lacks(text) == (written.startswith("[") and text != "[x]")
