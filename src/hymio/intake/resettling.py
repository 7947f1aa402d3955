"""Acting backwards: resolving and judging stored feedback anew after the set-up was mended."""

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
"""Feedbacks settled in one commit, about."""

Progress = Callable[[int], None]
"""Called after each commit with how many more feedbacks were looked at."""


def resettle(
    store: Store, organization: int, node: int, start: Instant, now: Instant, progress: Progress = lambda _: None
) -> int:
    """Resolves and judges anew everything from `start` on of the smileys that stood, or are stored, at or below a node.

    In pieces of PIECE_ROWS feedbacks, each with its revision, while presses keep arriving. Returns how many changed.
    """
    layout = store.layout(organization)
    changed = 0
    for smiley in _smileys(store, layout, node, start):
        for done, differing in _resettle_smiley(store, organization, smiley, start, now):
            changed += differing
            progress(done)
    return changed


def release(store: Store, organization: int, now: Instant, progress: Progress = lambda _: None) -> int:
    """Settles, like late presses, the quarantined feedback that the set-up can resolve by now. Returns how many.

    What stays in quarantine gets the reason that holds now.
    """
    with store.read() as transaction:
        keys = quarantine_keys(transaction, organization)
    return sum(_release(store, organization, key, now, progress) for key in keys)


def _smileys(store: Store, layout: Layout, node: int, start: Instant) -> list[int]:
    points = {point.id for point in layout.hierarchy.points(node)}
    assignments = [assignment.id for assignment in layout.assignments.values() if assignment.node in points]
    placed_there = {placement.smiley for point in points for placement in layout.placed_at(point)}
    with store.read() as transaction:
        return sorted(placed_there | scan.smileys_under(transaction, layout.organization, assignments, start))


def _resettle_smiley(
    store: Store, organization: int, smiley: int, start: Instant, now: Instant
) -> Iterator[tuple[int, int]]:
    """Resettles a smiley's feedback in pieces: of each, how many feedbacks there are and how many changed."""
    with store.read() as transaction:
        # What comes meanwhile is resolved by the set-up of now, and needs no settling.
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
    """Releases what is stored under one quarantine key."""
    released, start = 0, -END
    while start < END:
        with store.begin(organization, now, yielding=True) as ledger:
            end = scan.piece_end(ledger.transaction, organization, key, start, PIECE_ROWS)
            feedbacks = sorted(_piece(ledger, key, start, end), key=lambda row: row.smiley)
            for smiley, rows in groupby(feedbacks, key=lambda row: row.smiley):
                released += _release_piece(ledger, smiley, list(rows))
        progress(len(feedbacks))
        start = end
    return released


def _release_piece(ledger: Ledger, smiley: int, feedbacks: list[Feedback]) -> int:
    detail = _resolved_anew(ledger, feedbacks)
    settle(ledger, [candidate for candidate in detail if candidate.new != candidate.old])
    hours = settle_hours(ledger, smiley, detail, _placeholders(feedbacks))
    return sum(_is_released(change) for change in (*detail, *hours))


def _is_released(change: Change) -> bool:
    return change.old is not None and is_quarantined(change.old.verdict) and not is_quarantined(change.new.verdict)


def _piece(
    ledger: Ledger, assignment: int, start: Instant, end: Instant, smiley: int | None = None
) -> list[Feedback]:  # fmt: skip
    return list(scan.rows_in_order(ledger.transaction, ledger.organization, assignment, start, end, smiley))


def _placeholders(feedbacks: list[Feedback]) -> list[Feedback]:
    return [feedback for feedback in feedbacks if feedback.accuracy == Accuracy.HOUR]


def _resolved_anew(ledger: Ledger, feedbacks: list[Feedback]) -> list[Candidate]:
    """What is no placeholder, with the facts that the set-up gives it now."""
    return [
        Candidate(feedback, placed(ledger.layout, feedback, ledger.now))
        for feedback in feedbacks
        if feedback.accuracy != Accuracy.HOUR
    ]
