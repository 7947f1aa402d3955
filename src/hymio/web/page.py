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

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)

SECURITY: Final = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
}
"""Headers of every page: nothing from elsewhere, no script at all, and no style but the one file."""

WITH_SCRIPTS: Final = {"Content-Security-Policy": f"{_POLICY}; script-src 'self'; connect-src 'self'"}
"""The policy of a page with scripts: those of the package, no text that is run as a script (`unsafe-eval`)."""

_YEAR_SECONDS: Final = 365 * 24 * 3600
_HTTPS_ONLY: Final = {"Strict-Transport-Security": f"max-age={_YEAR_SECONDS}"}
STATIC_FILES: Final = {
    "pages.css": "text/css",
    "report.js": "text/javascript",
    "copy.js": "text/javascript",
    "live.js": "text/javascript",
    "htmx-4.0.1.min.js": "text/javascript",
}
"""The files that pages load, and their types."""


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
            static=static_address,
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


# --- static files ----------------------------------------------------------------------------------------------------


@cache
def _static(name: str) -> bytes:
    """A static file."""
    return (files("hymio.web") / "static" / name).read_bytes()


@cache
def static_address(name: str) -> str:
    """The address of a static file, which changes with it, so that browsers may keep a copy for good."""
    return f"/static/{hashlib.blake2b(_static(name), digest_size=6).hexdigest()}/{name}"


@cache
def static_version() -> str:
    """A word that changes with any static file."""
    return hashlib.blake2b(b"".join(map(_static, STATIC_FILES)), digest_size=6).hexdigest()


def static_routes() -> list[HTTPRouteHandler]:
    """The handler of static files."""

    @get("/static/{version:str}/{name:str}", sync_to_thread=False)
    def static(request: Request[Any, Any, Any]) -> Response[bytes]:
        """A static file under its present address. NotFound."""
        name = request.path_params["name"]
        if name not in STATIC_FILES or request.scope["path"] != static_address(name):
            raise NotFound("unknown-file", "There is no such file.")
        headers = {"Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
        return Response(_static(name), media_type=STATIC_FILES[name], headers=headers)

    return [static]
