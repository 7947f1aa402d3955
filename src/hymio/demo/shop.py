"""The demo's web smiley: published, with a poster, and on the page of a shop that the demo serves beside Hymio."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar import Request, Response, get

from hymio import manage
from hymio.access import operator
from hymio.demo.example import PAGE, VISIT, WEB
from hymio.handouts.addresses import page_address, tag
from hymio.handouts.offer import Offer, offer
from hymio.handouts.poster import Paper, poster
from hymio.period import Instant, wall_of
from hymio.serving.door import Door, Route, Services
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.survey import ActivePeriod, Flow, Localized

POSTER: Final = "poster.pdf"
KIOSK: Final = "TAB-1"
"""The serial of the touch smiley."""
IN_LOCALES: Final = {"fi-FI": "Löysitkö etsimäsi?", "ar": "هل وجدت ما كنت تبحث عنه؟"}
"""The question of the web smiley in more languages, for its page and poster."""

_TAMPERE: Final = 6
_FOUNDER: Final = "hymio demo"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
)
_CONSENT: Final = Localized(
    "en-US",
    {"en-US": "We use this only to answer you.", "fi-FI": "Käytämme näitä vain vastataksemme sinulle."},
)


class Opened(NamedTuple):
    """Where people press: the page of the shop, the web smiley's own page, the file of its poster, and the address
    with a one-time code at which a tablet or any browser becomes a kiosk."""

    shop: str
    page: str
    poster: Path
    kiosk: str


def open_web_smiley(store: Store, organization: int, base_url: str, folder: Path, now: Instant) -> Opened:
    """Publishes the web smiley, if that is not done yet, and writes its poster. Unavailable."""
    publish(store, organization, now)
    shown = _offer(store, organization, base_url, now)
    path = folder / POSTER
    path.write_bytes(poster(shown, (shown.wording.default_locale, *IN_LOCALES), Paper.A4, now))
    code = manage.new_claim(store, operator(organization, _FOUNDER), _kiosk(store, organization, now), now=now).code
    return Opened(f"{base_url}/shop", page_address(base_url, shown.publication), path, f"{base_url}/k/#{code}")


def _kiosk(store: Store, organization: int, now: Instant) -> int:
    """The touch smiley of the demo, made at the first start, at a point of its own, whose hours wait for it alone."""
    layout, founder = store.layout(organization), operator(organization, _FOUNDER)
    known = next((smiley.id for smiley in layout.smileys.values() if smiley.serial == KIOSK), None)
    if known is not None:
        return known
    with manage.batch(store, organization, now) as batch:
        point = manage.add_point(batch, founder, "Market stand", _TAMPERE, now=now)
        start = wall_of(now, batch.layout.zone_of(_TAMPERE, now)).replace(hour=0, minute=0, second=0, microsecond=0)
        manage.assign(batch, founder, point, VISIT, [ActivePeriod(start.replace(tzinfo=None), None)], now=now)
        made = manage.add_smiley(batch, founder, KIOSK, "Tablet on the counter", SmileyType.TOUCH, now=now)
        manage.place(batch, founder, made.id, point, now=now)
        return made.id


def publish(store: Store, organization: int, now: Instant) -> None:
    """Publishes the web smiley with its question in more languages; it asks for a text and contact details."""
    founder = operator(organization, _FOUNDER)
    if store.layout(organization).smileys[WEB.smiley].publication is not None:
        return
    with manage.batch(store, organization, now) as batch:
        manage.publish_smiley(batch, founder, WEB.smiley, now=now)
        for locale, text in IN_LOCALES.items():
            manage.localize_question(batch, founder, PAGE, locale, text, now=now)
        manage.set_flow(batch, founder, Flow(PAGE, True, True, (), _CONSENT), now=now)


def door(organization: int) -> Door:
    """The page of the shop, with the tag of the web smiley on it."""

    def routes(services: Services) -> list[Route]:
        @get("/shop", sync_to_thread=True)
        def shop(request: Request[Any, Any, Any]) -> Response[bytes]:
            """The page; its tag has the address at which the browser asked for it."""
            base = f"{request.scope['scheme']}://{request.headers.get('host', '')}"
            shown = _offer(services.store, organization, base, services.clock())
            here = tag(base, shown.publication, shown.wording.text)
            body = _file("shop.html").replace("TAG", here).encode()
            headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
            return Response(body, media_type="text/html", headers=headers)

        @get("/shop/shop.css", sync_to_thread=False)
        def styles() -> Response[bytes]:
            """The style sheet of the shop."""
            return Response(_file("shop.css").encode(), media_type="text/css")

        return [shop, styles]

    return Door("shop", routes)


def _offer(store: Store, organization: int, base_url: str, now: Instant) -> Offer:
    return offer(store, operator(organization, _FOUNDER), base_url, WEB.smiley, now)


@cache
def _file(name: str) -> str:
    return (files("hymio.demo") / name).read_text(encoding="utf-8")
