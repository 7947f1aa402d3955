"""API v2: which request is answered with what."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, get
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from hymio.api import formats
from hymio.api.access import TOKEN_HEADER, holder
from hymio.api.answers import RETRY_SECONDS, WAIT_SECONDS, cached, is_known, json_answer, not_modified, tag_of
from hymio.api.formats import Format
from hymio.api.query import Query
from hymio.api.v2 import params, rows
from hymio.api.v2.alerts import PAGED, PagedListing
from hymio.api.v2.call import Call, Listing
from hymio.api.v2.feedbacks import KINDS
from hymio.api.v2.results import feedbacks, link
from hymio.api.v2.setup import LISTINGS
from hymio.errors import NotFound, Unavailable

_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")
_LISTINGS: Final = {each.name: each for each in LISTINGS}
_PAGED: Final = {each.name: each for each in PAGED}
_KINDS: Final = {each.name: each for each in KINDS}


def routes() -> list[HTTPRouteHandler]:
    """The handlers; they need `store`, `settings`, `clock` and `listing` in the application's state."""
    return [introspection, introspection_as_published, results_listing, listing]


@get("/v2/token/introspect", sync_to_thread=True)
def introspection(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    """The token's own id, name and kinds of data."""
    return _introspected(request, state)


# The published path has no slash before it: this is what programs made from the description ask for.
@get("/v2token/introspect", sync_to_thread=True)
def introspection_as_published(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    """The same."""
    return _introspected(request, state)


def _introspected(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    token = _call(request, state, Format.JSON).holder.token
    return json_answer(rows.token(token), request.headers.get("If-None-Match", ""))


@get("/v2/results/{name:str}")
async def results_listing(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    """A page of feedback. At most half of the threads read feedback at once: the others are for what is quick."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await state.listing.acquire()
    except TimeoutError:
        raise Unavailable("Too many listings of feedback are being read.", retry_after=RETRY_SECONDS) from None
    try:
        return await sync_to_thread(_feedbacks, request, state)
    finally:
        state.listing.release()


def _feedbacks(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    name, written = _named(request)
    if name not in _KINDS:
        raise NotFound("There is no such listing.")
    return feedbacks(_call(request, state, written), _KINDS[name])


@get("/v2/{name:str}", sync_to_thread=True)
def listing(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    """A listing of what is set up."""
    name, written = _named(request)
    if name in _PAGED:
        return _page(_call(request, state, written), _PAGED[name])
    if name not in _LISTINGS:
        raise NotFound("There is no such listing.")
    return _whole(_call(request, state, written), _LISTINGS[name])


def _whole(call: Call, of: Listing) -> Response[Any]:
    call.holder.require(of.kind)
    separator = params.separator(call.query)
    return _answered(call, of.rows(call), of.content, separator, {})


def _page(call: Call, of: PagedListing) -> Response[Any]:
    call.holder.require(of.kind)
    separator, window = params.separator(call.query), params.window(call.query)
    found, more = of.page(call, window)
    headers = {"X-More-Available": "true" if more else "false"}
    if more and window.limit:
        headers["Link"] = f'<{link(call, window.offset + len(found), window.limit)}>; rel="next"'
    return _answered(call, found, of.content, separator, headers)


def _answered(
    call: Call, found: Sequence[Struct], content: type[Struct], separator: str, headers: dict[str, str]
) -> Response[Any]:
    body = formats.encoded(found, content, call.written, separator)
    tag = tag_of(body, headers)
    if is_known(tag, call.if_none_match):
        return not_modified(tag)
    return Response(body, media_type=call.written.media_type, headers={**cached(tag), **headers})


def _named(request: Request[Any, Any, Any]) -> tuple[str, Format]:
    """The listing's name and the format from the last part of the path. NotFound for another format."""
    name, _, ending = request.path_params["name"].rpartition(".")
    try:
        return name, Format(ending)
    except ValueError:
        raise NotFound("There is no such listing; every listing ends in .json or .csv.") from None


def _call(request: Request[Any, Any, Any], state: State, written: Format) -> Call:
    query, now = Query(request.scope["query_string"]), state.clock()
    shown = holder(state.store, request.headers.get(TOKEN_HEADER), query.secret("auth"), now)
    return Call(
        store=state.store,
        holder=shown,
        setup=state.store.setup(shown.organization),
        query=query,
        written=written,
        now=now,
        if_none_match=request.headers.get("If-None-Match", ""),
        path=request.scope["path"],
        query_string=request.scope["query_string"],
        base_url=_base_url(request, state),
    )


def _base_url(request: Request[Any, Any, Any], state: State) -> str:
    """Where this client reaches Hymio: as set, or as it did just now."""
    host = request.headers.get("Host", "")
    if state.settings.base_url or not _HOST.fullmatch(host):
        return str(state.settings.public_url)
    return f"{request.scope['scheme']}://{host}"
