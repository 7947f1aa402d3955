"""The page of a report: reads its address, builds the report, and shows it or says what cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request, Response

from hymio.access import Principal
from hymio.errors import BadRequest
from hymio.manage import SignedIn
from hymio.report import Report, build, parse_query, sentences
from hymio.report.wording import (
    GRAIN_NAMES,
    PARAMETER_NAMES,
    PERIOD_NAMES,
    SMILEY_TYPE_NAMES,
    TEXT_LANGUAGE_NAMES,
    reason_names,
)
from hymio.web.cookies import form_token
from hymio.web.look import look_of
from hymio.web.page import WITH_SCRIPTS, static_version
from hymio.web.people import Visit
from hymio.web.report_address import Address, address_of
from hymio.web.report_files import EXTENSIONS
from hymio.web.report_view import TEXTS, View, view_of
from hymio.web.sign_in import Answer
from hymio.web.unchanged import Making, unchanged

MOST_WORDS: Final = 200
"""Parameters of an address that are read."""

MOST_ECHOED: Final = 200
"""Characters of what was got that a page repeats."""

MOST_DAYS: Final = 62
"""Days with misuse that the page lists; files list all."""


def report_page(here: Visit, person: SignedIn, node: int) -> Answer | Making:
    """The page of a node's report for a person, or what makes it.

    NotFound for a node that does not exist or is outside the scope.
    """
    sent = _sent(here.request)
    address = address_of(node, sent)
    if list(address.words.items()) != sent:
        return here.to(str(address))  # what a form sent, as addresses are written
    try:
        return _answer(here, person, address)
    except BadRequest as error:
        return _refusal(here, person.principal, address, error)


def _sent(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """The parameters of a request in their order. BadRequest for too many."""
    query: bytes = request.scope["query_string"]
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_WORDS)
    except ValueError:
        raise BadRequest("too-many-parameters", "An address has at most {most} parameters.", most=MOST_WORDS) from None


def _answer(here: Visit, person: SignedIn, address: Address) -> Answer | Making:
    """304 for a browser that has the page, or what makes it. BadRequest, NotFound."""
    services, principal, look = here.services, person.principal, look_of(here.request, person)
    query = parse_query(address.node, address.words)
    query = replace(query, texts=replace(query.texts, limit=TEXTS))
    parts = ("page", *address.words.items(), look, person.user, static_version(), form_token(here.form_secret))
    state = unchanged(services.store, principal, query, services.clock(), *parts, vary="Accept-Language, Cookie")
    known = state.answer(here.request.headers.get("If-None-Match", ""))
    if known is not None:
        return known

    def make() -> Answer:
        try:
            report = build(services.store, principal, query, state.moment)
        except BadRequest as error:
            return _refusal(here, principal, address, error)
        return shown(here, principal, report, address, state.headers)

    return make


def shown(
    here: Visit, principal: Principal, report: Report, address: Address, headers: Callable[[], dict[str, str]],
    template: str = "report.html", **more: Any,
) -> Response[bytes]:  # fmt: skip
    """The page of a report; `more` are values of another template. `headers` is called once all is read."""
    store, look = here.services.store, look_of(here.request, here.person)
    layout, content = store.layout(principal.organization), store.content(principal.organization)
    view = view_of(layout, content, principal, report, address, look)
    values = {**page_values(view), "is_shared": bool(more), **more}
    return here.page(template, headers={**WITH_SCRIPTS, **headers()}, **values)


def page_values(view: View) -> dict[str, object]:
    """What the template of the page needs besides the person and the look."""
    return {
        "view": view,
        "report": view.report,
        "address": view.address,
        "sentences": sentences,
        "grain_names": GRAIN_NAMES,
        "period_names": PERIOD_NAMES,
        "type_names": SMILEY_TYPE_NAMES,
        "reason_names": {} if view.report.misuse is None else reason_names(view.report.misuse),
        "language_names": TEXT_LANGUAGE_NAMES,
        "extensions": EXTENSIONS,
        "most_days": MOST_DAYS,
        "is_shared": False,
        "this_year": view.report.made_at.year,
    }


def _refusal(here: Visit, principal: Principal, address: Address, error: BadRequest) -> Response[bytes]:
    """The page that says what was got, what is accepted, and how to go on without it.

    NotFound for a node outside the scope, so that the page tells nothing of it.
    """
    layout = here.services.store.layout(principal.organization)
    principal.require_node(layout.hierarchy, address.node)
    parameter = error.parameter or ""
    return here.page(
        "report-refused.html", error.status, address=address, node=layout.hierarchy.nodes[address.node],
        error=error, parameter=parameter, name=PARAMETER_NAMES.get(parameter, parameter),
        got=(error.got or "")[:MOST_ECHOED], back=address.to(**{parameter: None}), period_names=PERIOD_NAMES,
    )  # fmt: skip
