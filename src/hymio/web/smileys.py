"""The pages of published smileys, on which an ADMIN publishes them, sees them live and takes their handouts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from hymio import manage
from hymio.access import Permission, Principal
from hymio.errors import BadRequest, HymioError, NotFound, Phrase, SetupError
from hymio.handouts import addresses
from hymio.handouts.mail import mail_html
from hymio.handouts.offer import Offer, offer, publication_of
from hymio.handouts.poster import Paper, poster
from hymio.handouts.qr import qr_png, qr_svg
from hymio.hierarchy import Node
from hymio.manage import Batch, SignedIn
from hymio.period import Instant
from hymio.serving.answers import base_url_of
from hymio.setup import Layout
from hymio.smiley import Smiley, SmileyType
from hymio.survey import Flow, Localized
from hymio.web.cookies import form_of
from hymio.web.page import WITH_SCRIPTS
from hymio.web.people import People, Visit, visit
from hymio.web.sign_in import Answer

LIST: Final = "/smileys"
PAGE: Final = "/smileys/{smiley:str}"
FILE: Final = "/smileys/{smiley:str}/{name:str}"

EXAMPLE_FIELD: Final = "*|UNIQID|*"
"""The merge field that is offered first: that of Mailchimp."""

PAPERS: Final = {
    Paper.A3: "A3", Paper.A4: "A4", Paper.A5: "A5",
    Paper.TENT: Phrase("Table tent (A4, to be folded)"),
}  # fmt: skip
_DONE: Final = {
    "published": Phrase("The smiley is published. Its presses are tests until you say that they count."),
    "settings": Phrase("Saved."),
    "flow": Phrase("What is asked for is saved."),
}
_HEADERS: Final = {"Content-Security-Policy": f"{WITH_SCRIPTS['Content-Security-Policy']}; frame-src 'self'"}
"""The page frames that of the smiley, and has the script that copies."""

_NO_STORE: Final = {"Cache-Control": "no-store"}
_Act = Callable[[Visit, SignedIn, dict[str, str]], Answer]


@dataclass(frozen=True, slots=True)
class Line:
    """A digital smiley of the list with the name of its place, empty if it has none."""

    smiley: Smiley
    place: str


def routes(people: People) -> list[HTTPRouteHandler]:
    """The handlers of the list, of the page of a smiley, and of its files and forms."""

    @get(LIST, sync_to_thread=True)
    def smileys(request: Request[Any, Any, Any]) -> Answer:
        """The list."""
        here = visit(people, request)
        return here.to_sign_in() if here.person is None else _list(here, here.person)

    @get(PAGE, sync_to_thread=True)
    def smiley(request: Request[Any, Any, Any]) -> Answer:
        """The page of a published smiley."""
        here = visit(people, request)
        return here.to_sign_in() if here.person is None else _page(here, here.person)

    @get(FILE, sync_to_thread=True)
    def file(request: Request[Any, Any, Any]) -> Answer:
        """A QR code or a poster."""
        here = visit(people, request)
        return here.to_sign_in() if here.person is None else _file(here, here.person)

    async def _answer(request: Request[Any, Any, Any], act: _Act) -> Answer:
        """Does what a form asks for; a browser whose session ended signs in first."""
        here = await asyncio.to_thread(visit, people, request)
        if here.person is None:
            return here.to_sign_in()
        return await asyncio.to_thread(act, here, here.person, await form_of(request, here.form_secret))

    @post(LIST, status_code=200)
    async def publish(request: Request[Any, Any, Any]) -> Answer:
        """Publishes a smiley, a new one unless the form names one."""
        return await _answer(request, _publish)

    @post(FILE, status_code=200)
    async def change(request: Request[Any, Any, Any]) -> Answer:
        """Changes how a smiley is published, or what its survey asks for."""
        return await _answer(request, _change)

    return [smileys, smiley, file, publish, change]


# --- the list --------------------------------------------------------------------------------------------------------


def _list(here: Visit, person: SignedIn, error: HymioError | None = None) -> Response[bytes]:
    """The digital smileys of the scope, and the forms that publish one."""
    principal, now = _admin(person), here.services.clock()
    layout = here.services.store.layout(principal.organization)
    lines = list(_lines(layout, principal, now))
    return here.page(
        "smileys.html", 200 if error is None else error.status, headers=None,
        published=[line for line in lines if line.smiley.publication is not None],
        unpublished=[line for line in lines if line.smiley.publication is None],
        points=_points(layout, principal),
        detail=None if error is None else error.public_detail,
    )  # fmt: skip


def _lines(layout: Layout, principal: Principal, now: Instant) -> Sequence[Line]:
    """The digital smileys that are placed in the scope; for the whole tree those without a place too."""
    hierarchy, lines = layout.hierarchy, []
    for smiley in sorted(layout.smileys.values(), key=lambda each: each.name):
        placement = layout.placement(smiley.id, now)
        is_reached = (
            principal.reaches_all(hierarchy) if placement is None else principal.reaches(hierarchy, placement.node)
        )
        if smiley.type is SmileyType.DIGITAL and is_reached:
            lines.append(Line(smiley, "" if placement is None else hierarchy.nodes[placement.node].name))
    return lines


def _points(layout: Layout, principal: Principal) -> list[Node]:
    """The experience points of the scope, by name."""
    nodes = layout.hierarchy.nodes.values()
    points = [node for node in nodes if node.is_point and principal.reaches(layout.hierarchy, node.id)]
    return sorted(points, key=lambda node: node.name)


def _publish(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Publishes a smiley whose presses are tests at first."""
    principal, store, now = _admin(person), here.services.store, here.services.clock()
    try:
        with manage.batch(store, principal.organization, now) as batch:
            known = fields.get("smiley", "")
            number = _number(known) if known else _new_smiley(batch, principal, fields, now)
            made = manage.publish_smiley(batch, principal, number, now=now)
            manage.edit_publication(batch, principal, number, replace(made, is_installing=True), now=now)
    except SetupError as error:
        return _list(here, person, error)
    return here.to(f"{LIST}/{number}?done=published")


