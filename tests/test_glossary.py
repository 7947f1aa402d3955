"""The glossary is complete and in use: it explains every table, and every term of it occurs in code or documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from hymio.store import schema

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"


class Row(NamedTuple):
    """One term with the tables that store it."""

    term: str
    tables: tuple[str, ...]


def rows() -> list[Row]:
    lines = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("| **")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [
        Row(re.findall(r"\*\*(.+?)\*\*", term)[0], tuple(re.findall(r"`(\w+)`", tables)))
        for term, _, tables, _ in cells
    ]


def written() -> str:
    """All code and documents in lower case, the words of names apart; without the glossary itself."""
    files = [*ROOT.glob("src/hymio/**/*.py"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file != GLOSSARY)
    return re.sub(r"[\s_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()


def test_a_term_has_one_row():
    terms = [row.term for row in rows()]
    assert len(terms) > 50
    assert sorted(set(terms)) == sorted(terms)


def test_every_table_is_explained_by_one_term():
    explained = [table for row in rows() for table in row.tables]
    assert sorted(explained) == sorted(schema.metadata.tables)


@pytest.fixture(scope="module")
def text() -> str:
    return written()


@pytest.mark.parametrize("term", [row.term for row in rows()])
def test_a_term_is_used_outside_the_glossary(term: str, text: str):
    assert re.search(rf"\b{re.escape(term.lower())}(s|es|d)?\b", text), (
        f"{term} is a term of the glossary that nothing uses"
    )
