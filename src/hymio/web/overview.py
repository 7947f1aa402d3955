"""The overview of a node: today so far and the last seven days against those before, from reports of these periods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from hymio.access import Principal
from hymio.hierarchy import Node
from hymio.period import DateRange, Instant, wall_of
from hymio.report import Compare, Figure, Report, ReportQuery, TextQuery, build, compared_dates, dates_of
from hymio.report.values import ChildLine, SilentLine, SurveyLine, TextLine, TrendLine
from hymio.scale import IndexType, Scale, rounded
from hymio.setup import Content, Layout
from hymio.store import Store

LAST: Final = "last-7-days"
"""The period of the overview, which ends with yesterday."""

FEW_ANSWERS: Final = 10
"""With fewer answers an index says little."""

MOST_TEXTS: Final = 5
MOST_WRITTEN: Final = 4
"""Surveys whose texts are looked for, those with the most answers."""

MOST_SILENT: Final = 8
MOST_PLACES: Final = 30
MOST_CHILDREN: Final = 50
"""Children at the side, and in the ranking; the report lists all."""

_LONG_AGO: Final = datetime(1, 1, 1)  # noqa: DTZ001  times of reports are local


class SurveyRow(NamedTuple):
    """A survey at the node, with its question in the person's language, in each of the three periods."""

    id: int
    question: str
    scale: Scale
    index_type: IndexType
    last: Figure
    before: Figure
    today: Figure

    @property
    def is_quiet(self) -> bool:
        """Whether there are no answers at all; one whose numbers are withheld is not quiet."""
        return all(figure.number == 0 for figure in (self.last, self.before, self.today))

    @property
    def change(self) -> float | None:
        """The difference of the two shown indexes; None if one is missing."""
        if self.last.shown is None or self.before.shown is None:
            return None
        return rounded(self.last.shown - self.before.shown, self.index_type)


class WrittenText(NamedTuple):
    """An open text with its survey, and the name of its place, unless that is withheld."""

    line: TextLine
    survey: SurveyRow
    place: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the front shows of a node; all from `chosen` on is about one survey, and empty where none is asked.

    `surveys` are those with any answers in the three periods; `zone` is the node's, `zones` those of its points.
    """

    node: Node
    path: tuple[Node, ...]
    children: tuple[Node, ...]
    zone: str
    zones: tuple[str, ...]
    adds_local_hours: bool
    revision: int
    surveys: tuple[SurveyRow, ...]
    chosen: SurveyRow | None
    days: tuple[TrendLine, ...]
    ranking: tuple[ChildLine, ...]
    texts: tuple[WrittenText, ...]
    silent: tuple[SilentLine, ...]
    minimum: int


def overview(
    store: Store, principal: Principal, node: int, survey: int | None, language: str, now: Instant
) -> Overview:
    """The overview of a node, about a survey, else about the one with the most answers in the last seven days.

    NotFound for a node outside the principal's scope, or for a survey that is not asked there.
    """
    texts = TextQuery(limit=MOST_TEXTS)
    last = build(store, principal, ReportQuery(node, LAST, Compare.PREVIOUS, survey, texts=texts), now)
    chosen = None if last.survey is None else last.survey.id
    layout, content = store.layout(principal.organization), store.content(principal.organization)
    today = wall_of(now, layout.zone_of(node, now)).date()
    before = build(store, principal, ReportQuery(node, _dates_before(dates_of(LAST, today)), survey=chosen), now)
    present = build(store, principal, ReportQuery(node, "today", survey=chosen, texts=texts), now)
    rows = _survey_rows(layout, content, language, (last, before, present))
    if survey is None and rows and rows[0].id != chosen:  # nothing in the last seven days, but today
        return overview(store, principal, node, rows[0].id, language, now)
    by_survey: list[tuple[SurveyRow, Sequence[Report]]] = [(row, (present, last)) for row in rows if row.id == chosen]
    for row in [row for row in rows if row.id != chosen and not row.is_quiet][: MOST_WRITTEN - 1]:
        query = ReportQuery(node, f"{dates_of(LAST, today).start}..{today}", survey=row.id, texts=texts)
        by_survey.append((row, [build(store, principal, query, now)]))
    hierarchy = layout.hierarchy
    return Overview(
        node=hierarchy.nodes[node],
        path=tuple(_path(layout, principal, node)),
        children=hierarchy.children(node),
        zone=layout.zone_of(node, now).key,
        zones=last.zones,
        adds_local_hours=last.adds_local_hours,
        revision=last.revision,
        surveys=tuple(row for row in rows if not row.is_quiet),
        chosen=next((row for row in rows if row.id == chosen), None),
        days=last.trend,
        ranking=last.children,
        texts=tuple(_texts(layout, by_survey)),
        silent=() if last.completeness is None else last.completeness.silent,
        minimum=last.withholding.minimum,
    )


def _dates_before(dates: DateRange) -> str:
    """The days before some dates, as a report is asked for them."""
    before = compared_dates(dates, Compare.PREVIOUS)
    days = [before.start.fromordinal(day) for day in (before.start.toordinal(), before.end.toordinal() - 1)]
    return f"{days[0]}..{days[1]}"


def _path(layout: Layout, principal: Principal, node: int) -> Iterator[Node]:
    """The nodes above a node that are in the scope, from the top down."""
    hierarchy = layout.hierarchy
    above = [key for key in hierarchy.ancestors(node) if principal.reaches(hierarchy, key)]
    yield from (hierarchy.nodes[key] for key in reversed(above))


def _survey_rows(
    layout: Layout, content: Content, language: str, reports: tuple[Report, Report, Report]
) -> list[SurveyRow]:
    """The surveys of the node, those with the most answers first."""
    by_period = [{line.id: line for line in report.surveys} for report in reports]
    rows = [
        _survey_row(layout, content, language, [lines[survey] for lines in by_period])
        for survey in by_period[0]
        if all(survey in lines for lines in by_period)  # one may have been assigned between the reports
    ]
    return sorted(rows, key=lambda row: (-(row.last.number or 0), -(row.today.number or 0), row.id))


def _survey_row(layout: Layout, content: Content, language: str, lines: Sequence[SurveyLine]) -> SurveyRow:
    """A survey with its figures: last, before, today."""
    survey = layout.surveys[lines[0].id]
    question = content.question(survey).wording.text_in(language)
    last, before, today = (line.figure for line in lines)
    return SurveyRow(survey.id, question, survey.scale, survey.index_type, last, before, today)


def _texts(layout: Layout, by_survey: Sequence[tuple[SurveyRow, Sequence[Report]]]) -> list[WrittenText]:
    """The latest texts of some surveys, the newest first, then those whose time is withheld."""
    written = [
        WrittenText(line, row, _place(layout, line))
        for row, reports in by_survey
        for report in reports
        if report.texts is not None
        for line in report.texts.shown
    ]
    return sorted(written, key=lambda text: text.line.at or _LONG_AGO, reverse=True)[:MOST_TEXTS]


def _place(layout: Layout, line: TextLine) -> str | None:
    """The name of the place of a text."""
    place = None if line.node is None else layout.hierarchy.nodes.get(line.node)
    return None if place is None else place.name
