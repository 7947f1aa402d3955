"""The documentation that Hymio serves: pages made from `docs/*.md`, JSON Schemas and the OpenAPI document.

The documents are in English; what surrounds them on a page is in the language that the request prefers.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
from collections.abc import Callable, Mapping, Sequence
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
from hymio.web.code_blocks import PLACEHOLDER
from hymio.web.docs_search import MAX_WORDS, Section, found, sections_of
from hymio.web.look import look_of
from hymio.web.markdown import Heading, to_html

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
    Page("operations.md", "/docs/operations", Phrase("Operations")),
    Page("command-line.md", "/docs/command-line", Phrase("Command line")),
    Page("reports.md", "/docs/reports", Phrase("Reports")),
    Page("access.md", "/docs/access", Phrase("Permissions")),
    Page("privacy.md", "/docs/privacy", Phrase("Privacy")),
    Page("jobs.md", "/docs/jobs", Phrase("Jobs")),
    Page("performance.md", "/docs/performance", Phrase("Performance")),
    Page("architecture.md", "/docs/architecture", Phrase("Architecture")),
    Page("glossary.md", "/docs/glossary", Phrase("Glossary")),
)
"""The documents in the order of the navigation. The decisions are served beside them."""

SEARCH: Final = Page("", "/docs/search", Phrase("Search"))


@cache
def decisions() -> tuple[Page, ...]:
    """The pages of decisions, by their file names."""
    names = sorted(file.name for file in (files("hymio.web") / "pages" / "decisions").iterdir())
    return tuple(Page(f"decisions/{name}", _address_of(name), _DECISIONS) for name in names)


def _address_of(decision: str) -> str:
    return "/docs/decisions" if decision == "README.md" else f"/docs/decisions/{decision.removesuffix('.md')}"


_DECISIONS: Final = Phrase("Decisions")


def _addresses(page: Page) -> dict[str, str]:
    """The address of each document by its path as the document of a page names it."""
    folder = posixpath.dirname(page.file) or "."
    addresses = {posixpath.relpath(other.file, folder): other.address for other in (*PAGES, *decisions())}
    return {**addresses, "decisions/": "/docs/decisions"}


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
        """A page by its name, or by that of its file. NotFound."""
        return _page_answer(request, _page(request.path_params["name"]), base_url)

    @get("/docs/decisions", sync_to_thread=True)
    def decision_list(request: Request[Any, Any, Any]) -> Response[Any]:
        """The list of decisions."""
        return _page_answer(request, _page("decisions/README"), base_url)

    @get("/docs/decisions/{name:str}", sync_to_thread=True)
    def decision(request: Request[Any, Any, Any]) -> Response[Any]:
        """The page of a decision. NotFound."""
        return _page_answer(request, _page(f"decisions/{request.path_params['name']}"), base_url)

    @get("/docs/search", sync_to_thread=True)
    def search(request: Request[Any, Any, Any]) -> Response[Any]:
        """The sections that have all words of the parameter `q`."""
        return _search_answer(request, base_url)

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

    return [start_page, page, decision_list, decision, search, schema, openapi]


def _page(name: str) -> Page:
    """The page of a document by the path of its file, with or without `.md`. NotFound."""
    wanted = f"{name.removesuffix('.md')}.md"
    for page in (*PAGES, *decisions()):
        if page.file == wanted:
            return page
    raise NotFound("unknown-page", "There is no such page.")


def _page_answer(request: Request[Any, Any, Any], page: Page, base_url: str) -> Response[Any]:
    """A page in the language that the request prefers."""
    language = look_of(request).language
    return _answer(request, rendered(page, base_url, language), HTML, _headers(language))


def _search_answer(request: Request[Any, Any, Any], base_url: str) -> Response[Any]:
    """The results of a search, in the language that the request prefers."""
    language, words = look_of(request).language, request.query_params.get("q", "")[:MAX_WORDS]
    sections = found(_sections(base_url), words)
    body = _asset_template("search.html").render(
        _=partial(translate, language=language), words=words, sections=sections
    )  # fmt: skip
    html = _framed(SEARCH, translate(SEARCH.name, language), body, (), language, words)
    headers = {**_headers(language), "X-Robots-Tag": "noindex"}
    return _answer(request, html, HTML, headers)


@cache
def _sections(base_url: str) -> tuple[Section, ...]:
    """The sections of all documents."""
    return tuple(
        section
        for page in (*PAGES, *decisions())
        for section in sections_of(_text(page).replace(PLACEHOLDER, base_url), page.address)
    )


def _headers(language: str) -> dict[str, str]:
    """The headers of a page in a language."""
    return {
        "Content-Language": language,
        "Vary": "Accept-Language, Cookie",
        "Content-Security-Policy": _security_policy(),
        "Referrer-Policy": "same-origin",
    }


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
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'self';"
        f" frame-ancestors 'none'; script-src 'sha256-{script}'"
    )


# --- pages -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def rendered(page: Page, base_url: str, language: str = SOURCE) -> bytes:
    """A whole HTML page; its examples name `base_url`, the address of this server."""
    document = to_html(_text(page), base_url, _addresses(page), language)
    title = document.headings[0].text if document.headings else page.name
    headings = [heading for heading in document.headings if heading.level in (2, 3)]
    return _framed(page, title, document.body, headings, language)


def _text(page: Page) -> str:
    """The Markdown of a document."""
    return (files("hymio.web") / "pages" / page.file).read_text(encoding="utf-8")


def _framed(
    page: Page, title: str, body: str, headings: Sequence[Heading], language: str, words: str = ""
) -> bytes:  # fmt: skip
    """A whole HTML page with the navigation around a body."""
    html = _asset_template("page.html").render(
        _=partial(translate, language=language),
        language=language,
        direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
        page=page,
        pages=PAGES,
        title=title,
        headings=headings,
        body=body,
        words=words,
        style=_asset("page.css"),
        script=_asset("page.js"),
        version=__version__,
    )
    return html.encode()


@cache
def _asset_template(name: str) -> Template:
    """A Jinja template."""
    from jinja2 import Environment  # noqa: PLC0415  only a request for the documentation needs it

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_asset(name))


def _asset(name: str) -> str:
    """The text of a file in the package's folder `templates`."""
    return (files("hymio.web") / "templates" / name).read_text(encoding="utf-8")
