"""Recomputing verdicts and hours from raw: to compare (verify) or to restore (rebuild)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from hymio.feedback import Accuracy, Feedback, is_raw
from hymio.intake.hours import placeholders, settle_placeholders
from hymio.misuse import Judge
from hymio.period import HOUR_MS, Instant, hour_of, nominal_start
from hymio.rollup import AssignmentHour, Counts, GroupHour, no_counts
from hymio.setup import END, Setup
from hymio.store import Store, sweep
from hymio.store.dialect import Transaction
from hymio.store.ledger import Change, Ledger

PIECE = 5_000
"""Feedbacks recounted in one commit of `rebuild`."""

REPORTS = 200
"""Hours told by SMS whose placeholders are looked at in one commit."""

GROUP_PIECE = 24 * 90
"""Local hours of a group that are looked at together."""

Progress = Callable[[int], None]
Key = TypeVar("Key", AssignmentHour, GroupHour)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that is not what raw says; `what` names it for people."""

    what: str
    stored: str
    recomputed: str
    hour: int | None = None
    starts_at: Instant | None = None


# Comparing


def verify(store: Store, organization: int, progress: Progress = lambda _: None) -> Iterator[Difference]:
    """Everything stored that differs from what raw, set-up and policies give; nothing is written.

    Each assignment and each piece of a group is compared in a consistent view of its own, so presses may keep arriving.
    Hours before the organization's `raw_from` are sealed and are passed over.
    """
    setup = store.setup(organization)
    for assignment in sorted(setup.assignments):
        with store.read() as transaction:
            yield from _verify_assignment(transaction, store.setup_now(transaction, organization), assignment, progress)
    yield from _verify_placeholders(store, organization)
    pieces = _group_pieces(store, organization)
    for node in _group_nodes(store, organization):
        for first in pieces:
            with store.read() as transaction:
                yield from _verify_group(transaction, store.setup_now(transaction, organization), node, first)


def _verify_assignment(
    transaction: Transaction, setup: Setup, assignment: int, progress: Progress
) -> Iterator[Difference]:
    sealed = sealed_until(transaction, setup.organization)
    rows = sweep.piece(transaction, setup.organization, assignment, sealed, END)
    judged: list[Difference] = []
    expected = _hours(_rejudged(setup, rows, judged, progress))
    stored = (
        (key, counts)
        for key, counts in sweep.assignment_hours(transaction, setup.organization, assignment, sealed, END)
    )
    yield from _compared(setup, expected, (pair for pair in stored if any(pair[1])))
    yield from judged


def _rejudged(
    setup: Setup, rows: Iterable[Feedback], found: list[Difference], progress: Progress
) -> Iterator[Feedback]:
    """The same feedbacks with the verdicts they deserve; notes the first thousand that have another."""
    judges: dict[int, Judge] = {}
    done = 0
    for done, each in enumerate(rows, 1):
        right = _right(setup, judges, each)
        if right.verdict != each.verdict and len(found) < 1000:
            what = f"verdict of smiley {each.smiley}, epoch {each.epoch}, sequence {each.sequence}"
            found.append(Difference(what, str(each.verdict), str(right.verdict), None, each.at))
        if done % PIECE == 0:
            progress(PIECE)
        yield right
    progress(done % PIECE)


def _right(setup: Setup, judges: dict[int, Judge], feedback: Feedback) -> Feedback:
    if feedback.accuracy == Accuracy.HOUR and not is_raw(feedback.verdict):
        return feedback  # a placeholder's detail says whether it stands
    judge = judges.get(feedback.smiley)
    if judge is None:
        judge = judges[feedback.smiley] = Judge(setup.policies_of(feedback.assignment, feedback.smiley))
    return feedback._replace(verdict=judge.judge(feedback))


def _hours(rows: Iterable[Feedback]) -> Iterator[tuple[AssignmentHour, Counts]]:
    """The hours of feedbacks that come in order of instant, each given out once no more can fall into it."""
    open_hours: dict[AssignmentHour, Counts] = {}
    swept = -END
    for each in rows:
        if is_raw(each.verdict):
            key = _hour_key(each)
            open_hours.setdefault(key, no_counts())[each.button] += 1
            if each.at >= swept + HOUR_MS:
                swept = each.at
                over = [key for key in open_hours if key.starts_at < each.at - HOUR_MS]
                yield from ((key, open_hours.pop(key)) for key in over)
    yield from open_hours.items()


