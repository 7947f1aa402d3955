"""Renders the templates of pages, with the headers that keep a page from running or loading anything else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from hymio import __version__
from hymio.errors import NotFound
from hymio.texts import PAGE_LANGUAGES
from hymio.web.look import Look

if TYPE_CHECKING:
    from jinja2 import Environment

HTML: Final = "text/html"

SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
}
"""Headers of every page: nothing from elsewhere, no script at all, and no style but the one file."""

_YEAR_SECONDS: Final = 365 * 24 * 3600
_HTTPS_ONLY: Final = {"Strict-Transport-Security": f"max-age={_YEAR_SECONDS}"}
_STYLES: Final = "pages.css"


def html_answer(
    template: str, look: Look, status: int = 200, *, is_secure: bool = False, cookies: Iterable[Cookie] = (),
    headers: dict[str, str] | None = None, **values: object,
) -> Response[bytes]:  # fmt: skip
    """A page that is stored nowhere; `is_secure` makes browsers use HTTPS for a year."""
    all_headers = {
        **SECURITY,
        **(_HTTPS_ONLY if is_secure else {}),
        "Cache-Control": "no-store",
        "Content-Language": look.language,
        "Vary": "Accept-Language, Cookie",
        **(headers or {}),
    }
    body = rendered(template, look, **values)
    return Response(body, status_code=status, media_type=HTML, headers=all_headers, cookies=list(cookies))


def rendered(template: str, look: Look, **values: object) -> bytes:
    """A template of the package as UTF-8; it has `_` for texts and `look` for numbers and dates."""
    html = (
        _environment()
        .get_template(template)
        .render(
            _=look.text,
            look=look,
            languages=PAGE_LANGUAGES,
            styles=f"/static/{style_version()}/{_STYLES}",
            version=__version__,
            **values,
        )
    )
    return html.encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    """The templates of the package, which escape every value."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  only a request for a page needs it

    return Environment(
        loader=PackageLoader("hymio.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


# --- the style sheet -------------------------------------------------------------------------------------------------


@cache
def _style() -> bytes:
    """The style sheet of all pages."""
    return (files("hymio.web") / "static" / _STYLES).read_bytes()


@cache
def style_version() -> str:
    """A word that changes with the style sheet, so that browsers may keep a copy for good."""
    return hashlib.blake2b(_style(), digest_size=6).hexdigest()


def style_routes() -> list[HTTPRouteHandler]:
    """The handler of the style sheet."""

    @get("/static/{version:str}/{name:str}", sync_to_thread=False)
    def style(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The style sheet under its present version. NotFound."""
        if (request.path_params["version"], request.path_params["name"]) != (style_version(), _STYLES):
            raise NotFound("unknown-file", "There is no such file.")
        headers = {"Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
        return Response(_style(), media_type="text/css", headers=headers)

    return [style]
