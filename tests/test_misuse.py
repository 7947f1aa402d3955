"""The rules of misuse at their edges, and against a judge in plain lists that was written from docs/misuse.md alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio.errors import SetupError
from hymio.feedback import Accuracy, Feedback, Verdict
from hymio.hierarchy import BEGINNING, Timeline
from hymio.misuse import Judge, MisusePolicy, judge_chain
from hymio.opening_hours import OpeningHours

MONDAY = 1_750_032_000_000
"""2025-06-16T00:00Z."""

MINUTE = 60_000
HOUR = 60 * MINUTE
ALWAYS = MisusePolicy(interval=0)
Steps = list[tuple[int, MisusePolicy]]


def press(at: int, sequence: int = 1, **more: int) -> Feedback:
    told = Feedback(1, 1, sequence, at, 0, 0, 1, int(Accuracy.SECOND), 0, 1, int(Verdict.COUNTED), 1)
    return told._replace(**more)


def chain_of(*instants: int) -> list[Feedback]:
    return [press(at, number) for number, at in enumerate(instants, 1)]


def judged(chain: list[Feedback], *policies: MisusePolicy | tuple[int, MisusePolicy]) -> list[Verdict]:
    steps = [each if isinstance(each, tuple) else (BEGINNING, each) for each in policies]
    return [each.verdict for each in judge_chain(chain, Timeline(steps))]


# --- the judge in plain lists ----------------------------------------------------------------------------------------


def naive(chain: list[Feedback], steps: Steps) -> list[Verdict]:
    """Each press by all that came before it in the chain, with the policy of its own instant; nothing is remembered."""
    verdicts: list[Verdict] = []
    for place, each in enumerate(chain):
        policy = [policy for since, policy in steps if since <= each.at][-1]
        before = [(other, verdict) for other, verdict in zip(chain[:place], verdicts, strict=True)]
        exact = [(other, verdict) for other, verdict in before if other.accuracy == Accuracy.SECOND]
        verdicts.append(naive_verdict(each, policy, exact))
    return verdicts


def naive_verdict(each: Feedback, policy: MisusePolicy, before: list[tuple[Feedback, Verdict]]) -> Verdict:
    if each.accuracy == Accuracy.HOUR:
        begins = each.at - (each.at + each.offset * MINUTE) % HOUR
        minutes = [each._replace(at=begins + minute * MINUTE) for minute in range(60)]
        is_closed = policy.opening_hours and not any(is_open(policy.opening_hours, minute) for minute in minutes)
        return Verdict.CLOSED if policy.judge_closed and is_closed else Verdict.COUNTED
    if policy.judge_closed and policy.opening_hours and not is_open(policy.opening_hours, each):
        return Verdict.CLOSED
    if each.finding:
        return (Verdict.REPEAT, Verdict.ROBOT, Verdict.SCANNER)[each.finding - 1]
    near = [other for other, _ in before if each.at - other.at < 1000 * policy.burst_seconds]
    if policy.burst_presses and policy.burst_seconds and len(near) + 1 > policy.burst_presses:
        return Verdict.BURST
    counted = [other.at for other, verdict in before if verdict is Verdict.COUNTED]
    if counted and each.at - counted[-1] < 1000 * policy.interval:
        return Verdict.INTERVAL
    return Verdict.COUNTED


def is_open(hours: OpeningHours, each: Feedback) -> bool:
    local = each.at + each.offset * MINUTE - MONDAY
    minutes = local // MINUTE
    day, minute = minutes // (24 * 60) % 7, minutes % (24 * 60)
    return any(opens <= minute < closes for opens, closes in hours[day])


# --- the comparison --------------------------------------------------------------------------------------------------

opening_hours = st.sampled_from(
    [
        None,
        OpeningHours._make([((0, 1), (3, 5))] * 7),
        OpeningHours._make([((60, 120),), *[((0, 24 * 60),)] * 5, ()]),
    ]
)
policies = st.builds(
    MisusePolicy,
    interval=st.sampled_from([0, 1, 2, 5, 30]),
    burst_presses=st.sampled_from([0, 1, 2, 3, 6]),
    burst_seconds=st.sampled_from([0, 1, 2, 10, 30]),
    judge_closed=st.booleans(),
    opening_hours=opening_hours,
)
instants = st.builds(
    lambda seconds, edge: MONDAY + 500 * seconds + edge, st.integers(-200, 700), st.sampled_from([0, 0, 0, -1, 1])
)


@st.composite
def chains(draw: st.DrawFn) -> list[Feedback]:
    found = sorted(draw(st.lists(instants, max_size=40)))
    return [
        press(
            at,
            number,
            offset=draw(st.sampled_from([0, 0, 60, -600])),
            finding=draw(st.sampled_from([0] * 9 + [1, 2, 3])),
            accuracy=int(Accuracy.HOUR if draw(st.integers(0, 9)) == 0 else Accuracy.SECOND),
        )
        for number, at in enumerate(found, 1)
    ]


@settings(max_examples=300)
@given(chains(), policies, st.lists(st.tuples(instants, policies), max_size=3, unique_by=lambda step: step[0]))
def test_the_judge_agrees_with_the_judge_in_plain_lists(
    chain: list[Feedback], first: MisusePolicy, more: Steps
) -> None:
    steps = [(BEGINNING, first), *sorted(more, key=lambda step: step[0])]
    assert judged(chain, *steps) == naive(chain, steps)


@settings(max_examples=300)
@given(
    chains(), policies, st.lists(st.tuples(instants, policies), max_size=2, unique_by=lambda step: step[0]), st.data()
)
def test_recalling_what_was_judged_is_as_good_as_having_judged_it(
    chain: list[Feedback], first: MisusePolicy, more: Steps, data: st.DataObject
) -> None:
    """From a window before any press on, nobody needs to know what came earlier."""
    policies = Timeline([(BEGINNING, first), *sorted(more, key=lambda step: step[0])])
    verdicts = [each.verdict for each in judge_chain(chain, policies)]
    cut = data.draw(st.integers(0, len(chain)))
    window = max(policy.window for _, policy in policies.steps)
    judge = Judge(policies)
    for each, verdict in list(zip(chain, verdicts, strict=True))[:cut]:
        if cut < len(chain) and each.at >= chain[cut].at - window:
            judge.replay(each._replace(verdict=int(verdict)))
    assert [judge.judge(each) for each in chain[cut:]] == verdicts[cut:]


# --- the edges -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [(0, Verdict.INTERVAL), (4999, Verdict.INTERVAL), (5000, Verdict.COUNTED), (5001, Verdict.COUNTED)],
)
def test_a_press_counts_again_once_the_interval_is_over(gap: int, verdict: Verdict) -> None:
    """Also where the policy changed before, so that the judge cannot go by a single interval."""
    for policy in (MisusePolicy(interval=5), MisusePolicy(interval=5, burst_presses=9, burst_seconds=1)):
        assert judged(chain_of(MONDAY, MONDAY + gap), policy) == [Verdict.COUNTED, verdict]
    assert judged(chain_of(MONDAY, MONDAY + gap), ALWAYS, (MONDAY, MisusePolicy(interval=5)))[1] is verdict


def test_the_interval_begins_at_counted_presses_only() -> None:
    chain = chain_of(*(MONDAY + 3000 * n for n in range(5)))
    counted, left_out = Verdict.COUNTED, Verdict.INTERVAL
    assert judged(chain, MisusePolicy(interval=5)) == [counted, left_out, counted, left_out, counted]


def test_of_a_burst_the_presses_in_excess_are_left_out() -> None:
    policy = MisusePolicy(interval=0, burst_presses=3, burst_seconds=10)
    chain = chain_of(*(MONDAY + 1000 * n for n in range(5)))
    assert judged(chain[:3], policy) == [Verdict.COUNTED] * 3
    assert judged(chain, policy) == [Verdict.COUNTED] * 3 + [Verdict.BURST] * 2


@pytest.mark.parametrize(("gap", "verdict"), [(9999, Verdict.BURST), (10_000, Verdict.COUNTED)])
def test_a_press_is_out_of_a_burst_when_its_seconds_are_over(gap: int, verdict: Verdict) -> None:
    policy = MisusePolicy(interval=0, burst_presses=1, burst_seconds=10)
    assert judged(chain_of(MONDAY, MONDAY + gap), policy) == [Verdict.COUNTED, verdict]


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (MONDAY + 480 * MINUTE - 1, Verdict.CLOSED),
        (MONDAY + 480 * MINUTE, Verdict.COUNTED),
        (MONDAY + 1200 * MINUTE - 1, Verdict.COUNTED),
        (MONDAY + 1200 * MINUTE, Verdict.CLOSED),
        (MONDAY + (24 * 60 + 600) * MINUTE, Verdict.CLOSED),
    ],
)
def test_a_point_is_open_from_the_first_minute_until_before_the_last(at: int, verdict: Verdict) -> None:
    """Open on Mondays from 8 to 20, wherever the clocks show that."""
    mondays = OpeningHours(((480, 1200),), *[()] * 6)
    policy = MisusePolicy(interval=0, judge_closed=True, opening_hours=mondays)
    for offset in (0, 345, -600):
        assert judged([press(at - offset * MINUTE, offset=offset)], policy) == [verdict]
    assert judged([press(at)], MisusePolicy(interval=0, opening_hours=mondays)) == [Verdict.COUNTED]


def test_the_first_rule_that_hits_is_the_reason() -> None:
    everything = MisusePolicy(
        interval=5, burst_presses=1, burst_seconds=10, judge_closed=True, opening_hours=OpeningHours(*[((0, 1),)] * 7)
    )
    late, repeated = press(MONDAY + MINUTE, 2, finding=1), press(MONDAY + 1000, 2, finding=1)
    first = press(MONDAY)
    assert judged([first, late], everything) == [Verdict.COUNTED, Verdict.CLOSED]
    assert judged([first, repeated], everything) == [Verdict.COUNTED, Verdict.REPEAT]
    assert judged([first, repeated._replace(finding=0)], everything) == [Verdict.COUNTED, Verdict.BURST]


def test_a_policy_that_cannot_be_is_refused() -> None:
    with pytest.raises(SetupError, match="misuse policy: interval is -1"):
        MisusePolicy(interval=-1)
    with pytest.raises(SetupError, match="misuse policy: burst_seconds is 1000001"):
        MisusePolicy(burst_seconds=1_000_001)