def _new_smiley(batch: Batch, principal: Principal, fields: dict[str, str], now: Instant) -> int:
    """Adds a digital smiley at the point of a form, with the next free serial WEB-1, WEB-2 and so on."""
    serials = {smiley.serial for smiley in batch.layout.smileys.values()}
    serial = next(f"WEB-{number}" for number in range(1, len(serials) + 2) if f"WEB-{number}" not in serials)
    name = fields.get("name", "").strip() or serial
    point = _number(fields.get("point", ""))
    return manage.add_smiley(batch, principal, serial, name, SmileyType.DIGITAL, point=point, now=now).id


# --- a smiley --------------------------------------------------------------------------------------------------------


def _page(here: Visit, person: SignedIn, error: HymioError | None = None) -> Response[bytes]:
    """The page of a published smiley. NotFound outside the scope."""
    principal, store, now = _admin(person), here.services.store, here.services.clock()
    layout, number = store.layout(principal.organization), _smiley_of(here)
    publication, placement = publication_of(layout, principal, number, now), layout.placement(number, now)
    shown, detail = _offer(here, principal, number), None if error is None else error.public_detail
    mail, field, locale = "", here.request.query_params.get("field", EXAMPLE_FIELD)[:100], _locale(here, shown)
    base = base_url_of(here.services.settings, here.request)
    if shown is not None:
        try:
            mail = mail_html(shown, field, locale)
        except SetupError as wrong:
            error, detail = wrong, wrong.public_detail
    question = "" if shown is None else shown.wording.texts[locale]
    flow = _flow(here, principal, number)
    return here.page(
        "smiley.html", 200 if error is None else error.status, headers=_HEADERS, smiley=layout.smileys[number],
        publication=publication, offer=shown, mail=mail, field=field, locale=locale, papers=PAPERS, flow=flow,
        place="" if placement is None else layout.hierarchy.path(placement.node),
        link=addresses.page_address(base, publication), tag=addresses.tag(base, publication, question or "?"),
        published_tag=addresses.published_tag(base, publication, locale),
        may_ask=flow is not None and principal.reaches_all(layout.hierarchy),
        locales=() if shown is None else tuple(shown.wording.texts), detail=detail,
        done=_DONE.get(here.request.query_params.get("done", "")) if error is None else None,
    )  # fmt: skip


def _offer(here: Visit, principal: Principal, smiley: int) -> Offer | None:
    """What the handouts show, None while the smiley asks nothing."""
    base, now = base_url_of(here.services.settings, here.request), here.services.clock()
    try:
        return offer(here.services.store, principal, base, smiley, now)
    except SetupError:
        return None


def _locale(here: Visit, shown: Offer | None) -> str:
    """The locale of the e-mail: the one in the address, else the question's default."""
    if shown is None:
        return "en-US"
    asked = here.request.query_params.get("locale", "")
    return asked if asked in shown.wording.texts else shown.wording.default_locale


def _flow(here: Visit, principal: Principal, smiley: int) -> Flow | None:
    """What the survey asks for that the smiley shows now, None without one."""
    store, now = here.services.store, here.services.clock()
    layout = store.layout(principal.organization)
    resolved = layout.resolve(smiley, now)
    assignment = getattr(resolved, "assignment", None)
    return None if assignment is None else store.content(principal.organization).flow(assignment.survey)


