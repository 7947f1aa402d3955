"""Listings: one value gives the table for people and tab, CSV and JSON for programs; flags, errors and exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hymio.cli import app
from hymio.cli.listing import Column, Fit, Form, Listing, Shown, as_json, as_lines, table_of
from tests.test_cli import Hymio, anywhere, done, hymio, set_up

__all__ = ["anywhere", "hymio"]
PAGE = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text(encoding="utf-8")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
CELLS = st.one_of(st.none(), st.booleans(), st.integers(-9, 10**6), TEXTS)


def parsed(line: str) -> list[str]:
    """The cells of a line with tabs."""
    plain = {"\\\\": "\\", r"\t": "\t", r"\n": "\n", r"\r": "\r"}
    return [
        re.sub(
            r"\\x(..)|\\.",
            lambda match: chr(int(match[1], 16)) if match[1] else plain[match.group()],
            text,
        )
        for text in line.split("\t")
    ]


def text_of(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@given(st.lists(st.tuples(CELLS, CELLS)))
def test_all_forms_have_the_same_rows(rows: list[tuple[Any, Any]]) -> None:
    part = Listing("things", (Column("a"), Column("b", Fit.DATA)), rows)
    expected = [["a", "b"], *([text_of(value) for value in row] for row in rows)]
    assert json.loads(as_json((part,), nested=False)) == [{"a": a, "b": b} for a, b in rows]
    tab = as_lines((part,), Form.TAB)
    assert [parsed(line) for line in tab.split("\n")[:-1]] == expected
    assert tab.count("\n") == len(rows) + 1  # a row a line
    read = list(csv.reader(io.StringIO(as_lines((part,), Form.CSV), newline="")))
    assert [[text.replace("'", "") for text in row] for row in read] == [
        [text.replace("'", "") for text in row] for row in expected
    ]  # but for the apostrophes that keep spreadsheets from reading a formula


def test_no_form_for_people_has_characters_that_a_terminal_obeys() -> None:
    text = "\x1b]0;name\x07\x1b[2Jhi\x9b31m\x7f"
    part = Listing("things", (Column("a"), Column("b")), [(text, Shown(None, text))])
    printed = io.StringIO()
    Console(width=200, file=printed).print(table_of(part))
    for shown in (printed.getvalue(), as_lines((part,), Form.TAB)):
        assert r"\x1b]0;name\x07\x1b[2Jhi\x9b31m\x7f" in shown
        assert all(character.isprintable() or character in "\t\n" for character in shown)


def test_a_formula_in_csv_is_a_text() -> None:
    part = Listing("things", (Column("a"),), [("=1+1",), ("Hi;=1+1;x",)])
    assert as_lines((part,), Form.CSV) == "a\r\n'=1+1\r\n\"Hi;'=1+1;x\"\r\n"


def listings() -> Iterator[tuple[str, ...]]:
    """The commands that have `--tab`."""

    def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if any(parameter.name == "as_tab" for parameter in command.params):
            yield path
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, (*path, name))

    return walk(typer.main.get_command(app), ())


def test_every_list_and_show_has_all_forms() -> None:
    def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if path and path[-1] in {"list", "show", "status", "audit", "jobs"}:
            yield path
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, (*path, name))

    assert set(walk(typer.main.get_command(app), ())) <= set(listings())


DOCUMENTED = dict(re.findall(r"^\| `hymio ([^`]+)` \| (.+) \|$", PAGE, re.MULTILINE))


def test_all_listings_are_documented() -> None:
    paths = {re.sub(r" [A-Z0-9].*", "", words) for words in DOCUMENTED}
    assert paths == {" ".join(path) for path in listings()}


@pytest.mark.parametrize("words", DOCUMENTED)
def test_a_listing_has_the_documented_columns_in_all_forms(
    words: str, hymio: Hymio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And neither colours nor lines that are wrapped, however narrow the screen."""
    set_up(hymio)
    done(hymio("smiley", "add", "Acme", "WEB-1", "--type", "digital"))
    done(hymio("smiley", "publish", "Acme", "WEB-1"))
    typed = [
        {"ORGANIZATION": "Acme", "KEY": "1", "SURVEY": "1", "SMILEY": "WEB-1"}.get(word, word) for word in words.split()
    ]
    documented = re.findall(r"(?:\*\*([a-z.]+)\*\*: )?((?:`[a-z0-9_]+`(?:, )?)+)", DOCUMENTED[words])
    monkeypatch.setenv("COLUMNS", "20")
    said = done(hymio(*typed))
    assert "\x1b" not in said
    headings = [block.split("\n")[0].split("\t") for block in said.split("\n\n")]
    assert headings == [re.findall("`([^`]+)`", columns) for _, columns in documented]
    for block in said.split("\n\n"):
        assert len({line.count("\t") for line in block.splitlines()}) == 1
    value = json.loads(done(hymio(*typed, "--json")))
    for (name, _), heading in zip(documented, headings, strict=True):
        rows = value
        for key in name.split(".") if name else ():
            rows = rows[key]
        assert all(list(row) == heading for row in ([rows] if isinstance(rows, dict) else rows))
        only = ["--only", name] if name else []
        assert done(hymio(*typed, "--csv", *only)).partition("\r\n")[0].split(",") == heading


def test_csv_of_several_tables_asks_which(hymio: Hymio) -> None:
    set_up(hymio)
    said = hymio("organization", "show", "Acme", "--csv")
    assert (said.code, "nodes, assignments, surveys, smileys" in said.err) == (2, True)
    assert "[one-form]" in hymio("organization", "list", "--csv", "--tab").err
    assert "[no-such-table]" in hymio("organization", "show", "Acme", "--only", "cats").err


