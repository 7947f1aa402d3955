"""Resettling, and release from quarantine: resolves and judges stored feedback again by the current set-up.

No change of the set-up starts either by itself; `hymio resettle` and `hymio quarantine release` do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from hymio.feedback import Accuracy, Feedback, is_quarantined
from hymio.intake.hour_reports import settle_hours
from hymio.intake.judging import Candidate, settle
from hymio.intake.resolving import placed
from hymio.period import Instant
from hymio.setup import END, Layout
from hymio.store import Store, scan
from hymio.store.ledger import Change, Ledger
from hymio.store.quarantine import quarantine_keys

PIECE_ROWS = 2_000
"""Approximate number of feedbacks in one commit."""

Progress = Callable[[int], None]
"""Called after each commit with the number of feedbacks that it processed."""


def resettle(
    store: Store, organization: int, node: int, start: Instant, now: Instant, progress: Progress = lambda _: None
) -> int:
    """Resolves and judges again all feedback from `start` on of the smileys with a placement or feedback below a node.

    It commits batches of about PIECE_ROWS feedbacks, so presses may keep arriving. Returns the number of changed ones.
    """
    layout = store.layout(organization)
    changed = 0
    for smiley in _smileys(store, layout, node, start):
        for done, differing in _resettle_smiley(store, organization, smiley, start, now):
            changed += differing
            progress(done)
    return changed


def release(store: Store, organization: int, now: Instant, progress: Progress = lambda _: None) -> int:
    """Resolves and judges quarantined feedback again by the current set-up; returns the number released.

    Feedback that stays in quarantine gets its current reason.
    """
    with store.read() as transaction:
        keys = quarantine_keys(transaction, organization)
    return sum(_release(store, organization, key, now, progress) for key in keys)


def can_release(store: Store, organization: int, now: Instant) -> bool:
    """Whether `release` would release any feedback; what it tries is rolled back."""
    with store.read() as transaction:
        keys = quarantine_keys(transaction, organization)
    return any(_can_release(store, organization, key, now) for key in keys)


def _can_release(store: Store, organization: int, key: int, now: Instant) -> bool:
    """Whether feedback of one quarantine key would be released; it stops at the first piece with such feedback."""
    start = -END
    while start < END:
        try:
            with store.begin(organization, now, yielding=True) as ledger:
                end, _, released = _release_until(ledger, key, start)
                raise _RolledBack
        except _RolledBack:
            if released:
                return True
        start = end
    return False


class _RolledBack(Exception):
    """Ends a transaction without a commit."""


def _smileys(store: Store, layout: Layout, node: int, start: Instant) -> list[int]:
    """The smileys with a placement at a point of the subtree, or with feedback there from `start` on."""
    points = {point.id for point in layout.hierarchy.points(node)}
    assignments = [assignment.id for assignment in layout.assignments.values() if assignment.node in points]
    placed_there = {placement.smiley for point in points for placement in layout.placed_at(point)}
    with store.read() as transaction:
        return sorted(placed_there | scan.smileys_under(transaction, layout.organization, assignments, start))


def _resettle_smiley(
    store: Store, organization: int, smiley: int, start: Instant, now: Instant
) -> Iterator[tuple[int, int]]:
    """Resettles a smiley's feedback in batches; yields the number of feedbacks and of changed ones of each."""
    with store.read() as transaction:
        # Presses that arrive meanwhile are resolved by the current set-up and need no settling.
        under = scan.assignments_of(transaction, organization, smiley, start)
    while start < END and under:
        with store.begin(organization, now, yielding=True) as ledger:
            end = min(
                scan.piece_end(ledger.transaction, organization, assignment, start, PIECE_ROWS, smiley)
                for assignment in under
            )
            pieces = [_piece(ledger, assignment, start, end, smiley) for assignment in under]
            feedbacks = sorted((feedback for piece in pieces for feedback in piece), key=lambda row: row.order)
            detail = _resolved_anew(ledger, feedbacks)
            changed = settle(ledger, detail, follow=False)
            hours = settle_hours(ledger, smiley, detail, _placeholders(feedbacks))
            changed += sum(change.old != change.new for change in hours)
        yield len(feedbacks), changed
        start = end


def _release(store: Store, organization: int, key: int, now: Instant, progress: Progress) -> int:
    """Releases the feedback that has one quarantine key (the survey that its presses named)."""
    released, start = 0, -END
    while start < END:
        with store.begin(organization, now, yielding=True) as ledger:
            start, done, count = _release_until(ledger, key, start)
        released += count
        progress(done)
    return released


def _release_until(ledger: Ledger, key: int, start: Instant) -> tuple[Instant, int, int]:
    """Releases a batch of a quarantine key from `start` on: the batch's end, and how many it had and released."""
    end = scan.piece_end(ledger.transaction, ledger.organization, key, start, PIECE_ROWS)
    feedbacks = sorted(_piece(ledger, key, start, end), key=lambda row: row.smiley)
    of_smileys = groupby(feedbacks, key=lambda row: row.smiley)
    return end, len(feedbacks), sum(_release_piece(ledger, smiley, list(rows)) for smiley, rows in of_smileys)


def _release_piece(ledger: Ledger, smiley: int, feedbacks: list[Feedback]) -> int:
    """Releases feedback of one smiley within a commit; returns the number released."""
    detail = _resolved_anew(ledger, feedbacks)
    settle(ledger, [candidate for candidate in detail if candidate.new != candidate.old])
    hours = settle_hours(ledger, smiley, detail, _placeholders(feedbacks))
    return sum(_is_released(change) for change in (*detail, *hours))


def _is_released(change: Change) -> bool:
    """Whether a feedback leaves quarantine by a change."""
    return change.old is not None and is_quarantined(change.old.verdict) and not is_quarantined(change.new.verdict)


def _piece(ledger: Ledger, assignment: int, start: Instant, end: Instant, smiley: int | None = None) -> list[Feedback]:
    """The feedback of an assignment or quarantine key in [start, end), in order of time."""
    return list(scan.rows_in_order(ledger.transaction, ledger.organization, assignment, start, end, smiley))


def _placeholders(feedbacks: list[Feedback]) -> list[Feedback]:
    """The placeholders among feedbacks."""
    return [feedback for feedback in feedbacks if feedback.accuracy == Accuracy.HOUR]


def _resolved_anew(ledger: Ledger, feedbacks: list[Feedback]) -> list[Candidate]:
    """The feedbacks that are not placeholders, resolved by the current set-up."""
    return [
        Candidate(feedback, placed(ledger.layout, feedback, ledger.now))
        for feedback in feedbacks
        if feedback.accuracy != Accuracy.HOUR
    ]
