"""The documentation that Hymio serves: pages made from `docs/*.md`, schemas, OpenAPI; all without the internet."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from hymio import __version__
from hymio.errors import NotFound
from hymio.serving.answers import JSON, is_known, tag_of
from hymio.serving.door import Door, Services

if TYPE_CHECKING:
    from jinja2 import Template
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

HTML: Final = "text/html"
PLACEHOLDER: Final = "https://hymio.example.com"
"""What the documents write for the address that this server is reached at."""


class Page(NamedTuple):
    """A document, the address below /docs that shows it, and its name in the navigation."""

    file: str
    address: str
    name: str


PAGES: Final = (
    Page("api-v1.md", "/docs", "API v1"),
    Page("api-v2.md", "/docs/api-v2", "API v2"),
    Page("terminal-protocol.md", "/docs/terminal-protocol", "Terminal protocol"),
    Page("compatibility.md", "/docs/compatibility", "Compatibility"),
    Page("settings.md", "/docs/settings", "Settings"),
)


class Heading(NamedTuple):
    """An entry of a page's table of contents."""

    level: int
    id: str
    method: str
    text: str


class Documents(NamedTuple):
    """What machines read about the interfaces, made elsewhere: `openapi` takes the address of this server.

    `schemas` are JSON Schemas by the names of their files.
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
        return _answer(request, rendered(PAGES[0], base_url), HTML)

    @get("/docs/{name:str}", sync_to_thread=True)
    def page(request: Request[Any, Any, Any]) -> Response[Any]:
        return _answer(request, rendered(_page(request.path_params["name"]), base_url), HTML)

    @get("/docs/schema/{name:str}", sync_to_thread=True)
    def schema(request: Request[Any, Any, Any]) -> Response[Any]:
        if request.path_params["name"] not in documents.schemas:
            raise NotFound("There is no such schema.")
        return _answer(request, documents.schemas[request.path_params["name"]], JSON)

    @get("/openapi.json", sync_to_thread=True)
    def openapi(request: Request[Any, Any, Any]) -> Response[Any]:
        return _answer(request, documents.openapi(base_url), JSON)

    return [start_page, page, schema, openapi]


def _page(name: str) -> Page:
    """The page at `/docs/NAME`. NotFound."""
    for each in PAGES[1:]:
        if each.address == f"/docs/{name}":
            return each
    raise NotFound("There is no such page.")


def _answer(request: Request[Any, Any, Any], body: bytes, media_type: str) -> Response[Any]:
    tag = tag_of(body)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if is_known(tag, request.headers.get("If-None-Match", "")):
        return Response(None, status_code=304, headers=headers)
    if media_type == HTML:
        headers["Content-Security-Policy"] = _security_policy()
        headers["Referrer-Policy"] = "same-origin"
    return Response(body, media_type=media_type, headers=headers)


@cache
def _security_policy() -> str:
    """Nothing from elsewhere, and of our own only what is in the page."""
    digest = base64.b64encode(hashlib.sha256(_asset("page.js").encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
        f" frame-ancestors 'none'; script-src 'sha256-{digest}'"
    )


# --- pages from markdown ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def rendered(of: Page, base_url: str) -> bytes:
    """A document as a whole HTML page; the examples name the address that this server is reached at."""
    tokens = _markdown().parse((files("hymio.web") / "pages" / of.file).read_text(encoding="utf-8"))
    headings = _headings(tokens)
    body = _markdown().renderer.render(tokens, _markdown().options, {"base_url": base_url})
    html = _template().render(
        page=of,
        pages=PAGES,
        title=headings[0].text if headings else of.name,
        headings=[each for each in headings if each.level in (2, 3)],
        body=body.replace(PLACEHOLDER, escape(base_url)),
        style=_asset("page.css"),
        script=_asset("page.js"),
        version=__version__,
    )
    return html.encode()


def _asset(name: str) -> str:
    return (files("hymio.web") / "templates" / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment  # noqa: PLC0415  only who reads the documentation needs it

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_asset("page.html"))


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415  only who reads the documentation needs it

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("fence", _fence)
    markdown.add_render_rule("link_open", _link)
    markdown.add_render_rule("endpoint", _endpoint)
    markdown.add_render_rule("table_open", lambda *_: '<div class="table" tabindex="0"><table>')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>")
    return markdown


_METHOD: Final = re.compile(r"(GET|POST|PUT|DELETE) (/\S+)")


def _headings(tokens: Sequence[Token]) -> list[Heading]:
    """The headings in order; each gets the id that its links on code forges have, and its method a badge."""
    found: list[Heading] = []
    for token, content in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = content.content.replace("`", "")
        known = _METHOD.fullmatch(text)
        anchor = _anchor(text, [each.id for each in found])
        token.attrSet("id", anchor)
        found.append(Heading(int(token.tag[1:]), anchor, known[1] if known else "", known[2] if known else text))
        if known and content.children:
            content.children[0].type, content.children[0].content = "endpoint", text
    return found


def _endpoint(_self: object, tokens: Sequence[Token], index: int, *_rest: object) -> str:
    method, path = tokens[index].content.split(" ", 1)
    return f'<span class="method">{method}</span><span class="path">{escape(path).replace("/", "/<wbr>")}</span>'


def _anchor(text: str, taken: Sequence[str]) -> str:
    anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
    return anchor if anchor not in taken else f"{anchor}-{sum(each.startswith(anchor) for each in taken)}"


def _link(_self: object, tokens: Sequence[Token], index: int, *_rest: object) -> str:
    """Links between documents become links between pages, those to schemas lead to where they are served."""
    target = str(tokens[index].attrGet("href") or "").replace("../src/hymio/gateway/schema/", "/docs/schema/")
    file, hash_, anchor = target.partition("#")
    for each in PAGES:
        if file == each.file:
            target = each.address + hash_ + anchor
    return f'<a href="{escape(target)}">'


# --- code ------------------------------------------------------------------------------------------------------------


def _fence(_self: object, tokens: Sequence[Token], index: int, _options: object, env: dict[str, str]) -> str:
    """Code under a line that says what it is: requests become commands to paste, answers show their status."""
    language, status = _info(tokens, index)
    code = tokens[index].content.rstrip("\n")
    if language == "http" and code.startswith(("GET /v1", "GET /v2")):
        refused = _info(tokens, index + 1)[1] == "401"
        return _figure("Request", _highlighted(_curl(code, env["base_url"], refused=refused), "sh"), copied=True)
    if language == "json" and _info(tokens, index - 1)[0] == "http":
        return _figure(f"Answer {status or 200}", _highlighted(code, "json"))
    return _figure("Command" if language == "sh" else "", _highlighted(code, language), copied=language == "sh")


def _info(tokens: Sequence[Token], index: int) -> tuple[str, str]:
    """The two words after a fence: its language and, of an answer, the status."""
    language, _, status = tokens[index].info.strip().partition(" ") if 0 <= index < len(tokens) else ("", "", "")
    return language, status


def _curl(request: str, base_url: str, *, refused: bool) -> str:
    shown = '-u "$CLIENT_ID:$API_TOKEN" ' if request.startswith("GET /v1") else '-H "X-HON-API-Token: $TOKEN" '
    credential = "" if refused else shown
    return f"curl {credential}'{base_url}{request.removeprefix('GET ')}'"


def _figure(caption: str, code: str, *, copied: bool = False) -> str:
    button = '<button type="button" class="copy" hidden>Copy</button>' if copied else ""
    head = f"<figcaption>{escape(caption)}{button}</figcaption>" if caption or button else ""
    return f'<figure>{head}<pre tabindex="0"><code>{code}</code></pre></figure>\n'


_JSON_PART: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>(?<![\w.-])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>\b(?:true|false|null)\b)"
)
_SHELL_PART: Final = re.compile(
    r"""(?P<string>'[^'\n]*'|"[^"\n]*")|(?P<comment>(?:^|(?<=\s))\#[^\n]*)|(?P<key>^[a-z][\w-]*)""", re.MULTILINE
)
_PYTHON_PART: Final = re.compile(
    r"""(?P<string>\"""(?:.|\n)*?\"""|"(?:[^"\\\n]|\\.)*")|(?P<comment>\#[^\n]*)"""
    r"""|(?P<word>\b(?:import|from|def|return|if|elif|else|for|in|is|not|and|or|with|as|try|except|continue|None|True|False)\b)"""
)
_TOML_PART: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<key>^\w+)|(?P<string>"[^"\n]*")|(?P<number>\b\d+\b)""", re.MULTILINE
)
_HTTP_PART: Final = re.compile(r"(?P<word>\A[^\n]+)|(?P<key>^[\w-]+(?=:))", re.MULTILINE)
_PARTS: Final = {
    "json": _JSON_PART,
    "sh": _SHELL_PART,
    "python": _PYTHON_PART,
    "toml": _TOML_PART,
    "http": _HTTP_PART,
}


def _highlighted(code: str, language: str) -> str:
    """Code as HTML, its parts marked; the body of a message is marked as JSON where it is that."""
    head, blank, body = code.partition("\n\n")
    if language == "http" and body.startswith("{"):
        return _highlighted(head, "http") + blank + _highlighted(body, "json")
    part = _PARTS.get(language)
    if part is None:
        return escape(code, quote=False)
    pieces, end = [], 0
    for found in part.finditer(code):
        pieces += [escape(code[end : found.start()], quote=False), _span(found)]
        end = found.end()
    return "".join([*pieces, escape(code[end:], quote=False)])


def _span(found: re.Match[str]) -> str:
    return f'<span class="{found.lastgroup}">{escape(found.group(), quote=False)}</span>'
