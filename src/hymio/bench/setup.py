"""How long a change of a large set-up holds the writer, and how long the next reader of it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from rich.progress import Progress

from hymio import manage
from hymio.access import Principal, operator
from hymio.bench.figure import Figure
from hymio.bench.fleet import NEW_YEAR, NOW
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.store import Store, open_store
from hymio.survey import ActivePeriod, Localized

POINTS, SURVEYS = 5_000, 500
TIMES = 25
"""How often each change is made, each time elsewhere."""

MAX_MS = 20
_BATCH = 250
"""Points that are set up in one commit."""

_FIRST = ActivePeriod(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2030-01-01"))
_LATER = ActivePeriod(datetime.fromisoformat("2030-01-01"))


@dataclass(frozen=True, slots=True)
class Place:
    """An organization with a tree of five levels, a smiley and an assignment at each point."""

    organization: int
    operator: Principal
    districts: tuple[int, ...]
    points: tuple[int, ...]
    surveys: tuple[int, ...]


Verb = Callable[[Store, Place, int], object]
"""Makes a change for the n-th time."""


@dataclass(slots=True)
class Times:
    """Seconds that one kind of change took."""

    writer: list[float] = field(default_factory=list)
    same_process: list[float] = field(default_factory=list)
    other_process: list[float] = field(default_factory=list)


def changes(url: str, progress: Progress) -> Iterator[Figure]:
    """Four kinds of changes, each with the writer's time and those of the next readers, beside loading all."""
    with closing(open_store(url)) as store, closing(open_store(url)) as other:
        place = _built(store, progress)
        _read(store, place)
        _read(other, place)
        all_of_it = _seconds(lambda: _loaded(url, place))
        yield Figure(f"{POINTS:,} points, {SURVEYS} surveys: opened and loaded", f"{1000 * all_of_it:.0f} ms")
        for name, verb in _VERBS.items():
            times = _measured(store, other, place, verb)
            yield _figure(f"{name}: the writer is held", times.writer, all_of_it)
            yield _figure(f"{name}: the next reader waits", times.same_process, all_of_it)
            yield _figure(f"{name}: the next reader of another process", times.other_process, all_of_it)


def _measured(store: Store, other: Store, place: Place, verb: Verb) -> Times:
    times = Times()
    for number in range(TIMES):
        times.writer.append(_seconds(lambda number=number: verb(store, place, number)))  # type: ignore[misc]  # bound now
        times.same_process.append(_seconds(lambda: _read(store, place)))
        times.other_process.append(_seconds(lambda: _read(other, place)))
    return times


def _figure(what: str, seconds: list[float], all_of_it: float) -> Figure:
    median, worst = sorted(seconds)[len(seconds) // 2] * 1000, max(seconds) * 1000
    measured = f"{median:.1f} ms, worst {worst:.1f} ms"
    return Figure(what, measured, f"all {1000 * all_of_it:.0f} ms", None, f"< {MAX_MS} ms", worst < MAX_MS)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _read(store: Store, place: Place) -> None:
    """What a press and a page need of the set-up."""
    layout = store.layout(place.organization)
    store.content(place.organization)
    layout.resolved_range(1, NOW)


def _loaded(url: str, place: Place) -> None:
    with closing(open_store(url)) as store:
        _read(store, place)


# --- the changes -----------------------------------------------------------------------------------------------------


def _rename(store: Store, place: Place, number: int) -> None:
    manage.rename_node(store, place.operator, place.points[number], f"Renamed {number}", now=NOW)


def _add_point(store: Store, place: Place, number: int) -> None:
    manage.add_point(store, place.operator, f"New {number}", place.districts[number], now=NOW)


def _assign(store: Store, place: Place, number: int) -> None:
    manage.assign(store, place.operator, place.points[number], place.surveys[0], [_LATER], now=NOW)


def _translate(store: Store, place: Place, number: int) -> None:
    manage.localize_question(store, place.operator, number + 1, "fi", f"Kysymys {number}?", now=NOW)


_VERBS: dict[str, Verb] = {
    "a point renamed": _rename,
    "a new point": _add_point,
    "a survey at a point": _assign,
    "a text in a language": _translate,
}

# --- the organization ------------------------------------------------------------------------------------------------


def _built(store: Store, progress: Progress) -> Place:
    organization = manage.create_organization(store, operator(), "Set-up", "Europe/Helsinki", now=NEW_YEAR)
    by = operator(organization)
    task = progress.add_task("A large set-up", total=POINTS)
    with manage.batch(store, organization, NEW_YEAR) as batch:
        districts = _districts(batch, by)
    surveys: list[int] = []
    for first in range(0, SURVEYS, _BATCH):
        with manage.batch(store, organization, NEW_YEAR) as batch:
            surveys += [_survey(batch, by, number) for number in range(first, min(first + _BATCH, SURVEYS))]
    points: list[int] = []
    for first in range(0, POINTS, _BATCH):
        numbers = range(first, min(first + _BATCH, POINTS))
        with manage.batch(store, organization, NEW_YEAR) as batch:
            for number in numbers:
                at, survey = districts[number % len(districts)], surveys[number % len(surveys)]
                points.append(_point(batch, by, number, at, survey))
        progress.advance(task, len(numbers))
    progress.remove_task(task)
    return Place(organization, by, tuple(districts), tuple(points), tuple(surveys))


def _districts(batch: manage.Batch, by: Principal) -> list[int]:
    """The lowest groups of four levels: a root of five regions of five cities of five districts."""
    groups = [manage.ROOT]
    for level in ("Region", "City", "District"):
        groups = [
            manage.add_group(batch, by, f"{level} {group} {number}", group, now=NEW_YEAR)
            for group in groups
            for number in range(5)
        ]
    return groups


def _survey(batch: manage.Batch, by: Principal, number: int) -> int:
    question = manage.add_question(batch, by, _text(f"How was number {number}?"), now=NEW_YEAR)
    survey = manage.add_survey(batch, by, question, Scale.FOUR, now=NEW_YEAR)
    options = [_text(word) for word in ("Service", "Price", "Queue", "Other")]
    manage.add_followup(
        batch, by, survey, positive=False, wording=_text("What went wrong?"), options=options, now=NEW_YEAR
    )
    return survey


def _point(batch: manage.Batch, by: Principal, number: int, district: int, survey: int) -> int:
    point = manage.add_point(batch, by, f"Point {number}", district, now=NEW_YEAR)
    manage.assign(batch, by, point, survey, [_FIRST], now=NEW_YEAR)
    smiley = manage.add_smiley(batch, by, f"SETUP-{number}", f"Terminal {number}", SmileyType.TERMINAL, now=NEW_YEAR)
    manage.place(batch, by, smiley.id, point, 0, now=NEW_YEAR)
    return point


def _text(text: str) -> Localized:
    return Localized("en-US", {"en-US": text})
