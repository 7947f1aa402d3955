"""Uploads of a software terminal: sends what waits over HTTP, again after failures, until it is acknowledged."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import httpx

from hymio.gateway.sketch import MOST_PRESSES
from hymio.simulator.notebook import (
    Notebook,
    note_acknowledged,
    note_settings,
)

HOUR_MS = 3_600_000
LONGEST_WAIT = 300.0
"""Seconds between tries at most, when a server stays away."""

_TOO_LARGE = 413
_PASSING = (408, 425, 429)

_chance = secrets.SystemRandom()


class NotTold(Exception):
    """The server did not take an upload, so nothing was forgotten; `retry_after` is in seconds, if it said so.

    If `lasting`, trying again will not help until somebody mends something.
    """

    def __init__(
        self, detail: str, *, lasting: bool = False, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail)
        self.lasting = lasting
        self.retry_after = retry_after
        self.status = status


def upload_of(notebook: Notebook, clock: int, battery: float | None = None, most: int = MOST_PRESSES) -> dict[str, Any]:
    """The next upload: the oldest presses that wait, and what the terminal says of itself. Without any, a heartbeat.

    `reportedThrough` is the clock or, where some presses must wait for another upload, the first of their instants.
    """
    presses = list(islice(notebook.waiting, most))
    left = (each.at for each in islice(notebook.waiting, most, None))
    said: dict[str, Any] = {
        "epoch": notebook.epoch,
        "presses": [{"sequence": each.sequence, "at": each.at, "button": each.button} for each in presses],
        "clock": clock,
        "reportedThrough": min([clock, *left]),
        "firmware": "hymio software terminal",
    }
    return said if battery is None else said | {"battery": battery}


def send(notebook: Notebook, client: httpx.Client, clock: int, battery: float | None = None) -> dict[str, Any]:
    """Tells the server once what waits, in as many uploads as it takes; the last receipt. NotTold.

    Whatever was in doubt, because an answer was lost, is simply told again: the server knows it by its sequence.
    """
    most = MOST_PRESSES
    while True:
        body = upload_of(notebook, clock, battery, most)
        try:
            receipt = _post(notebook, client, body)
        except NotTold as error:
            if error.status != _TOO_LARGE or len(body["presses"]) < 2:
                raise
            most = len(body["presses"]) // 2
            continue
        if body["presses"]:
            note_acknowledged(notebook, body["presses"][-1]["sequence"])
        note_settings(notebook, receipt["settings"])
        if not notebook.waiting:
            return receipt


def send_until_told(
    notebook: Notebook,
    client: httpx.Client,
    clock: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
    tries: int = 1000,
) -> dict[str, Any]:
    """Tells the server what waits, trying again while it is away or busy, a little less often each time. NotTold."""
    for attempt in range(1, tries + 1):
        try:
            return send(notebook, client, clock())
        except NotTold as error:
            if error.lasting or attempt == tries:
                raise
            sleep(pause(attempt, error.retry_after))
    raise NotTold("no try was allowed")


def pause(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait before the next try: what the server said, or up to twice as long each time, by chance.

    By chance, so that ten thousand terminals that lost the same server do not come back in the same second.
    """
    least = retry_after or 0.0
    return least + _chance.uniform(0.1, min(LONGEST_WAIT, 0.5 * 2.0 ** min(attempt, 20)))


def _post(notebook: Notebook, client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {notebook.token}"}
    try:
        answer = client.post(f"{notebook.url}/terminal/v1/uploads", json=body, headers=headers)
        if answer.is_success:
            receipt: dict[str, Any] = answer.json()
            return receipt
    except (httpx.TransportError, ValueError) as error:
        raise NotTold(f"no answer: {error}") from error
    detail, status, wait = (
        f"{answer.status_code}: {answer.text}",
        answer.status_code,
        answer.headers.get("Retry-After", ""),
    )
    lasting = answer.is_client_error and status not in _PASSING
    raise NotTold(detail, lasting=lasting, retry_after=float(wait) if wait.isdecimal() else None, status=status)
