"""Builds the value of a report: what `results` gives of a node in a period, with its statistics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from hymio.access import DataKind, Principal, Role
from hymio.errors import Forbidden
from hymio.period import DateRange, Grain, Instant, wall_of
from hymio.report import values
from hymio.report.answers import followup_lines, texts_of
from hymio.report.basis import shown_change
from hymio.report.children import child_lines
from hymio.report.completeness import completeness_of, misuse_of
from hymio.report.figures import WITHHELD, button_lines, change, figure
from hymio.report.frame import dates_text, frame_of, node_line
from hymio.report.minimum import minimum_of
from hymio.report.query import ReportQuery, compared_dates, dates_of
from hymio.report.source import AllHours, Blocks, Source, source_of
from hymio.report.times import times_of
from hymio.report.trend import cells, grain_of, trend_lines
from hymio.results import NodeReader, Selection, open_node
from hymio.results.node_reader import require_survey_asked
from hymio.store import Store
from hymio.survey import Survey


def build(store: Store, principal: Principal, query: ReportQuery, now: Instant) -> values.Report:
    """The report that a query asks for, read in one consistent view.

    Forbidden without the permission to read results or the kind of data of buttons, and for an older revision of a
    survey whose numbers are withheld below a minimum; NotFound, with the same text, for a node or survey that does not
    exist or is outside the scope; BadRequest for a period that is not one.
    """
    with open_node(store, principal, query.node, now, query.as_of) as reader:
        dates = dates_of(query.period, wall_of(now, reader.zone()).date())
        if query.survey is not None:
            require_survey_asked(reader, query.survey)
        sources = Sources(reader, query, now)
        lines = _survey_lines(sources, dates)
        frame = frame_of(reader, query, dates, lines, now, shown_change(reader, query, now))
        chosen = _chosen(lines, query.survey)
        return frame if chosen is None else _filled(sources, dates, frame, chosen)


class Sources:
    """The sources of the surveys and periods of one report, each of which reads its answers once."""

    def __init__(self, reader: NodeReader, query: ReportQuery, now: Instant) -> None:
        self.reader, self.query, self.now = reader, query, now
        self._made: dict[tuple[int, DateRange], Source] = {}

    def of(self, survey: Survey, dates: DateRange) -> Source:
        """Where the answers of a survey on dates come from. Forbidden for an older revision with a minimum."""
        key = survey.id, dates
        if key not in self._made:
            self._made[key] = _source(self.reader, self.query, survey, dates, self.now)
        return self._made[key]


def _filled(
    sources: Sources, dates: DateRange, frame: values.Report, chosen: values.SurveyLine
) -> values.Report:  # fmt: skip
    """The frame with all sections about one survey."""
    reader, query, now = sources.reader, sources.query, sources.now
    survey = reader.layout.surveys[chosen.id]
    source, before = sources.of(survey, dates), None
    if query.only_hours:
        return msgspec.structs.replace(frame, survey=chosen, hours=_hours(source, query))
    if query.compare is not None:
        before = sources.of(survey, compared_dates(dates, query.compare))
    summary, compared = source.summary(), None if before is None else before.summary()
    bands, heat_map, profile = cells(source)
    kinds = reader.principal.kinds
    texts = texts_of(source, query.texts) if DataKind.TEXT_FEEDBACKS in kinds else None
    complete = completeness_of(source, now) if isinstance(source, AllHours) else None
    return msgspec.structs.replace(
        frame,
        survey=msgspec.structs.replace(chosen, figure=summary),
        summary=summary,
        compared=compared,
        change=change(summary, compared, survey.index_type),
        distribution=button_lines(summary, survey.scale),
        trend=trend_lines(source, grain_of(dates)),
        compared_trend=() if before is None else trend_lines(before, grain_of(dates)),
        hours=_hours(source, query),
        bands=bands,
        heat_map=heat_map,
        profile=profile,
        children=child_lines(source, before),
        times=times_of(source),
        followups=followup_lines(source) if DataKind.FOLLOWUP_FEEDBACKS in kinds else None,
        texts=texts,
        misuse=misuse_of(source),
        completeness=complete,
        places=_places(reader, texts, complete),
        withholding=_withholding(source, minimum_of(reader, survey), summary),
        link=frame.link if isinstance(source, AllHours) else _present_link(query, dates),
    )


def _hours(source: Source, query: ReportQuery) -> tuple[values.TrendLine, ...] | None:
    """Every hour of the period, if the query lists them."""
    is_listed = query.lists_hours or query.only_hours
    return trend_lines(source, Grain.HOUR, with_intervals=False) if is_listed else None


def _places(
    reader: NodeReader, texts: values.Texts | None, complete: values.Completeness | None
) -> tuple[values.NodeLine, ...]:
    """The nodes that texts and silent smileys name, by id."""
    named = {line.node for line in (() if texts is None else texts.shown) if line.node is not None}
    named |= {line.node for line in (() if complete is None else complete.silent)}
    nodes = reader.layout.hierarchy.nodes
    return tuple(node_line(reader, nodes[node]) for node in sorted(named) if node in nodes)


def _present_link(query: ReportQuery, dates: DateRange) -> str:
    """The address of a report with fixed dates and no revision: of what may be withheld only the present one opens."""
    return replace(query, period=dates_text(dates), as_of=None).address()


def _withholding(source: Source, minimum: int, summary: values.Figure) -> values.Withholding:
    hidden_from = source.hidden_from if isinstance(source, Blocks) else None
    return values.Withholding(minimum=minimum, left_out=summary.left_out, hidden_from=hidden_from)


# --- surveys ---------------------------------------------------------------------------------------------------------


def _survey_lines(sources: Sources, dates: DateRange) -> tuple[values.SurveyLine, ...]:
    """The surveys that are asked at or below the node, by id, each with its own index of its own scale.

    A shared link sees its own survey alone.
    """
    reader, query = sources.reader, sources.query
    asked = [reader.layout.surveys[survey] for survey in sorted({row.survey for row in reader.assignments()})]
    if reader.principal.role is Role.LINK and query.survey is not None:
        asked = [survey for survey in asked if survey.id == query.survey]
    is_added = len(asked) > 1 and reader.is_present and query.smiley_type is None
    totals = reader.totals_of_surveys(dates, query.hour_filter) if is_added else {}
    lines = []
    for survey in asked:
        if is_added and minimum_of(reader, survey) == 1:
            counts = totals.get(survey.id, ())[: survey.scale.buttons] or (0,) * survey.scale.buttons
            line = figure(counts, survey.index_type)
        else:
            line = _line_of(sources, survey, dates)
        lines.append(_survey_line(reader, survey, line))
    return tuple(lines)


def _line_of(sources: Sources, survey: Survey, dates: DateRange) -> values.Figure:
    """The answers of a survey; withheld where only those of the present revision may be shown."""
    reader, query = sources.reader, sources.query
    if minimum_of(reader, survey) > 1 and not reader.is_present and query.survey not in (None, survey.id):
        return WITHHELD
    return sources.of(survey, dates).summary()


def _survey_line(reader: NodeReader, survey: Survey, line: values.Figure) -> values.SurveyLine:
    wording = reader.content.question(survey).wording
    return values.SurveyLine(
        id=survey.id,
        question=wording.text,
        locale=wording.default_locale,
        scale=survey.scale.code,
        index_type=survey.index_type.value,
        buttons=survey.scale.buttons,
        type=survey.type.value,
        figure=line,
    )


def _chosen(lines: Iterable[values.SurveyLine], survey: int | None) -> values.SurveyLine | None:
    """The survey that was asked for, or else the one with the most answers; None if no survey is asked here."""
    ordered = sorted(lines, key=lambda line: (-(line.figure.number or 0), line.id))
    return next((line for line in ordered if survey in (None, line.id)), None)


def _source(reader: NodeReader, query: ReportQuery, survey: Survey, dates: DateRange, now: Instant) -> Source:
    """Where the answers of a survey on dates come from. Forbidden for an older revision with a minimum, and below."""
    minimum = minimum_of(reader, survey)
    if minimum > 1 and not reader.is_present:
        raise Forbidden(
            "older-revision-withheld",
            "numbers of survey {survey} are withheld below {minimum} answers, so only the present revision is shown",
            survey=survey.id,
            minimum=minimum,
        )
    reader.minimums.require_one_division(survey.id, minimum)
    return source_of(reader, Selection(survey.id, dates, query.smiley_type, query.hour_filter), minimum, now)
