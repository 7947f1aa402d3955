"""The outbox and the rows of jobs, case by case; tests/test_leases.py has their laws."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import manage
from hymio.access import operator
from hymio.errors import BadRequest, Conflict, LeaseLost, NotFound
from hymio.store import Store, jobs, outbox
from hymio.store.lease import MAX_DETAIL, TERMS, Outcome
from hymio.store.outbox import Claim, OutboxCount, OutboxId

NOW = 1_800_000_000_000
MINUTE = 60_000
KINDS = {"letter": False, "note": True}
LATE = NOW + TERMS.length + TERMS.clock_error
"""When a lease that was taken now may be taken over."""


@pytest.fixture
def acme(store: Store) -> int:
    return manage.create_organization(store, operator(), "Acme", now=0)


def add(store: Store, organization: int, kind: str, *, at: int = NOW, not_before: int | None = None) -> OutboxId:
    with store.begin(organization, at) as ledger:
        return ledger.outbox.add(kind, {"text": "ä%:name"}, not_before)


def claimed(store: Store, organization: int, now: int = NOW, holder: str = "one") -> Claim:
    found = outbox.claim(store, organization, KINDS, holder, now)
    assert found is not None
    return found


def outcomes(store: Store) -> dict[Outcome | None, int]:
    with store.read() as transaction:
        return {row.outcome: row.rows for row in outbox.counts(transaction)}


# --- the outbox -------------------------------------------------------------------------------------------------------


def test_the_oldest_row_comes_first_with_what_was_put_into_it(store: Store, acme: int) -> None:
    second, first = add(store, acme, "note", not_before=NOW - 1), add(store, acme, "letter", not_before=NOW - 2)
    add(store, acme, "note", not_before=NOW + 1)
    taken = claimed(store, acme)
    assert (taken.id, taken.kind, taken.payload, taken.attempts) == (first, "letter", {"text": "ä%:name"}, 1)
    assert claimed(store, acme).id == second
    assert outbox.claim(store, acme, KINDS, "one", NOW) is None


def test_rows_of_kinds_that_are_not_known_here_wait_for_a_process_that_knows_them(store: Store, acme: int) -> None:
    add(store, acme, "fax")
    assert outbox.waiting_organizations(store, KINDS, NOW) == []
    assert outbox.claim(store, acme, KINDS, "one", NOW) is None
    assert outbox.waiting_organizations(store, ["fax"], NOW) == [acme]
    assert outbox.waiting_organizations(store, [], NOW) == []
    assert outbox.claim(store, acme, {}, "one", NOW) is None
    assert outbox.mark_undecided(store, acme, {}, NOW) == []


def test_organizations_have_outboxes_of_their_own(store: Store, acme: int) -> None:
    other = manage.create_organization(store, operator(), "Other", now=0)
    rows = add(store, acme, "note"), add(store, other, "note")
    assert rows[0] == rows[1]
    assert outbox.waiting_organizations(store, KINDS, NOW) == [acme, other]
    outbox.finish(store, claimed(store, acme), Outcome.DONE, "", NOW)
    assert outbox.waiting_organizations(store, KINDS, NOW) == [other]


def test_a_late_holder_still_decides_what_was_marked_undecided(store: Store, acme: int) -> None:
    add(store, acme, "letter")
    late = claimed(store, acme)
    assert outbox.mark_undecided(store, acme, KINDS, LATE - 1) == []
    assert outbox.mark_undecided(store, acme, KINDS, LATE) == [late.id]
    outbox.finish(store, late, Outcome.DONE, "delivered", LATE)
    assert outcomes(store) == {Outcome.DONE: 1}


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_a_late_holder_changes_nothing_once_somebody_has_decided(store: Store, acme: int, verb: str) -> None:
    add(store, acme, "letter")
    late = claimed(store, acme)
    outbox.mark_undecided(store, acme, KINDS, LATE)
    with store.begin(acme, LATE) as ledger:
        assert getattr(ledger.outbox, verb)(late.id) == Outcome.UNDECIDED
    before = outcomes(store)
    for end in (
        lambda: outbox.finish(store, late, Outcome.DONE, "", LATE),
        lambda: outbox.put_back(store, late, "", LATE),
        lambda: outbox.renew(store, late, LATE),
    ):
        with pytest.raises(LeaseLost):
            end()
    assert outcomes(store) == before
    assert before == {Outcome.DISCARDED if verb == "discard" else None: 1}


def test_a_row_that_used_up_its_attempts_gets_one_more_by_hand(store: Store, acme: int) -> None:
    add(store, acme, "note")
    now = NOW
    for _ in range(outbox.MAX_ATTEMPTS - 1):
        again = outbox.put_back(store, claimed(store, acme, now), "no answer", now)
        assert again is not None
        now = again
    assert outbox.put_back(store, claimed(store, acme, now), "no answer", now) is None
    with store.read() as transaction:
        (row,) = outbox.open_rows(transaction, 10)
    assert (row.outcome, row.detail, row.attempts) == (Outcome.FAILED, "no answer", outbox.MAX_ATTEMPTS)
    with store.begin(acme, now) as ledger:
        ledger.outbox.retry(row.id)
    assert outbox.put_back(store, claimed(store, acme, now), "no answer", now) is None
    assert outcomes(store) == {Outcome.FAILED: 1}


def test_only_what_is_open_is_decided_by_hand(store: Store, acme: int) -> None:
    id_ = add(store, acme, "note")
    with pytest.raises(Conflict) as waiting, store.begin(acme, NOW) as ledger:
        ledger.outbox.retry(id_)
    assert waiting.value.code == "outbox-row-not-open"
    with pytest.raises(NotFound) as missing, store.begin(acme, NOW) as ledger:
        ledger.outbox.discard(OutboxId(id_.revision, 2))
    assert missing.value.code == "unknown-outbox-row"


def test_what_is_done_or_discarded_is_cleared_and_what_is_open_stays(store: Store, acme: int) -> None:
    for ended in (NOW - MINUTE, NOW):
        for outcome in Outcome:
            add(store, acme, "note", at=NOW - MINUTE)
            outbox.finish(store, claimed(store, acme), outcome, "", ended)
    assert outbox.clear(store, acme, NOW, 1) == 1
    assert outbox.clear(store, acme, NOW, 100) == 1
    assert outbox.clear(store, acme, NOW, 100) == 0
    left = {Outcome.DONE: 1, Outcome.DISCARDED: 1, Outcome.FAILED: 2, Outcome.UNDECIDED: 2}
    with store.read() as transaction:
        expected = {OutboxCount(acme, "note", outcome, rows, NOW - MINUTE) for outcome, rows in left.items()}
        assert set(outbox.counts(transaction)) == expected
        newest = outbox.open_rows(transaction, 3)
    assert [row.ended_at for row in newest] == [NOW, NOW, NOW - MINUTE]


def test_a_payload_and_a_detail_have_a_largest_size(store: Store, acme: int) -> None:
    with store.begin(acme, NOW) as ledger:
        with pytest.raises(ValueError, match="accepted"):
            ledger.outbox.add("note", {"text": "x" * outbox.MAX_PAYLOAD})
        ledger.outbox.add("note", {})
    outbox.finish(store, claimed(store, acme), Outcome.FAILED, "long\n" * 1000, NOW)
    with store.read() as transaction:
        (row,) = outbox.open_rows(transaction, 1)
    assert row.detail is not None
    assert len(row.detail) == MAX_DETAIL
    assert "\n" not in row.detail


@given(st.integers(1, 1 << 60), st.integers(0, 1 << 40), st.integers(1, 100), st.integers(1, 1 << 40))
def test_delays_double_up_to_a_bound_and_are_the_same_each_time(
    revision: int, number: int, attempts: int, organization: int
) -> None:
    longest = min(6 * 3_600_000, 15_000 * 2 ** (attempts - 1))
    delay = outbox.retry_delay(organization, OutboxId(revision, number), attempts)
    assert longest / 2 <= delay <= longest
    assert delay == outbox.retry_delay(organization, OutboxId(revision, number), attempts)


def test_rows_that_failed_together_do_not_return_together() -> None:
    assert len({outbox.retry_delay(1, OutboxId(7, number), 3) for number in range(100)}) > 90


@given(st.integers(0, 10**18 - 1), st.integers(0, 10**18 - 1))
def test_an_id_is_read_as_it_is_written(revision: int, number: int) -> None:
    assert OutboxId.parsed(str(OutboxId(revision, number))) == (revision, number)


@pytest.mark.parametrize("text", ["", "7", "7.", ".1", "7.1.1", "-7.1", "7.x", "٧.1", "1" * 19 + ".1"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        OutboxId.parsed(text)
    assert refused.value.code == "bad-outbox-id"


# --- jobs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def due(store: Store) -> int:
    """When the job "sweep", planned and run every minute, is first due."""
    jobs.plan(store, "sweep", MINUTE, NOW - MINUTE)
    return NOW


@given(st.integers(0, 10**12), st.integers(1, 10**9), st.integers(-(10**9), 10**12))
def test_the_next_due_instant_lies_on_the_grid_after_both(start: int, every: int, passed: int) -> None:
    now = start + passed
    following = jobs.next_due(start, every, now)
    assert max(start, now) < following <= max(start, now) + every
    assert (following - start) % every == 0


def test_a_run_that_ends_in_a_commit_that_fails_is_still_due(store: Store, acme: int, due: int) -> None:
    lease = jobs.claim(store, "sweep", MINUTE, "one", due)
    assert lease is not None
    with contextlib.suppress(KeyError), store.begin(acme, due) as ledger:
        ledger.outbox.add("note", {})
        jobs.finish(ledger.transaction, lease, Outcome.DONE, "", due)
        raise KeyError
    assert outcomes(store) == {}
    again = jobs.claim(store, "sweep", MINUTE, "two", LATE)
    assert again is not None
    assert (again.due_at, again.attempts) == (due, 2)


def test_a_guarded_commit_after_the_lease_was_taken_over_is_undone(store: Store, acme: int, due: int) -> None:
    lease = jobs.claim(store, "sweep", MINUTE, "one", due)
    assert lease is not None
    assert jobs.claim(store, "sweep", MINUTE, "two", LATE) is not None

    def write_late() -> None:
        with store.begin(acme, LATE) as ledger:
            ledger.outbox.add("note", {})
            jobs.guard(ledger.transaction, lease)

    with pytest.raises(LeaseLost):
        write_late()
    assert outcomes(store) == {}


def test_what_a_clock_far_ahead_wrote_does_not_stop_a_job(store: Store, due: int) -> None:
    year = 365 * 24 * 60 * MINUTE
    ahead = jobs.claim(store, "sweep", MINUTE, "one", due + year)
    assert ahead is not None
    taken = jobs.claim(store, "sweep", MINUTE, "two", due)  # the lease ends in a year
    assert taken is not None
    with pytest.raises(LeaseLost):
        jobs.renew(store, ahead, due + year)
    with store.write() as transaction:
        jobs.finish(transaction, taken, Outcome.DONE, "", due + year)  # the next run is due in a year
    assert jobs.claim(store, "sweep", MINUTE, "three", due) is not None


def test_rows_of_jobs_that_are_gone_are_forgotten(store: Store, due: int) -> None:
    jobs.plan(store, "gone", MINUTE, NOW - MINUTE)
    assert jobs.forget(store, ["sweep"], due) == 0
    assert jobs.forget(store, ["sweep"], due + 1) == 1
    assert [state.name for state in jobs.states(store)] == ["sweep"]
