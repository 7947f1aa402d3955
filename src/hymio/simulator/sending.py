"""Uploads of a software terminal over HTTP, with retries until its presses are acknowledged."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import httpx

from hymio.gateway.counting import MAX_PRESSES
from hymio.simulator.journal import (
    Journal,
    append_acknowledged,
    append_settings,
)

LONGEST_WAIT = 300.0
"""Maximum seconds between two attempts."""

_TOO_LARGE = 413
_PASSING = (408, 425, 429)

_chance = secrets.SystemRandom()


class UploadFailed(Exception):
    """An upload was not acknowledged, so its presses still wait; `retry_after` is the response's, in seconds.

    `permanent` means that a retry cannot succeed before the operator corrects something (a 4xx status).
    """

    def __init__(
        self, detail: str, *, permanent: bool = False, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.retry_after = retry_after
        self.status = status


def upload_of(journal: Journal, clock: int, battery: float | None = None, most: int = MAX_PRESSES) -> dict[str, Any]:
    """The JSON body of the next upload: the first `most` waiting presses, or a heartbeat if none waits.

    `clock` is in ms UTC, `battery` from 0 to 1. `reportedThrough` is `clock` or, if presses are left for a later
    upload, the earliest of their instants.
    """
    presses = list(islice(journal.waiting, most))
    left = (press.at for press in islice(journal.waiting, most, None))
    body: dict[str, Any] = {
        "epoch": journal.epoch,
        "presses": [{"sequence": press.sequence, "at": press.at, "button": press.button} for press in presses],
        "clock": clock,
        "reportedThrough": min([clock, *left]),
        "firmware": "hymio software terminal",
    }
    return body if battery is None else body | {"battery": battery}


def send(journal: Journal, client: httpx.Client, clock: int, battery: float | None = None) -> dict[str, Any]:
    """Uploads all waiting presses, in several uploads if necessary, and returns the last receipt. UploadFailed.

    After a 413 it halves the number of presses in an upload. Presses of an upload whose answer was lost are sent again;
    the server recognizes them by their sequence.
    """
    most = MAX_PRESSES
    while True:
        body = upload_of(journal, clock, battery, most)
        try:
            receipt = _post(journal, client, body)
        except UploadFailed as error:
            if error.status != _TOO_LARGE or len(body["presses"]) < 2:
                raise
            most = len(body["presses"]) // 2
            continue
        if body["presses"]:
            append_acknowledged(journal, body["presses"][-1]["sequence"])
        append_settings(journal, receipt["settings"])
        if not journal.waiting:
            return receipt


def send_with_retries(
    journal: Journal,
    client: httpx.Client,
    clock: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
    tries: int = 1000,
) -> dict[str, Any]:
    """`send` with up to `tries` attempts and backoff. UploadFailed after the last one, or if it is permanent."""
    for attempt in range(1, tries + 1):
        try:
            return send(journal, client, clock())
        except UploadFailed as error:
            if error.permanent or attempt == tries:
                raise
            sleep(backoff(attempt, error.retry_after))
    raise UploadFailed("no try was allowed")


def backoff(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait after a failed attempt (from 1): `retry_after` plus a random time of at most 0.5 · 2^attempt.

    It is random so that terminals that lost the server together do not reconnect in the same second.
    """
    minimum = retry_after or 0.0
    return minimum + _chance.uniform(0.1, min(LONGEST_WAIT, 0.5 * 2.0 ** min(attempt, 20)))


def _post(journal: Journal, client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """Sends one upload and returns its receipt. UploadFailed without an answer or with a status other than 2xx."""
    headers = {"Authorization": f"Bearer {journal.token}"}
    try:
        answer = client.post(f"{journal.url}/terminal/v1/uploads", json=body, headers=headers)
        if answer.is_success:
            receipt: dict[str, Any] = answer.json()
            return receipt
    except (httpx.TransportError, ValueError) as error:
        raise UploadFailed(f"no answer: {error}") from error
    detail, status, wait = (
        f"{answer.status_code}: {answer.text}",
        answer.status_code,
        answer.headers.get("Retry-After", ""),
    )
    permanent = answer.is_client_error and status not in _PASSING
    raise UploadFailed(
        detail, permanent=permanent, retry_after=float(wait) if wait.isdecimal() else None, status=status
    )
