"""Listings of feedback: a page of rows, whether there are more, and the link to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from litestar import Response

from hymio import results
from hymio.api.answers import cached, is_known, not_modified, tag_of
from hymio.api.formats import Format
from hymio.api.v2 import cursor, params
from hymio.api.v2.call import Call
from hymio.api.v2.cursor import Cursor
from hymio.api.v2.feedbacks import Kind, Writer
from hymio.errors import Forbidden
from hymio.period import MINUTE_MS, Instant
from hymio.results import Wanted, place_of

_QUARTER_OF_AN_HOUR = 15 * MINUTE_MS
"""Midnight comes to every zone at the full quarter of some hour, and with it another today."""


def feedbacks(call: Call, kind: Kind) -> Response[Any]:
    """A page of a listing of feedback. BadRequest names a parameter, Forbidden is for what the token does not reach."""
    call.holder.require(kind.data)
    if not call.holder.raw_results:
        raise Forbidden("Raw results, and so all feedback one by one, are switched off for this organization.")
    asked = _asked(call, kind)
    separator = params.separator(call.query)
    tag = _tag(call, asked.now)
    if is_known(tag, call.if_none_match):
        return not_modified(tag)
    writer = Writer(call.setup, kind, separator if call.written is Format.CSV else None)
    body, following = _read(call, asked, writer)
    headers = {**cached(tag), "X-More-Available": "true" if following else "false"}
    if following is not None and asked.wanted is not None and asked.wanted.limit:
        address = link(call, following.offset, asked.wanted.limit, cursor.written(following))
        headers["Link"] = f'<{address}>; rel="next"'
    return Response(body, media_type=call.written.media_type, headers=headers)


class _Asked(NamedTuple):
    """What a request wants, None where the token sees nothing at all, at which offset and when."""

    wanted: Wanted | None
    offset: int
    now: Instant


def _asked(call: Call, kind: Kind) -> _Asked:
    window, text = params.window(call.query), call.query.text("cursor", "a cursor")
    goes_on = None if text is None else cursor.read(text, kind.phase)
    now = call.now if goes_on is None else min(goes_on.moment, call.now)
    node = call.node() or call.root
    survey = call.survey()
    dates = params.dates(call.query, call.zone(node), now)
    misuse = params.flag(call.query, "includeMisuse", otherwise=False)
    spam = params.flag(call.query, "includeSpam", otherwise=True)
    descending = params.descending(call.query)
    if node is None:
        return _Asked(None, window.offset, now)
    wanted = Wanted(
        kind.phase, node, survey, lambda zone: dates.instants(zone, now), misuse, spam, descending,
        window.offset, window.limit,
    )  # fmt: skip
    if goes_on is not None:
        place = goes_on.place if goes_on.offset == window.offset else None
        wanted = replace(wanted, revision=goes_on.revision, after=place)
    return _Asked(wanted, window.offset, now)


def _read(call: Call, asked: _Asked, writer: Writer) -> tuple[bytes, Cursor | None]:
    """The body of a page, and the cursor of what follows where there is more. Rows become text one by one."""
    if asked.wanted is None:
        return _body([], writer, call.written), None
    wanted = asked.wanted
    with results.listed(call.store, call.organization, wanted, asked.now) as found:
        last: list[tuple[Any, ...]] = []
        lines = [writer.line(row) for row in _noting(islice(found.rows, wanted.limit), last)]
        more = next(found.rows, None) is not None
    if not more:
        return _body(lines, writer, call.written), None
    place = place_of(last[0], wanted.phase) if last else (0, 0, 0, 0)
    return _body(lines, writer, call.written), Cursor(found.revision, asked.now, asked.offset + len(lines), place)


def _noting(rows: Iterator[tuple[Any, ...]], last: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        last[:] = [row]
        yield row


def _body(lines: list[str], writer: Writer, written: Format) -> bytes:
    if written is Format.CSV:
        return (writer.header + "".join(lines)).encode()
    return ("[" + ",".join(lines) + "]").encode()


def _tag(call: Call, now: Instant) -> str:
    """What an answer depends on: whatever was committed, the request, what the token reaches, and what day it is."""
    revision = results.revision(call.store, call.organization)
    return tag_of(
        call.organization, revision, call.path, call.asked, call.holder.token.node, now // _QUARTER_OF_AN_HOUR
    )  # fmt: skip


def link(call: Call, offset: int, limit: int, place: str | None = None) -> str:
    """The address of the next page: the request's own parameters with another offset and, of feedback, a cursor."""
    kept = parse_qsl(call.query_string.decode("latin-1"), keep_blank_values=True)
    asked = [pair for pair in kept if pair[0] not in ("offset", "limit", "cursor")]
    asked += [("offset", str(offset)), ("limit", str(limit))]
    asked += [] if place is None else [("cursor", place)]
    return f"{call.base_url}{call.path}?{urlencode(asked)}"
