"""Recomputing verdicts and hours from raw: to compare (verify) or to restore (rebuild)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from hymio.feedback import Accuracy, Feedback, Verdict, feedback_id, is_device_key, is_raw
from hymio.intake.hours import placeholders, settle_placeholders
from hymio.misuse import Judge
from hymio.period import HOUR_MS, Instant, hour_of, nominal_start
from hymio.rollup import AssignmentHour, Counts, GroupHour, no_counts
from hymio.setup import END, Content, Layout
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
    """Something stored that is not what raw says, in words for people; `hour` is None where it is no hour's counts."""

    where: str
    what: str
    stored: str
    recomputed: str
    at: Instant
    hour: int | None = None


class Rebuilt(NamedTuple):
    """How many verdicts, and how many counts of an hour at a point or group, were other than raw says."""

    verdicts: int
    hours: int


# Comparing


def verify(store: Store, organization: int, progress: Progress = lambda _: None) -> Iterator[Difference]:
    """Everything stored that differs from what raw, set-up and policies give; nothing is written.

    Each assignment and each piece of a group is compared in a consistent view of its own, so presses may keep arriving.
    Hours before the organization's `raw_from` are sealed and are passed over.
    """
    layout = store.layout(organization)
    for assignment in sorted(layout.assignments):
        with store.read() as transaction:
            layout = store.layout_now(transaction, organization)
            yield from _verify_assignment(transaction, layout, assignment, progress)
    yield from _verify_placeholders(store, organization)
    pieces = _group_pieces(store, organization)
    for node in _group_nodes(store, organization):
        for first in pieces:
            with store.read() as transaction:
                yield from _verify_group(store, transaction, organization, node, first)


def _verify_assignment(
    transaction: Transaction, layout: Layout, assignment: int, progress: Progress
) -> Iterator[Difference]:
    sealed = sealed_until(transaction, layout.organization)
    rows = sweep.piece(transaction, layout.organization, assignment, sealed, END)
    judged: list[Difference] = []
    expected = _hours(_rejudged(layout, rows, judged, progress))
    stored = (
        (key, counts)
        for key, counts in sweep.assignment_hours(transaction, layout.organization, assignment, sealed, END)
    )
    yield from _compared(layout, expected, (pair for pair in stored if any(pair[1])))
    yield from judged


def _rejudged(
    layout: Layout, rows: Iterable[Feedback], found: list[Difference], progress: Progress
) -> Iterator[Feedback]:
    """The same feedbacks with the verdicts they deserve; notes the first thousand that have another."""
    judges: dict[int, Judge] = {}
    done = 0
    for done, each in enumerate(rows, 1):
        right = _right(layout, judges, each)
        if right.verdict != each.verdict and len(found) < 1000:
            found.append(_verdicts(layout, each, right))
        if done % PIECE == 0:
            progress(PIECE)
        yield right
    progress(done % PIECE)


def _right(layout: Layout, judges: dict[int, Judge], feedback: Feedback) -> Feedback:
    if feedback.accuracy == Accuracy.HOUR and not is_raw(feedback.verdict):
        return feedback  # a placeholder's detail says whether it stands
    judge = judges.get(feedback.smiley)
    if judge is None:
        judge = judges[feedback.smiley] = Judge(layout.policies_of(feedback.assignment, feedback.smiley))
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
    layout: Layout, expected: Iterator[tuple[AssignmentHour, Counts]], stored: Iterator[tuple[AssignmentHour, Counts]]
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
        where, survey = _where(layout, key.assignment), layout.assignments[key.assignment].survey
        yield _counts(layout, where, survey, key, theirs.get(key), ours.get(key))


def _side_by_side(
    expected: Iterator[tuple[AssignmentHour, Counts]], stored: Iterator[tuple[AssignmentHour, Counts]]
) -> Iterator[tuple[tuple[AssignmentHour, Counts] | None, tuple[AssignmentHour, Counts] | None]]:
    while True:
        mine, other = next(expected, None), next(stored, None)
        if mine is None and other is None:
            return
        yield mine, other


