"""SQL is written in `hymio.store` alone, and only its dialect asks which engine it speaks to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "hymio"
OF_ANOTHER_DATABASE = PACKAGE / "bench" / "duckdb_program.py"
"""It speaks to DuckDB, in a Python that may not have Hymio."""
FILES = [
    file for file in sorted(PACKAGE.rglob("*.py")) if "migrations" not in file.parts and file != OF_ANOTHER_DATABASE
]

STATEMENT = re.compile(r"\b(SELECT\b.+\bFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b", re.DOTALL)
ENGINE = re.compile(r"is_sqlite|is_postgresql|dialect\.name|get_backend_name|json_each|unnest\(|INDEXED BY|COLLATE")


def inside(*parts: str) -> list[Path]:
    return [file for file in FILES if file.is_relative_to(PACKAGE.joinpath(*parts))]


def texts(file: Path) -> Iterator[str]:
    """The string constants of a file, without its docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


@pytest.mark.parametrize("file", sorted(set(FILES) - set(inside("store"))), ids=lambda file: file.stem)
def test_no_sql_outside_the_store(file: Path) -> None:
    assert [text for text in texts(file) if STATEMENT.search(text)] == []


@pytest.mark.parametrize("file", sorted(set(FILES) - set(inside("store", "dialect"))), ids=lambda file: file.stem)
def test_no_branch_on_the_engine_outside_the_dialect(file: Path) -> None:
    assert ENGINE.findall(file.read_text(encoding="utf-8")) == []


def test_both_would_be_noticed() -> None:
    """The store has statements and the dialect has branches, so that the patterns still fit how both are written."""
    assert any(STATEMENT.search(text) for file in inside("store", "ledger") for text in texts(file))
    assert all(ENGINE.search(file.read_text()) for file in inside("store", "dialect") if file.stem == "connecting")
