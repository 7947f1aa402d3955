"""How fast results are read back in the store, and what a press takes on disk."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from functools import partial

from hymio import results
from hymio.access import operator
from hymio.bench.figure import Figure, median_ms
from hymio.bench.fleet import Fleet
from hymio.results import OfScale, OfSurvey
from hymio.scale import Scale
from hymio.store import open_store
from hymio.store.hours import survey_id
from hymio.store.yardstick import database_bytes, raw_csv_by_engine, sum_group_hours_by_engine

MAX_BYTES = {"sqlite": 120}
"""Bytes a press takes on disk at most, indexes and hours included; PostgreSQL has no goal."""

HOURS_MS = {"a region": 15, "the root, 3 zones": 25}
"""What a year by hour may take in the store."""

CSV_OF_TOOL = 0.8


def disk(url: str, fleet: Fleet) -> Iterator[Figure]:
    """Bytes per press, indexes and hours of five levels included."""
    store = open_store(url)
    with results.raw(store, operator(fleet.organization), OfSurvey(fleet.root, fleet.survey)) as raw:
        total = raw.total
    size = database_bytes(url)
    most = MAX_BYTES.get(store.kind)
    met = None if most is None else size / total <= most
    store.close()
    yield Figure(f"disk per press, {total:,} presses", f"{size / total:.0f} B", reach="≤ 120 B on SQLite", met=met)


def hours(url: str, fleet: Fleet) -> Iterator[Figure]:
    """A year by hour of one survey and of a whole scale, of a region in one zone and of the root over three.

    Counted presses, as the engine alone adds them up; then one survey with its misuse too.
    """
    store = open_store(url)
    principal = operator(fleet.organization)
    gc.collect()
    gc.freeze()  # what the bench itself has made; a server does the same once it has started
    for where, node in zip(HOURS_MS, (fleet.region, fleet.root), strict=True):
        reach = HOURS_MS[where]
        subjects: list[tuple[str, OfSurvey | OfScale]] = [
            ("one survey", OfSurvey(node, fleet.survey)),
            ("one scale", OfScale(node, Scale.FOUR.buttons)),
        ]
        for what, subject in subjects:
            taken = median_ms(partial(results.hourly, store, principal, subject, misuse=False))
            alone = median_ms(partial(sum_group_hours_by_engine, store, fleet.organization, node, survey_id(subject)))
            yield Figure(
                f"a year by hour of {where}, {what}",
                f"{taken:.1f} ms",
                f"the engine alone {alone:.1f} ms",
                taken / alone,
                f"< {reach} ms",
                taken < reach,
            )
        taken = median_ms(partial(results.hourly, store, principal, subjects[0][1]))
        yield Figure(f"a year by hour of {where}, with misuse", f"{taken:.1f} ms")
    store.close()


def csv(url: str, fleet: Fleet) -> Iterator[Figure]:
    """All raw results of the root as CSV, beside the engine's own tool writing the same columns."""
    store = open_store(url)
    began = time.perf_counter()
    with results.raw_csv(store, operator(fleet.organization), OfSurvey(fleet.root, fleet.survey)) as raw:
        lines, size = raw.total, sum(len(chunk) for chunk in raw.chunks)
    seconds = time.perf_counter() - began
    name, tool_seconds = raw_csv_by_engine(url)
    store.close()
    ratio = tool_seconds / seconds
    yield Figure(
        f"raw CSV, {lines:,} lines, {size / 1e6:.0f} MB",
        f"{lines / seconds:,.0f}/s",
        f"{name} {lines / tool_seconds:,.0f}/s",
        ratio,
        f"≥ {CSV_OF_TOOL}",
        ratio >= CSV_OF_TOOL,
    )
