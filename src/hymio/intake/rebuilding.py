"""Rebuild: replaces verdicts, placeholders and hours by those computed from feedback, in pieces, one commit each."""

from __future__ import annotations

from operator import sub
from typing import NamedTuple, TypeVar

from hymio.feedback import is_raw
from hymio.intake.agreement import agrees, counts_if_right
from hymio.intake.hour_reports import settle_placeholders
from hymio.intake.recount import MAX_REPORTS, GroupPieces, Judges, Progress, Reported, recounted_key
from hymio.period import HOUR_MS, Instant
from hymio.rollup import AssignmentHour, Counts, GroupHour, no_counts
from hymio.setup import END
from hymio.store import Store, scan
from hymio.store.ledger import Change, Ledger

PIECE_ROWS = 5_000
"""About how many feedbacks are recounted in one commit."""


Key = TypeVar("Key", AssignmentHour, GroupHour)


class Rebuilt(NamedTuple):
    """The number of wrong verdicts, and of wrong hours of assignments and groups, that were replaced."""

    verdicts: int
    hours: int


class _Piece(NamedTuple):
    """The number of raw results in a piece of an assignment, of verdicts and of hours that were replaced."""

    rows: int
    verdicts: int
    hours: int


def rebuild(store: Store, organization: int, now: Instant, progress: Progress = lambda _: None) -> Rebuilt:
    """Replaces wrong verdicts, placeholders and hours, in pieces, while presses keep arriving.

    Correct hours and sealed ones stay as they are.
    """
    verdicts, hours = _rebuild_placeholders(store, organization, now), 0
    for assignment in sorted(store.layout(organization).assignments):
        rebuilt = _rebuild_assignment(store, organization, assignment, now, progress)
        verdicts, hours = verdicts + rebuilt.verdicts, hours + rebuilt.hours
    return Rebuilt(verdicts, hours + _rebuild_groups(store, organization, now))


def _rebuild_placeholders(store: Store, organization: int, now: Instant) -> int:
    """Corrects all placeholders; returns how many were wrong."""
    restored, after = 0, (0, -1, -1)
    while True:
        with store.begin(organization, now, yielding=True) as ledger:
            reports = scan.hour_reports(ledger.transaction, organization, after, MAX_REPORTS)
            for smiley, report in reports:
                settled = settle_placeholders(ledger, smiley, report)
                restored += sum(change.old != change.new for change in settled)
        if len(reports) < MAX_REPORTS:
            return restored
        smiley, last = reports[-1]
        after = (smiley, last.epoch, last.first)


def _rebuild_assignment(store: Store, organization: int, assignment: int, now: Instant, progress: Progress) -> Rebuilt:
    """Corrects the verdicts and hours of an assignment; only reads them, without making uploads wait, if right."""
    reported = Reported(progress)
    with store.read() as transaction:
        if agrees(transaction, store.layout_now(transaction, organization), assignment, reported.add):
            return Rebuilt(0, 0)
    return _rebuild_pieces(store, organization, assignment, now, reported.again())


def _rebuild_pieces(store: Store, organization: int, assignment: int, now: Instant, progress: Progress) -> Rebuilt:
    """Corrects the verdicts and hours of an assignment in pieces, each in a commit."""
    verdicts = hours = 0
    start = -END
    while start < END:
        with store.begin(organization, now, yielding=True) as ledger:
            begin = max(start, scan.raw_from(ledger.transaction, organization))
            end = scan.piece_end(ledger.transaction, organization, assignment, begin, PIECE_ROWS)
            end = END if end == END else max(end, begin + HOUR_MS)
            piece = _rebuild_piece(ledger, assignment, begin, end)
        progress(piece.rows)
        verdicts, hours = verdicts + piece.verdicts, hours + piece.hours
        start = end
    return Rebuilt(verdicts, hours)


def _rejudge_piece(ledger: Ledger, assignment: int, start: Instant, end: Instant) -> int:
    """Restates the wrong verdicts of a piece; returns their number. The caller corrects the hours afterwards."""
    judges = Judges(ledger.layout, assignment)
    window = ledger.layout.judging_window(assignment)
    changes = []
    for feedback in scan.rows_in_order(ledger.transaction, ledger.organization, assignment, start - window, end):
        if feedback.at < start:
            judges.replay(feedback)
        elif (right := judges.rejudged(feedback)) != feedback:
            changes.append(Change(feedback, right))
    ledger.restate(changes)
    return len(changes)


def _rebuild_piece(ledger: Ledger, assignment: int, start: Instant, end: Instant) -> _Piece:
    """Corrects the verdicts of presses in [start, end), and the hours that start there."""
    verdicts = 0
    counted = counts_if_right(ledger.transaction, ledger.layout, assignment, start, end)
    if counted is None:
        # The last hour may end after the piece; the verdicts of its presses must be corrected before it is counted.
        verdicts = _rejudge_piece(ledger, assignment, start, end + HOUR_MS)
        counted = _counted(ledger, assignment, start, end)
    stored = dict(scan.assignment_hours(ledger.transaction, ledger.organization, assignment, start, end))
    differences = _differences(counted, stored)
    ledger.hours.add_assignment_hours(differences)
    return _Piece(sum(map(sum, counted.values())), verdicts, len(differences))


def _counted(ledger: Ledger, assignment: int, start: Instant, end: Instant) -> dict[AssignmentHour, Counts]:
    """What the hours of an assignment that start in [start, end) must count."""
    hours: dict[AssignmentHour, Counts] = {}
    for feedback in scan.rows_in_order(ledger.transaction, ledger.organization, assignment, start, end + HOUR_MS):
        if is_raw(feedback.verdict) and start <= (key := recounted_key(feedback)).starts_at < end:
            hours.setdefault(key, no_counts())[feedback.button] += 1
    return hours


def _rebuild_groups(store: Store, organization: int, now: Instant) -> int:
    """Corrects the hours of all groups; returns how many differed. Pieces that are right are only read."""
    with store.read() as transaction:
        pieces = GroupPieces(transaction, organization)
    restored = 0
    while True:
        with store.read() as transaction:
            piece = pieces.next(transaction, store.layout_now(transaction, organization))
        if piece is None:
            return restored
        if any(piece.differing()):
            with store.begin(organization, now, yielding=True) as ledger:
                piece = pieces.again(ledger.transaction, ledger.layout)
                differences = _differences(piece.expected, piece.stored)
                ledger.hours.add_group_hours(differences)
            restored += len(differences)


def _differences(expected: dict[Key, Counts], stored: dict[Key, Counts]) -> dict[Key, Counts]:
    """What must be added to the stored hours. Hours are never deleted, because their revision records the change."""
    differences = {}
    for key, right in expected.items():
        wrong = stored.get(key)
        if wrong != right:
            differences[key] = right if wrong is None else list(map(sub, right, wrong))
    for key in stored.keys() - expected.keys():
        if any(stored[key]):
            differences[key] = [-count for count in stored[key]]
    return differences
