"""Delivers the outbox: claims a row, calls the handler of its kind under a lease, and writes the outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final

import structlog

from hymio.errors import HymioError, LeaseLost
from hymio.jobs.outcome import write_with_retries
from hymio.jobs.renewal import Renewal
from hymio.jobs.run import Environment, Run
from hymio.period import Instant
from hymio.store import Store, outbox
from hymio.store.lease import Outcome
from hymio.store.outbox import Claim

log = structlog.get_logger("hymio.jobs")

MAX_IN_TURN: Final = 16
"""Rows of an organization that are attempted before those of the next one."""

MAX_OVERDUE: Final = 8
"""Handlers that may hang at the same time; with so many, no row is claimed until one of them ends."""

_THREAD_NAME: Final = "hymio-outbox-row"


class TryAgain(Exception):
    """Raised by a handler that knows that nothing was done: the row is attempted again later. The text is shown."""


class Refused(Exception):
    """Raised by a handler that knows that nothing was done and never will be: the row has failed. The text is shown."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt at a row of the outbox, as its handler sees it."""

    environment: Environment
    claim: Claim
    renewal: Renewal

    @property
    def store(self) -> Store:
        """The database."""
        return self.environment.store

    @property
    def payload(self) -> dict[str, Any]:
        """What was put into the outbox."""
        return self.claim.payload

    @property
    def key(self) -> str:
        """An idempotency key for receivers: the same in every attempt at this row, and different for all other rows."""
        return f"{self.claim.organization}.{self.claim.id}"

    def now(self) -> Instant:
        """The present, in ms UTC."""
        return self.environment.clock()

    def check(self) -> None:
        """Raises LeaseLost if another process may have begun this row; to be called before an irreversible step."""
        self.renewal.check()


@dataclass(frozen=True, slots=True)
class Handler:
    """How rows of a kind are done: `function` returns what it did in a few words, or raises TryAgain or Refused.

    If the process ends during an attempt, or the function raises anything else, it is unknown whether it was done: a
    row of an idempotent kind is then attempted again, any other becomes undecided, for people to decide. So it is if a
    function is not done after `max_seconds`: nothing interrupts it, but its lease ends and the next row is attempted.
    """

    function: Callable[[Delivery], str]
    idempotent: bool
    max_seconds: float = 120.0


def deliver(run: Run) -> str:
    """Attempts all due rows of the outbox, organizations in turn; returns their number in words."""
    handlers, environment = run.environment.handlers, run.environment
    kinds = {kind: handler.idempotent for kind, handler in handlers.items()}
    attempted, progressed = 0, True
    while progressed:
        organizations = outbox.waiting_organizations(run.store, kinds, run.now(), environment.terms)
        counts = [_deliver_some(run, organization, kinds) for organization in organizations]
        attempted += sum(counts)
        progressed = any(counts)
    return f"rows attempted: {attempted}" if attempted else ""


def _deliver_some(run: Run, organization: int, kinds: dict[str, bool]) -> int:
    """Attempts up to MAX_IN_TURN rows of an organization, the oldest first; returns their number."""
    environment = run.environment
    for id_ in outbox.mark_undecided(run.store, organization, kinds, run.now(), environment.terms):
        log.error("outbox row undecided", organization=organization, id=str(id_))
    for attempted in range(MAX_IN_TURN):
        run.check()
        if _overdue() >= MAX_OVERDUE:
            log.error("outbox waits", detail=f"{MAX_OVERDUE} handlers hang")
            return attempted
        claim = outbox.claim(run.store, organization, kinds, environment.holder, run.now(), environment.terms)
        if claim is None:
            return attempted
        _attempt(run, claim)
    return MAX_IN_TURN


def _attempt(run: Run, claim: Claim) -> None:
    """Calls the handler of a claimed row while its lease is renewed, and writes and logs the outcome."""
    environment, handler = run.environment, run.environment.handlers[claim.kind]
    entry = {"organization": claim.organization, "id": str(claim.id), "kind": claim.kind, "attempts": claim.attempts}
    renewal = Renewal(
        lambda now: outbox.renew(environment.store, claim, now, environment.terms),
        claim.until,
        environment.clock,
        environment.terms,
    )
    with structlog.contextvars.bound_contextvars(**entry), renewal:
        outcome, detail = _outcome(handler, Delivery(environment, claim, renewal))
        try:
            write_with_retries(lambda: _write(run, claim, outcome, detail))
        except LeaseLost as error:
            log.warning("outbox row lost its lease", detail=error.detail)
        else:
            log.info("outbox row attempted", outcome=outcome.value if outcome else "put back", detail=detail)


def _outcome(handler: Handler, delivery: Delivery) -> tuple[Outcome | None, str]:
    """The outcome of an attempt (None if the row is to be attempted again), and a detail."""
    try:
        return Outcome.DONE, _result(handler, delivery)
    except TryAgain as error:
        return None, str(error)
    except Refused as error:
        return Outcome.FAILED, str(error)
    except Exception as error:
        log.error("outbox row failed", exc_info=error)
        detail = error.detail if isinstance(error, HymioError) else f"{type(error).__name__}: {error}"
        return (None if handler.idempotent else Outcome.UNDECIDED), detail


def _result(handler: Handler, delivery: Delivery) -> str:
    """What a handler did, which runs in a thread of its own. TimeoutError if it is not done in time; what it raises."""
    future, context = Future[str](), copy_context()

    def call() -> None:
        """Runs the handler and hands over its result or what it raised."""
        try:
            future.set_result(context.run(handler.function, delivery))
        except BaseException as error:  # noqa: BLE001  whatever it is, the waiting thread raises it
            future.set_exception(error)

    threading.Thread(target=call, name=_THREAD_NAME, daemon=True).start()
    try:
        return future.result(handler.max_seconds)
    except TimeoutError:
        if future.done():
            raise
        raise TimeoutError(f"not done after {handler.max_seconds:g} s") from None


def _overdue() -> int:
    """How many handlers still run in threads that nobody waits for, called between two attempts."""
    return sum(thread.name == _THREAD_NAME for thread in threading.enumerate())


def _write(run: Run, claim: Claim, outcome: Outcome | None, detail: str) -> None:
    """Writes an outcome and ends the lease; without an outcome the row is attempted again. Unavailable, LeaseLost."""
    if outcome is None:
        outbox.put_back(run.store, claim, detail, run.now())
    else:
        outbox.finish(run.store, claim, outcome, detail, run.now())
