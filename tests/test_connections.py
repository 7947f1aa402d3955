"""Connections to the database follow the settings: each thread that reads finds one, and one too many is told so."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from hymio import jobs
from hymio.errors import Unavailable
from hymio.serving.door import database_connections
from hymio.settings import Settings
from hymio.store import open_store
from tests.test_recorded_answers import Recorded, answers, every_endpoint, example_organization

MANY = Settings(threads=24, streams=12)
"""More at once than a store has connections that is not told how many."""


def test_as_many_read_at_once_as_there_are_threads_and_streams(database_url: str) -> None:
    readers = database_connections(MANY)
    assert readers >= MANY.threads + MANY.streams
    with closing(open_store(database_url, connections=readers, lock_seconds=0.5)) as store:
        all_inside = threading.Barrier(readers + 1)

        def read() -> object:
            with store.read() as transaction:
                all_inside.wait(60)  # nobody leaves before everybody has a connection
                rows = transaction.rows("SELECT count(*) FROM organization")
                all_inside.wait(60)
                return rows[0][0]

        with ThreadPoolExecutor(readers) as pool:
            reading = [pool.submit(read) for _ in range(readers)]
            all_inside.wait(60)
            with pytest.raises(Unavailable, match="cannot take this now"), store.read():
                pass
            all_inside.wait(60)
            assert [each.result() for each in reading] == [0] * readers
        with store.read() as transaction:
            assert transaction.rows("SELECT count(*) FROM organization") == [(0,)]


def test_the_document_says_how_many_connections_a_process_opens() -> None:
    text = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert "more than `threads` + 1.5 · `streams` + 20 connections to the database (40 with the defaults)" in text
    for settings in (Settings(), MANY):
        most = database_connections(settings) + jobs.CONNECTIONS
        assert most <= settings.threads + settings.streams * 3 // 2 + 20


def test_no_request_holds_two_connections_at_once(database_url: str) -> None:
    """With a single connection, a request that needed a second one while it holds the first would be refused."""
    with closing(open_store(database_url, connections=1)) as store:
        entries = answers(store, Recorded(example_organization, {"example": every_endpoint}))["example"]
    assert {entry["status"] for entry in entries.values()} == {200}
