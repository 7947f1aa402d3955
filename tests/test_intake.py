"""What becomes of presses that repeat, contradict, come at impossible times or before somebody set the point up."""

from __future__ import annotations

import importlib
import sqlite3
import threading
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.errors import DatabaseError, NotFound, SetupError, Unavailable
from hymio.feedback import (
    DEVICE_EPOCHS,
    Feedback,
    Followup,
    HourReport,
    Phases,
    Press,
    Receipt,
    SequenceRange,
    Text,
    UnusablePress,
    Upload,
    Verdict,
    client_key,
    feedback_id,
    key_of_feedback_id,
    placeholder_sequence,
)
from hymio.misuse import MisusePolicy
from hymio.period import InstantRange, instant_of, zone
from hymio.store import Store, open_store
from hymio.store.ledger import SmileyState
from hymio.survey import ActivePeriod
from tests.test_laws import assert_settled, law, opened, stored_feedback
from tests.world import NOW, World, build, policies, pressed, wall
from tests.zones import HOUR

AT = 1_750_000_000_000


def told(store: Store, world: World, *presses: Press, smiley: int = 0, **more: object) -> Receipt:
    (receipt,) = intake.record(store, world.organization, [Upload(world.smileys[smiley], presses, **more)], NOW)  # type: ignore[arg-type]  # the fields of an upload
    assert isinstance(receipt, Receipt)
    return receipt


def verdicts(store: Store, world: World) -> list[Verdict]:
    return [Verdict(each.verdict) for each in stored_feedback(store, world)]


def test_a_repeat_is_a_duplicate_and_other_content_a_conflict(store: Store) -> None:
    world = build(store)
    first = told(store, world, Press(1, 1, AT, 3), Press(1, 2, AT + 9000, 3))
    again = told(store, world, Press(1, 1, AT, 3), Press(1, 2, AT + 9000, 0), Press(1, 2, AT + 9000, 0))
    assert (first.stored, first.duplicates, first.quarantined) == (2, 0, ())
    assert (again.new, again.stored, again.duplicates) == (1, 0, 2)
    assert {each.reason for each in again.quarantined} == {Verdict.CONFLICT}
    assert [each.button for each in assert_settled(store, world)] == [3, 3]


def test_two_presses_in_one_second_are_two(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=0))
    assert told(store, world, Press(1, 1, AT, 3), Press(1, 2, AT, 3)).stored == 2
    assert verdicts(store, world) == [Verdict.COUNTED, Verdict.COUNTED]


def test_one_bad_press_never_blocks_its_neighbours(store: Store) -> None:
    world = build(store)
    bad = [Press(1, 2, AT, 9), Press(1, 3, -5, 1), Press(1, 4, NOW + HOUR, 1)]
    unread = UnusablePress(1, 5, Verdict.UNREADABLE, '{"sequence":5,"button":"x"}')
    receipt = told(store, world, Press(1, 1, AT, 2), *bad, Press(1, 6, AT + HOUR, 1), unusable=(unread,))
    reasons = [(each.sequence, each.reason.label) for each in receipt.quarantined]
    assert reasons == [(2, "off_scale"), (3, "impossible_time"), (4, "impossible_time"), (5, "unreadable")]
    assert receipt.acknowledged == ((1, 6),)
    assert verdicts(store, world).count(Verdict.COUNTED) == 2


@law
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5)), min_size=1, max_size=15), st.data())
def test_acknowledged_through_is_the_first_gap(
    shared_database_url: str, told_ranges: list[tuple[int, int]], data: st.DataObject
) -> None:
    store = opened(shared_database_url)
    world = build(store)
    known: set[int] = set()
    for first, count in told_ranges:
        known |= set(range(first, first + count))
        if data.draw(st.booleans()):
            receipt = told(store, world, lost=(SequenceRange(5, first, first + count - 1),))
        else:
            receipt = told(store, world, *(Press(5, n, AT + n * 7000, 1) for n in range(first, first + count)))
        gap = next(n for n in range(1, 60) if n not in known)
        assert receipt.acknowledged == ((5, gap - 1),)
    with store.begin(world.organization, NOW) as ledger:
        ranges = ledger.progress.accounted(world.smileys[0], 5, 1)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))


