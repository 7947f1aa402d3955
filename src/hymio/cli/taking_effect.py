"""What commands say of when a change acts, and the lines that apply it to feedback that is stored already."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hymio.cli.command import hint, quoted

if TYPE_CHECKING:
    from hymio.manage import TakesEffect
    from hymio.period import Instant


def when(effect: TakesEffect | None, zone: ZoneInfo) -> str:
    """From when a change acts, to follow a sentence: `, at all times` or ` from 2025-06-01 10:01:00 on`."""
    from hymio.hierarchy import BEGINNING

    if effect is None:
        return " already"
    return ", at all times" if effect.since == BEGINNING else f" from {clock_time(effect.since, zone)} on"


def say_effect(organization: str, node: str, effect: TakesEffect | None, zone: ZoneInfo, given: str | None) -> None:
    """Says what becomes of the feedback stored below a node; `given` is the command's own --from."""
    if effect is None or effect.oldest is None:
        return
    if given is not None:
        offer_resettle(organization, node, stamp(effect.since, zone))
        return
    oldest = stamp(effect.oldest, zone)
    hint("Feedback lies there already and keeps what it was settled with: the change acts from a minute from now on.")
    line = resettle_line(organization, node, oldest)
    hint(f"To apply it to the past too, repeat the command with --from {oldest}, then run: {line}")


def offer_resettle(organization: str, node: str, since: str) -> None:
    """Prints the command that applies a change of the past to stored feedback."""
    hint(f"For feedback stored already: {resettle_line(organization, node, since)}")


def resettle_line(organization: str, node: str, since: str) -> str:
    """The command that resolves and judges the stored feedback of a node again, as it is typed in a shell."""
    return f"hymio resettle {quoted(organization)} {quoted(node)} --from {quoted(since)}"


def release_line(organization: str) -> str:
    """The command that settles what waits in quarantine, as it is typed in a shell."""
    return f"hymio quarantine release {quoted(organization)}"


def stamp(at: Instant, zone: ZoneInfo) -> str:
    """An instant, in whole seconds, as --from takes it: local time with its offset."""
    return datetime.fromtimestamp(at // 1000, zone).isoformat()


def clock_time(at: Instant, zone: ZoneInfo) -> str:
    """An instant on the clocks of a zone, in whole seconds, for people."""
    return f"{datetime.fromtimestamp(at // 1000, zone):%Y-%m-%d %H:%M:%S}"
