"""The documentation that Hymio serves: pages made from `docs/*.md`, JSON Schemas and the OpenAPI document.

The documents are in English; what surrounds them on a page is in the language that the request prefers.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from hymio import __version__
from hymio.errors import NotFound, Phrase
from hymio.serving.answers import JSON, is_known, tag_of
from hymio.serving.door import Door, Services
from hymio.texts import RIGHT_TO_LEFT, SOURCE, translate
from hymio.web.look import look_of
from hymio.web.markdown import to_html

if TYPE_CHECKING:
    from jinja2 import Template

HTML: Final = "text/html"


class Page(NamedTuple):
    """A document: its file, the path that shows it, and its name in the navigation."""

    file: str
    address: str
    name: Phrase


PAGES: Final = (
    Page("api-v1.md", "/docs", Phrase("API v1")),
    Page("api-v2.md", "/docs/api-v2", Phrase("API v2")),
    Page("terminal-protocol.md", "/docs/terminal-protocol", Phrase("Terminal protocol")),
    Page("web-smileys.md", "/docs/web-smileys", Phrase("Web smileys")),
    Page("kiosk.md", "/docs/kiosk", Phrase("Kiosk")),
    Page("misuse.md", "/docs/misuse", Phrase("Misuse rules")),
    Page("compatibility.md", "/docs/compatibility", Phrase("Compatibility")),
    Page("settings.md", "/docs/settings", Phrase("Settings")),
    Page("errors.md", "/docs/errors", Phrase("Errors")),
)
_ADDRESSES: Final = {page.file: page.address for page in PAGES}


class Documents(NamedTuple):
    """Machine-readable documents about the interfaces, made by their packages and served here.

    `openapi` makes the OpenAPI document for a server at an address; `schemas` are JSON Schemas by file name.
    """

    openapi: Callable[[str], bytes]
    schemas: Mapping[str, bytes]


# --- routes ----------------------------------------------------------------------------------------------------------


def door(documents: Documents) -> Door:
    """The documentation as a door without authentication."""
    return Door("documentation", lambda services: routes(services, documents))


def routes(services: Services, documents: Documents) -> list[HTTPRouteHandler]:
    """The handlers of the pages, the JSON Schemas and the OpenAPI document."""
    base_url = services.settings.public_url

    @get("/docs", sync_to_thread=True)
    def start_page(request: Request[Any, Any, Any]) -> Response[Any]:
        """The first page."""
        return _page_answer(request, PAGES[0], base_url)

    @get("/docs/{name:str}", sync_to_thread=True)
    def page(request: Request[Any, Any, Any]) -> Response[Any]:
        """A page by its name. NotFound."""
        return _page_answer(request, _page(request.path_params["name"]), base_url)

    @get("/docs/schema/{name:str}", sync_to_thread=True)
    def schema(request: Request[Any, Any, Any]) -> Response[Any]:
        """A JSON Schema by its file name. NotFound."""
        if request.path_params["name"] not in documents.schemas:
            raise NotFound("unknown-schema", "There is no such schema.")
        return _answer(request, documents.schemas[request.path_params["name"]], JSON)

    @get("/openapi.json", sync_to_thread=True)
    def openapi(request: Request[Any, Any, Any]) -> Response[Any]:
        """The OpenAPI document."""
        return _answer(request, documents.openapi(base_url), JSON)

    return [start_page, page, schema, openapi]


def _page(name: str) -> Page:
    """The page at `/docs/NAME`. NotFound."""
    for page in PAGES[1:]:
        if page.address == f"/docs/{name}":
            return page
    raise NotFound("unknown-page", "There is no such page.")


def _page_answer(request: Request[Any, Any, Any], page: Page, base_url: str) -> Response[Any]:
    """A page in the language that the request prefers."""
    language = look_of(request).language
    headers = {
        "Content-Language": language,
        "Vary": "Accept-Language, Cookie",
        "Content-Security-Policy": _security_policy(),
        "Referrer-Policy": "same-origin",
    }
    return _answer(request, rendered(page, base_url, language), HTML, headers)


def _answer(
    request: Request[Any, Any, Any], body: bytes, media_type: str, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """A response with an ETag, or 304; `no-cache` makes browsers revalidate, as an update of Hymio changes pages."""
    tag = tag_of(body)
    all_headers = {"ETag": tag, "Cache-Control": "no-cache", **(headers or {})}
    if is_known(tag, request.headers.get("If-None-Match", "")):
        return Response(None, status_code=304, headers=all_headers)
    return Response(body, media_type=media_type, headers=all_headers)


@cache
def _security_policy() -> str:
    """A Content-Security-Policy that allows nothing from elsewhere: only `page.css` and `page.js`, by their hashes."""
    style, script = (
        base64.b64encode(hashlib.sha256(_asset(name).encode()).digest()).decode() for name in ("page.css", "page.js")
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none';"
        f" frame-ancestors 'none'; script-src 'sha256-{script}'"
    )


# --- pages -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def rendered(page: Page, base_url: str, language: str = SOURCE) -> bytes:
    """A whole HTML page; its examples name `base_url`, the address of this server."""
    text = (files("hymio.web") / "pages" / page.file).read_text(encoding="utf-8")
    document = to_html(text, base_url, _ADDRESSES, language)
    html = _template().render(
        _=partial(translate, language=language),
        language=language,
        direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
        page=page,
        pages=PAGES,
        title=document.headings[0].text if document.headings else page.name,
        headings=[heading for heading in document.headings if heading.level in (2, 3)],
        body=document.body,
        style=_asset("page.css"),
        script=_asset("page.js"),
        version=__version__,
    )
    return html.encode()


@cache
def _template() -> Template:
    """The Jinja template of a page."""
    from jinja2 import Environment  # noqa: PLC0415  only a request for the documentation needs it

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_asset("page.html"))


def _asset(name: str) -> str:
    """The text of a file in the package's folder `templates`."""
    return (files("hymio.web") / "templates" / name).read_text(encoding="utf-8")
