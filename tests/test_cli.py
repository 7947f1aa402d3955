"""The command `hymio`: what a newcomer types, what a mistake looks like, and how stored data is looked after."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
import pytest
import typer.main

from hymio import intake, manage
from hymio.access import operator
from hymio.cli import app, main
from hymio.clock import now
from hymio.errors import ClockBehind
from hymio.feedback import HourReport, Press, Upload, client_key
from hymio.period import DAY_MS
from hymio.serving.log import configure_log
from hymio.settings import Settings
from hymio.store import jobs, open_store, outbox
from hymio.store.dialect import without_password
from hymio.store.lease import Outcome
from hymio.store.token_use import TokenUse
from tests.example import at

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
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listings are shown as on a terminal."""
    monkeypatch.setattr("hymio.cli.listing.on_terminal", lambda: True)


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
    assert "curl -u" in active
    assert active.count(after("API token", active)) == 1  # in no command line
    return token, f"{after('client identifier', active)}:{after('API token', active)}"


def press(database_url: str, *buttons: int, apart: int = 60_000) -> None:
    presses = tuple(Press(1, n, NOON + n * apart, button) for n, button in enumerate(buttons, 1))
    with closing(open_store(database_url)) as store:
        upload = Upload(1, presses, reported_through=NOON + 3_600_000)
        intake.record(store, 1, [upload], NOON + 3_600_000, replayed=True)


# --- what a newcomer does ---------------------------------------------------------------------------------------------


def test_from_nothing_to_results(hymio: Hymio, database_url: str):
    _, user = set_up(hymio)
    press(database_url, 3, 3, 0, 2)
    results = json.loads(done(hymio("get", "/v1/surveys/1/results?truncate=day", "--user", user)))
    assert results == [{"ts": "2026-01-01T00:00:00.000+02:00", "data": [1, 0, 1, 2]}]
    tree = json.loads(done(hymio("get", "/v1/folders?surveys=true", "-u", user)))
    assert (tree["name"], tree["folders"][0]["surveys"][0]["timeZone"]) == ("Acme", "Europe/Helsinki")
    assert "4 raw results" in done(hymio("verify", "--all"))


@pytest.mark.usefixtures("on_terminal")
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
    assert re.search(r"1\s+Acme\s+2\s+1\s+on\s+on", done(hymio("organization", "list")))
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
    done(hymio("organization", "language", "Acme", "fi"))
    assert '"Ei löytynyt"' in hymio("get", "/v1/folders/99", "-i", "-u", second).out
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
    assert "No text message" in hymio("message", "list", "Acme").err
    secret = after("secret", done(hymio("sms-secret", "Acme")))
    with server(database_url) as url:
        answer = httpx.post(
            f"{url}/sms", data={"from": "+1", "text": "see you [red]later"}, headers={"X-Hymio-Secret": secret}
        )
        part = httpx.get(f"{url}/sms", params={"text": "H1/A", "udh": "0500030A0201", "secret": secret})
        assert part.headers["X-Hymio-Outcome"] == "part 1 of 2 is stored"
        strange = {"X-Hymio-Secret": secret, "Content-Type": "text/plain; charset=x-none"}
        httpx.post(f"{url}/sms", content=b"\xfe\xff", headers=strange)
    assert answer.status_code == 204
    listed = done(hymio("message", "list", "Acme"))
    assert "see you [red]later" in listed
    assert "unreadable" in listed
    assert "part 1 of 2: waits for the others" in listed
    assert "\tfeff\n" in done(hymio("message", "list", "Acme", "--full"))


def test_commands_that_show_a_secret_once_have_json(hymio: Hymio):
    set_up(hymio)
    made = json.loads(done(hymio("sms-gateway", "set", "Acme", "kannel", "--json")))
    assert made["address"].endswith("/sms/kannel")
    assert (made["gateway"], len(made["secret"]) > 20) == ("kannel", True)
    done(hymio("smiley", "add", "Acme", "TABLET", "--type", "touch", "--at", "Front door"))
    claim = json.loads(done(hymio("smiley", "claim", "Acme", "TABLET", "--json")))
    assert claim["address"].endswith(f"/k/#{claim['code']}")
    assert datetime.fromisoformat(claim["until"]).tzinfo is not None
    assert re.search(r"until +[-0-9]{10} [:0-9]{8} [A-Z]\w+", done(hymio("smiley", "claim", "Acme", "TABLET")))


