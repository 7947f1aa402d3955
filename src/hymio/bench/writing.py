"""Presses per second that are committed through intake, compared with a bare loop that only inserts their rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from rich.progress import Progress

from hymio import intake
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import A_DAY, NEW_YEAR, NOW, Fleet, build, busy_days, quiet_year
from hymio.feedback import Press, Upload, client_key
from hymio.period import HOUR_MS
from hymio.store import open_store
from hymio.store.yardstick import Commit, bare_loop, count_from_rows, scratch_database

TOGETHER = (64, 16, 1)
"""Uploads in a commit: what gathers while one runs when a whole fleet reports (a server takes up to 256), and fewer."""

OF_LOOP = {"sqlite": 0.6, "postgresql": 0.4}
"""Of the bare loop, what 64 uploads a commit are to reach; fewer have no target."""

HOT = 100_000

IN_BULK, BULK_RATE = 64, 60_000
"""Uploads of 27 presses in a commit of the year, and presses a second that are to come in."""

_BARE_PRESSES = 200_000
"""Presses of the year that the bare loop also inserts."""


def uploads(folder: Path, server: str | None, presses: int, progress: Progress) -> Iterator[Figure]:
    """Committed presses per second with uploads of 100: 64 in a commit as when a fleet reports, 16, and one."""
    for together in TOGETHER:
        count = presses if together > 1 else presses // 4
        with (
            scratch_database(folder, server, f"door{together}") as through_door,
            scratch_database(folder, server, f"bare{together}") as barely,
        ):
            door, bare = _rates(through_door, barely, count, together, progress)
        share = OF_LOOP["postgresql" if server else "sqlite"] if together == TOGETHER[0] else None
        yield Figure(
            f"presses in, uploads of 100, {together} a commit",
            f"{door:,.0f}/s",
            f"bare loop {bare:,.0f}/s",
            door / bare,
            "" if share is None else f"≥ {share}",
            None if share is None else door / bare >= share,
        )


def _rates(through_door: str, barely: str, presses: int, together: int, progress: Progress) -> tuple[float, float]:
    """Presses per second through intake and by the bare loop.

    The two alternate, so that other load of the machine slows both.
    """
    store, other = open_store(through_door), open_store(barely)
    fleet = build(store, 100)
    build(other, 100)
    other.close()
    sent = busy_days(fleet, presses)
    task = progress.add_task(f"uploads, {together} a commit", total=len(sent))

    def through_intake(batch: Sequence[Upload]) -> None:
        """Records a batch as the server does."""
        intake.record(store, fleet.organization, batch, NOW)

    taken: dict[Commit, float] = {}
    with bare_loop(barely) as bare:
        for start in range(0, len(sent), together):
            both = (through_intake, bare) if start // together % 2 else (bare, through_intake)
            for commit in both:
                began = time.perf_counter()
                commit(sent[start : start + together])
                taken[commit] = taken.get(commit, 0.0) + time.perf_counter() - began
            progress.advance(task, together)
    store.close()
    count = sum(len(upload.presses) for upload in sent)
    return count / taken[through_intake], count / taken[bare]


class Year(NamedTuple):
    """A year that was recorded in bulk: the fleet, how many presses, and the seconds in intake."""

    fleet: Fleet
    presses: int
    seconds: float


def year(url: str, presses: int, progress: Progress) -> Year:
    """Records a year of 27 presses for each terminal and day, for the measurements of reading."""
    store = open_store(url)
    fleet = build(store, max(1, round(presses / (27 * 366))))
    waiting, count, seconds = quiet_year(fleet, presses), 0, 0.0
    task = progress.add_task("a year of presses", total=presses)
    while batch := list(islice(waiting, IN_BULK)):
        began = time.perf_counter()
        intake.record(store, fleet.organization, batch, NOW)
        seconds += time.perf_counter() - began
        more = sum(len(upload.presses) for upload in batch)
        count += more
        progress.advance(task, more)
    progress.remove_task(task)
    store.close()
    return Year(fleet, count, seconds)


def in_bulk(folder: Path, server: str | None, recorded: Year) -> Iterator[Figure]:
    """How fast the year came in, beside the bare loop with its first presses."""
    with scratch_database(folder, server, "bulk") as url:
        store = open_store(url)
        fleet = build(store, len(recorded.fleet.smileys))
        store.close()
        uploads = list(quiet_year(fleet, min(recorded.presses, _BARE_PRESSES)))
        with bare_loop(url) as commit:
            began = time.perf_counter()
            for start in range(0, len(uploads), IN_BULK):
                commit(uploads[start : start + IN_BULK])
            bare = sum(len(upload.presses) for upload in uploads) / (time.perf_counter() - began)
    rate = recorded.presses / recorded.seconds
    yield Figure(
        f"presses in bulk, {recorded.presses:,}, {IN_BULK * A_DAY:,} a commit",
        f"{rate:,.0f}/s",
        f"bare loop {bare:,.0f}/s",
        rate / bare,
        f"≥ {BULK_RATE:,}/s",
        rate >= BULK_RATE,
    )


def hot_hour(url: str, progress: Progress) -> Iterator[Figure]:
    """One more press in an hour of one assignment that holds many: by difference, and what a recount would cost."""
    store = open_store(url)
    fleet = build(store, 1)
    hour = NEW_YEAR + 12 * HOUR_MS
    task = progress.add_task("an hour with many presses", total=HOT)
    for start in range(0, HOT, 5000):
        pressed = tuple(_web_press(fleet, n, hour + n * 36) for n in range(start, start + 5000))
        intake.record(store, fleet.organization, [Upload(fleet.smileys[0], pressed)], NOW)
        progress.advance(task, 5000)
    more = iter(range(HOT, 2 * HOT))

    def one_more() -> None:
        press = _web_press(fleet, next(more), hour + 1_800_000)
        intake.record(store, fleet.organization, [Upload(fleet.smileys[0], (press,))], NOW)

    def recount() -> None:
        count_from_rows(store, fleet.organization, fleet.assignments[0], hour)

    difference, recounted = median_ms(one_more, 31), median_ms(recount, 11)
    yield Figure(
        f"one more press in an hour of {HOT:,}, committed",
        f"{difference:.2f} ms",
        f"recount {recounted:.1f} ms",
        difference / recounted,
    )
    store.close()


def _web_press(fleet: Fleet, number: int, at: int) -> Press:
    """A press with a distinct UUID, which is never judged by the interval rule."""
    identity = UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128), version=4)
    return Press(*client_key(identity), at, number % 4, survey=fleet.survey)
