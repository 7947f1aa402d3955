"""The table of periodic jobs, and of the kinds of outbox rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hymio.jobs.delivery import Handler, deliver
from hymio.jobs.run import Job, Run
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from hymio.store import jobs, outbox
from hymio.store.setup.changes import outdated_changes

KEEP_ENDED: Final = 30 * DAY_MS
"""How long done and discarded rows of the outbox, and rows of jobs that are gone, are kept."""

KEEP_SETUP_CHANGES: Final = 7 * DAY_MS
"""How long it is listed what changes touched of the set-up, for processes that have an older one in memory."""

_CHUNK: Final = 1000
"""Rows deleted in one transaction, so that presses do not wait for the others."""


def write_token_use(run: Run) -> str:
    """Writes when API tokens were last used. Idempotent: an instant replaces an earlier one."""
    written = run.environment.token_use.write(run.store)
    return f"tokens used: {written}" if written else ""


def clear_expired(run: Run) -> str:
    """Deletes what is over and kept no longer. Idempotent.

    Failed and undecided rows of the outbox stay until somebody decides them, credentials that ended stay for the audit
    log.
    """
    before, cleared = run.now() - KEEP_ENDED, 0
    for organization in outbox.clearable_organizations(run.store, before):
        while deleted := outbox.clear(run.store, organization, before, _CHUNK):
            cleared += deleted
            run.check()
    gone = jobs.forget(run.store, [job.name for job in JOBS], before)
    _forget_setup_changes(run)
    return f"rows of the outbox deleted: {cleared}, of jobs: {gone}"


def _forget_setup_changes(run: Run) -> None:
    with run.store.read() as transaction:
        outdated = outdated_changes(transaction, run.now() - KEEP_SETUP_CHANGES)
    for organization, revision in outdated:
        run.check()
        run.store.forget_setup_changes(organization, revision + 1)


HANDLERS: Final[Mapping[str, Handler]] = {}
"""How each kind of outbox row is done. Rows of other kinds wait for a version of Hymio that knows them."""

JOBS: Final = (
    Job("deliver-outbox", 2 * SECOND_MS, deliver, leased=False),
    Job("write-token-use", MINUTE_MS, write_token_use, leased=False),
    Job("clear-expired", HOUR_MS, clear_expired),
)
"""Every periodic job: name, how often in ms, function, and whether a lease chooses one process for each run."""

CONNECTIONS: Final = 2 * len(JOBS)
"""Connections to the database that the jobs of a process use at once at most: one for the work and one for renewals."""
