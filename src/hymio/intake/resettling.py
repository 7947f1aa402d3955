"""Acting backwards: resolving and judging stored feedback anew after the set-up was mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from hymio.feedback import Accuracy, Feedback, is_quarantined
from hymio.intake.hours import settle_hours
from hymio.intake.judging import Candidate, settle
from hymio.intake.resolving import named_survey, placed
from hymio.period import Instant
from hymio.setup import END, Layout
from hymio.store import Store, sweep
from hymio.store.ledger import Change, Ledger

PIECE = 2_000
"""Feedbacks settled in one commit."""

Progress = Callable[[int], None]
"""Told, after each commit, how many more feedbacks were looked at."""


def resettle(
    store: Store, organization: int, node: int, start: Instant, now: Instant, progress: Progress = lambda _: None
) -> int:
    """Resolves and judges anew everything from `start` on of the smileys that stood, or are stored, at or below a node.

    In pieces of PIECE feedbacks, each with its revision, while presses keep arriving. Returns how many changed.
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
        quarantines = sweep.quarantines(transaction, organization)
    return sum(_release(store, organization, each, now, progress) for each in quarantines)


def _smileys(store: Store, layout: Layout, node: int, start: Instant) -> list[int]:
    points = {point.id for point in layout.hierarchy.points(node)}
    assignments = [each.id for each in layout.assignments.values() if each.node in points]
    standing = {each.smiley for each in layout.placements if each.node in points}
    with store.read() as transaction:
        return sorted(standing | sweep.smileys_under(transaction, layout.organization, assignments, start))


def _resettle_smiley(
    store: Store, organization: int, smiley: int, start: Instant, now: Instant
) -> Iterator[tuple[int, int]]:
    with store.read() as transaction:
        # What comes meanwhile is resolved by the set-up of now, and needs no settling.
        under = sweep.assignments_of(transaction, organization, smiley, start)
    while start < END and under:
        with store.begin(organization, now, yielding=True) as ledger:
            ends = [sweep.piece_end(ledger.transaction, organization, each, start, PIECE, smiley) for each in under]
            end = min(ends, default=END)
            pieces = [_piece(ledger, smiley, each, start, end) for each in under]
            found = sorted((each for piece in pieces for each in piece), key=lambda each: each.order)
            detail = _detail(ledger, found)
            changed = settle(ledger, detail, follow=False)
            hours = settle_hours(ledger, smiley, detail, _placeholders(found))
            changed += sum(each.old != each.new for each in hours)
        yield len(found), changed
        start = end


def _release(store: Store, organization: int, quarantine: int, now: Instant, progress: Progress) -> int:
    released, start = 0, -END
    while start < END:
        with store.begin(organization, now, yielding=True) as ledger:
            end = sweep.piece_end(ledger.transaction, organization, quarantine, start, PIECE)
            found = _piece(ledger, None, quarantine, start, end)
            for smiley, theirs in groupby(sorted(found, key=lambda each: each.smiley), key=lambda each: each.smiley):
                released += _release_piece(ledger, smiley, list(theirs))
        progress(len(found))
        start = end
    return released


def _release_piece(ledger: Ledger, smiley: int, found: list[Feedback]) -> int:
    detail = _detail(ledger, found)
    settle(ledger, [each for each in detail if each.new != each.old])
    hours = settle_hours(ledger, smiley, detail, _placeholders(found))
    return sum(_is_released(each) for each in (*detail, *hours))


def _is_released(change: Change) -> bool:
    return change.old is not None and is_quarantined(change.old.verdict) and not is_quarantined(change.new.verdict)


def _piece(ledger: Ledger, smiley: int | None, assignment: int, start: Instant, end: Instant) -> list[Feedback]:
    return list(sweep.piece(ledger.transaction, ledger.organization, assignment, start, end, smiley))


def _placeholders(found: list[Feedback]) -> list[Feedback]:
    return [each for each in found if each.accuracy == Accuracy.HOUR]


def _detail(ledger: Ledger, found: list[Feedback]) -> list[Candidate]:
    """What is no placeholder, with the facts that the set-up gives it now."""
    return [_candidate(ledger, each) for each in found if each.accuracy != Accuracy.HOUR]


def _candidate(ledger: Ledger, feedback: Feedback) -> Candidate:
    named = named_survey(ledger.layout, feedback)
    return Candidate(feedback, placed(ledger.layout, feedback, named, ledger.now))
