"""The script of a published smiley, for its own tag and for pages that have the tag of the published embed."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler

from hymio.brand import HYMIO, Brand
from hymio.errors import NotFound, Phrase
from hymio.gateway.digital.asked import is_positive
from hymio.gateway.digital.message import MAX_TEXT
from hymio.gateway.digital.messages import PATH as MESSAGES
from hymio.gateway.digital.messages import Intake
from hymio.gateway.digital.shown import Shown, Wish, shown
from hymio.serving.answers import base_url_of, is_known, tag_of
from hymio.survey import State

OWN: Final = "/w/{code:str}/w.js"
PUBLISHED: Final = "/v1/bootloader/{code:str}/bootloaderjs"
"""The address in the tag of the published embed, with or without a slash at its end."""

MAX_BYTES: Final = 3_500
"""Bytes of the script with its styles and faces, compressed and with an empty configuration."""

_TEXTS: Final = {
    "skip": Phrase("Skip"), "send": Phrase("Send"), "close": Phrase("Close"), "thanks": Phrase("Thank you!"),
    "text": Phrase("Would you like to tell us more?"), "contact": Phrase("May we contact you?"),
    "name": Phrase("Name"), "email": Phrase("E-mail address"), "phone": Phrase("Telephone number"),
    "incomplete": Phrase("Please give your name, and an e-mail address or a telephone number."),
    "bin": Phrase("Leave this field empty"),
}  # fmt: skip
_CLOSED: Final = {
    State.UPCOMING: Phrase("This question is not asked yet."),
    State.ENDED: Phrase("This question is not asked any more."),
    State.ACTIVE: Phrase("This question is not asked any more."),
}

AnyRequest = Request[Any, Any, Any]
_to_json: Final = msgspec.json.Encoder()


def routes(intake: Intake) -> list[HTTPRouteHandler]:
    """The handlers of both addresses."""

    @get(OWN)
    async def own(request: AnyRequest) -> Response[bytes]:
        """The script of the own tag."""
        return await _script(intake, request, published=False)

    @get(PUBLISHED)
    async def published(request: AnyRequest) -> Response[bytes]:
        """The script of the published tag; `init=true` shows the smiley at once, in a corner of the page."""
        return await _script(intake, request, published=True)

    return [own, published]


async def _script(intake: Intake, request: AnyRequest, *, published: bool) -> Response[bytes]:
    """The script with its configuration in a language; a quiet 404 for a wrong code or token."""
    wish = Wish(request.query_params.get("lang", ""), request.headers.get("Accept-Language", ""))
    code = request.path_params["code"]
    try:
        here = await sync_to_thread(shown, intake.services.store, code, wish, intake.services.clock())
    except NotFound:
        return Response(b"", status_code=404, media_type="text/plain", headers={"Cache-Control": "no-store"})
    base = base_url_of(intake.services.settings, request)
    pops = published and request.query_params.get("init") == "true"
    settings = configuration(here, f"{base}{MESSAGES}", published=published, pops=pops)
    body = script(settings, here.brand)
    tag = tag_of(body)
    headers = {
        "ETag": tag, "Cache-Control": "public, max-age=60", "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Accept-Language", "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    if is_known(tag, request.headers.get("If-None-Match", "")):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type="text/javascript", headers=headers)


def script(settings: dict[str, Any], brand: Brand = HYMIO) -> bytes:
    """The script with a configuration and the rules of a brand."""
    return minified().replace(b"BRAND", _rules(brand).encode()).replace(b"CONFIGURATION", _to_json.encode(settings))


def _rules(brand: Brand) -> str:
    """Rules of CSS that change the script's look from that of Hymio. The page around it has the logo already."""
    rules = []
    if brand.has_own_colours:
        rules = [
            f"div.w{{color:{brand.ink};background:{brand.ground};border-color:{brand.edge}}}",
            f".o button,.s,.f.n button,input,textarea{{border-color:{brand.edge};background:{brand.ground}}}",
            f".m{{background:{brand.accent};color:{brand.on_accent}}}",
            f".k{{color:{brand.muted};border-color:{brand.ground}}}p{{color:{brand.muted}}}.e{{color:{brand.ink}}}",
            f":focus-visible{{outline-color:{brand.accent}}}",
        ]
    if brand.size != HYMIO.size:
        rules.append(f"div.w{{zoom:{brand.size}%}}")
    if brand.is_square:
        rules.append("div.w,div.w *{border-radius:0}")
    return "".join(rules)


@cache
def minified() -> bytes:
    """The script without its first line, which says of which source it was made."""
    return (files("hymio.gateway.digital") / "static" / "w.min.js").read_bytes().partition(b"\n")[2]


def configuration(here: Shown, url: str, *, published: bool, pops: bool) -> dict[str, Any]:
    """What the script needs to know: the smiley, its question in a locale, and the address of messages."""
    texts = {name: here.look.text(text) for name, text in _TEXTS.items()}
    texts["closed"] = here.look.text(_CLOSED[here.state])
    followups = {
        str(positive).lower(): [followup.id, followup.text, followup.options]
        for positive, followup in here.followups.items()
    }
    return {
        "code": here.publication.code, "token": here.publication.token, "url": url, "lang": here.locale,
        "dir": here.direction, "survey": None if here.survey is None else here.survey.id, "question": here.question,
        "faces": [[each.button, each.number, each.name, _side(here, each.button)] for each in here.faces],
        "nps": here.has_numbers, "followups": followups, "text": here.flow.asks_text,
        "contact": here.flow.asks_contact, "consent": here.consent, "metadata": here.flow.metadata, "most": MAX_TEXT,
        "work": here.publication.work_bits, "texts": texts, "published": published, "pop": pops,
    }  # fmt: skip


def _side(here: Shown, button: int) -> str | None:
    """The key of the follow-up question after a button."""
    side = None if here.survey is None else is_positive(here.survey.scale, button)
    return None if side is None else str(side).lower()
