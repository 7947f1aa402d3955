"""Judging presses where they belong in their chain, and those after them whose verdicts they change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby

from hymio.feedback import Feedback, Verdict, chain_order
from hymio.hierarchy import BEGINNING
from hymio.misuse import Judge, longest_window
from hymio.period import HOUR_MS, Instant
from hymio.store.ledger import Change, Ledger

_COUNTED = int(Verdict.COUNTED)

Candidate = Change
"""A press that is new, or stored with facts or a verdict that may be wrong; `new` has the right facts."""


def settle(ledger: Ledger, candidates: Sequence[Candidate], *, follow: bool = True) -> int:
    """Judges and writes candidates of one smiley and, with `follow`, those after them whose verdicts they change.

    Without `follow` the caller settles everything that comes after by itself. Returns how many rows were written.
    """
    placed = sorted([each for each in candidates if each.new.verdict == _COUNTED], key=_chain_order)
    written = 0
    if len(placed) < len(candidates):
        written = ledger.write([each for each in candidates if each.new.verdict != _COUNTED])
    waiting = {_key(each.new) for each in placed if each.old is not None}
    for assignment, there in groupby(placed, key=_assignment):
        window = longest_window(ledger.layout.policies_of(assignment, placed[0].new.smiley))
        beside, alone = _told_apart(ledger, assignment, list(_runs(list(there), max(HOUR_MS, window))), window)
        # Those without neighbours, further apart than a rule looks, do not see one another either.
        written += ledger.write([each for run in alone for each in _judge_alone(ledger, assignment, run)])
        waiting -= {_key(each.new) for run in alone for each in run}
        for run in beside:
            # One run after the other, as if each had come alone: what is written is a neighbour of the next.
            written += ledger.write(list(_judge_run(ledger, assignment, run, waiting, follow=follow)))
            waiting -= {_key(each.new) for each in run}
    return written


def _told_apart(
    ledger: Ledger, assignment: int, runs: list[list[Candidate]], window: int
) -> tuple[list[list[Candidate]], list[list[Candidate]]]:
    """Runs that may have neighbours, and those that have none: all looked up at once, where there are several."""
    if not window:
        return [], runs
    if len(runs) == 1:
        return runs, []
    spans = [(run[0].new.at - window, run[-1].new.at + 2 * window) for run in runs]
    found = ledger.occupied(assignment, runs[0][0].new.smiley, spans)
    return [runs[n] for n in sorted(found)], [run for n, run in enumerate(runs) if n not in found]


def _judge_alone(ledger: Ledger, assignment: int, run: list[Candidate]) -> list[Change]:
    return _judge_all(Judge(ledger.layout.policies_of(assignment, run[0].new.smiley)), run)


def _chain_order(candidate: Candidate) -> tuple[int, int, int, int]:
    return chain_order(candidate[1])


def _assignment(candidate: Candidate) -> int:
    return candidate[1].assignment


def _key(feedback: Feedback) -> tuple[int, int]:
    return feedback.epoch, feedback.sequence


def _order(feedback: Feedback) -> tuple[int, int, int]:
    return feedback.at, feedback.epoch, feedback.sequence


def _runs(chained: list[Candidate], apart: int) -> Iterator[list[Candidate]]:
    """Splits where presses lie far apart, so that a press of last year does not make us read the year."""
    start = 0
    before = chained[0].new.at
    for position, (_, new) in enumerate(chained):
        at = new.at
        if at - before > apart:
            yield chained[start:position]
            start = position
        before = at
    yield chained[start:]


def _judge_run(
    ledger: Ledger, assignment: int, run: list[Candidate], waiting: set[tuple[int, int]], *, follow: bool
) -> Iterator[Change]:
    """Judges one run; stored rows still `waiting` to be settled are not where they belong, and no neighbours."""
    smiley = run[0].new.smiley
    policies = ledger.layout.policies_of(assignment, smiley)
    judging = Judge(policies)
    window = longest_window(policies)
    first, last = run[0].new, run[-1].new
    stored = _neighbours(ledger, assignment, smiley, (first.at, last.at), window, follow=follow)
    stored = (each for each in stored if _key(each) not in waiting)
    following = _recalled(judging, stored, _order(first))
    if following is None:  # nothing is stored after the first candidate: the usual case
        yield from _judge_all(judging, run)
        return
    neighbours = (Change(each, each) for each in chain([following], stored))
    chained = merge(run, neighbours, key=lambda change: _order(change.new))
    yield from _walk(judging, window, chained, _order(last), follow=follow)


def _neighbours(
    ledger: Ledger, assignment: int, smiley: int, span: tuple[Instant, Instant], window: int, *, follow: bool
) -> Iterator[Feedback]:
    """What is stored from a window before a run on: a little beyond it at first, then further and further.

    After an empty stretch of a window beyond the run nothing can change any more.
    """
    start, end = span[0] - window, span[1] + 2 * window
    while True:
        found = False
        for each in ledger.chain(assignment, smiley, start, end):
            found = True
            yield each
        if not follow or not found:
            return
        start, end = end, end + 4 * (end - start)


def _recalled(judging: Judge, stored: Iterator[Feedback], first: tuple[int, int, int]) -> Feedback | None:
    """Recalls what is stored before the first candidate; gives what is stored next after it, if anything."""
    for each in stored:
        if _order(each) > first:
            return each
        judging.replay(each)
    return None


def _judge_all(judging: Judge, run: list[Candidate]) -> list[Change]:
    """What is to change of a run that has no stored neighbours after its first."""
    verdicts = map(judging.judge, [new for _, new in run])
    judged = [
        each if each[1].verdict == verdict else _given(each, verdict)
        for each, verdict in zip(run, verdicts, strict=True)
    ]
    return [each for each in judged if each[0] != each[1]]


def _judged(judging: Judge, candidate: Change) -> Change | None:
    """The change that gives the next feedback its verdict; None if there is nothing to change."""
    verdict = judging.judge(candidate.new)
    judged = candidate if candidate.new.verdict == verdict else _given(candidate, verdict)
    return judged if judged.old != judged.new else None


def _given(candidate: Change, verdict: Verdict) -> Change:
    return Change(candidate.old, candidate.new._replace(verdict=int(verdict)))


def _walk(
    judging: Judge, window: int, chained: Iterable[Change], last: tuple[int, int, int], *, follow: bool
) -> Iterator[Change]:
    """Judges up to the last candidate, and then on until nothing can change.

    Nothing can change once the state is what it was when the stored verdicts were given: after a press counted both
    then and now, or after a gap of a whole window since the last counted one, then and now; and in both cases a window
    after the last candidate, for the burst rule.
    """
    counted_then = BEGINNING
    for change in chained:
        old, new = change
        beyond = _order(new) > last
        if beyond and not follow:
            return
        settled = beyond and new.at - last[0] >= window
        if settled and new.at - max(counted_then, judging.last_counted) >= window:
            return
        judged = _judged(judging, change)
        if judged is not None:
            yield judged
        if old is not None and old.verdict == _COUNTED:
            if old.assignment == new.assignment:
                counted_then = old.at
            if settled and judged is None:
                return
