"""What gives a program away that sends a form of the hosted page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hymio.gateway.digital.stamp import Stamp
from hymio.period import Instant

MIN_FORM_MS: Final = 700
"""A form that comes sooner after its page was made is a robot's: a person has to read the question."""


def is_robots(stamp: Stamp, headers: Mapping[bytes, str], now: Instant) -> bool:
    """Whether a form with a stamp was sent too soon, or by a browser in which nobody acted."""
    return now - stamp.made_at < MIN_FORM_MS or _is_unattended(headers)


def _is_unattended(headers: Mapping[bytes, str]) -> bool:
    """Whether a script, and no click or key, sent a form of a browser that would say so.

    Chromium names itself (`Sec-CH-UA`) and marks what a person has caused by `Sec-Fetch-User` (Fetch Metadata, 2.4),
    both by https and on the local machine. Safari has no such mark, and a program may forge it.
    """
    is_chromium = b"sec-ch-ua" in headers and headers.get(b"sec-fetch-mode") == "navigate"
    return is_chromium and headers.get(b"sec-fetch-user") != "?1"
