"""Divides a large upload into slices, each small enough for one commit, and joins their receipts into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hymio.feedback import Health, HourReport, Receipt, Upload


class Place(NamedTuple):
    """How much of an upload is stored: its first presses, unusable presses and hour reports."""

    presses: int = 0
    unusable: int = 0
    hours: int = 0


def count_rows(upload: Upload) -> int:
    """About how many rows an upload takes: one for each press, also of an hour report, and for each range of `lost`."""
    return len(upload.presses) + len(upload.unusable) + len(upload.lost) + sum(map(_presses_of, upload.hours))


def slice_at(upload: Upload, place: Place, most: int) -> tuple[Upload, Place]:
    """The part of an upload that follows a place, with at most `most` presses, and the place after it.

    An hour report stays whole, even with more. The first slice has the clock and the health. The last one has
    `reported_through` and `lost`: what they say of all presses is true only once all are stored. The others need the
    `correction` of the first one's receipt.
    """
    presses = upload.presses[place.presses : place.presses + most]
    unusable = upload.unusable[place.unusable : place.unusable + most - len(presses)]
    taken = len(presses) + len(unusable)
    hours = upload.hours[place.hours : place.hours + _fitting(upload.hours[place.hours :], most - taken, taken == 0)]
    after = Place(place.presses + len(presses), place.unusable + len(unusable), place.hours + len(hours))
    is_first, is_last = place == Place(), is_end(upload, after)
    part = Upload(
        upload.smiley,
        presses,
        hours,
        unusable,
        clock=upload.clock if is_first else None,
        reported_through=upload.reported_through if is_last else None,
        lost=upload.lost if is_last else (),
        health=upload.health if is_first else Health(),
        correction=upload.correction,
    )
    return part, after


def is_end(upload: Upload, place: Place) -> bool:
    """Whether nothing of an upload follows a place."""
    return place == Place(len(upload.presses), len(upload.unusable), len(upload.hours))


def joined(before: Receipt, after: Receipt) -> Receipt:
    """The receipt of consecutive slices of one upload: numbers are added; of an epoch the later one says how far."""
    return after._replace(
        new=before.new + after.new,
        held=before.held + after.held,
        duplicates=before.duplicates + after.duplicates,
        quarantined=before.quarantined + after.quarantined,
        acknowledged=tuple(sorted({**dict(before.acknowledged), **dict(after.acknowledged)}.items())),
    )


def _fitting(reports: Sequence[HourReport], most: int, at_least_one: bool) -> int:
    """How many of the first hour reports have at most `most` presses together; one if there must be."""
    count = presses = 0
    for report in reports:
        presses += _presses_of(report)
        if presses > most and (count or not at_least_one):
            break
        count += 1
    return count


def _presses_of(report: HourReport) -> int:
    """How many presses an hour report counts."""
    return sum(report.counts)
