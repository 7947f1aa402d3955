"""The addresses of reports: `/reports/NODE` is the page, `/reports/NODE.EXTENSION` and `/reports/NODE/TABLE.csv` files.

All take the same parameters, those of `report.ReportQuery.words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from litestar import Request, get

from hymio import manage
from hymio.access import DataKind, Principal
from hymio.errors import NotFound, Unauthorized
from hymio.report import parse_query
from hymio.serving.answers import answer_to, base_url_of
from hymio.serving.backoff import Backoff
from hymio.serving.door import Door, Route, Services
from hymio.texts import PAGE_LANGUAGES, choose
from hymio.texts.localization import Localization
from hymio.web.look import look_of
from hymio.web.people import People, Visit, visit
from hymio.web.reading import read_in_turn
from hymio.web.refusal import accepts_html
from hymio.web.report_files import FileRequest, file_answer, kind_of
from hymio.web.report_page import report_page
from hymio.web.report_spam import spam_routes
from hymio.web.shared import asked_of, shared_answer
from hymio.web.sign_in import Answer
from hymio.web.unchanged import Making

CHALLENGE: Final = 'Bearer realm="Hymio reports"'


def routes(services: Services) -> Sequence[Route]:
    """The handlers."""
    people = People(services, Backoff())

    @get("/reports/{node:str}")
    async def report(request: Request[Any, Any, Any]) -> Answer:
        """The page of a node, or a file of its report. NotFound."""
        node, dot, extension = request.path_params["node"].partition(".")
        if not dot:
            return await read_in_turn(services, request, lambda: _page(people, request, _node(node)))
        return await read_in_turn(services, request, lambda: _file(people, request, _node(node), extension, None))

    @get("/reports/{node:str}/{table:str}")
    async def table(request: Request[Any, Any, Any]) -> Answer:
        """One table of a report as CSV. NotFound."""
        name, dot, extension = request.path_params["table"].partition(".")
        if (dot, extension) != (".", "csv"):
            raise NotFound("unknown-address", "There is nothing at this address.")
        node = request.path_params["node"]
        return await read_in_turn(services, request, lambda: _file(people, request, _node(node), extension, name))

    @get("/shared/{name:str}")
    async def shared(request: Request[Any, Any, Any]) -> Answer:
        """The page of a shared report, or a file of it. NotFound."""
        asked = asked_of(request.path_params["name"])
        return await read_in_turn(services, request, lambda: shared_answer(people, request, asked))

    @get("/shared/{name:str}/{table:str}")
    async def shared_table(request: Request[Any, Any, Any]) -> Answer:
        """One table of a shared report as CSV. NotFound."""
        asked = asked_of(request.path_params["name"], request.path_params["table"])
        return await read_in_turn(services, request, lambda: shared_answer(people, request, asked))

    return [report, table, shared, shared_table, *spam_routes(people)]


DOOR: Final = Door("reports", routes, challenge=CHALLENGE)


def _page(people: People, request: Request[Any, Any, Any], node: int) -> Answer | Making:
    """The page of a report, or what makes it; a browser without a session signs in first."""
    here = visit(people, request)
    return here.to_sign_in() if here.person is None else report_page(here, here.person, node)


def _file(
    people: People, request: Request[Any, Any, Any], node: int, extension: str, table: str | None
) -> Answer | Making:
    """A file of a report, or what makes it. NotFound for an unknown format; Unauthorized without a credential."""
    kind = kind_of(extension, table)
    here = visit(people, request)
    reader = reader_of(here)
    if reader is None:
        return here.to_sign_in()
    services = people.services
    query = kind.query(parse_query(node, request.query_params))
    asked = FileRequest(
        kind, query, reader.language, base_url_of(services.settings, request), request.query_params.get("csvSeparator"),
        request.headers.get("If-None-Match", ""), request.query_params.get("csvBom"),
    )  # fmt: skip
    return file_answer(services, reader.principal, asked)


class Reader(NamedTuple):
    """Who reads a file: the principal of a token or session, and how texts, numbers and dates are written."""

    principal: Principal
    language: Localization


def reader_of(here: Visit) -> Reader | None:
    """Who sent a request: a token of API v2 in the header Authorization, else the session; None for a browser.

    Unauthorized for a wrong token, or without any credential for a program.
    """
    scheme, _, secret = here.request.headers.get("Authorization", "").partition(" ")
    if scheme:
        principal = _token_principal(here, secret.strip() if scheme.lower() == "bearer" else "")
        accepted = here.request.headers.get("Accept-Language", "")
        language = choose(None, accepted, principal.default_language, PAGE_LANGUAGES)
        return Reader(principal, Localization(language, language))
    if here.person is not None:
        return Reader(here.person.principal, look_of(here.request, here.person))
    if accepts_html(here.request):
        return None
    raise _refused(is_missing=True)


def _token_principal(here: Visit, secret: str) -> Principal:
    """The token of API v2 with a secret, whose use is noted. Unauthorized; Forbidden if the API is not activated.

    If raw results are off, it reads no texts, as each is a result of its own.
    """
    services, now = here.services, here.services.clock()
    with services.attempts.of(here.request.scope):
        principal = manage.v2_principal(services.store, secret, now)
        if principal is None:
            raise _refused(is_missing=False)
    answer_to(here.request, principal)
    services.token_use.note(principal.organization, principal.id, now)
    if principal.raw_results:
        return principal
    return replace(principal, kinds=principal.kinds - {DataKind.TEXT_FEEDBACKS})


def _refused(*, is_missing: bool) -> Unauthorized:
    """The error for a missing or wrong credential, in one text."""
    return Unauthorized(
        "report-credential-refused",
        "Sign in, or send a token of API v2 in the header Authorization: Bearer TOKEN.",
        is_missing=is_missing,
    )


def _node(text: str) -> int:
    """The node of an address. NotFound if it is no number, as for one that does not exist."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("unknown-address", "There is nothing at this address.")
    return int(text)
