"""Hours told by SMS: placeholders that give way to the detail when it comes, in whatever order the two come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from hymio.feedback import (
    Accuracy,
    Feedback,
    HourReport,
    Quarantined,
    Verdict,
    is_device_key,
    is_quarantined,
    is_raw,
    placeholder_of,
    placeholder_sequence,
)
from hymio.intake.resolving import placed_hour
from hymio.store.ledger import Change, Ledger

MAX_COUNT = (1 << 16) - 1
"""Presses of one button that an hour can tell of."""

_LAST_BUTTON = 15


def take_hour_report(ledger: Ledger, smiley: int, report: HourReport) -> tuple[Quarantined, ...] | None:
    """Merges an hour's report into what is known of the hour; None if it contradicts another and is left out.

    A later report of the same hour (same first sequence) may know more presses: of each button the larger count
    stands, so that repeated and reordered messages give the same result. Says which presses wait in quarantine.
    """
    known = ledger.hour_reports(smiley, report.epoch, report.first, max(report.end, report.first + 1))
    same = next((each for each in known if each.first == report.first), None)
    merged = report if same is None else _larger(same, report)
    around = ledger.hour_reports(smiley, report.epoch, merged.first, max(merged.end, merged.first + 1))
    if merged.at != report.at or any(each.first != report.first for each in around) or max(merged.counts) > MAX_COUNT:
        return None
    if merged.end == merged.first:
        return ()
    ledger.put_hour_report(smiley, merged)
    anew = same is not None and same.offset != merged.offset
    return _waiting(report, settle_placeholders(ledger, smiley, merged, anew=anew))


def settle_placeholders(ledger: Ledger, smiley: int, report: HourReport, *, anew: bool = False) -> list[Change]:
    """Makes the placeholders of an hour what its report and the stored detail say they are; gives all of them."""
    found = list(placeholders(ledger, smiley, report, anew=anew))
    ledger.write([change for change in found if change.old != change.new])
    return found


def settle_hours(ledger: Ledger, smiley: int, detail: Iterable[Change], stored: Iterable[Feedback]) -> list[Change]:
    """Settles the hours of stored placeholders anew, and those whose detail became a raw result or no longer is one."""
    firsts = {(each.epoch, placeholder_of(each.sequence)[0]) for each in stored}
    anew = {(epoch, first): _reports(ledger, smiley, epoch, (first,)) for epoch, first in firsts}
    others = [each for each in _told_of(ledger, smiley, detail) if (each.epoch, each.first) not in anew]
    changes = [settle_placeholders(ledger, smiley, each, anew=True) for found in anew.values() for each in found]
    changes += [settle_placeholders(ledger, smiley, each) for each in others]
    return [change for found in changes for change in found]


def _told_of(ledger: Ledger, smiley: int, detail: Iterable[Change]) -> Iterator[HourReport]:
    """The hours that told of presses which became raw results, or no longer are."""
    by_epoch: dict[int, list[int]] = {}
    for old, new in detail:
        if is_device_key(new.epoch) and (old is None or is_raw(old.verdict) != is_raw(new.verdict)):
            by_epoch.setdefault(new.epoch, []).append(new.sequence)
    for epoch, sequences in by_epoch.items():
        yield from _reports(ledger, smiley, epoch, sequences)


def _reports(ledger: Ledger, smiley: int, epoch: int, sequences: Sequence[int]) -> list[HourReport]:
    return ledger.hour_reports(smiley, epoch, min(sequences), max(sequences) + 1)


def placeholders(ledger: Ledger, smiley: int, report: HourReport, *, anew: bool = False) -> Iterator[Change]:
    """The placeholders of an hour, each as it is stored and as it should be.

    One that stands keeps the facts that it was stored with, unless all are asked for `anew`. Only detail that is a raw
    result takes the place of one: what waits in quarantine is not counted, and must not uncount what was told.
    """
    numbered = ledger.numbered(smiley, report.epoch, report.first, report.end)
    detail = Counter(each.button for each in numbered if each.assignment > 0)
    stored = {each.sequence: each for each in _stored(ledger, smiley, report)}
    for button, standing in enumerate(standing_counts(report, detail)):
        fresh = _placeholder(ledger, smiley, report, button)
        for ordinal in range(report.counts[button]):
            sequence = placeholder_sequence(report.first, button, ordinal)
            old = stored.get(sequence)
            known = fresh._replace(sequence=sequence) if anew or old is None else old
            yield Change(old, _settled(old, known, fresh, stands=ordinal < standing))


def standing_counts(report: HourReport, detail: Counter[int]) -> list[int]:
    """How many placeholders of each button still stand: a detailed press takes one of its own button.

    Where the detail contradicts the report (more of a button than it told of), no more stand in all than there are
    sequences without detail; the most positive buttons give way first.
    """
    standing = [max(0, count - detail[button]) for button, count in enumerate(report.counts)]
    excess = sum(standing) - max(0, sum(report.counts) - detail.total())
    for button in reversed(range(len(standing))):
        given = min(max(excess, 0), standing[button])
        standing[button] -= given
        excess -= given
    return standing


def _larger(one: HourReport, other: HourReport) -> HourReport:
    width = max(len(one.counts), len(other.counts))
    padded = [tuple(each.counts) + (0,) * (width - len(each.counts)) for each in (one, other)]
    offset = max((each.offset for each in (one, other) if each.offset is not None), default=None)
    return one._replace(counts=tuple(map(max, *padded)), offset=offset)


def _stored(ledger: Ledger, smiley: int, report: HourReport) -> list[Feedback]:
    lowest = placeholder_sequence(report.first, _LAST_BUTTON, MAX_COUNT)
    highest = placeholder_sequence(report.first, 0, 0)
    return ledger.numbered(smiley, report.epoch, lowest, highest + 1)


def _placeholder(ledger: Ledger, smiley: int, report: HourReport, button: int) -> Feedback:
    """A placeholder that stands, with the facts that the set-up gives it now."""
    key, when = (smiley, report.epoch, 0), (report.at, 0, 0)
    plain = Feedback(*key, *when, button, int(Accuracy.HOUR), 0, 0, int(Verdict.COUNTED), ledger.revision)
    return placed_hour(ledger.layout, plain, report, ledger.now)


def _settled(old: Feedback | None, known: Feedback, fresh: Feedback, *, stands: bool) -> Feedback:
    """A placeholder with its right verdict; one that stands again gets the facts of now."""
    if not stands:
        known = known._replace(verdict=int(Verdict.SUPERSEDED))
    elif known.verdict == Verdict.SUPERSEDED:
        known = fresh._replace(sequence=known.sequence)
    elif known.assignment > 0:
        known = known._replace(verdict=int(Verdict.COUNTED))
    return known if old is None else known._replace(revision=old.revision)


def _waiting(report: HourReport, changes: Iterable[Change]) -> tuple[Quarantined, ...]:
    reasons = Counter(change.new.verdict for change in changes if is_quarantined(change.new.verdict))
    return tuple(
        Quarantined(report.epoch, report.first, Verdict(each), presses=reasons[each]) for each in sorted(reasons)
    )
