"""The basis of a report: the state and the moment that it depends on, which are read before it is built.

A report that is built at the moment of its basis has the same bytes whenever it is built again on the same basis.
"""

from __future__ import annotations

from typing import NamedTuple

from hymio import results
from hymio.access import Principal
from hymio.hierarchy import BEGINNING
from hymio.period import Instant, local_day, wall_of
from hymio.report.query import ReportQuery
from hymio.results import Revisions
from hymio.store import Store


class Basis(NamedTuple):
    """What a report depends on besides its query and its reader.

    `moment` is the `now` to build it with: when what it shows last changed, which is the last commit or, if that was on
    an earlier date, the beginning of today in the zone of the node. For an older revision it is that revision's commit.
    """

    revisions: Revisions
    moment: Instant


def basis_of(store: Store, principal: Principal, query: ReportQuery, now: Instant) -> Basis:
    """The basis of a report, from a few short statements.

    NotFound, with the same text, for a node that does not exist or is outside the scope.
    """
    revisions = results.revision(store, principal)
    layout = store.layout(principal.organization)
    principal.require_node(layout.hierarchy, query.node)
    if query.as_of is not None and query.as_of <= revisions.revision:
        committed = results.committed_at(store, principal, query.as_of)
        if committed != BEGINNING:
            return Basis(revisions, committed)
    zone = layout.zone_of(query.node, now)
    return Basis(revisions, max(revisions.received_at, local_day(wall_of(now, zone).date(), zone).start))
