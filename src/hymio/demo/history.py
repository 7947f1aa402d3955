"""Plausible random presses of some dates, reproducible by seed, in the uploads that the smileys would have sent."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import accumulate, groupby
from random import Random
from typing import NamedTuple

from hymio.demo.example import AVENUE, MARKET, SPOTS, Spot, Way
from hymio.demo.mood import Moment, sums_of
from hymio.demo.random_phases import touch_phases
from hymio.demo.web_presses import answers
from hymio.feedback import Health, HourReport, Press, Upload
from hymio.period import DAY_MS, HOUR_MS, SECOND_MS, Instant, hour_of, instant_of, nominal_start, offset_at, zone
from hymio.smiley import SmileyType

EPOCH_DAY = date(1970, 1, 1).toordinal()
YEAR_DAYS = 365
UPLOAD_PRESSES = 500
EPOCH = 2025
WEEK_MS = 7 * DAY_MS

# Special cases, each shown by one smiley; days count from the first date of the history
EXIT, PIER, DEPARTURES, UPSTAIRS, TEXTING, TOUCH = 2, 4, 8, 10, 11, 12
WRONG_PLATE_DAY, WRONG_PLATE_HOUR, WRONG_PLATE_PRESSES = 61, 9, 12
OUTAGE_DAYS = (165, 168)
DETAIL_DAYS, DETAIL_SENT_DAY = (56, 91), 111
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


class Span(NamedTuple):
    """The local dates of a history, the same at every point: the first one, and their number."""

    first: date
    days: int

    @property
    def start(self) -> Instant:
        """An instant at which the first date has begun nowhere; it begins first in Kathmandu."""
        return (self.first.toordinal() - EPOCH_DAY) * DAY_MS - DAY_MS // 2

    @property
    def end(self) -> Instant:
        """An instant at which the last date has ended everywhere; it ends last in Chicago."""
        return self.start + (self.days + 1) * DAY_MS

    def after(self, days: int) -> Instant:
        """The instant so many days after the start."""
        return self.start + days * DAY_MS


class Batch(NamedTuple):
    """Uploads that are recorded in one commit, and the instant of the commit."""

    now: Instant
    uploads: tuple[Upload, ...]


def batches(
    span: Span, presses: int, seed: int, options: Sequence[int], since: Instant, until: Instant, days: int = 1
) -> Iterator[Batch]:
    """The uploads of `presses` random presses a year, of those made from `since` until `until`, in order of time.

    There is a batch every so many `days` from the span's start on, and one at `until`, if that is in the span.
    `options` are the follow-up options of the web survey.
    """
    whole = presses * span.days // YEAR_DAYS
    made = {spot.smiley: _of_spot(spot, span, int(whole * spot.share), seed, options) for spot in SPOTS}
    step, end = days * DAY_MS, min(until, span.end)
    before = max(since, span.start)
    while before < end:
        now = min(before + step - (before - span.start) % step, end)
        uploads = (upload for spot in SPOTS for upload in _uploads(spot, made[spot.smiley], span, before, now))
        yield Batch(now, tuple(uploads))
        before = now


class Made(NamedTuple):
    """The presses of a smiley in the order of their sequences, with the instants at which they were made."""

    presses: list[Press]
    instants: list[Instant]

    def between(self, start: Instant, end: Instant) -> list[Press]:
        """The presses that were made in a range of time, whatever their clock said."""
        return self.presses[bisect_left(self.instants, start) : bisect_left(self.instants, end)]


def _of_spot(spot: Spot, span: Span, count: int, seed: int, options: Sequence[int]) -> Made:
    """The presses of a smiley, with sequences that continue through the history."""
    random = Random(f"{seed}/{spot.serial}")  # noqa: S311  for people's moods, not for secrets
    moments = _moments(spot, span, count, random)
    if spot.way is Way.WEB:
        presses = list(answers(moments, random, options))
    else:
        presses = [_press(spot, number, moment) for number, moment in enumerate(moments, 1)]
    instants = [moment.at for moment in moments]
    if spot.smiley == TOUCH:
        early = min(UNSET_CLOCK_PRESSES, bisect_left(instants, span.start + WEEK_MS))
        presses = [*_with_unset_clock(presses[:early]), *presses[early:]]
    return Made(presses, instants)


def _press(spot: Spot, number: int, moment: Moment) -> Press:
    """The press of a terminal or touch device, with its sequence."""
    phases = touch_phases(moment.at) if spot.kind is SmileyType.TOUCH else None
    return Press(EPOCH, number, moment.at, moment.button, phases=phases)


# --- how people press -------------------------------------------------------------------------------------------------


def _moments(spot: Spot, span: Span, count: int, random: Random) -> list[Moment]:
    """The random presses of a smiley in order of time: regular ones, bursts and those on a wrong button."""
    bursts = [random.randrange(8, 20) for _ in range(int(count * spot.play / 14))]
    odd = WRONG_PLATE_PRESSES if spot.smiley == EXIT and count > 10 * WRONG_PLATE_PRESSES else 0
    made = list(_of_hours(spot, span, max(0, count - sum(bursts) - odd), random))
    for size in bursts if made else ():
        made += _playing(made[int(random.random() * len(made))].at, size, spot.scale.buttons, random)
    # For one morning the terminal wore the plate of a scale with five buttons.
    begun = local_hour(spot, span.first + timedelta(days=WRONG_PLATE_DAY), WRONG_PLATE_HOUR)
    made += [Moment(begun + number * 97 * SECOND_MS, 4) for number in range(odd)]
    return sorted(made)


def _of_hours(spot: Spot, span: Span, count: int, random: Random) -> Iterator[Moment]:
    """`count` random presses, distributed over the hours of the history in proportion to their weights."""
    hours = list(_hours(spot, span, random))
    ends = [0.0, *accumulate(weight for _, _, weight in hours)]
    scale, step = spot.scale, SECOND_MS if spot.way is not Way.WEB else 1
    for place in sorted(random.random() * ends[-1] for _ in range(count)):
        hour = min(bisect_right(ends, place), len(hours)) - 1
        at, mood, weight = hours[hour]
        since = int((place - ends[hour]) / weight * (HOUR_MS // step)) * step
        buttons = sums_of(scale.buttons, round(mood, 2))
        yield Moment(at + since, bisect_right(buttons, random.random() * buttons[-1]))


def _hours(spot: Spot, span: Span, random: Random) -> Iterator[tuple[Instant, float, float]]:
    """The local hours of the history with a weight above 0: start, mood, weight."""
    there = zone(spot.zone)
    hours, days = RHYTHMS[spot.rhythm], _DAYS[spot.rhythm]
    first_day, last_day = span.first.toordinal() - EPOCH_DAY, span.first.toordinal() - EPOCH_DAY + span.days
    for at in range(span.start - span.start % HOUR_MS, span.end, HOUR_MS):
        offset = offset_at(at, there) * 60_000
        start = at + -offset % HOUR_MS  # the local hour that begins in this hour of UTC
        day, hour = divmod((start + offset) // HOUR_MS, 24)
        if not first_day <= day < last_day:
            continue
        there_date = date.fromordinal(day + EPOCH_DAY)
        if busy := hours[hour] * days[(day + 3) % 7] * _MONTHS[there_date.month - 1]:
            rush, mood = _event(spot, there_date)
            evening = _EVENING_MOOD if hour in _EVENING_HOURS else 1.0
            yield start, spot.mood * mood * evening, busy * rush * (0.6 + 0.8 * random.random())


def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


def bad_week(year: int) -> date:
    """The Monday of the week in May in which the escalator stood still."""
    day = date(year, 5, 12)
    return day + timedelta(days=-day.weekday() % 7)


def local_hour(spot: Spot, day: date, hour: int) -> Instant:
    """The instant at which an hour of a date begins at a spot."""
    return instant_of(datetime.combine(day, time(hour)), zone(spot.zone))


def _event(spot: Spot, day: date) -> tuple[float, float]:
    """Factors of a special day for the number of presses and for the mood; 1.0 and 1.0 on other days."""
    if spot.node == AVENUE and 0 <= (day - black_friday(day.year)).days <= 1:
        return 4.5 if day == black_friday(day.year) else 2.5, 0.8
    if spot.node == MARKET and 0 <= (day - bad_week(day.year)).days <= 6:
        return 1.4, 0.6
    return 1.0, 1.0


def _playing(at: Instant, size: int, buttons: int, random: Random) -> Iterator[Moment]:
    """A burst of `size` presses, at most 2 seconds apart, as children make them."""
    favourite = int(random.random() * buttons)
    for _ in range(size):
        at += int(random.random() * 2.4) * SECOND_MS
        yield Moment(at, favourite if random.random() < 0.7 else int(random.random() * buttons))


def _with_unset_clock(presses: Sequence[Press]) -> list[Press]:
    """The presses, dated to 1970, as from a clock that was not set after a change of battery."""
    return [press._replace(at=(number + 1) * 60_000) for number, press in enumerate(presses)]


# --- uploads ----------------------------------------------------------------------------------------------------------


def _uploads(spot: Spot, made: Made, span: Span, before: Instant, now: Instant) -> Iterator[Upload]:
    """The uploads of a smiley at an instant, since the one before; two smileys send some presses late."""
    presses, through, week = made.between(before, now), now, (now - span.start - 1) // WEEK_MS
    if spot.way is Way.TEXT:
        yield Upload(spot.smiley, hours=tuple(_texted(spot, presses)), reported_through=now, health=_health(week))
        if spot.smiley == TEXTING and before <= span.after(DETAIL_SENT_DAY) < now:  # somebody came by with a cable
            yield from _data(spot, made.between(*map(span.after, DETAIL_DAYS)), week, now, now)
        return
    lost, back = map(span.after, OUTAGE_DAYS)
    if spot.smiley == DEPARTURES and lost < now and before <= back:
        if now <= back and before >= lost:
            return
        first, through = (lost, now) if now > back else (before, lost)
        presses = made.between(min(first, before), through)
    yield from _data(spot, presses, week, now, through)


def _data(spot: Spot, presses: Sequence[Press], week: int, now: Instant, through: Instant) -> Iterator[Upload]:
    """Uploads over a data connection; an upload without presses is a heartbeat."""
    drift = (90 + 11 * week) * SECOND_MS if spot.smiley == UPSTAIRS else 0
    for first in range(0, max(len(presses), 1), UPLOAD_PRESSES):
        part = presses[first : first + UPLOAD_PRESSES]
        last = first + UPLOAD_PRESSES >= len(presses)
        reported = through if last else part[-1].at
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
