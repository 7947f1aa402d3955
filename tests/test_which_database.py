"""Which databases commands make, refuse and read: missing ones, those of other programs, and read-only copies."""

from __future__ import annotations

import importlib
import os
import pwd
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
from sqlalchemy import create_engine, inspect, make_url, text

from hymio import manage
from hymio.access import operator
from hymio.cli import app, main
from hymio.errors import DatabaseError, SetupError, Unavailable
from hymio.store import open_store
from hymio.store.dialect.ownership import APPLICATION_ID
from tests.terminals import put_up
from tests.world import NOW, build

MAKING_AND_WITHOUT = ("serve", "demo", "organization create", "restore", "terminal", "bench")
"""Commands that make a database, and those that use none."""

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class Said(NamedTuple):
    code: int
    out: str
    err: str


Hymio = Callable[..., Said]


@pytest.fixture
def hymio(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hymio:
    """Runs a command in an empty folder."""
    monkeypatch.delenv("HYMIO_DATABASE", raising=False)
    monkeypatch.delenv("HYMIO_DATA", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*words: str) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(words)
        told = capsys.readouterr()
        return Said(int(ended.value.code or 0), told.out, told.err)

    return run


# --- a database that is missing ---------------------------------------------------------------------------------------

WORDS = {
    "zone": "UTC", "start": "2025-01-01", "locale": "fi", "row": "7.1", "switch": "on", "kind": "texts",
    "gateway": "kannel",
    "ids": "11111111-1111-4111-8111-111111111111",
}  # fmt: skip
"""What is valid in place of an argument that is required, by its name; otherwise 1 is.

A new command that looks at its arguments before its database needs an entry here or in MORE."""

MORE = {"retention set": ["30"], "erase contact": ["jane@example.com"]}
"""What a command needs beside its required arguments."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Every command that does something, with arguments as valid as can be said without a database."""
    below = getattr(command, "commands", {})
    for name, each in below.items():
        yield from commands(each, (*path, name))
    if not below or command.invoke_without_command:
        required = [parameter for parameter in command.params if parameter.required]
        values = [
            [*parameter.opts[:1], WORDS.get(parameter.name, "1")][parameter.param_type_name == "argument" :]
            for parameter in required
        ]
        yield [*path, *chain.from_iterable(values), *MORE.get(" ".join(path), ())]


def test_a_missing_database_is_made_by_few_commands(hymio: Hymio) -> None:
    every = {" ".join(words): words for words in commands(typer.main.get_command(app))}
    left_out = {words for words in every if words.startswith(MAKING_AND_WITHOUT)}
    assert len(left_out) == len(MAKING_AND_WITHOUT)
    refused = "error: there is no database nothere.db. .* hymio organization create NAME.*\n"
    said = {name: hymio("--database", "nothere.db", *every[name]) for name in every.keys() - left_out}
    assert {name: each for name, each in said.items() if not re.fullmatch(refused, each.err) or each.code != 2} == {}
    assert {each.out for each in said.values()} == {""}
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("database", ["sqlite:///nothere.db", "sqlite:///no/folder/nothere.db", ""])
def test_a_missing_database_is_not_made_however_it_is_named(database: str, hymio: Hymio) -> None:
    said = hymio("verify", "--all", *(["--database", database] if database else []))
    assert (said.code, said.out) == (2, "")
    assert "there is no database" in said.err
    assert list(Path.cwd().iterdir()) == []


def test_a_database_without_tables_is_left_empty(empty_database_url: str, hymio: Hymio) -> None:
    said = hymio("organization", "list", "--database", empty_database_url)
    # A file that nobody has made yet is missing, a database on a server is there but empty.
    assert said.code == 2
    assert "hymio organization create NAME" in said.err
    with pytest.raises(SetupError):
        open_store(empty_database_url, make=False)
    assert hymio("organization", "create", "Acme", "--database", empty_database_url).code == 0
    assert "Acme" in hymio("organization", "list", "--database", empty_database_url).out


def test_an_empty_file_is_left_empty(hymio: Hymio) -> None:
    Path("empty.db").touch()
    said = hymio("--database", "empty.db", "verify", "--all")
    assert (said.code, said.out) == (2, "")
    assert "no tables of Hymio" in said.err
    assert Path("empty.db").stat().st_size == 0


def test_verify_of_nothing_is_no_success(database_url: str, hymio: Hymio) -> None:
    said = hymio("verify", "--all", "--database", database_url)
    assert said.code == 1
    assert "nothing to verify" in said.out
    with closing(open_store(database_url)) as store:
        put_up(store)
    assert hymio("verify", "--all", "--database", database_url).code == 0


# --- a database of another program ------------------------------------------------------------------------------------


OTHER_MARK = "PRAGMA application_id = 7"


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE customer (name TEXT); INSERT INTO customer VALUES ('Jane')",
        "CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE organization (id INTEGER)",
        OTHER_MARK,
        "CREATE TABLE alembic_version (v); CREATE TABLE organization (v); CREATE TABLE ledger (v);" + OTHER_MARK,
    ],
)
@pytest.mark.parametrize("command", ["organization list", "organization create Acme", "verify --all"])
def test_a_file_of_another_program_is_left_as_it_is(command: str, made: str, journal: str, hymio: Hymio) -> None:
    file = Path("theirs.db")
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"PRAGMA journal_mode = {journal}; {made}")
    before = file.read_bytes()
    said = hymio("--database", str(file), *command.split())
    assert (said.code, said.out) == (2, "")
    assert "another program" in said.err
    assert file.read_bytes() == before
    assert list(Path.cwd().iterdir()) == [file.absolute()]


