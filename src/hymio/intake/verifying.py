"""Comparing what is stored with what raw rows, set-up and policies give."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from hymio.feedback import Feedback, HourReport, is_raw, placeholder_of
from hymio.intake.difference import Difference, of_assignment_hour, of_group_hour, of_placeholder, of_verdict
from hymio.intake.hour_reports import HourRows, Moment, placeholder_range, placeholders
from hymio.intake.recount import MAX_REPORTS, GroupPieces, Judges, Progress, recounted_key
from hymio.period import HOUR_MS
from hymio.rollup import AssignmentHour, Counts, no_counts
from hymio.setup import END, Layout
from hymio.store import Store, scan
from hymio.store.dialect import Transaction

MAX_LISTED_VERDICTS = 1_000
"""Wrong verdicts of an assignment that are listed one by one; the counts of their hours differ too."""

_PROGRESS_ROWS = 5_000
_MAX_GAP = 1_000
"""Sequences between two hours told by SMS up to which their rows are read in one query."""

HourCounts = tuple[AssignmentHour, Counts]


def verify(store: Store, organization: int, progress: Progress = lambda _: None) -> Iterator[Difference]:
    """Everything stored that differs from what raw, set-up and policies give; nothing is written.

    Each assignment and each piece of the groups' hours is compared in a consistent view of its own, so presses may keep
    arriving. Hours before the organization's `raw_from` are sealed and are passed over.
    """
    for assignment in sorted(store.layout(organization).assignments):
        with store.read() as transaction:
            layout = store.layout_now(transaction, organization)
            yield from _verify_assignment(transaction, layout, assignment, progress)
    yield from _verify_placeholders(store, organization)
    yield from _verify_groups(store, organization)


# Assignments


def _verify_assignment(
    transaction: Transaction, layout: Layout, assignment: int, progress: Progress
) -> Iterator[Difference]:
    organization = layout.organization
    sealed = scan.raw_from(transaction, organization)
    rows = scan.rows_in_order(transaction, organization, assignment, sealed, END)
    verdicts: list[Difference] = []
    expected = _hours(_rejudged(layout, assignment, rows, verdicts, progress))
    stored = scan.assignment_hours(transaction, organization, assignment, sealed, END)
    for key, ours, theirs in _unequal(expected, (pair for pair in stored if any(pair[1]))):
        yield of_assignment_hour(layout, key, theirs, ours)
    yield from verdicts


def _rejudged(
    layout: Layout, assignment: int, rows: Iterable[Feedback], verdicts: list[Difference], progress: Progress
) -> Iterator[Feedback]:
    """The same feedbacks with the verdicts they deserve; lists the first that have another."""
    judges = Judges(layout, assignment)
    done = 0
    for done, feedback in enumerate(rows, 1):
        right = judges.rejudged(feedback)
        if right.verdict != feedback.verdict and len(verdicts) < MAX_LISTED_VERDICTS:
            verdicts.append(of_verdict(layout, feedback, right))
        if done % _PROGRESS_ROWS == 0:
            progress(_PROGRESS_ROWS)
        yield right
    progress(done % _PROGRESS_ROWS)


def _hours(rows: Iterable[Feedback]) -> Iterator[HourCounts]:
    """The hours of feedbacks that come in order of instant, each given out once no more can fall into it."""
    open_hours: dict[AssignmentHour, Counts] = {}
    closed_at = -END
    for feedback in rows:
        if is_raw(feedback.verdict):
            open_hours.setdefault(recounted_key(feedback), no_counts())[feedback.button] += 1
            if feedback.at >= closed_at + HOUR_MS:
                closed_at = feedback.at
                over = [key for key in open_hours if key.starts_at < feedback.at - HOUR_MS]
                yield from ((key, open_hours.pop(key)) for key in over)
    yield from open_hours.items()


def _unequal(
    expected: Iterator[HourCounts], stored: Iterator[HourCounts]
) -> Iterator[tuple[AssignmentHour, Counts | None, Counts | None]]:
    """Hours whose counts differ, or that only one of two streams has: key, expected and stored counts.

    Both streams run through time together, so that few hours wait for their partner.
    """
    ours: dict[AssignmentHour, Counts] = {}
    theirs: dict[AssignmentHour, Counts] = {}
    for mine, other in _side_by_side(expected, stored):
        for pair, waiting, partners in ((mine, ours, theirs), (other, theirs, ours)):
            if pair is not None and partners.get(pair[0]) == pair[1]:
                del partners[pair[0]]
            elif pair is not None:
                waiting[pair[0]] = pair[1]
    for key in sorted(ours.keys() | theirs.keys()):
        yield key, ours.get(key), theirs.get(key)


def _side_by_side(
    expected: Iterator[HourCounts], stored: Iterator[HourCounts]
) -> Iterator[tuple[HourCounts | None, HourCounts | None]]:
    while True:
        mine, other = next(expected, None), next(stored, None)
        if mine is None and other is None:
            return
        yield mine, other


# Hours told by SMS


def _verify_placeholders(store: Store, organization: int) -> Iterator[Difference]:
    after = (0, -1, -1)
    while True:
        with store.read() as transaction:
            layout = store.layout_now(transaction, organization)
            moment = Moment(layout, 0, END)
            reports = scan.hour_reports(transaction, organization, after, MAX_REPORTS)
            for smiley, run in _runs(reports):
                for report, stored in zip(run, _stored_rows(transaction, organization, smiley, run), strict=True):
                    for change in placeholders(moment, smiley, report, stored):
                        if change.old != change.new:
                            yield of_placeholder(layout, smiley, change)
        if len(reports) < MAX_REPORTS:
            return
        smiley, last = reports[-1]
        after = (smiley, last.epoch, last.first)


def _runs(reports: Iterable[tuple[int, HourReport]]) -> Iterator[tuple[int, list[HourReport]]]:
    """Hours of one smiley and epoch whose sequences lie close together, given in order of smiley and sequence."""
    smiley, run = 0, list[HourReport]()
    for sender, report in reports:
        follows = run and sender == smiley and report.epoch == run[-1].epoch and report.first - run[-1].end <= _MAX_GAP
        if run and not follows:
            yield smiley, run
            run = []
        smiley = sender
        run.append(report)
    if run:
        yield smiley, run


def _stored_rows(transaction: Transaction, organization: int, smiley: int, run: list[HourReport]) -> Iterator[HourRows]:
    """What is stored of each hour of a run, in order; read in two queries."""
    first, last = run[0], run[-1]
    detail = scan.numbered_rows(transaction, organization, smiley, first.epoch, range(first.first, last.end))
    # The later an hour, the lower the sequences of its placeholders.
    sequences = range(placeholder_range(last.first).start, placeholder_range(first.first).stop)
    by_first: dict[int, list[Feedback]] = {}
    for placeholder in scan.numbered_rows(transaction, organization, smiley, first.epoch, sequences):
        by_first.setdefault(placeholder_of(placeholder.sequence)[0], []).append(placeholder)
    numbers = [feedback.sequence for feedback in detail]
    for report in run:
        own = detail[bisect_left(numbers, report.first) : bisect_left(numbers, report.end)]
        yield HourRows(own, by_first.get(report.first, ()))


# Groups


def _verify_groups(store: Store, organization: int) -> Iterator[Difference]:
    with store.read() as transaction:
        pieces = GroupPieces(transaction, organization)
    while True:
        with store.read() as transaction:
            layout = store.layout_now(transaction, organization)
            piece = pieces.next(transaction, layout)
            if piece is None:
                return
            for key in piece.differing():
                content = store.content_now(transaction, organization)
                yield of_group_hour(layout, content, key, piece.stored.get(key), piece.expected.get(key))
