"""The latest presses of one smiley, for whoever installs it."""

from __future__ import annotations

from typing import Final

from hymio.access import Principal
from hymio.errors import NotFound
from hymio.feedback import Verdict
from hymio.period import DAY_MS, Instant
from hymio.results.subject import open_view
from hymio.store import Store
from hymio.store.latest import LatestPress, latest_presses
from hymio.store.rows import Phase

_SINCE_MS: Final = DAY_MS


def latest(store: Store, principal: Principal, smiley: int, now: Instant, limit: int) -> list[LatestPress]:
    """At most `limit` presses of the day until now of what the smiley asks now, with misuse and tests, latest first.

    Forbidden without the permission to read results; NotFound outside the scope.
    """
    with open_view(store, principal, Phase.BUTTON) as view:
        placement = view.layout.placement(smiley, now)
        if placement is None or not principal.reaches(view.layout.hierarchy, placement.node):
            raise NotFound("unknown-smiley", "there is no smiley {smiley}", smiley=smiley)
        resolved = view.layout.resolve(smiley, now)
        if isinstance(resolved, Verdict):
            return []
        keys = principal.organization, resolved.assignment.id, smiley
        return latest_presses(view.transaction, *keys, now - _SINCE_MS, limit)
