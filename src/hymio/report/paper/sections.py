"""The sections of a report on paper, in the order of the page: charts, tables, sentences and texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import category, normalize

from hymio.errors import Phrase
from hymio.report import sentences
from hymio.report.charts import (
    LIGHT,
    Chart,
    ChartTable,
    count_heat_map,
    distribution,
    index_heat_map,
    misuse,
    profile,
    ranking,
    svg,
    trend,
)
from hymio.report.charts.wording import NOTHING, Words
from hymio.report.faces import face_of
from hymio.report.paper.writer import Part, Writer
from hymio.report.values import (
    ChildLine,
    Completeness,
    Figure,
    FollowupLine,
    HourTest,
    Misuse,
    Report,
    SurveyLine,
    TextLine,
    Texts,
)
from hymio.report.wording import DIGITS, reason_names
from hymio.texts.localization import Localization
from hymio.typesetting import printable

PAGE: Final = 720.0
"""The width of charts: letters of 12 pixels have about 8.5 points on paper."""

FONT: Final = "Noto Sans, Noto Sans Arabic, DejaVu Sans"


def sections(writer: Writer) -> Iterator[Part]:
    """The sections that have something to show."""
    survey, summary = writer.report.survey, writer.report.summary
    if survey is None or summary is None:
        yield _section(writer, Phrase("How good"), [_lines(writer, [Phrase("No survey is asked here.")])])
    else:
        yield from _Sections(writer, Words(survey, writer.localization), summary).all()


@dataclass(frozen=True, slots=True)
class _Sections:
    """The sections about a survey, whose words they use, and the answers of the whole period."""

    writer: Writer
    words: Words
    summary: Figure

    @property
    def report(self) -> Report:
        """The report."""
        return self.writer.report

    @property
    def localization(self) -> Localization:
        """The language."""
        return self.words.localization

    def text(self, text: Phrase, **values: object) -> str:
        """A text in the language, as the fonts can print it."""
        return self.writer.text(text, **values)

    def all(self) -> Iterator[Part]:
        """Each section with its heading."""
        report = self.report
        yield self._section(Phrase("How good"), self._how_good())
        if self.summary.number:
            yield self._section(Phrase("Since when"), self._since_when())
            yield self._section(Phrase("When"), self._when())
        if report.children:
            yield self._section(Phrase("Where"), self._where())
        if report.followups:
            yield self._section(Phrase("What people chose"), map(self._followup, report.followups))
        if report.texts is not None:
            yield self._section(Phrase("What people wrote"), self._texts(report.texts))
        if report.misuse is not None:
            yield self._section(Phrase("What was left out, and why"), self._misuse(report.misuse))
        if report.completeness is not None:
            yield self._section(Phrase("How complete"), self._completeness(report.completeness))
        others = [line for line in report.surveys if line.id != self.words.survey.id]
        if others:
            yield self._section(Phrase("Other surveys here"), [self._surveys(others)])

    def _section(self, heading: Phrase, parts: Iterable[Part | None]) -> Part:
        return _section(self.writer, heading, parts)

    def _how_good(self) -> Iterator[Part | None]:
        report, localization = self.report, self.localization

        says = [
            *sentences.compared(report, localization),
            *sentences.interval(self.summary, report, localization),
            sentences.number_of_answers(self.summary, localization),
        ]
        name = localization.text(sentences.index_name(report, localization))
        yield {
            "kind": "hero",
            "index": printable(self.words.index(self.summary)),
            "name": printable(name),
            "lines": [self.text(sentence) for sentence in says],
        }
        yield self._lines(sentences.withholding(report, localization))
        if (chart := distribution(report, localization, PAGE)) is not None:
            yield self._chart(chart)
            yield self._table(chart.table)

    def _since_when(self) -> Iterator[Part | None]:
        chart = trend(self.report, self.localization, PAGE)
        if chart is not None:
            yield self._chart(chart)
            yield self._table(chart.table)

    def _when(self) -> Iterator[Part | None]:
        for make in (index_heat_map, count_heat_map):
            yield self._chart(make(self.report, self.localization, PAGE))
        yield self._lines(sentences.local_hours(self.report))
        yield self._lines(sentences.chance(self.report, self.localization))
        yield self._chart(profile(self.report, self.localization, PAGE))
        times = self.report.times
        if times is not None and times.hours:
            columns = (
                self.text(Phrase("Hour")),
                *self.words.figure_columns,
                "z",
                self.text(Phrase("p (corrected)")),
            )
            yield self._table(ChartTable(columns, tuple(map(self._hour, times.hours))))

    def _hour(self, test: HourTest) -> tuple[str, ...]:
        localization = self.localization
        z = NOTHING if test.z is None else localization.signed(test.z, 1)
        p = NOTHING if test.corrected_p is None else localization.number(test.corrected_p, 3)
        return (localization.hour(test.hour), *self.words.cells(test.figure), z, p)

    def _where(self) -> Iterator[Part | None]:
        yield self._chart(ranking(self.report, self.localization, PAGE))
        columns = [
            self.text(Phrase("Rank")), self.text(Phrase("Place")), *self.words.figure_columns,
            self.text(Phrase("Ranking score")),
        ]  # fmt: skip
        if self.report.compared_period is not None:
            columns += [self.text(Phrase("Before")), self.text(Phrase("Change"))]
        rows = tuple(map(self._child, self.report.children))
        yield self._table(ChartTable(tuple(columns), rows), texts=(1,))

    def _child(self, line: ChildLine) -> tuple[str, ...]:
        words, number = self.words, self.localization.number
        rank = NOTHING if line.rank is None else number(line.rank)
        score = NOTHING if line.score is None else number(line.score, 1)
        cells = (rank, line.node.name, *words.cells(line.figure), score)
        if self.report.compared_period is None:
            return cells
        digits = DIGITS[words.index_type]
        change = NOTHING if line.change is None else self.localization.signed(line.change, digits)
        return (*cells, NOTHING if line.compared is None else words.index(line.compared), change)

    def _followup(self, line: FollowupLine) -> Part:
        number, percent = self.localization.number, self.localization.percent
        side = Phrase("after positive answers") if line.positive else Phrase("after negative answers")
        rows = [(option.text, number(option.answers), percent(option.share or 0)) for option in line.options]
        rows.append((self.text(Phrase("left unanswered")), number(line.left), ""))
        columns = (self.text(side), self.text(Phrase("Answers")), self.text(Phrase("Share")))
        return self._table(ChartTable(columns, tuple(rows)), title=line.text)

    # --- texts ---

    def _texts(self, texts: Texts) -> Iterator[Part | None]:
        number, printed = self.words.number, self.writer.printed_texts()
        places = {node.id: node.name for node in self.report.places}
        items = [self._saying(line, places) for line in printed]
        total = Phrase("{texts} texts, of which {spam} are spam")
        count = self.text(total, texts=number(texts.total), spam=number(texts.spam))
        shown = Phrase("Texts printed: {printed} of {matching}, the newest first.")
        lines = f"{count}. {self.text(shown, printed=number(len(printed)), matching=number(texts.matching))}"
        if len(printed) < len(texts.shown):
            attached = Phrase("All {texts} are in the file texts.csv, which is attached to this file.")
            lines = f"{lines} {self.text(attached, texts=number(len(texts.shown)))}"
        yield {"kind": "texts", "texts": items, "count": lines}

    def _saying(self, line: TextLine, places: dict[int, str]) -> Part:
        face = face_of(self.words.scale, line.button)
        about = [self.text(face.name)]
        if line.node is not None:
            about.append(self.writer.own(places.get(line.node, str(line.node))))
        if line.at is not None:
            about.append(printable(f"{self.localization.day(line.at)}, {self.localization.dated(line.at, 'Hm')}"))
        if line.spam:
            about.append(self.text(Phrase("spam")))
        text, english = self.writer.own(line.text), printable(line.english or "")
        return {"face": face.number, "text": text, "about": about, "english": english}

    def _misuse(self, whole: Misuse) -> Iterator[Part | None]:
        number = self.words.number
        parts = [f"{number(value)} {self.text(name)}" for value, name in sentences.misuse_sum(self.report)]
        yield {"kind": "lines", "lines": [" = ".join((parts[0], " + ".join(parts[1:])))]}
        yield self._lines(sentences.misuse(self.report, self.localization))
        yield self._chart(misuse(self.report, self.localization, PAGE))
        if not whole.days:
            return
        reasons = reason_names(whole)
        heads = (Phrase("Day"), Phrase("pressed"), Phrase("counted"), *reasons.values())
        rows = tuple(
            (
                self.localization.day(line.day),
                *(number(getattr(line, name)) for name in ("raw", "counted", *reasons)),
            )
            for line in whole.days
        )
        yield self._table(ChartTable(tuple(self.text(head) for head in heads), rows))

    def _completeness(self, whole: Completeness) -> Iterator[Part | None]:
        yield self._lines(sentences.completeness(self.report, self.localization))
        places = {node.id: node.name for node in self.report.places}
        if not whole.silent:
            yield self._lines([Phrase("All smileys have reported within a day.")])
            return
        never = self.text(Phrase("has never reported"))
        rows = tuple(
            (
                line.name, line.serial, places.get(line.node, str(line.node)),
                never if line.reported is None else self.writer.moment(line.reported),
            )
            for line in whole.silent
        )  # fmt: skip
        heads = (Phrase("Silent smileys"), Phrase("Serial"), Phrase("Place"), Phrase("Last report"))
        yield self._table(ChartTable(tuple(self.text(head) for head in heads), rows), texts=(0, 1, 2, 3))

    def _surveys(self, others: Sequence[SurveyLine]) -> Part:
        rows = []
        for line in others:
            words = Words(line, self.localization)
            low, high = words.range
            span = self.text(Phrase("{low} to {high}"), low=words.number(low), high=words.number(high))
            rows.append((line.question, f"{words.index_name}, {span}", *words.cells(line.figure)))
        heads = [Phrase("Question"), Phrase("Index"), Phrase("Index"), Phrase("Low"), Phrase("High"), Phrase("Answers")]
        return self._table(ChartTable(tuple(self.text(head) for head in heads), tuple(rows)), texts=(0, 1))

    # --- parts ---

    def _lines(self, lines: Iterable[Phrase]) -> Part:
        return _lines(self.writer, lines)

    def _chart(self, chart: Chart | None) -> Part | None:
        if chart is None:
            return None
        return {
            "kind": "chart",
            "title": printable(chart.title),
            "note": printable(chart.note),
            "alt": printable(chart.description),
            "svg": _printable_svg(chart),
        }

    def _table(self, table: ChartTable, title: str = "", texts: Sequence[int] = (0,)) -> Part:
        return {
            "kind": "table",
            "title": self.writer.own(title),
            "columns": [printable(column) for column in table.columns],
            "rows": [[self.writer.own(cell) for cell in row] for row in table.rows],
            "texts": list(texts) if table.heads == 1 else [*range(table.heads)],
            "count": self.text(Phrase("Rows: {rows}"), rows=self.localization.number(len(table.rows))),
        }


def _printable_svg(chart: Chart) -> str:
    """The chart in print, without what the fonts lack, and without combining marks, which a PDF/UA has not in pictures.

    The table below the chart has the same words in full.
    """
    drawn = svg(chart, LIGHT, font=FONT)
    if drawn.isascii():
        return drawn
    return printable("".join(char for char in normalize("NFC", drawn) if category(char) != "Mn"), breaks=False)


def _section(writer: Writer, heading: Phrase, parts: Iterable[Part | None]) -> Part:
    return {"heading": writer.text(heading), "parts": [part for part in parts if part is not None]}


def _lines(writer: Writer, lines: Iterable[Phrase]) -> Part:
    return {"kind": "lines", "lines": [writer.text(line) for line in lines]}
