"""The addresses of the hosted page of a published smiley: a form for each step, which works without scripts."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from hymio.errors import NotFound
from hymio.gateway.digital.forms import STEPS, Answer, step
from hymio.gateway.digital.link import Link
from hymio.gateway.digital.messages import Intake
from hymio.gateway.digital.view import SCRIPT, STYLES, AnyRequest, View, html, nothing, shown_by, static

PAGE: Final = "/w/{code:str}"

_YEAR_SECONDS: Final = 365 * 24 * 3600
_TYPES: Final = {"page.css": "text/css", "page.js": "text/javascript"}


def routes(intake: Intake) -> list[HTTPRouteHandler]:
    """The handlers of the page, its steps, its style sheet and its script."""

    @get(PAGE)
    async def page(request: AnyRequest) -> Answer:
        """The first page, or the page of a step; it changes nothing."""
        return await _page(intake, request)

    @post(PAGE)
    async def send(request: AnyRequest) -> Answer:
        """A form of the page: records what it says, then sends the browser to the next step."""
        return await step(intake, request)

    @get([STYLES, SCRIPT], sync_to_thread=False)
    def file(request: AnyRequest) -> Response[bytes]:
        """The style sheet or the script, under an address that changes with it."""
        name = request.scope["path"].rpartition("/")[2]
        headers = {"Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
        return Response(static(name), media_type=_TYPES[name], headers=headers)

    return [page, send, file]


async def _page(intake: Intake, request: AnyRequest) -> Answer:
    """A page by its address; a quiet 404 for a wrong code."""
    query, now = dict(request.query_params), intake.services.clock()
    link = Link.of(query)
    try:
        here = await shown_by(intake, request, link, now)
    except NotFound:
        return nothing()
    step = query.get("step", "")
    if here.survey is None or step not in STEPS:
        return await html(intake, View(here, link, "press" if here.survey else "closed"), now)
    return await html(intake, View(here, link, step, query.get("id", ""), link.button or 0), now)
