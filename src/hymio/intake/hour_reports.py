"""Hours reported by SMS: placeholders, which detailed presses replace, whichever of the two arrives first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hymio.feedback import (
    Accuracy,
    Feedback,
    HourReport,
    QuarantineNotice,
    UnusablePress,
    Verdict,
    is_device_key,
    is_quarantined,
    is_raw,
    placeholder_of,
    placeholder_sequence,
)
from hymio.intake.resolving import placed_hour
from hymio.misuse import hour_verdict
from hymio.period import Instant
from hymio.setup import Layout
from hymio.store.ledger import Change, Ledger

MAX_COUNT = (1 << 16) - 1
"""Maximum presses of one button in an hour report."""

_LAST_BUTTON = 15


class HourRows(NamedTuple):
    """The stored feedback of an hour: detailed presses with sequences of its report, and its placeholders."""

    detail: Sequence[Feedback]
    placeholders: Sequence[Feedback]


class Moment(NamedTuple):
    """What a placeholder is resolved with: the layout, and the revision and instant of the commit."""

    layout: Layout
    revision: int
    now: Instant


def take_hour_report(ledger: Ledger, smiley: int, report: HourReport) -> tuple[QuarantineNotice, ...] | UnusablePress:
    """Stores an hour report; returns its quarantined presses, or the report as unusable if it contradicts another.

    Reports of the same hour (same first sequence) are merged by the larger count of each button, so that repeated and
    reordered messages give the same result.
    """
    stored = ledger.hour_reports.overlapping(smiley, report.epoch, report.first, max(report.end, report.first + 1))
    same_hour = next((other for other in stored if other.first == report.first), None)
    merged = report if same_hour is None else _larger(same_hour, report)
    overlapping = ledger.hour_reports.overlapping(smiley, report.epoch, merged.first, max(merged.end, merged.first + 1))
    overlaps_another = any(other.first != report.first for other in overlapping)
    if merged.at != report.at or overlaps_another or max(merged.counts) > MAX_COUNT:
        return _refused(report)
    if merged.end == merged.first:
        return ()
    ledger.hour_reports.put(smiley, merged)
    has_new_offset = same_hour is not None and same_hour.offset != merged.offset
    return _in_quarantine(report, settle_placeholders(ledger, smiley, merged, anew=has_new_offset))


def settle_placeholders(ledger: Ledger, smiley: int, report: HourReport, *, anew: bool = False) -> list[Change]:
    """Updates the placeholders of an hour by its report and the stored detailed presses; returns them all.

    With `anew` they are resolved again; without it a counted one keeps its assignment.
    """
    stored = _stored_rows(ledger, smiley, report)
    moment = Moment(ledger.layout, ledger.revision, ledger.now)
    changes = list(placeholders(moment, smiley, report, stored, anew=anew))
    ledger.write([change for change in changes if change.old != change.new])
    return changes


def settle_hours(ledger: Ledger, smiley: int, detail: Iterable[Change], stored: Iterable[Feedback]) -> list[Change]:
    """Updates the placeholders of hours after changes, and returns all of them.

    The hours are those of the `stored` placeholders, which are resolved again, and those of presses in `detail` that
    became raw results or no longer are.
    """
    firsts = {(placeholder.epoch, placeholder_of(placeholder.sequence)[0]) for placeholder in stored}
    anew = [report for epoch, first in firsts for report in _reports(ledger, smiley, epoch, (first,))]
    others = [report for report in _reports_of(ledger, smiley, detail) if (report.epoch, report.first) not in firsts]
    changes = [settle_placeholders(ledger, smiley, report, anew=True) for report in anew]
    changes += [settle_placeholders(ledger, smiley, report) for report in others]
    return [change for of_hour in changes for change in of_hour]


def _reports_of(ledger: Ledger, smiley: int, detail: Iterable[Change]) -> Iterator[HourReport]:
    """The reports that include the sequence of a press that became a raw result or no longer is one."""
    by_epoch: dict[int, list[int]] = {}
    for old, new in detail:
        if is_device_key(new.epoch) and (old is None or is_raw(old.verdict) != is_raw(new.verdict)):
            by_epoch.setdefault(new.epoch, []).append(new.sequence)
    for epoch, sequences in by_epoch.items():
        yield from _reports(ledger, smiley, epoch, sequences)


def _reports(ledger: Ledger, smiley: int, epoch: int, sequences: Sequence[int]) -> list[HourReport]:
    """The reports that overlap the range of these sequences."""
    return ledger.hour_reports.overlapping(smiley, epoch, min(sequences), max(sequences) + 1)


def placeholders(
    moment: Moment, smiley: int, report: HourReport, stored: HourRows, *, anew: bool = False
) -> Iterator[Change]:
    """The placeholders of an hour as changes from the stored one (None if it is not stored) to the correct one.

    A placeholder that is a raw result keeps its assignment, unless `anew` is set. Only detailed presses that are raw
    results replace placeholders: a quarantined press is not counted, so it must not reduce the counted ones.
    """
    detail = Counter(feedback.button for feedback in stored.detail if feedback.is_assigned)
    by_sequence = {feedback.sequence: feedback for feedback in stored.placeholders}
    for button, standing in enumerate(standing_counts(report, detail)):
        resolved = _placeholder(moment, smiley, report, button)
        for ordinal in range(report.counts[button]):
            sequence = placeholder_sequence(report.first, button, ordinal)
            old = by_sequence.get(sequence)
            candidate = resolved._replace(sequence=sequence) if anew or old is None else old
            yield Change(old, _settled(moment.layout, old, candidate, resolved, stands=ordinal < standing))


def placeholder_range(first: int) -> range:
    """The sequences of all possible placeholders of the hour whose report begins with sequence `first`."""
    return range(placeholder_sequence(first, _LAST_BUTTON, MAX_COUNT), placeholder_sequence(first, 0, 0) + 1)


def standing_counts(report: HourReport, detail: Counter[int]) -> list[int]:
    """The number of placeholders of each button that are not replaced: a detailed press replaces one of its button.

    If there are more detailed presses of a button than the report has, the total is limited to the number of sequences
    without a detailed press; the most positive buttons lose placeholders first.
    """
    standing = [max(0, count - detail[button]) for button, count in enumerate(report.counts)]
    excess = sum(standing) - max(0, sum(report.counts) - detail.total())
    for button in reversed(range(len(standing))):
        surplus = min(max(excess, 0), standing[button])
        standing[button] -= surplus
        excess -= surplus
    return standing


def _stored_rows(ledger: Ledger, smiley: int, report: HourReport) -> HourRows:
    """The stored detailed presses and placeholders of a report."""
    sequences = placeholder_range(report.first)
    return HourRows(
        ledger.rows.numbered(smiley, report.epoch, report.first, report.end),
        ledger.rows.numbered(smiley, report.epoch, sequences.start, sequences.stop),
    )


def _refused(report: HourReport) -> UnusablePress:
    """A report that contradicts a stored one, for quarantine."""
    body = json.dumps({"at": report.at, "counts": report.counts}, separators=(",", ":"))
    return UnusablePress(report.epoch, report.first, Verdict.CONFLICT, body)


def _larger(stored: HourReport, received: HourReport) -> HourReport:
    """The two reports of an hour merged by the larger count of each button, and the larger offset."""
    width = max(len(stored.counts), len(received.counts))
    padded = [tuple(report.counts) + (0,) * (width - len(report.counts)) for report in (stored, received)]
    offset = max((report.offset for report in (stored, received) if report.offset is not None), default=None)
    return stored._replace(counts=tuple(map(max, *padded)), offset=offset)


def _placeholder(moment: Moment, smiley: int, report: HourReport, button: int) -> Feedback:
    """A placeholder that stands, resolved by the current set-up and not judged yet; its sequence is still 0."""
    unplaced = Feedback(
        smiley=smiley, epoch=report.epoch, sequence=0, at=report.at, offset=0, correction=0, button=button,
        accuracy=int(Accuracy.HOUR), finding=0, assignment=0, verdict=int(Verdict.COUNTED), revision=moment.revision,
    )  # fmt: skip
    return placed_hour(moment.layout, unplaced, report, moment.now)


def _settled(
    layout: Layout, old: Feedback | None, candidate: Feedback, resolved: Feedback, *, stands: bool
) -> Feedback:
    """A placeholder with its correct verdict: superseded unless it `stands`.

    One that was superseded and stands now is resolved again; `resolved` is a placeholder of its button as of now.
    """
    if not stands:
        settled = candidate._replace(verdict=int(Verdict.SUPERSEDED))
    elif candidate.verdict == Verdict.SUPERSEDED:
        settled = _judged(layout, resolved._replace(sequence=candidate.sequence))
    else:
        settled = _judged(layout, candidate)
    return settled if old is None else settled._replace(revision=old.revision)


def _judged(layout: Layout, placeholder: Feedback) -> Feedback:
    """A placeholder that stands with the verdict of its hour; one in quarantine keeps its reason."""
    if not placeholder.is_assigned:
        return placeholder
    policies = layout.policies_of(placeholder.assignment, placeholder.smiley)
    return placeholder._replace(verdict=int(hour_verdict(placeholder, policies)))


def _in_quarantine(report: HourReport, changes: Iterable[Change]) -> tuple[QuarantineNotice, ...]:
    """The number of quarantined placeholders by reason, for the receipt."""
    reasons = Counter(change.new.verdict for change in changes if is_quarantined(change.new.verdict))
    return tuple(
        QuarantineNotice(report.epoch, report.first, Verdict(reason), presses=reasons[reason])
        for reason in sorted(reasons)
    )
