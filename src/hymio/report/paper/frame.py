"""A report on paper as a document for the typesetter: what is around the sections, and facts about the report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from hymio.errors import Phrase
from hymio.report import sentences
from hymio.report.charts import LIGHT, Chart, ChartTable, svg
from hymio.report.charts.chart import FaceMark
from hymio.report.charts.wording import fitted, one_line
from hymio.report.files import as_csv
from hymio.report.paper.sections import sections
from hymio.report.paper.writer import Writer
from hymio.report.values import Report
from hymio.texts.localization import Localization
from hymio.typesetting import Document, lacks, printable

_HEAD, _FOOT = 360.0, 240.0
"""The widths of the path in the head and of the name in the foot of a page, in points; both are in full on others."""


def document(report: Report, localization: Localization) -> Document:
    """The document of a report in a language; its date is that of the revision."""
    writer = Writer(report, localization)
    return Document(_template(), _values(writer), report.revised_at or report.made_at, _files(writer))


@cache
def _template() -> str:
    return (Path(__file__).parent / "report.typ").read_text(encoding="utf-8")


def _values(writer: Writer) -> dict[str, object]:
    """All values of the template."""
    report, localization = writer.report, writer.localization
    made = (report.revised_at or report.made_at).astimezone(UTC)
    path, dates = writer.own(report.node.path), printable(writer.dates)
    return {
        "language": localization.language,
        "direction": localization.direction,
        "title": printable(f"{writer.question} – {report.node.name}, {writer.dates}", breaks=False),
        "description": printable(report.node.path, breaks=False),
        "made": [*made.timetuple()[:6]],
        "head": [writer.own(fitted(one_line(report.node.path), _HEAD, 7.5)), dates],
        "foot": list(_foot(writer)),
        "path": path,
        "question": writer.own(writer.question),
        "subtitle": [dates, ", ".join(report.zones)],
        "faces": [_face(number) for number in range(5)],
        "sections": list(sections(writer)),
        "about": {"heading": writer.text(Phrase("About this report")), "rows": list(_about(writer))},
        "attached": writer.text(Phrase("All texts of the report")),
    }


def _files(writer: Writer) -> dict[str, str]:
    """The attached file with all texts, if there are more than are printed."""
    texts = writer.report.texts
    if texts is None or len(writer.printed_texts()) == len(texts.shown):
        return {}
    return {"texts.csv": as_csv(writer.report, "texts").decode()}


def _face(number: int) -> str:
    return svg(Chart("", "", "", "", 24, 24, (FaceMark(number, 0, 0, 24),), ChartTable((), ())), LIGHT)


def _foot(writer: Writer) -> Iterator[str]:
    """What every page says of the report."""
    report, localization = writer.report, writer.localization
    yield writer.own(fitted(one_line(report.node.name), _FOOT, 7.5))
    yield writer.dates
    yield ", ".join(report.zones)
    yield from writer.filters()
    yield localization.text(Phrase("revision {revision}"), revision=writer.number(report.revision))
    yield localization.text(sentences.number_of_answers(report.summary, localization))
    yield localization.text(Phrase("made {when}"), when=writer.moment(report.made_at))


def _about(writer: Writer) -> Iterator[list[str]]:
    """The facts about the report, each with its name; the last one is the link."""
    for name, value in _facts(writer):
        yield [writer.text(name), writer.own(value)]
    link = writer.report.link
    target = [link] if urlsplit(link).scheme in ("http", "https") else []
    yield [writer.text(Phrase("Link")), printable(link), *target]


def _facts(writer: Writer) -> Iterator[tuple[Phrase, str]]:
    report, localization = writer.report, writer.localization
    yield Phrase("Place"), report.node.path
    yield Phrase("Period"), writer.dates
    yield Phrase("Time zone"), ", ".join(report.zones)
    for sentence in sentences.local_hours(report):
        yield Phrase("Time zone"), localization.text(sentence)
    yield Phrase("Filters"), ", ".join(writer.filters())
    if report.compared_period is not None:
        before = report.compared_period
        yield Phrase("Compare with"), localization.dates(before.first, before.last)
    yield Phrase("Answers"), localization.text(sentences.number_of_answers(report.summary, localization))
    yield Phrase("Interval"), localization.text(sentences.interval_meaning())
    yield Phrase("Revision"), writer.number(report.revision)
    if report.revised_at is not None:
        yield Phrase("Data as of"), writer.moment(report.revised_at)
    yield Phrase("Made"), writer.moment(report.made_at)
    if _lacks_characters(writer):
        yield (
            Phrase("Characters"),
            localization.text(
                Phrase("Characters that the fonts of this file lack are given in brackets, by name or number.")
            ),
        )


def _lacks_characters(writer: Writer) -> bool:
    """Whether the fonts lack a character of what people wrote or named."""
    report = writer.report
    names = (writer.question, report.node.path, *(line.node.name for line in report.children))
    return any(map(lacks, (*names, *(line.text for line in writer.printed_texts()))))
