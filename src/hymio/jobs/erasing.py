"""The job `erase-expired`: erases people's data that its organization keeps no longer."""

from __future__ import annotations

from collections import Counter
from typing import Final

from hymio import intake, manage
from hymio.jobs.run import Run
from hymio.period import DAY_MS
from hymio.personal_data import PersonalData
from hymio.store import jobs, purging
from hymio.store.visitor_keys import forget_keys

LONGEST_PAUSE: Final = 2 * DAY_MS
"""If the last run ended longer ago, the clock may be wrong: what it makes too old would be lost for good."""


def erase_expired(run: Run) -> str:
    """Erases what is too old in all organizations and old visitor keys, then purges the file of SQLite. Idempotent.

    A run long after the last one erases nothing: if the clock was set years ahead by mistake, somebody has until the
    next run to set it right.
    """
    if run.lease is not None and (pause := _pause(run, run.lease.name)) > LONGEST_PAUSE:
        return f"nothing erased: the clock is {pause // DAY_MS} days after the last run; the next run will erase"
    erased: Counter[PersonalData] = Counter()
    for organization in manage.organizations(run.store):
        run.check()
        erased += intake.erase_expired(run.store, organization.id, run.now(), run.check)
    forget_keys(run.store, run.now() // DAY_MS)
    return "; ".join(filter(None, [_rows(erased), purged_text(purging.purge(run.store))]))


def _pause(run: Run, job: str) -> int:
    """The ms since the last run ended; 0 before the first."""
    state = jobs.state(run.store, job)
    return 0 if state is None or state.finished_at is None else run.now() - state.finished_at


def _rows(erased: Counter[PersonalData]) -> str:
    """How many rows were erased, in words."""
    numbers = ", ".join(f"{kind.value} {number}" for kind, number in erased.items())
    return f"rows erased: {numbers}" if numbers else ""


def purged_text(purged: purging.Purged) -> str:
    """What is left to do in the file of SQLite, in words; empty if nothing is."""
    left = [f"hymio db vacuum is due, for {', '.join(purged.too_large)}"] if purged.too_large else []
    if not purged.is_log_empty:
        left.append("the log of SQLite is read by somebody and will be emptied by the next run")
    return "; ".join(left)
