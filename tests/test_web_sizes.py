"""How large the script and the page are that browsers load, as they are sent; and how the script is made small."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from typing import Any

import pytest

from hymio import manage
from hymio.gateway.digital.minify import minified_script, minified_styles
from hymio.gateway.digital.script import MAX_BYTES
from hymio.store import open_store
from tests.example import FOUND, TAMPERE
from tests.web_page import WebPage, another, ask_for_recommendation, web_page

MAX_PAGE_BYTES = 15_000
"""Bytes of the hosted page with all that it loads, before they are compressed."""


@pytest.fixture(scope="module")
def page(fresh_database: Any) -> Iterator[WebPage]:
    with closing(open_store(fresh_database("sqlite"))) as store, web_page(store, "Sizes") as made:
        yield made


def sent(page: WebPage, address: str, encoding: str = "gzip") -> tuple[int, str]:
    """The bytes of a response's body, and what a browser makes of them."""
    with page.http.stream("GET", address, headers={"Accept-Encoding": encoding}) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding", "") == ("gzip" if encoding == "gzip" else "")
    return len(body), (gzip.decompress(body) if encoding == "gzip" else body).decode()


def test_the_script_is_small_as_it_is_sent(page: WebPage) -> None:
    """With its first line, styles, one set of faces, the texts of a locale, and every question that may follow."""
    four, numbers = another(page, TAMPERE), another(page, ask_for_recommendation(page))
    for address in (
        f"/w/{page.publication.code}/w.js", f"/w/{four.code}/w.js", f"/w/{numbers.code}/w.js",
        f"/v1/bootloader/{page.publication.token}/bootloaderjs/?lang=en-US&init=true",
    ):  # fmt: skip
        size, text = sent(page, address)
        assert size <= MAX_BYTES, address
        assert text.startswith("// Hymio")
        assert sent(page, address, "identity")[1] == text
        for word in ("localStorage", "sessionStorage", "document.cookie", "indexedDB", "innerHTML", "eval("):
            assert word not in text


@pytest.mark.parametrize("language", ["ar", "de", "es", "fi", "fr", "sv"])
def test_the_script_is_about_as_small_in_every_language(page: WebPage, language: str) -> None:
    """The texts are longer than in English, and Arabic has two bytes for a letter."""
    question = page.store.layout(page.organization).surveys[FOUND].question
    manage.localize_question(page.store, page.boss, question, language, "Did you find it?", now=page.clock.now)
    most = MAX_BYTES + 60 * (language == "ar")
    assert sent(page, f"/w/{page.publication.code}/w.js?lang={language}")[0] <= most
    address = f"/v1/bootloader/{page.publication.token}/bootloaderjs/?lang={language}&init=true"
    assert sent(page, address)[0] <= most + 120, "with what pops up"


def test_the_page_is_small_with_all_that_it_loads(page: WebPage) -> None:
    answer = page.http.get(f"/w/{page.publication.code}")
    addresses = re.findall(r'<(?:link|script)[^>]*(?:href|src)="([^"]*)"', answer.text)
    loaded = [page.http.get(address) for address in addresses]
    assert [each.status_code for each in loaded] == [200] * len(loaded)
    assert len(answer.content) + sum(len(each.content) for each in loaded) <= MAX_PAGE_BYTES


@pytest.mark.parametrize(
    ("source", "small"),
    [
        ("// why\nconst name = 1;  // how\nlet other = name + 1;", "let a=1,b=a+1;"),
        ('(text) => { const size = text.size; return { size: size, text: "size // text" }; }',
         '(b)=>{let a=b.size;return{size:a,text:"size // text"}}'),
        ("const add = (one, two) => one + two, one = (two) => add(two, 1);", "let b=(b,c)=>b+c,a=(a)=>b(a,1);"),
        ("const on = () => { go({ one: 1 }); }; let off = false; if (off) { on(); } let last = {two: 2}, to = 3; go();",
         "let a=()=>{go({one:1})},b=!1;if(b){a()}let c={two:2},d=3;go();"),
        ("for (const each of all) { each.run?.(each ? each : b); }", "for(let a of all){a.run?.(a?a:b)}"),
        ('const found = name.replace(/a"b/g, "name");', 'let a=name.replace(/a"b/g,"name");'),
    ],
)  # fmt: skip
def test_a_script_has_short_names_for_what_it_declares_and_for_nothing_else(source: str, small: str) -> None:
    assert minified_script(source) == small


def test_a_style_sheet_has_no_needless_spaces() -> None:
    source = "/* why */\n.a, .b > p { color: red !important; width: calc(1em + 2px) }\n:host([data-x]) { top: 0; }"
    assert minified_styles(source) == ".a,.b>p{color:red!important;width:calc(1em + 2px)}:host([data-x]){top:0}"


def test_the_rules_of_the_short_names_hold_for_the_script() -> None:
    """minify.py reads a part of JavaScript only; what it cannot read must not be in the script."""
    for name in ("w.js", "work.js"):
        source = (files("hymio.gateway.digital") / "static" / name).read_text(encoding="utf-8")
        code = re.sub(r"//[^\n]*", "", re.sub(r'"(?:\\.|[^"\\])*"', '""', source))
        assert "`" not in code
        assert "'" not in code
        assert "function" not in code
        assert re.findall(r"(?:const|let)\s*[{\[]", code) == [], "a declaration takes nothing apart"
        assert re.findall(r"[\w$]\s*=>", code) == [], "parameters stand in brackets"
