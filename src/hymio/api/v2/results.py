"""Listings of feedback: a page of rows, whether there are more, and the link to the next page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from litestar import Response

from hymio import results
from hymio.api.formats import Format
from hymio.api.v2 import cursor, params, writer
from hymio.api.v2.call import Call
from hymio.api.v2.cursor import Cursor
from hymio.api.v2.feedbacks import Kind, Names
from hymio.errors import Forbidden, Phrase
from hymio.period import Instant, InstantRange
from hymio.results import FeedbackRow, OfNode, OfSurvey, Phase, Query, Rows, SortKey
from hymio.serving.answers import cached, is_known, not_modified, tag_of

_BATCH: Final = 1_000
"""Rows of a page that are in memory at the same time; more make nothing faster."""

_BEGINNING: Final = SortKey(0, 0, 0, 0)
"""The sort key in the cursor of a page with limit 0, which is never sent."""


def feedbacks(call: Call, kind: Kind) -> Response[bytes] | Response[None]:
    """A page of a listing of feedback. BadRequest names a parameter; Forbidden for an id outside the scope."""
    call.principal.require_kind(kind.data)
    if not call.principal.raw_results:
        raise Forbidden(
            "feedback-switched-off",
            "Raw results, and so all feedback one by one, are switched off for this organization.",
        )
    request, separator = _page_request(call, kind), params.separator(call.query)
    params.bom(call.query, otherwise=False)
    separator_of_csv = separator if call.output_format is Format.CSV else None
    # Read before the listing opens its snapshot, so that a request uses one connection.
    names = Names(call.layout, call.content if kind.shows_texts else None)
    if request.query is None:
        return _answer(call, writer.body((), kind, names, separator_of_csv), None, 0, {})
    # One row too many is read, to know whether there is another page.
    query = replace(request.query, limit=request.limit + 1)
    with results.rows(call.store, call.principal, query, request.moment) as feedback:
        if feedback.layout.revision == call.layout.revision:
            tag = _tag(call, feedback, request)
            if is_known(tag, call.if_none_match):
                return not_modified(tag)
            page = _Page(feedback.rows, request.limit)
            body = writer.body(page.batches(), kind, names, separator_of_csv)
            next_page = _next_page(request, feedback.revision, page.last) if page.has_more() else None
            return _answer(call, body, next_page, request.limit, cached(tag))
    # The set-up was changed after the layout of the call was read: the scope must be determined again.
    return feedbacks(replace(call, layout=call.store.layout(call.organization)), kind)


class _PageRequest(NamedTuple):
    """The page that is requested; `moment` is the `now` of the listing's first page, by which dates are resolved.

    `query` is None where the token's scope is empty.
    """

    query: Query | None
    moment: Instant
    offset: int
    limit: int


def _page_request(call: Call, kind: Kind) -> _PageRequest:
    """The page that the parameters of a request select."""
    window, text = params.window(call.query), call.query.text("cursor", Phrase("a cursor"))
    position = None if text is None else cursor.decoded(text, kind.phase)
    moment = call.now if position is None else min(position.moment, call.now)
    node, survey = call.node() or call.root, call.survey()
    dates = params.dates(call.query, call.zone(node), moment)
    misuse = params.flag(call.query, "includeMisuse", otherwise=False)
    spam = kind.phase is not Phase.TEXT or params.flag(call.query, "includeSpam", otherwise=True)
    descending = params.descending(call.query)
    if node is None:
        return _PageRequest(None, moment, *window)
    subject = OfNode(node) if survey is None else OfSurvey(node, survey)
    within = params.within(dates, call.zones_below(node, moment), moment)
    query = Query(subject, within, kind.phase, misuse, spam, descending, window.offset)
    if position is not None:
        after = position.after if position.offset == window.offset else None
        query = replace(query, revision=position.revision, after=after)
    return _PageRequest(query, moment, *window)


class _Page:
    """The first `limit` rows of a listing; after `batches` is exhausted, `last` is the last of them."""

    def __init__(self, rows: Iterator[FeedbackRow], limit: int) -> None:
        self._rows, self._remaining = rows, limit
        self.last: FeedbackRow | None = None

    def batches(self) -> Iterator[list[FeedbackRow]]:
        """The rows, up to _BATCH of them at a time."""
        while batch := list(islice(self._rows, min(_BATCH, self._remaining))):
            self._remaining -= len(batch)
            self.last = batch[-1]
            yield batch

    def has_more(self) -> bool:
        """Whether another row follows the page."""
        return next(self._rows, None) is not None


def _next_page(request: _PageRequest, revision: int, last: FeedbackRow | None) -> Cursor:
    """The cursor of the next page; `last` is the last row of the requested one, None if that has no rows."""
    after = _BEGINNING if last is None else last.sort_key
    return Cursor(revision, request.moment, request.offset + request.limit, after)


def _answer(call: Call, body: bytes, next_page: Cursor | None, limit: int, headers: dict[str, str]) -> Response[bytes]:
    """The response with the headers of paging."""
    headers = {**headers, "X-More-Available": "true" if next_page else "false"}
    if next_page is not None and limit:
        headers["Link"] = f'<{link(call, next_page.offset, limit, cursor.encoded(next_page))}>; rel="next"'
    return Response(call.mark + body, media_type=call.output_format.media_type, headers=headers)


def _tag(call: Call, feedback: Rows, request: _PageRequest) -> str:
    """The ETag of a page: a hash of all that its rows depend on.

    These are the last change to what the query selects, the path and parameters, the token's scope, and the instants
    of the dates. The link to the next page is of the revision at which the page was read; a page that is still the same
    has a link that goes on behind it, too.
    """
    token = call.principal.id, call.principal.node
    within = None if request.query is None else request.query.within
    dates = within if isinstance(within, InstantRange) or within is None else _by_zone(call, request.moment, within)
    return tag_of(call.organization, feedback.changed(), call.path, call.parameters, *token, call.mark, dates)


def _by_zone(call: Call, moment: Instant, within: Mapping[ZoneInfo, InstantRange]) -> list[object]:
    """The instants of the dates in each zone, and the zones of the points of the token's scope that change theirs.

    The zone of any other point follows from the set-up, whose last change is part of the tag.
    """
    layout = call.layout
    points = [] if call.root is None else layout.hierarchy.points(call.root)
    moving = [point.id for point in points if len(layout.zones_at(point.id).steps) > 1]
    dates = sorted((zone.key, instants.start, instants.end) for zone, instants in within.items())
    return [dates, [(point, layout.zone_of(point, moment).key) for point in moving]]


def link(call: Call, offset: int, limit: int, cursor: str | None = None) -> str:
    """The URL of the next page: the request's own parameters with another offset and, for feedback, a cursor."""
    own = parse_qsl(call.query_string.decode("latin-1"), keep_blank_values=True)
    parameters = [(name, value) for name, value in own if name not in ("offset", "limit", "cursor")]
    parameters += [("offset", str(offset)), ("limit", str(limit))]
    parameters += [] if cursor is None else [("cursor", cursor)]
    return f"{call.base_url}{call.path}?{urlencode(parameters)}"
