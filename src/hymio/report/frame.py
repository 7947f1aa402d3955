"""The frame of a report: what does not depend on a survey."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hymio.hierarchy import BEGINNING, Node
from hymio.period import DateRange, Instant, offset_at
from hymio.report import values
from hymio.report.clock import local
from hymio.report.query import Compare, ReportQuery, compared_dates
from hymio.report.trend import grain_of
from hymio.results import LastChange, NodeReader


def frame_of(
    reader: NodeReader,
    query: ReportQuery,
    dates: DateRange,
    lines: tuple[values.SurveyLine, ...],
    now: Instant,
    change: LastChange,
) -> values.Report:
    """A report with what does not depend on a survey; `change` is the last change to what it shows."""
    revision = change.revision if reader.is_present else reader.revision
    zones = reader.zones()
    compared = compared_dates(dates, query.compare) if query.compare is not None else None
    pinned = replace(query, period=dates_text(dates), as_of=revision)
    return values.Report(
        node=node_line(reader, reader.node),
        period=_period_line(dates, query.period),
        compared_period=None if compared is None else _period_line(compared, _compare_name(query)),
        zones=tuple(str(zone) for zone in zones),
        adds_local_hours=reader.shown.has_several_zones,
        filters=_filters(query),
        asked=query.words(),
        link=pinned.address(),
        revision=revision,
        revised_at=_revised_at(reader, change),
        made_at=local(now, offset_at(now, reader.zone())),
        surveys=lines,
        survey=None,
        summary=None,
        compared=None,
        change=None,
        distribution=(),
        grain=grain_of(dates).value,
        trend=(),
        compared_trend=(),
        hours=() if query.lists_hours else None,
        bands=None,
        heat_map=(),
        profile=(),
        children=(),
        times=None,
        followups=None,
        texts=None,
        misuse=None,
        completeness=None,
        places=(),
        withholding=values.Withholding(minimum=1, left_out=False),
    )


def _revised_at(reader: NodeReader, change: LastChange) -> datetime | None:
    """When the revision was committed, in the node's zone; None where no commit is recorded."""
    at = change.received_at if reader.is_present else reader.made_at()
    return None if at == BEGINNING else local(at, offset_at(at, reader.zone()))


def node_line(reader: NodeReader, node: Node) -> values.NodeLine:
    """A node, with its path from the top of the principal's scope."""
    hierarchy = reader.layout.hierarchy
    names, root = [node.name], reader.principal.root(hierarchy)
    above = hierarchy.ancestors(node.id) if node.id != root else iter(())
    for ancestor in above:
        names.append(hierarchy.nodes[ancestor].name)
        if ancestor == root:
            break
    return values.NodeLine(id=node.id, name=node.name, path=" / ".join(reversed(names)), is_point=node.is_point)


def _period_line(dates: DateRange, name: str) -> values.PeriodLine:
    last = dates.end - timedelta(days=1)
    return values.PeriodLine(first=dates.start, last=last, days=dates.days, name=name)


def dates_text(dates: DateRange) -> str:
    return f"{dates.start.isoformat()}..{(dates.end - timedelta(days=1)).isoformat()}"


def _compare_name(query: ReportQuery) -> str:
    return (query.compare or Compare.PREVIOUS).value


def _filters(query: ReportQuery) -> values.Filters:
    return values.Filters(
        smiley_type=None if query.smiley_type is None else query.smiley_type.value,
        weekdays=query.weekdays,
        hours=query.hours,
        text=query.texts.search,
        text_buttons=query.texts.buttons,
        spam=query.texts.spam,
        text_language=None if query.texts.language is None else query.texts.language.value,
    )
