"""Instants as dates and times with their offset, as the value of a report has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hymio.period import Instant

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def local(at: Instant, offset: int) -> datetime:
    """An instant as a date and time with its offset (minutes)."""
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(timezone(timedelta(minutes=offset)))
