"""Bounds on waiting for a database: by deadline, and by the number of threads that wait for one slow part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio.errors import Unavailable
from hymio.feedback import Press, Upload
from hymio.gateway.upload import ParsedUpload
from hymio.intake.arrival import Committed
from hymio.intake.queue import commit_batch
from hymio.intake.record import record
from hymio.store import Store, open_store
from hymio.store.dialect import Patience, connect
from hymio.store.dialect.bulkhead import RETRY_SECONDS, SLOW_SECONDS, Bulkhead
from tests.engines import ENGINES, KNOWN_ENGINES
from tests.world import NOW, build

SERVERS = [engine for engine in KNOWN_ENGINES[1:] if engine in ENGINES]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def never() -> bool:
    raise AssertionError("asked whether a part answers that has always answered")


# --- the bulkhead ----------------------------------------------------------------------------------------------------


@given(st.integers(1, 4), st.lists(st.floats(0.001, 3 * SLOW_SECONDS), min_size=1, max_size=12))
def test_of_long_waits_for_a_part_only_the_oldest_go_on(most: int, pauses: list[float]) -> None:
    clock = Clock()
    bulkhead = Bulkhead(most, clock)
    waits = []
    for pause in pauses:
        waits.append(bulkhead.begin("a"))
        clock.now += pause
    given_up = [wait for wait in waits if bulkhead.is_surplus("a", wait)]
    assert given_up == [wait for wait in waits[most:] if clock.now - wait >= SLOW_SECONDS]


@given(st.integers(1, 4), st.integers(0, 6), st.floats(0, 3 * SLOW_SECONDS))
def test_a_part_is_refused_while_enough_wait_long_and_no_other_part_is(most: int, count: int, waited: float) -> None:
    clock = Clock()
    bulkhead = Bulkhead(most, clock)
    waits = [bulkhead.begin("a") for _ in range(count)]
    clock.now += waited
    bulkhead.check("b", never)
    if count >= most and waited > SLOW_SECONDS:
        with pytest.raises(Unavailable):
            bulkhead.check("a", never)
    else:
        bulkhead.check("a", never)
    for wait in waits:
        bulkhead.end("a", wait, overdue=False)
    bulkhead.check("a", never)


def test_a_part_that_did_not_answer_is_asked_again_at_intervals() -> None:
    clock = Clock()
    bulkhead = Bulkhead(2, clock)
    asked: list[bool] = []

    def answers() -> bool:
        asked.append(True)
        return len(asked) == 3

    bulkhead.end("a", bulkhead.begin("a"), overdue=True)
    for number in (1, 2):
        for _ in range(2):  # the second time it is too early to ask again
            with pytest.raises(Unavailable):
                bulkhead.check("a", answers)
        assert len(asked) == number
        clock.now += RETRY_SECONDS
    bulkhead.check("a", answers)
    bulkhead.check("a", never)


# --- a server --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=SERVERS)
def server_url(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> str:
    """A migrated database on each server in turn."""
    return fresh_database(request.param)


@contextmanager
def locked_ledger(url: str, organization: int) -> Iterator[None]:
    """Another program holds the lock of an organization's ledger."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1 FROM ledger WHERE organization_id = %s FOR UPDATE", [organization])
        yield


def test_a_server_that_does_not_answer_is_unavailable_and_the_next_request_has_a_connection(server_url: str) -> None:
    store = Store(connect(server_url), patience=Patience(0.2, 0.2))
    for begin in (store.read, store.write):
        with pytest.raises(Unavailable, match="cannot take this now: no answer"), begin() as transaction:
            transaction.row("SELECT pg_sleep(600)")
    store.check()
    store.close()


def test_a_command_waits_as_long_as_it_takes(server_url: str) -> None:
    with closing(open_store(server_url, lock_seconds=0.1)) as store, store.read() as transaction:
        assert transaction.row("SELECT 1 FROM pg_sleep(0.5)") == (1,)


def test_a_locked_organization_is_unavailable_in_time(server_url: str) -> None:
    with closing(open_store(server_url, lock_seconds=0.2)) as store:
        world = build(store)
        with locked_ledger(server_url, world.organization), pytest.raises(Unavailable, match="lock timeout"):
            record(store, world.organization, [], NOW)
        record(store, world.organization, [], NOW)


def test_one_locked_organization_does_not_take_all_threads(server_url: str) -> None:
    """Of two threads one waits for the lock, the other gives up and takes the next organization's uploads."""
    with closing(open_store(server_url)) as store, ThreadPoolExecutor(2) as pool:
        locked, other = build(store).organization, build(store).organization
        pooled = store.for_pool(2)
        if pooled.is_distributed:
            other = on_another_node(pooled, locked)
        with locked_ledger(server_url, locked):
            waiting = [pool.submit(record, pooled, locked, [], NOW) for _ in range(2)]
            first_done = next(future for future in as_they_end(waiting))
            with pytest.raises(Unavailable):
                first_done.result()
            assert pool.submit(record, pooled, other, [], NOW).result() == []
            with pytest.raises(Unavailable, match="does not answer"):
                record(pooled, locked, [], NOW)
        [still_waiting] = [future for future in waiting if future is not first_done]
        assert still_waiting.result() == []


def test_of_a_batch_only_the_uploads_of_the_locked_organization_are_refused(server_url: str) -> None:
    with closing(open_store(server_url)) as store:
        locked, other = build(store), build(store)
        store.layout(other.organization)
        uploads = [
            ParsedUpload("token", world.organization, Upload(world.smileys[0], (Press(7, 1, NOW, 1),)), 1)
            for world in (locked, other, locked)
        ]
        with locked_ledger(server_url, locked.organization):
            outcomes = commit_batch(store, uploads, NOW)
        assert [isinstance(outcome, Committed) for outcome in outcomes] == [False, True, False]
        assert isinstance(outcomes[0], Unavailable)
        again = commit_batch(store, uploads, NOW)
        assert [outcome.receipt.new for outcome in again if isinstance(outcome, Committed)] == [1, 0, 0]


def as_they_end(futures: list) -> Iterator:
    from concurrent.futures import as_completed

    return as_completed(futures)


def on_another_node(store: Store, organization: int) -> int:
    """A new organization whose rows are on another node of the cluster."""
    text = "SELECT groupid FROM pg_dist_placement WHERE shardid = get_shard_id_for_distribution_column('ledger', :o)"
    while True:
        other = build(store).organization
        with store.read() as transaction:
            if transaction.row(text, o=other) != transaction.row(text, o=organization):
                return other


def test_a_failure_inside_the_server_is_unavailable(server_url: str) -> None:
    with (
        closing(open_store(server_url)) as store,
        pytest.raises(Unavailable, match="failure on connection"),
        store.write() as transaction,
    ):
        transaction.run("DO $$ BEGIN RAISE 'failure on connection' USING ERRCODE = 'XX000'; END $$")


def test_a_connection_that_was_lost_says_why(server_url: str) -> None:
    with closing(open_store(server_url)) as store:
        with pytest.raises(Unavailable, match="terminating connection"), store.write() as transaction:
            transaction.row("SELECT pg_terminate_backend(pg_backend_pid())")
        store.check()
