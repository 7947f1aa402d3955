"""What is erased is gone from the file of SQLite, byte by byte; and a kill in the middle of it loses nothing else."""

from __future__ import annotations

import multiprocessing
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import hymio.store
from hymio import intake
from hymio.feedback import ContactDetails, Phases, Press, Text, Upload, feedback_id
from hymio.intake import expiring
from hymio.period import DAY_MS
from hymio.personal_data import OfFeedback, OfOrganization
from hymio.store import Store, open_store, purging
from hymio.store.personal_rows import BodyKey
from hymio.store.purging import Purged, purge, vacuum
from tests.terminals import stored
from tests.test_erasing import answers, numbers, unreadable
from tests.world import NOW, World, build

AT = NOW - DAY_MS
PRESSES, EACH = 900, 30
SECRET = re.compile(rb"secret [a-z]+ (\d{4})")
TABLES = ("contact_feedback", "metadata_feedback", "quarantine", "text_feedback")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hymio.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{file}")
    yield opened
    opened.close()


def fill(store: Store, world: World, number: int = PRESSES) -> None:
    """Presses with people's data in any order of time, so that SQLite moves rows from page to page."""
    chance = random.Random(3)
    presses = [Press(1, n, AT + n * 7_000, n % 4, phases=said(n, chance)) for n in range(1, number + 1)]
    chance.shuffle(presses)
    for first in range(0, number, EACH):
        some = tuple(presses[first : first + EACH])
        bodies = tuple(unreadable(10_000 + press.sequence, f"secret body {press.sequence:04}") for press in some)
        intake.record(store, world.organization, [Upload(world.smileys[0], some, unusable=bodies)], NOW)


def said(number: int, chance: random.Random) -> Phases:
    text = Text(f"secret text {number:04} " * chance.randint(1, 40))
    contact = ContactDetails(f"secret name {number:04}", f"secret mail {number:04}@example.com")
    return Phases(text=text, contact=contact, metadata=(("where", f"secret place {number:04}"),))


def numbers_in(file: Path) -> set[int]:
    """The presses of which anything stands in the file, its log or the index of that."""
    found = set()
    for part in file.parent.glob(f"{file.name}*"):
        found |= set(map(int, SECRET.findall(part.read_bytes())))
    return found


def test_erased_bytes_are_in_no_file(store: Store, file: Path) -> None:
    world = build(store)
    fill(store, world)
    gone = set(random.Random(5).sample(range(1, PRESSES + 1), PRESSES // 2))
    erase(store, world, gone)
    assert numbers_in(file) & gone, "nothing would be proven"
    assert purge(store) == Purged(TABLES, (), is_log_empty=True)
    assert numbers_in(file) == set(range(1, PRESSES + 1)) - gone
    assert purge(store) == Purged((), (), is_log_empty=True)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert list(intake.verify(store, world.organization)) == []
    intake.erase_expired(store, world.organization, NOW + 2_000 * DAY_MS)
    purge(store)
    assert numbers_in(file) == set()


def erase(store: Store, world: World, numbers: set[int]) -> None:
    """Erases presses and what quarantine has under their numbers."""
    ids = tuple(feedback_id(world.smileys[0], 1, number) for number in sorted(numbers))
    intake.erase(store, world.organization, OfFeedback(ids), NOW)
    with store.begin(world.organization, NOW) as ledger:
        rows = ledger.transaction.rows("SELECT smiley_id, epoch, sequence, hash FROM quarantine")
        keys = [BodyKey(*row) for row in rows]
        ledger.erased.erase_bodies([key for key in keys if key.sequence - 10_000 in numbers])


def test_a_log_that_somebody_reads_is_emptied_later(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "LOG_WAITS", (0.0,))
    world = build(store)
    fill(store, world)
    with store.read() as reading:
        reading.rows("SELECT count(*) FROM text_feedback")
        intake.erase(store, world.organization, OfOrganization(), NOW)
        assert not purge(store).is_log_empty
        assert numbers_in(file)
    assert purge(store).is_log_empty
    assert numbers_in(file) == set()


def test_a_table_that_is_too_large_waits_for_a_vacuum(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "MAX_ROWS", PRESSES // 4)
    world = build(store)
    fill(store, world)
    gone = set(range(1, PRESSES, 2))
    erase(store, world, gone)
    assert (
        purge(store)
        == purge(store)
        == Purged((), ("contact_feedback", "metadata_feedback", "quarantine", "text_feedback"), True)
    )
    assert vacuum(store)
    assert numbers_in(file) & gone == set()
    assert purge(store) == Purged((), (), is_log_empty=True)


def test_other_engines_see_to_deleted_rows_by_themselves(database_url: str) -> None:
    with closing(open_store(database_url)) as store:
        world = build(store)
        intake.erase(store, world.organization, OfOrganization(), NOW)
        assert purge(store) == Purged((), (), is_log_empty=True)
        assert vacuum(store) == (store.kind == "sqlite")


# --- kills -----------------------------------------------------------------------------------------------------------

KILLS, ERASED = 5, 240
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload([__name__])


def keep_erasing(url: str, organization: int, then: int, begun: Path) -> None:
    """One process: erases what is too old, a few rows a commit, until it is killed or done."""
    expiring.BATCH_ROWS = 3  # type: ignore[misc]  # a small one, to be killed between two
    hymio.store.MAX_PAUSE_SECONDS = 0.0
    opened = open_store(url)
    begun.touch()
    intake.erase_expired(opened, organization, then)
    purge(opened)


def test_what_is_killed_while_it_erases_goes_on_where_it_was(database_url: str, tmp_path: Path) -> None:
    """Whenever it is killed, each press has either its phase or the tombstone of it, and no number has changed."""
    with closing(open_store(database_url)) as store:
        world = build(store)
        fill(store, world, ERASED)
        before, then = numbers(store, world), NOW + 2_000 * DAY_MS
        chance, erased = random.Random(7), list[int]()
        for kill in range(KILLS):
            begun = tmp_path / str(kill)
            process = processes.Process(target=keep_erasing, args=(database_url, world.organization, then, begun))
            process.start()
            while not begun.exists():
                assert process.is_alive()
                time.sleep(0.001)
            if kill:
                time.sleep(chance.uniform(0.0, 0.03))
            else:  # the first is killed in the middle, however fast the disk is
                while process.is_alive() and not tombstones(store, world):
                    time.sleep(0.001)
            process.kill()
            process.join()
            check(store, world)
            erased.append(tombstones(store, world))
        assert any(0 < count < 3 * ERASED for count in erased), "nothing would be proven"
        intake.erase_expired(store, world.organization, then)
        purge(store)
        check(store, world)
        assert answers(store, world) == []
        assert set(stored(store, world.organization, "quarantine", "body")) == {("",)}
        assert stored(store, world.organization, "purge_due", "name") == []
        assert numbers(store, world) == before
        assert list(intake.verify(store, world.organization)) == []


def tombstones(store: Store, world: World) -> int:
    return len(stored(store, world.organization, "tombstone", "phase"))


def check(store: Store, world: World) -> None:
    erased = stored(store, world.organization, "tombstone", "phase, sequence")
    for name in ("text", "contact", "metadata"):
        left = {row[0] for row in stored(store, world.organization, f"{name}_feedback", "sequence")}
        gone = {row[1] for row in erased if row[0] == name}
        assert left | gone == set(range(1, ERASED + 1))
        assert not left & gone
