"""Runs periodic jobs while the server runs: a thread for each waits until it is due, claims it, and logs each run."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from hymio.errors import HymioError, LeaseLost
from hymio.jobs.outcome import write_with_retries
from hymio.jobs.renewal import Renewal
from hymio.jobs.run import Environment, Job, Run, Stopping
from hymio.store import jobs
from hymio.store.jobs import JobLease
from hymio.store.lease import Outcome

log = structlog.get_logger("hymio.jobs")

FIRST_WAIT: Final = 1.0
"""Seconds from the start until leased jobs are claimed, so that a server answers requests first."""

MIN_WAIT: Final = 0.05
MAX_WAIT: Final = 30.0
"""Seconds until a job's row is read again at the latest, because another process may change it."""

RETRY_SECONDS: Final = 5.0
"""Seconds that a job waits after an error."""

STOP_SECONDS: Final = 30.0
"""Seconds that `stop` waits for runs, so that an ordinary restart does not leave an attempt (a mail that is being sent)
undecided. The leases of longer runs end by themselves, and another process begins them again."""


class Runner:
    """The jobs of one process."""

    def __init__(self, environment: Environment, table: Sequence[Job], *, first_wait: float = FIRST_WAIT) -> None:
        self._environment = environment
        self._first_wait = first_wait
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_running, args=[job], name=f"hymio-job-{job.name}", daemon=True)
            for job in table
        ]

    def start(self) -> None:
        """Starts a thread for each job."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends all runs at their next `Run.check`, and waits for them for at most STOP_SECONDS."""
        self._stopping.set()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("job still runs while the server stops", thread=thread.name)

    def _keep_running(self, job: Job) -> None:
        """Runs one job at its interval until the runner stops; after an error it waits RETRY_SECONDS."""
        wait = self._first_wait if job.leased else job.every / 1000
        is_failing = False
        while not self._stopping.wait(wait):
            try:
                wait = self._claim_and_run(job) if job.leased else self._run_here(job)
                is_failing = False
            except HymioError as error:  # logged as a warning once, not for every retry
                (log.debug if is_failing else log.warning)("job cannot run", job=job.name, detail=error.detail)
                wait, is_failing = RETRY_SECONDS, True
            except Exception as error:
                log.error("job failed", job=job.name, exc_info=error)
                wait = max(RETRY_SECONDS, job.every / 1000)

    def _run_here(self, job: Job) -> float:
        """Runs a job that needs no lease; returns the seconds until the next run."""
        try:
            detail = job.function(Run(self._environment, self._stopping))
        except Stopping:
            return 0.0
        if detail:
            log.info("job ended", job=job.name, outcome=Outcome.DONE.value, detail=detail)
        return job.every / 1000

    def _claim_and_run(self, job: Job) -> float:
        """Runs a job if it is due and free; returns the seconds until its row is read again."""
        store, terms, now = self._environment.store, self._environment.terms, self._environment.clock()
        lease = jobs.claim(store, job.name, job.every, self._environment.holder, now, terms)
        if lease is not None:
            self._run(job, lease)
            return 0.0
        state = jobs.state(store, job.name)
        if state is None:
            jobs.plan(store, job.name, job.every, now)
            return 0.0
        if state.is_exhausted(now, terms) and jobs.abandon(store, state, job.every, now, terms):
            log.error("job undecided", job=job.name, due_at=state.due_at, attempts=state.attempts)
            return 0.0
        return min(MAX_WAIT, max(MIN_WAIT, (state.claimable_at(terms) - now) / 1000))

    def _run(self, job: Job, lease: JobLease) -> None:
        """Runs a job under its lease and writes its outcome; LeaseLost is logged, because another process took over."""
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(job=job.name, due_at=lease.due_at, attempts=lease.attempts):
            try:
                outcome, detail = self._run_to_its_end(job, lease)
            except Stopping:
                self._release(lease)
            except LeaseLost as error:
                log.warning("job lost its lease", detail=error.detail)
            else:
                log.info("job ended", outcome=outcome.value, detail=detail, ms=round(1000 * (time.monotonic() - began)))

    def _release(self, lease: JobLease) -> None:
        """Ends a lease without an outcome, so that the job stays due."""
        try:
            jobs.release(self._environment.store, lease)
        except LeaseLost:
            return
        log.info("job put off", detail="the server stops")

    def _run_to_its_end(self, job: Job, lease: JobLease) -> tuple[Outcome, str]:
        """Runs a job while its lease is renewed, and writes its outcome; returns that and a detail."""
        environment = self._environment
        renewal = Renewal(
            lambda now: jobs.renew(environment.store, lease, now, environment.terms),
            lease.until,
            environment.clock,
            environment.terms,
        )
        run = Run(environment, self._stopping, lease, renewal)
        with renewal:
            try:
                outcome, detail = Outcome.DONE, job.function(run)
            except (Stopping, LeaseLost):
                raise
            except Exception as error:
                log.error("job failed", exc_info=error)
                outcome, detail, run.is_finished = Outcome.FAILED, _sentence(error), False
            if not run.is_finished:
                write_with_retries(lambda: self._finish(lease, outcome, detail))
        return outcome, detail

    def _finish(self, lease: JobLease, outcome: Outcome, detail: str) -> None:
        """Writes the outcome of a run and ends its lease. Unavailable, LeaseLost."""
        with self._environment.store.write() as transaction:
            jobs.finish(transaction, lease, outcome, detail, self._environment.clock())


def _sentence(error: Exception) -> str:
    """The text of an error for a job's outcome."""
    return error.detail if isinstance(error, HymioError) else f"{type(error).__name__}: {error}"
