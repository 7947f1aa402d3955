"""The page of a report: reads its address, builds the report, and shows it or says what cannot be used."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from hymio.access import Principal
from hymio.errors import BadRequest, NotFound
from hymio.manage import SignedIn
from hymio.period import wall_of, zone
from hymio.report import Report, build, parse_query, sentences
from hymio.report.wording import GRAIN_NAMES, INDEX_NAMES, PERIOD_NAMES, SMILEY_TYPE_NAMES
from hymio.web.look import look_of
from hymio.web.people import People, Visit, visit
from hymio.web.reports.address import Address, address_of
from hymio.web.reports.view import TEXTS, view_of
from hymio.web.sign_in import Answer

MOST_WORDS: Final = 200
"""Parameters of an address that are read."""


def routes(people: People) -> list[HTTPRouteHandler]:
    """The handler of `/reports/NODE`."""

    @get("/reports/{node:str}", sync_to_thread=True)
    def report_page(request: Request[Any, Any, Any]) -> Answer:
        """The report of a node. NotFound for a node that does not exist or is outside the scope."""
        here = visit(people, request)
        sent = _sent(request)
        address = address_of(_node(request.path_params["node"]), sent)
        if here.person is None:
            return here.to_sign_in()
        if list(address.words.items()) != sent:
            return here.to(str(address))  # of a form, as its address is written
        return _answer(here, here.person, address)

    return [report_page]


def _sent(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """The parameters of a request in their order."""
    query: bytes = request.scope["query_string"]
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_WORDS)
    except ValueError:
        raise BadRequest("too-many-parameters", "An address has at most {most} parameters.", most=MOST_WORDS) from None


def _node(text: str) -> int:
    """The id of a node. NotFound for what cannot be one, as for one that does not exist."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise NotFound("unknown-address", "There is nothing at this address.")
    return int(text)


def _answer(here: Visit, person: SignedIn, address: Address) -> Answer:
    """The page of a report, or of what cannot be used in its address."""
    principal = person.principal
    try:
        report = _report(here, principal, address)
    except BadRequest as error:
        return _refusal(here, principal, address, error)
    return shown(here, principal, report, address)


def _report(here: Visit, principal: Principal, address: Address) -> Report:
    """The report of an address. BadRequest, NotFound."""
    query = parse_query(address.node, address.words)
    query = replace(query, texts=replace(query.texts, limit=TEXTS))
    return build(here.services.store, principal, query, here.services.clock())


def shown(here: Visit, principal: Principal, report: Report, address: Address) -> Response[bytes]:
    """The page of a report."""
    store, look = here.services.store, look_of(here.request, here.person)
    layout, content = store.layout(principal.organization), store.content(principal.organization)
    view = view_of(layout, content, principal, report, address, look.language)
    return here.page(
        "report.html", view=view, report=report, address=address, sentences=sentences,
        index_names=INDEX_NAMES, grain_names=GRAIN_NAMES, period_names=PERIOD_NAMES, type_names=SMILEY_TYPE_NAMES,
        this_year=wall_of(here.services.clock(), zone("UTC")).year,
    )  # fmt: skip


def _refusal(here: Visit, principal: Principal, address: Address, error: BadRequest) -> Response[bytes]:
    """The page that says what was got, what is accepted, and how to go on without it.

    NotFound for a node outside the scope, so that the page tells nothing of it.
    """
    layout = here.services.store.layout(principal.organization)
    principal.require_node(layout.hierarchy, address.node)
    parameter = error.parameter or ""
    return here.page(
        "report-refused.html", error.status, address=address, node=layout.hierarchy.nodes[address.node],
        detail=error.public_detail, code=error.code, parameter=parameter, back=address.to(**{parameter: None}),
        period_names=PERIOD_NAMES,
    )  # fmt: skip
