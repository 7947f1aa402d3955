"""Repairs: permission and audit row of resettling, release, rebuilding and imports, and wrong receive times.

Feedback is recomputed by `hymio.intake` in many commits; a caller calls the verb here first.
"""

from __future__ import annotations

from hymio.access import Permission, Principal
from hymio.manage.change import Batch, changing, instant_text
from hymio.manage.checks import check_instant
from hymio.manage.smileys import require_smiley
from hymio.period import Instant
from hymio.store import Store
from hymio.store.receive_time import restate_receive_times


def begin_resettle(store: Store | Batch, principal: Principal, node: int, since: Instant, *, now: Instant) -> None:
    """Records that feedback at a node and below it, from an instant on, is resolved and judged again.

    Called before `intake.resettle`. Forbidden; NotFound for a node outside the scope; SetupError for an instant
    beyond 2**62 ms.
    """
    with changing(store, principal, Permission.RESETTLE, now, node=node) as change:
        check_instant(since)
        change.audit("begin-resettle", f"node {node}", node=node, new={"from": instant_text(since)})


def begin_release(store: Store | Batch, principal: Principal, *, now: Instant) -> None:
    """Records that quarantined feedback is resolved again. Called before `intake.release`.

    Forbidden unless the scope is the whole tree.
    """
    with changing(store, principal, Permission.RESETTLE, now) as change:
        change.require_whole_tree()
        change.audit("begin-release", f"organization {change.ledger.organization}")


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
