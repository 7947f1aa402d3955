"""Misuse: which presses of a smiley count, and the one reason why each other one does not."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from hymio.errors import SetupError
from hymio.feedback import Accuracy, Feedback, Verdict
from hymio.hierarchy import BEGINNING, Timeline

MINUTES_A_DAY = 24 * 60
_MINUTE_MS = 60_000
_THURSDAY = 3
_SECOND = int(Accuracy.SECOND)
_COUNTED, _INTERVAL = Verdict.COUNTED, Verdict.INTERVAL
"""Looking a member up in its class takes longer than judging by it."""

OpeningHours = tuple[tuple[tuple[int, int], ...], ...]
"""Seven days from Monday, each with half-open ranges of local minutes after midnight; () means always open."""


@dataclass(frozen=True, slots=True)
class MisusePolicy:
    """The rules of one point; seconds and counts, 0 switches a rule off.

    `interval` is the vendor's published terminal response interval, 5 seconds in its example (facts, section 3).
    """

    interval: int = 5
    burst_presses: int = 0
    burst_seconds: int = 0
    answer_interval: int = 0
    judge_closed: bool = False
    opening_hours: OpeningHours = ()

    def __post_init__(self) -> None:
        for name in ("interval", "burst_presses", "burst_seconds", "answer_interval"):
            if not 0 <= getattr(self, name) <= 1_000_000:
                raise SetupError(
                    "misuse-policy-out-of-range",
                    "misuse policy: {setting} is {got}; accepted is 0 to 1,000,000",
                    setting=name,
                    got=getattr(self, name),
                )
        if self.opening_hours and len(self.opening_hours) != 7:
            raise SetupError(
                "opening-hours-without-week", "misuse policy: opening hours name seven days from Monday, or none"
            )

    @property
    def window(self) -> int:
        """How many ms back a press can matter for judging another."""
        return max(1000 * self.interval, self.burst_window)

    @property
    def burst_window(self) -> int:
        """How many ms the burst rule looks back; 0 while it is off."""
        return 1000 * self.burst_seconds if self.burst_presses else 0

    def without_interval(self) -> MisusePolicy:
        """The same policy for a digital smiley, behind which people are independent."""
        return replace(self, interval=0)

    def is_closed(self, at: int, offset: int) -> bool:
        """Whether the point is closed at an instant, read on its wall clock."""
        if not self.judge_closed or not self.opening_hours:
            return False
        day, minute = divmod(at // _MINUTE_MS + offset, MINUTES_A_DAY)
        ranges = self.opening_hours[(day + _THURSDAY) % 7]
        return not any(start <= minute < end for start, end in ranges)


class Judged(NamedTuple):
    """A feedback with the verdict it deserves, which may differ from the one it is stored with."""

    feedback: Feedback
    verdict: Verdict


class Judge:
    """Judges the presses of one chain (a smiley's presses under one assignment) in order of (at, epoch, sequence).

    It remembers between presses what the rules need: the last counted instant, and the instants of the burst window.
    """

    __slots__ = ("_interval", "_longest_burst", "_policies", "_recent", "last_counted")

    def __init__(self, policies: Timeline[MisusePolicy]) -> None:
        self._policies = policies
        self._longest_burst = max(policy.burst_window for _, policy in policies.steps)
        self._recent: deque[int] = deque()
        self._interval = _sole_interval(policies)
        self.last_counted = BEGINNING

    def judge(self, feedback: Feedback) -> Verdict:
        """The verdict of the next press. Rules in order, the first that hits is the reason (docs: misuse)."""
        if feedback.accuracy != _SECOND:
            return _COUNTED
        if self._interval is not None and not feedback.repeated:
            # Nearly all presses are judged by one unchanging interval and nothing else.
            at = feedback.at
            if at - self.last_counted < self._interval:
                return _INTERVAL
            self.last_counted = at
            return _COUNTED
        verdict = self._verdict(feedback, self._policies.at(feedback.at))
        if verdict is Verdict.COUNTED:
            self.last_counted = feedback.at
        return verdict

    def recall(self, feedback: Feedback) -> None:
        """Takes a press as it was judged before, to go on from there."""
        if feedback.accuracy == Accuracy.SECOND:
            self._remember(feedback.at)
            if feedback.verdict == Verdict.COUNTED:
                self.last_counted = feedback.at

    def _verdict(self, feedback: Feedback, policy: MisusePolicy) -> Verdict:
        self._remember(feedback.at)
        if policy.is_closed(feedback.at, feedback.offset):
            return Verdict.CLOSED
        if feedback.repeated:
            return Verdict.REPEAT
        if self._in_burst(feedback.at, policy):
            return Verdict.BURST
        if feedback.at - self.last_counted < 1000 * policy.interval:
            return Verdict.INTERVAL
        return Verdict.COUNTED

    def _remember(self, at: int) -> None:
        if self._longest_burst:
            self._recent.append(at)
            while self._recent[0] <= at - self._longest_burst:
                self._recent.popleft()

    def _in_burst(self, at: int, policy: MisusePolicy) -> bool:
        if not policy.burst_window:
            return False
        within = len(self._recent)
        if policy.burst_window != self._longest_burst:
            within -= bisect_right(self._recent, at - policy.burst_window)
        return within > policy.burst_presses


def _sole_interval(policies: Timeline[MisusePolicy]) -> int | None:
    """The interval in ms where it is all that was ever judged by; otherwise None."""
    (_, policy), *others = policies.steps
    if others or policy.burst_window or policy.judge_closed:
        return None
    return 1000 * policy.interval


def longest_window(policies: Timeline[MisusePolicy]) -> int:
    """How many ms back a press can matter at most, whatever policy acts when."""
    return max(policy.window for _, policy in policies.steps)


def judge_chain(chain: Iterable[Feedback], policies: Timeline[MisusePolicy]) -> Iterator[Judged]:
    """Judges a whole chain, given in order and without superseded or quarantined presses: the reference of law 1."""
    judge = Judge(policies)
    for feedback in chain:
        yield Judged(feedback, judge.judge(feedback))
