"""The drill: a server is backed up under load, killed, its database lost and restored, and terminals send again what
they still hold. The ledger is then that of a server that never died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from hymio import intake
from hymio.feedback import Press, Upload
from hymio.simulator.journal import StoredPress, append_press, close_journal, open_journal
from hymio.store import Store, open_store
from tests.databases import Databases
from tests.engines import Unavailable, binaries
from tests.terminals import Terminals, put_up, stored
from tests.test_kill import START_SECONDS, Lossy, Servers, free_port, make_terminal, now, try_to_send

TERMINALS = 8
BEFORE_SECONDS, AFTER_SECONDS = 0.5, 0.5
"""How long terminals press before the backup begins, and between its end and the crash."""

LEDGER = {
    "feedback": "smiley_id, epoch, sequence, at, utc_offset, correction, button, accuracy, finding, assignment_id,"
    " verdict, ui",
    "assignment_hour": "assignment_id, local_hour, starts_at, verdict, c0, c1, c2, c3",
    "group_hour": "node_id, survey_id, local_hour, starts_at, verdict, c0, c1, c2, c3",
    "smiley_epoch": "smiley_id, epoch, through, highest",
    "quarantine": "smiley_id, epoch, sequence, reason",
    "accounted": "smiley_id, epoch, first_sequence, last_sequence",
}
"""What the two servers have in common: everything but the revisions of their commits."""


class Held(NamedTuple):
    """What a terminal holds in the end: all that was pressed, whether it was acknowledged or not."""

    epoch: int
    presses: list[StoredPress]


def test_a_restored_server_has_the_ledger_of_one_that_never_died(
    request: pytest.FixtureRequest,
    database_url: str,
    databases: Databases,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = request.node.callspec.params["database_url"]
    if engine == "citus":
        pytest.skip("hymio backup refuses a Citus cluster")
    with suppress(Unavailable):
        monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{binaries('postgresql-18')}")
    with closing(open_store(database_url)) as store:
        acme = put_up(store, TERMINALS)
    archive, ending = tmp_path / "backup.zip", threading.Event()
    with free_port() as port, ThreadPoolExecutor(TERMINALS) as pool:
        files = [make_terminal(tmp_path, acme, number, port) for number in range(TERMINALS)]
        pressing = [pool.submit(press_and_hold, file, ending) for file in files]
        try:
            with Servers(database_url, port, tmp_path) as servers:
                server = servers.start()
                time.sleep(BEFORE_SECONDS)
                hymio("backup", str(archive), "--database", database_url)
                time.sleep(AFTER_SECONDS)
                servers.end(server, signal.SIGKILL)
            acknowledged = count(database_url, acme)
            restored_url = lost(engine, database_url, databases)
            hymio("restore", str(archive), "--database", restored_url)
            restored = count(restored_url, acme)
            with Servers(restored_url, port, tmp_path) as servers:
                server = servers.start()
                time.sleep(AFTER_SECONDS)
                ending.set()
                held = [each.result() for each in pressing]
                assert servers.end(server, signal.SIGTERM) == 0
        finally:
            ending.set()
    assert 0 < restored < acknowledged < sum(len(terminal.presses) for terminal in held)
    with closing(open_store(restored_url, make=False)) as store:
        assert list(intake.verify(store, acme.organization)) == []
        assert ledger_of(store, acme.organization) == ledger_of_a_server_that_never_died(databases, held)


def press_and_hold(file: Path, ending: threading.Event) -> Held:
    """Presses and sends, the server alive or not, and at the end sends all that it still holds: everything."""
    journal, presses = open_journal(file), list[StoredPress]()
    with httpx.Client(timeout=5, transport=Lossy()) as http:
        while not ending.is_set():
            presses.append(append_press(journal, now(), journal.last % 4))
            time.sleep(0.01 if try_to_send(journal, http) else 0.05)
        journal.waiting = deque(presses)
        deadline = time.monotonic() + START_SECONDS
        while not try_to_send(journal, http):
            assert time.monotonic() < deadline, "what is held is not taken"
            time.sleep(0.05)
    close_journal(journal)
    return Held(journal.epoch, presses)


def hymio(*words: str) -> None:
    """Runs a command in a process of its own; it must succeed."""
    done = subprocess.run([sys.executable, "-m", "hymio", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def lost(engine: str, url: str, databases: Databases) -> str:
    """Loses a database; the URL of one to restore into."""
    if engine != "sqlite":
        return databases.make(engine, empty=True)
    for file in Path(url.removeprefix("sqlite:///")).parent.glob(f"{Path(url).name}*"):
        file.unlink()
    return url


def count(url: str, acme: Terminals) -> int:
    with closing(open_store(url, make=False)) as store:
        return len(stored(store, acme.organization, "feedback", "sequence"))


def ledger_of(store: Store, organization: int) -> dict[str, list[tuple[object, ...]]]:
    found = {table: stored(store, organization, table, columns) for table, columns in LEDGER.items()}
    # An hour that was emptied keeps its row.
    return {table: [row for row in rows if "hour" not in table or any(row[-4:])] for table, rows in found.items()}


def ledger_of_a_server_that_never_died(databases: Databases, held: list[Held]) -> dict[str, list[tuple[object, ...]]]:
    """The ledger of one that took every press at once."""
    with closing(open_store(databases.make("sqlite"))) as store:
        acme = put_up(store, TERMINALS)
        for smiley, (epoch, presses) in enumerate(held, 1):
            upload = Upload(smiley, tuple(Press(epoch, *press) for press in presses))
            [receipt] = intake.record(store, acme.organization, [upload], now())
            assert receipt.stored == len(presses)  # type: ignore[union-attr]  # it was not refused
        return ledger_of(store, acme.organization)
