"""Divides a large upload into slices, each small enough for one commit, and joins their receipts into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from hymio.feedback import HourReport, Receipt, Upload

SLICE_ROWS = 1_000
"""An upload that takes more rows (`count_rows`) is stored in slices of at most so many presses."""

T = TypeVar("T")


def count_rows(upload: Upload) -> int:
    """About how many rows an upload takes: one for each press, also of an hour report, and for each range of `lost`."""
    return len(upload.presses) + len(upload.unusable) + len(upload.lost) + sum(map(_presses_of, upload.hours))


def slices_of(upload: Upload, most: int = SLICE_ROWS) -> list[Upload]:
    """Divides an upload into uploads of at most `most` presses, in order; an hour report stays whole.

    The first slice has the clock and the health. The last one has `reported_through` and `lost`: what they say of all
    presses is true only once all are stored. The others need the `correction` of the first one's receipt.
    """
    bare = Upload(upload.smiley, correction=upload.correction)
    slices = [bare._replace(presses=presses) for presses in _runs(upload.presses, most)]
    slices += [bare._replace(unusable=unusable) for unusable in _runs(upload.unusable, most)]
    slices += [bare._replace(hours=hours) for hours in _hours(upload.hours, most)]
    slices = slices or [bare]
    slices[0] = slices[0]._replace(clock=upload.clock, health=upload.health)
    slices[-1] = slices[-1]._replace(reported_through=upload.reported_through, lost=upload.lost)
    return slices


def joined(before: Receipt, after: Receipt) -> Receipt:
    """The receipt of consecutive slices of one upload: numbers are added; of an epoch the later one says how far."""
    return after._replace(
        stored=before.stored + after.stored,
        duplicates=before.duplicates + after.duplicates,
        quarantined=before.quarantined + after.quarantined,
        acknowledged=tuple(sorted({**dict(before.acknowledged), **dict(after.acknowledged)}.items())),
    )


def _runs(items: Sequence[T], most: int) -> Iterator[tuple[T, ...]]:
    """Runs of at most `most` items."""
    for start in range(0, len(items), most):
        yield tuple(items[start : start + most])


def _hours(reports: Iterable[HourReport], most: int) -> Iterator[tuple[HourReport, ...]]:
    """Runs of hour reports with at most `most` presses together, or of one report that has more."""
    run: list[HourReport] = []
    presses = 0
    for report in reports:
        if run and presses + _presses_of(report) > most:
            yield tuple(run)
            run, presses = [], 0
        run.append(report)
        presses += _presses_of(report)
    if run:
        yield tuple(run)


def _presses_of(report: HourReport) -> int:
    """How many presses an hour report counts."""
    return sum(report.counts)
