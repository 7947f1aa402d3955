"""Every link in the documents that leads to another of them, to a file or to a heading leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from hymio.web import markdown

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]


def targets(document: Path) -> Iterator[str]:
    """Where links and images of a document lead; `test_reference` follows those to what Hymio serves."""
    for block in MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8")):
        for token in block.children or ():
            target = token.attrGet("href") or token.attrGet("src")
            if target and not str(target).startswith(("http://", "https://", "mailto:", "/")):
                yield unquote(str(target))


@cache
def anchors(document: Path) -> set[str]:
    """The ids of a document's headings."""
    return markdown.anchors(document.read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path):
    for target in targets(document):
        path, _, anchor = target.partition("#")
        found = document if not path else (document.parent / path).resolve()
        assert found.exists(), target
        assert ROOT in found.parents, f"{target} leads out of the checkout"
        assert not anchor or anchor in anchors(found), target


def test_there_are_links_of_both_kinds():
    every = [target for document in DOCUMENTS for target in targets(document)]
    assert any("#" in target for target in every)
    assert any("#" not in target for target in every)