def _counts(
    layout: Layout, where: str, survey: int, key: AssignmentHour | GroupHour, stored: Counts | None, ours: Counts | None
) -> Difference:
    """An hour whose counts differ, on either side as many as the scale has buttons, or as are filled."""
    both = [counts or no_counts() for counts in (stored, ours)]
    known = -survey if survey < 0 else layout.surveys[survey].scale.buttons if survey in layout.surveys else 0
    width = max([known, *(button + 1 for counts in both for button, count in enumerate(counts) if count)])
    told = [", ".join(map(str, counts[:width])) for counts in both]
    return Difference(where, _word(key.verdict), told[0], told[1], key.starts_at, key.hour)


def _verdicts(layout: Layout, stored: Feedback, right: Feedback) -> Difference:
    serial = layout.smileys[stored.smiley].serial
    what = f"press {stored.epoch}/{stored.sequence} of {serial}"
    if not is_device_key(stored.epoch):
        what = f"press {feedback_id(stored.smiley, stored.epoch, stored.sequence)}"
    return Difference(_where(layout, stored.assignment), what, _word(stored.verdict), _word(right.verdict), stored.at)


def _where(layout: Layout, assignment: int) -> str:
    return f"{layout.hierarchy.path(layout.assignments[assignment].node)}, survey {assignment}"


def _word(verdict: int) -> str:
    known = {int(each): each.label.replace("_", " ") for each in Verdict}
    return known.get(verdict, f"verdict {verdict}")


def _verify_placeholders(store: Store, organization: int) -> Iterator[Difference]:
    with store.read() as transaction:
        layout = store.layout_now(transaction, organization)
        reading = Ledger(transaction, layout, 0, END)
        for smiley, report in sweep.hour_reports(transaction, organization):
            for old, new in placeholders(reading, smiley, report):
                if old == new:
                    continue
                where = f"Hours told by SMS, {layout.smileys[smiley].serial}"
                was = "nothing" if old is None else _word(old.verdict)
                yield Difference(where, f"hour, button {new.button}", was, _word(new.verdict), new.at)


def _group_nodes(store: Store, organization: int) -> list[int]:
    with store.read() as transaction:
        nodes = store.layout_now(transaction, organization).hierarchy.nodes
        groups = {node.id for node in nodes.values() if not node.is_point}
        return sorted(groups | sweep.group_nodes(transaction, organization))


def _group_pieces(store: Store, organization: int) -> range:
    with store.read() as transaction:
        span = sweep.hour_span(transaction, organization)
    return range(span[0], span[1] + 1, GROUP_PIECE) if span else range(0)


def _verify_group(
    store: Store, transaction: Transaction, organization: int, node: int, first: int
) -> Iterator[Difference]:  # fmt: skip
    layout = store.layout_now(transaction, organization)
    stored = sweep.group_hours(transaction, organization, node, first, first + GROUP_PIECE)
    expected = _expected_group(transaction, layout, node, first)
    for key in sorted(stored.keys() | expected.keys()):
        if stored.get(key) != expected.get(key):
            where = _where_group(layout, store.content_now(transaction, organization), node, key.survey)
            yield _counts(layout, where, key.survey, key, stored.get(key), expected.get(key))


def _where_group(layout: Layout, content: Content, node: int, survey: int) -> str:
    path = layout.hierarchy.path(node) if node in layout.hierarchy.nodes else f"node {node}"
    if survey < 0:
        return f"{path}, all surveys of {-survey} buttons"
    question = content.question(layout.surveys[survey]).wording.text if survey in layout.surveys else f"survey {survey}"
    return f"{path}, {question}"


def _expected_group(transaction: Transaction, layout: Layout, node: int, first: int) -> dict[GroupHour, Counts]:
    by_survey: dict[int, list[int]] = {}
    for assignment in layout.assignments:
        for group, survey in layout.group_keys(assignment):
            if group == node:
                by_survey.setdefault(survey, []).append(assignment)
    expected = {}
    for survey, assignments in by_survey.items():
        summed = sweep.summed_hours(transaction, layout.organization, assignments, first, first + GROUP_PIECE)
        for key, counts in summed:
            if any(counts):
                expected[GroupHour(node, survey, *key)] = counts
    return expected


