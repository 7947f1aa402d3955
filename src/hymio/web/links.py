"""The page of one's shared links, which makes, lists and revokes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from hymio import manage
from hymio.access import Permission, Principal
from hymio.errors import BadRequest, Forbidden, HymioError, NotFound, Phrase, SetupError
from hymio.manage import LinkTerms, SharedLink, SignedIn
from hymio.period import DAY_MS, wall_of
from hymio.report import build, dates_of, parse_query
from hymio.report.wording import PERIOD_NAMES
from hymio.serving.answers import base_url_of
from hymio.serving.turns import owner_of
from hymio.web.cookies import form_of
from hymio.web.look import look_of
from hymio.web.people import People, Visit, visit
from hymio.web.report_address import address_of
from hymio.web.sign_in import Answer

DAYS: Final = (7, 30, 90, 365)
"""For how many days a link can be made."""

_REVOKED: Final = Phrase("The link is revoked.")
_NO_REFERRER: Final = {"Referrer-Policy": "no-referrer"}  # the page may show the secret of a link


@dataclass(frozen=True, slots=True)
class Line:
    """A link of the list, and the address of who shares it where that is somebody else."""

    link: SharedLink
    owner: str = ""


_Act = Callable[[Visit, SignedIn, dict[str, str]], Answer]


def routes(people: People) -> list[HTTPRouteHandler]:
    """The handlers of the page and its forms."""

    @get("/account/links", sync_to_thread=True)
    def links(request: Request[Any, Any, Any]) -> Answer:
        """The page."""
        here = visit(people, request)
        return here.to_sign_in() if here.person is None else _page(here, here.person)

    async def _answer(
        request: Request[Any, Any, Any], act: _Act, turn: AbstractAsyncContextManager[None] | None = None
    ) -> Answer:
        """Does what a form asks for, in a turn if one is given; a browser whose session ended signs in first."""
        here = await asyncio.to_thread(visit, people, request)
        if here.person is None:
            return here.to_sign_in()
        fields = await form_of(request, here.form_secret)
        async with turn or nullcontext():
            return await asyncio.to_thread(act, here, here.person, fields)

    @post("/account/links", status_code=200)
    async def share(request: Request[Any, Any, Any]) -> Answer:
        """Makes a link, and shows its address once; whether its report can be shown is tried in a reader's turn."""
        return await _answer(request, _share, people.services.reading.turn(owner_of(request)))

    @post("/account/links/revoke", status_code=303)
    async def revoke(request: Request[Any, Any, Any]) -> Answer:
        """Revokes a link."""
        return await _answer(request, _revoke)

    return [links, share, revoke]


def _page(here: Visit, person: SignedIn, secret: str = "", error: HymioError | None = None) -> Response[bytes]:
    """The page, with the address of a new link or what was wrong with it."""
    store, principal, now = here.services.store, person.principal, here.services.clock()
    layout, root = store.layout(principal.organization), principal.root(store.layout(principal.organization).hierarchy)
    base = base_url_of(here.services.settings, here.request)
    return here.page(
        "links.html", 200 if error is None else error.status, headers=_NO_REFERRER, now=now,
        zone="UTC" if root is None else layout.zone_of(root, now).key, lines=_lines(here, person),
        address=f"{base}/shared/{secret}" if secret else "",
        detail=None if error is None else error.public_detail,
        done=_REVOKED if here.request.query_params.get("done") == "revoked" else None,
    )  # fmt: skip


def _lines(here: Visit, person: SignedIn) -> list[Line]:
    """The valid links that the person may revoke, the newest first."""
    store, principal, now = here.services.store, person.principal, here.services.clock()
    valid = [link for link in manage.links(store, principal) if link.is_valid(now)]
    emails = {user.id: user.email for user in manage.users(store, principal)} if _sees_users(person) else {}
    other = look_of(here.request, person).text(Phrase("somebody else"))
    return [Line(link, "" if link.user == principal.id else emails.get(link.user, other)) for link in valid]


def _sees_users(person: SignedIn) -> bool:
    return person.principal.may(Permission.READ_USERS)


def _share(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Makes a link to the report of the fields. NotFound for a node outside the scope."""
    try:
        terms = _terms(here, person, fields)
        principal, now = person.principal, here.services.clock()
        _require_shown(here, principal, terms)
        made = manage.share_report(here.services.store, principal, principal.id, terms, now=now)
    except (BadRequest, Forbidden, SetupError) as error:
        return _page(here, person, error=error)
    return _page(here, person, made.secret)


def _require_shown(here: Visit, principal: Principal, terms: LinkTerms) -> None:
    """BadRequest where withholding has too many hours to look at, so that nobody gets a link that shows an error."""
    if not terms.needs_sign_in:
        query = parse_query(terms.node, dict(parse_qsl(terms.words)))
        with suppress(Forbidden):  # `share_report` says it better
            reader = replace(principal, least_answers=manage.LEAST_ANSWERS)
            build(here.services.store, reader, query, here.services.clock())


def _terms(here: Visit, person: SignedIn, fields: dict[str, str]) -> LinkTerms:
    """The terms that a form asks for. BadRequest for parameters of no report; NotFound for a node outside the scope."""
    layout, now = here.services.store.layout(person.principal.organization), here.services.clock()
    node = _number(fields.get("node", ""))
    person.principal.require_node(layout.hierarchy, node)
    words = dict(address_of(node, parse_qsl(fields.get("words", ""), max_num_fields=100)).words)
    shows_texts = fields.get("texts") == "yes"
    left_out = {"asOf", "heat", "places", "textOffset"} | (set() if shows_texts else _OF_TEXTS)
    words = {name: value for name, value in words.items() if name not in left_out}
    if fields.get("survey"):
        words["survey"] = fields["survey"]
    query = parse_query(node, words)
    dates = dates_of(query.period, wall_of(now, layout.zone_of(node, now)).date())
    first, last = dates.start, dates.end - timedelta(days=1)
    is_rolling = fields.get("period") == "rolling"
    words["period"] = query.period if is_rolling else f"{first}..{last}"
    look = look_of(here.request, person)
    name = (
        look.text(PERIOD_NAMES[query.period])
        if is_rolling and query.period in PERIOD_NAMES
        else look.dates(first, last)
    )
    days = _number(fields.get("days", "30"))
    return LinkTerms(
        name=_printable(f"{layout.hierarchy.nodes[node].name} · {name}")[:200],
        node=node,
        words=urlencode(words),
        expires_at=now + (days if days in DAYS else 30) * DAY_MS,
        needs_sign_in=fields.get("who") != "anybody",
        shows_texts=shows_texts,
    )


_OF_TEXTS: Final = {"text", "buttons", "textLanguage", "spam"}


def _printable(text: str) -> str:
    """A text with common spaces and without marks of direction, which names do not have."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _revoke(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Revokes a link. NotFound if the person may not."""
    link = _number(fields.get("link", ""))
    manage.revoke_link(here.services.store, person.principal, link, now=here.services.clock())
    return here.to("/account/links?done=revoked")


def _number(text: str) -> int:
    """A number of a form. NotFound if it is none, as for one that does not exist."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("unknown-address", "There is nothing at this address.")
    return int(text)
