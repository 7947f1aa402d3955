"""Large uploads beside others, twice at once, interrupted and killed; and changes of the set-up beside them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from hymio import intake
from hymio.errors import Unavailable
from hymio.feedback import Press, Upload, Verdict
from hymio.intake import lanes, queue
from hymio.intake.arrival import Committed
from hymio.intake.queue import UploadQueue
from hymio.intake.record import Recorded, record_with_layout
from hymio.store import Store
from tests.terminals import PLACED, Terminals, client, put_up, serving, stored
from tests.test_kill import Servers, free_port
from tests.test_upload import PATH, Made

NOW = PLACED + 100_000_000_000
SLICE = 1_000
MANY = 2 * SLICE + 500


@pytest.fixture(autouse=True)
def _slices_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIN_SLICE_ROWS", "MAX_SLICE_ROWS"):
        monkeypatch.setattr(lanes, name, SLICE)


def presses(count: int, first: int = 1) -> tuple[Press, ...]:
    return tuple(Press(1, n, NOW - (count - n) * 10_000 - 60_000, n % 5) for n in range(first, first + count))


def body(count: int) -> dict[str, Any]:
    """An upload; each fifth press is off the scale."""
    written = [{"sequence": press.sequence, "at": press.at, "button": press.button} for press in presses(count)]
    return {"epoch": 1, "presses": written, "clock": NOW, "reportedThrough": NOW}


def of(acme: Terminals, smiley: int, count: int, sender: str) -> Made:
    return Made(acme.organization, Upload(smiley, presses(count)), rows=count, sender=sender)


def come(store: Store, *arrivals: Made) -> list[Any]:
    """The outcomes of arrivals that come at once, in this order."""

    async def run() -> list[Any]:
        uploads = UploadQueue(store, lambda: NOW, threads=1)
        async with uploads.running():
            return await asyncio.gather(*map(uploads.record, arrivals), return_exceptions=True)

    return asyncio.run(run())


def test_small_uploads_are_committed_with_the_first_slice_of_a_large_one(store: Store) -> None:
    acme = put_up(store, 4)
    large, other, *small = come(
        store, of(acme, 1, MANY, "1"), of(acme, 2, MANY, "2"), of(acme, 3, 1, "3"), of(acme, 4, 2, "4")
    )
    first = min(each.receipt.revision for each in small)
    assert [each.receipt.revision - first for each in (*small, large, other)] == [0, 0, 4, 5]
    for each, count in ((large, MANY), (other, MANY), (small[0], 1), (small[1], 2)):
        assert (each.receipt.new, each.receipt.acknowledged) == (count, ((1, count),))
    assert list(intake.verify(store, acme.organization)) == []


def test_a_queue_lags_only_while_an_upload_waits(store: Store) -> None:
    acme = put_up(store, 1)

    async def run() -> list[float]:
        uploads = UploadQueue(store, lambda: NOW)
        async with uploads.running():
            lags = [uploads.lag_seconds]
            await uploads.record(of(acme, 1, 1, "1"))
            lags.append(uploads.lag_seconds)
            waiting = asyncio.create_task(uploads.record(of(acme, 1, 2, "1")))
            await asyncio.sleep(0)
            lags.append(uploads.lag_seconds)
            await waiting
            return [*lags, uploads.lag_seconds]

    idle, answered, waiting, answered_too = asyncio.run(run())
    assert idle == answered == answered_too == 0 < waiting


def test_no_upload_overtakes_a_large_one_of_the_same_smiley(store: Store) -> None:
    acme = put_up(store, 2)
    later = Made(acme.organization, Upload(1, (Press(1, MANY + 1, NOW - 1000, 1),)), sender="1")
    large, again, after, other = come(store, of(acme, 1, MANY, "1"), of(acme, 1, MANY, "1"), later, of(acme, 2, 1, "2"))
    assert other.receipt.revision < large.receipt.revision < again.receipt.revision < after.receipt.revision
    assert (large.receipt.new, again.receipt.new, again.receipt.duplicates) == (MANY, 0, MANY)
    assert large.receipt.acknowledged == again.receipt.acknowledged == ((1, MANY),)
    assert after.receipt.acknowledged == ((1, MANY + 1),)


def test_an_upload_that_is_interrupted_is_not_acknowledged_and_its_repeat_equals_the_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = put_up(store)
    commits = iter([None, Unavailable("database-busy", "the database cannot take this now")])

    def failing(store: Store, organization: int, uploads: Sequence[Upload], now: int) -> Recorded:
        if error := next(commits, None):
            raise error
        return record_with_layout(store, organization, uploads, now)

    with monkeypatch.context() as patch:
        patch.setattr(queue, "record_with_layout", failing)
        [refused] = come(store, of(acme, 1, MANY, "1"))
    assert isinstance(refused, Unavailable)
    assert len(stored(store, acme.organization, "feedback", "sequence")) == SLICE
    [repeated] = come(store, of(acme, 1, MANY, "1"))
    assert isinstance(repeated, Committed)
    receipt = repeated.receipt
    assert (receipt.new, receipt.duplicates, receipt.acknowledged) == (MANY - SLICE, SLICE, ((1, MANY),))
    quarantined = [(each.sequence, each.reason) for each in receipt.quarantined]
    assert quarantined == [(n, Verdict.OFF_SCALE) for n in range(1, MANY + 1) if n % 5 == 4]
    assert list(intake.verify(store, acme.organization)) == []


def test_the_same_large_upload_twice_at_once_is_stored_once(store: Store) -> None:
    acme = put_up(store)
    with serving(store, NOW) as url, client() as http, ThreadPoolExecutor(2) as pool:
        sent = [
            pool.submit(http.post, f"{url}{PATH}", json=body(MANY), headers=acme.headers, timeout=60) for _ in range(2)
        ]
        receipts = sorted((each.result().json() for each in sent), key=lambda each: int(each["duplicates"]))
    assert [(each["stored"], each["duplicates"]) for each in receipts] == [(MANY - MANY // 5, 0), (0, MANY)]
    same = ("quarantined", "acknowledgedThrough", "correction", "settings")
    assert {name: receipts[0][name] for name in same} == {name: receipts[1][name] for name in same}
    assert list(intake.verify(store, acme.organization)) == []


# --- killed in the middle ---------------------------------------------------------------------------------------------

TERMINALS, PRESSES, KILLS = 2, 8_000, 3


def test_a_server_that_is_killed_in_the_middle_of_large_uploads_loses_and_doubles_nothing(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    acme = put_up(store, TERMINALS)
    now = time.time_ns() // 1_000_000
    sent = [
        {"sequence": n, "at": now - (PRESSES - n) * 10_000 - 60_000, "button": n % 4} for n in range(1, PRESSES + 1)
    ]
    with free_port() as port, Servers(database_url, port, tmp_path) as servers:
        url = f"http://127.0.0.1:{port}{PATH}"
        with ThreadPoolExecutor(TERMINALS) as pool:
            uploads = [pool.submit(send_until_taken, url, token, sent) for token in acme.tokens]
            known = 0
            for _ in range(KILLS):
                server = servers.start()
                known = wait_for_more(store, acme, known)
                servers.end(server, signal.SIGKILL)
            server = servers.start()
            receipts = [each.result() for each in uploads]
        assert servers.end(server, signal.SIGTERM) == 0
    assert known < TERMINALS * PRESSES
    assert [each["stored"] + each["duplicates"] for each in receipts] == [PRESSES] * TERMINALS
    assert sum(each["duplicates"] for each in receipts) > 0
    assert {each["acknowledgedThrough"]["sequence"] for each in receipts} == {PRESSES}
    noted = [(smiley, 1, n) for smiley in range(1, TERMINALS + 1) for n in range(1, PRESSES + 1)]
    assert stored(store, acme.organization, "feedback", "smiley_id, epoch, sequence") == noted
    assert list(intake.verify(store, acme.organization)) == []


def send_until_taken(url: str, token: str, sent: list[dict[str, int]]) -> dict[str, Any]:
    """Sends an upload again and again until it is acknowledged; its receipt."""
    deadline = time.monotonic() + 120
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.post(
                url, json={"epoch": 1, "presses": sent}, headers={"Authorization": f"Bearer {token}"}, timeout=60
            )
            if answer.is_success:
                receipt: dict[str, Any] = answer.json()
                return receipt
        assert time.monotonic() < deadline, "the upload is not taken"
        time.sleep(0.02)


def wait_for_more(store: Store, acme: Terminals, known: int) -> int:
    """Waits until more presses are stored; how many."""
    deadline = time.monotonic() + 60
    while True:
        with store.read() as transaction:
            [(count,)] = transaction.rows(
                "SELECT count(*) FROM feedback WHERE organization_id = :o", o=acme.organization
            )
        if count > known:
            return int(count)
        assert time.monotonic() < deadline, "nothing is stored"
        time.sleep(0.002)


# --- changes of the set-up meanwhile ----------------------------------------------------------------------------------

SENDERS, CHANGES = 8, 20


@pytest.fixture
def under_load(store: Store) -> Iterator[Terminals]:
    """An organization whose terminals upload as much as the server takes."""
    acme = put_up(store, SENDERS)
    ended = threading.Event()

    def send(terminal: int) -> None:
        # The same upload again and again, so that the next one waits before the last is answered.
        made = tuple(Press(1, n, NOW - 10**9 + n * 10_000, n % 4) for n in range(1, 10_001))
        arrival = Made(acme.organization, Upload(terminal, made), rows=10_000, sender=str(terminal))
        while not ended.is_set():
            asyncio.run_coroutine_threadsafe(uploads.record(arrival), loop).result()

    loop = asyncio.new_event_loop()
    uploads = UploadQueue(store, lambda: NOW)
    closing = uploads.running()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(closing.__aenter__(), loop).result()
    with ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(send, terminal) for terminal in range(1, SENDERS + 1)]
        yield acme
        ended.set()
        for sender in senders:
            sender.result()
    asyncio.run_coroutine_threadsafe(closing.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


CHANGING = """
import sys
from hymio import manage
from hymio.access import operator
from hymio.smiley import SmileyType
from hymio.store import open_store
store, organization = open_store(sys.argv[1], lock_seconds=1), int(sys.argv[2])
for number in range(int(sys.argv[4])):
    manage.add_smiley(store, operator(organization), f"NEW-{number}", "New", SmileyType.TERMINAL, now=int(sys.argv[3]))
store.close()
"""


def test_another_process_changes_the_set_up_while_the_server_stores_all_the_time(
    store: Store, under_load: Terminals, database_url: str
) -> None:
    words = [sys.executable, "-c", CHANGING, database_url, str(under_load.organization), str(NOW), str(CHANGES)]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert len(stored(store, under_load.organization, "smiley", "id")) == SENDERS + CHANGES