# Restoring


def rebuild(store: Store, organization: int, now: Instant, progress: Progress = lambda _: None) -> Rebuilt:
    """Restores verdicts, placeholders and hours from raw, in pieces, while presses keep arriving.

    Returns what changed; only hours that differ are touched. Sealed hours are left as they are.
    """
    restored, hours = _rebuild_placeholders(store, organization, now), 0
    for assignment in sorted(store.layout(organization).assignments):
        rebuilt = _rebuild_assignment(store, organization, assignment, now, progress)
        restored, hours = restored + rebuilt.verdicts, hours + rebuilt.hours
    pieces = _group_pieces(store, organization)
    for node in _group_nodes(store, organization):
        for first in pieces:
            with store.begin(organization, now, yielding=True) as ledger:
                hours += _rebuild_group(ledger, node, first)
    return Rebuilt(restored, hours)


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


def _rebuild_assignment(store: Store, organization: int, assignment: int, now: Instant, progress: Progress) -> Rebuilt:
    restored = hours = 0
    start = -END
    while start < END:
        with store.begin(organization, now, yielding=True) as ledger:
            begin = max(start, sealed_until(ledger.transaction, organization))
            end = sweep.piece_end(ledger.transaction, organization, assignment, begin, PIECE)
            end = END if end == END else max(end, begin + HOUR_MS)
            # The last hour reaches beyond the piece, and so must the verdicts it is counted by.
            restored += _rejudge_piece(ledger, assignment, begin, min(end, END - HOUR_MS) + HOUR_MS)
            counted, mended = _recount_piece(ledger, assignment, begin, end)
            hours += mended
            progress(counted)
        start = end
    return Rebuilt(restored, hours)


def _rejudge_piece(ledger: Ledger, assignment: int, start: Instant, end: Instant) -> int:
    """Restates the wrong verdicts of a piece; the hours are corrected afterwards, so they are not moved here."""
    judges: dict[int, Judge] = {}
    layout = ledger.layout
    window = layout.judging_window(assignment)
    changes = []
    for each in sweep.piece(ledger.transaction, ledger.organization, assignment, start - window, end):
        if each.at < start:
            if is_raw(each.verdict):
                judges.setdefault(each.smiley, Judge(layout.policies_of(assignment, each.smiley))).replay(each)
        elif (right := _right(layout, judges, each)) != each:
            changes.append(Change(each, right))
    ledger.restate(changes)
    return len(changes)


def _recount_piece(ledger: Ledger, assignment: int, start: Instant, end: Instant) -> tuple[int, int]:
    """Corrects the hours that start in [start, end); returns how many raw results they hold, and how many differed."""
    transaction, organization = ledger.transaction, ledger.organization
    counted = 0
    hours: dict[AssignmentHour, Counts] = {}
    for each in sweep.piece(transaction, organization, assignment, start, min(end, END - HOUR_MS) + HOUR_MS):
        if is_raw(each.verdict) and start <= (key := _hour_key(each)).starts_at < end:
            hours.setdefault(key, no_counts())[each.button] += 1
            counted += 1
    stored = dict(sweep.assignment_hours(transaction, organization, assignment, start, end))
    differences = _differences(hours, stored)
    ledger.put_assignment_hours(differences)
    return counted, len(differences)


def _rebuild_group(ledger: Ledger, node: int, first: int) -> int:
    """Corrects a piece of a group's hours; returns how many differed."""
    transaction, organization = ledger.transaction, ledger.organization
    stored = sweep.group_hours(transaction, organization, node, first, first + GROUP_PIECE)
    differences = _differences(_expected_group(transaction, ledger.layout, node, first), stored)
    ledger.add_group_hours(differences)
    return len(differences)


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
