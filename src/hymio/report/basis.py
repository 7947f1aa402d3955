"""The basis of a report: the state and the moment that it depends on, which are read before it is built.

A report that is built at the moment of its basis has the same bytes whenever it is built again on the same basis.
"""

from __future__ import annotations

from typing import NamedTuple

from hymio.access import Principal
from hymio.hierarchy import BEGINNING
from hymio.period import MINUTE_MS, Instant, local_day, wall_of
from hymio.report.completeness import silent_smileys
from hymio.report.minimum import minimum_of
from hymio.report.query import ReportQuery, compared_dates, dates_of
from hymio.results import LastChange, NodeReader, open_node
from hymio.store import Store

SETUP_MS = 2 * MINUTE_MS
"""After this time a change of the set-up acts (decision 13), and a report is made anew."""


class Basis(NamedTuple):
    """What a report depends on besides its query and its reader.

    `moment` is the `now` to build it with: when what it shows last changed or, if that was on an earlier date, the
    beginning of today in the zone of the node. `change` is the last change to what it shows, for an older revision and
    where answers are withheld the last commit. `progress` is how far smileys have reported in its period, and which are
    silent.
    """

    change: LastChange
    moment: Instant
    progress: tuple[object, ...]


def basis_of(store: Store, principal: Principal, query: ReportQuery, now: Instant) -> Basis:
    """The basis of a report, from a few short statements. Raises as `report.build` does."""
    with open_node(store, principal, query.node, now, query.as_of) as reader:
        change = shown_change(reader, query, now)
        if not reader.is_present and reader.made_at() != BEGINNING:
            return Basis(change, reader.made_at(), ())
        zone = reader.zone()
        today = local_day(wall_of(now, zone).date(), zone).start
        acted = reader.setup_changed_at() + SETUP_MS
        moment = max(change.received_at, today, acted if acted <= now else BEGINNING)
        end = reader.last_instant(dates_of(query.period, wall_of(now, zone).date()))
        return Basis(change, moment, (reader.reported_until(end), silent_smileys(reader, moment)))


def shown_change(reader: NodeReader, query: ReportQuery, now: Instant) -> LastChange:
    """The last change to what a report shows, which is the revision that it names.

    For an older revision, and where answers are withheld, which depends on those of other nodes, the last commit.
    """
    asked = {row.survey for row in reader.assignments()}
    is_withheld = any(minimum_of(reader, reader.layout.surveys[survey]) > 1 for survey in asked)
    if is_withheld or not reader.is_present:
        return reader.last_commit()
    dates = dates_of(query.period, wall_of(now, reader.zone()).date())
    periods = [dates] if query.compare is None else [dates, compared_dates(dates, query.compare)]
    return reader.last_change(periods)
