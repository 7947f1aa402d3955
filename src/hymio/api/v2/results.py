"""Listings of feedback: a page of rows, whether there are more, and the link to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from litestar import Response

from hymio import results
from hymio.api.formats import Format
from hymio.api.v2 import cursor, params, writer
from hymio.api.v2.call import Call
from hymio.api.v2.cursor import Cursor
from hymio.api.v2.feedbacks import Kind, Names
from hymio.errors import Forbidden, Phrase
from hymio.period import MINUTE_MS, Instant
from hymio.results import FeedbackRow, OfNode, OfSurvey, Phase, Query, Rows, SortKey
from hymio.serving.answers import cached, is_known, not_modified, tag_of

_QUARTER_HOUR_MS: Final = 15 * MINUTE_MS
"""Midnight comes to every zone at the full quarter of some hour, and with it another today."""

_BATCH: Final = 1_000
"""Rows of a page that are in memory at the same time; more make nothing faster."""

_BEGINNING: Final = SortKey(0, 0, 0, 0)
"""Stands in the cursor behind a page without rows, which has no link."""


def feedbacks(call: Call, kind: Kind) -> Response[bytes] | Response[None]:
    """A page of a listing of feedback. BadRequest names a parameter, Forbidden is for what the token does not reach."""
    call.principal.require_kind(kind.data)
    if not call.principal.raw_results:
        raise Forbidden(
            "feedback-switched-off",
            "Raw results, and so all feedback one by one, are switched off for this organization.",
        )
    wanted, separator = _wanted(call, kind), params.separator(call.query)
    separator_of_csv = separator if call.written is Format.CSV else None
    # Read before the listing opens its snapshot, so that a request uses one connection.
    names = Names(call.layout, call.content if kind.shows_texts else None)
    if wanted.query is None:
        return _answer(call, writer.body((), kind, names, separator_of_csv), None, 0, {})
    # One row more than wanted says whether there are more.
    query = replace(wanted.query, limit=wanted.limit + 1)
    with results.rows(call.store, call.principal, query, wanted.moment) as found:
        if found.layout.revision == call.layout.revision:
            tag = _tag(call, found, wanted.moment)
            if is_known(tag, call.if_none_match):
                return not_modified(tag)
            page = _Page(found.rows, wanted.limit)
            body = writer.body(page.batches(), kind, names, separator_of_csv)
            following = _following(wanted, found.revision, page.last) if page.has_more() else None
            return _answer(call, body, following, wanted.limit, cached(tag))
    # The set-up was changed since the request was read: what the token reaches is asked anew.
    return feedbacks(replace(call, layout=call.store.layout(call.organization)), kind)


class _Wanted(NamedTuple):
    """What a request asks for, None where the token reaches nothing at all, and the moment its listing is of."""

    query: Query | None
    moment: Instant
    offset: int
    limit: int


def _wanted(call: Call, kind: Kind) -> _Wanted:
    window, text = params.window(call.query), call.query.text("cursor", Phrase("a cursor"))
    before = None if text is None else cursor.decoded(text, kind.phase)
    moment = call.now if before is None else min(before.moment, call.now)
    node, survey = call.node() or call.root, call.survey()
    dates = params.dates(call.query, call.zone(node), moment)
    misuse = params.flag(call.query, "includeMisuse", otherwise=False)
    spam = kind.phase is not Phase.TEXT or params.flag(call.query, "includeSpam", otherwise=True)
    descending = params.descending(call.query)
    if node is None:
        return _Wanted(None, moment, *window)
    subject = OfNode(node) if survey is None else OfSurvey(node, survey)
    within = params.within(dates, call.zones_below(node, moment), moment)
    query = Query(subject, within, kind.phase, misuse, spam, descending, window.offset)
    if before is not None:
        query = replace(query, revision=before.revision, after=before.after if before.offset == window.offset else None)
    return _Wanted(query, moment, *window)


class _Page:
    """The first `limit` rows of a listing; after `batches` is exhausted, `last` is the last of them."""

    def __init__(self, rows: Iterator[FeedbackRow], limit: int) -> None:
        self._rows, self._left = rows, limit
        self.last: FeedbackRow | None = None

    def batches(self) -> Iterator[list[FeedbackRow]]:
        """The rows, up to _BATCH of them at a time."""
        while batch := list(islice(self._rows, min(_BATCH, self._left))):
            self._left -= len(batch)
            self.last = batch[-1]
            yield batch

    def has_more(self) -> bool:
        """Whether another row follows the page."""
        return next(self._rows, None) is not None


def _following(wanted: _Wanted, revision: int, last: FeedbackRow | None) -> Cursor:
    """The cursor of the page that begins after a row."""
    after = _BEGINNING if last is None else last.sort_key
    return Cursor(revision, wanted.moment, wanted.offset + wanted.limit, after)


def _answer(call: Call, body: bytes, following: Cursor | None, limit: int, headers: dict[str, str]) -> Response[bytes]:
    headers = {**headers, "X-More-Available": "true" if following else "false"}
    if following is not None and limit:
        headers["Link"] = f'<{link(call, following.offset, limit, cursor.encoded(following))}>; rel="next"'
    return Response(body, media_type=call.written.media_type, headers=headers)


def _tag(call: Call, found: Rows, moment: Instant) -> str:
    """What an answer depends on: whatever was committed, the request, what the token reaches, and what day it is."""
    view = found.present, found.layout.revision
    token = call.principal.id, call.principal.node
    return tag_of(call.organization, *view, call.path, call.asked, *token, moment // _QUARTER_HOUR_MS)


def link(call: Call, offset: int, limit: int, cursor: str | None = None) -> str:
    """The address of the next page: the request's own parameters with another offset and, of feedback, a cursor."""
    parameters = parse_qsl(call.query_string.decode("latin-1"), keep_blank_values=True)
    asked = [pair for pair in parameters if pair[0] not in ("offset", "limit", "cursor")]
    asked += [("offset", str(offset)), ("limit", str(limit))]
    asked += [] if cursor is None else [("cursor", cursor)]
    return f"{call.base_url}{call.path}?{urlencode(asked)}"
