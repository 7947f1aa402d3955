"""With the log level `debug` each SQL statement is logged with its time and rows, and never with its parameters."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from structlog.testing import capture_logs

from hymio import intake
from hymio.feedback import Phases, Press, Text, Upload, client_key
from hymio.store import Store
from hymio.store.dialect.statement_log import MAX_LOGGED_CHARACTERS
from tests.world import NOW, build

VISITOR = UUID("6f1c1f39-56f4-4a51-8a54-4d4d3a2b1c0d")
AT = 1_750_000_000_000
WORDS = "Nobody may read this in a log"


@pytest.fixture
def debugging() -> Iterator[None]:
    """The log level `debug` for SQL alone."""
    before = structlog.get_config()
    structlog.reset_defaults()
    logging.getLogger("hymio.sql").setLevel(logging.DEBUG)
    yield
    logging.getLogger("hymio.sql").setLevel(logging.NOTSET)
    structlog.configure(**before)


@pytest.fixture
def not_debugging() -> Iterator[None]:
    """The usual log level for SQL, whatever level a command set in this process before."""
    logging.getLogger("hymio.sql").setLevel(logging.INFO)
    yield
    logging.getLogger("hymio.sql").setLevel(logging.NOTSET)


def press_in(store: Store) -> None:
    """A press with a text and a visitor, read back as an export does."""
    world = build(store)
    press = Press(
        *client_key(VISITOR), AT, 4, survey=world.surveys[1], visitor=b"somebody", phases=Phases(text=Text(WORDS))
    )
    intake.record(store, world.organization, [Upload(world.smileys[3], (press,))], NOW)
    with store.read() as transaction:
        text = "SELECT smiley_id FROM feedback WHERE organization_id = :o ORDER BY smiley_id"
        assert list(transaction.stream(text, o=world.organization)) == [(world.smileys[3],)]


def test_each_statement_is_logged_with_its_time_and_rows(store: Store, debugging: None) -> None:
    with capture_logs() as entries:
        press_in(store)
    assert {entry["event"] for entry in entries} == {"sql"}
    assert all(entry["ms"] >= 0 and "  " not in entry["text"] for entry in entries)
    assert all(len(entry["text"]) <= MAX_LOGGED_CHARACTERS + 1 for entry in entries)
    inserted = [entry for entry in entries if entry["text"].startswith("INSERT INTO feedback ")]
    streamed = [entry for entry in entries if entry["text"].startswith("SELECT smiley_id FROM feedback")]
    assert [entry["rows"] for entry in (*inserted, *streamed)] == [1, 1]
    assert sum(entry["text"] == "COMMIT" for entry in entries) >= 3


def test_no_parameter_is_logged(store: Store, debugging: None) -> None:
    with capture_logs() as entries:
        press_in(store)
    logged = json.dumps(entries)
    assert WORDS not in logged
    assert "somebody" not in logged
    assert str(AT) not in logged


def test_without_debug_nothing_is_logged_or_wrapped(not_debugging: None, store: Store) -> None:
    with capture_logs() as entries:
        press_in(store)
        with store.read() as transaction:
            assert "Logged" not in type(transaction._cursor).__name__
    assert entries == []


def test_a_command_logs_its_statements_to_standard_error(store: Store, database_url: str) -> None:
    build(store)
    environment = os.environ | {"HYMIO_DATABASE": database_url, "HYMIO_LOG_LEVEL": "debug", "HYMIO_LOG_FORMAT": "json"}
    done = subprocess.run(
        [sys.executable, "-m", "hymio", "organization", "list"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    entries: list[dict[str, Any]] = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert any(entry["event"] == "sql" and "FROM organization" in entry["text"] for entry in entries)
    assert "Organization" in done.stdout
    assert "SELECT" not in done.stdout