def test_sms_gateways_and_their_keys(hymio: Hymio, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    set_up(hymio)
    assert "No SMS gateway" in hymio("sms-gateway", "list", "Acme").err
    secret = after("secret", done(hymio("sms-gateway", "set", "Acme", "kannel")))
    Path("twilio.key").write_text("0123456789abcdef\n", encoding="utf-8")
    set_twilio = hymio("sms-gateway", "set", "Acme", "twilio", "--key-file", "twilio.key")
    assert "/sms/twilio/1" in done(set_twilio)
    assert "0123456789abcdef" not in set_twilio.out + set_twilio.err
    assert "base_url" in set_twilio.err
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "bad-sms-key" in hymio("sms-gateway", "set", "Acme", "android", "--key-file", "-").err
    listed = done(hymio("sms-gateway", "list", "Acme"))
    assert [line.split()[:2] for line in listed.splitlines()[1:]] == [["kannel", "secret"], ["twilio", "signature"]]
    assert secret not in listed + done(hymio("audit", "Acme"))
    sample = Path("request.txt")
    sample.write_text(f"GET /sms/kannel?secret={secret}&text=Hello HTTP/1.1\nHost: x\n\n", encoding="utf-8")
    assert "authentic" in done(hymio("check", "Acme", "--sms-request", str(sample)))
    done(hymio("sms-gateway", "remove", "Acme", "kannel"))
    refused = hymio("check", "Acme", "--sms-request", str(sample))
    assert (refused.code, "the secret is missing or not known" in refused.out) == (1, True)
    assert "/sms/twilio/1" in refused.out


@pytest.mark.usefixtures("on_terminal")
def test_what_was_set_up_can_be_renamed_and_deleted(hymio: Hymio, database_url: str):
    set_up(hymio)
    press(database_url, 3)
    done(hymio("node", "add-point", "Acme", "Back door"))
    assert "is called 'Back door' already [sibling-has-name]" in hymio("node", "add-point", "Acme", "back door").err
    assert "By the door now" in done(hymio("smiley", "rename", "Acme", "2415VE0A110042", "By the door"))
    assert "How was it? now" in done(hymio("survey", "rename", "Acme", "1", "How was it?"))
    done(hymio("survey", "add", "Acme", "Why?"))
    assert done(hymio("survey", "delete", "Acme", "Why?", "--yes")) == "Survey 2 is deleted.\n"
    assert done(hymio("node", "delete", "Acme", "Back door")) == "3 Back door is deleted.\n"
    for group, name in (("smiley", "2415VE0A110042"), ("survey", "1"), ("node", "Front door")):
        assert "is archived, because feedback lies there" in done(hymio(group, "delete", "Acme", name))
    shown = done(hymio("organization", "show", "Acme"))
    assert not [name for name in ("Front door", "By the door", "How was it?") if name in shown]
    assert "How was it?" not in done(hymio("survey", "list", "Acme"))
    assert "How was it?" in done(hymio("survey", "list", "Acme", "--archived"))
    shown = done(hymio("organization", "show", "Acme", "--archived"))
    assert all(name in shown for name in ("Front door", "By the door", "How was it?"))
    assert "is listed again" in done(hymio("node", "delete", "Acme", "Front door", "--undo"))
    assert "Front door" in done(hymio("organization", "show", "Acme"))


def test_what_is_in_quarantine_can_be_dismissed(hymio: Hymio, database_url: str):
    set_up(hymio)
    press(database_url, 3, 9, 8)
    assert "off scale" in done(hymio("quarantine", "list", "Acme"))
    assert "accepted are no placement, " in hymio("quarantine", "dismiss", "Acme", "--reason", "bad").err
    done(hymio("quarantine", "dismiss", "Acme", "--reason", "no placement"))
    said = done(hymio("quarantine", "dismiss", "Acme", "--reason", "Off scale", "--smiley", "2415VE0A110042"))
    assert "2 presses dismissed" in said
    assert "Nothing is in quarantine" in hymio("quarantine", "list", "Acme").err
    assert "off scale" in done(hymio("quarantine", "list", "Acme", "--dismissed"))


def test_destructive_commands_ask_on_a_terminal(hymio: Hymio, monkeypatch: pytest.MonkeyPatch):
    set_up(hymio)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for answer, count in (("n\n", 1), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        said = hymio("api", "revoke", "Acme")
        assert "End the API and all its credentials?" in said.err
        assert done(hymio("api", "list", "Acme")).count("valid") == count
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert "deleted" in done(hymio("smiley", "delete", "Acme", "2415VE0A110042", "--yes"))


@pytest.mark.usefixtures("on_terminal")
def test_the_credentials_of_the_api_are_listed(hymio: Hymio):
    done(hymio("organization", "create", "Acme"))
    assert re.search(r"API\s+off", done(hymio("api", "list", "Acme")))
    client = after("client identifier", done(hymio("api", "activate", "Acme")))
    made = done(hymio("api", "rotate", "Acme"))
    listed = done(hymio("api", "list", "Acme"))
    assert re.search(r"API\s+active\s+raw results\s+on", listed)
    assert re.search(rf"1\s+{client}\s+\S+ \S+\s+revoked", listed)
    assert re.search(rf"2\s+{after('client identifier', made)}\s+\S+ \S+\s+valid", listed)
    assert after("API token", made) not in listed


def test_wording_names_what_was_probably_meant(hymio: Hymio):
    set_up(hymio)
    zones = {"europe/helsinki": "Europe/Helsinki", "Helsinki": "Europe/Helsinki", "x": "Europe/Tallinn"}
    for name, meant in zones.items():
        assert f"an IANA name such as {meant} is needed" in hymio("node", "zone", "Acme", "1", name).err
    done(hymio("node", "add-point", "Acme", "Back door"))
    said = hymio("custom-data", "add", "Acme", "format", "Format", "--type", "foo")
    assert said.code == 2
    assert "select" in said.err
    future = done(hymio("smiley", "place", "Acme", "2415VE0A110042", "Front door", "--from", "2199-01-01"))
    assert "will stand at Acme / Front door from 2199-01-01 00:00:00 on" in future
    assert "Survey 1 will be asked at" in done(
        hymio("survey", "assign", "Acme", "1", "Back door", "--from", "2198-01-01")
    )


# --- people, custom data, translations, tokens ------------------------------------------------------------------------


@pytest.mark.usefixtures("on_terminal")
def test_users(hymio: Hymio):
    set_up(hymio)
    said = hymio("user", "list", "Acme")
    assert (done(said), "hymio user add" in said.err) == ("", True)
    added = done(hymio("user", "add", "Acme", "jane@example.com", "Jane", "Doe", "--role", "admin"))
    assert added == "User 1: Jane Doe <jane@example.com>, admin, sees Acme\n"
    words = ("user", "add", "Acme", "joe@example.com", "Joe", "[b]Doe", "--at", "Front door", "--login", "sso")
    assert "[b]Doe <joe@example.com>, user, sees Acme / Front door" in done(hymio(*words, "--locale", "en_gb"))
    listed = done(hymio("user", "list", "Acme"))
    assert re.search(r"1\s+jane@example.com\s+Jane Doe\s+admin\s+Acme\s+en-US\s+password\s+20", listed)
    assert re.search(r"2\s+joe@example.com\s+Joe \[b\]Doe\s+user\s+Acme / Front door\s+en-GB\s+sso", listed)
    done(
        hymio("user", "edit", "Acme", "Jane@example.com", "--email", "j@example.com", "--not-allowed", "--locale", "fi")
    )
    done(
        hymio("user", "edit", "Acme", "2", "--first-name", "J.", "--last-name", "Roe", "--at", "1", "--role", "partner")
    )
    done(hymio("user", "edit", "Acme", "2", "--login", "password"))
    listed = done(hymio("user", "list", "Acme"))
    assert re.search(r"1\s+j@example.com\s+Jane Doe\s+admin\s+Acme\s+fi\s+not allowed", listed)
    assert re.search(r"2\s+joe@example.com\s+J. Roe\s+partner\s+Acme\s+en-GB\s+password", listed)
    assert "is removed" in done(hymio("user", "remove", "Acme", "j@example.com"))
    assert "j@example.com" not in done(hymio("user", "list", "Acme"))


def test_custom_data(hymio: Hymio):
    set_up(hymio)
    assert "hymio custom-data add" in hymio("custom-data", "list", "Acme").err
    options = ("--option", "City", "--option", "Outlet")
    assert "(select)" in done(hymio("custom-data", "add", "Acme", "format", "Store format", *options))
    assert "(text)" in done(hymio("custom-data", "add", "Acme", "cost", "Cost centre"))
    assert "2 Front door: Store format is City" in done(hymio("custom-data", "set", "Acme", "2", "format", "City"))
    done(hymio("custom-data", "set", "Acme", "Acme", "cost centre", "0042"))
    listed = done(hymio("custom-data", "list", "Acme"))
    assert re.search(r"format\s+Store format\s+select\s+City, Outlet", listed)
    assert re.search(r"Acme / Front door\s+format\s+City", listed)
    assert re.search(r"Acme\s+cost\s+0042", listed)
    done(hymio("custom-data", "edit", "Acme", "cost", "--label", "Cost unit", "--type", "number"))
    done(hymio("custom-data", "edit", "Acme", "format", *options, "--option", "Airport"))
    done(hymio("custom-data", "clear", "Acme", "Front door", "format"))
    listed = done(hymio("custom-data", "list", "Acme"))
    assert re.search(r"cost\s+Cost unit\s+number", listed)
    assert "City, Outlet, Airport" in listed
    assert "Front door" not in listed
    done(hymio("custom-data", "remove", "Acme", "cost"))
    assert "0042" not in done(hymio("custom-data", "list", "Acme"))


def test_translations(hymio: Hymio, database_url: str):
    set_up(hymio)
    done(hymio("survey", "followup", "Acme", "1", "What was missing?", "The product", "The price", "--locale", "en_us"))
    assert "Question 1 of survey 1 in fi: Miten?" in done(hymio("survey", "translate", "Acme", "1", "fi", "Miten?"))
    done(hymio("survey", "translate", "Acme", "1", "sv_fi", "Vad?", "--followup", "what was missing?"))
    told = done(hymio("survey", "translate", "Acme", "How was your visit?", "fi", "Hinta", "--option", "the price"))
    assert told == "Option 2 of survey 1 in fi: Hinta\n"
    with closing(open_store(database_url)) as store:
        survey, content = store.layout(1).surveys[1], store.content(1)
    [followup] = content.followups(survey)
    assert content.question(survey).wording.texts == {"en-US": "How was your visit?", "fi": "Miten?"}
    assert followup.wording.texts == {"en-US": "What was missing?", "sv-FI": "Vad?"}
    assert followup.options[1].wording.texts == {"en-US": "The price", "fi": "Hinta"}


@pytest.mark.usefixtures("on_terminal")
def test_tokens_of_api_v2(hymio: Hymio, database_url: str):
    set_up(hymio)
    assert "hymio api token create" in hymio("api", "token", "list", "Acme").err
    made = done(hymio("api", "token", "create", "Acme", "Board", "--scope", "Front door", "--kinds", "surveys,Users"))
    secret = after("API token", made)
    assert "curl -H @token.header http://127.0.0.1:8000/v2/experience-points.json" in made
    assert made.count(secret) == 1  # in no command line, which other accounts can see
    done(hymio("api", "token", "create", "Acme", "Everything", "--until", "2199-01-01"))
    listed = done(hymio("api", "token", "list", "Acme"))
    assert re.search(r"1\s+Board\s+valid\s+Acme / Front door\s+surveys, users\s+never\s+never", listed)
    assert re.search(r"2\s+Everything\s+valid\s+the whole tree\s+all\s+2199-01-01 00:00\s+never", listed)
    assert secret not in listed
    with closing(open_store(database_url)) as store:
        token = manage.v2_principal(store, secret, NOON)
        assert token is not None
        assert (token.node, {each.value for each in token.kinds}) == (2, {"surveys", "users"})
        used = TokenUse()
        used.note(token.organization, token.id, NOON)
        assert used.write(store) == 1
        # By the clock of the tree.
        assert manage.tokens(store, operator(1))[1].expires_at == at("2199-01-01T00:00:00+02:00")
    assert "2026-01-01 14:00" in done(hymio("api", "token", "list", "Acme"))
    done(hymio("api", "token", "edit", "Acme", "board", "--name", "Screen", "--scope", "1", "--kinds", "all"))
    done(hymio("api", "token", "edit", "Acme", "2", "--until", "never", "--kinds", "alerts"))
    listed = done(hymio("api", "token", "list", "Acme"))
    assert re.search(r"1\s+Screen\s+valid\s+Acme\s+all\s+never", listed)
    assert re.search(r"2\s+Everything\s+valid\s+the whole tree\s+alerts\s+never", listed)
    assert "has ended" in done(hymio("api", "token", "revoke", "Acme", "Everything"))
    assert re.search(r"2\s+Everything\s+revoked", done(hymio("api", "token", "list", "Acme")))
    assert "no token 'Everything'" in hymio("api", "token", "revoke", "Acme", "Everything").err


def test_a_token_needs_an_activated_api(hymio: Hymio):
    done(hymio("organization", "create", "Acme"))
    said = hymio("api", "token", "create", "Acme", "Board")
    assert (said.code, said.out) == (2, "")
    assert "hymio api activate" in said.err


# --- looking after what is stored -------------------------------------------------------------------------------------


def test_verify_shows_what_differs_and_rebuild_restores(hymio: Hymio, database_url: str):
    set_up(hymio)
    press(database_url, 3, 3, 0)
    with closing(open_store(database_url)) as store, store.write() as transaction:
        transaction.run("UPDATE assignment_hour SET c3 = c3 + 4")
    said = hymio("verify", "Acme")
    assert said.code == 1
    assert said.out.count("Acme / Front door, survey 1\n") == 1
    assert re.search(r"\n2026-01-01 14:00\s+counted\s+1, 0, 0, 6\s+1, 0, 0, 2\n", said.out)
    assert re.search(r"\nAcme, How was your visit\?\n", said.out)
    assert "rebuilt; 0 verdicts and 1 hour of points and groups" in done(hymio("rebuild", "--all"))
    assert "every hour is what they give" in done(hymio("verify", "--all"))
    assert json.loads(done(hymio("audit", "Acme", "--json")))[0]["verb"] == "begin-rebuild"


def test_verify_tells_in_order_of_time_with_a_count_for_each_button(hymio: Hymio, database_url: str):
    set_up(hymio)
    press(database_url, 0, 0, 0, apart=-3_600_000)
    with closing(open_store(database_url)) as store, store.write() as transaction:
        transaction.run("UPDATE assignment_hour SET c0 = 0 WHERE starts_at = :at", at=NOON - 3 * 3_600_000)
        transaction.run("UPDATE assignment_hour SET c1 = 1 WHERE starts_at = :at", at=NOON - 2 * 3_600_000)
        transaction.run("UPDATE feedback SET verdict = 4 WHERE sequence = 2")
    point = hymio("verify", "Acme").out.partition("Acme / Front door, survey 1\n")[2].partition("\n\n")[0]
    assert [" ".join(line.split()) for line in point.splitlines()[1:]] == [
        "2026-01-01 11:00 counted 0, 0, 0, 0 1, 0, 0, 0",
        "2026-01-01 12:00 counted 1, 1, 0, 0 1, 0, 0, 0",
        "2026-01-01 10:00:00Z press 1/2 of 2415VE0A110042 interval counted",
    ]
    assert "1 verdict and 2 hours" in done(hymio("rebuild", "Acme"))
    done(hymio("verify", "Acme"))


def test_quarantine_is_listed_and_released(hymio: Hymio, database_url: str):
    done(hymio("organization", "create", "Acme"))
    done(hymio("node", "add-point", "Acme", "Door"))
    done(hymio("smiley", "add", "Acme", "T1"))
    assert "Nothing is in quarantine" in hymio("quarantine", "list", "Acme").err
    press(database_url, 3, 9)
    listed = done(hymio("quarantine", "list", "Acme"))
    assert re.search(r"no placement\s+2", listed)
    assert re.search(r"2026-01-01T12:02:00.000Z\s+T1\s+1/2\s+button 9\s+no placement", listed)
    done(hymio("survey", "add", "Acme", "Well?"))
    done(hymio("survey", "assign", "Acme", "Well?", "Door", "--from", "2026-01-01"))
    done(hymio("smiley", "place", "Acme", "T1", "Door", "--from", "2026-01-01T00:00Z"))
    assert "1 press released" in done(hymio("quarantine", "release", "Acme"))
    assert "button 3" not in (left := done(hymio("quarantine", "list", "Acme")))
    assert "button 9" in left
    assert "1 raw result," in done(hymio("verify", "Acme"))
    assert json.loads(audit := done(hymio("audit", "Acme", "--json")))[0]["verb"] == "begin-release"
    with closing(open_store(database_url)) as store, store.read() as transaction:
        tag = transaction.rows("SELECT setup_revision, content_revision FROM ledger")
    assert "0 presses released" in done(hymio("quarantine", "release", "Acme"))
    assert done(hymio("audit", "Acme", "--json")) == audit
    with closing(open_store(database_url)) as store, store.read() as transaction:
        assert transaction.rows("SELECT setup_revision, content_revision FROM ledger") == tag


@pytest.mark.usefixtures("on_terminal")
def test_presses_that_are_hard_to_show(hymio: Hymio, database_url: str, monkeypatch: pytest.MonkeyPatch):
    """An instant that no calendar has, an hour told by SMS, a UUID; in 80 columns no serial is cut."""
    done(hymio("organization", "create", "Acme"))
    done(hymio("node", "add-point", "Acme", "Door"))
    serial = "2415VE0A110042-OF-A-LONG-LONG-NAME"[:32]
    token = after("upload token", done(hymio("smiley", "add", "Acme", serial)))
    web = UUID("01234567-89ab-7def-8123-456789abcdef")
    told = [
        Upload(1, hours=(HourReport(7, 40, NOON, (0, 0, 0, 1)),)),
        Upload(1, (Press(*client_key(web), NOON, 2, 5),)),
    ]
    with closing(open_store(database_url)) as store:
        intake.record(store, 1, told, NOON + 3_600_000, replayed=True)
    with server(database_url) as url:
        body = {"epoch": 8, "presses": [{"sequence": 3, "at": 99999999999999999, "button": 1}]}
        httpx.post(f"{url}/terminal/v1/uploads", json=body, headers={"Authorization": f"Bearer {token}"})
    listed = done(hymio("quarantine", "list", "Acme"))
    assert re.search(rf"99999999999999999\s+{serial}\s+8/3\s+\{{\"sequence\"", listed)
    assert re.search(rf"{serial}\s+from 7/40\s+hour, button 3", listed)
    assert re.search(rf"{serial}\s+{str(web)[:18]}.*button 2", listed)
    monkeypatch.setenv("COLUMNS", "80")
    narrow = done(hymio("quarantine", "list", "Acme"))
    assert narrow.count(serial) == 3
    assert max(map(len, narrow.splitlines())) <= 80


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
    newest = json.loads(done(hymio("audit", "Acme", "--json")))[0]
    assert (newest["verb"], newest["new"]) == ("begin-resettle", {"from": "2025-12-31T22:00:00.000Z"})


def test_a_new_point_has_its_own_zone_from_the_beginning(hymio: Hymio, database_url: str):
    """Also in an organization that has feedback elsewhere, and for what was pressed before the point was made."""
    _, user = set_up(hymio)
    press(database_url, 3)
    said = done(hymio("node", "add-point", "Acme", "Pokhara", "--zone", "Asia/Kathmandu"))
    assert "Point 3: Acme / Pokhara" in said
    done(hymio("survey", "assign", "Acme", "1", "Pokhara", "--from", "2025-01-01"))
    token = after("upload token", done(hymio("smiley", "add", "Acme", "T2")))
    done(hymio("smiley", "place", "Acme", "T2", "Pokhara", "--from", "2025-01-01"))
    with server(database_url) as url:
        body = {"epoch": 1, "presses": [{"sequence": 1, "at": 1748751300000, "button": 3}]}
        httpx.post(f"{url}/terminal/v1/uploads", json=body, headers={"Authorization": f"Bearer {token}"})
    raw = json.loads(done(hymio("get", "/v1/surveys/2/rawresults", "-u", user)))["data"]
    assert raw == [{"ts": "2025-06-01T10:00:00.000+05:45", "r": 3}]
    done(hymio("verify", "Acme"))


def test_a_command_says_from_when_a_change_acts_and_how_it_acts_on_stored_feedback(hymio: Hymio, database_url: str):
    set_up(hymio)
    assert "in the zone Europe/Tallinn, at all times." in done(
        hymio("node", "zone", "Acme", "Front door", "Europe/Tallinn")
    )
    press(database_url, 3, 3, apart=7_000)
    for words in (
        ["zone", "Acme", "Front door", "Asia/Kathmandu"],
        ["policy", "Acme", "Front door", "--interval", "10"],
    ):
        said = hymio("node", *words)
        assert re.search(r"(zone Asia/Kathmandu|misuse policy) from 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d on\.", done(said))
        assert "a minute from now on" in said.err
        since, line = re.findall(r"repeat the command with --from (\S+), then run: hymio (.*)", said.err)[0]
        done(hymio("verify", "Acme"))
        again = hymio("node", *words, "--from", since)
        assert f"For feedback stored already: hymio {line}" in again.err
        wrong = hymio("verify", "Acme")
        assert wrong.code == 1
        [mend] = re.findall(r"To mend it: hymio (.*)", wrong.err)
        assert re.search("[12] feedbacks? changed", done(hymio(*shlex.split(mend))))
        done(hymio("verify", "Acme"))


@pytest.mark.parametrize("words", ["smiley place Acme 2415VE0A110042 Back", "smiley remove Acme 2415VE0A110042"])
def test_a_placement_of_the_past_contradicts_what_is_stored_until_it_is_resettled(
    words: str, hymio: Hymio, database_url: str
):
    set_up(hymio)
    press(database_url, 3, 3, apart=7_000)
    done(hymio("node", "add-point", "Acme", "Back"))
    said = hymio(*words.split(), "--at" if "remove" in words else "--from", "2026-01-01")
    done(said)
    wrong = hymio("verify", "Acme")
    assert wrong.code == 1
    assert "2 presses" in wrong.out
    [offered] = re.findall(r"For feedback stored already: hymio (.*)", said.err)
    [mend] = re.findall(r"To mend it: hymio (.*)", wrong.err)
    assert mend.startswith("resettle Acme 'Acme / Front door' --from 2026-01-01T")
    assert "2 feedbacks changed" in done(hymio(*shlex.split(offered)))
    done(hymio("verify", "Acme"))


@pytest.mark.usefixtures("on_terminal")
def test_a_clock_that_was_ahead_is_told_and_accepted(hymio: Hymio, database_url: str):
    """By ten years: a press was corrected by them, and intake waits for them to pass."""
    set_up(hymio)
    ahead = now() + 3653 * DAY_MS
    with closing(open_store(database_url)) as store:
        intake.record(store, 1, [Upload(1, (Press(7, 1, NOON, 3),), clock=NOON + 1000)], ahead)
        said = hymio("check", "Acme")
        assert said.code == 1
        corrected = (ahead - NOON - 1000) / DAY_MS
        assert re.search(rf"2415VE0A110042 .* 1  20\d\d-.*Z +\+{corrected:,.1f} days", said.out), said.out
        assert "but the newest receive time is" in said.out
        assert "hymio check Acme --clock-is-right" in said.err
        with pytest.raises(ClockBehind):
            intake.record(store, 1, [Upload(1)], now())
        assert "1 receive time set to now" in done(hymio("check", "Acme", "--clock-is-right", "--yes"))
        done(hymio("check", "--all"))
        intake.record(store, 1, [Upload(1, clock=NOON)], now())


def test_a_clock_that_is_right_is_said_to_fit(hymio: Hymio, database_url: str):
    nothing = hymio("check", "--all")
    assert (nothing.code, "nothing to check" in nothing.out) == (1, True)
    set_up(hymio)
    with closing(open_store(database_url)) as store:
        pressed = Press(7, 1, now() - DAY_MS - 60_000, 3)
        intake.record(store, 1, [Upload(1, (pressed,), clock=now() - DAY_MS + 60_000)], now())
    said = done(hymio("check", "--all"))
    assert "the clock fits" in said
    assert "no press was corrected by more than a day" in said


@pytest.mark.usefixtures("on_terminal")
def test_the_database(hymio: Hymio, database_url: str):
    set_up(hymio)
    assert "newest" in done(hymio("db", "status"))
    done(hymio("db", "migrate"))
    said = hymio("db", "distribute")
    if "distributed, 0 not" in done(hymio("db", "status")):  # the tests run on a cluster
        assert "distributed already" in done(said)
        return
    assert said.code == 2
    assert ("SQLite" if database_url.startswith("sqlite") else "citus") in said.err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:p@ss@host/name", "postgresql://me@host/name"),
        ("postgresql://me:p?ss@host/name", "postgresql://me@host/name"),
        ("postgresql://me@host/name?password=p@ss&sslmode=require", "postgresql://me@host/name?sslmode=require"),
        ("postgresql://host/name?p%61ssword=x", "postgresql://host/name"),
        ("sqlite:///hymio.db", "sqlite:///hymio.db"),
        ("sqlite:////folder of mine/hymio.db", "sqlite:////folder of mine/hymio.db"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str):
    assert without_password(url) == shown


def test_what_is_stored_is_its_owners_alone(anywhere: Hymio, tmp_path: Path):
    before = os.umask(0o022)
    try:
        done(anywhere("organization", "create", "Acme"))
        folder = tmp_path / "hymio-data"
        with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store, store.read(), store.begin(1, NOON):
            modes = {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}
        done(anywhere("--data", "demo", "demo", "--data", "demo", "--once", "--port", "0", "--presses", "0"))
    finally:
        os.umask(before)
    assert modes == {"hymio.db": 0o600, "hymio.db-wal": 0o600, "hymio.db-shm": 0o600}
    assert (folder.stat().st_mode & 0o777, (tmp_path / "demo").stat().st_mode & 0o777) == (0o700, 0o700)
    assert (tmp_path / "demo" / "hymio.db").stat().st_mode & 0o777 == 0o600


def test_the_index_of_a_survey_is_that_of_its_scale(hymio: Hymio):
    set_up(hymio)
    assert "(nps, NPS)" in done(hymio("survey", "add", "Acme", "Would you recommend us?", "--scale", "nps"))
    assert "(nps, AVERAGE)" in done(hymio("survey", "add", "Acme", "And so?", "--scale", "nps", "--index", "average"))
    assert "(five, HAPPY)" in done(hymio("survey", "add", "Acme", "Well?", "--scale", "five"))


def test_credentials_need_not_stand_in_a_flag(hymio: Hymio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    token, user = set_up(hymio)
    (tmp_path / "user.txt").write_text(f"{user}\n", encoding="utf-8")
    (tmp_path / "token.txt").write_text(f"{token}\n", encoding="utf-8")
    assert hymio("get", "/v1/folders").code == 1
    done(hymio("get", "/v1/folders", "--user-file", "user.txt"))
    monkeypatch.setenv("HYMIO_CREDENTIALS", user)
    done(hymio("get", "/v1/folders"))
    done(hymio("terminal", "new", "one.jsonl", "--token-file", "token.txt"))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))
    done(hymio("terminal", "new", "two.jsonl", "--token-file", "-"))
    for file in ("one.jsonl", "two.jsonl"):
        assert json.loads((tmp_path / file).read_text(encoding="utf-8"))["terminal"]["token"] == token


@pytest.mark.usefixtures("on_terminal")
def test_long_messages_are_cut_unless_all_is_asked_for(hymio: Hymio, database_url: str):
    set_up(hymio)
    secret = after("secret", done(hymio("sms-secret", "Acme")))
    text = "I would like to say more than fits. " * 20 + "The end."
    with server(database_url) as url:
        httpx.post(f"{url}/sms", data={"from": "+1", "text": text}, headers={"X-Hymio-Secret": secret})
    said = hymio("message", "list", "Acme")
    assert "--full" in said.err
    assert "The end." not in done(said)
    assert "The end." in " ".join(done(hymio("message", "list", "Acme", "--full")).split())


def test_a_password_that_other_accounts_can_read_is_warned_of(hymio: Hymio, tmp_path: Path):
    done(hymio("organization", "create", "Acme"))
    file = Path("other.toml")
    file.write_text('database = "postgresql://hymio:secret@nowhere.invalid/hymio"\n', encoding="utf-8")
    for mode, count in ((0o644, 1), (0o600, 0)):
        file.chmod(mode)
        said = hymio("--config", "other.toml", "organization", "list")
        assert said.err.count("warning: other.toml has a password, and other accounts can read it: chmod 600") == count
        assert "secret" not in said.err


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
        ("survey translate Acme 1 finnish Miten?", "en-US"),
        ("survey translate Acme 1 fi Miten? --option Price", "no option 'Price'; there are: none yet"),
        ("survey translate Acme 1 fi Miten? --option 1 --followup 1", "the one or the other"),
        ("survey translate Acme 1 fi Miten? --followup 1", "no follow-up question '1'"),
        ("user add Acme jane Jane Doe", "jane.doe@example.com"),
        ("user add Acme j@example.com Jane Doe --at Moon", "no node 'Moon'"),
        ("user edit Acme j@example.com --role admin", "no user 'j@example.com'; there are: none yet"),
        ("user remove Acme 7", "no user '7'"),
        ("custom-data add Acme no/id Label", "A-Z"),
        ("custom-data set Acme Acme cost 1", "no custom field 'cost'"),
        ("api token create Acme Board --kinds surveys,tea", "got kind 'tea'; accepted are all, or"),
        ("api token create Acme Board --scope Moon", "no node 'Moon'"),
        ("api token create Acme Board --until 2020-01-01", "is over"),
        ("api token create Acme Board --until soon", "2025-03-01"),
        ("api token edit Acme Board", "no token 'Board'"),
        ("api token revoke Acme 1", "no token '1'"),
        ("resettle Acme Acme --from then", "2025-03-01"),
        ("verify", "--all"),
        ("verify Acme --all", "--all"),
        ("--config none.toml organization list", "none.toml"),
        ("--database mysql://x organization list", "postgresql://"),
        ("serve --host no.such.host.invalid", "no.such.host.invalid"),
        ("terminal send no-such-file", "no-such-file"),
        ("terminal new door.jsonl --token x --url foo", "http://127.0.0.1:8000"),
        ("terminal new door.jsonl", "--token-file"),
        ("terminal new door.jsonl --token-file no-such-file", "no-such-file"),
        ("get /v1/folders --user-file no-such-file", "no-such-file"),
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


def test_an_error_shows_its_code(hymio: Hymio):
    set_up(hymio)
    assert hymio("survey", "list", "Nobody").err.endswith(" [no-such-organization]\n")
    assert hymio("node", "rename", "Acme", "Nowhere", "Here").err.endswith(" [unknown-name]\n")


def test_a_mistyped_database_is_not_made(anywhere: Hymio, tmp_path: Path):
    said = anywhere("verify", "--all")
    assert (said.code, said.out) == (2, "")
    assert "hymio organization create" in said.err
    assert list(tmp_path.iterdir()) == []
    done(anywhere("organization", "create", "Acme"))
    done(anywhere("verify", "--all"))
    assert (tmp_path / "hymio-data" / "hymio.db").exists()


def test_what_nobody_foresaw_is_one_clear_line_too(anywhere: Hymio, monkeypatch: pytest.MonkeyPatch):
    def broken(_url: str, **_options: bool) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("hymio.store.open_store", broken)
    said = anywhere("organization", "create", "Acme")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "RuntimeError: two lines" in said.err
    assert "HYMIO_LOG_LEVEL=debug" in said.err
    monkeypatch.setenv("HYMIO_LOG_LEVEL", "debug")
    try:
        said = anywhere("organization", "create", "Acme")
    finally:
        configure_log(Settings())  # or the statements of later tests would be logged
    assert said.code == 2
    assert "Traceback" in said.err


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
    assert "<bool>" not in said
    assert ":secret@" not in said


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


# --- a server of its own ----------------------------------------------------------------------------------------------


@contextmanager
def server(database_url: str, healthy: int = 200) -> Iterator[str]:
    """`hymio serve` as a process of its own, once `/health` answers so; ended by SIGTERM, it must end well."""
    port = free_port()
    words = [sys.executable, "-m", "hymio", "serve", "--database", database_url, "--port", str(port)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            await_health(url, process, healthy)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.communicate()[1]
    assert process.returncode in {0, -signal.SIGTERM}, said
    assert f"Hymio serves on {url}" in said


def test_a_server_says_where_it_serves_once_it_does(tmp_path: Path):
    words = [sys.executable, "-m", "hymio", "--data", str(tmp_path / "data"), "serve", "--port", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            [url] = re.findall(r"serves on (http://127\.0\.0\.1:[1-9]\d*) ", process.stderr.readline())
            assert httpx.get(f"{url}/health").status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()
    assert process.returncode == 0


def await_health(url: str, process: subprocess.Popen[str], healthy: int = 200) -> None:
    while True:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            if httpx.get(f"{url}/health").status_code == healthy:
                return
        except httpx.TransportError:
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# --- with the clock of the whole process set back ---------------------------------------------------------------------


def faketime() -> Path:
    """Debian's libfaketime, with which a process sees another time."""
    for folder in ("/usr/lib", "/usr/local/lib"):
        for library in Path(folder).glob("**/libfaketime.so.1"):
            return library
    pytest.skip("libfaketime is not installed")


def test_a_process_that_starts_ten_years_back_takes_no_presses(
    hymio: Hymio, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    token, _ = set_up(hymio)
    body = {"epoch": 1, "clock": now(), "presses": [{"sequence": 1, "at": now() - 1000, "button": 3}]}
    headers = {"Authorization": f"Bearer {token}"}
    with monkeypatch.context() as past:
        past.setenv("LD_PRELOAD", str(faketime()))
        past.setenv("FAKETIME", "-10y")
        past.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        with server(database_url, healthy=503) as url:
            answer = httpx.post(f"{url}/terminal/v1/uploads", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (503, "clock-behind")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
    with server(database_url) as url:
        answer = httpx.post(f"{url}/terminal/v1/uploads", json=body, headers=headers)
        assert (answer.status_code, answer.json()["correction"]) == (200, 0)


# --- the README, to the letter ----------------------------------------------------------------------------------------

README = Path(__file__).parents[1] / "README.md"


def test_every_file_with_a_secret_of_the_readme_is_in_the_data_folder() -> None:
    section = README.read_text(encoding="utf-8").partition("## Your own organization")[2].partition("\n## ")[0]
    written = re.findall(r"(?:>|tee|--header)\s+(\S+)", "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)))
    written.remove("buttons.html")  # which everybody may see
    assert len(written) == 3
    assert {name.partition("/")[0] for name in written} == {"hymio-data"}
    assert "/hymio-data/" in (README.parent / ".gitignore").read_text(encoding="utf-8").splitlines()


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


MENTIONED = {
    "make demo": "tests/test_demo.py: the command, which make calls",
    "make test": "this run",
    "umask 077": "test_a_password_in_a_file_that_the_readme_writes",
    "echo 'database = \"postgresql://hymio:secret@localhost/hymio\"' > hymio.toml": "the same",
    "hymio serve": "the same",
}
"""The commands of the README outside of the quick start, and what executes each."""


def test_every_command_of_the_readme_is_executed_by_a_test() -> None:
    text = README.read_text(encoding="utf-8")
    assert set(re.findall(r"^    (\S.*)$", text, re.MULTILINE)) == MENTIONED.keys()
    blocks = re.findall(r"^```sh$", text, re.MULTILINE)
    section = text.partition("## Your own organization")[2].partition("\n## ")[0]
    assert section.count("```sh") == len(blocks)  # which the quick start runs


def test_a_password_in_a_file_that_the_readme_writes(anywhere: Hymio, database_url: str) -> None:
    words = [line for line in MENTIONED if line.startswith(("umask", "echo"))]
    script = "\n".join(words).replace("postgresql://hymio:secret@localhost/hymio", database_url)
    subprocess.run(["sh", "-ec", script], check=True)
    assert Path("hymio.toml").stat().st_mode & 0o777 == 0o600
    done(anywhere("organization", "create", "Acme"))
    assert not Path("hymio-data").exists()
    assert "Acme" in done(anywhere("organization", "list"))


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_examples_of_the_command_line_page(hymio: Hymio) -> None:
    set_up(hymio)
    done(hymio("api", "token", "create", "Acme", "Board"))
    page = README.parent / "docs" / "command-line.md"
    [block] = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    script = f'set -e; hymio() {{ "{sys.executable}" -m hymio "$@"; }}\n{block}'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "serial\tpoint\n2415VE0A110042\tFront door\nBoard\n"
    assert Path("users.csv").read_text(encoding="utf-8").startswith("user,email,")


@pytest.mark.usefixtures("on_terminal")
def test_surveys_and_placements_can_be_ended_and_moved(hymio: Hymio) -> None:
    set_up(hymio)
    assert re.search(r"2026-01-01 00:00\s+further notice", done(hymio("survey", "periods", "Acme", "1")))
    assert "2026-02-01 18:00" in done(hymio("survey", "end", "Acme", "1", "--at", "2026-02-01T18:00"))
    assert "2026-02-01 18:00" in done(hymio("survey", "periods", "Acme", "1"))
    out = done(hymio("survey", "periods", "Acme", "1", "2026-01-01/2026-02-01", "2026-03-01/"))
    assert re.search(r"2026-03-01 00:00\s+further notice", out)
    done(hymio("survey", "end", "Acme", "1", "--at", "2026-02-15"))
    assert done(hymio("survey", "periods", "Acme", "1")).count("00:00") == 2
    assert "nowhere any more" in done(hymio("smiley", "remove", "Acme", "2415VE0A110042", "--at", "2026-02-01"))
    for words, said in (
        ("survey periods Acme 1 2026-01-01", "START/END"),
        ("survey periods Acme 1 2026-02-01/2026-01-01", "end after it begins"),
        ("survey end Acme 9", "key"),
        ("smiley remove Acme 2415VE0A110042 --at 2026-03-01", "nowhere"),
    ):
        answer = hymio(*words.split())
        assert (answer.code != 0, said in answer.err) == (True, True), answer


# --- jobs and the outbox ----------------------------------------------------------------------------------------------


def fill_outbox(database_url: str) -> None:
    """A row each that waits, failed and is undecided, and a job that ran, in an organization."""
    with closing(open_store(database_url)) as store:
        for _ in range(3):
            with store.begin(1, NOON) as ledger:
                ledger.outbox.add("letter", {"to": 7})
        for outcome in (Outcome.FAILED, Outcome.UNDECIDED):
            claim = outbox.claim(store, 1, {"letter": False}, "host:1", NOON)
            assert claim is not None
            outbox.finish(store, claim, outcome, "no [b]answer", NOON)
        for name in ("clear-expired", "of another version"):
            jobs.plan(store, name, 60_000, NOON - 60_000)
            lease = jobs.claim(store, name, 60_000, "host:1:abc", NOON)
            assert lease is not None
            with store.write() as transaction:
                jobs.finish(transaction, lease, Outcome.DONE, "rows: 3", NOON + 5)


@pytest.mark.usefixtures("on_terminal")
def test_jobs_and_the_outbox_are_shown(hymio: Hymio, database_url: str):
    done(hymio("organization", "create", "Acme"))
    said = hymio("jobs")
    assert re.search(r"deliver-outbox\s+2 s[\s–]+each", done(said))
    assert re.search(r"clear-expired\s+1 h\s+never[\s–]+once a server runs", said.out)
    assert "Once you know" not in said.err
    fill_outbox(database_url)
    said = hymio("jobs")
    assert re.search(r"clear-expired\s+1 h\s+[\d,]+ days ago\s+done rows: 3\s+[\d,]+ days ago", done(said))
    assert "2026-01-01 12:00:00Z" in said.out
    assert re.search(r"of another version[\s–]+[\d,]+ days ago", said.out)
    assert re.search(r"Acme\s+letter\s+waiting\s+1\s+[\d,]+ days ago", said.out)
    assert re.search(r"Acme\s+letter\s+failed\s+1", said.out)
    assert re.search(r"Acme\s+[23]\.1\s+letter\s+1\s+[\d,]+ days ago\s+(failed|undecided) no \[b\]answer", said.out)
    assert "hymio jobs retry ORGANIZATION ID" in said.err


def test_jobs_and_the_outbox_in_json(hymio: Hymio, database_url: str):
    done(hymio("organization", "create", "Acme"))
    fill_outbox(database_url)
    found = json.loads(done(hymio("jobs", "--json", "--limit", "1")))
    by_name = {job["name"]: job for job in found["jobs"]}
    assert by_name["deliver-outbox"] == dict.fromkeys(by_name["clear-expired"]) | {
        "name": "deliver-outbox",
        "every_ms": 2000,
        "leased": False,
    }
    ran = by_name["clear-expired"]
    assert (ran["leased"], ran["outcome"], ran["detail"], ran["holder"]) == (True, "done", "rows: 3", None)
    assert (ran["finished_at"], ran["lease_until"]) == ("2026-01-01T12:00:00.005Z", None)
    counts = {count["outcome"]: count["rows"] for count in found["outbox"]["counts"]}
    assert counts == {None: 1, "failed": 1, "undecided": 1}
    (row,) = found["outbox"]["open"]
    assert (row["kind"], row["ended_at"], row["attempts"]) == ("letter", "2026-01-01T12:00:00.000Z", 1)


def test_what_is_undecided_is_decided_by_people(hymio: Hymio, database_url: str):
    done(hymio("organization", "create", "Acme"))
    fill_outbox(database_url)
    ids = {row["outcome"]: row["id"] for row in json.loads(done(hymio("jobs", "--json")))["outbox"]["open"]}
    assert "was undecided and will be attempted again" in done(hymio("jobs", "retry", "Acme", ids["undecided"]))
    assert "was failed and is discarded" in done(hymio("jobs", "discard", "Acme", ids["failed"]))
    assert json.loads(done(hymio("jobs", "--json")))["outbox"]["open"] == []
    assert "is waiting; only failed and undecided" in hymio("jobs", "retry", "Acme", ids["undecided"]).err
    assert "no row 99.1 in the outbox" in hymio("jobs", "discard", "Acme", "99.1").err
    assert "got 'seven', accepted: REVISION.NUMBER" in hymio("jobs", "retry", "Acme", "seven").err
    verbs = [entry["verb"] for entry in json.loads(done(hymio("audit", "Acme", "--json")))]
    assert verbs[:2] == ["discard-outbox-row", "retry-outbox-row"]
