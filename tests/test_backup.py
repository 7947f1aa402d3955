"""Backups: what is in one is the whole database at one moment, and what was interrupted never looks whole."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from sqlalchemy import inspect, text

from hymio import intake, manage
from hymio.backup import archive, making, read_manifest, restoring, rotate, target_in
from hymio.backup.archive import Manifest, write_archive
from hymio.backup.folder import WORKSPACE
from hymio.cli import main
from hymio.errors import DatabaseError, DatabaseTooNew, HymioError, SetupError
from hymio.feedback import Press, Upload
from hymio.jobs import Environment, Run, Runner, Stopping, periodic_jobs
from hymio.jobs.backing_up import back_up
from hymio.period import DAY_MS, HOUR_MS
from hymio.settings import Settings
from hymio.store import Store, jobs, open_store, schema
from hymio.store.backup import FILE, Copy, contents_of_file, pieces_of
from hymio.store.dialect import connect, postgresql_backup
from hymio.store.dialect.postgresql_backup import find_program
from hymio.store.lease import Outcome
from hymio.store.token_use import TokenUse
from hymio.store.visitor_keys import visitor_key
from tests.databases import Databases
from tests.engines import Unavailable, binaries
from tests.example import make_example
from tests.example_v2 import furnish, press_with_phases
from tests.terminals import put_up
from tests.test_migrations import at_revision

NOW = 1_750_000_000_000
STRANGE = "tab\t, line\n, return\r, back\\slash, \\N, \\., quotes ' \" and “ü” 😀\x7f"


@pytest.fixture
def engine(request: pytest.FixtureRequest, database_url: str) -> str:
    """The name of the engine; the programs of the newest PostgreSQL are found, too."""
    name: str = request.node.callspec.params["database_url"]
    if name == "citus":
        pytest.skip("hymio backup refuses a Citus cluster")
    return name


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    with suppress(Unavailable):
        monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{binaries('postgresql-18')}")


@pytest.fixture
def new_url(engine: str, databases: Databases) -> Iterator[str]:
    """A database of the same engine that is missing or empty."""
    url = databases.make(engine, empty=True)
    yield url
    databases.give_back(url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


def fill(store: Store) -> None:
    """Two organizations with something in most tables, and texts that have to be escaped."""
    example = make_example(store)
    furnish(store, example.organization)
    press_with_phases(store, example.organization)
    put_up(store, name="Other")
    with store.write() as transaction:
        transaction.run("UPDATE text_feedback SET text = :strange", strange=STRANGE)
        transaction.run("UPDATE organization SET name = :name WHERE id = 2", name="Other\\\n\t'\"")


def rows_of_all_tables(url: str) -> dict[str, list[str]]:
    """All rows by table, with the columns by name: a migrated database has them in another order than a new one."""
    engine = connect(url)
    with engine.connect() as connection:
        found = {
            name: sorted(
                str(sorted(row.items())) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()
            )
            for name in inspect(connection).get_table_names()
        }
    engine.dispose()
    return found


def back(store: Store, target: Path, *, rotated: bool = False, now: int = NOW) -> Manifest:
    with making(store, target, rotated=rotated, now=now) as made:
        for organization in manage.organizations(made.store):
            assert list(intake.verify(made.store, organization.id)) == []
        return made.manifest


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_what_was_backed_up_is_restored_row_by_row(engine: str, store: Store, new_url: str, folder: Path) -> None:
    fill(store)
    key = visitor_key(store, NOW // DAY_MS)
    before = rows_of_all_tables(store._engine.url.render_as_string(hide_password=False))
    assert len([name for name, rows in before.items() if rows]) > 25
    assert before["visitor_key"]
    before["visitor_key"] = []  # otherwise a copy could tell for good who pressed
    target = folder / "one.zip"
    with making(store, target, now=NOW) as made:
        # From a dump too, which no server reads here, comes every value as it was.
        assert rows_of_all_tables(f"sqlite:///{made.store.file}") == before
        assert made.store.file is not None
        assert key not in made.store.file.read_bytes()
        assert not target.exists()
    manifest = read_manifest(target)
    assert manifest == made.manifest
    assert (manifest.engine, manifest.made_at) == (store.kind, "2025-06-15T15:06:40.000Z")
    assert ":" not in manifest.database.partition("@")[0].removeprefix("postgresql://")
    assert [each.name for each in manifest.contents.organizations] == ["Acme", "Other\\\n\t'\""]
    assert {name: len(rows) for name, rows in before.items()} == manifest.contents.rows
    with restoring(target, new_url) as restored:
        revisions = [(each.id, each.revision) for each in manifest.contents.organizations]
        with restored.read() as transaction:
            query = "SELECT organization_id, revision FROM ledger ORDER BY organization_id"
            assert transaction.rows(query) == revisions
        for organization in manage.organizations(restored):
            assert list(intake.verify(restored, organization.id)) == []
    assert rows_of_all_tables(new_url) == before
    open_store(new_url).close()
    assert {file.name for file in folder.iterdir()} == {"one.zip"}


def test_an_archive_is_its_owners_alone_and_any_tool_unpacks_it(store: Store, engine: str, folder: Path) -> None:
    fill(store)
    before = os.umask(0o022)
    try:
        back(store, folder / "one.zip")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "one.zip").stat().st_mode) == 0o600
    with ZipFile(folder / "one.zip") as unpacked:
        assert unpacked.testzip() is None
        assert set(unpacked.namelist()) == {"manifest.json", "hymio.db" if engine == "sqlite" else "hymio.dump"}
        assert json.loads(unpacked.read("manifest.json"))["format"] == "hymio-backup-1"
        if engine == "sqlite":
            unpacked.extract("hymio.db", folder)
            with closing(sqlite3.connect(folder / "hymio.db")) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_backup_under_load_is_the_state_of_one_moment(engine: str, store: Store, new_url: str, folder: Path) -> None:
    acme, ending, sent = put_up(store), threading.Event(), [0]

    def press() -> None:
        while not ending.is_set():
            presses = tuple(Press(1, sent[0] + n, NOW - 10_000_000 + sent[0] * 7000 + n, n % 4) for n in range(1, 21))
            intake.record(store, acme.organization, [Upload(1, presses)], NOW)
            sent[0] += 20

    def revision() -> int:
        with store.read() as transaction:
            return int(transaction.rows("SELECT revision FROM ledger")[0][0])

    thread = threading.Thread(target=press)
    thread.start()
    try:
        _wait_until(lambda: sent[0] > 200)
        for number in range(2):
            before = revision()
            manifest = back(store, folder / f"{number}.zip")
            [organization] = manifest.contents.organizations
            assert before <= organization.revision
            _wait_until(lambda last=organization.revision: revision() > last)  # type: ignore[misc]
            assert manifest.contents.rows["feedback"] % 20 == 0
    finally:
        ending.set()
        thread.join()
    with restoring(folder / "1.zip", new_url) as restored, restored.read() as transaction:
        assert list(intake.verify(restored, acme.organization)) == []
        rows = transaction.rows("SELECT count(*), max(sequence) FROM feedback")
        assert rows == [(manifest.contents.rows["feedback"],) * 2]


def _wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, folder: Path) -> Path:
    """The archive of a small SQLite file."""
    with closing(open_store(f"sqlite:///{tmp_path / 'small.db'}")) as store:
        put_up(store)
        back(store, folder / "small.zip")
    return folder / "small.zip"


def refused(archive: Path, target: Path, error: type[HymioError], match: str) -> None:
    before = {file.name: file.read_bytes() for file in target.parent.iterdir() if file.is_file()}
    with pytest.raises(error, match=match), restoring(archive, f"sqlite:///{target}"):
        pass
    assert {file.name: file.read_bytes() for file in target.parent.iterdir()} == before


def test_nothing_is_overwritten(small: Path, tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path / 'small.db'}")) as store:
        with pytest.raises(SetupError, match="overwritten"), making(store, small, now=NOW):
            pass
        # Another one may take the name while the copy is made.
        with pytest.raises(SetupError, match="overwritten"), making(store, small.with_name("late.zip"), now=NOW):
            small.with_name("late.zip").write_text("somebody else's")
    assert small.with_name("late.zip").read_text() == "somebody else's"
    (tmp_path / "new").mkdir()
    target = tmp_path / "new" / "hymio.db"
    for suffix in ("", "-wal", "-shm"):
        file = target.with_name(target.name + suffix)
        file.write_text("here before")
        refused(small, target, SetupError, "overwritten")
        file.unlink()
    target.symlink_to("nowhere")
    with pytest.raises(SetupError, match="overwritten"), restoring(small, f"sqlite:///{target}"):
        pass
    target.unlink()
    with pytest.raises(SetupError, match="overwritten"), restoring(small, f"sqlite:///{target}"):
        target.write_text("made meanwhile")
    assert target.read_text() == "made meanwhile"
    assert list(target.parent.iterdir()) == [target]


def test_a_database_with_tables_is_not_restored_into(engine: str, store: Store, folder: Path) -> None:
    fill(store)
    back(store, folder / "one.zip")
    url = store._engine.url.set(drivername=store.kind).render_as_string(hide_password=False)
    before = rows_of_all_tables(url)
    with pytest.raises(SetupError, match="overwritten"), restoring(folder / "one.zip", url):
        pass
    assert rows_of_all_tables(url) == before


def test_every_archive_that_is_damaged_is_refused(small: Path, tmp_path: Path) -> None:
    whole, damaged = small.read_bytes(), tmp_path / "damaged.zip"
    (tmp_path / "new").mkdir()
    size = len(whole)
    for cut in (0, 1, size // 3, size // 2, size - 300, size - 22, size - 1):
        damaged.write_bytes(whole[:cut])
        refused(damaged, tmp_path / "new" / "hymio.db", SetupError, "not a backup of Hymio, or it is not whole")
    for place in range(100, size, size // 40):
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        target = tmp_path / "new" / "hymio.db"
        with suppress(HymioError), restoring(damaged, f"sqlite:///{target}"):
            pass
        if target.exists():  # the bit was one that nobody reads, such as the date of a member
            assert rows_of_all_tables(f"sqlite:///{target}") == rows_of_all_tables(f"sqlite:///{tmp_path / 'small.db'}")
            target.unlink()
        assert list(target.parent.iterdir()) == []
    with ZipFile(damaged, "w") as other:
        other.writestr("manifest.json", "{}")
    refused(damaged, tmp_path / "new" / "hymio.db", SetupError, "not a backup of Hymio")


def test_an_archive_whose_contents_are_others_is_refused(small: Path, tmp_path: Path) -> None:
    manifest = read_manifest(small)
    file = tmp_path / "copy.db"
    file.write_bytes(b"".join(archive.pieces_of_copy(small, manifest)))
    (tmp_path / "new").mkdir()
    contents = manifest.contents
    for number, (changed, error, match) in enumerate(
        (
            (replace(contents, rows={**contents.rows, "smiley": 7}), DatabaseError, "smiley has 1 rows instead of 7"),
            (replace(contents, migration="0001"), DatabaseError, "migration"),
            (replace(contents, migration="9999"), DatabaseTooNew, "9999"),
        )
    ):
        false = tmp_path / f"{number}.zip"
        copy = Copy(FILE, 0, changed, 0, pieces_of(file))
        write_archive(false, copy, "x", "sqlite", False, NOW, lambda _: None)
        refused(false, tmp_path / "new" / "hymio.db", error, match)
    write_archive(tmp_path / "pg.zip", Copy(FILE, 0, contents, 0, iter(())), "x", "postgresql", False, NOW, id)
    refused(tmp_path / "pg.zip", tmp_path / "new" / "hymio.db", SetupError, "postgresql")


def test_a_backup_by_an_older_version_is_migrated(tmp_path: Path) -> None:
    old, names = tmp_path / "old.db", ["alembic_version", "organization", "ledger", "node"]
    at_revision(f"sqlite:///{tmp_path / 'open.db'}", "0001")
    with closing(sqlite3.connect(tmp_path / "open.db")) as connection:
        connection.execute("INSERT INTO organization VALUES (1, 'Acme', 0, 0, 0)")
        connection.execute("INSERT INTO ledger (organization_id, revision, setup_revision) VALUES (1, 5, 0)")
        connection.commit()
        connection.execute("VACUUM INTO ?", [str(old)])
    copy = Copy(FILE, 0, contents_of_file(old, names), 0, pieces_of(old))
    write_archive(tmp_path / "old.zip", copy, "x", "sqlite", False, NOW, lambda _: None)
    with restoring(tmp_path / "old.zip", f"sqlite:///{tmp_path / 'new.db'}") as store:
        assert [each.name for each in manage.organizations(store)] == ["Acme"]
    with closing(open_store(f"sqlite:///{tmp_path / 'new.db'}", make=False)) as store, store.read() as transaction:
        assert transaction.rows("SELECT revision FROM ledger") == [(5,)]


# --- PostgreSQL's programs --------------------------------------------------------------------------------------------


def fake(folder: Path, name: str, program: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{program}\n")
    file.chmod(0o755)


def test_a_program_that_is_missing_or_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_backup, "_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SetupError, match=r"pg_dump of version 15 or newer .*\(there is: none\).*postgresql-client-15"):
        find_program("pg_dump", 15)
    for version in (14, 16, 18):
        (tmp_path / str(version) / "bin").mkdir(parents=True)
        fake(tmp_path / str(version) / "bin", "pg_dump", f"echo 'pg_dump (PostgreSQL) {version}.3 (Debian)'")
    (tmp_path / "broken" / "bin").mkdir(parents=True)
    fake(tmp_path / "broken" / "bin", "pg_dump", "exit 1")
    assert find_program("pg_dump", 15).version == 16
    with pytest.raises(SetupError, match=r"there is: 14 in .*16 in .*18 in"):
        find_program("pg_dump", 19)


def test_no_password_is_on_a_command_line(
    engine: str, store: Store, new_url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no password")
    put_up(store)
    (tmp_path / "bin").mkdir()
    for name in ("pg_dump", "pg_restore"):
        real = find_program(name, int(engine.partition("-")[2])).path
        seen = f'echo "$@" >> {tmp_path}/words; ls -l $PGSERVICEFILE >> {tmp_path}/modes 2>&1'
        fake(tmp_path / "bin", name, f'[ "$1" = --version ] || {{ {seen}; }}; exec {real} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(postgresql_backup, "_FOLDERS", ())
    back(store, folder / "one.zip")
    with restoring(folder / "one.zip", new_url):
        pass
    words = (tmp_path / "words").read_text()
    assert words.count("--dbname=service=hymio") == 2
    password = str(store._engine.url.password)
    assert len(password) > 8
    assert password not in words
    # Neither program could have connected without it.
    assert read_manifest(folder / "one.zip").contents.rows["smiley"] == 1


def test_a_program_that_fails_says_why_and_leaves_nothing(
    engine: str, store: Store, new_url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite is copied without another program")
    put_up(store)
    back(store, folder / "one.zip")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(postgresql_backup, "_FOLDERS", ())
    version = f'[ "$1" = --version ] && echo "$0 (PostgreSQL) {engine.partition("-")[2]}.0" && exit'
    for name in ("pg_dump", "pg_restore"):
        fake(tmp_path / "bin", name, f"{version}; echo some bytes; echo 'FATAL: no such luck' >&2; exit 3")
    with pytest.raises(DatabaseError, match=r"pg_dump .*no such luck"), making(store, folder / "two.zip", now=NOW):
        pass
    with pytest.raises(DatabaseError, match=r"pg_restore .*no such luck"), restoring(folder / "one.zip", new_url):
        pass
    assert [file.name for file in folder.iterdir()] == ["one.zip"]
    assert _tables(new_url) == 0


def _tables(url: str) -> int:
    with connect(url).connect() as connection:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        return int(connection.exec_driver_sql(query).scalar_one())


# --- crashes ----------------------------------------------------------------------------------------------------------

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload([__name__])


class Crash:
    """Bars that kill the process at the n-th thing they are told; `link` does so around naming the file."""

    def __init__(self, at: int) -> None:
        self.left = at
        self._link = os.link
        os.link = self.link  # type: ignore[assignment]

    def tick(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def bars(self, _step: str, _total: int) -> Iterator[Callable[[int], object]]:
        self.tick()
        yield lambda _bytes: self.tick()
        self.tick()

    def link(self, file: Path, name: Path) -> None:
        self.tick()
        self._link(file, name)
        self.tick()


def back_up_and_crash(at: int, url: str, target: Path) -> None:
    crash = Crash(at)
    with closing(open_store(url)) as store, making(store, target, bars=crash.bars, now=NOW) as made:
        crash.tick()
        list(intake.verify(made.store, 1))


def restore_and_crash(at: int, archive: Path, url: str) -> None:
    crash = Crash(at)
    with restoring(archive, url, bars=crash.bars) as store:
        crash.tick()
        list(intake.verify(store, 1))


def with_path(path: str, function: Callable[..., None], *arguments: object) -> None:
    """Calls a function with the PATH of a test, which a process of the fork server does not inherit."""
    os.environ["PATH"] = path
    function(*arguments)


def crashes(function: Callable[..., None], *arguments: object) -> Iterator[int]:
    """Runs a function in processes that die at their first step, their second step, and so on; their exit codes."""
    for at in range(1000):
        process = processes.Process(target=with_path, args=(os.environ["PATH"], function, at, *arguments))
        process.start()
        process.join()
        assert process.exitcode in {0, -signal.SIGKILL}
        yield process.exitcode
        if process.exitcode == 0:
            return


def test_a_backup_that_is_killed_leaves_no_archive_that_looks_whole(engine: str, store: Store, folder: Path) -> None:
    put_up(store)
    url = store._engine.url.set(drivername=store.kind).render_as_string(hide_password=False)
    exit_codes, whole = list[int](), 0
    for exit_code in crashes(back_up_and_crash, url, folder / "one.zip"):
        exit_codes.append(exit_code)
        for file in folder.glob("*.zip"):
            assert list(archive.pieces_of_copy(file, read_manifest(file)))
            file.unlink()
            whole += 1
        # The next one removes what the last one left.
        assert len(list(folder.glob(f"{WORKSPACE}*"))) == (1 if exit_code else 0)
    assert len(exit_codes) > 8
    assert whole == 2
    assert list(folder.iterdir()) == []


def test_a_restore_that_is_killed_leaves_no_database_that_looks_whole(
    engine: str, store: Store, databases: Databases, folder: Path, tmp_path: Path
) -> None:
    put_up(store)
    back(store, folder / "one.zip")
    target = tmp_path / "restored" / "hymio.db"
    target.parent.mkdir()
    url = f"sqlite:///{target}" if engine == "sqlite" else databases.make(engine, empty=True)
    exit_codes, whole = list[int](), 0
    for exit_code in crashes(restore_and_crash, folder / "one.zip", url):
        exit_codes.append(exit_code)
        if engine != "sqlite":
            # The server rolls back once the program has noticed that nobody feeds it any more.
            _wait_until(lambda url=url: _restoring_programs(url) == 0)  # type: ignore[misc]
        if target.exists() if engine == "sqlite" else _tables(url):
            with closing(open_store(url, make=False)) as restored:
                assert list(intake.verify(restored, 1)) == []
                assert len(restored.layout(1).smileys) == 1
            whole += 1
            if exit_code == 0:
                break
            target.unlink() if engine == "sqlite" else _remove_tables(url)
        assert not list(target.parent.glob("hymio.db*"))
    assert len(exit_codes) > 4
    assert whole
    if engine == "sqlite":
        assert list(target.parent.iterdir()) == [target]


def _remove_tables(url: str) -> None:
    with connect(url).begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def _restoring_programs(url: str) -> int:
    with connect(url).connect() as connection:
        query = """SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'pg_restore'"""
        return int(connection.exec_driver_sql(query).scalar_one())


# --- how many are kept ------------------------------------------------------------------------------------------------


def test_only_older_rotated_backups_of_the_same_database_are_deleted(tmp_path: Path, folder: Path) -> None:
    with (
        closing(open_store(f"sqlite:///{tmp_path / 'one.db'}")) as store,
        closing(open_store(f"sqlite:///{tmp_path / 'other.db'}")) as other,
    ):
        put_up(store)
        put_up(other)
        back(other, folder / "hymio-19990101T000000Z.zip", rotated=True)  # of another database
        back(store, folder / "hymio-20000101T000000Z.zip")  # made by hand
        (folder / "hymio-20010101T000000Z.zip").write_text("no archive at all")
        (folder / "hymio-20020101T000000Z.zip").mkdir()
        (folder / "notes.txt").write_text("mine")
        others = set(folder.iterdir())
        wrong_clock = target_in(folder, NOW + 3650 * DAY_MS)
        back(store, wrong_clock, rotated=True, now=NOW + 3650 * DAY_MS)
        made = []
        for day in range(5):
            now = NOW + day * DAY_MS
            made.append(target_in(folder, now))
            back(store, made[-1], rotated=True, now=now)
            deleted = rotate(made[-1], 3, now)
            mine = {file for file in folder.iterdir() if file not in others}
            assert made[-1] in mine
            assert set(made[-3:]) <= mine
            assert mine == {*made[-3:], *([wrong_clock] if day < 2 else [])}
            assert len(deleted) == (day >= 2)
        assert others <= set(folder.iterdir())


# --- the periodic backup ----------------------------------------------------------------------------------------------


@pytest.fixture
def environment(store: Store) -> Environment:
    return Environment(store, lambda: NOW, TokenUse(), {})


def settings_of(store: Store, folder: Path, keep: int = 7) -> Settings:
    url = store._engine.url.set(drivername=store.kind).render_as_string(hide_password=False)
    return Settings(database=url, backup_folder=str(folder), backup_hours=6, backup_keep=keep)


def test_a_server_without_the_setting_makes_no_backups() -> None:
    assert "backup" not in {job.name for job in periodic_jobs(Settings())}


def test_the_job_makes_a_backup_and_keeps_as_many_as_it_should(
    engine: str, store: Store, environment: Environment, folder: Path
) -> None:
    put_up(store)
    [job] = [job for job in periodic_jobs(settings_of(store, folder / "new", keep=1)) if job.name == "backup"]
    assert (job.every, job.leased) == (6 * HOUR_MS, True)
    for run in range(2):
        jobs.plan(store, job.name, job.every, NOW - job.every)
        with store.write() as transaction:
            transaction.run("UPDATE job SET due_at = :now", now=NOW)
        Runner(environment, ())._claim_and_run(job)
        state = jobs.state(store, job.name)
        assert state is not None
        assert (state.outcome, state.due_at) == (Outcome.DONE, NOW + job.every), state.detail
        [file] = (folder / "new").iterdir()
        assert read_manifest(file).rotated
        assert "1 organization" in str(state.detail)
        assert ("deleted" in str(state.detail)) is bool(run)


def test_a_job_that_cannot_back_up_says_why(store: Store, environment: Environment, folder: Path) -> None:
    put_up(store)
    (folder / "here").write_text("a file")
    run = Run(environment, threading.Event())
    with pytest.raises((HymioError, OSError), match="here"):
        back_up(settings_of(store, folder / "here"), run)
    with store.write() as transaction:
        transaction.run("UPDATE assignment_hour SET c0 = c0 + 1")
        transaction.run("DELETE FROM node")
    with pytest.raises(HymioError, match="the backup failed: "):
        back_up(settings_of(store, folder), run)


def test_a_server_that_stops_ends_its_backup(
    store: Store, environment: Environment, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_up(store)
    stopping = threading.Event()
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object, **named: object) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **named))  # type: ignore[call-overload]
        stopping.set()
        return started[0]

    popen = subprocess.Popen
    monkeypatch.setattr("hymio.jobs.backing_up.subprocess.Popen", start)
    with pytest.raises(Stopping):
        back_up(settings_of(store, folder), Run(environment, stopping))
    assert started[0].poll() is not None
    assert list(folder.glob("*.zip")) == []


# --- the commands -----------------------------------------------------------------------------------------------------


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def hymio(
    engine: str, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Said]:
    """Runs a command on the test's database."""
    monkeypatch.setenv("HYMIO_DATABASE", database_url)
    monkeypatch.setenv("HYMIO_DATA", "data")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(words)
        told = capsys.readouterr()
        return Said(int(ended.value.code or 0), told.out, told.err)

    return run


