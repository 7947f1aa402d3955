"""The example's smileys, alive: software terminals that tell over HTTP or by text message, and visitors of the web."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

import httpx

from hymio.demo.credentials import Credentials
from hymio.demo.mood import sums_of
from hymio.demo.tree import SPOTS, WEB, Spot, Way
from hymio.gateway import sms, upload
from hymio.period import HOUR_MS, SECOND_MS, Instant, offset_at, zone
from hymio.simulator.notebook import (
    Notebook,
    close_notebook,
    create_notebook,
    note_acknowledged,
    note_press,
    open_notebook,
)
from hymio.simulator.sending import NotTold, send
from hymio.simulator.texting import texts

PAST_HOURS = 3
"""Whole hours before the present one of which the terminals have something to tell when they wake."""

_PRESSES_AN_HOUR = 7
_CHILDREN_AT = (5, 8)
_CHILDREN_PRESSES = 12
_PHONE = "+15550100"
_TEXT_EVERY_SECONDS = 60.0


@dataclass(slots=True)
class Terminal:
    """A software terminal at its place."""

    spot: Spot
    notebook: Notebook


class Street:
    """All smileys of the example, with the file of each terminal and one client to a server."""

    def __init__(
        self, terminals: list[Terminal], client: httpx.Client, credentials: Credentials, clock: Callable[[], Instant]
    ) -> None:
        self.terminals = terminals
        self._client = client
        self._credentials = credentials
        self._clock = clock
        self._random = Random()  # noqa: S311  for people's moods, not for secrets

    def wake(self, told: Mapping[int, Instant]) -> None:
        """Tells what was pressed in the last hours, while nobody listened; `told` is through when each has told all."""
        now = self._clock()
        for terminal in self.terminals:
            since = told.get(terminal.spot.smiley, 0)
            for at in self._past(since, now):
                note_press(terminal.notebook, at, self._button(terminal.spot))
            if terminal.spot.smiley in _CHILDREN_AT and since < now - _CHILDREN_PRESSES * SECOND_MS:
                self._play(terminal, now)
        self._browse(self._past(told.get(WEB.smiley, 0), now))
        self.tell()

    def tell(self) -> None:
        """Tells everything that waits, and that there is no more."""
        for terminal in self.terminals:
            if terminal.spot.way is Way.TEXT:
                self._text(terminal)
            else:
                self._send(terminal)
        self._browse([])

    def press(self) -> None:
        """Somebody presses somewhere, and it is told at once; a text tells it when the hour is over."""
        chosen = self._random.choice([*self.terminals, None])
        if chosen is None:
            self._browse([self._clock()])
            return
        note_press(chosen.notebook, self._clock(), self._button(chosen.spot))
        if chosen.spot.way is Way.DATA:
            self._send(chosen)

    def live(self, stop: threading.Event, seconds: float = 0.7) -> None:
        """Presses, `seconds` apart on average, until told to stop; a server that is away is tried again."""
        texted = self._clock()
        while not stop.wait(self._random.expovariate(1 / seconds)):
            with suppress(NotTold):
                self.press()
                if self._clock() - texted > _TEXT_EVERY_SECONDS * SECOND_MS:
                    texted = self._clock()
                    self.tell()

    def _past(self, told: Instant, now: Instant) -> list[Instant]:
        """Moments of the last hours after what was told, in order."""
        start = max(now // HOUR_MS * HOUR_MS - PAST_HOURS * HOUR_MS, told)
        count = (now - start) * _PRESSES_AN_HOUR // HOUR_MS
        return sorted(start + int(self._random.random() * (now - start)) // SECOND_MS * SECOND_MS for _ in range(count))

    def _play(self, terminal: Terminal, now: Instant) -> None:
        for number in range(_CHILDREN_PRESSES):
            note_press(terminal.notebook, now - (_CHILDREN_PRESSES - number) * SECOND_MS, self._button(terminal.spot))

    def _button(self, spot: Spot) -> int:
        sums = sums_of(spot.scale.buttons, spot.mood)
        return bisect_right(sums, self._random.random() * sums[-1])

    def _send(self, terminal: Terminal) -> None:
        send(terminal.notebook, self._client, self._clock(), battery=0.93)

    def _text(self, terminal: Terminal) -> None:
        """Texts the hours that are over. What was texted is let go: there is no cable to read it by."""
        now = self._clock()
        offset = offset_at(now, zone(terminal.spot.zone))
        for text in texts(terminal.notebook, now, offset, battery=0.81):
            headers = {"X-Hymio-Secret": self._credentials.sms_secret}
            self._post(sms.PATH, {"from": _PHONE, "text": text}, headers)
        if terminal.notebook.texted:
            note_acknowledged(terminal.notebook, terminal.notebook.texted)

    def _browse(self, moments: list[Instant]) -> None:
        """Visitors of the site answer at these moments."""
        presses = [
            {"id": str(uuid4()), "at": at, "button": self._button(WEB), "survey": WEB.survey, "visitor": str(uuid4())}
            for at in moments
        ]
        body = {"presses": presses, "reportedThrough": self._clock()}
        self._post(upload.PATH, body, {"Authorization": f"Bearer {self._credentials.token(WEB.serial)}"})

    def _post(self, path: str, body: dict[str, object], headers: dict[str, str]) -> None:
        try:
            answer = self._client.post(self._credentials.base_url + path, json=body, headers=headers)
        except httpx.TransportError as error:
            raise NotTold(f"no answer: {error}") from error
        if not answer.is_success:
            raise NotTold(f"{answer.status_code}: {answer.text}", lasting=answer.is_client_error)


@contextmanager
def opened(folder: Path, credentials: Credentials, clock: Callable[[], Instant]) -> Iterator[Street]:
    """The street, with the terminals' files in a folder; a terminal that was there before goes on where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    terminals: list[Terminal] = []
    try:
        terminals.extend(
            Terminal(spot, _notebook(folder / f"{spot.serial}.jsonl", spot, credentials))
            for spot in SPOTS
            if spot.way is not Way.WEB
        )
        with httpx.Client(timeout=30) as client:
            yield Street(terminals, client, credentials, clock)
    finally:
        for terminal in terminals:
            close_notebook(terminal.notebook)


def _notebook(file: Path, spot: Spot, credentials: Credentials) -> Notebook:
    """A terminal's file, with the address and token of today."""
    token = credentials.token(spot.serial)
    if not file.exists():
        close_notebook(create_notebook(file, credentials.base_url, token, spot.serial))
    notebook = open_notebook(file)
    notebook.url, notebook.token = credentials.base_url, token
    return notebook
