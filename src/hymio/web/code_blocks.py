"""Code blocks of the documentation as HTML: captions, requests as commands to copy, syntax colours by Pygments.

Pygments marks tokens with its short class names (`nt`, `s2`, …); `page.css` gives these their colours, light and dark.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from hymio.errors import Phrase
from hymio.texts import translate

if TYPE_CHECKING:
    from pygments.formatters import HtmlFormatter
    from pygments.lexer import Lexer

PLACEHOLDER: Final = "https://hymio.example.com"
"""The address that the documents write for this server's."""

_LEXERS: Final = {"http": "http", "json": "json", "python": "python", "sh": "bash", "toml": "toml"}
"""The name of Pygments' lexer for each language after a fence; other blocks have no colours."""


class Fence(NamedTuple):
    """A code block and the words after its opening fence: the language and, for an answer, the HTTP status."""

    code: str
    language: str
    status: str


def code_block(fence: Fence, before: Fence, after: Fence, base_url: str, language: str) -> str:
    """A code block as an HTML figure.

    A request to API v1 or v2 is shown as a curl command, and JSON directly after a request as its answer. `before` and
    `after` are the blocks directly before and after, empty where there are none; `base_url` replaces the placeholder.
    Captions are in `language`, one of `texts.LANGUAGES`.
    """
    code = fence.code.rstrip("\n").replace(PLACEHOLDER, base_url)
    if fence.language == "http" and code.startswith(("GET /v1", "GET /v2")):
        command = _curl(code, base_url, authenticated=after.status != "401")
        return _figure(Phrase("Request"), _highlighted(command, "sh"), language, has_copy_button=True)
    if fence.language == "json" and before.language == "http":
        return _figure(Phrase("Answer {status}", status=fence.status or 200), _highlighted(code, "json"), language)
    if fence.language == "sh":
        return _figure(Phrase("Command"), _highlighted(code, "sh"), language, has_copy_button=True)
    return _figure(Phrase(""), _highlighted(code, fence.language), language)


def _curl(request: str, base_url: str, *, authenticated: bool) -> str:
    """The curl command of a request line such as `GET /v1/folders`."""
    credential = '-u "$CLIENT_ID:$API_TOKEN" ' if request.startswith("GET /v1") else '-H "X-HON-API-Token: $TOKEN" '
    return f"curl {credential if authenticated else ''}'{base_url}{request.removeprefix('GET ')}'"


def _figure(caption: Phrase, code: str, language: str, *, has_copy_button: bool = False) -> str:
    """A `figure` element with an optional caption and copy button, in a language, around highlighted code."""
    copy, copied = (escape(translate(text, language)) for text in (Phrase("Copy"), Phrase("Copied")))
    button = f'<button type="button" class="copy" data-copied="{copied}" hidden>{copy}</button>'
    head = escape(translate(caption, language)) + (button if has_copy_button else "")
    if head:
        head = f'<figcaption lang="{language}">{head}</figcaption>'
    return f'<figure>{head}<pre tabindex="0"><code>{code}</code></pre></figure>\n'


def _highlighted(code: str, language: str) -> str:
    """Code as HTML with its tokens in spans of Pygments' classes; escaped only where the language is not known."""
    if language not in _LEXERS:
        return escape(code, quote=False)
    from pygments import highlight  # noqa: PLC0415  only a request for the documentation needs it

    html: str = highlight(code, _lexer(_LEXERS[language]), _formatter())
    return html


@cache
def _lexer(name: str) -> Lexer:
    """Pygments' lexer of a name; keeps leading and trailing newlines."""
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415  the same

    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


@cache
def _formatter() -> HtmlFormatter:
    """Pygments' HTML formatter without a surrounding element."""
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415  the same

    return HtmlFormatter(nowrap=True)