def test_tables_of_another_program_are_not_joined(empty_database_url: str, hymio: Hymio) -> None:
    engine = create_engine(make_url(empty_database_url).set(drivername=DRIVERS[empty_database_url.partition(":")[0]]))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE customer (name text)"))
    for command in ("organization list", "organization create Acme"):
        said = hymio(*command.split(), "--database", empty_database_url)
        assert said.code == 2
        assert "customer" in said.err
    assert inspect(engine).get_table_names() == ["customer"]
    engine.dispose()


def marked(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("PRAGMA application_id").fetchone()[0])


def test_a_file_is_marked_when_it_is_made_and_an_older_one_by_the_next_start(tmp_path: Path, hymio: Hymio) -> None:
    file = tmp_path / "hymio.db"
    open_store(str(file)).close()
    assert marked(file) == APPLICATION_ID
    assert file.read_bytes()[68:72] == b"HYMI"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA application_id = 0")  # as files were before there was a mark
    assert hymio("organization", "list", "--database", str(file)).code == 0
    assert marked(file) == 0
    assert hymio("organization", "create", "Acme", "--database", str(file)).code == 0
    assert marked(file) == APPLICATION_ID


def test_our_file_with_a_table_of_somebody_else_is_ours(tmp_path: Path) -> None:
    file = tmp_path / "hymio.db"
    open_store(str(file)).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE notes (text TEXT); PRAGMA application_id = 0")
    open_store(str(file)).close()
    assert marked(file) == APPLICATION_ID


# --- a copy that is read-only -----------------------------------------------------------------------------------------

READING = (
    "organization list", "organization show Acme", "verify --all", "audit Acme", "jobs", "db status",
    "quarantine list Acme", "message list Acme", "survey list Acme", "share list Acme", "get /health",
)  # fmt: skip


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of a database that no account but its owner can write, in a folder that none can; outside pytest's folder,
    which is closed to other accounts."""
    folder = Path("/tmp") / f"hymio-copy-{os.getpid()}"
    folder.mkdir(mode=0o755)
    with closing(open_store(str(folder / "hymio.db"))) as store:
        put_up(store)
    (folder / "hymio.db").chmod(0o444)
    folder.chmod(0o555)
    try:
        yield folder / "hymio.db"
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def unprivileged(words: list[str]) -> tuple[int, str]:
    """The exit status and all output of a command run under an account that file modes apply to.

    That account may not be able to read the modules, so those that a server needs are loaded.
    """
    for module in ("hymio.app", "hymio.manage", "hymio.serving.server"):
        importlib.import_module(module)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(write, 1)
            os.dup2(write, 2)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.setgroups([])
                os.setgid(nobody.pw_gid)
                os.setuid(nobody.pw_uid)
            main(words)
        except SystemExit as ended:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(ended.code or 0))
        finally:
            os._exit(99)
    os.close(write)
    with os.fdopen(read) as output:
        said = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def test_reading_commands_work_on_a_read_only_copy(copy: Path, hymio: Hymio) -> None:
    before = {entry.name: entry.read_bytes() for entry in copy.parent.iterdir()}
    for words in READING:
        said = hymio(*words.split(), "--database", str(copy))  # loads what it imports
        assert said.code == 0, said
        code, out = unprivileged([*words.split(), "--database", str(copy)])
        assert code == 0, out
    assert {entry.name: entry.read_bytes() for entry in copy.parent.iterdir()} == before


def test_another_account_reads_a_database_that_is_being_written(copy: Path, hymio: Hymio) -> None:
    assert hymio("organization", "list", "--database", str(copy)).code == 0
    copy.parent.chmod(0o755)
    copy.chmod(0o644)
    with closing(open_store(str(copy))) as store:
        put_up(store, name="Newer")  # which is only in the log yet
        code, out = unprivileged(["organization", "list", "--database", str(copy)])
        assert code == 0, out
        assert "Newer" in out
        put_up(store, name="Newest")
        assert "Newest" in unprivileged(["organization", "list", "--database", str(copy)])[1]


def test_a_read_only_copy_is_not_written_and_not_served(copy: Path, hymio: Hymio) -> None:
    for words in ("node add-point 1 Door", "organization create Other", "serve --port 0"):
        code, out = unprivileged([*words.split(), "--database", str(copy)])
        assert code == 2, out
        assert "read-only" in out


def test_a_read_only_file_that_changes_is_not_read_on(tmp_path: Path) -> None:
    file = tmp_path / "hymio.db"
    with closing(open_store(str(file))) as store:
        build(store)
    with closing(open_store(str(file), read_only=True)) as copy:
        assert len(manage.organizations(copy)) == 1
        with pytest.raises(Unavailable, match="read-only"):
            manage.create_organization(copy, operator(), "Other", now=NOW)
        with closing(open_store(str(file))) as store:
            manage.create_organization(store, operator(), "Other", now=NOW)
        with pytest.raises(Unavailable, match="changed while it was open"):
            manage.organizations(copy)


def test_an_old_read_only_copy_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "hymio.db"
    open_store(str(file)).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    with pytest.raises(DatabaseError, match=r"at 0001.*Copy it"):
        open_store(str(file), read_only=True)
