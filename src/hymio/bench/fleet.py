"""A fleet of terminals below a tree five levels deep, and what it sends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hymio import manage
from hymio.access import operator
from hymio.feedback import Press, Upload
from hymio.period import DAY_MS, HOUR_MS
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.survey import ActivePeriod, Localized

NEW_YEAR = 1_735_689_600_000
"""2025-01-01T00:00Z; the fleet presses in the 366 days from then on and is recorded at NOW, the day after."""

NOW = NEW_YEAR + 367 * DAY_MS
A_DAY = 27
"""Presses per terminal and day: the mean of the known world fleet."""

_OTHER_ZONES = ("Asia/Kathmandu", "Pacific/Chatham")
"""Of the first cities; their hours begin at other minutes than those of the rest."""

OPEN = 9 * HOUR_MS, 19 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Fleet:
    """An organization with terminals, one at each point; the root has three zones, the region below it one."""

    organization: int
    root: int
    region: int
    survey: int
    assignments: tuple[int, ...]
    smileys: tuple[int, ...]
    tokens: tuple[str, ...]


def build(store: Store, terminals: int) -> Fleet:
    """Root, regions, cities, districts, points: each group holds three to nine."""
    organization = manage.create_organization(store, operator(), "Bench", "Europe/Helsinki", now=NEW_YEAR)
    builder, root = operator(organization), manage.ROOT
    with manage.batch(store, organization, NEW_YEAR) as batch:
        above, region = [root], root
        for level, width in (("Region", 3), ("City", 9), ("District", 27)):
            above = [
                manage.add_group(batch, builder, f"{level} {n}", above[n % len(above)], now=NEW_YEAR)
                for n in range(width)
            ]
            if level == "Region":
                region = above[-1]
            if level == "City":
                for city, zone in zip(above, _OTHER_ZONES, strict=False):
                    manage.set_zone(batch, builder, city, zone, now=NEW_YEAR)
        question = manage.add_question(batch, builder, Localized("en-US", {"en-US": "How was it?"}), now=NEW_YEAR)
        survey = manage.add_survey(batch, builder, question, Scale.FOUR, now=NEW_YEAR)
        placed = []
        for n in range(terminals):
            point = manage.add_point(batch, builder, f"Point {n}", above[n % len(above)], now=NEW_YEAR)
            always = [ActivePeriod(datetime.fromisoformat("2020-01-01"))]
            assignment = manage.assign(batch, builder, point, survey, always, now=NEW_YEAR)
            smiley = manage.add_smiley(batch, builder, f"BENCH-{n}", f"Terminal {n}", SmileyType.TERMINAL, now=NEW_YEAR)
            manage.place(batch, builder, smiley.id, point, 0, now=NEW_YEAR)
            placed.append((assignment, smiley.id, smiley.token))
    assignments, smileys, tokens = zip(*placed, strict=True)
    return Fleet(organization, root, region, survey, assignments, smileys, tokens)


def busy_days(fleet: Fleet, presses: int) -> list[Upload]:
    """Uploads of 100 presses over 10 hours, one a terminal and day."""
    dice = random.Random(1)  # noqa: S311  repeatable, not secret
    per_day = 100 * len(fleet.smileys)
    return [_upload(dice, smiley, day, 100) for day in range(max(1, presses // per_day)) for smiley in fleet.smileys]


def quiet_year(fleet: Fleet, presses: int) -> Iterator[Upload]:
    """27 presses a terminal and day, a day's in an upload, until there are as many as wanted."""
    dice = random.Random(2)  # noqa: S311  repeatable, not secret
    for day in range(366):
        for smiley in fleet.smileys:
            count = min(A_DAY, presses)
            presses -= count
            if count:
                yield _upload(dice, smiley, day, count, A_DAY)


def _upload(dice: random.Random, smiley: int, day: int, count: int, numbered: int = 100) -> Upload:
    """A day's upload of a smiley: `count` presses at random seconds within OPEN; `numbered` sequences a day."""
    midnight = NEW_YEAR + day * DAY_MS
    instants = sorted(midnight + dice.randrange(*OPEN) // 1000 * 1000 for _ in range(count))
    buttons = dice.choices((0, 1, 2, 3), (1, 1, 2, 6), k=count)
    numbers = range(day * numbered + 1, day * numbered + count + 1)
    pressed = tuple(Press(smiley * 7919 % (1 << 31), *each) for each in zip(numbers, instants, buttons, strict=True))
    return Upload(smiley, pressed, reported_through=midnight + DAY_MS)
