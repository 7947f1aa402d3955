"""When revisions were received: in a ledger these instants never go back, whatever the server's clock does."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from hymio.errors import ClockBehind
from hymio.hierarchy import BEGINNING
from hymio.period import MINUTE_MS, SECOND_MS, Instant, format_timestamp
from hymio.store.dialect import Transaction

MAX_BEHIND: Final = MINUTE_MS
"""How far, in ms, a clock may lie before the newest receive time; a commit within it has that receive time itself."""

MAX_RETRY_SECONDS: Final = 60
"""A clock that lies years behind is set in a minute as a rule, once the machine has the time."""


class NowIs(Enum):
    """What the `now` of a commit is."""

    PRESENT = "what the server's clock shows, with which uploads are corrected"
    BEGINNING_OF_WORK = "when long work began"
    GIVEN = "any instant, as when the past is replayed"


def instant_of_commit(now: Instant, newest: Instant, now_is: NowIs) -> Instant:
    """The instant with which a commit resolves and judges. ClockBehind for a present behind the newest receive time.

    Long work resolves feedback that came since it began, which must not lie in the future then.
    """
    if now_is is NowIs.PRESENT:
        require_clock(now, newest)
    return max(now, newest) if now_is is NowIs.BEGINNING_OF_WORK else now


def receive_time(transaction: Transaction, organization: int, revision: int) -> Instant:
    """The receive time of a revision; BEGINNING where there is none, as before the first one."""
    row = transaction.row(
        "SELECT committed_at FROM revision WHERE organization_id = :o AND revision = :revision",
        o=organization,
        revision=revision,
    )
    return BEGINNING if row is None else row[0]


def receive_times(transaction: Transaction, organization: int, revisions: Iterable[int]) -> dict[int, Instant]:
    """The receive times of revisions; those that do not exist are left out."""
    text = f"""SELECT r.revision, r.committed_at FROM {transaction.list_table("revisions", "id")} AS a
        CROSS JOIN revision r WHERE r.organization_id = :o AND r.revision = a.id"""
    return dict(transaction.rows(text, o=organization, revisions=transaction.among(revisions)))


def received_last(transaction: Transaction, organization: int) -> Instant:
    """The receive time of an organization's last revision, which is its newest; BEGINNING without any."""
    row = transaction.row(
        """SELECT r.committed_at FROM ledger l
        JOIN revision r ON r.organization_id = l.organization_id AND r.revision = l.revision
        WHERE l.organization_id = :o""",
        o=organization,
    )
    return BEGINNING if row is None else row[0]


class NewestTimes(NamedTuple):
    """The newest receive times of two ledgers; where there is only one ledger, both are its own."""

    newest: Instant
    second: Instant


def newest_receive_times(transaction: Transaction) -> NewestTimes:
    """The newest receive times; BEGINNING without any."""
    rows = transaction.rows(
        """SELECT r.committed_at FROM ledger l
        JOIN revision r ON r.organization_id = l.organization_id AND r.revision = l.revision
        ORDER BY r.committed_at DESC LIMIT 2"""
    )
    times = [row[0] for row in rows] or [BEGINNING]
    return NewestTimes(times[0], times[-1])


def require_clock(now: Instant, newest: Instant) -> None:
    """Raises ClockBehind where `now` lies before the newest receive time by more than MAX_BEHIND.

    Presses would get a receive time before that of older ones, and be corrected by the error of the clock.
    """
    behind = newest - now
    if behind > MAX_BEHIND:
        raise ClockBehind(
            "clock-behind",
            "the server's clock shows {now}, but the newest receive time is {newest}, so nothing is stored yet",
            retry_after=min(-(-(behind - MAX_BEHIND) // SECOND_MS), MAX_RETRY_SECONDS),
            now=_in_utc(now),
            newest=_in_utc(newest),
        )


def _in_utc(at: Instant) -> str:
    """An instant for people; in ms where it is beyond the years of the calendar."""
    try:
        return format_timestamp(at, 0, utc=True)
    except (ValueError, OverflowError):
        return f"{at} ms"


def restate_receive_times(transaction: Transaction, organization: int, now: Instant) -> int:
    """Sets the receive times of an organization that lie after `now` to `now`; how many there were.

    Called within the organization's ledger, so that no commit comes in between.
    """
    return transaction.run(
        "UPDATE revision SET committed_at = :now WHERE organization_id = :o AND committed_at > :now",
        o=organization,
        now=now,
    )
