"""Repairs: permission and audit row of resettling, release, rebuilding and imports, and wrong receive times.

Feedback is recomputed by `hymio.intake` in many commits; a caller calls the verb here first.
"""

from __future__ import annotations

from hymio.access import Permission, Principal
from hymio.errors import NotFound
from hymio.feedback import Verdict
from hymio.manage.change import Batch, changing, instant_text
from hymio.manage.checks import check_instant
from hymio.manage.smileys import require_smiley
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog import rows
from hymio.store.catalog.dismissals import delete_dismissals, dismiss
from hymio.store.quarantine import smileys_in_quarantine
from hymio.store.receive_time import restate_receive_times


def begin_resettle(store: Store | Batch, principal: Principal, node: int, since: Instant, *, now: Instant) -> None:
    """Records that feedback at a node and below it, from an instant on, is resolved and judged again.

    Called before `intake.resettle`. Forbidden; NotFound for a node outside the scope; SetupError for an instant
    beyond 2**62 ms.
    """
    with changing(store, principal, Permission.RESETTLE, now, node=node) as change:
        check_instant(since)
        # Presses that go into quarantine now keep the revision in which they were stored, before that of a dismissal.
        delete_dismissals(change.ledger)
        change.audit("begin-resettle", f"node {node}", node=node, new={"from": instant_text(since)})


def begin_release(store: Store | Batch, principal: Principal, *, now: Instant) -> None:
    """Records that quarantined feedback is resolved again. Called before `intake.release`.

    Forbidden unless the scope is the whole tree.
    """
    with changing(store, principal, Permission.RESETTLE, now) as change:
        change.require_whole_tree()
        change.audit("begin-release", f"organization {change.ledger.organization}")


def dismiss_quarantined(
    store: Store | Batch,
    principal: Principal,
    smiley: int | None = None,
    reason: Verdict | None = None,
    *,
    now: Instant,
) -> int:
    """Leaves presses that are in quarantine, of a smiley or reason or all, out of listings; how many they are.

    They stay stored, and are counted if a release or resettle resolves them; a resettle lists all again. Forbidden
    unless the scope is the whole tree; NotFound for an unknown smiley.
    """
    with changing(store, principal, Permission.RESETTLE, now) as change:
        change.require_whole_tree()
        if smiley is not None and not rows.exists(change.ledger, "smiley", smiley):
            raise NotFound("unknown-smiley", "there is no smiley {smiley}", smiley=smiley)
        chosen = [
            count
            for count in smileys_in_quarantine(change.ledger.transaction, change.ledger.organization)
            if smiley in (None, count.smiley) and (reason is None or count.reason == reason)
        ]
        presses = sum(count.presses for count in chosen)
        if chosen:
            dismiss(change.ledger, chosen)
            new = {"smiley": smiley, "reason": None if reason is None else reason.label, "presses": presses}
            change.audit("dismiss-quarantined", f"organization {change.ledger.organization}", new=new)
        return presses


def begin_import(store: Store | Batch, principal: Principal, smiley: int, *, now: Instant) -> None:
    """Records that presses of a smiley are taken from a file. Called before they are recorded.

    Forbidden unless the scope is the whole tree; NotFound.
    """
    with changing(store, principal, Permission.DELIVER_FEEDBACK, now) as change:
        change.require_whole_tree()
        require_smiley(change, smiley)
        change.audit("begin-import", f"smiley {smiley}")


def begin_rebuild(store: Store | Batch, principal: Principal, *, now: Instant) -> None:
    """Records that verdicts and hours are recomputed. Called before `intake.rebuild`.

    Forbidden unless the scope is the whole tree.
    """
    with changing(store, principal, Permission.RESETTLE, now) as change:
        change.require_whole_tree()
        change.audit("begin-rebuild", f"organization {change.ledger.organization}")


def accept_clock(store: Store | Batch, principal: Principal, *, now: Instant) -> int:
    """Takes `now` as right although receive times of the ledger lie after it: they become `now`; how many there were.

    A clock that was ahead leaves such receive times behind, and intake waits until they have passed. Forbidden below
    the root.
    """
    with changing(store, principal, Permission.ACCEPT_CLOCK, now) as change:
        change.require_whole_tree()
        ledger = change.ledger
        if ledger.received_at <= now:
            return 0
        restated = restate_receive_times(ledger.transaction, ledger.organization, now) - 1  # without this commit's own
        new = {"receiveTimes": restated, "now": instant_text(now)}
        old = {"newest": instant_text(ledger.received_at)}
        change.audit("accept-clock", f"organization {ledger.organization}", old=old, new=new)
        return restated
