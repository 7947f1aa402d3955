"""Comparing what is stored with what raw rows, set-up and policies give."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hymio.feedback import Accuracy, Feedback, HourReport, Verdict, is_raw, placeholder_of
from hymio.intake.agreement import agrees
from hymio.intake.contradicting import Contradictions
from hymio.intake.difference import Difference, Mend, of_assignment_hour, of_group_hour, of_placeholder, of_verdict
from hymio.intake.hour_reports import HourRows, Moment, placeholder_range, placeholders
from hymio.intake.recount import MAX_REPORTS, GroupPieces, Judges, Progress, Reported, recounted_key
from hymio.period import HOUR_MS, Instant
from hymio.rollup import AssignmentHour, Counts, no_counts
from hymio.setup import END, Layout
from hymio.store import Store, scan
from hymio.store.dialect import Transaction
from hymio.store.quarantine import quarantine_keys

MAX_LISTED_VERDICTS = 1_000
"""Wrong verdicts of an assignment that are listed one by one; the counts of their hours differ too."""

_PROGRESS_ROWS = 5_000
_MAX_GAP = 1_000
"""Sequences between two hours told by SMS up to which their rows are read in one query."""

SUPERSEDED = int(Verdict.SUPERSEDED)

HourCounts = tuple[AssignmentHour, Counts]


def verify(store: Store, organization: int, progress: Progress = lambda _: None) -> Iterator[Difference]:
    """Everything stored that differs from what raw, set-up and policies give; nothing is written.

    Besides verdicts and hours that is feedback, counted or in quarantine, which the set-up resolves otherwise now: a
    zone, placement or active period of the past was changed, and the feedback not resettled. Each assignment, the
    quarantine and each piece of the groups' hours is compared in a consistent view of its own, so presses may keep
    arriving. Hours before the organization's `raw_from` are sealed and are passed over.
    """
    for assignment in sorted(store.layout(organization).assignments):
        with store.read() as transaction:
            layout = store.layout_now(transaction, organization)
            reported = Reported(progress)
            if not agrees(transaction, layout, assignment, reported.add):
                yield from differences_of(transaction, layout, assignment, reported.again())
    yield from _verify_quarantine(store, organization)
    yield from _verify_placeholders(store, organization)
    yield from _verify_groups(store, organization)


# Assignments


def differences_of(
    transaction: Transaction, layout: Layout, assignment: int, progress: Progress = lambda _: None
) -> Iterator[Difference]:
    """What is stored of an assignment and differs; each press is judged again and each hour counted again."""
    organization = layout.organization
    sealed = scan.raw_from(transaction, organization)
    rows = scan.rows_in_order(transaction, organization, assignment, sealed, END)
    misjudged, contradictions = Misjudged(), Contradictions(layout)
    expected = _hours(_rejudged(layout, assignment, rows, misjudged, contradictions, progress))
    stored = scan.assignment_hours(transaction, organization, assignment, sealed, END)
    differing: set[Instant] = set()
    for key, ours, theirs in _unequal(expected, (pair for pair in stored if any(pair[1]))):
        differing.add(key.starts_at)
        mend = Mend.RESETTLE if key.starts_at in misjudged.hours else Mend.REBUILD
        yield of_assignment_hour(layout, key, theirs, ours, mend)
    for feedback, right in misjudged.first:
        # Where the hour was counted by the stored verdict, that was given by another policy; otherwise it is wrong.
        mend = Mend.RESETTLE if recounted_key(feedback).starts_at in differing else Mend.REBUILD
        yield of_verdict(layout, feedback, right, mend)
    yield from contradictions.differences()


@dataclass(slots=True)
class Misjudged:
    """Feedbacks whose verdict is wrong: the first of them, and the nominal starts of the hours of all."""

    first: list[tuple[Feedback, Feedback]] = field(default_factory=list)
    hours: set[Instant] = field(default_factory=set)

    def add(self, stored: Feedback, right: Feedback) -> None:
        """Notes a feedback as it is stored and as it is right."""
        self.hours.add(recounted_key(stored).starts_at)
        if len(self.first) < MAX_LISTED_VERDICTS and stored.accuracy != Accuracy.HOUR:
            self.first.append((stored, right))  # `_verify_placeholders` lists those of hours told by SMS


def _rejudged(
    layout: Layout,
    assignment: int,
    rows: Iterable[Feedback],
    misjudged: Misjudged,
    contradictions: Contradictions,
    progress: Progress,
) -> Iterator[Feedback]:
    """The same feedbacks with the verdicts they deserve; notes those that have another, or are resolved otherwise."""
    judges = Judges(layout, assignment)
    done = 0
    for done, feedback in enumerate(rows, 1):
        contradictions.compare(feedback)
        right = judges.rejudged(feedback)
        if right.verdict != feedback.verdict:
            misjudged.add(feedback, right)
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


# Quarantine


def _verify_quarantine(store: Store, organization: int) -> Iterator[Difference]:
    """Feedback that waits in quarantine although the set-up fits it now."""
    with store.read() as transaction:
        contradictions = Contradictions(store.layout_now(transaction, organization))
        for key in quarantine_keys(transaction, organization):
            for feedback in scan.rows_in_order(transaction, organization, key, -END, END):
                contradictions.compare(feedback)
    yield from contradictions.differences()


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
                    yield from _verify_hour(moment, smiley, report, stored)
        if len(reports) < MAX_REPORTS:
            return
        smiley, last = reports[-1]
        after = (smiley, last.epoch, last.first)


def _verify_hour(moment: Moment, smiley: int, report: HourReport, stored: HourRows) -> Iterator[Difference]:
    """The placeholders of an hour that are wrong, or that the set-up resolves or judges otherwise now."""
    as_resolved = placeholders(moment, smiley, report, stored)
    resolved_anew = placeholders(moment, smiley, report, stored, anew=True)
    for change, anew in zip(as_resolved, resolved_anew, strict=True):
        old = change.old
        if old is None or SUPERSEDED in (old.verdict, change.new.verdict):
            if change.old != change.new:
                yield of_placeholder(moment.layout, smiley, change, Mend.REBUILD)
        elif old.is_assigned and anew.new != old:
            yield of_placeholder(moment.layout, smiley, anew, Mend.RESETTLE)
        elif not old.is_assigned and anew.new.is_assigned and old.verdict != Verdict.IMPOSSIBLE_TIME:
            yield of_placeholder(moment.layout, smiley, anew, Mend.RELEASE)


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
