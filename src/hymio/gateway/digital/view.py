"""Renders the hosted page of a published smiley, one step at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response
from litestar.concurrency import sync_to_thread

from hymio.errors import HymioError, NotFound, Phrase, TooManyRequests, Unavailable
from hymio.gateway.digital import looks
from hymio.gateway.digital.checks import MAX_TEXT
from hymio.gateway.digital.link import METADATUM, Link
from hymio.gateway.digital.messages import Intake
from hymio.gateway.digital.shown import Shown, shown
from hymio.gateway.digital.stamp import new_stamp
from hymio.gateway.digital.wish import Wish
from hymio.gateway.press_parts import MAX_CONTACT
from hymio.period import Instant

if TYPE_CHECKING:
    from jinja2 import Environment

STYLES: Final = "/w/page.css"
SCRIPT: Final = "/w/page.js"

SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';"
        " form-action 'self'; base-uri 'none'"
    ),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
"""Headers of the page. Other sites may frame it, as it knows nobody and shows nothing secret."""

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A page that is about to be shown: of one step, with what was typed and what is wrong with it."""

    shown: Shown
    link: Link
    step: str = "press"
    press: str = ""
    button: int = 0
    typed: Mapping[str, str] | None = None
    problem: str = ""


async def html(intake: Intake, view: View, now: Instant, status: int = 200) -> Response[bytes]:
    """Renders a view."""
    key = await intake.keys.of(now)
    here = view.shown
    stamp = new_stamp(now).text(key, here.publication.code)
    metadata = {
        f"{METADATUM}{name}": view.link.metadata[name] for name in here.flow.metadata if name in view.link.metadata
    }
    body = (
        _environment()
        .get_template("page.html")
        .render(
            _=here.look.text, view=view, shown=here, link=view.link, stamp=stamp, metadata=metadata,
            followup=here.followup(view.button), typed=view.typed or {}, max_text=MAX_TEXT, max_contact=MAX_CONTACT,
            styles=f"{STYLES}?{_version('page.css')}", script=f"{SCRIPT}?{_version('page.js')}",
            address=f"/w/{here.publication.code}",
            brand=here.brand, look=looks.version(here.brand),
        )
    )  # fmt: skip
    headers = {**SECURITY, "Content-Language": here.locale, "Vary": "Accept-Language"}
    return Response(body.encode("utf-8", "replace"), status_code=status, media_type="text/html", headers=headers)


def nothing() -> Response[bytes]:
    """A quiet 404."""
    return Response(b"", status_code=404, media_type="text/plain", headers={"Cache-Control": "no-store"})


async def shown_by(intake: Intake, request: AnyRequest, link: Link, now: Instant) -> Shown:
    wish = Wish(link.lang, request.headers.get("Accept-Language", ""))
    return await sync_to_thread(shown, intake.services.store, request.path_params["code"], wish, now)


async def refused(intake: Intake, view: View, error: HymioError | ValueError, now: Instant) -> Response[bytes]:
    """Shows a view again with what is wrong, to be sent again."""
    detail = error.public_detail if isinstance(error, HymioError) else Phrase("This cannot be read.")
    status = 400 if isinstance(error, ValueError | NotFound) else error.status
    answer = await html(intake, replace(view, problem=view.shown.look.text(detail)), now, status)
    if isinstance(error, TooManyRequests | Unavailable):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


@cache
def _environment() -> Environment:
    """The templates of the page, which escape every value."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  only a request for a page needs it

    return Environment(
        loader=PackageLoader("hymio.gateway.digital"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined,
    )  # fmt: skip


@cache
def static(name: str) -> bytes:
    """A file that all pages load."""
    return (files("hymio.gateway.digital") / "static" / name).read_bytes()


@cache
def _version(name: str) -> str:
    """A word that changes with a file."""
    return hashlib.blake2b(static(name), digest_size=6).hexdigest()
