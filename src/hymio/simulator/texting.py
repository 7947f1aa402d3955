"""Text messages of a software terminal: reports of past hours for an SMS gateway."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, takewhile

from hymio.feedback import HourReport
from hymio.gateway.sms_text import encode
from hymio.simulator.journal import (
    Journal,
    StoredPress,
    append_texted,
)

HOUR_MS = 3_600_000


def hours_of(presses: Iterable[StoredPress], epoch: int, offset: int) -> Iterator[HourReport]:
    """The hour reports of presses with contiguous sequences, by local hour; `offset` is in minutes east of UTC."""

    def local_hour(press: StoredPress) -> int:
        return (press.at + offset * 60_000) // HOUR_MS

    for hour, group in groupby(presses, key=local_hour):
        in_hour = list(group)
        counts = [0] * (1 + max(press.button for press in in_hour))
        for press in in_hour:
            counts[press.button] += 1
        yield HourReport(epoch, in_hour[0].sequence, hour * HOUR_MS - offset * 60_000, tuple(counts))


def texts(
    journal: Journal,
    now: int,
    offset: int,
    battery: float | None = None,
    deliver: Callable[[str], object] = lambda _: None,
    keyword: str = "",
) -> list[str]:
    """The SMS that report the past hours which no SMS has reported yet, each with the keyword of a shared number.

    Each text is passed to `deliver`. If that raises, the journal is unchanged, and the next call makes the same texts.
    """
    unreported = (press for press in journal.waiting if press.sequence > journal.texted)
    past = list(takewhile(lambda press: _in_past_hour(press, now, offset), unreported))
    key = hashlib.sha256(b"hymio-sms:" + journal.token.encode()).digest()[:16]
    through = (now + offset * 60_000) // HOUR_MS * HOUR_MS - offset * 60_000
    hours = list(hours_of(past, journal.epoch, offset))
    messages = encode(
        journal.serial, hours, key, offset=offset, reported_through=through, battery=battery, keyword=keyword
    )
    for text in messages:
        deliver(text)
    if past:
        append_texted(journal, past[-1].sequence)
    return messages


def _in_past_hour(press: StoredPress, now: int, offset: int) -> bool:
    """Whether the local hour of a press has ended."""
    return (press.at + offset * 60_000) // HOUR_MS < (now + offset * 60_000) // HOUR_MS
