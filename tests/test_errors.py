"""Errors have codes: each is a literal where it is raised, means one thing everywhere, and is documented."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from hymio.errors import HymioError, Unavailable
from hymio.texts.catalog import placeholders
from scripts.texts import ERRORS_PAGE, ROOT, SOURCES, errors_page, raised

RAISED = raised()


def test_code_and_text_are_literals_where_an_error_is_raised():
    assert [each.place for each in RAISED if each.code is None or each.text is None] == []


def test_codes_are_short_words_with_hyphens():
    codes = {each.code or "" for each in RAISED}
    assert [code for code in codes if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", code) or len(code) > 40] == []


def test_a_code_has_one_text_and_one_class_everywhere():
    meanings = defaultdict(set)
    for each in RAISED:
        meanings[each.code].add((each.text, each.error.__name__))
    assert {code: found for code, found in meanings.items() if len(found) > 1} == {}


def test_the_values_of_a_text_are_named():
    fields = [(each.place, name) for each in RAISED for name, _, _ in placeholders(each.text or "") or ()]
    assert [(place, name) for place, name in fields if not name.isidentifier()] == []


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Every node of the source's syntax trees, with its file."""
    for file in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            yield str(file.relative_to(ROOT)), node


def test_what_is_accepted_is_a_phrase_or_made_of_data():
    """A literal text that is no Phrase would be missing in the catalogs."""
    given = [(file, node.value) for file, node in nodes() if isinstance(node, ast.keyword) and node.arg == "accepted"]
    assert [f"{file}:{value.lineno}" for file, value in given if _is_text(value)] == []


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))


def test_phrases_are_made_of_literals():
    calls = [(file, node) for file, node in nodes() if isinstance(node, ast.Call) and _name(node) == "Phrase"]
    made = [f"{file}:{call.lineno}" for file, call in calls if not isinstance(call.args[0], ast.Constant)]
    assert [place.partition(":")[0] for place in made] == ["src/hymio/errors.py"], "of an error's text, and no other"


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_the_page_of_errors_is_what_the_source_says():
    assert ERRORS_PAGE.read_text(encoding="utf-8") == errors_page(RAISED), "run `make texts`"


@pytest.mark.parametrize("code", sorted({each.code or "" for each in RAISED}))
def test_every_code_stands_on_the_page_once(code: str):
    assert ERRORS_PAGE.read_text(encoding="utf-8").count(f"\n| `{code}` |") == 1


def test_a_cause_is_for_the_operator_alone():
    error = Unavailable("database-busy", "the database cannot take this now", cause="at db.internal")
    assert error.public_detail == "the database cannot take this now"
    assert str(error) == "the database cannot take this now: at db.internal"


def test_every_class_of_error_is_raised_somewhere():
    raised_classes = {each.error for each in RAISED}
    assert [
        each for each in HymioError.__subclasses__() if not any(issubclass(it, each) for it in raised_classes)
    ] == []