def test_a_wrong_clock_is_corrected_once(store: Store) -> None:
    world = build(store)
    year_1970 = 5_000_000
    receipt = told(store, world, Press(1, 1, year_1970, 3), clock=year_1970 + 60_000)
    assert receipt.correction == NOW - year_1970 - 60_000
    again = told(store, world, Press(1, 1, year_1970, 3), clock=year_1970 + 120_000)
    assert again.duplicates == 1
    (stored,) = stored_feedback(store, world)
    assert (stored.at, stored.correction) == (NOW - 60_000, receipt.correction)


def test_quarantine_is_released_when_the_set_up_is_mended(store: Store) -> None:
    world = build(store)
    with manage.batch(store, world.organization, NOW) as batch:
        late = manage.add_smiley(
            batch,
            operator(world.organization),
            "LATE",
            "Late",
            store.layout(world.organization).smileys[1].type,
            now=NOW,
        ).id
    world = replace(world, smileys=(*world.smileys, late))
    receipt = told(store, world, *(Press(1, n, AT + n * 1000, 1) for n in range(1, 9)), smiley=4)
    assert {each.reason for each in receipt.quarantined} == {Verdict.NO_PLACEMENT}
    assert intake.release(store, world.organization, NOW) == 0
    with manage.batch(store, world.organization, NOW) as batch:
        manage.place(batch, operator(world.organization), late, world.points[0], AT, now=NOW)
    assert intake.release(store, world.organization, NOW) == 8
    assert verdicts(store, world).count(Verdict.COUNTED) == 2
    assert_settled(store, world)


def test_a_web_press_names_its_survey(store: Store) -> None:
    world = build(store)
    right, wrong = (Press(*client_key(uuid4()), AT, 4, survey=survey) for survey in reversed(world.surveys))
    receipt = told(store, world, right, wrong, smiley=3)
    assert [each.reason for each in receipt.quarantined] == [Verdict.WRONG_SURVEY]
    assert receipt.acknowledged == ()
    assert intake.resettle(store, world.organization, world.root, 0, NOW) == 0


def test_people_behind_a_web_smiley_are_independent_and_a_visitor_counts_once(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=60, answer_interval=3600))
    people = [b"ann", b"bob", b"ann"]
    for n, visitor in enumerate(people):
        told(
            store,
            world,
            Press(*client_key(uuid4()), AT + n * 1000, 4, survey=world.surveys[1], visitor=visitor),
            smiley=3,
        )
    with results.raw(store, operator(world.organization), results.OfAssignment(world.assignments[2])) as raw:
        assert [Verdict(row.verdict) for row in raw.rows] == [Verdict.COUNTED, Verdict.COUNTED, Verdict.REPEAT]
    assert list(intake.verify(store, world.organization)) == []


