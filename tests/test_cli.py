"""The command `hymio`: what a newcomer types, what a mistake looks like, and how stored data is looked after."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import typer.main

from hymio import intake
from hymio.cli import app, main, naming
from hymio.errors import SetupError
from hymio.feedback import Press, Upload
from hymio.store import open_store

NOON = 1_767_268_800_000  # 2026-01-01T12:00:00Z


class Said(NamedTuple):
    """What a command printed and ended with."""

    code: int
    out: str
    err: str


Hymio = Callable[..., Said]


@pytest.fixture
def hymio(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Hymio:
    """Runs a command on a database of its own."""
    monkeypatch.setenv("HYMIO_DATABASE", database_url)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return lambda *words: run(capsys, *words)


@pytest.fixture
def anywhere(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hymio:
    """Runs a command in an empty folder, without a database."""
    monkeypatch.delenv("HYMIO_DATABASE", raising=False)
    monkeypatch.delenv("HYMIO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda *words: run(capsys, *words)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capsys.readouterr()
    return Said(int(ended.value.code or 0), told.out, told.err)


def done(said: Said) -> str:
    assert said.code == 0, said
    return said.out


def after(label: str, out: str) -> str:
    """What a line of the output says after its label."""
    [found] = re.findall(rf"^\s*{label}\s+(\S+)$", out, re.MULTILINE)
    return str(found)


def set_up(hymio: Hymio) -> tuple[str, str]:
    """A first organization; the smiley's token, and the API's credentials as curl takes them."""
    done(hymio("organization", "create", "Acme", "--zone", "Europe/Helsinki"))
    done(hymio("node", "add-point", "Acme", "Front door"))
    done(hymio("survey", "add", "Acme", "How was your visit?"))
    done(hymio("survey", "assign", "Acme", "1", "Front door", "--from", "2026-01-01"))
    token = after("upload token", done(hymio("smiley", "add", "Acme", "2415VE0A110042", "--at", "Front door")))
    done(hymio("smiley", "place", "Acme", "2415VE0A110042", "Front door", "--from", "2026-01-01T00:00"))
    active = done(hymio("api", "activate", "Acme"))
    assert "/docs" in active
    return token, f"{after('client identifier', active)}:{after('API token', active)}"


def press(database_url: str, *buttons: int, apart: int = 60_000) -> None:
    presses = tuple(Press(1, n, NOON + n * apart, button) for n, button in enumerate(buttons, 1))
    with closing(open_store(database_url)) as store:
        intake.record(store, 1, [Upload(1, presses, reported_through=NOON + 3_600_000)], NOON + 3_600_000)


# --- what a newcomer does ---------------------------------------------------------------------------------------------


def test_from_nothing_to_results(hymio: Hymio, database_url: str):
    _, user = set_up(hymio)
    press(database_url, 3, 3, 0, 2)
    results = json.loads(done(hymio("get", "/v1/surveys/1/results?truncate=day", "--user", user)))
    assert results == [{"ts": "2026-01-01T00:00:00.000+02:00", "data": [1, 0, 1, 2]}]
    tree = json.loads(done(hymio("get", "/v1/folders?surveys=true", "-u", user)))
    assert (tree["name"], tree["folders"][0]["surveys"][0]["timeZone"]) == ("Acme", "Europe/Helsinki")
    assert "4 raw results" in done(hymio("verify", "--all"))


def test_the_organization_is_shown_whole(hymio: Hymio):
    set_up(hymio)
    done(hymio("node", "add-group", "Acme", "Sweden", "--zone", "Europe/Stockholm"))
    done(hymio("node", "add-point", "Acme", "Till [1]", "--below", "Sweden", "--zone", "Europe/Berlin"))
    done(hymio("node", "policy", "Acme", "Sweden", "--burst", "6/10", "--opening-hours", "mon-fri 8-20"))
    done(hymio("survey", "followup", "Acme", "1", "What was missing?", "The product", "The price"))
    shown = done(hymio("organization", "show", "Acme"))
    for wanted in (
        "Acme · Europe/Helsinki", "Sweden · Europe/Stockholm · misuse: interval 5 s, burst over 6 in 10 s",
        "Till [1] · Europe/Berlin", "active survey 1: How was your visit?", "What was missing? (2)", "2415VE0A110042",
    ):  # fmt: skip
        assert wanted in shown
    assert re.search(r"1\s+Acme\s+2\s+1\s+active\s+on", done(hymio("organization", "list")))
    assert re.search(
        r"1\s+1\s+How was your visit\?\s+four\s+Acme / Front door\s+active", done(hymio("survey", "list", "1"))
    )


def test_moving_and_renaming(hymio: Hymio, database_url: str):
    set_up(hymio)
    press(database_url, 3, 1)
    done(hymio("node", "add-group", "Acme", "Sweden"))
    assert "Acme / Sweden / Front door" in done(hymio("node", "move", "Acme", "front door", "sweden"))
    done(hymio("node", "rename", "Acme", "sweden / front  door", "Gate"))
    assert "Acme / Sweden / Gate" in done(hymio("survey", "list", "Acme"))
    done(hymio("verify", "Acme"))


def test_credentials_end(hymio: Hymio):
    _, first = set_up(hymio)
    rotated = done(hymio("api", "rotate", "Acme"))
    second = f"{after('client identifier', rotated)}:{after('API token', rotated)}"

    def status(user: str, path: str = "/v1/folders") -> str:
        return hymio("get", path, "-i", "-u", user).out[:3]

    assert (status(first), status(second)) == ("401", "200")
    done(hymio("api", "raw-results", "Acme", "off"))
    assert (status(second, "/v1/surveys/1/rawresults"), status(second, "/v1/surveys/1/results")) == ("403", "200")
    done(hymio("api", "raw-results", "Acme", "on"))
    assert status(second, "/v1/surveys/1/rawresults") == "200"
    done(hymio("api", "revoke", "Acme"))
    assert status(second) == "401"


def test_a_terminal_over_http(hymio: Hymio, database_url: str, tmp_path: Path):
    token, user = set_up(hymio)
    done(hymio("smiley", "place", "Acme", "2415VE0A110042", "Front door", "--from", "2026-01-01"))
    token = after("upload token", done(hymio("smiley", "token", "Acme", "1")))
    with server(database_url) as url:
        done(hymio("terminal", "new", "door.jsonl", "--token", token, "--url", url))
        done(hymio("terminal", "press", "door.jsonl", "3", "0"))
        assert json.loads(done(hymio("terminal", "send", "door.jsonl")))["stored"] == 2
    rows = json.loads(done(hymio("get", "/v1/surveys/1/rawresults", "-u", user)))
    assert [row["r"] for row in rows["data"]] == [3, 0]


def test_sms_and_its_secret(hymio: Hymio, database_url: str):
    set_up(hymio)
    assert "No text message" in done(hymio("message", "list", "Acme"))
    secret = after("secret", done(hymio("sms-secret", "Acme")))
    with server(database_url) as url:
        answer = httpx.post(
            f"{url}/sms", data={"from": "+1", "text": "see you [red]later"}, headers={"X-Hymio-Secret": secret}
        )
    assert answer.status_code == 204
    listed = done(hymio("message", "list", "Acme"))
    assert "see you [red]later" in listed
    assert "unreadable" in listed


# --- looking after what is stored -------------------------------------------------------------------------------------


def test_verify_shows_what_differs_and_rebuild_restores(hymio: Hymio, database_url: str):
    set_up(hymio)
    press(database_url, 3, 3, 0)
    with closing(open_store(database_url)) as store, store.write() as transaction:
        transaction.run("UPDATE assignment_hour SET c3 = c3 + 4")
    said = hymio("verify", "Acme")
    assert said.code == 1
    assert re.search(
        r"2026-01-01 14:00\s+assignment 1 \(Acme / Front door\), verdict 0\s+1, 0, 0, 6\s+1, 0, 0, 2", said.out
    )
    done(hymio("rebuild", "--all"))
    assert "every hour is what they give" in done(hymio("verify", "--all"))


def test_quarantine_is_listed_and_released(hymio: Hymio, database_url: str):
    done(hymio("organization", "create", "Acme"))
    done(hymio("node", "add-point", "Acme", "Door"))
    done(hymio("smiley", "add", "Acme", "T1"))
    assert "Nothing is in quarantine" in done(hymio("quarantine", "list", "Acme"))
    press(database_url, 3, 9)
    listed = done(hymio("quarantine", "list", "Acme"))
    assert re.search(r"no placement\s+2", listed)
    assert re.search(r"2026-01-01 12:02:00Z\s+T1\s+1\s+2\s+button 9\s+no placement", listed)
    done(hymio("survey", "add", "Acme", "Well?"))
    done(hymio("survey", "assign", "Acme", "Well?", "Door", "--from", "2026-01-01"))
    done(hymio("smiley", "place", "Acme", "T1", "Door", "--from", "2026-01-01T00:00Z"))
    assert "1 presses released" in done(hymio("quarantine", "release", "Acme"))
    assert "button 3" not in (left := done(hymio("quarantine", "list", "Acme")))
    assert "button 9" in left
    assert "1 raw results" in done(hymio("verify", "Acme"))


def test_another_policy_acts_backwards_when_resettled(hymio: Hymio, database_url: str):
    _, user = set_up(hymio)
    press(database_url, 3, 3, 3, 3, apart=7_000)

    def counted() -> list[int]:
        results = json.loads(done(hymio("get", "/v1/surveys/1/results?truncate=year", "-u", user)))
        return list(results[0]["data"])

    assert counted() == [0, 0, 0, 4]
    done(hymio("node", "policy", "Acme", "Front door", "--interval", "10", "--from", "2026-01-01"))
    assert counted() == [0, 0, 0, 4]
    assert "2 feedbacks changed" in done(hymio("resettle", "Acme", "Front door", "--from", "2026-01-01"))
    assert counted() == [0, 0, 0, 2]
    done(hymio("verify", "Acme"))


def test_the_database(hymio: Hymio, database_url: str):
    set_up(hymio)
    assert "newest" in done(hymio("db", "status"))
    done(hymio("db", "migrate"))
    said = hymio("db", "distribute")
    assert said.code == 2
    assert ("SQLite" if database_url.startswith("sqlite") else "citus") in said.err


def test_a_password_is_not_shown():
    from hymio.cli.upkeep import _without_password

    assert _without_password("postgresql://me:p@ss@host/name") == "postgresql://me@host/name"
    assert _without_password("sqlite:///hymio.db") == "sqlite:///hymio.db"


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("organization show Nobody", "Nobody"),
        ("node add-point Acme Door --below Moon", "no node 'Moon'; there are: 1 'Acme', 2 'Acme / Front door'"),
        ("node zone Acme 1 Mars/Base", "Mars/Base"),
        ("node move Acme Acme Acme", "cannot move"),
        ("node policy Acme Acme --burst 6", "PRESSES/SECONDS"),
        ("node policy Acme Acme --opening-hours never", "mon-fri 8:00-20:00"),
        ("survey assign Acme 7 2", "no survey '7'"),
        ("survey assign Acme 1 Acme", "is a group"),
        ("survey assign Acme 1 2 --from soon", "2025-03-01"),
        ("survey assign Acme 1 2 --from 2026-05-01", "same time"),
        ("smiley add Acme 2415VE0A110042", "already"),
        ("smiley add Acme lower", "A-Z"),
        ("smiley token Acme X9", "no smiley 'X9'"),
        ("resettle Acme Acme --from then", "2025-03-01"),
        ("verify", "--all"),
        ("verify Acme --all", "--all"),
        ("--config none.toml organization list", "none.toml"),
        ("--database mysql://x organization list", "postgresql://"),
        ("serve --host no.such.host.invalid", "no.such.host.invalid"),
        ("terminal send no-such-file", "no-such-file"),
    ],
)
def test_a_mistake_is_one_clear_line(words: str, named: str, hymio: Hymio):
    set_up(hymio)
    said = hymio(*words.split())
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert named in said.err
    assert said.out == ""
    assert "Traceback" not in said.err


def test_a_mistyped_database_is_not_made(anywhere: Hymio, tmp_path: Path):
    said = anywhere("verify", "--all")
    assert (said.code, said.out) == (2, "")
    assert "hymio organization create" in said.err
    assert list(tmp_path.iterdir()) == []
    done(anywhere("organization", "create", "Acme"))
    done(anywhere("verify", "--all"))
    assert (tmp_path / "hymio-data" / "hymio.db").exists()


def test_a_data_folder_that_cannot_be(anywhere: Hymio, tmp_path: Path):
    (tmp_path / "file").touch()
    said = anywhere("--data", "file/data", "organization", "create", "Acme")
    assert said.code == 2
    assert "file/data" in said.err


def test_a_port_that_is_taken(anywhere: Hymio):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = anywhere("serve", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert "Address already in use" in said.err


# --- help -------------------------------------------------------------------------------------------------------------


def commands() -> Iterator[Sequence[str]]:
    def walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        below = getattr(command, "commands", {})
        yield path
        for name, each in below.items():
            yield from walk(each, (*path, name))

    return walk(typer.main.get_command(app), ())


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_help(path: Sequence[str], anywhere: Hymio):
    said = done(anywhere(*path, "--help"))
    assert "Usage: " + " ".join(["hymio", *path]) in said


def test_help_loads_no_database_and_no_server():
    code = (
        "import sys\nfrom hymio.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'litestar', 'uvicorn', 'httpx', 'alembic'} & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"


def test_version(anywhere: Hymio):
    from hymio import __version__

    assert done(anywhere("--version")) == f"hymio {__version__}\n"


# --- what people type -------------------------------------------------------------------------------------------------


def test_opening_hours():
    hours = naming.opening_hours("Mon-Fri 8:00-20:30, sat 10-12, sat 13-16")
    assert hours[0] == hours[4] == ((480, 1230),)
    assert hours[5] == ((600, 720), (780, 960))
    assert hours[6] == ()


@pytest.mark.parametrize(
    "text", ["", "mon", "mon 9", "mon 9-8", "mon 9-25", "tue-mon 9-10", "moon-day 9-10", "mon 9:60-10"]
)
def test_impossible_opening_hours(text: str):
    with pytest.raises(SetupError, match="accepted"):
        naming.opening_hours(text)


# --- a server of its own ----------------------------------------------------------------------------------------------


@contextmanager
def server(database_url: str) -> Iterator[str]:
    """`hymio serve` as a process of its own, ended by SIGTERM; it must end well."""
    port = free_port()
    words = [sys.executable, "-m", "hymio", "serve", "--database", database_url, "--port", str(port)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            await_health(url, process)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.communicate()[1]
    assert process.returncode in {0, -signal.SIGTERM}, said
    assert f"Hymio serves on {url}" in said


def await_health(url: str, process: subprocess.Popen[str]) -> None:
    while True:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# --- the README, to the letter ----------------------------------------------------------------------------------------

README = Path(__file__).parents[1] / "README.md"


def test_the_quick_start_of_the_readme(tmp_path: Path):
    """Every command of the section, in order, in one shell in a new folder; only the port is another."""
    section = README.read_text(encoding="utf-8").partition("## Your own organization")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    port = str(free_port())
    script = "set -eu\n" + "\n".join(blocks).replace("8000", port)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "hymio"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hymio "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HYMIO_")}
    environment |= {"PATH": f"{tmp_path / 'bin'}:{environment['PATH']}", "HYMIO_PORT": port}
    said = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert '"data":[0,0,0,1]' in said.stdout.replace(" ", "")
    assert "every hour is what they give" in said.stdout


def test_surveys_and_placements_can_be_ended_and_moved(hymio: Hymio) -> None:
    set_up(hymio)
    assert "from 2026-01-01 00:00 until further notice" in done(hymio("survey", "periods", "Acme", "1"))
    assert "2026-02-01 18:00" in done(hymio("survey", "end", "Acme", "1", "--at", "2026-02-01T18:00"))
    assert "until 2026-02-01 18:00" in done(hymio("survey", "periods", "Acme", "1"))
    out = done(hymio("survey", "periods", "Acme", "1", "2026-01-01/2026-02-01", "2026-03-01/"))
    assert "from 2026-03-01 00:00 until further notice" in out
    done(hymio("survey", "end", "Acme", "1", "--at", "2026-02-15"))
    assert done(hymio("survey", "periods", "Acme", "1")).count("from") == 1
    assert "nowhere any more" in done(hymio("smiley", "remove", "Acme", "2415VE0A110042", "--at", "2026-02-01"))
    for words, said in (
        ("survey periods Acme 1 2026-01-01", "START/END"),
        ("survey periods Acme 1 2026-02-01/2026-01-01", "end after it begins"),
        ("survey end Acme 9", "key"),
        ("smiley remove Acme 2415VE0A110042 --at 2026-03-01", "nowhere"),
    ):
        answer = hymio(*words.split())
        assert (answer.code != 0, said in answer.err) == (True, True), answer
