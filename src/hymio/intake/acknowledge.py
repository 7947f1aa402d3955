"""Acknowledging: the sequence of each epoch through which nothing is missing, so that the smiley may forget it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from hymio.feedback import Misfit, SequenceRange, Upload, Verdict, is_device_key
from hymio.store.ledger import EpochProgress, Ledger

_WALKED = 1_000
"""Stored sequences that are read at a time when a gap closes."""


def acknowledge(
    ledger: Ledger, upload: Upload, sequences: Mapping[int, list[int]], misfits: Sequence[Misfit]
) -> tuple[tuple[int, int], ...]:
    """Advances each device epoch of an upload; pairs of epoch and the sequence through which nothing is missing.

    `upload.hours` are those that were taken, `sequences` those of its presses by epoch, `misfits` its presses that got
    no feedback row. Sequences that were lost, told by SMS or unreadable are accounted for.
    """
    told = {epoch: set(numbers) for epoch, numbers in sequences.items() if is_device_key(epoch)}
    ranges = [*upload.lost, *_of_hours(upload), *_of_unreadable(misfits)]
    epochs = sorted(set(told) | {span.epoch for span in ranges})
    merged = {epoch: _merged((span.first, span.last) for span in ranges if span.epoch == epoch) for epoch in epochs}
    ledger.progress.account(
        upload.smiley, [SequenceRange(epoch, *span) for epoch in epochs for span in merged[epoch]]
    )  # fmt: skip
    return tuple(
        (epoch, _advance(ledger, upload.smiley, epoch, told.get(epoch, set()), [last for _, last in merged[epoch]]))
        for epoch in epochs
    )


def _of_hours(upload: Upload) -> list[SequenceRange]:
    return [
        SequenceRange(report.epoch, report.first, report.end - 1)
        for report in upload.hours
        if report.end > report.first
    ]  # fmt: skip


def _of_unreadable(misfits: Iterable[Misfit]) -> list[SequenceRange]:
    return [
        SequenceRange(misfit.epoch, misfit.sequence, misfit.sequence)
        for misfit in misfits
        if misfit.sequence > 0 and misfit.reason is Verdict.UNREADABLE
    ]


def _advance(ledger: Ledger, smiley: int, epoch: int, told: set[int], lasts: Sequence[int]) -> int:
    """Stores an epoch's new progress; gives its `through`. `lasts` end the ranges that were accounted for just now."""
    before = ledger.progress.of_epoch(smiley, epoch)
    has_stored_beyond = before.highest > before.through
    is_accounted = bool(lasts) or has_stored_beyond
    ranges = _merged(ledger.progress.accounted(smiley, epoch, before.through + 1)) if is_accounted else []
    through = _walk(ledger, smiley, epoch, before.through, told, ranges, has_stored_beyond=has_stored_beyond)
    after = EpochProgress(through, max([before.highest, *told, *lasts]))
    if after != before:
        ledger.progress.advance(smiley, epoch, after)
    return through


def _walk(
    ledger: Ledger,
    smiley: int,
    epoch: int,
    through: int,
    told: set[int],
    ranges: Sequence[tuple[int, int]],
    *,
    has_stored_beyond: bool,
) -> int:
    """Goes on from sequence to sequence while each is told now, stored before, or accounted for in `ranges`."""
    firsts = [first for first, _ in ranges]
    stored: set[int] = set()
    while True:
        while through + 1 in told:
            through += 1
        following = through + 1
        covering = bisect_right(firsts, following) - 1
        if covering >= 0 and ranges[covering][1] >= following:
            through = ranges[covering][1]
        elif following in stored:
            through = following
        elif has_stored_beyond and ledger.rows.with_sequences(smiley, epoch, (following,)):
            rows = ledger.rows.numbered(smiley, epoch, following, following + _WALKED)
            stored = {feedback.sequence for feedback in rows}
        else:
            return through


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges (first, last) in order, those that overlap or touch made one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged
