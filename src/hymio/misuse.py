"""Misuse rules: give each press of a chain the verdict counted, or misuse with its reason."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from hymio.errors import SetupError
from hymio.feedback import Accuracy, Feedback, Finding, Verdict
from hymio.hierarchy import BEGINNING, Timeline
from hymio.opening_hours import OpeningHours

SCAN_MS: Final = 10_000
"""Two values of one mail token less than this apart are a mail scanner's, which follows every link of a message."""

_SECOND, _HOUR = int(Accuracy.SECOND), int(Accuracy.HOUR)
_COUNTED, _INTERVAL = Verdict.COUNTED, Verdict.INTERVAL
"""Enum members as globals, because looking them up in the class for each press takes longer than the comparison."""


@dataclass(frozen=True, slots=True)
class MisusePolicy:
    """The misuse rules of a node; 0 switches a rule off.

    `interval`, `burst_seconds` and `answer_interval` are seconds. The burst rule applies to a press if more than
    `burst_presses` presses, itself included, lie within the last `burst_seconds`. The default interval of 5 seconds is
    the example in the vendor's published description of its terminal response interval. Without `opening_hours` a node
    is always open. `answer_interval` is applied when a press is resolved (`intake.resolving`), the others by `Judge`.

    A new rule is a field here, a `Verdict` below SUPERSEDED, a line in `Judge._verdict`, and a case in
    `only_interval`, whose fast paths (here, in `intake.uniform`, in `intake.agreement`) would skip it; one that looks
    back also counts in `window`.
    """

    interval: int = 5
    burst_presses: int = 0
    burst_seconds: int = 0
    answer_interval: int = 0
    judge_closed: bool = False
    opening_hours: OpeningHours | None = None

    def __post_init__(self) -> None:
        for name in ("interval", "burst_presses", "burst_seconds", "answer_interval"):
            if not 0 <= getattr(self, name) <= 1_000_000:
                raise SetupError(
                    "misuse-policy-out-of-range",
                    "misuse policy: {setting} is {got}; accepted is 0 to 1,000,000",
                    setting=name,
                    got=getattr(self, name),
                )

    @property
    def window(self) -> int:
        """How far back, in ms, an earlier press can affect the verdict of a press."""
        return max(1000 * self.interval, self.burst_window)

    @property
    def burst_window(self) -> int:
        """The length in ms of the burst rule's window; 0 if the rule is off."""
        return 1000 * self.burst_seconds if self.burst_presses else 0

    def without_interval(self) -> MisusePolicy:
        """This policy for a digital smiley, whose visitors are independent: without the interval rule."""
        return replace(self, interval=0)

    def is_closed(self, at: int, offset: int) -> bool:
        """Whether presses are judged by opening hours and an instant is outside them; `offset` is in minutes."""
        return self.judge_closed and self.opening_hours is not None and self.opening_hours.is_closed(at, offset)

    def is_hour_closed(self, at: int, offset: int) -> bool:
        """Whether presses are judged by opening hours and the whole local hour that contains an instant is outside."""
        return self.judge_closed and self.opening_hours is not None and self.opening_hours.is_hour_closed(at, offset)


class Judged(NamedTuple):
    """A feedback with the verdict of the rules, which may differ from its stored verdict."""

    feedback: Feedback
    verdict: Verdict


