"""Verbs for rows of the outbox that failed or are undecided: a person retries or discards them."""

from __future__ import annotations

from hymio.access import Permission, Principal
from hymio.manage.change import Batch, changing
from hymio.period import Instant
from hymio.store import Store
from hymio.store.lease import Outcome
from hymio.store.outbox import OutboxId


def retry_outbox_row(store: Store | Batch, principal: Principal, id: OutboxId, *, now: Instant) -> Outcome:  # noqa: A002
    """Makes a failed or undecided row due again; returns its outcome so far. NotFound, Conflict, Forbidden.

    An undecided row may thereby be done twice.
    """
    with changing(store, principal, Permission.CHANGE_OUTBOX, now) as change:
        change.require_whole_tree()
        before = change.ledger.outbox.retry(id)
        change.audit("retry-outbox-row", f"outbox row {id}", old=before.value, new="waiting")
        return before


def discard_outbox_row(store: Store | Batch, principal: Principal, id: OutboxId, *, now: Instant) -> Outcome:  # noqa: A002
    """Discards a failed or undecided row; returns its outcome so far. NotFound, Conflict, Forbidden."""
    with changing(store, principal, Permission.CHANGE_OUTBOX, now) as change:
        change.require_whole_tree()
        before = change.ledger.outbox.discard(id)
        change.audit("discard-outbox-row", f"outbox row {id}", old=before.value, new=Outcome.DISCARDED.value)
        return before
