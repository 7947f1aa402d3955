"""The demo's live smileys: software terminals that send over HTTP or by SMS, and random visitors of its web page."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from hymio.demo.credentials import Credentials
from hymio.demo.example import SPOTS, WEB, Spot, Way
from hymio.demo.mood import sums_of
from hymio.gateway import sms, upload
from hymio.period import HOUR_MS, SECOND_MS, Instant, offset_at, zone
from hymio.simulator.journal import (
    Journal,
    append_acknowledged,
    append_press,
    close_journal,
    create_journal,
    open_journal,
)
from hymio.simulator.sending import UploadFailed, send
from hymio.simulator.texting import texts

PAST_HOURS = 3
"""Full hours before the current one for which the terminals make presses at start."""

_PRESSES_AN_HOUR = 7
_BURST_SMILEYS = (5, 8)
_BURST_PRESSES = 12
_PHONE = "+15550100"
_TEXT_EVERY_SECONDS = 60.0


@dataclass(slots=True)
class Terminal:
    """A software terminal with its place in the example organization."""

    spot: Spot
    journal: Journal


class LiveSmileys:
    """All smileys of the demo, with the journal of each terminal and an HTTP client to the server."""

    def __init__(
        self, terminals: list[Terminal], client: httpx.Client, credentials: Credentials, clock: Callable[[], Instant]
    ) -> None:
        self.terminals = terminals
        self._client = client
        self._credentials = credentials
        self._clock = clock
        self._random = Random()  # noqa: S311  for people's moods, not for secrets

    def send_backlog(self, reported_through: Mapping[int, Instant]) -> None:
        """Makes presses for the last hours, from each smiley's reported-through instant on, and sends them."""
        now = self._clock()
        for terminal in self.terminals:
            since = reported_through.get(terminal.spot.smiley, 0)
            for at in self._past(since, now):
                append_press(terminal.journal, at, self._button(terminal.spot))
            if terminal.spot.smiley in _BURST_SMILEYS and since < now - _BURST_PRESSES * SECOND_MS:
                self._press_burst(terminal, now)
        self._send_web_presses(self._past(reported_through.get(WEB.smiley, 0), now))
        self.send_waiting()

    def send_waiting(self) -> None:
        """Sends all waiting presses of the terminals, and heartbeats of those without any."""
        for terminal in self.terminals:
            if terminal.spot.way is Way.TEXT:
                self._send_sms(terminal)
            else:
                self._send(terminal)
        self._send_web_presses([])

    def press(self) -> None:
        """Presses a random smiley and uploads the press; a terminal on SMS reports it after the hour has ended."""
        chosen = self._random.choice([*self.terminals, None])
        if chosen is None:
            self._send_web_presses([self._clock()])
            return
        append_press(chosen.journal, self._clock(), self._button(chosen.spot))
        if chosen.spot.way is Way.DATA:
            self._send(chosen)

    def run(self, stop: threading.Event, seconds: float = 0.7) -> None:
        """Presses random smileys, `seconds` apart on average, until `stop` is set; failed uploads wait for the next."""
        texted = self._clock()
        while not stop.wait(self._random.expovariate(1 / seconds)):
            with suppress(UploadFailed):
                self.press()
                if self._clock() - texted > _TEXT_EVERY_SECONDS * SECOND_MS:
                    texted = self._clock()
                    self.send_waiting()

    def _past(self, since: Instant, now: Instant) -> list[Instant]:
        """Random instants of the last hours, not before `since`, in order."""
        start = max(now // HOUR_MS * HOUR_MS - PAST_HOURS * HOUR_MS, since)
        count = (now - start) * _PRESSES_AN_HOUR // HOUR_MS
        return sorted(start + int(self._random.random() * (now - start)) // SECOND_MS * SECOND_MS for _ in range(count))

    def _press_burst(self, terminal: Terminal, now: Instant) -> None:
        """One press in each of the last seconds, which the misuse rules recognize."""
        for number in range(_BURST_PRESSES):
            append_press(terminal.journal, now - (_BURST_PRESSES - number) * SECOND_MS, self._button(terminal.spot))

    def _button(self, spot: Spot) -> int:
        """A random button, weighted by the mood of the spot."""
        sums = sums_of(spot.scale.buttons, spot.mood)
        return bisect_right(sums, self._random.random() * sums[-1])

    def _send(self, terminal: Terminal) -> None:
        """Uploads a terminal's waiting presses. UploadFailed."""
        send(terminal.journal, self._client, self._clock(), battery=0.93)

    def _send_sms(self, terminal: Terminal) -> None:
        """Sends SMS for past hours, and removes their presses, which this terminal can never upload in detail."""
        now = self._clock()
        offset = offset_at(now, zone(terminal.spot.zone))
        for text in texts(terminal.journal, now, offset, battery=0.81):
            self._deliver(text)
        if terminal.journal.texted:
            append_acknowledged(terminal.journal, terminal.journal.texted)

    def _deliver(self, text: str) -> None:
        """Delivers an SMS as Kannel's `get-url` does, with the secret as the password. UploadFailed."""
        fields = {"from": _PHONE, "text": text, "coding": "0", "charset": "UTF-8", "udh": ""}
        self._request("GET", sms.KANNEL_PATH, params=fields, auth=("kannel", self._credentials.sms_secret))

    def _send_web_presses(self, instants: list[Instant]) -> None:
        """Uploads a press of a new web visitor for each instant; a heartbeat if there are none."""
        presses = [
            {"id": str(uuid4()), "at": at, "button": self._button(WEB), "survey": WEB.survey, "visitor": str(uuid4())}
            for at in instants
        ]
        body = {"presses": presses, "reportedThrough": self._clock()}
        headers = {"Authorization": f"Bearer {self._credentials.token(WEB.serial)}"}
        self._request("POST", upload.PATH, json=body, headers=headers)

    def _request(self, method: str, path: str, **content: Any) -> None:
        """Sends a request to the server. UploadFailed without an answer or with a status other than 2xx."""
        try:
            answer = self._client.request(method, self._credentials.base_url + path, **content)
        except httpx.TransportError as error:
            raise UploadFailed(f"no answer: {error}") from error
        if not answer.is_success:
            raise UploadFailed(f"{answer.status_code}: {answer.text}", permanent=answer.is_client_error)


@contextmanager
def live_smileys(folder: Path, credentials: Credentials, clock: Callable[[], Instant]) -> Iterator[LiveSmileys]:
    """The live smileys, with the terminals' journals in a folder; existing journals are continued."""
    folder.mkdir(parents=True, exist_ok=True)
    terminals: list[Terminal] = []
    try:
        terminals.extend(
            Terminal(spot, _journal(folder / f"{spot.serial}.jsonl", spot, credentials))
            for spot in SPOTS
            if spot.way is not Way.WEB
        )
        with httpx.Client(timeout=30) as client:
            yield LiveSmileys(terminals, client, credentials, clock)
    finally:
        for terminal in terminals:
            close_journal(terminal.journal)


def _journal(file: Path, spot: Spot, credentials: Credentials) -> Journal:
    """A terminal's journal, created if necessary, with the current address and token."""
    token = credentials.token(spot.serial)
    if not file.exists():
        close_journal(create_journal(file, credentials.base_url, token, spot.serial))
    journal = open_journal(file)
    journal.url, journal.token = credentials.base_url, token
    return journal
