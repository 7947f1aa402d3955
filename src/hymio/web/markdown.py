"""Markdown of the documentation as HTML, with anchors, links between pages and badges for HTTP methods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from hymio.web.code_blocks import PLACEHOLDER, Fence, code_block

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_SCHEMAS: Final = "../src/hymio/gateway/schema/"
_SHORT_CODE: Final = 24
"""Characters of code within a line of text that are not broken at a hyphen or a space; they fit the narrowest phone."""

_COMMENT: Final = re.compile(r"^<!--.*?-->\n*", re.MULTILINE | re.DOTALL)
"""A note to editors of a document, which readers of the page need not see."""

_METHOD: Final = re.compile(r"(GET|POST|PUT|DELETE) (/\S+)")


class Heading(NamedTuple):
    """A heading: its level (1 to 6), its id in the page, and its text; of an endpoint, the method and the path."""

    level: int
    id: str
    method: str
    text: str


class Place(NamedTuple):
    """A heading's id and text, and the line that it is in, from 0."""

    id: str
    text: str
    line: int


class Html(NamedTuple):
    """A rendered document and its headings, in order."""

    body: str
    headings: Sequence[Heading]


def to_html(text: str, base_url: str, addresses: Mapping[str, str], language: str) -> Html:
    """Renders Markdown.

    `base_url` is the address of this server, which replaces the placeholder in the examples; `addresses` gives the
    address that serves each document, by the document's file name. Captions of code blocks are in `language`.
    """
    tokens = _parser().parse(_COMMENT.sub("", text))
    document_headings = headings(tokens)
    _label_cells(tokens)
    env = {"base_url": base_url, "addresses": addresses, "language": language}
    body = _parser().renderer.render(tokens, _parser().options, env)
    return Html(body.replace(PLACEHOLDER, escape(base_url)), document_headings)


def anchors(text: str) -> set[str]:
    """The ids of a document's headings."""
    return {heading.id for heading in headings(_parser().parse(text))}


def headings_of(text: str) -> list[Place]:
    """The headings of a document with their lines."""
    tokens = _parser().parse(text)
    lines = [token.map[0] for token in tokens if token.type == "heading_open" and token.map]
    named = zip(headings(tokens), lines, strict=True)
    return [Place(heading.id, f"{heading.method} {heading.text}".strip(), line) for heading, line in named]


@cache
def _parser() -> MarkdownIt:
    """A CommonMark parser with tables and this module's render rules; raw HTML is escaped."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  only a request for the documentation needs it

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_inline", _code)
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("endpoint", _endpoint)
    parser.add_render_rule("table_open", lambda *_: '<div class="table" tabindex="0"><table>')
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    return parser


def headings(tokens: Sequence[Token]) -> list[Heading]:
    """The headings among the tokens; sets their ids, those that code forges use, and marks endpoints for a badge."""
    result: list[Heading] = []
    for token, content in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = content.content.replace("`", "")
        endpoint = _METHOD.fullmatch(text)
        anchor = _anchor(text, [heading.id for heading in result])
        token.attrSet("id", anchor)
        method, label = endpoint.groups() if endpoint else ("", text)
        result.append(Heading(int(token.tag.removeprefix("h")), anchor, method, label))
        if endpoint and content.children:
            content.children[0].type, content.children[0].content = "endpoint", text
    return result


def _anchor(text: str, others: Sequence[str]) -> str:
    """A heading's id as code forges make it; a number is appended if it is among the `others`."""
    anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
    return anchor if anchor not in others else f"{anchor}-{sum(other.startswith(anchor) for other in others)}"


def _endpoint(_self: object, tokens: Sequence[Token], index: int, *_rest: object) -> str:
    """An endpoint as a badge with the method and a path that may break after slashes."""
    method, path = tokens[index].content.split(" ", 1)
    return f'<span class="method">{method}</span><span class="path">{escape(path).replace("/", "/<wbr>")}</span>'


def _label_cells(tokens: Sequence[Token]) -> None:
    """Sets the text of its column's header on each table cell, for narrow screens, which show it beside the cell."""
    labels: list[str] = []
    column = 0
    for token, content in pairwise(tokens):
        if token.type == "thead_open":
            labels = []
        elif token.type == "th_open":
            labels.append(content.content.replace("`", ""))
        elif token.type == "tr_open":
            column = 0
        elif token.type == "td_open":
            token.attrSet("data-label", labels[column])
            column += 1


def _code(_self: object, tokens: Sequence[Token], index: int, *_rest: object) -> str:
    """Inline code; short code has a class that prevents line breaks within it."""
    code = tokens[index].content
    kind = ' class="short"' if len(code) <= _SHORT_CODE else ""
    return f"<code{kind}>{escape(code)}</code>"


def _link(
    _self: object, tokens: Sequence[Token], index: int, _options: object, env: Mapping[str, Mapping[str, str]]
) -> str:
    """A link; one to another document leads to the page that shows it, one to a JSON Schema to where it is served."""
    target = str(tokens[index].attrGet("href") or "").replace(_SCHEMAS, "/docs/schema/")
    file, hash_sign, anchor = target.partition("#")
    if file in env["addresses"]:
        target = env["addresses"][file] + hash_sign + anchor
    return f'<a href="{escape(target)}">'


def _fence(_self: object, tokens: Sequence[Token], index: int, _options: object, env: Mapping[str, str]) -> str:
    """A fenced code block as HTML, given the blocks directly before and after it."""
    before, after = _fence_at(tokens, index - 1), _fence_at(tokens, index + 1)
    return code_block(_fence_at(tokens, index), before, after, env["base_url"], env["language"])


def _fence_at(tokens: Sequence[Token], index: int) -> Fence:
    """The code block at an index of the tokens; an empty one if there is something else."""
    if not 0 <= index < len(tokens) or tokens[index].type != "fence":
        return Fence("", "", "")
    language, _, status = tokens[index].info.strip().partition(" ")
    return Fence(tokens[index].content, language, status)