class Judge:
    """Judges the presses of one chain (one smiley, one assignment), given in order of (at, epoch, sequence).

    Its state between presses is the instant of the last counted press and the instants within the burst window.
    `only_interval` is the interval in ms if that is the only rule at all times, otherwise None.
    """

    __slots__ = ("_longest_burst", "_policies", "_recent", "last_counted", "only_interval")

    def __init__(self, policies: Timeline[MisusePolicy]) -> None:
        self._policies = policies
        self._longest_burst = max(policy.burst_window for _, policy in policies.steps)
        self._recent: deque[int] = deque()
        self.only_interval = only_interval(policies)
        self.last_counted = BEGINNING

    def judge(self, feedback: Feedback) -> Verdict:
        """The verdict of the next press: the first rule that applies, in the order of docs/misuse.md, else COUNTED.

        A press whose second is unknown has its `hour_verdict`, and is no neighbour of others.
        """
        if feedback.accuracy != _SECOND:
            return hour_verdict(feedback, self._policies)
        if self.only_interval is not None and not feedback.finding:
            # Fast path: the only rule is an interval that never changes, as for nearly all presses.
            at = feedback.at
            if at - self.last_counted < self.only_interval:
                return _INTERVAL
            self.last_counted = at
            return _COUNTED
        verdict = self._verdict(feedback, self._policies.at(feedback.at))
        if verdict is Verdict.COUNTED:
            self.last_counted = feedback.at
        return verdict

    def replay(self, feedback: Feedback) -> None:
        """Updates the state with a press that has its final verdict, without judging it."""
        if feedback.accuracy == Accuracy.SECOND:
            self._add_to_window(feedback.at)
            if feedback.verdict == Verdict.COUNTED:
                self.last_counted = feedback.at

    def _verdict(self, feedback: Feedback, policy: MisusePolicy) -> Verdict:
        """The verdict of a press by all rules of a policy; it adds the press to the burst window."""
        self._add_to_window(feedback.at)
        if policy.is_closed(feedback.at, feedback.offset):
            return Verdict.CLOSED
        if feedback.finding:
            return Finding(feedback.finding).verdict
        if self._in_burst(feedback.at, policy):
            return Verdict.BURST
        if feedback.at - self.last_counted < 1000 * policy.interval:
            return Verdict.INTERVAL
        return Verdict.COUNTED

    def _add_to_window(self, at: int) -> None:
        """Appends an instant to the burst window and removes those that are too old for every policy."""
        if self._longest_burst:
            self._recent.append(at)
            while self._recent[0] <= at - self._longest_burst:
                self._recent.popleft()

    def _in_burst(self, at: int, policy: MisusePolicy) -> bool:
        """Whether the policy's burst window, which includes this press, has more presses than allowed."""
        if not policy.burst_window:
            return False
        presses = len(self._recent)
        if policy.burst_window != self._longest_burst:
            presses -= bisect_right(self._recent, at - policy.burst_window)
        return presses > policy.burst_presses


def hour_verdict(feedback: Feedback, policies: Timeline[MisusePolicy]) -> Verdict:
    """The verdict of a press whose second is unknown: CLOSED if its whole local hour is outside the opening hours.

    They are those of the policy that acts at its instant, the beginning of the hour. All other rules need seconds.
    """
    if feedback.accuracy == _HOUR and policies.at(feedback.at).is_hour_closed(feedback.at, feedback.offset):
        return Verdict.CLOSED
    return _COUNTED


def is_scanned(values: Iterable[tuple[int, int]], button: int, at: int) -> bool:
    """Whether a mail scanner made a press, given the buttons and instants of presses with the same mail token."""
    return any(other != button and abs(before - at) < SCAN_MS for other, before in values)


def only_interval(policies: Timeline[MisusePolicy]) -> int | None:
    """The interval in ms if there is one policy at all times and only its interval rule can apply; otherwise None."""
    (_, policy), *others = policies.steps
    if others or policy.burst_window or policy.judge_closed:
        return None
    return 1000 * policy.interval


def longest_window(policies: Timeline[MisusePolicy]) -> int:
    """The largest `window` of all policies of a timeline, in ms."""
    return max(policy.window for _, policy in policies.steps)


def judge_chain(chain: Iterable[Feedback], policies: Timeline[MisusePolicy]) -> Iterator[Judged]:
    """Judges a whole chain, given in order and without superseded or quarantined feedback.

    It is the reference that stored verdicts must equal, however the presses arrived.
    """
    judge = Judge(policies)
    for feedback in chain:
        yield Judged(feedback, judge.judge(feedback))
