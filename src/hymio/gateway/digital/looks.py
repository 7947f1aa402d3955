"""Files of a published smiley that its page and e-mails load: its organization's style sheet and logo, and faces."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from hymio.brand import Brand
from hymio.errors import NotFound
from hymio.gateway.digital.messages import Intake
from hymio.gateway.digital.press import published
from hymio.store.brands import brand_of

STYLES: Final = "/w/{code:str}/look.css"
LOGO: Final = "/w/{code:str}/logo.png"
FACES: Final = "/w/faces/{name:str}"

_YEAR_SECONDS: Final = 365 * 24 * 3600
_FACES: Final = frozenset(f"{number}.png" for number in range(5))


def routes(intake: Intake) -> list[HTTPRouteHandler]:
    """The handlers of all files."""

    @get(STYLES, sync_to_thread=True)
    def styles(request: Request[Any, Any, Any]) -> Response[bytes]:
        """What differs from the look of Hymio; empty if nothing does."""
        brand = _brand(intake, request)
        return _nothing() if brand is None else _file(brand.css().encode(), "text/css", 60)

    @get(LOGO, sync_to_thread=True)
    def logo(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The organization's logo."""
        brand = _brand(intake, request)
        return _nothing() if brand is None or not brand.logo else _file(brand.logo, "image/png", 3600)

    @get(FACES, sync_to_thread=False)
    def faces(request: Request[Any, Any, Any]) -> Response[bytes]:
        """A face for e-mails, the same address for all, so that loading it says nothing of a recipient."""
        name = request.path_params["name"]
        return _file(_face(name), "image/png", _YEAR_SECONDS) if name in _FACES else _nothing()

    return [styles, logo, faces]


def version(brand: Brand) -> str:
    """A word that changes with a brand, for addresses of its files."""
    return hashlib.blake2b(repr(brand).encode(), digest_size=6).hexdigest()


def _brand(intake: Intake, request: Request[Any, Any, Any]) -> Brand | None:
    """The brand of the organization of a smiley's code, None for a wrong one. Unavailable."""
    store = intake.services.store
    with store.read() as transaction:
        try:
            principal, _, _ = published(store, transaction, request.path_params["code"])
        except NotFound:
            return None
        return brand_of(transaction, principal.organization)


def _file(body: bytes, media_type: str, seconds: int) -> Response[bytes]:
    headers = {
        "Cache-Control": f"public, max-age={seconds}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }  # fmt: skip
    return Response(body, media_type=media_type, headers=headers)


def _nothing() -> Response[bytes]:
    """A quiet 404."""
    return Response(b"", status_code=404, media_type="text/plain", headers={"Cache-Control": "no-store"})


@cache
def _face(name: str) -> bytes:
    return (files("hymio.gateway.digital") / "static" / "faces" / name).read_bytes()