def _file(here: Visit, person: SignedIn) -> Answer:
    """A file of a smiley. NotFound for any other name; BadRequest for a paper or locale that there is not."""
    principal, name, query = _admin(person), here.request.path_params["name"], here.request.query_params
    number = _smiley_of(here)
    publication_of(here.services.store.layout(principal.organization), principal, number, here.services.clock())
    if name not in ("code.svg", "code.png", "poster.pdf"):
        raise NotFound("unknown-address", "There is nothing at this address.")
    base, now = base_url_of(here.services.settings, here.request), here.services.clock()
    shown = offer(here.services.store, principal, base, number, now)
    address = addresses.qr_address(base, shown.publication)
    if name == "code.svg":
        return _download(qr_svg(address), "image/svg+xml", f"{shown.publication.code}.svg", query)
    if name == "code.png":
        return _download(qr_png(address), "image/png", f"{shown.publication.code}.png", query)
    paper, papers = query.get("paper", Paper.A4.value), {each.value: each for each in Paper}
    if paper not in papers:
        raise BadRequest(parameter="paper", got=paper[:40], accepted=Phrase("a3, a4, a5 and tent"))
    chosen = [query[key] for key in ("locale", "second", "third", "fourth") if query.get(key)]
    pdf = poster(shown, chosen, papers[paper], now)
    return _download(pdf, "application/pdf", f"{shown.publication.code}-{paper}.pdf", {"download": "1"})


def _download(body: bytes, media_type: str, name: str, query: Any) -> Response[bytes]:
    """A file, which a browser stores if the address asks for that."""
    headers = dict(_NO_STORE)
    if query.get("download"):
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(body, media_type=media_type, headers=headers)


# --- forms of a smiley -----------------------------------------------------------------------------------------------


def _change(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Does what one of the two forms asks for. NotFound for any other."""
    acts = {"settings": _set_publication, "flow": _set_flow}
    name, number = here.request.path_params["name"], _smiley_of(here)
    if name not in acts:
        raise NotFound("unknown-address", "There is nothing at this address.")
    try:
        acts[name](here, _admin(person), number, fields)
    except SetupError as error:
        return _page(here, person, error)
    return here.to(f"{LIST}/{number}?done={name}")


def _set_publication(here: Visit, principal: Principal, number: int, fields: dict[str, str]) -> None:
    """Sets whether presses are tests, the allowed origins, and the answer interval."""
    store, now = here.services.store, here.services.clock()
    before = publication_of(store.layout(principal.organization), principal, number, now)
    interval = fields.get("interval", "").strip()
    changed = replace(
        before,
        origins=tuple(dict.fromkeys(line.rstrip("/").lower() for line in fields.get("origins", "").split())),
        answer_interval=_number(interval) if interval else None,
        is_installing=fields.get("presses") == "tests",
    )
    manage.edit_publication(store, principal, number, changed, now=now)


def _set_flow(here: Visit, principal: Principal, number: int, fields: dict[str, str]) -> None:
    """Sets what the survey asks for and the texts of consent. NotFound if it asks nothing now."""
    store, now = here.services.store, here.services.clock()
    publication_of(store.layout(principal.organization), principal, number, now)
    before = _flow(here, principal, number)
    if before is None:
        raise NotFound("unknown-address", "There is nothing at this address.")
    texts = {} if before.consent is None else dict(before.consent.texts)
    for name, text in fields.items():
        if name.startswith("consent-"):
            texts[name.removeprefix("consent-")] = " ".join(text.split())
    texts = {locale: text for locale, text in texts.items() if text}
    default = before.consent.default_locale if before.consent else fields.get("default", "")
    consent = Localized(default if default in texts else min(texts), texts) if texts else None
    names = tuple(dict.fromkeys(fields.get("metadata", "").replace(",", " ").split()))
    flow = Flow(before.survey, "text" in fields, "contact" in fields, names, consent)
    manage.set_flow(store, principal, flow, now=now)


def _admin(person: SignedIn) -> Principal:
    """The person's principal. Forbidden unless it may change smileys."""
    person.principal.require(Permission.CHANGE_SMILEYS)
    return person.principal


def _smiley_of(here: Visit) -> int:
    return _number(here.request.path_params["smiley"])


def _number(text: str) -> int:
    """A number of an address or a form. NotFound if it is none, as for one that does not exist."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound("unknown-address", "There is nothing at this address.")
    return int(text)
