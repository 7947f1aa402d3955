"""Hours told by SMS: placeholders that give way to the detail when it comes, in whatever order the two come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hymio.feedback import Accuracy, Feedback, HourReport, Verdict, placeholder_of, placeholder_sequence
from hymio.intake.resolving import placed
from hymio.store.ledger import Change, Ledger

MAX_COUNT = (1 << 16) - 1
"""Presses of one button that an hour can tell of."""

_LAST_BUTTON = 15


def take_hour_report(ledger: Ledger, smiley: int, report: HourReport) -> bool:
    """Merges an hour's report into what is known of the hour; False if it contradicts another and is left out.

    A later report of the same hour (same first sequence) may know more presses: of each button the larger count
    stands, so that repeated and reordered messages give the same result.
    """
    known = ledger.hour_reports(smiley, report.epoch, report.first, max(report.end, report.first + 1))
    same = next((each for each in known if each.first == report.first), None)
    merged = report if same is None else _larger(same, report)
    around = ledger.hour_reports(smiley, report.epoch, merged.first, max(merged.end, merged.first + 1))
    if merged.at != report.at or any(each.first != report.first for each in around) or max(merged.counts) > MAX_COUNT:
        return False
    if merged.end > merged.first:
        ledger.put_hour_report(smiley, merged)
        settle_placeholders(ledger, smiley, merged)
    return True


def placeholder_verdicts(ledger: Ledger, smiley: int, report: HourReport) -> list[tuple[int, int]]:
    """The verdicts of an hour's placeholders, and how many have each."""
    return sorted(Counter(each.verdict for each in _placeholders(ledger, smiley, report)).items())


def settle_placeholders(ledger: Ledger, smiley: int, report: HourReport) -> None:
    """Makes the placeholders of an hour what its report and the stored detail say they are."""
    ledger.write(list(placeholder_changes(ledger, smiley, report)))


def placeholder_changes(ledger: Ledger, smiley: int, report: HourReport) -> Iterator[Change]:
    """What differs between the stored placeholders of an hour and what they should be."""
    detail = Counter(each.button for each in ledger.numbered(smiley, report.epoch, report.first, report.end))
    stored = {each.sequence: each for each in _placeholders(ledger, smiley, report)}
    for button, standing in enumerate(standing_counts(report, detail)):
        for ordinal in range(report.counts[button]):
            sequence = placeholder_sequence(report.first, button, ordinal)
            old = stored.get(sequence)
            new = _placeholder(ledger, smiley, report, sequence, stands=ordinal < standing)
            if old is None or _differs(old, new):
                yield Change(old, new if old is None else new._replace(revision=old.revision))


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
    return one._replace(counts=tuple(map(max, *padded)))


def _placeholders(ledger: Ledger, smiley: int, report: HourReport) -> list[Feedback]:
    lowest = placeholder_sequence(report.first, _LAST_BUTTON, MAX_COUNT)
    highest = placeholder_sequence(report.first, 0, 0)
    return ledger.numbered(smiley, report.epoch, lowest, highest + 1)


def _placeholder(ledger: Ledger, smiley: int, report: HourReport, sequence: int, *, stands: bool) -> Feedback:
    _, button, _ = placeholder_of(sequence)
    plain = Feedback(
        smiley, report.epoch, sequence, report.at, 0, 0, button, Accuracy.HOUR, 0, 0, Verdict.COUNTED, ledger.revision
    )
    found = placed(ledger.setup, plain, None, ledger.now)
    return found if stands else found._replace(verdict=Verdict.SUPERSEDED)


def _differs(old: Feedback, new: Feedback) -> bool:
    """Whether a stored placeholder must change; one that stands keeps the facts it was stored with."""
    return (old.verdict == Verdict.SUPERSEDED) != (new.verdict == Verdict.SUPERSEDED)
