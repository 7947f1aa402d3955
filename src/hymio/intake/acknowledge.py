"""Acknowledgement: the highest sequence of each epoch up to which no sequence is missing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from hymio.feedback import SequenceRange, UnusablePress, Upload, Verdict, is_device_key
from hymio.store.ledger import EpochProgress, Ledger

_ROWS_AT_ONCE = 1_000
"""Stored rows that are read in one statement after a gap of sequences is filled."""


def acknowledge(
    ledger: Ledger, upload: Upload, sequences: Mapping[int, list[int]], unusable: Sequence[UnusablePress]
) -> tuple[tuple[int, int], ...]:
    """Advances the device epochs of an upload; returns pairs of epoch and acknowledged sequence.

    `sequences` are those of its presses by epoch, `upload.hours` the stored hour reports, `unusable` the presses
    without a feedback row. Sequences that were declared lost, reported by SMS or unreadable are not missing.
    """
    received = {epoch: set(numbers) for epoch, numbers in sequences.items() if is_device_key(epoch)}
    ranges = _merged_by_epoch([*upload.lost, *_of_hours(upload), *_of_unreadable(unusable)])
    ledger.progress.account(
        upload.smiley, [SequenceRange(epoch, *span) for epoch in sorted(ranges) for span in ranges[epoch]]
    )
    acknowledged = []
    for epoch in sorted(received.keys() | ranges.keys()):
        lasts = [last for _, last in ranges.get(epoch, ())]
        acknowledged.append((epoch, advance(ledger, upload.smiley, epoch, received.get(epoch, set()), lasts)))
    return tuple(acknowledged)


def _merged_by_epoch(ranges: Iterable[SequenceRange]) -> dict[int, list[tuple[int, int]]]:
    """Ranges (first, last) by epoch, in order; overlapping and adjacent ones are merged."""
    by_epoch: dict[int, list[tuple[int, int]]] = {}
    for epoch, first, last in ranges:
        by_epoch.setdefault(epoch, []).append((first, last))
    return {epoch: _merged(spans) for epoch, spans in by_epoch.items()}


def _of_hours(upload: Upload) -> list[SequenceRange]:
    """The sequences of hour reports."""
    return [
        SequenceRange(report.epoch, report.first, report.end - 1)
        for report in upload.hours
        if report.end > report.first
    ]


def _of_unreadable(unusable: Iterable[UnusablePress]) -> list[SequenceRange]:
    """The sequences of unreadable presses."""
    return [
        SequenceRange(entry.epoch, entry.sequence, entry.sequence)
        for entry in unusable
        if entry.sequence > 0 and entry.reason is Verdict.UNREADABLE
    ]


def advance(ledger: Ledger, smiley: int, epoch: int, received: set[int], lasts: Sequence[int] = ()) -> int:
    """Stores an epoch's progress and returns its acknowledged sequence.

    `received` are the sequences of the upload's presses, `lasts` the ends of its other ranges that are not missing.
    """
    before = ledger.progress.of_epoch(smiley, epoch)
    has_stored_beyond = before.highest > before.through
    is_accounted = bool(lasts) or has_stored_beyond
    ranges = _merged(ledger.progress.accounted(smiley, epoch, before.through + 1)) if is_accounted else []
    through = _walk(ledger, smiley, epoch, before.through, received, ranges, has_stored_beyond=has_stored_beyond)
    after = EpochProgress(through, max([before.highest, *received, *lasts]))
    if after != before:
        ledger.progress.advance(smiley, epoch, after)
    return through


def _walk(
    ledger: Ledger,
    smiley: int,
    epoch: int,
    through: int,
    received: set[int],
    ranges: Sequence[tuple[int, int]],
    *,
    has_stored_beyond: bool,
) -> int:
    """The highest sequence up to which, after `through`, every one is received now, stored, or in `ranges`."""
    firsts = [first for first, _ in ranges]
    stored: set[int] = set()
    while True:
        while through + 1 in received:
            through += 1
        following = through + 1
        covering = bisect_right(firsts, following) - 1
        if covering >= 0 and ranges[covering][1] >= following:
            through = ranges[covering][1]
        elif following in stored:
            through = following
        elif has_stored_beyond and ledger.rows.with_sequences(smiley, epoch, (following,)):
            rows = ledger.rows.numbered(smiley, epoch, following, following + _ROWS_AT_ONCE)
            stored = {feedback.sequence for feedback in rows}
        else:
            return through


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges (first, last) in order; overlapping and adjacent ones are merged."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged
