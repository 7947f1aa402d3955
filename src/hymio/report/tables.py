"""The tables of a report, each with named columns and plain values: what files of tables (CSV, XLSX) hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from hymio.report.query import WEEKDAYS
from hymio.report.values import Cell, Figure, Report

Plain = str | int | float | bool | date | datetime | None
"""The value of a cell: None is empty."""

FIGURE_COLUMNS: Final = ("answers", "index", "indexShown", "low", "high", "leftOut")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, which is also that of its file or sheet, its columns, and its rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Plain, ...], ...]


def tables(report: Report) -> Iterator[Table]:
    """All tables of a report in a fixed order, those without rows too."""
    for name in TABLE_NAMES:
        yield table(report, name)


def table(report: Report, name: str) -> Table:
    """The table with a name of TABLE_NAMES. KeyError."""
    columns, rows = _TABLES[name]
    if name == "hours":
        columns = (*columns, *(f"button{button}" for button in range(_buttons(report))))
    return Table(name, columns, tuple(rows(report)))


Rows = Iterator[tuple[Plain, ...]]


def figure_cells(one: Figure) -> tuple[Plain, ...]:
    """The values of FIGURE_COLUMNS; empty where they are withheld."""
    return one.number, one.index, one.shown, one.low, one.high, one.left_out


def _about(report: Report) -> Rows:
    """What the report is of, in pairs of a name and a value."""
    survey, filters = report.survey, report.filters
    yield "node", report.node.path
    yield "nodeId", report.node.id
    yield "survey", None if survey is None else survey.question
    yield "surveyId", None if survey is None else survey.id
    yield "scale", None if survey is None else survey.scale
    yield "indexType", None if survey is None else survey.index_type
    yield "firstDate", report.period.first
    yield "lastDate", report.period.last
    yield "zones", ", ".join(report.zones)
    yield "addsLocalHours", report.adds_local_hours
    yield "comparedFirstDate", None if report.compared_period is None else report.compared_period.first
    yield "comparedLastDate", None if report.compared_period is None else report.compared_period.last
    yield "smileyType", filters.smiley_type
    yield "weekdays", None if filters.weekdays is None else ", ".join(WEEKDAYS[day] for day in filters.weekdays)
    yield "intervalMethod", report.interval_method
    yield "hours", None if filters.hours is None else ", ".join(map(str, filters.hours))
    yield "textSearch", filters.text or None
    yield "textButtons", None if filters.text_buttons is None else ", ".join(map(str, filters.text_buttons))
    yield "spam", filters.spam
    yield "answers", None if report.summary is None else report.summary.number
    yield "textsMatching", None if report.texts is None else report.texts.matching
    yield "textsListed", None if report.texts is None else len(report.texts.shown)
    yield "minimumAnswers", report.withholding.minimum
    yield "answersLeftOut", report.withholding.left_out
    yield "revision", report.revision
    yield "revisedAt", report.revised_at
    yield "madeAt", report.made_at
    yield "link", report.link


def _surveys(report: Report) -> Rows:
    for line in report.surveys:
        yield line.id, line.question, line.scale, line.index_type, line.type, *figure_cells(line.figure)


def _summary(report: Report) -> Rows:
    if report.summary is None:
        return
    yield report.period.first, report.period.last, *figure_cells(report.summary), report.change
    if report.compared is not None and report.compared_period is not None:
        yield report.compared_period.first, report.compared_period.last, *figure_cells(report.compared), None


def _distribution(report: Report) -> Rows:
    for line in report.distribution:
        yield line.index, line.answers, line.share


def _trend(report: Report) -> Rows:
    for line in report.trend:
        yield line.start, report.grain, line.partial, *figure_cells(line.figure)


def _compared_trend(report: Report) -> Rows:
    for line in report.compared_trend:
        yield line.start, report.grain, line.partial, *figure_cells(line.figure)


def _hours(report: Report) -> Rows:
    none = (None,) * _buttons(report)
    for line in report.hours or ():
        one = line.figure
        yield line.start, one.number, one.index, one.shown, one.left_out, *(none if one.counts is None else one.counts)


def _buttons(report: Report) -> int:
    """The buttons of the scale, each of which has a column in the table of hours."""
    return 0 if report.survey is None else report.survey.buttons


def _heat_map(report: Report) -> Rows:
    yield from map(_cell, report.heat_map)


def _profile(report: Report) -> Rows:
    yield from (_cell(cell)[1:] for cell in report.profile)


def _cell(cell: Cell) -> tuple[Plain, ...]:
    weekday = None if cell.weekday is None else WEEKDAYS[cell.weekday]
    return weekday, cell.hour, *figure_cells(cell.figure), cell.band, cell.count_band, cell.few


def _children(report: Report) -> Rows:
    for line in report.children:
        compared = (None,) * len(FIGURE_COLUMNS) if line.compared is None else figure_cells(line.compared)
        node = line.node.id, line.node.name, line.node.is_point
        yield line.rank, line.score, *node, *figure_cells(line.figure), *compared, line.change


def _times(report: Report) -> Rows:
    for test in () if report.times is None else report.times.hours:
        yield test.hour, *figure_cells(test.figure), test.score, test.z, test.p, test.corrected_p, test.differs


def _followups(report: Report) -> Rows:
    for line in report.followups or ():
        for option in line.options:
            yield line.id, line.text, line.positive, option.id, option.text, option.answers, option.share
        yield line.id, line.text, line.positive, None, None, line.left, None


def _texts(report: Report) -> Rows:
    for line in () if report.texts is None else report.texts.shown:
        categories = ", ".join(line.categories), ", ".join(line.themes)
        of_text = line.text, line.language, line.english, line.spam, line.relevance
        yield line.at, line.node, line.button, *of_text, *categories, line.feedback


def _misuse(report: Report) -> Rows:
    for line in () if report.misuse is None else report.misuse.days:
        web = line.robot, line.scanner
        yield line.day, line.raw, line.counted, line.closed, line.repeat, line.burst, line.interval, *web


def _completeness(report: Report) -> Rows:
    whole = report.completeness
    if whole is not None:
        yield whole.hours, whole.open_hours, whole.restated_hours, whole.hour_only, len(whole.silent)


def _silent(report: Report) -> Rows:
    for line in () if report.completeness is None else report.completeness.silent:
        yield line.id, line.serial, line.name, line.node, line.reported


_COMPARED: Final = tuple(f"compared{name[0].upper()}{name[1:]}" for name in FIGURE_COLUMNS)

_TABLES: Final[dict[str, tuple[tuple[str, ...], Callable[[Report], Rows]]]] = {
    "about": (("name", "value"), _about),
    "surveys": (("surveyId", "question", "scale", "indexType", "type", *FIGURE_COLUMNS), _surveys),
    "summary": (("firstDate", "lastDate", *FIGURE_COLUMNS, "change"), _summary),
    "distribution": (("button", "answers", "share"), _distribution),
    "trend": (("start", "grain", "partial", *FIGURE_COLUMNS), _trend),
    "compared-trend": (("start", "grain", "partial", *FIGURE_COLUMNS), _compared_trend),
    "hours": (("start", "answers", "index", "indexShown", "leftOut"), _hours),
    "heat-map": (("weekday", "hour", *FIGURE_COLUMNS, "band", "countBand", "few"), _heat_map),
    "profile": (("hour", *FIGURE_COLUMNS, "band", "countBand", "few"), _profile),
    "children": (
        ("rank", "score", "nodeId", "name", "isPoint", *FIGURE_COLUMNS, *_COMPARED, "change"),
        _children,
    ),
    "times": (("hour", *FIGURE_COLUMNS, "score", "z", "p", "correctedP", "differs"), _times),
    "follow-ups": (("questionId", "question", "positive", "optionId", "option", "answers", "share"), _followups),
    "texts": (
        (
            "at",
            "nodeId",
            "button",
            "text",
            "language",
            "english",
            "spam",
            "relevance",
            "categories",
            "themes",
            "feedbackId",
        ),
        _texts,
    ),
    "misuse": (("date", "raw", "counted", "closed", "repeat", "burst", "interval", "robot", "scanner"), _misuse),
    "completeness": (("hours", "openHours", "restatedHours", "hourOnlyAnswers", "silentSmileys"), _completeness),
    "silent": (("smileyId", "serial", "name", "nodeId", "reportedThrough"), _silent),
}

TABLE_NAMES: Final = tuple(_TABLES)
"""The names of all tables, in order."""