@law
@given(st.lists(st.tuples(st.sampled_from([b"ann", b"bob"]), st.integers(0, 7200)), max_size=12), st.data())
def test_visitors_told_together_are_visitors_told_one_by_one(
    shared_database_url: str, answers: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    store = opened(shared_database_url)
    found = []
    for together in (False, True):
        world = build(store, policy=MisusePolicy(answer_interval=3600))
        presses = [
            Press(-5 - n, 1, AT + seconds * 1000, 4, survey=world.surveys[1], visitor=visitor)
            for n, (visitor, seconds) in enumerate(answers)
        ]
        cut = data.draw(st.integers(0, len(presses))) if together else 0
        for part in (presses[:cut], presses[cut:]) if together else ([each] for each in presses):
            told(store, world, *part, smiley=3)
        found.append([each.verdict for each in stored_feedback(store, world)])
        assert list(intake.verify(store, world.organization)) == []
    assert found[0] == found[1]


def test_what_comes_after_the_button_is_kept(store: Store) -> None:
    world = build(store)
    soup = Text("Cold soup", 0.75, spam=False)
    press = Press(*client_key(uuid4()), AT, 0, survey=world.surveys[1], phases=Phases(text=soup))
    told(store, world, press, press, smiley=3)
    subject = results.OfAssignment(world.assignments[2])
    with TEXTS(store, operator(world.organization), subject) as texts:
        assert (texts.total, [row.answer for row in texts.rows]) == (1, [soup])
    with results.raw(store, operator(world.organization), subject) as raw:
        assert [row.answer for row in raw.rows] == [soup]


def test_an_unknown_smiley_undoes_its_upload_alone(store: Store) -> None:
    world = build(store)
    uploads = [Upload(world.smileys[0], (Press(1, 1, AT, 1),)), Upload(12345, (Press(1, 1, AT, 1),))]
    good, bad = intake.record(store, world.organization, uploads, NOW)
    assert isinstance(good, Receipt)
    assert isinstance(bad, NotFound)
    assert len(assert_settled(store, world)) == 1


@pytest.mark.parametrize("many", [1, 40])  # few wait to be written with those of others, many do not
@pytest.mark.parametrize("failing", [{1}, {4}, {1, 4}], ids=str)  # of two uploads of one smiley
def test_what_fails_at_its_end_undoes_all_of_its_own_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch, failing: set[int], many: int
) -> None:
    world = build(store)
    parts = [tuple(Press(1, s, AT + s * 60_000, 1) for s in range(1 + n * many, 1 + (n + 1) * many)) for n in (0, 1)]
    uploads = [Upload(world.smileys[n], part) for part in parts for n in (0, 1, 2)]
    module = importlib.import_module("hymio.intake.record")  # its name in the package is the function's
    known = module.state_of

    def state(upload: Upload, correction: int, now: int) -> SmileyState:
        if upload in [uploads[n] for n in failing]:
            raise NotFound("some-code", "a mistake after everything was written")
        return known(upload, correction, now)

    with monkeypatch.context() as patch:
        patch.setattr(module, "state_of", state)
        answers = intake.record(store, world.organization, uploads, NOW)
    assert [type(each) for each in answers] == [NotFound if n in failing else Receipt for n in range(6)]
    kept = {
        (each.smiley, press.sequence) for n, each in enumerate(uploads) if n not in failing for press in each.presses
    }
    assert {(each.smiley, each.sequence) for each in assert_settled(store, world)} == kept
    again = intake.record(store, world.organization, uploads, NOW)
    assert [(each.stored, each.duplicates) for each in again if isinstance(each, Receipt)] == [
        (many, 0) if n in failing else (0, many) for n in range(6)
    ]
    assert [each.acknowledged for each in again[3:] if isinstance(each, Receipt)] == [((1, 2 * many),)] * 3
    assert len(assert_settled(store, world)) == 6 * many


@law
@given(st.data(), policies)
def test_a_moved_group_takes_its_history_along(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, policy=policy)
    half, rest = (data.draw(pressed()) for _ in range(2))
    for number, presses in enumerate((half, rest)):
        for which, press in presses:
            told(store, world, press._replace(epoch=press.epoch + 10 * number), smiley=which)
        if number == 0:
            with manage.batch(store, world.organization, NOW) as batch:
                manage.move_node(batch, operator(world.organization), world.points[0], world.groups[2], now=NOW)
    assert_settled(store, world)


