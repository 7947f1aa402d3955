"""The table of periodic jobs, and of the kinds of outbox rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from hymio import manage
from hymio.jobs.backing_up import back_up
from hymio.jobs.delivery import Handler, deliver
from hymio.jobs.erasing import erase_expired
from hymio.jobs.run import Job, Run
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from hymio.settings import Settings
from hymio.store import jobs, outbox
from hymio.store.setup.changes import outdated_changes

KEEP_ENDED: Final = 30 * DAY_MS
"""How long done and discarded rows of the outbox, and rows of jobs that no longer exist, are stored, in ms."""

KEEP_SETUP_CHANGES: Final = 7 * DAY_MS
"""How long the list of changed rows of the set-up is stored, by which processes update their caches, in ms."""

_CHUNK: Final = 1000
"""At most this many rows are deleted in one transaction, so that uploads need not wait long."""


def write_token_use(run: Run) -> str:
    """Writes when API tokens were last used. Idempotent: an instant replaces an earlier one."""
    tokens = run.environment.token_use.write(run.store)
    return f"tokens used: {tokens}" if tokens else ""


def clear_expired(run: Run) -> str:
    """Deletes old rows of the outbox, of jobs and of changes of the set-up, and ended sessions and links. Idempotent.

    Failed and undecided rows of the outbox stay until people decide them; ended credentials stay for the audit log.
    """
    before, cleared = run.now() - KEEP_ENDED, 0
    for organization in outbox.clearable_organizations(run.store, before):
        while deleted := outbox.clear(run.store, organization, before, _CHUNK):
            cleared += deleted
            run.check()
    jobs_deleted = jobs.forget(run.store, [BACKUP, *(job.name for job in JOBS)], before)
    _forget_setup_changes(run)
    sessions = _clear_sessions(run)
    return f"rows of the outbox deleted: {cleared}, of jobs: {jobs_deleted}, sessions and links: {sessions}"


def _clear_sessions(run: Run) -> int:
    """Deletes ended sessions, one-time links and, after KEEP_ENDED, shared links of all organizations."""
    cleared = 0
    for organization in manage.organizations(run.store):
        run.check()
        cleared += manage.clear_sessions(run.store, organization.id, run.now())
        cleared += manage.clear_links(run.store, organization.id, run.now() - KEEP_ENDED)
    return cleared


def _forget_setup_changes(run: Run) -> None:
    """Deletes lists of changed rows that are older than KEEP_SETUP_CHANGES."""
    with run.store.read() as transaction:
        outdated = outdated_changes(transaction, run.now() - KEEP_SETUP_CHANGES)
    for organization, revision in outdated:
        run.check()
        run.store.forget_setup_changes(organization, revision + 1)


HANDLERS: Final[Mapping[str, Handler]] = {}
"""The handlers of the outbox by kind. Rows of other kinds wait for a version of Hymio that has a handler."""

JOBS: Final = (
    Job("deliver-outbox", 2 * SECOND_MS, deliver, leased=False),
    Job("write-token-use", MINUTE_MS, write_token_use, leased=False),
    Job("clear-expired", HOUR_MS, clear_expired),
    Job("erase-expired", 6 * HOUR_MS, erase_expired),
)
"""Every periodic job: name, how often in ms, function, and whether a lease chooses one process for each run."""

BACKUP: Final = "backup"
"""The job that only some settings have."""


OF_EVERY_PROCESS: Final = frozenset({"write-token-use"})
"""Jobs that write what their process alone knows."""


def periodic_jobs(settings: Settings, process: int = 0) -> tuple[Job, ...]:
    """The jobs of a server with these settings; of its processes, the first one has them, the others what they must."""
    if process:
        return tuple(job for job in JOBS if job.name in OF_EVERY_PROCESS)
    if not settings.backup_hours:
        return JOBS
    return (*JOBS, Job(BACKUP, settings.backup_hours * HOUR_MS, partial(back_up, settings)))


CONNECTIONS: Final = 2 * (len(JOBS) + 1)
"""Connections to the database that the jobs of a process use at once at most: one for the work and one for renewals."""