# --- flags at any place -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "--data there organization list", "organization --data there list", "organization list --data there",
        "--config there.toml organization list", "organization list --config there.toml",
        "organization --database sqlite:///there/hymio.db list", "jobs --data there", "db status --data there",
        "--data nowhere organization list --data there",
    ],
)  # fmt: skip
def test_flags_of_every_command_stand_anywhere(words: str, anywhere: Hymio) -> None:
    done(anywhere("organization", "create", "Acme", "--data", "there"))
    Path("there.toml").write_text('data = "there"\n', encoding="utf-8")
    said = anywhere(*shlex.split(words))
    assert "Acme" in done(said) or "deliver-outbox" in said.out
    assert not Path("hymio-data").exists()


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("survey list Nobody", "no-such-organization"),
        ("organization list --foo", "usage"),
        ("organisation list", "usage"),
        ("node add-point Acme", "usage"),
        ("node policy Acme 1 --interval x", "usage"),
        ("get /v1/folders --user-file no-such-file", "system-error"),
    ],
)
def test_an_error_has_one_style(words: str, code: str, hymio: Hymio) -> None:
    set_up(hymio)
    said = hymio(*words.split())
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(rf"error: .+ \[{code}\]\n", said.err)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("survey list Nobody --json", "no-such-organization"),
        ("report Nowhere --json", "unknown-name"),
        ("organization --foo list --json", "usage"),
        ("audit Acme --json --limit x", "usage"),
        ("organization list --json --config none.toml", "settings-unreadable"),
    ],
)
def test_an_error_of_json_is_json(words: str, code: str, hymio: Hymio) -> None:
    set_up(hymio)
    said = hymio(*words.split())
    error = json.loads(said.err)
    assert (said.code, said.out, error["code"]) == (2, "", code)
    assert {"title", "detail"} <= error.keys()


def test_exit_codes_are_documented(hymio: Hymio) -> None:
    assert hymio("verify", "--all").code == 1  # there is no organization
    set_up(hymio)
    assert [hymio(*words).code for words in (("verify", "Acme"), ("get", "/v1/folders"), ("verify",))] == [0, 1, 2]
    assert re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE) == ["0", "1", "2", "130"]


def test_the_documented_error_is_what_a_command_prints(hymio: Hymio) -> None:
    done(hymio("organization", "create", "Acme"))
    [documented] = re.findall(r"^```json\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)
    said = hymio("organization", "show", "Nobody", "--json")
    assert (said.code, json.loads(said.err), said.out) == (2, json.loads(documented), "")


def test_what_is_checked_has_json(hymio: Hymio) -> None:
    set_up(hymio)
    [verified] = json.loads(done(hymio("verify", "--all", "--json")))
    assert (verified["name"], verified["differences"], verified["mending"], verified["first"]) == ("Acme", 0, [], [])
    [checked] = json.loads(done(hymio("check", "Acme", "--json")))
    assert (checked["clock_fits"], checked["corrections"], checked["sms_addresses"]) == (True, [], {})
    refused = hymio("check", "Acme", "--json", "--clock-is-right")
    assert (refused.code, json.loads(refused.err)["code"]) == (2, "json-of-check-alone")


def test_nothing_is_offered_for_feedback_of_the_future(hymio: Hymio) -> None:
    set_up(hymio)
    said = hymio("smiley", "place", "Acme", "2415VE0A110042", "Front door", "--from", "2999-01-01T00:00")
    assert ("will stand" in done(said), "resettle" in said.err) == (True, False)


def test_placeholders_are_capitals() -> None:
    """In help, in errors and in what is printed next; `…` stands for nothing that is to be typed."""

    def walk(command: Any) -> Iterator[str]:
        for parameter in command.params:
            yield parameter.metavar or ""
        for below in getattr(command, "commands", {}).values():
            yield from walk(below)

    capitals = re.compile(r"\[?[A-Z]+\]?([/:][A-Z]+)?(,?\.\.\.)?")
    assert not [metavar for metavar in walk(typer.main.get_command(app)) if metavar and not capitals.fullmatch(metavar)]
    sources = Path(__file__).parents[1] / "src" / "hymio" / "cli"
    for file in sources.glob("*.py"):
        assert not re.search(r"hymio [a-z-]+(?: [a-z-]+)* …", file.read_text(encoding="utf-8")), file


# --- secrets in files -------------------------------------------------------------------------------------------------


def test_a_secret_is_written_as_a_header(hymio: Hymio) -> None:
    set_up(hymio)
    for words, lines in (
        ("smiley add Acme T2", [r"Authorization: Bearer \S+"]),
        ("smiley token Acme T2", [r"Authorization: Bearer \S+"]),
        ("api activate Acme", [r"X-HON-Client-Id: \S+", r"X-HON-API-Token: \S+"]),
        ("api rotate Acme", [r"X-HON-Client-Id: \S+", r"X-HON-API-Token: \S+"]),
        ("api token create Acme Board", [r"X-HON-API-Token: \S+"]),
    ):
        file = Path("secret.header")
        said = hymio(*words.split(), "--header", str(file))
        text = file.read_text(encoding="utf-8")
        assert re.fullmatch("".join(rf"{line}\n" for line in lines), text), said
        assert file.stat().st_mode & 0o777 == 0o600
        assert text.split()[-1] not in done(said)
        again = hymio(*words.split(), "--header", str(file))
        assert (again.code, file.read_text(encoding="utf-8")) == (2, text)
        assert "[header-exists]" in again.err
        file.unlink()


def test_no_header_is_left_of_a_change_that_failed(hymio: Hymio) -> None:
    set_up(hymio)
    assert hymio("smiley", "add", "Acme", "lower", "--header", "secret.header").code == 2
    assert not Path("secret.header").exists()