def _hour_key(feedback: Feedback) -> AssignmentHour:
    hour = hour_of(feedback.at, feedback.offset)
    return AssignmentHour(feedback.assignment, hour, nominal_start(hour, feedback.offset), feedback.verdict)


def _compared(
    setup: Setup, expected: Iterator[tuple[AssignmentHour, Counts]], stored: Iterator[tuple[AssignmentHour, Counts]]
) -> Iterator[Difference]:
    """Pairs off two streams of hours that run through time together; what finds no equal partner differs."""
    ours: dict[AssignmentHour, Counts] = {}
    theirs: dict[AssignmentHour, Counts] = {}
    for mine, other in _side_by_side(expected, stored):
        for pair, waiting, partners in ((mine, ours, theirs), (other, theirs, ours)):
            if pair is not None and partners.get(pair[0]) == pair[1]:
                del partners[pair[0]]
            elif pair is not None:
                waiting[pair[0]] = pair[1]
    for key in sorted(ours.keys() | theirs.keys()):
        path = setup.hierarchy.path(setup.assignments[key.assignment].node)
        what = f"assignment {key.assignment} ({path}), verdict {key.verdict}"
        yield Difference(what, _shown(theirs.get(key)), _shown(ours.get(key)), key.hour, key.starts_at)


def _side_by_side(
    expected: Iterator[tuple[AssignmentHour, Counts]], stored: Iterator[tuple[AssignmentHour, Counts]]
) -> Iterator[tuple[tuple[AssignmentHour, Counts] | None, tuple[AssignmentHour, Counts] | None]]:
    while True:
        mine, other = next(expected, None), next(stored, None)
        if mine is None and other is None:
            return
        yield mine, other


def _shown(counts: Counts | None) -> str:
    if counts is None:
        return "nothing"
    filled = max((button for button, count in enumerate(counts) if count), default=0)
    return ", ".join(map(str, counts[: filled + 1]))


def _verify_placeholders(store: Store, organization: int) -> Iterator[Difference]:
    with store.read() as transaction:
        setup = store.setup_now(transaction, organization)
        reading = Ledger(transaction, setup, 0, END)
        for smiley, report in sweep.hour_reports(transaction, organization):
            for old, new in placeholders(reading, smiley, report):
                if old == new:
                    continue
                what = f"placeholder {new.sequence} of smiley {smiley}, epoch {new.epoch}"
                yield Difference(what, "nothing" if old is None else str(old.verdict), str(new.verdict), None, new.at)


def _group_nodes(store: Store, organization: int) -> list[int]:
    with store.read() as transaction:
        groups = {
            node.id for node in store.setup_now(transaction, organization).hierarchy.nodes.values() if not node.is_point
        }
        return sorted(groups | sweep.group_nodes(transaction, organization))


def _group_pieces(store: Store, organization: int) -> range:
    with store.read() as transaction:
        span = sweep.hour_span(transaction, organization)
    return range(span[0], span[1] + 1, GROUP_PIECE) if span else range(0)


def _verify_group(transaction: Transaction, setup: Setup, node: int, first: int) -> Iterator[Difference]:
    stored = sweep.group_hours(transaction, setup.organization, node, first, first + GROUP_PIECE)
    expected = _expected_group(transaction, setup, node, first)
    for key in sorted(stored.keys() | expected.keys()):
        if stored.get(key) != expected.get(key):
            path = setup.hierarchy.path(node) if node in setup.hierarchy.nodes else f"node {node}"
            what = f"group {path}, survey {key.survey}, verdict {key.verdict}"
            yield Difference(what, _shown(stored.get(key)), _shown(expected.get(key)), key.hour, key.starts_at)


def _expected_group(transaction: Transaction, setup: Setup, node: int, first: int) -> dict[GroupHour, Counts]:
    by_survey: dict[int, list[int]] = {}
    for assignment in setup.assignments:
        for group, survey in setup.group_keys(assignment):
            if group == node:
                by_survey.setdefault(survey, []).append(assignment)
    expected = {}
    for survey, assignments in by_survey.items():
        summed = sweep.summed_hours(transaction, setup.organization, assignments, first, first + GROUP_PIECE)
        for key, counts in summed:
            if any(counts):
                expected[GroupHour(node, survey, *key)] = counts
    return expected


# Restoring