def test_one_command_each(hymio: Callable[..., Said], store: Store, new_url: str) -> None:
    fill(store)
    with store.write() as transaction:
        for number in (1, 2):
            digest = bytes([number]) * 32
            transaction.insert(schema.user_session, [(1, number, 1, digest, NOW, NOW, NOW + DAY_MS, "Firefox")])
        transaction.insert(schema.sign_in_link, [(1, 1, bytes(32), "invite", NOW + DAY_MS)])
    said = hymio("backup")
    assert (said.code, said.err) == (0, "")
    [file] = Path("data/backups").iterdir()
    assert str(file) in said.out
    assert "every hour is what they give" in said.out
    assert "2 organizations" in said.out
    said = hymio("restore", str(file), "--database", new_url)
    assert said.code == 0, said
    assert "every hour is what they give" in said.out
    assert "Restored the database of" in said.out
    assert "2 sessions, 1 one-time link and 0 one-time codes of the backup deleted: people sign in again" in said.out
    assert "hymio share list" in said.err
    rows = rows_of_all_tables(new_url)
    assert rows["user_session"] == rows["sign_in_link"] == []
    assert ":hymio" not in said.out
    assert hymio("verify", "--all", "--database", new_url).code == 0
    said = hymio("restore", str(file), "--database", new_url)
    assert said.code == 2
    assert "overwritten" in said.err
    said = hymio("restore", "missing.zip")
    assert said.code == 2
    assert "missing.zip" in said.err


def test_a_database_with_differences_is_backed_up_and_restored_and_said_so(
    hymio: Callable[..., Said], store: Store, new_url: str
) -> None:
    fill(store)
    with store.write() as transaction:
        transaction.run("UPDATE assignment_hour SET c3 = c3 + 1 WHERE organization_id = 1")
    said = hymio("backup", "one.zip")
    assert said.code == 1
    assert "difference" in said.out
    said = hymio("restore", "one.zip", "--database", new_url)
    assert said.code == 1
    assert "difference" in said.out
    assert hymio("verify", "--all", "--database", new_url).code == 1
