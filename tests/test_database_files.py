"""A SQLite file that is removed or replaced while a server has it open: nothing is acknowledged, and it is said."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from hymio import intake
from hymio.errors import DatabaseReplaced, Unavailable
from hymio.feedback import Press, Upload
from hymio.settings import Settings
from hymio.store import Store, open_store
from tests.terminals import Terminals, client, put_up, serving, stored

NOW = 1_750_000_000_000
FILES = ("hymio.db", "hymio.db-wal", "hymio.db-shm")
UPLOADS = "/terminal/v1/uploads"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@contextmanager
def served(folder: Path) -> Iterator[tuple[Store, Terminals, str, httpx.Client]]:
    with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store:
        acme = put_up(store)
        with serving(store, NOW) as url, client() as http:
            yield store, acme, url, http


def sent(http: httpx.Client, url: str, acme: Terminals, sequence: int) -> httpx.Response:
    press = {"sequence": sequence, "at": NOW - 1000 + sequence, "button": 1}
    return http.post(url + UPLOADS, json={"epoch": 1, "presses": [press]}, headers=acme.headers)


def another(folder: Path) -> Path:
    """The file of another installation, which would take the same uploads."""
    file = folder / "another.db"
    with closing(open_store(f"sqlite:///{file}")) as store:
        put_up(store)
    return file


# --- what may happen to the files -------------------------------------------------------------------------------------


def remove_all(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink()


def replace_by_another(folder: Path) -> None:
    another(folder).rename(folder / "hymio.db")


def replace_all_by_another(folder: Path) -> None:
    remove_all(folder)
    replace_by_another(folder)


def replace_by_a_copy(folder: Path) -> None:
    shutil.copy(folder / "hymio.db", folder / "copy.db")
    (folder / "copy.db").rename(folder / "hymio.db")


def move_away(folder: Path) -> None:
    (folder / "hymio.db").rename(folder / "away.db")


def move_the_folder(folder: Path) -> None:
    folder.rename(folder.with_name("away"))


def remove_the_log(folder: Path) -> None:
    (folder / "hymio.db-wal").unlink()


def remove_the_index(folder: Path) -> None:
    (folder / "hymio.db-shm").unlink()


@pytest.mark.parametrize(
    "happens",
    [
        remove_all, replace_by_another, replace_all_by_another, replace_by_a_copy, move_away, move_the_folder,
        remove_the_log, remove_the_index,
    ],
)  # fmt: skip
def test_nothing_is_acknowledged_once_the_file_is_another(
    happens: Callable[[Path], None], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(folder) as (_, acme, url, http):
        assert sent(http, url, acme, 1).json()["stored"] == 1
        happens(folder)
        with caplog.at_level(logging.DEBUG, "hymio"):
            for number in range(2, 5):
                answer = sent(http, url, acme, number)
                assert (answer.status_code, answer.json()["code"]) == (503, "database-replaced")
                assert int(answer.headers["Retry-After"]) > 0
                assert str(folder) not in answer.text
            for path in ("/health", "/ready"):
                answer = http.get(url + path)
                assert (answer.status_code, answer.json()["code"]) == (503, "checks-failed")
                assert [check["name"] for check in answer.json()["checks"] if not check["ok"]][:1] == ["database"]
            assert http.get(f"{url}/v2/surveys.json", headers={"X-HON-API-Token": "x"}).status_code == 503
    errors = [entry for entry in caplog.records if entry.levelno >= logging.ERROR]
    assert [str(folder / "hymio.db") in entry.getMessage() for entry in errors] == [True]
    assert not [entry for entry in caplog.records if entry.name == "hymio" and "request failed" in entry.getMessage()]


@pytest.mark.parametrize("new_connections", [False, True])
def test_no_connection_opens_the_file_that_took_the_place(folder: Path, new_connections: bool) -> None:
    with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store:
        acme = put_up(store, name="First")
        other = another(folder)
        if new_connections:
            store.close()
        other.rename(folder / "hymio.db")
        # Each nested transaction needs a further connection.
        for _ in range(3):
            with pytest.raises(DatabaseReplaced), store.read(), store.read(), store.read():
                pass
        with pytest.raises(DatabaseReplaced):
            intake.record(store, acme.organization, [Upload(1, (Press(1, 1, NOW, 1),))], NOW)


def test_a_missing_file_is_not_made_anew(folder: Path) -> None:
    with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store:
        put_up(store)
        store.close()
        (folder / "hymio.db").unlink()
        with pytest.raises(Unavailable), store.read():
            pass
        assert list(folder.iterdir()) == []


def test_a_commit_to_a_file_that_was_just_removed_is_not_acknowledged(folder: Path) -> None:
    with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store:
        put_up(store)

        def commit() -> None:
            with store.write() as transaction:
                transaction.run("UPDATE organization SET name = 'Other'")
                remove_all(folder)

        with pytest.raises(DatabaseReplaced):
            commit()


def test_files_that_are_put_back_are_served_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with served(folder) as (store, acme, url, http):
        assert sent(http, url, acme, 1).is_success
        for round_ in range(2):
            (folder / "away").mkdir(exist_ok=True)
            for name in FILES:
                (folder / name).rename(folder / "away" / name)
            for _ in range(2):
                assert sent(http, url, acme, 2 + round_).status_code == 503
            for name in FILES:
                (folder / "away" / name).rename(folder / name)
            assert sent(http, url, acme, 2 + round_).is_success
        assert [http.get(url + path).status_code for path in ("/health", "/ready")] == [200, 200]
        assert stored(store, acme.organization, "feedback", "sequence") == [(1,), (2,), (3,)]
    assert [entry.levelno for entry in caplog.records if entry.name == "hymio.store"] == [40, 30, 40, 30]


def test_a_file_under_a_link_is_the_one_that_the_link_led_to(folder: Path) -> None:
    real, link = folder / "hymio.db", folder.with_name("link.db")
    link.symlink_to(real)
    with closing(open_store(f"sqlite:///{link}")) as store:
        acme = put_up(store)
        intake.record(store, acme.organization, [Upload(1, (Press(1, 1, NOW, 1),))], NOW)
        assert {entry.name for entry in folder.iterdir()} == set(FILES)
        other = another(folder)
        link.unlink()
        link.symlink_to(other)
        with pytest.raises(DatabaseReplaced), store.read():
            pass


def test_a_file_that_is_overwritten_lacks_the_last_commit(folder: Path) -> None:
    with served(folder) as (store, acme, url, http):
        with store.read() as transaction:
            transaction.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        old = (folder / "hymio.db").read_bytes()
        assert sent(http, url, acme, 1).is_success
        assert http.get(f"{url}/health").status_code == 200
        with store.read() as transaction:
            transaction.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        with (folder / "hymio.db").open("r+b") as file:
            file.write(old)
        answer = http.get(f"{url}/health")
        assert answer.status_code == 503
        assert answer.json()["checks"][0]["name"] == "database"
        assert not answer.json()["checks"][0]["ok"]


def test_opening_a_second_store_keeps_the_locks_of_the_first(folder: Path) -> None:
    """POSIX drops all locks of a process on a file as soon as it closes any descriptor of it."""
    file = folder / "hymio.db"
    with closing(open_store(f"sqlite:///{file}")) as store:
        put_up(store)
        open_store(f"sqlite:///{file}").close()
        program = (
            f"import sqlite3; c = sqlite3.connect({str(file)!r}); c.execute('SELECT 1 FROM organization'); c.close()"
        )
        assert os.spawnlp(os.P_WAIT, "python3", "python3", "-c", program) == 0
        # Had the other process taken itself for the last one, it would have removed the log.
        assert {entry.name for entry in folder.iterdir()} == set(FILES)


# --- the other checks -------------------------------------------------------------------------------------------------


def test_too_little_free_space_fails_health_and_stops_no_presses(folder: Path) -> None:
    with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store:
        acme = put_up(store)
        with serving(store, NOW, Settings(port=0, free_megabytes=1_000_000_000)) as url, client() as http:
            answer = http.get(f"{url}/health", headers={"Accept-Language": "fi"})
            assert answer.status_code == 503
            checks = {check["name"]: check for check in answer.json()["checks"]}
            assert [name for name, check in checks.items() if not check["ok"]] == ["space"]
            assert "1000000000" in checks["space"]["detail"]
            assert "vapaana" in checks["space"]["detail"]
            assert http.get(f"{url}/ready").status_code == 200
            assert sent(http, url, acme, 1).is_success


def test_a_server_that_cannot_commit_is_not_ready_until_it_can(folder: Path) -> None:
    file = folder / "hymio.db"
    with closing(open_store(f"sqlite:///{file}", lock_seconds=0.2)) as store:
        acme = put_up(store)
        with serving(store, NOW) as url, client() as http:
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                assert sent(http, url, acme, 1).status_code == 503
                answer = http.get(f"{url}/ready")
                assert answer.status_code == 503
                assert [check["name"] for check in answer.json()["checks"] if not check["ok"]] == ["intake"]
                assert http.get(f"{url}/health").status_code == 503
            assert sent(http, url, acme, 1).is_success
            assert http.get(f"{url}/ready").status_code == 200
