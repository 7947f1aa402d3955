"""No text of a CSV file is a formula, whichever separator the spreadsheet that opens it expects."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hymio.spreadsheet import cell, disarmed

SEPARATORS = (",", ";", "\t", "|")
TEXTS = st.text("a1=+-@＝;|\t\r\n\"', ") | st.text()
NUMBER = re.compile(r"[-+]?[0-9(][0-9 ().,-]*")


def split(line: str, separator: str) -> list[str]:
    """The cells of a file for a program of another locale, which may take quotes inside cells as a part of the text."""
    plain = [part for row in re.split(r"[\r\n]", line) for part in row.split(separator)]
    return plain + [part for row in csv.reader(io.StringIO(line, newline=""), delimiter=separator) for part in row]


def is_formula(part: str) -> bool:
    shown = part.strip().strip('"').strip()
    return shown[:1] in tuple("=+-@＝＋－＠") and not NUMBER.fullmatch(shown) and not part.startswith('"')


@given(TEXTS, st.sampled_from(SEPARATORS))
@example("Hi;=1+1;x", ",")
@example("Hi\t@SUM(A1)", ",")
@example('Hi|"=1+1|x', ",")
@example("Hi\n=1+1", ",")
@example("Hi; \t=1+1", ",")
def test_no_locale_runs_a_text(text: str, separator: str) -> None:
    line = f"7{separator}{cell(disarmed(text, separator), separator)}{separator}8\r\n"
    for expected in set(SEPARATORS) - {separator}:
        assert not [part for part in split(line, expected) if is_formula(part)], line
    [row] = csv.reader(io.StringIO(line, newline=""), delimiter=separator, strict=True)
    assert row == ["7", disarmed(text, separator), "8"]


@pytest.mark.parametrize(
    "text", ["-5", "+358 40 123", "a;-5", "a|+358401234567|b", "well; I mean - no", "x=1", "a;b=c"]
)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert disarmed(text) == text


def test_the_example_of_the_document() -> None:
    assert cell(disarmed("Hi;=1+1;x"), ",") == '"Hi;\'=1+1;x"'
    assert cell("plain; words", ",") == "plain; words"
