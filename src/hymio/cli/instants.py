"""Instants as commands print them: to people to the second, to programs as timestamps in UTC."""

from __future__ import annotations

from textwrap import fill


def instant_text(at: int | None) -> str:
    """An instant as date and time in UTC; in ms if it is outside the years 1 to 9999."""
    from hymio.period import format_timestamp

    if at is None:
        return ""
    try:
        return format_timestamp(at, 0, utc=True)[:19].replace("T", " ") + "Z"
    except (ValueError, OverflowError):  # a device clock outside the calendar
        return fill(str(at), len("2026-01-01 12:00:00Z"))


def timestamp(at: int) -> str | int:
    """An instant for programs; in ms if it is outside the years 1 to 9999."""
    from hymio.period import format_timestamp

    try:
        return format_timestamp(at, 0, utc=True)
    except (ValueError, OverflowError):
        return at
