"""The front: the overview of a person's node, or the form of signing in."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler

from hymio.errors import NotFound
from hymio.manage import SignedIn
from hymio.period import wall_of, zone
from hymio.report.faces import face_of, faces_of
from hymio.report.wording import DIGITS, INDEX_NAMES, index_range
from hymio.serving.backoff import Backoff
from hymio.serving.door import Door, Route, Services
from hymio.web import account, brand, links, sign_in, smileys
from hymio.web.asked import FIELD, asked_address, own_address
from hymio.web.look import look_of
from hymio.web.overview import FEW_ANSWERS, MOST_CHILDREN, MOST_PLACES, MOST_SILENT, overview
from hymio.web.page import static_routes
from hymio.web.people import People, Visit, visit
from hymio.web.reading import read_in_turn
from hymio.web.sign_in import Answer, sign_in_form
from hymio.web.unchanged import Making


def routes(services: Services) -> list[Route]:
    """The handlers of all pages for people."""
    people = People(services, Backoff())
    return [
        _front(people),
        *sign_in.routes(people),
        *account.routes(people),
        *links.routes(people),
        *smileys.routes(people),
        *brand.routes(people),
        *static_routes(),
    ]


DOOR: Final = Door("people", routes)


def _front(people: People) -> HTTPRouteHandler:
    """The handler of `/`."""

    @get("/")
    async def front(request: Request[Any, Any, Any]) -> Answer:
        """The overview of the person's node, or of another one in the scope; without a session, the form."""
        return await read_in_turn(people.services, request, lambda: _begun(visit(people, request)))

    return front


def _begun(here: Visit) -> Answer | Making:
    """What makes the overview; without a session the form, and behind signing in the way to another address."""
    asked = here.request.query_params.get(FIELD)
    if here.person is None:
        return sign_in_form(here, to=own_address(asked) if asked else asked_address(here.request))
    return here.to(own_address(asked)) if asked else partial(_overview, here, here.person)


def _overview(here: Visit, person: SignedIn) -> Answer:
    """The page of an overview. NotFound for a node that does not exist or is outside the scope."""
    services, query = here.services, here.request.query_params
    layout, now = services.store.layout(person.principal.organization), services.clock()
    root = person.principal.root(layout.hierarchy)
    node = _number(query["node"]) if "node" in query else root
    if node is None:
        return here.page("empty.html")
    language = look_of(here.request, person).language
    survey = _number(query["survey"]) if "survey" in query else None
    shown = overview(services.store, person.principal, node, survey, language, now)
    return here.page(
        "overview.html", shown=shown, now=now, this_year=wall_of(now, zone("UTC")).year,
        faces=faces_of, face_for=face_of, digits=DIGITS, few=FEW_ANSWERS, most_silent=MOST_SILENT,
        most_places=MOST_PLACES, most_children=MOST_CHILDREN,
        figures={line.node.id: line.figure for line in shown.ranking},
        index_names=INDEX_NAMES, index_range=index_range,
    )  # fmt: skip


def _number(text: str) -> int:
    """The id that a parameter gives. NotFound if it is none, as for one that does not exist."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("unknown-address", "There is nothing at this address.")
    return int(text)
