"""The two listings of API v2 with pages by offset: alerts and the comments on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from hymio import manage
from hymio.access import DataKind
from hymio.api.v2 import params, rows
from hymio.api.v2.call import Call
from hymio.api.v2.params import Window
from hymio.manage import Stretch
from hymio.period import InstantRange

T = TypeVar("T")


class Page(NamedTuple):
    """The rows of a page, and whether there are more."""

    rows: Sequence[Struct]
    more: bool


class PagedListing(NamedTuple):
    """A listing with pages: its name in the path, its kind of data, the class of its rows, and what makes a page."""

    name: str
    kind: DataKind
    row_class: type[Struct]
    page: Callable[[Call, Window], Page]
    parameters: tuple[str, ...]


def alerts(call: Call, window: Window) -> Page:
    """The alerts that began within the requested dates, by their beginning and id."""
    zones_at = call.layout.zones_at
    return _page(call, window, manage.alerts, lambda alert: rows.alert(alert, zones_at(alert.node)))


def alert_comments(call: Call, window: Window) -> Page:
    """The comments written within the requested dates, by their time and id."""
    zones_at = call.layout.zones_at
    return _page(
        call, window, manage.alert_comments, lambda comment: rows.alert_comment(comment, zones_at(comment.node))
    )


def _page(call: Call, window: Window, read: Callable[..., list[T]], published: Callable[[T], Struct]) -> Page:
    """A page of the values that `read` selects, converted by `published`; one more is read to know if it exists."""
    survey, stretches = call.survey(), _stretches(call)
    values = read(call.store, call.principal, stretches, survey, window.offset, window.limit + 1)
    return Page([published(value) for value in values[: window.limit]], len(values) > window.limit)


def _stretches(call: Call) -> list[Stretch]:
    """The selected nodes, grouped by the range of instants that the requested dates are in their zones."""
    selected = call.node()
    top = call.root if selected is None else selected
    dates = params.dates(call.query, call.zone(top), call.now)
    nodes: dict[ZoneInfo, list[int]] = {}
    for node in () if top is None else call.layout.hierarchy.subtree(top):
        nodes.setdefault(call.layout.zone_of(node.id, call.now), []).append(node.id)
    ranges: dict[InstantRange, list[int]] = {}
    for zone, in_zone in nodes.items():
        ranges.setdefault(dates.in_zone(zone, call.now), []).extend(in_zone)
    return [Stretch(within, in_range) for within, in_range in ranges.items()]


_PARAMETERS: Final = ("surveyId", "experiencePointId", "period", "startDate", "endDate", "offset", "limit")

PAGED: Final = (
    PagedListing("alerts", DataKind.ALERTS, rows.Alert, alerts, _PARAMETERS),
    PagedListing("alert-comments", DataKind.ALERTS, rows.AlertComment, alert_comments, _PARAMETERS),
)
