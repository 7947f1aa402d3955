"""Judges new presses at their places in their chains, and later presses whose verdicts they change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby
from typing import NamedTuple

from hymio.feedback import Feedback, Verdict, chain_order
from hymio.hierarchy import BEGINNING
from hymio.misuse import Judge, longest_window
from hymio.period import HOUR_MS
from hymio.store.ledger import Change, Ledger, Span

_COUNTED = int(Verdict.COUNTED)

Key = tuple[int, int, int]
"""Smiley, epoch and sequence."""

Candidate = Change
"""A press that is new, or is stored with an assignment or verdict that may be wrong; `new` is resolved correctly."""


class Run(NamedTuple):
    """Candidates of one chain with at most an hour, or the window, between two; `window` is that of its rules in ms.

    Runs are further apart than that, so they are not neighbours of one another.
    """

    assignment: int
    smiley: int
    window: int
    candidates: list[Candidate]

    @property
    def span(self) -> Span:
        """The instants in which stored presses may be its neighbours."""
        first, last = self.candidates[0].new.at, self.candidates[-1].new.at
        return Span(self.assignment, self.smiley, first - self.window, last + 2 * self.window)


def settle(ledger: Ledger, candidates: Sequence[Candidate], *, follow: bool = True) -> int:
    """Judges and writes candidates and, with `follow`, those after them whose verdicts they change.

    Without `follow` the caller settles everything that comes after. Returns the number of rows written.
    """
    resolved = sorted([press for press in candidates if press.new.verdict == _COUNTED], key=_chain_order)
    written = 0
    if len(resolved) < len(candidates):
        written = ledger.write([press for press in candidates if press.new.verdict != _COUNTED])
    unsettled = {_key(press.new) for press in resolved if press.old is not None}
    with_neighbours, alone = _split_by_neighbours(ledger, list(_runs(ledger, resolved)))
    written += ledger.write([change for run in alone for change in _judge_alone(ledger, run)])
    unsettled -= {_key(press.new) for run in alone for press in run.candidates}
    for run in with_neighbours:
        # One run after the other, as if each came in its own upload: rows just written are neighbours of the next.
        written += ledger.write(list(_judge_run(ledger, run, unsettled, follow=follow)))
        unsettled -= {_key(press.new) for press in run.candidates}
    return written


def _runs(ledger: Ledger, resolved: list[Candidate]) -> Iterator[Run]:
    """The runs of candidates in the order of their chains."""
    for (assignment, smiley), chained in groupby(resolved, key=_chain):
        window = longest_window(ledger.layout.policies_of(assignment, smiley))
        for part in _parts(list(chained), max(HOUR_MS, window)):
            yield Run(assignment, smiley, window, part)


def _split_by_neighbours(ledger: Ledger, runs: list[Run]) -> tuple[list[Run], list[Run]]:
    """Runs that may have stored neighbours, and those that have none.

    Several runs are looked up in one statement; for a single one, reading its neighbours takes as long.
    """
    judged, alone = [run for run in runs if run.window], [run for run in runs if not run.window]
    if len(judged) > 1:
        occupied = ledger.rows.occupied([run.span for run in judged])
        alone += [run for number, run in enumerate(judged) if number not in occupied]
        judged = [judged[number] for number in sorted(occupied)]
    return judged, alone


def _judge_alone(ledger: Ledger, run: Run) -> list[Change]:
    """The changes of a run without stored neighbours."""
    return _judge_all(Judge(ledger.layout.policies_of(run.assignment, run.smiley)), run.candidates)


def _chain_order(candidate: Candidate) -> tuple[int, int, int, int, int]:
    return chain_order(candidate[1])


def _chain(candidate: Candidate) -> tuple[int, int]:
    return candidate[1].assignment, candidate[1].smiley


def _key(feedback: Feedback) -> Key:
    return feedback.smiley, feedback.epoch, feedback.sequence


def _order(feedback: Feedback) -> tuple[int, int, int]:
    return feedback.at, feedback.epoch, feedback.sequence


def _parts(chained: list[Candidate], gap: int) -> Iterator[list[Candidate]]:
    """Splits where presses are more than `gap` ms apart, so that the time between them is not read."""
    start = 0
    before = chained[0].new.at
    for position, (_, new) in enumerate(chained):
        at = new.at
        if at - before > gap:
            yield chained[start:position]
            start = position
        before = at
    yield chained[start:]


def _judge_run(ledger: Ledger, run: Run, unsettled: set[Key], *, follow: bool) -> Iterator[Change]:
    """The changes of one run and of stored presses after it.

    Rows in `unsettled` are candidates of later runs, whose stored verdicts may be wrong; they are not neighbours.
    """
    judge = Judge(ledger.layout.policies_of(run.assignment, run.smiley))
    first, last = run.candidates[0].new, run.candidates[-1].new
    stored = _neighbours(ledger, run, follow=follow)
    stored = (neighbour for neighbour in stored if _key(neighbour) not in unsettled)
    following = _replay_until(judge, stored, _order(first))
    if following is None:  # nothing is stored after the first candidate: the usual case
        yield from _judge_all(judge, run.candidates)
        return
    neighbours = (Change(neighbour, neighbour) for neighbour in chain([following], stored))
    chained = merge(run.candidates, neighbours, key=lambda change: _order(change.new))
    yield from _walk(judge, run.window, chained, _order(last), follow=follow)


def _neighbours(ledger: Ledger, run: Run, *, follow: bool) -> Iterator[Feedback]:
    """The stored presses from a window (ms) before a run to two windows after it and, with `follow`, further ones.

    It ends at the first range without any row, because no verdict after it can change.
    """
    _, _, start, end = run.span
    while True:
        is_empty = True
        for neighbour in ledger.rows.chain(run.assignment, run.smiley, start, end):
            is_empty = False
            yield neighbour
        if not follow or is_empty:
            return
        start, end = end, end + 4 * (end - start)


def _replay_until(judge: Judge, stored: Iterator[Feedback], first: tuple[int, int, int]) -> Feedback | None:
    """Replays the stored presses before the first candidate; returns the next stored one after it, None without any."""
    for neighbour in stored:
        if _order(neighbour) > first:
            return neighbour
        judge.replay(neighbour)
    return None


def _judge_all(judge: Judge, run: list[Candidate]) -> list[Change]:
    """The changes of a run that has no stored neighbours after its first press."""
    verdicts = map(judge.judge, [new for _, new in run])
    judged = [
        press if press[1].verdict == verdict else _with_verdict(press, verdict)
        for press, verdict in zip(run, verdicts, strict=True)
    ]
    return [change for change in judged if change[0] != change[1]]


def _judged(judge: Judge, candidate: Candidate) -> Change | None:
    """The change that gives the next press its verdict; None if it is stored with it."""
    verdict = judge.judge(candidate.new)
    change = candidate if candidate.new.verdict == verdict else _with_verdict(candidate, verdict)
    return change if change.old != change.new else None


def _with_verdict(candidate: Candidate, verdict: Verdict) -> Change:
    return Change(candidate.old, candidate.new._replace(verdict=int(verdict)))


def _walk(
    judge: Judge, window: int, chained: Iterable[Change], last: tuple[int, int, int], *, follow: bool
) -> Iterator[Change]:
    """Judges up to the last candidate, and with `follow` the stored presses after it until no verdict can change.

    No verdict can change once the judge is in the state in which the stored verdicts were given: after a press that is
    counted and was counted before, or a whole window after the last press that is counted or was counted before. In
    both cases also a window after the last candidate, because of the burst rule.
    """
    last_counted_before = BEGINNING
    for change in chained:
        old, new = change
        is_beyond = _order(new) > last
        if is_beyond and not follow:
            return
        may_stop = is_beyond and new.at - last[0] >= window
        if may_stop and new.at - max(last_counted_before, judge.last_counted) >= window:
            return
        correction = _judged(judge, change)
        if correction is not None:
            yield correction
        if old is not None and old.verdict == _COUNTED:
            if old.assignment == new.assignment:
                last_counted_before = old.at
            if may_stop and correction is None:
                return
