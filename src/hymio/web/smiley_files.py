"""Files of a published smiley: QR code, poster, the e-mail as it looks, and the part of the page with its presses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from litestar import Response

from hymio.errors import BadRequest, NotFound, Phrase, SetupError
from hymio.handouts import addresses
from hymio.handouts.mail import EXAMPLE_FIELD, mail_page
from hymio.handouts.offer import Offer, offer, publication_of
from hymio.handouts.poster import Paper, poster
from hymio.handouts.qr import qr_png, qr_svg
from hymio.manage import SignedIn
from hymio.web.people import Visit
from hymio.web.sign_in import Answer
from hymio.web.smiley_asked import admin, base_url, locale_of, smiley_of
from hymio.web.smiley_presses import presses_part

_MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' {origin}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)
"""An e-mail has inline style and pictures of the server's public address, and nothing else."""

_LOCALES: Final = ("locale", "second", "third", "fourth")


def file_answer(here: Visit, person: SignedIn) -> Answer:
    """A file of a smiley. NotFound for any other name; BadRequest for a paper that there is not; SetupError."""
    principal, name, number = admin(person), here.request.path_params["name"], smiley_of(here)
    store, now = here.services.store, here.services.clock()
    publication_of(store.layout(principal.organization), principal, number, now)
    if name == "presses":
        return presses_part(here, principal, number)
    if name not in _MAKERS:
        raise NotFound("unknown-address", "There is nothing at this address.")
    return _MAKERS[name](here, offer(store, principal, base_url(here), number, now))


def _svg(here: Visit, shown: Offer) -> Response[bytes]:
    body = qr_svg(addresses.qr_address(shown.base_url, shown.publication))
    return _stored(here, body, "image/svg+xml", f"{shown.publication.code}.svg")


def _png(here: Visit, shown: Offer) -> Response[bytes]:
    body = qr_png(addresses.qr_address(shown.base_url, shown.publication))
    return _stored(here, body, "image/png", f"{shown.publication.code}.png")


def _poster(here: Visit, shown: Offer) -> Response[bytes]:
    """The poster; a browser shows it unless the address asks to store it."""
    query = here.request.query_params
    paper, papers = query.get("paper", Paper.A4.value), {each.value: each for each in Paper}
    if paper not in papers:
        raise BadRequest(parameter="paper", got=paper[:40], accepted=Phrase("a3, a4, a5 and tent"))
    chosen = [query[key] for key in _LOCALES if query.get(key)]
    pdf = poster(shown, chosen, papers[paper], here.services.clock())
    return _stored(here, pdf, "application/pdf", f"{shown.publication.code}-{paper}.pdf")


def _mail(here: Visit, shown: Offer) -> Response[bytes]:
    """The buttons of an e-mail as a mail program shows them. A merge field that is none is that of the example."""
    field = here.request.query_params.get("field", EXAMPLE_FIELD)
    try:
        html = mail_page(shown, field, locale_of(here, shown))
    except SetupError:
        html = mail_page(shown, EXAMPLE_FIELD, locale_of(here, shown))
    headers = {"Content-Security-Policy": _MAIL_POLICY.format(origin=shown.base_url)}
    return _stored(here, html.encode(), "text/html", f"{shown.publication.code}.html", headers)


def _stored(
    here: Visit, body: bytes, media_type: str, name: str, more: Mapping[str, str] | None = None
) -> Response[bytes]:
    """A file, which a browser stores under its name if the address asks for that."""
    headers = {"Cache-Control": "no-store", **(more or {})}
    if here.request.query_params.get("download"):
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(body, media_type=media_type, headers=headers)


_MAKERS: Final[dict[str, Callable[[Visit, Offer], Response[bytes]]]] = {
    "code.svg": _svg, "code.png": _png, "poster.pdf": _poster, "mail.html": _mail,
}  # fmt: skip
