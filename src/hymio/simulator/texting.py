"""Text messages of a software terminal: counts of the hours that are over, for an SMS gateway."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, takewhile

from hymio.feedback import HourReport
from hymio.gateway.sms_text import encode
from hymio.simulator.notebook import (
    Notebook,
    Noted,
    note_texted,
)

HOUR_MS = 3_600_000


def hours_of(presses: Iterable[Noted], epoch: int, offset: int) -> Iterator[HourReport]:
    """Presses without a gap in their sequence as what an SMS says of their local hours; `offset` in minutes east."""

    def hour(press: Noted) -> int:
        return (press.at + offset * 60_000) // HOUR_MS

    for number, within in groupby(presses, key=hour):
        members = list(within)
        counts = [0] * (1 + max(each.button for each in members))
        for each in members:
            counts[each.button] += 1
        yield HourReport(epoch, members[0].sequence, number * HOUR_MS - offset * 60_000, tuple(counts))


def texts(
    notebook: Notebook,
    now: int,
    offset: int,
    battery: float | None = None,
    deliver: Callable[[str], object] = lambda _: None,
) -> list[str]:
    """The SMS that tell the hours which are over and of which no SMS has told yet.

    Each is handed to `deliver`; if that raises, nothing is noted as told, and the same texts are made the next time.
    """
    untold = (each for each in notebook.waiting if each.sequence > notebook.texted)
    over = list(takewhile(lambda each: _is_over(each, now, offset), untold))
    key = hashlib.sha256(b"hymio-sms:" + notebook.token.encode()).digest()[:16]
    through = (now + offset * 60_000) // HOUR_MS * HOUR_MS - offset * 60_000
    hours = list(hours_of(over, notebook.epoch, offset))
    made = encode(notebook.serial, hours, key, offset=offset, reported_through=through, battery=battery)
    for text in made:
        deliver(text)
    if over:
        note_texted(notebook, over[-1].sequence)
    return made


def _is_over(press: Noted, now: int, offset: int) -> bool:
    return (press.at + offset * 60_000) // HOUR_MS < (now + offset * 60_000) // HOUR_MS
