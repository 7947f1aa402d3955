"""The software terminal: what its file holds whenever it dies, what it sends, and its command."""

from __future__ import annotations

import itertools
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hymio import intake, manage
from hymio.errors import SetupError
from hymio.gateway.sms_text import decode, is_genuine
from hymio.settings import Settings
from hymio.simulator import journal as journals
from hymio.simulator.commands import terminal
from hymio.simulator.journal import (
    Journal,
    StoredPress,
    append_acknowledged,
    append_press,
    append_settings,
    append_texted,
    close_journal,
    create_journal,
    open_journal,
)
from hymio.simulator.sending import UploadFailed, backoff, send, send_with_retries, upload_of
from hymio.simulator.texting import hours_of, texts
from hymio.store import Store, open_store
from tests.terminals import PLACED, Terminals, client, put_up, serving, stored

HOUR = 3_600_000
NOW = PLACED + 500 * HOUR + 5_000

steps = st.lists(
    st.sampled_from(["press"] * 4 + ["acknowledged", "texted", "settings", "reopened"]), min_size=1, max_size=25
)


def facts(journal: Journal) -> tuple[object, ...]:
    return (journal.epoch, journal.last, journal.texted, list(journal.waiting), journal.settings)


def perform(journal: Journal, step: str, number: int) -> Journal:
    if step == "press":
        append_press(journal, 1000 + number, number % 4)
    elif step == "acknowledged" and journal.waiting:
        append_acknowledged(journal, journal.waiting[len(journal.waiting) // 2].sequence)
    elif step == "texted":
        append_texted(journal, journal.last)
    elif step == "settings":
        append_settings(journal, {"buttons": 4 + number % 2})
    elif step == "reopened":
        close_journal(journal)
        return open_journal(journal.path)
    return journal


# --- the file ---------------------------------------------------------------------------------------------------------


@given(steps, st.integers(0, 1000), st.booleans())
def test_a_terminal_that_dies_while_it_writes_knows_all_it_had_written(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], share: int, often: bool
) -> None:
    file = tmp_path_factory.mktemp("terminal") / "exit"
    with pytest.MonkeyPatch.context() as patched:
        if often:
            patched.setattr(journals, "COMPACT_ABOVE_BYTES", 300)  # so that the file is written anew in between
        journal = create_journal(file, "http://hymio", "token", "T1")
        known = [(file.stat().st_size, facts(journal))]
        for number, step in enumerate(steps):
            journal = perform(journal, step, number)
            if file.stat().st_size < known[-1][0]:
                known.clear()
            known.append((file.stat().st_size, facts(journal)))
        close_journal(journal)
    cut = known[0][0] + (known[-1][0] - known[0][0]) * share // 1000
    os.truncate(file, cut)
    journal = open_journal(file)
    assert facts(journal) == [fact for size, fact in known if size <= cut][-1]
    before = journal.last
    assert append_press(journal, 5, 1).sequence == before + 1
    close_journal(journal)
    again = open_journal(file)
    assert facts(again) == facts(journal)
    close_journal(again)


def test_a_file_is_one_terminals_and_nobody_elses_to_read(tmp_path: Path) -> None:
    file = tmp_path / "exit"
    journal = create_journal(file, "http://hymio/", "token", "T1")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (journal.url, journal.token, journal.serial) == ("http://hymio", "token", "T1")
    with pytest.raises(SetupError, match="in use"):
        open_journal(file)
    with pytest.raises(SetupError, match="exists"):
        create_journal(file, "http://hymio", "token", "T1")
    close_journal(journal)
    with pytest.raises(SetupError, match="closed"):
        append_press(journal, 1, 1)
    (tmp_path / "other").write_text("{}\n")
    for other in ("other", "missing"):
        with pytest.raises(SetupError, match=other):
            open_journal(tmp_path / other)


def test_two_terminals_have_two_epochs(tmp_path: Path) -> None:
    made = [create_journal(tmp_path / str(number), "http://hymio", "token", "T1") for number in range(5)]
    assert len({journal.epoch for journal in made}) == 5
    for journal in made:
        close_journal(journal)


# --- over HTTP and by SMS ---------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'hymio.db'}")
    yield opened
    opened.close()


@pytest.fixture
def acme(store: Store) -> Terminals:
    return put_up(store)


@pytest.fixture
def url(store: Store, acme: Terminals) -> Iterator[str]:
    with serving(store, NOW) as address:
        yield address


@pytest.fixture
def journal(tmp_path: Path, acme: Terminals, url: str) -> Iterator[Journal]:
    made = create_journal(tmp_path / "exit", url, acme.tokens[0], "T1")
    yield made
    close_journal(made)


def test_a_terminal_forgets_what_was_acknowledged_and_nothing_else(store: Store, journal: Journal) -> None:
    for number in range(10_003):
        journal.waiting.append(StoredPress(number + 1, NOW - 50_000 + number, number % 4))
    journal.last = 10_003
    with client() as http:
        receipt = send(journal, http, NOW)
        assert receipt["acknowledgedThrough"] == {"epoch": journal.epoch, "sequence": 10_003}
        assert not journal.waiting
        assert journal.settings["buttons"] == 4
        token, journal.token = journal.token, "wrong"
        append_press(journal, NOW, 1)
        with pytest.raises(UploadFailed, match="401") as refused:
            send(journal, http, NOW)
        assert refused.value.permanent
        url, journal.token, journal.url = journal.url, token, "http://127.0.0.1:1"
        with pytest.raises(UploadFailed, match="no answer") as refused:
            send(journal, http, NOW)
        assert not refused.value.permanent
        assert len(journal.waiting) == 1
        journal.url = url
        assert send(journal, http, NOW)["stored"] == 1
    assert len(stored(store, 1, "feedback", "sequence")) == 10_004


def test_an_upload_that_is_too_large_is_halved(store: Store, acme: Terminals, tmp_path: Path) -> None:
    with serving(store, NOW, Settings(port=0, body_bytes=1 << 10)) as url, client() as http:
        journal = create_journal(tmp_path / "exit", url, acme.tokens[0], "T1")
        for number in range(100):
            append_press(journal, NOW - 90_000 + number, 1)
        send(journal, http, NOW)
        assert not journal.waiting
        journal.url = f"{url}/nowhere"
        with pytest.raises(UploadFailed, match="404"):
            send(journal, http, NOW)
        close_journal(journal)
    assert len(stored(store, 1, "feedback", "sequence")) == 100


def test_what_is_left_for_the_next_upload_is_not_called_reported(tmp_path: Path) -> None:
    journal = create_journal(tmp_path / "exit", "http://hymio", "token", "T1")
    assert upload_of(journal, 9_000)["reportedThrough"] == 9_000
    for at in (1_000, 5_000, 3_000):
        append_press(journal, at, 0)
    assert upload_of(journal, 9_000)["reportedThrough"] == 9_000
    assert upload_of(journal, 9_000, most=1)["reportedThrough"] == 3_000
    assert len(upload_of(journal, 9_000, most=1)["presses"]) == 1
    close_journal(journal)


def test_a_busy_server_is_given_the_time_it_asks_for(tmp_path: Path) -> None:
    answers = [
        httpx.Response(503, headers={"Retry-After": "7"}),
        httpx.Response(502),
        httpx.Response(200, json={"settings": {}}),
    ]
    journal = create_journal(tmp_path / "exit", "http://hymio", "token", "T1")
    append_press(journal, 1, 1)
    waited: list[float] = []
    with httpx.Client(transport=httpx.MockTransport(lambda _: answers.pop(0))) as http:
        send_with_retries(journal, http, lambda: NOW, waited.append)
    assert 7 < waited[0] <= 8
    assert 0 < waited[1] <= 2
    assert not journal.waiting
    close_journal(journal)


@given(st.integers(1, 200), st.none() | st.floats(0, 100))
def test_no_pause_is_shorter_than_the_server_asked_or_very_long(attempt: int, retry_after: float | None) -> None:
    least = retry_after or 0
    assert least < backoff(attempt, retry_after) <= least + min(300, 0.5 * 2**attempt)


@given(
    st.lists(st.tuples(st.integers(0, 3 * HOUR), st.integers(0, 4)), min_size=1, max_size=40),
    st.sampled_from([0, 345, -210]),
)
def test_hours_tell_every_press_once(moments: list[tuple[int, int]], offset: int) -> None:
    presses = [StoredPress(number, PLACED + later, button) for number, (later, button) in enumerate(moments, 1)]
    told = list(hours_of(presses, 7, offset))
    assert [hour.first for hour in told] + [len(presses) + 1] == [1] + [hour.end for hour in told]
    for hour in told:
        members = presses[hour.first - 1 : hour.end - 1]
        assert [sum(each.button == button for each in members) for button in range(len(hour.counts))] == list(
            hour.counts
        )
        assert all(hour.at <= each.at < hour.at + HOUR for each in members)
        assert (hour.at + offset * 60_000) % HOUR == 0
    assert all(one.at != other.at for one, other in itertools.pairwise(told))


def no_network(_text: str) -> None:
    raise OSError("no network")


def test_hours_are_texted_once_and_give_way_to_the_detail(
    store: Store, acme: Terminals, journal: Journal, url: str
) -> None:
    start = NOW // HOUR * HOUR
    for at in (start - 2 * HOUR + 5_000, start - 2 * HOUR + 20_000, start - HOUR, start + 1_000):
        append_press(journal, at, 3)
    with pytest.raises(OSError, match="no network"):
        texts(journal, NOW, 120, battery=0.5, deliver=no_network)
    [text] = texts(journal, NOW, 120, battery=0.5)
    report = decode(text)
    assert is_genuine(report, manage.sms_key(acme.tokens[0]))
    assert [(hour.first, hour.at, hour.counts) for hour in report.hours] == [
        (1, start - 2 * HOUR, (0, 0, 0, 2)), (3, start - HOUR, (0, 0, 0, 1)),
    ]  # fmt: skip
    assert (report.reported_through, report.battery) == (start, 0.5)
    [heartbeat] = texts(journal, NOW, 120)
    assert decode(heartbeat).hours == ()
    assert len(journal.waiting) == 4
    with client() as http:
        secret = {"X-Hymio-Secret": acme.sms_secret}
        for each in (text, heartbeat):
            assert http.post(f"{url}/sms", json={"text": each}, headers=secret).headers["X-Hymio-Outcome"] == "stored"
        assert len(stored(store, 1, "feedback", "sequence")) == 3
        send(journal, http, NOW)
    assert stored(store, 1, "feedback", "accuracy, verdict") == [(0, 0)] * 4 + [(1, 10)] * 3
    assert list(intake.verify(store, acme.organization)) == []


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_from_new_to_sms(store: Store, acme: Terminals, url: str, tmp_path: Path) -> None:
    file = str(tmp_path / "exit")

    def run(*words: str) -> str:
        result = CliRunner().invoke(terminal, words)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert file in run("new", file, "--url", url, "--token", acme.tokens[0], "--serial", "T1")
    assert "3 presses wait" in run("press", file, "3", "3", "0")
    sent = json.loads(run("send", file, "--battery", "0.9"))
    assert sent["stored"] == 3
    assert "revision" in run("run", file, "--every", "0.01", "--seconds", "0.1")
    assert decode(run("sms", file)).serial == "T1"
    rows = stored(store, 1, "smiley_state", "battery, firmware")
    assert rows == [(0.9, "hymio software terminal")]


def test_the_command_says_what_waits_when_nobody_answers(tmp_path: Path) -> None:
    file = str(tmp_path / "exit")
    runner = CliRunner()
    runner.invoke(terminal, ["new", file, "--url", "http://127.0.0.1:1", "--token", "x"])
    runner.invoke(terminal, ["press", file, "1"])
    result = runner.invoke(terminal, ["send", file])
    assert result.exit_code == 1
    assert "1 press still waits" in result.stderr


@pytest.mark.parametrize(
    ("words", "why"), [(["--serial", "T1"], "--offset"), ([], "--serial")], ids=["no offset", "no serial"]
)
def test_a_text_needs_to_know_who_speaks_and_what_the_clocks_show(words: list[str], why: str, tmp_path: Path) -> None:
    file = str(tmp_path / "exit")
    runner = CliRunner()
    runner.invoke(terminal, ["new", file, "--token", "x", *words])
    assert "1 press waits" in runner.invoke(terminal, ["press", file, "1"]).output
    if words:
        assert "/W240/" in runner.invoke(terminal, ["sms", file, "--offset", "-240"]).output
        assert runner.invoke(terminal, ["sms", file, "--offset", "0", "--keyword", "HYMIO"]).output.startswith(
            "HYMIO H1/"
        )
    result = runner.invoke(terminal, ["sms", file])
    assert isinstance(result.exception, SetupError)
    assert why in str(result.exception)
