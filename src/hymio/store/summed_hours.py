"""Hours that the engine puts together, of one assignment or group: in order, added over zones and days, or as text."""

from __future__ import annotations

from typing import Any, NamedTuple

from hymio.period import Instant
from hymio.store.dialect import HourText, Transaction
from hymio.store.hours import Source, bounds_of, parts_of, raw_verdicts

HourRow = tuple[Any, ...]
"""Local hour, nominal start, verdict, revision of the last change, then the presses of each button."""


class HourRange(NamedTuple):
    """The hours of a source whose nominal start is in [start, end), with presses of the first `buttons` buttons.

    The source is of one scale.
    """

    organization: int
    source: Source
    start: Instant
    end: Instant
    buttons: int


def hours_in_order(transaction: Transaction, hours: HourRange) -> list[HourRow]:
    """The hours in order of nominal start, then of local hour and verdict; a source of several assignments may have
    one of each."""
    counts = ", ".join(_counts(hours.buttons))
    source, values = _source(transaction, hours)
    text = f"SELECT local_hour, starts_at, verdict, revision, {counts} {source} ORDER BY 2, 1, 3"
    return transaction.rows(text, **values)


def summed_hours(transaction: Transaction, hours: HourRange, *, by_day: bool) -> list[HourRow]:
    """The sums of the hours with equal local time or, `by_day`, equal local date, in order of it, then of verdict.

    The local hour is the first one, and the nominal start 0.
    """
    hour = "local_hour / 24 * 24" if by_day else "local_hour"
    sums = ", ".join(f"CAST(sum({name}) AS bigint)" for name in _counts(hours.buttons))
    source, values = _source(transaction, hours)
    text = f"SELECT {hour}, 0, verdict, max(revision), {sums} {source} GROUP BY 1, 3 ORDER BY 1, 3"
    return transaction.rows(text, **values)


def hours_as_text(transaction: Transaction, hours: HourRange, form: HourText) -> str:
    """The hours with counted presses, in order of nominal start, then of local hour."""
    source, values = _source(transaction, hours)
    counted = f"{source} AND {raw_verdicts('verdict', misuse=False)}"
    return transaction.hours_text(form, hours.buttons, counted, **values)


def _source(transaction: Transaction, hours: HourRange) -> tuple[str, dict[str, object]]:
    """SQL from FROM on, and what to bind to it. ValueError for a source of several scales."""
    [(table, values, _)] = parts_of(transaction, hours.source)
    bound = {"o": hours.organization, **values, **bounds_of(hours.start, hours.end)}
    return f"{table} AND {' + '.join(_counts(hours.buttons))} > 0", bound


def _counts(buttons: int) -> list[str]:
    """The columns of counts of the first buttons."""
    return [f"c{button}" for button in range(buttons)]
