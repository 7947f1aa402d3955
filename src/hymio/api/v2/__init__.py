"""API v2: its routes and their handlers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from litestar import Request, Response, get
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from hymio.access import Permission
from hymio.api import formats
from hymio.api.authentication import TOKEN_CHALLENGE, TOKEN_HEADER, authenticate_token
from hymio.api.formats import Format
from hymio.api.query import Query
from hymio.api.v2 import params, rows
from hymio.api.v2.alerts import PAGED, PagedListing
from hymio.api.v2.call import Call, Listing
from hymio.api.v2.feedbacks import KINDS, Kind
from hymio.api.v2.results import feedbacks, link
from hymio.api.v2.setup import LISTINGS
from hymio.errors import NotFound
from hymio.serving.answers import answer_to, base_url_of, cached, is_known, json_answer, not_modified, tag_of
from hymio.serving.door import Door, Services
from hymio.serving.turns import owner_of

T = TypeVar("T")

_LISTINGS: Final = {listing.name: listing for listing in LISTINGS}
_PAGED: Final = {listing.name: listing for listing in PAGED}
_KINDS: Final = {kind.name: kind for kind in KINDS}


def routes(services: Services) -> list[HTTPRouteHandler]:
    """The handlers."""

    async def introspection(request: Request[Any, Any, Any]) -> Response[Any]:
        """`/v2/token/introspect`."""
        return await _looked_up(services, request, _introspection)

    async def feedback(request: Request[Any, Any, Any]) -> Response[Any]:
        """`/v2/results/…`: the feedback listings."""
        return await _feedback_in_turn(services, request)

    async def listing(request: Request[Any, Any, Any]) -> Response[Any]:
        """`/v2/…`: the listings of the set-up and of alerts."""
        return await _looked_up(services, request, _listing)

    return [
        get("/v2/token/introspect")(introspection),
        # The published path has no slash before `token`: programs made from the published description ask for this.
        get("/v2token/introspect")(introspection),
        get("/v2/results/{name:str}")(feedback),
        get("/v2/{name:str}")(listing),
    ]


DOOR: Final = Door("API v2", routes, challenge=TOKEN_CHALLENGE)


def _introspection(services: Services, request: Request[Any, Any, Any]) -> Response[Any]:
    """The token's own id, name and kinds of data."""
    principal = _call(services, request, Format.JSON).principal
    return json_answer(rows.token(principal), request.headers.get("If-None-Match", ""))


async def _looked_up(
    services: Services, request: Request[Any, Any, Any], look_up: Callable[[Services, Request[Any, Any, Any]], T]
) -> T:  # fmt: skip
    """What a function gives that looks up who asks and reads no results, in its turn. Unavailable."""
    async with services.looking.turn(owner_of(request)):
        return await sync_to_thread(look_up, services, request)


async def _feedback_in_turn(services: Services, request: Request[Any, Any, Any]) -> Response[Any]:
    """A page of feedback, read in a reader's turn, for which only a token that is accepted waits. Unavailable."""
    call, kind = await _looked_up(services, request, _feedback_call)
    async with services.reading.turn(owner_of(request)):
        return await sync_to_thread(feedbacks, call, kind)


def _feedback_call(services: Services, request: Request[Any, Any, Any]) -> tuple[Call, Kind]:
    """The call of a request for a page of a feedback listing, and the kind of listing. NotFound."""
    name, output_format = _name_and_format(request)
    if name not in _KINDS:
        raise NotFound("unknown-listing", "There is no such listing.")
    return _call(services, request, output_format), _KINDS[name]


def _listing(services: Services, request: Request[Any, Any, Any]) -> Response[Any]:
    """A listing of the set-up or of alerts. NotFound."""
    name, output_format = _name_and_format(request)
    if name in _PAGED:
        return _listing_page(_call(services, request, output_format), _PAGED[name])
    if name not in _LISTINGS:
        raise NotFound("unknown-listing", "There is no such listing.")
    return _unpaged_listing(_call(services, request, output_format), _LISTINGS[name])


def _unpaged_listing(call: Call, listing: Listing) -> Response[Any]:
    """All rows of a listing without pages."""
    call.principal.require_kind(listing.kind)
    call.principal.require(Permission.READ_SETUP)
    separator = params.separator(call.query)
    return _rows_response(call, listing.rows(call), listing.row_class, separator, headers={})


def _listing_page(call: Call, listing: PagedListing) -> Response[Any]:
    """A page of a listing by offset, with a link to the next one."""
    call.principal.require_kind(listing.kind)
    separator, window = params.separator(call.query), params.window(call.query)
    page, more = listing.page(call, window)
    headers = {"X-More-Available": "true" if more else "false"}
    if more and window.limit:
        headers["Link"] = f'<{link(call, window.offset + len(page), window.limit)}>; rel="next"'
    return _rows_response(call, page, listing.row_class, separator, headers=headers)


def _rows_response(
    call: Call, page: Sequence[Struct], row_class: type[Struct], separator: str, *, headers: dict[str, str]
) -> Response[Any]:
    """Rows in the requested format with an ETag; 304 if the client has it. Only CSV uses the separator."""
    body = call.mark + formats.encoded(page, row_class, call.output_format, separator)
    tag = tag_of(body, headers)
    if is_known(tag, call.if_none_match):
        return not_modified(tag)
    return Response(body, media_type=call.output_format.media_type, headers={**cached(tag), **headers})


def _name_and_format(request: Request[Any, Any, Any]) -> tuple[str, Format]:
    """The listing's name and the format from the last part of the path. NotFound for another format."""
    name, _, extension = request.path_params["name"].rpartition(".")
    try:
        return name, Format(extension)
    except ValueError:
        raise NotFound("unknown-format", "There is no such listing; every listing ends in .json or .csv.") from None


def _call(services: Services, request: Request[Any, Any, Any], output_format: Format) -> Call:
    """The call of a request. Unauthorized or Forbidden if its token is not accepted."""
    query, now = Query(request.scope["query_string"]), services.clock()
    with services.attempts.of(request.scope):
        principal = authenticate_token(services.store, request.headers.get(TOKEN_HEADER), query.secret("auth"), now)
    answer_to(request, principal)
    services.token_use.note(principal.organization, principal.id, now)
    return Call(
        store=services.store,
        principal=principal,
        layout=services.store.layout(principal.organization),
        query=query,
        output_format=output_format,
        now=now,
        if_none_match=request.headers.get("If-None-Match", ""),
        path=request.scope["path"],
        query_string=request.scope["query_string"],
        base_url=base_url_of(services.settings, request),
    )
