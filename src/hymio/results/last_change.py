"""The last revision that changed what results show of a range: what entity tags of answers about it are made from."""

from __future__ import annotations

from typing import NamedTuple

from hymio.access import Principal
from hymio.period import Instant, InstantRange
from hymio.results.reader import Within, hours_of
from hymio.results.subject import RowSubject, ScopedSubject, View, in_scope, open_view
from hymio.store import Store
from hymio.store.last_change import last_change_of_feedback, last_change_of_setup
from hymio.store.receive_time import receive_time


class LastChange(NamedTuple):
    """A revision, and its receive time: after a restore the same revision is another commit."""

    revision: int
    received_at: Instant


def last_change(store: Store, principal: Principal, subject: RowSubject, within: InstantRange) -> LastChange:
    """The last revision that changed feedback of a subject in a range, or anything that `manage` changes.

    Forbidden without the permission to read results; NotFound for a subject that does not exist or is outside the
    scope.
    """
    with open_view(store, principal) as view:
        return change_in_view(view, in_scope(view, subject), within)


def change_in_view(view: View, subject: ScopedSubject, within: Within) -> LastChange:
    """`last_change` of a subject within an open view; of ranges by zone, in all of them together."""
    revision = last_change_of_setup(view.transaction, view.organization)
    ranges = [within] if isinstance(within, InstantRange) else list(within.values())
    if ranges and subject.assignments:
        start, end = min(one.start for one in ranges), max(one.end for one in ranges)
        source = hours_of(view, subject).source
        of_feedback = view.transaction, view.organization, source, subject.assignments, start, end
        revision = max(revision, last_change_of_feedback(*of_feedback))
    return LastChange(revision, receive_time(view.transaction, view.organization, revision))
