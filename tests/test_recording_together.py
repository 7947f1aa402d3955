"""Plain uploads of a commit, recorded as one set, leave what recording them one by one leaves, and get its receipts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake
from hymio.feedback import Health, Press, Receipt, SequenceRange, Upload
from hymio.intake import together
from hymio.intake.record import _answer
from hymio.intake.resolving import EARLIEST
from hymio.intake.together import plain_uploads
from hymio.intake.uniform import uniform_presses, without_neighbours
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS, HOUR_MS
from hymio.store import Store
from tests.test_laws import assert_settled, law, opened, stored_feedback
from tests.world import NOW, World, build, deliveries, policies, pressed, zone_pairs


def one_by_one(store: Store, world: World, uploads: list[Upload]) -> list[Receipt]:
    with store.begin(world.organization, NOW) as ledger:
        answers = [_answer(ledger, upload) for upload in uploads]
    return [answer for answer in answers if isinstance(answer, Receipt)]


def states(store: Store, world: World) -> list[object]:
    with store.read() as transaction:
        tables = ("smiley_epoch", "smiley_state", "assignment_hour", "group_hour")
        rows = [transaction.rows(f"SELECT * FROM {table} WHERE organization_id = :o", o=world.organization)
            for table in tables]  # fmt: skip
    return [sorted((row[1:] for row in of_table), key=repr) for of_table in rows]


@law
@given(st.data(), zone_pairs, policies)
def test_a_set_is_recorded_as_one_upload_after_the_other(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    worlds = [build(store, zones, policy) for _ in range(2)]
    presses = data.draw(pressed(zone=zones[0]))
    presses.sort(key=lambda pair: pair[1].sequence)
    if data.draw(st.integers(0, 3)) == 0:  # some before 2000, which are impossible
        first = min(press.at for _, press in presses) - EARLIEST + data.draw(st.sampled_from([1, 700, HOUR_MS]))
        presses = [(which, press._replace(at=press.at - first)) for which, press in presses]
    if data.draw(st.booleans()):
        commits = data.draw(deliveries(presses, worlds[0].smileys))
    else:  # in order, so that nearly all uploads are plain
        size = data.draw(st.integers(1, 8))
        parts = [presses[start : start + size] for start in range(0, len(presses), size)]
        commits = [
            [Upload(smiley, tuple(press for which, press in part if worlds[0].smileys[which] == smiley), clock=NOW)
             for smiley in worlds[0].smileys[:3]]
            for part in parts
        ]  # fmt: skip
    if data.draw(st.booleans()):
        told = data.draw(
            st.sampled_from(
                [
                    Upload(0, health=Health(0.5, -70, "1.0")),
                    Upload(0, reported_through=NOW - 5),
                    Upload(0, lost=(SequenceRange(7, 90, 95),)),
                ]
            )
        )
        commits[-1][0] = told._replace(smiley=commits[-1][0].smiley, presses=commits[-1][0].presses)
    clocks = st.sampled_from([None, NOW, NOW - 3 * HOUR_MS, NOW + 90_000])
    with pytest.MonkeyPatch.context() as small:
        small.setattr(together, "MOST_PRESSES", data.draw(st.sampled_from([1, 3, 1_000])))
        for some in commits:
            uploads = [upload._replace(clock=data.draw(clocks)) for upload in some]
            receipts = intake.record(store, worlds[0].organization, uploads, NOW)
            assert receipts == one_by_one(store, worlds[1], uploads)
    feedback = [stored_feedback(store, world) for world in worlds]
    assert feedback[0] == feedback[1]
    assert states(store, worlds[0]) == states(store, worlds[1])
    assert_settled(store, worlds[0])


def test_nearly_all_uploads_of_terminals_are_plain(store: Store) -> None:
    world = build(store)
    presses = _presses(5)
    with store.begin(world.organization, NOW) as ledger:
        plain = Upload(world.smileys[0], tuple(presses[:3]))
        later = Upload(world.smileys[1], tuple(presses))
        assert plain_uploads(ledger, [plain, later]) == [0, 1]
        assert plain_uploads(ledger, [plain, later, plain]) == [1]
        assert plain_uploads(ledger, [Upload(world.smileys[0], tuple(presses[::-1])), Upload(999, plain.presses)]) == []
    intake.record(store, world.organization, [plain], NOW)
    with store.begin(world.organization, NOW) as ledger:
        assert plain_uploads(ledger, [plain, later]) == [1]
        assert plain_uploads(ledger, [Upload(world.smileys[0], tuple(presses[3:]))]) == [0]


def test_nearly_all_plain_uploads_are_uniform(store: Store) -> None:
    world = build(store)
    presses = _presses(5)
    plain = Upload(world.smileys[0], tuple(presses))
    odd = [
        presses[::-1],  # not in order of time
        [presses[0], presses[1]._replace(at=presses[0].at + 4 * DAY_MS)],
        [presses[0]._replace(button=10)],
        [presses[0]._replace(at=NOW + DAY_MS)],
        [presses[0]._replace(at=EARLIEST - 1), presses[1]._replace(at=EARLIEST)],
    ]
    with store.begin(world.organization, NOW) as ledger:
        uniform = uniform_presses(ledger, plain, 0)
        assert uniform is not None
        assert without_neighbours(ledger, {3: uniform}) == {3: uniform}
        for some in odd:
            assert uniform_presses(ledger, plain._replace(presses=tuple(some)), 0) is None
    intake.record(store, world.organization, [plain], NOW)
    with store.begin(world.organization, NOW) as ledger:
        assert without_neighbours(ledger, {3: uniform}) == {}


def _presses(count: int) -> list[Press]:
    return [Press(7, number, 1_700_000_000_000 + number * 60_000, 1) for number in range(1, count + 1)]
