"""The two listings of API v2 that have pages but no order: alerts, and what people wrote below them."""

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
    """A part of a listing, and whether there is more of it."""

    rows: Sequence[Struct]
    more: bool


class PagedListing(NamedTuple):
    """A listing with pages: its name in the path, the kind of data it is, what a row is, and how a page is made."""

    name: str
    kind: DataKind
    content: type[Struct]
    page: Callable[[Call, Window], Page]
    parameters: tuple[str, ...]


def alerts(call: Call, window: Window) -> Page:
    """The alerts that began within the dates asked for, by their beginning and id."""
    zones_at = call.layout.zones_at
    return _page(call, window, manage.alerts, lambda each: rows.alert(each, zones_at(each.node)))


def alert_comments(call: Call, window: Window) -> Page:
    """The comments written within the dates asked for, by their time and id."""
    zones_at = call.layout.zones_at
    return _page(call, window, manage.alert_comments, lambda each: rows.alert_comment(each, zones_at(each.node)))


def _page(call: Call, window: Window, read: Callable[..., list[T]], made: Callable[[T], Struct]) -> Page:
    survey, wanted = call.survey(), _stretches(call)
    found = read(call.store, call.principal, wanted, survey, window.offset, window.limit + 1)
    return Page([made(each) for each in found[: window.limit]], len(found) > window.limit)


def _stretches(call: Call) -> list[Stretch]:
    """The nodes that are asked for, with the range of instants that the dates are in the zone of each."""
    asked = call.node()
    top = call.root if asked is None else asked
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
