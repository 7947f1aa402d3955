"""The server's clock: what happens while it is behind what was received, when it is set, and once it was ahead."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress
from dataclasses import dataclass

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hymio import intake, manage
from hymio.access import operator
from hymio.clock import MAX_STEP, ClockWatch, elapsed
from hymio.errors import ClockBehind
from hymio.feedback import Press, Receipt, Upload, Verdict
from hymio.intake.queue import commit_batch
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_timestamp
from hymio.serving import clock_health
from hymio.serving.clock_health import ClockHealth
from hymio.store import Store, open_store
from hymio.store.dialect import Transaction
from hymio.store.receive_time import MAX_RETRY_SECONDS
from tests.served import serving
from tests.terminals import Terminals, put_up, stored
from tests.test_laws import assert_settled
from tests.world import build

NOW = 1_780_000_000_000
"""2026-05-28."""

TEN_YEARS = 3653 * DAY_MS


@dataclass
class Clock:
    """A wall clock that a test sets, and a monotonic one that nobody sets."""

    wall: int = NOW
    monotonic: int = 5_000

    def __call__(self) -> int:
        return self.wall

    def watch(self) -> ClockWatch:
        return ClockWatch(self, lambda: self.monotonic)

    def run(self, milliseconds: int) -> None:
        """Both go on."""
        self.wall += milliseconds
        self.monotonic += milliseconds


def receive_times(store: Store, organization: int) -> list[int]:
    """Of all revisions, in their order."""
    with store.read() as transaction:
        text = "SELECT committed_at FROM revision WHERE organization_id = :o ORDER BY revision"
        return [at for [at] in transaction.rows(text, o=organization)]


# --- behind what was received ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [61, 3600, TEN_YEARS // SECOND_MS])
def test_presses_wait_until_the_clock_has_caught_up(store: Store, seconds: int) -> None:
    world = build(store)
    first, second = (Upload(world.smileys[0], (Press(1, n, NOW - HOUR_MS, 1),)) for n in (1, 2))
    intake.record(store, world.organization, [first], NOW)
    before = stored(store, world.organization, "feedback", "sequence"), receive_times(store, world.organization)
    with pytest.raises(ClockBehind) as refused:
        intake.record(store, world.organization, [second], NOW - seconds * SECOND_MS)
    assert refused.value.retry_after == min(seconds - 60, MAX_RETRY_SECONDS)
    after = stored(store, world.organization, "feedback", "sequence"), receive_times(store, world.organization)
    assert before == after
    [receipt] = intake.record(store, world.organization, [second], NOW - MINUTE_MS)
    assert isinstance(receipt, Receipt)
    assert receipt.acknowledged == ((1, 2),)


@given(steps=st.lists(st.tuples(st.integers(-90, 90), st.sampled_from(["press", "policy", "resettle"])), max_size=12))
def test_receive_times_never_go_back(shared_database_url: str, steps: list[tuple[int, str]]) -> None:
    """Whatever the clock shows at an upload, a change of the set-up or in the middle of a resettling."""
    with closing(open_store(shared_database_url)) as store:
        world, now = build(store), NOW
        boss = operator(world.organization)
        for number, (seconds, what) in enumerate(steps, 1):
            now += seconds * SECOND_MS
            if what == "press":
                with suppress(ClockBehind):
                    intake.record(
                        store, world.organization, [Upload(world.smileys[0], (Press(1, number, now, 1),))], now
                    )
            elif what == "policy":
                manage.set_policy(store, boss, world.root, MisusePolicy(interval=number), now=now)
            else:
                intake.resettle(store, world.organization, world.root, 0, now)
        times = receive_times(store, world.organization)
        assert times == sorted(times)
        assert_settled(store, world)


def test_a_long_resettling_leaves_alone_what_comes_meanwhile(store: Store) -> None:
    """Its `now` is that of its beginning, when these presses were still to come."""
    world = build(store)
    later = NOW + 10 * MINUTE_MS
    intake.record(store, world.organization, [Upload(world.smileys[0], (Press(1, 1, later, 1),))], later)
    assert intake.resettle(store, world.organization, world.root, 0, NOW) == 0
    assert intake.rebuild(store, world.organization, NOW) == intake.Rebuilt(0, 0)
    assert stored(store, world.organization, "feedback", "verdict") == [(Verdict.COUNTED,)]


def test_only_uploads_of_the_organization_that_is_ahead_wait(store: Store) -> None:
    ahead, other = build(store), build(store)
    intake.record(store, ahead.organization, [Upload(ahead.smileys[0])], NOW + TEN_YEARS)

    @dataclass
    class Arrived:
        organization: int
        upload: Upload
        size: int = 1
        rows: int = 1
        sender: str = "a terminal"

        def read(self, _transaction: Transaction) -> tuple[int, Upload]:
            return self.organization, self.upload

    both = [Arrived(each.organization, Upload(each.smileys[0])) for each in (ahead, other)]
    waits, committed = commit_batch(store, both, NOW)
    assert isinstance(waits, ClockBehind)
    assert not isinstance(committed, Exception)


def upload(http: httpx.Client, terminals: Terminals, sequence: int, clock: int) -> httpx.Response:
    body = {"epoch": 1, "clock": clock, "presses": [{"sequence": sequence, "at": clock - SECOND_MS, "button": 3}]}
    return http.post("/terminal/v1/uploads", json=body, headers=terminals.headers)


def test_a_server_that_starts_in_the_past_takes_no_presses_until_it_has_the_time(store: Store) -> None:
    """A small server without a battery clock; what it refuses the terminals keep and send again."""
    terminals, clock = put_up(store), Clock()
    intake.record(store, terminals.organization, [Upload(1)], NOW)
    clock.wall = NOW - TEN_YEARS
    with serving(store, now=clock, watch=clock.watch()) as http:
        refused = upload(http, terminals, 1, NOW + MINUTE_MS)
        assert (refused.status_code, refused.json()["code"]) == (503, "clock-behind")
        assert 1 <= int(refused.headers["retry-after"]) <= MAX_RETRY_SECONDS
        text = http.post("/sms", json={"text": "Hello?"}, headers={"X-Hymio-Secret": terminals.sms_secret})
        assert (text.status_code, text.json()["code"]) == (503, "clock-behind")
        for path in ("/health", "/ready"):
            health = http.get(path)
            assert (health.status_code, "clock-for-all" in failed(health)) == (503, True)
        clock.wall = NOW + MINUTE_MS
        taken = upload(http, terminals, 1, NOW + MINUTE_MS)
        assert (taken.status_code, taken.json()["correction"]) == (200, 0)
        health = http.get("/health")
        assert (health.status_code, health.json()["clockStep"]["seconds"]) == (200, TEN_YEARS / 1000 + 60)
    assert stored(store, terminals.organization, "feedback", "at") == [(NOW + MINUTE_MS - SECOND_MS,)]


def test_a_change_of_now_acts_after_what_was_received_whatever_the_clock_shows(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    intake.record(store, world.organization, [Upload(world.smileys[0], (Press(1, 1, NOW, 1),))], NOW)
    effect = manage.set_policy(store, boss, world.root, MisusePolicy(interval=60), now=NOW - TEN_YEARS)
    placed = manage.place(store, boss, world.smileys[0], world.points[1], now=NOW - TEN_YEARS)
    assert effect is not None
    assert (effect.since, placed) == (NOW + MINUTE_MS + 1, NOW + 1)
    assert_settled(store, world)


def test_one_organization_that_is_ahead_makes_no_server_unready(store: Store) -> None:
    terminals, other, clock = put_up(store), build(store), Clock()
    intake.record(store, terminals.organization, [Upload(1)], NOW)
    intake.record(store, other.organization, [Upload(other.smileys[0])], NOW + TEN_YEARS)
    with serving(store, now=clock, watch=clock.watch()) as http:
        assert upload(http, terminals, 1, NOW).status_code == 200
        health = http.get("/health")
        assert (health.status_code, failed(health)) == (503, ["clock"])
        assert http.get("/ready").status_code == 200


def failed(health: httpx.Response) -> list[str]:
    """The checks that failed."""
    return [row["name"] for row in health.json()["checks"] if not row["ok"]]


# --- steps of the wall clock -----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(-3 * MAX_STEP, 3 * MAX_STEP)), max_size=20))
def test_steps_are_noticed_and_their_sum_is_known_to_a_minute(moves: list[tuple[int, int]]) -> None:
    clock = Clock()
    watch, noticed, stepped = clock.watch(), 0, 0
    for passed, step in moves:
        clock.run(passed)
        clock.wall += step
        stepped += step
        seen = watch.check()
        assert watch.check() is None, "a step is noticed once"
        noticed += 0 if seen is None else seen.by
        assert abs(stepped - noticed) <= MAX_STEP
        assert seen is None or (seen.at, abs(seen.by) > MAX_STEP, watch.last_step) == (clock.wall, True, seen)


def test_the_clock_of_the_machine_has_no_step() -> None:
    watch = ClockWatch()
    assert watch.check() is None
    assert elapsed() <= elapsed()


def test_a_step_is_shown_by_health(store: Store) -> None:
    clock = Clock()
    with serving(store, now=clock, watch=clock.watch()) as http:
        clock.run(HOUR_MS)
        assert "clockStep" not in http.get("/health").json()
        clock.wall -= 2 * HOUR_MS
        shown = http.get("/health").json()
        clock.run(HOUR_MS)
        assert http.get("/health").json() == shown
    assert shown["clockStep"] == {"at": format_timestamp(NOW - HOUR_MS, 0, utc=True), "seconds": -7200.0}


def test_a_step_and_a_clock_that_is_behind_are_logged_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    world, clock = build(store), Clock()
    intake.record(store, world.organization, [Upload(world.smileys[0])], NOW)
    with capture_logs() as logged:
        monkeypatch.setattr(clock_health, "_log", structlog.wrap_logger(None, wrapper_class=structlog.BoundLogger))
        health = ClockHealth(store, clock, clock.watch())
        asyncio.run(health._look())
        for step in (0, -HOUR_MS, 0, HOUR_MS, 0):
            clock.wall += step
            with suppress(ClockBehind):
                health.check()
    assert [(entry["log_level"], entry["event"].partition(",")[0]) for entry in logged] == [
        ("warning", "the clock was set"),
        ("error", "the clock is behind"),
        ("warning", "the clock was set"),
        ("warning", "the clock has passed the newest receive time"),
    ]


# --- once it was ahead -----------------------------------------------------------------------------------------------


def test_accepting_a_right_clock_lets_intake_go_on(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    for at in (NOW, NOW + TEN_YEARS):
        intake.record(store, world.organization, [Upload(world.smileys[0])], at)
    before = receive_times(store, world.organization)
    assert manage.accept_clock(store, boss, now=NOW + 5) == 1
    assert receive_times(store, world.organization) == [*before[:-1], NOW + 5, NOW + 5]
    intake.record(store, world.organization, [Upload(world.smileys[0])], NOW + 6)
    assert manage.accept_clock(store, boss, now=NOW + 7) == 0
    [entry] = manage.audit_log(store, boss, verb="accept-clock")
    assert entry.old == {"newest": format_timestamp(NOW + TEN_YEARS, 0, utc=True)}


def test_a_server_whose_last_commit_was_ahead_is_well_once_its_clock_is_accepted(database_url: str) -> None:
    with closing(open_store(database_url)) as store, closing(open_store(database_url)) as shell:
        world = build(store)
        intake.record(store, world.organization, [Upload(world.smileys[0])], NOW + TEN_YEARS)
        manage.accept_clock(shell, operator(world.organization), now=NOW + 5)
        store.check()
