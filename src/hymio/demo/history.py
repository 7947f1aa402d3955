"""A year of plausible random presses, reproducible by seed, in the weekly uploads that the smileys would have sent."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from random import Random
from typing import NamedTuple

from hymio.demo.example import AVENUE, MARKET, SPOTS, Spot, Way
from hymio.demo.mood import Moment, sums_of
from hymio.demo.random_phases import touch_phases
from hymio.demo.web_presses import answers
from hymio.feedback import Health, HourReport, Press, Upload
from hymio.period import DAY_MS, HOUR_MS, SECOND_MS, Instant, hour_of, nominal_start, offset_at, parse_timestamp, zone
from hymio.smiley import SmileyType

YEAR = 2025
START, END = parse_timestamp("2024-12-31T12:00:00Z"), parse_timestamp("2026-01-01T12:00:00Z")
"""The range that contains the local year at every point; it begins first in Kathmandu and ends last in Chicago."""

WEEK_MS = 7 * DAY_MS
WEEKS = -(-(END - START) // WEEK_MS)
UPLOAD_PRESSES = 500
EPOCH = 2025

# Special cases, each shown by one smiley
EXIT, PIER, DEPARTURES, UPSTAIRS, TEXTING, TOUCH = 2, 4, 8, 10, 11, 12
WRONG_PLATE = parse_timestamp("2025-03-03T09:00:00+02:00")
WRONG_PLATE_PRESSES = 12
OUTAGE_WEEK, OUTAGE_DAYS = 23, 3
DETAIL_WEEKS, DETAIL_TOLD = range(8, 13), 15
UNSET_CLOCK_PRESSES = 3

RHYTHMS = {
    "shop": (0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 6, 8, 12, 11, 7, 6, 8, 10, 9, 6, 3, 0, 0, 0),
    "station": (0, 0, 0, 0, 0, 2, 8, 14, 11, 5, 4, 6, 8, 6, 5, 7, 12, 13, 8, 5, 4, 3, 2, 0.6),
    "office": (0, 0, 0, 0, 0, 0, 0, 0, 3, 7, 9, 8, 10, 8, 7, 6, 4, 1, 0, 0, 0, 0, 0, 0),
    "airport": (1, 0.5, 0, 1, 4, 8, 10, 9, 7, 6, 6, 5, 6, 6, 5, 5, 6, 8, 9, 9, 8, 6, 4, 2),
    "web": (2, 1, 1, 0.5, 0.5, 1, 2, 3, 5, 6, 6, 6, 8, 7, 6, 6, 6, 7, 9, 11, 12, 11, 8, 5),
}
"""Relative number of presses by hour of the day, for each kind of place."""

_DAYS = {
    "shop": (0.85, 0.85, 0.95, 1.0, 1.25, 1.5, 0.7),
    "station": (1.15, 1.15, 1.15, 1.15, 1.2, 0.65, 0.5),
    "office": (1.2, 1.1, 1.0, 1.0, 0.95, 0, 0),
    "airport": (1.1, 0.9, 0.9, 1.0, 1.2, 1.0, 1.1),
    "web": (1.1, 1.05, 1.0, 1.0, 0.9, 0.9, 1.1),
}
_MONTHS = (0.85, 0.85, 0.95, 1.0, 1.0, 1.05, 0.8, 0.95, 1.0, 1.0, 1.1, 1.35)
_EVENING_HOURS, _EVENING_MOOD = range(17, 20), 0.88


class Batch(NamedTuple):
    """Uploads that are recorded in one commit, and the instant of the commit."""

    now: Instant
    uploads: tuple[Upload, ...]


def weeks(presses: int, seed: int, options: Sequence[int], first: int = 0) -> Iterator[Batch]:
    """The uploads of the year, a batch for each week from week `first` on, with at most `presses` presses in all.

    `options` are the follow-up options of the web survey.
    """
    told = {spot.smiley: _of_weeks(spot, int(presses * spot.share), seed, options) for spot in SPOTS}
    for week in range(first, WEEKS):
        now = START + (week + 1) * WEEK_MS
        yield Batch(now, tuple(upload for spot in SPOTS for upload in _uploads(spot, told[spot.smiley], week, now)))


def _of_weeks(spot: Spot, count: int, seed: int, options: Sequence[int]) -> list[list[Press]]:
    """The presses of a smiley by week, with sequences that continue through the year."""
    random = Random(f"{seed}/{spot.serial}")  # noqa: S311  for people's moods, not for secrets
    moments = _moments(spot, count, random)
    if spot.way is Way.WEB:
        presses = list(answers(moments, random, options))
    else:
        presses = [_press(spot, number, moment) for number, moment in enumerate(moments, 1)]
    by_week: list[list[Press]] = [[] for _ in range(WEEKS)]
    for press, moment in zip(presses, moments, strict=True):
        by_week[(moment.at - START) // WEEK_MS].append(press)
    if spot.smiley == TOUCH and presses:
        by_week[0] = _with_unset_clock(by_week[0])
    return by_week


def _press(spot: Spot, number: int, moment: Moment) -> Press:
    """The press of a terminal or touch device, with its sequence."""
    phases = touch_phases(moment.at) if spot.kind is SmileyType.TOUCH else None
    return Press(EPOCH, number, moment.at, moment.button, phases=phases)


# --- how people press -------------------------------------------------------------------------------------------------


def _moments(spot: Spot, count: int, random: Random) -> list[Moment]:
    """The random presses of a smiley in order of time: regular ones, bursts and those on a wrong button."""
    bursts = [random.randrange(8, 20) for _ in range(int(count * spot.play / 14))]
    odd = WRONG_PLATE_PRESSES if spot.smiley == EXIT and count > 10 * WRONG_PLATE_PRESSES else 0
    made = list(_of_hours(spot, max(0, count - sum(bursts) - odd), random))
    for size in bursts if made else ():
        made += _playing(made[int(random.random() * len(made))].at, size, spot.scale.buttons, random)
    # For one morning the terminal wore the plate of a scale with five buttons.
    made += [Moment(WRONG_PLATE + number * 97 * SECOND_MS, 4) for number in range(odd)]
    return sorted(made)


def _of_hours(spot: Spot, count: int, random: Random) -> Iterator[Moment]:
    """`count` random presses, distributed over the hours of the year in proportion to their weights."""
    hours = list(_hours(spot, random))
    ends = [0.0, *accumulate(weight for _, _, weight in hours)]
    scale, step = spot.scale, SECOND_MS if spot.way is not Way.WEB else 1
    for place in sorted(random.random() * ends[-1] for _ in range(count)):
        hour = min(bisect_right(ends, place), len(hours)) - 1
        at, mood, weight = hours[hour]
        since = int((place - ends[hour]) / weight * (HOUR_MS // step)) * step
        buttons = sums_of(scale.buttons, round(mood, 2))
        yield Moment(at + since, bisect_right(buttons, random.random() * buttons[-1]))


def _hours(spot: Spot, random: Random) -> Iterator[tuple[Instant, float, float]]:
    """The local hours of the year with a weight above 0: start, mood, weight."""
    there = zone(spot.zone)
    hours, days = RHYTHMS[spot.rhythm], _DAYS[spot.rhythm]
    for at in range(START - START % HOUR_MS, END, HOUR_MS):
        offset = offset_at(at, there) * 60_000
        start = at + -offset % HOUR_MS  # the local hour that begins in this hour of UTC
        day, hour = divmod((start + offset) // HOUR_MS, 24)
        busy = hours[hour] * days[(day + 3) % 7] * _MONTHS[_month(day)] if _in_year(day) else 0.0
        if busy:
            rush, mood = _event(spot, day)
            evening = _EVENING_MOOD if hour in _EVENING_HOURS else 1.0
            yield start, spot.mood * mood * evening, busy * rush * (0.6 + 0.8 * random.random())


_FIRST_DAY = START // DAY_MS + 1
_MONTH_ENDS = tuple(accumulate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)))
_BLACK_FRIDAY, _BAD_WEEK = 27 + _MONTH_ENDS[9], range(11 + _MONTH_ENDS[3], 18 + _MONTH_ENDS[3])
"""Days of the year, counted from 0: 28 November; 12 to 18 May."""


def _in_year(day: int) -> bool:
    """Whether a day, numbered from 1970-01-01, is in the year of the history."""
    return 0 <= day - _FIRST_DAY < _MONTH_ENDS[-1]


def _month(day: int) -> int:
    """The month of a day of the year, from 0."""
    return bisect_right(_MONTH_ENDS, day - _FIRST_DAY) % 12


def _event(spot: Spot, day: int) -> tuple[float, float]:
    """Factors of a special day for the number of presses and for the mood; 1.0 and 1.0 on other days."""
    if spot.node == AVENUE and day - _FIRST_DAY in (_BLACK_FRIDAY, _BLACK_FRIDAY + 1):
        return 4.5 if day - _FIRST_DAY == _BLACK_FRIDAY else 2.5, 0.8
    if spot.node == MARKET and day - _FIRST_DAY in _BAD_WEEK:
        return 1.4, 0.6  # the escalator stood still
    return 1.0, 1.0


def _playing(at: Instant, size: int, buttons: int, random: Random) -> Iterator[Moment]:
    """A burst of `size` presses, at most 2 seconds apart, as children make them."""
    favourite = int(random.random() * buttons)
    for _ in range(size):
        at += int(random.random() * 2.4) * SECOND_MS
        yield Moment(at, favourite if random.random() < 0.7 else int(random.random() * buttons))


def _with_unset_clock(presses: list[Press]) -> list[Press]:
    """The presses with the first ones dated to 1970, as from a clock that was not set after a change of battery."""
    early = [press._replace(at=(number + 1) * 60_000) for number, press in enumerate(presses[:UNSET_CLOCK_PRESSES])]
    return [*early, *presses[UNSET_CLOCK_PRESSES:]]


# --- uploads ----------------------------------------------------------------------------------------------------------


def _uploads(spot: Spot, weeks: list[list[Press]], week: int, now: Instant) -> Iterator[Upload]:
    """The uploads of a smiley for a week; one smiley has an outage, another sends details of SMS hours later."""
    if spot.way is Way.TEXT:
        yield Upload(spot.smiley, hours=tuple(_texted(spot, weeks[week])), reported_through=now, health=_health(week))
        if spot.smiley == TEXTING and week == DETAIL_TOLD:  # somebody came by with a cable
            yield from _data(spot, [press for each in DETAIL_WEEKS for press in weeks[each]], week, now)
    elif spot.smiley == DEPARTURES and week == OUTAGE_WEEK:
        since = now - OUTAGE_DAYS * DAY_MS
        yield from _data(spot, [press for press in weeks[week] if press.at < since], week, now, since)
    elif spot.smiley == DEPARTURES and week == OUTAGE_WEEK + 1:
        late = [press for press in weeks[week - 1] if press.at >= now - WEEK_MS - OUTAGE_DAYS * DAY_MS]
        yield from _data(spot, late + weeks[week], week, now)
    else:
        yield from _data(spot, weeks[week], week, now)


def _data(
    spot: Spot, presses: Sequence[Press], week: int, now: Instant, through: Instant | None = None
) -> Iterator[Upload]:
    """Uploads over a data connection; an upload without presses is a heartbeat."""
    drift = (90 + 11 * week) * SECOND_MS if spot.smiley == UPSTAIRS else 0
    for first in range(0, max(len(presses), 1), UPLOAD_PRESSES):
        part = presses[first : first + UPLOAD_PRESSES]
        last = first + UPLOAD_PRESSES >= len(presses)
        reported = (through or now) if last else part[-1].at
        drifted = tuple(press._replace(at=press.at + drift) for press in part) if drift else tuple(part)
        clock = None if spot.way is Way.WEB else now + drift
        yield Upload(spot.smiley, drifted, clock=clock, reported_through=reported + drift, health=_health(week))


def _texted(spot: Spot, presses: Sequence[Press]) -> Iterator[HourReport]:
    """The hour reports of presses, by local hour of the spot's zone."""
    there = zone(spot.zone)

    def local_hour(press: Press) -> tuple[Instant, int]:
        offset = offset_at(press.at, there)
        return nominal_start(hour_of(press.at, offset), offset), offset

    for (at, offset), in_hour in groupby(presses, local_hour):
        counts, first = [0] * spot.scale.buttons, 0
        for press in in_hour:
            first = first or press.sequence
            counts[press.button] += 1
        yield HourReport(EPOCH, first, at, tuple(counts), offset)


def _health(week: int) -> Health:
    """Plausible battery, signal and firmware of a smiley."""
    return Health(battery=round(1 - week % 40 / 50, 2), signal=-71 - week % 9, firmware="4.2.1")