def rebuild(store: Store, organization: int, now: Instant, progress: Progress = lambda _: None) -> int:
    """Restores verdicts, placeholders and hours from raw, in pieces, while presses keep arriving.

    Returns how many verdicts changed; only hours that differ are touched. Sealed hours are left as they are.
    """
    restored = _rebuild_placeholders(store, organization, now)
    for assignment in sorted(store.setup(organization).assignments):
        restored += _rebuild_assignment(store, organization, assignment, now, progress)
    pieces = _group_pieces(store, organization)
    for node in _group_nodes(store, organization):
        for first in pieces:
            with store.begin(organization, now, yielding=True) as ledger:
                _rebuild_group(ledger, node, first)
    return restored


def _rebuild_placeholders(store: Store, organization: int, now: Instant) -> int:
    restored, after = 0, (0, -1, -1)
    while True:
        with store.begin(organization, now, yielding=True) as ledger:
            keys = sweep.hour_report_keys(ledger.transaction, organization, after, REPORTS)
            for smiley, epoch, first in keys:
                for report in ledger.hour_reports(smiley, epoch, first, first + 1):
                    settled = settle_placeholders(ledger, smiley, report)
                    restored += sum(change.old != change.new for change in settled)
        if len(keys) < REPORTS:
            return restored
        after = keys[-1]


def _rebuild_assignment(store: Store, organization: int, assignment: int, now: Instant, progress: Progress) -> int:
    restored = 0
    start = -END
    while start < END:
        with store.begin(organization, now, yielding=True) as ledger:
            begin = max(start, sealed_until(ledger.transaction, organization))
            end = sweep.piece_end(ledger.transaction, organization, assignment, begin, PIECE)
            end = END if end == END else max(end, begin + HOUR_MS)
            # The last hour reaches beyond the piece, and so must the verdicts it is counted by.
            restored += _rejudge_piece(ledger, assignment, begin, min(end, END - HOUR_MS) + HOUR_MS)
            progress(_recount_piece(ledger, assignment, begin, end))
        start = end
    return restored


def _rejudge_piece(ledger: Ledger, assignment: int, start: Instant, end: Instant) -> int:
    """Restates the wrong verdicts of a piece; the hours are corrected afterwards, so they are not moved here."""
    judges: dict[int, Judge] = {}
    setup = ledger.setup
    window = setup.judging_window(assignment)
    changes = []
    for each in sweep.piece(ledger.transaction, ledger.organization, assignment, start - window, end):
        if each.at < start:
            if is_raw(each.verdict):
                judges.setdefault(each.smiley, Judge(setup.policies_of(assignment, each.smiley))).recall(each)
        elif (right := _right(setup, judges, each)) != each:
            changes.append(Change(each, right))
    ledger.restate(changes)
    return len(changes)


def _recount_piece(ledger: Ledger, assignment: int, start: Instant, end: Instant) -> int:
    """Corrects the hours that start in [start, end); returns how many raw results they hold."""
    transaction, organization = ledger.transaction, ledger.organization
    counted = 0
    hours: dict[AssignmentHour, Counts] = {}
    for each in sweep.piece(transaction, organization, assignment, start, min(end, END - HOUR_MS) + HOUR_MS):
        if is_raw(each.verdict) and start <= (key := _hour_key(each)).starts_at < end:
            hours.setdefault(key, no_counts())[each.button] += 1
            counted += 1
    stored = dict(sweep.assignment_hours(transaction, organization, assignment, start, end))
    ledger.put_assignment_hours(_differences(hours, stored))
    return counted


def _rebuild_group(ledger: Ledger, node: int, first: int) -> None:
    transaction, organization = ledger.transaction, ledger.organization
    stored = sweep.group_hours(transaction, organization, node, first, first + GROUP_PIECE)
    ledger.add_group_hours(_differences(_expected_group(transaction, ledger.setup, node, first), stored))


def _differences(expected: dict[Key, Counts], stored: dict[Key, Counts]) -> dict[Key, Counts]:
    """What must be added to the stored hours; hours are never deleted, so that their revision tells of the change."""
    nothing = no_counts()
    both = {key: (expected.get(key, nothing), stored.get(key, nothing)) for key in expected.keys() | stored.keys()}
    return {
        key: [a - b for a, b in zip(ours, theirs, strict=True)]
        for key, (ours, theirs) in both.items()
        if ours != theirs
    }


def sealed_until(transaction: Transaction, organization: int) -> Instant:
    """The instant before which raw was deleted by the organization's retention rule; hours before it are sealed."""
    row = transaction.row("SELECT raw_from FROM ledger WHERE organization_id = :o", o=organization)
    return -END if row is None or row[0] is None else row[0]
