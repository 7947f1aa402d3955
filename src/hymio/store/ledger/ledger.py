"""The write transaction of one organization. Only one commit of an organization runs at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hymio.period import Instant
from hymio.setup import Content, Layout, Part
from hymio.store.dialect import Transaction
from hymio.store.hours import group_keys
from hymio.store.ledger.changed_days import ChangedDays
from hymio.store.ledger.erased import Erased
from hymio.store.ledger.hour_reports import HourReports
from hymio.store.ledger.hours import HourDifferences
from hymio.store.ledger.phase_rows import PhaseRows
from hymio.store.ledger.progress import SmileyProgress
from hymio.store.ledger.rows import Change, FeedbackRows
from hymio.store.ledger.visits import Visits
from hymio.store.outbox import Outbox
from hymio.store.setup import SetupInCommit


class Ledger:
    """What one commit of an organization reads and writes; made by `open_ledger`, which writes what is still in memory.

    `rows` are the feedback rows, `phases` their phases, `hours` the differences of hourly counts, `progress` the epochs
    and states of smileys, `hour_reports` their reports by SMS, `visits` when visitors last answered, `setup` the layout
    and content with the changes of this commit, `outbox` what must follow from the commit, `erased` what is erased of
    people's data, `changed_days` the days whose feedback changes where no hour does. `received_at` is the receive time
    of the commit: `now`, or that of an earlier commit if it is later.
    """

    def __init__(
        self, transaction: Transaction, setup: SetupInCommit, revision: int, now: Instant, received_at: Instant
    ) -> None:
        organization = setup.layout.organization
        self.transaction = transaction
        self.setup = setup
        self.organization = organization
        self.revision = revision
        self.now = now
        self.received_at = received_at
        self.rows = FeedbackRows(transaction, organization, revision)
        self.phases = PhaseRows(transaction, organization, revision)
        self.hours = HourDifferences(transaction, organization, revision)
        self.progress = SmileyProgress(transaction, organization, revision, now)
        self.hour_reports = HourReports(transaction, organization)
        self.visits = Visits(transaction, organization)
        self.outbox = Outbox(transaction, organization, revision, now)
        self.changed_days = ChangedDays(transaction, organization, revision)
        self.erased = Erased(transaction, organization, revision, self.changed_days)

    @property
    def layout(self) -> Layout:
        """What resolving a press needs, as this transaction sees it."""
        return self.setup.layout

    @property
    def content(self) -> Content:
        """Questions and follow-up questions with their texts, as this transaction sees them."""
        return self.setup.content

    def changed(self, part: Part, identity: int) -> None:
        """Notes that this commit changed a row of the set-up. The commit checks it, and readers read it again."""
        self.setup.changed(part, identity)

    def write(self, changes: Sequence[Change]) -> int:
        """Appends new feedback, restates changed feedback, updates the hours; returns the number of rows written."""
        added = [new for old, new in changes if old is None]
        self.rows.append(added)
        self.hours.count(added, 1)
        if len(added) == len(changes):
            return len(added)
        changed = [change for change in changes if change.old is not None and change.old != change.new]
        self.restate(changed)
        self.hours.count([change.old for change in changed if change.old is not None], -1)
        self.hours.count([change.new for change in changed], 1)
        return len(added) + len(changed)

    def restate(self, changes: Sequence[Change]) -> None:
        """Restates changed feedback and notes its days; the hours stay as they are."""
        self.rows.restate(changes)
        for change in changes:
            for feedback in change:
                if feedback is not None:
                    self.changed_days.note(feedback.assignment, feedback.at)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """If the `with` block raises, undoes all that it wrote or noted in memory, and nothing else. Not nested."""
        rows, progress, hours = self.rows.snapshot(), self.progress.snapshot(), self.hours.set_aside()
        visits = self.visits.snapshot()
        try:
            with self.setup.savepoint(), self.transaction.savepoint():
                yield
        except BaseException:
            self.rows.restore(rows)
            self.progress.restore(progress)
            self.hours.restore(hours)
            self.visits.restore(visits)
            raise
        self.hours.merge(hours)

    def _flush(self) -> None:
        """Writes what is in memory; first it checks a set-up that was changed (SetupError)."""
        self.setup.flush()
        self.rows.flush()
        self.hours.flush(group_keys(self.layout))
        self.progress.flush()
        self.visits.flush()
        self.changed_days.flush()


@contextmanager
def open_ledger(
    transaction: Transaction, setup: SetupInCommit, revision: int, now: Instant, received_at: Instant
) -> Iterator[Ledger]:
    """A ledger; what it has in memory is written at the end of the `with` block, unless that raised."""
    ledger = Ledger(transaction, setup, revision, now, received_at)
    yield ledger
    ledger._flush()  # noqa: SLF001  private, because callers must not write before the end