@law
@given(st.data(), policies)
def test_verify_sees_what_was_damaged_and_rebuild_restores_it(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, policy=policy)
    for which, press in data.draw(pressed()):
        told(store, world, press, smiley=which)
    hours = tuple(HourReport(5, n, AT // HOUR * HOUR + n * HOUR, (1, 0, 0, 0)) for n in range(1, 5))
    told(store, world, *(Press(5, n, AT + n * HOUR, 0) for n in (2, 3)), hours=hours)
    before = assert_settled(store, world)
    table = data.draw(st.sampled_from(["assignment_hour", "group_hour"]))
    wrong = data.draw(st.sampled_from([Verdict.COUNTED, Verdict.BURST, Verdict.SUPERSEDED, Verdict.NO_PLACEMENT]))
    with store.write() as transaction:
        values = {"o": world.organization}
        hurt = transaction.run(f"UPDATE {table} SET c0 = c0 + 1 WHERE organization_id = :o", **values)
        hurt += transaction.run(
            """UPDATE feedback SET verdict = :wrong WHERE organization_id = :o AND assignment_id > 0
            AND verdict <> :wrong AND (at / 1000) % 2 = :half""",
            wrong=int(wrong), half=data.draw(st.integers(0, 1)), **values,
        )  # fmt: skip
    assert bool(list(intake.verify(store, world.organization))) == bool(hurt)
    intake.rebuild(store, world.organization, NOW)
    assert assert_settled(store, world) == before


def test_rebuild_and_resettle_run_while_presses_arrive(store: Store) -> None:
    world = build(store, policy=MisusePolicy(interval=5))
    presses = [Press(1, n, AT + n * 1500, n % 4) for n in range(1, 3001)]
    sent = threading.Event()

    def send() -> None:
        for start in range(0, len(presses), 50):
            told(store, world, *presses[start : start + 50])
        sent.set()

    sender = threading.Thread(target=send)
    sender.start()
    rounds = 0
    while not sent.is_set() or rounds < 2:
        rounds += 1
        intake.rebuild(store, world.organization, NOW)
        intake.resettle(store, world.organization, world.root, 0, NOW)
    sender.join()
    assert len(assert_settled(store, world)) == 3000


def test_an_active_period_is_wall_time_at_the_point(store: Store) -> None:
    world = build(store, ("Europe/Tallinn", "UTC"))
    start, end = wall("2026-06-01T09:00"), wall("2026-06-01T17:00")
    boss = operator(world.organization)
    with manage.batch(store, world.organization, NOW) as batch:
        other = manage.add_point(batch, boss, "Three", world.groups[1], now=NOW)
        manage.set_zone(batch, boss, other, "Europe/Tallinn", now=NOW)
        manage.assign(batch, boss, other, world.surveys[0], [ActivePeriod(start, end)], now=NOW)
        manage.place(batch, boss, world.smileys[0], other, AT, now=NOW)
    opening, closing = (instant_of(wall, zone("Europe/Tallinn")) for wall in (start, end))
    receipt = told(
        store, world, *(Press(1, n, at, 1) for n, at in enumerate((opening - 1, opening, closing - 1, closing), 1))
    )
    assert [(each.sequence, each.reason) for each in receipt.quarantined] == [
        (1, Verdict.NO_SURVEY),
        (4, Verdict.NO_SURVEY),
    ]


def test_a_set_up_that_cannot_be_is_refused_whole(store: Store) -> None:
    world = build(store)
    before = store.layout(world.organization)
    with (
        pytest.raises(SetupError, match="two surveys of one smiley"),
        manage.batch(store, world.organization, NOW) as batch,
    ):
        manage.assign(
            batch,
            operator(world.organization),
            world.points[0],
            world.surveys[1],
            [ActivePeriod(wall("2020-01-01"))],
            now=NOW,
        )
    assert store.layout(world.organization) == before


@law
@given(st.data(), policies, st.integers(-9, 9), st.integers(0, 18))
def test_the_total_of_raw_results_is_how_many_rows_there_are(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy, start: int, length: int
) -> None:
    store = opened(shared_database_url)
    world = build(store, ("Australia/Lord_Howe", "Asia/Kathmandu"), policy)
    presses = data.draw(pressed(zone="Australia/Lord_Howe"))
    for which, press in presses:
        told(store, world, press, smiley=which)
    begin = presses[0][1].at + start * HOUR // 4
    within = InstantRange(begin, begin + length * HOUR // 3)
    for subject in (results.OfAssignment(world.assignments[0]), results.OfScale(world.root, 4)):
        with results.raw(store, operator(world.organization), subject, within) as raw:
            assert raw.total == len(list(raw.rows))


@law
@given(st.data(), policies, st.integers(-9, 9), st.integers(0, 18))
def test_a_page_of_raw_results_is_that_part_of_all_of_them(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy, start: int, length: int
) -> None:
    store = opened(shared_database_url)
    world = build(store, ("Australia/Lord_Howe", "Asia/Kathmandu"), policy)
    presses = data.draw(pressed(zone="Australia/Lord_Howe"))
    for which, press in presses:
        told(store, world, press._replace(phases=data.draw(st.sampled_from(PHASES))), smiley=which)
    begin = presses[0][1].at + start * HOUR // 4
    within = data.draw(st.sampled_from([results.EVERYTHING, InstantRange(begin, begin + length * HOUR // 3)]))
    offset, limit = data.draw(st.integers(0, 35)), data.draw(st.integers(0, 10))
    subjects: list[results.Subject] = [results.OfAssignment(world.assignments[0])]
    subjects += [results.OfScale(each, 4) for each in (*world.points, world.root)]
    for subject in subjects:
        everything = {each: every_row(each, store, world, subject, within) for each in READINGS}
        for reading in READINGS:
            with reading(store, operator(world.organization), subject, within, offset, limit) as page:
                assert list(page.rows) == everything[reading][offset : offset + limit]
        rows = everything[results.raw]
        assert rows == sorted(rows, key=lambda row: row.sort_key[:4])
        assert everything[TEXTS] == [row for row in rows if row.answer is not None]
        chosen = {(row.smiley, row.epoch, row.sequence) for row in everything[FOLLOWUPS]}
        assert chosen <= {(row.smiley, row.epoch, row.sequence) for row in rows}


PHASES = (
    None,
    Phases((Followup(3), Followup(4, position=2))),
    Phases((Followup(5),), Text("Cold soup", 0.5, spam=True)),
)
TEXTS, FOLLOWUPS = (partial(results.answers, phase=phase) for phase in (results.Phase.TEXT, results.Phase.FOLLOWUP))
READINGS = (results.raw, TEXTS, FOLLOWUPS)


def every_row(
    reading: Any, store: Store, world: World, subject: results.Subject, within: InstantRange
) -> list[results.FeedbackRow]:
    with reading(store, operator(world.organization), subject, within) as found:
        rows = list(found.rows)
        assert found.total == len(rows)
    return rows


@given(st.integers(0, (1 << 32) - 1), st.integers(0, DEVICE_EPOCHS - 1), st.integers(1, (1 << 31) - 1))
def test_an_id_and_its_key_are_the_same_thing(smiley: int, epoch: int, sequence: int) -> None:
    for each in (sequence, placeholder_sequence(sequence, 10, 65535)):
        identity = feedback_id(smiley, epoch, each)
        assert (identity.version, key_of_feedback_id(identity)) == (8, (smiley, epoch, each))


@given(st.uuids(version=4))
def test_a_clients_own_id_is_its_key(identity: UUID) -> None:
    assert feedback_id(77, *client_key(identity)) == identity
    assert key_of_feedback_id(identity) == (None, *client_key(identity))


def test_a_locked_database_stores_nothing_and_says_come_back(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'locked.sqlite3'}", lock_seconds=0)
    world = build(store)
    holder = sqlite3.connect(tmp_path / "locked.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        told(store, world, Press(1, 1, AT, 1))
    holder.execute("ROLLBACK")
    assert told(store, world, Press(1, 1, AT, 1)).stored == 1


def test_a_full_disk_stores_nothing_and_says_come_back(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'full.sqlite3'}")
    world = build(store)
    with store.read() as transaction:
        pages = transaction.rows("PRAGMA page_count")[0][0]
    for connection in _pooled(store):
        connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [Press(1, n, AT + n * HOUR, 1) for n in range(1, 2000)]
    with pytest.raises(Unavailable, match="full"):
        told(store, world, *many)
    for connection in _pooled(store):
        connection.execute("PRAGMA max_page_count = 1073741823")
    assert told(store, world, *many).stored == 1999
    assert_settled(store, world)


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear customer, this is not a database at all. " * 40)
    with pytest.raises(DatabaseError, match="no database"):
        open_store(f"sqlite:///{letter}")
    assert letter.read_text().startswith("Dear customer")
    with pytest.raises(SetupError, match="no folder"):
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'hymio.sqlite3'}")


def _pooled(store: Store) -> list[Any]:
    engine = store._engine
    taken = [engine.raw_connection() for _ in range(3)]
    drivers = [each.driver_connection for each in taken]
    for each in taken:
        each.close()
    return drivers


def test_feedback_order_is_instant_then_key() -> None:
    one = Feedback(1, 1, 1, AT, 0, 0, 1, 0, 0, 1, 0, 1)
    assert sorted(
        [one._replace(sequence=2), one._replace(at=AT - 1, sequence=9), one], key=lambda each: each.order
    ) == [
        one._replace(at=AT - 1, sequence=9),
        one,
        one._replace(sequence=2),
    ]
