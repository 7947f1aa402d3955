"""Permission and audit row of resettling, release and rebuilding, which recompute stored feedback.

`hymio.intake` does the work in many commits; a caller calls the verb here first.
"""

from __future__ import annotations

from hymio.access import Permission, Principal
from hymio.manage.change import Batch, changing, instant_text
from hymio.manage.checks import check_instant
from hymio.period import Instant
from hymio.store import Store


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


def begin_rebuild(store: Store | Batch, principal: Principal, *, now: Instant) -> None:
    """Records that verdicts and hours are recomputed. Called before `intake.rebuild`.

    Forbidden unless the scope is the whole tree.
    """
    with changing(store, principal, Permission.RESETTLE, now) as change:
        change.require_whole_tree()
        change.audit("begin-rebuild", f"organization {change.ledger.organization}")
