"""Retention: erases people's data that is older than its organization keeps it, in short commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from hymio.intake.resolving import EARLIEST
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS, SECOND_MS, Instant
from hymio.personal_data import PersonalData
from hymio.setup import END, Layout
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store import Store, personal_rows
from hymio.store.dialect import Transaction
from hymio.store.ledger import Erased
from hymio.store.personal_rows import PHASES, Age
from hymio.store.retention import retention_days

BATCH_ROWS: Final = 250
"""Rows that are erased in one commit, so that uploads wait shortly."""

PAGE_ROWS: Final = 5_000
"""Visits that are looked at together."""

GoOn = Callable[[], None]
"""Called before each commit; it raises to end the work."""


class _Rows(NamedTuple):
    """How the first rows of an age are read, up to a number of them, and how rows are erased."""

    read: Callable[[Transaction, int, Age, int], Sequence[Any]]
    erase: Callable[[Erased, Sequence[Any]], None]


def _phase(kind: PersonalData) -> _Rows:
    def read(transaction: Transaction, organization: int, age: Age, limit: int) -> Sequence[Any]:
        return personal_rows.expired_phases(transaction, organization, kind, age, limit)

    return _Rows(read, lambda erased, rows: erased.erase_phases(kind, rows))


_ROWS: Final[Mapping[PersonalData, _Rows]] = {
    **{kind: _phase(kind) for kind in PHASES},
    PersonalData.QUARANTINED_BODIES: _Rows(personal_rows.expired_bodies, Erased.erase_bodies),
    PersonalData.SMS_MESSAGES: _Rows(personal_rows.expired_messages, Erased.erase_messages),
    PersonalData.ALERT_COMMENTS: _Rows(personal_rows.expired_comments, Erased.erase_comments),
    PersonalData.AUDIT_LOG: _Rows(personal_rows.expired_audit_rows, Erased.erase_audit_rows),
}
"""All kinds but the hashes of visitors, whose table is not in order of time."""


class _Work(NamedTuple):
    """What a run works on."""

    store: Store
    layout: Layout
    now: Instant
    go_on: GoOn

    @property
    def organization(self) -> int:
        return self.layout.organization


def erase_expired(store: Store, organization: int, now: Instant, go_on: GoOn = lambda: None) -> Counter[PersonalData]:
    """Erases what an organization keeps no longer; how many rows of each kind. Idempotent: it may be ended anywhere.

    NotFound for an unknown organization.
    """
    with store.read() as transaction:
        work = _Work(store, store.layout_now(transaction, organization), now, go_on)
        kept = retention_days(transaction, organization)
    erased: Counter[PersonalData] = Counter()
    for kind, days in kept.items():
        if days is None:
            continue
        before = now - days * DAY_MS
        if kind is PersonalData.VISITOR_HASHES:
            erased[kind] = _erase_visits(work, before)
        else:
            erased[kind] = sum(_erase_rows(work, _ROWS[kind], age) for age in _ages(work, kind, before))
    return +erased


def _ages(work: _Work, kind: PersonalData, before: Instant) -> Iterator[Age]:
    """The ages of rows to erase.

    Of phases by when their press was made or, where it cannot have been made then, by when it was received.
    """
    with work.store.read() as transaction:
        through = personal_rows.last_revision_before(transaction, work.organization, before)
    if kind not in PHASES:
        yield Age(-END, before, through)
        return
    yield Age(EARLIEST, before, END)
    yield Age(-END, EARLIEST, through)
    yield Age(work.now + CLOCK_TOLERANCE + 1, END, through)


def _erase_rows(work: _Work, rows: _Rows, age: Age) -> int:
    """Erases the rows of an age, a commit for each BATCH_ROWS; how many."""
    total = 0
    while True:
        work.go_on()
        with work.store.read() as transaction:
            if not rows.read(transaction, work.organization, age, 1):
                return total
        with work.store.begin(work.organization, work.now, yielding=True) as ledger:
            some = rows.read(ledger.transaction, work.organization, age, BATCH_ROWS)
            rows.erase(ledger.erased, some)
        total += len(some)


def _erase_visits(work: _Work, before: Instant) -> int:
    """Erases the visits before an instant, but none within the longest answer interval, by which intake still judges.

    All visits are looked at, a page at a time; one that is newer by the time of the commit stays.
    """
    policies = (policy for steps in work.layout.policies.values() for _, policy in steps)
    published = (smiley.publication for smiley in work.layout.smileys.values())
    longest = max(rule.answer_interval or 0 for rule in (*policies, *published, MisusePolicy()) if rule is not None)
    before = min(before, work.now - longest * SECOND_MS)
    total, last = 0, None
    while True:
        with work.store.read() as transaction:
            page = personal_rows.visits(transaction, work.organization, last, PAGE_ROWS)
        outdated = [visit for visit in page if visit.at < before]
        for first in range(0, len(outdated), BATCH_ROWS):
            work.go_on()
            with work.store.begin(work.organization, work.now, yielding=True) as ledger:
                ledger.erased.erase_visits(outdated[first : first + BATCH_ROWS])
        total += len(outdated)
        if len(page) < PAGE_ROWS:
            return total
        last = page[-1]
