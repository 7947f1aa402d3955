"""The addresses of shared links: `/shared/SECRET` is the report's page, with the same files as `/reports/NODE`.

The node, the period and the filters are those that were shared, whatever else the address says. A secret that is
unknown, expired or revoked is answered as any address at which nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from litestar import Request, Response

from hymio import manage
from hymio.errors import NotFound
from hymio.manage import Shared
from hymio.report import build, parse_query
from hymio.serving.answers import base_url_of
from hymio.texts.localization import Localization
from hymio.web.look import look_of
from hymio.web.page import static_version
from hymio.web.people import People, Visit, visit
from hymio.web.refusal import accepts_html
from hymio.web.report_address import Address
from hymio.web.report_files import FileRequest, file_answer, kind_of
from hymio.web.report_page import shown
from hymio.web.report_view import TEXTS
from hymio.web.sign_in import Answer
from hymio.web.unchanged import Making, unchanged

HEADERS: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
"""The address is a secret: no other site may learn it, and no search engine list it."""

OF_THE_PAGE: Final = ("heat", "places", "textOffset")
"""The parameters that whoever has a link may choose: the colours of the heat map, and which part of a list is shown."""


@dataclass(frozen=True, slots=True)
class SharedAddress(Address):
    """The address of a shared report: other nodes and parameters than OF_THE_PAGE lead back to it."""

    secret: str = ""

    @property
    def may_zoom(self) -> bool:
        return False

    @property
    def query(self) -> str:
        """The parameters as they are written in an address."""
        return urlencode({name: value for name, value in self.words.items() if name in OF_THE_PAGE})

    def __str__(self) -> str:
        return self.file("")

    def file(self, extension: str) -> str:
        """The address of the same report as a file."""
        return f"/shared/{self.secret}{extension}{'?' if self.query else ''}{self.query}"

    def to(self, **changes: object) -> Address:
        """With some parameters of OF_THE_PAGE changed."""
        return Address.to(self, **{name: value for name, value in changes.items() if name in OF_THE_PAGE})

    def at(self, node: int, *, has_survey: bool = True) -> Address:
        """The same address, whatever the node."""
        return self


class Asked(NamedTuple):
    """What an address asks for: the link of a secret, and the extension and table of a file, None for the page."""

    secret: str
    extension: str | None = None
    table: str | None = None


def asked_of(name: str, table: str | None = None) -> Asked:
    """What the parts of an address behind `/shared/` ask for: the secret has two dots. NotFound."""
    parts = name.split(".")
    if table is not None:
        table, dot, extension = table.partition(".")
        if len(parts) != 3 or (dot, extension) != (".", "csv"):
            raise nothing_here()
        return Asked(name, extension, table)
    return Asked(".".join(parts[:3]), ".".join(parts[3:]) if len(parts) > 3 else None)


def shared_answer(people: People, request: Request[Any, Any, Any], asked: Asked) -> Answer | Making:
    """The page or a file of a shared report, or what makes it.

    NotFound; a browser without a session signs in first if that is needed.
    """
    here = visit(people, request)
    services, now = here.services, here.services.clock()
    shared = manage.shared_report(services.store, asked.secret, now)
    if shared is None:
        raise nothing_here()
    if shared.link.terms.needs_sign_in:
        if here.person is None and accepts_html(request):
            return here.to_sign_in()
        if here.person is None or here.person.principal.organization != shared.principal.organization:
            raise nothing_here()
    manage.note_link_use(services.store, shared.principal.organization, shared.link, now)
    answer = _page(here, shared, asked.secret) if asked.extension is None else _file(here, shared, asked)
    return _secretly(answer) if isinstance(answer, Response) else lambda: _secretly(answer())


def _secretly(answer: Answer) -> Answer:
    """An answer with HEADERS."""
    for name, value in HEADERS.items():
        answer.headers[name] = value
    return answer


def _address(here: Visit, shared: Shared, secret: str) -> SharedAddress:
    """The address with what the request chooses."""
    words = dict(parse_qsl(shared.link.terms.words))
    chosen = {name: value for name, value in here.request.query_params.items() if name in OF_THE_PAGE}
    return SharedAddress(shared.link.terms.node, {**words, **chosen}, secret)


def _page(here: Visit, shared: Shared, secret: str) -> Answer | Making:
    """304 for a browser that has the page, or what makes it."""
    services, principal, terms = here.services, shared.principal, shared.link.terms
    address, look = _address(here, shared, secret), look_of(here.request, here.person)
    query = parse_query(address.node, address.words)
    query = replace(query, texts=replace(query.texts, limit=TEXTS))
    parts = ("shared", *address.words.items(), terms.expires_at, secret, look, static_version())
    state = unchanged(services.store, principal, query, services.clock(), *parts, vary="Accept-Language, Cookie")
    known = state.answer(here.request.headers.get("If-None-Match", ""))
    if known is not None:
        return known

    def make() -> Answer:
        report = build(services.store, principal, query, state.moment)
        layout = services.store.layout(principal.organization)
        return shown(
            replace(here, form_secret="shared"),  # noqa: S106  no form is on the page, so no cookie is needed
            principal, report, address, state.headers, "shared.html",
            link=shared.link, now=state.moment, zone=layout.zone_of(terms.node, state.moment).key,
        )  # fmt: skip

    return make


def _file(here: Visit, shared: Shared, asked: Asked) -> Answer | Making:
    """304, or what makes a file of the report."""
    kind = kind_of(asked.extension or "", asked.table)
    address, request = _address(here, shared, asked.secret), here.request
    look = look_of(request, here.person)
    wanted = FileRequest(
        kind, kind.query(parse_query(address.node, address.words)), Localization(look.language, look.locale_name),
        base_url_of(here.services.settings, request), request.query_params.get("csvSeparator"),
        request.headers.get("If-None-Match", ""), request.query_params.get("csvBom"),
    )  # fmt: skip
    return file_answer(here.services, shared.principal, wanted)


def nothing_here() -> NotFound:
    """The error for whatever is not there or may not be seen."""
    return NotFound("unknown-address", "There is nothing at this address.")
