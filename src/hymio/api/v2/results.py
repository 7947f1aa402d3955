"""Listings of feedback: a page of rows, whether there are more, and the link to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from litestar import Response

from hymio import results
from hymio.api.formats import Format
from hymio.api.v2 import cursor, params
from hymio.api.v2.call import Call
from hymio.api.v2.cursor import Cursor
from hymio.api.v2.feedbacks import Kind, Writer
from hymio.errors import Forbidden
from hymio.period import MINUTE_MS, Instant
from hymio.results import Listed, Phase, Wanted, place_of
from hymio.serving.answers import cached, is_known, not_modified, tag_of

_QUARTER_OF_AN_HOUR = 15 * MINUTE_MS
"""Midnight comes to every zone at the full quarter of some hour, and with it another today."""


def feedbacks(call: Call, kind: Kind) -> Response[Any]:
    """A page of a listing of feedback. BadRequest names a parameter, Forbidden is for what the token does not reach."""
    call.principal.require_kind(kind.data)
    if not call.principal.raw_results:
        raise Forbidden(
            "feedback-switched-off",
            "Raw results, and so all feedback one by one, are switched off for this organization.",
        )
    asked, separator = _asked(call, kind), params.separator(call.query)
    in_csv = separator if call.written is Format.CSV else None
    if asked.wanted is None:
        return _answer(call, _Page(_whole([], Writer(call.layout, call.content, kind, in_csv)), None), 0, {})
    content = call.content  # read before the listing opens its snapshot, so that a request uses one connection
    with results.listed(call.store, call.organization, asked.wanted, asked.now) as found:
        if found.layout.revision == call.layout.revision:
            tag = _tag(call, found, asked.now)
            if is_known(tag, call.if_none_match):
                return not_modified(tag)
            page = _read(asked.wanted, asked.now, found, Writer(call.layout, content, kind, in_csv))
            return _answer(call, page, asked.wanted.limit, cached(tag))
    # The set-up was changed since the request was read: what the token sees is asked anew.
    return feedbacks(replace(call, layout=call.store.layout(call.organization)), kind)


class _Page(NamedTuple):
    """The body of an answer, and the cursor of what follows where there is more."""

    body: bytes
    following: Cursor | None


def _answer(call: Call, page: _Page, limit: int, headers: dict[str, str]) -> Response[Any]:
    headers = {**headers, "X-More-Available": "true" if page.following else "false"}
    if page.following is not None and limit:
        address = link(call, page.following.offset, limit, cursor.written(page.following))
        headers["Link"] = f'<{address}>; rel="next"'
    return Response(page.body, media_type=call.written.media_type, headers=headers)


class _Asked(NamedTuple):
    """What a request wants, None where the token sees nothing at all, and when."""

    wanted: Wanted | None
    now: Instant


def _asked(call: Call, kind: Kind) -> _Asked:
    window, text = params.window(call.query), call.query.text("cursor", "a cursor")
    goes_on = None if text is None else cursor.read(text, kind.phase)
    now = call.now if goes_on is None else min(goes_on.moment, call.now)
    node = call.node() or call.root
    survey = call.survey()
    dates = params.dates(call.query, call.zone(node), now)
    misuse = params.flag(call.query, "includeMisuse", otherwise=False)
    spam = kind.phase is not Phase.TEXT or params.flag(call.query, "includeSpam", otherwise=True)
    descending = params.descending(call.query)
    if node is None:
        return _Asked(None, now)
    wanted = Wanted(
        kind.phase, node, survey, lambda zone: dates.instants(zone, now), misuse, spam, descending,
        window.offset, window.limit,
    )  # fmt: skip
    if goes_on is not None:
        place = goes_on.place if goes_on.offset == window.offset else None
        wanted = replace(wanted, revision=goes_on.revision, after=place)
    return _Asked(wanted, now)


def _read(wanted: Wanted, now: Instant, found: Listed, writer: Writer) -> _Page:
    """The page; rows become bytes one by one."""
    last: list[tuple[Any, ...]] = []
    body = _whole(islice(found.rows, wanted.limit), writer, last)
    if next(found.rows, None) is None:
        return _Page(body, None)
    place = place_of(last[0], wanted.phase) if last else (0, 0, 0, 0)
    return _Page(body, Cursor(found.revision, now, wanted.offset + writer.written, place))


def _whole(rows: Iterable[tuple[Any, ...]], writer: Writer, last: list[tuple[Any, ...]] | None = None) -> bytes:
    """The body of an answer; `last` holds the last row afterwards."""
    body = bytearray(writer.begin)
    for row in rows:
        body += writer.line(row).encode()
        if last is not None:
            last[:] = [row]
    body += writer.end
    return bytes(body)


def _tag(call: Call, found: Listed, now: Instant) -> str:
    """What an answer depends on: whatever was committed, the request, what the token reaches, and what day it is."""
    view = found.present, found.layout.revision
    token = call.principal.id, call.principal.node
    return tag_of(call.organization, *view, call.path, call.asked, *token, now // _QUARTER_OF_AN_HOUR)


def link(call: Call, offset: int, limit: int, place: str | None = None) -> str:
    """The address of the next page: the request's own parameters with another offset and, of feedback, a cursor."""
    kept = parse_qsl(call.query_string.decode("latin-1"), keep_blank_values=True)
    asked = [pair for pair in kept if pair[0] not in ("offset", "limit", "cursor")]
    asked += [("offset", str(offset)), ("limit", str(limit))]
    asked += [] if place is None else [("cursor", place)]
    return f"{call.base_url}{call.path}?{urlencode(asked)}"
