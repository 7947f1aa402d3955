"""Web presses of a commit, recorded as one set, leave what recording them one by one leaves, and get its receipts."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake
from hymio.feedback import Phases, Press, Receipt, Text, Upload, client_key
from hymio.intake.together import plain_uploads
from hymio.misuse import MisusePolicy
from hymio.rollup import MAX_BUTTONS
from hymio.store import Store
from tests.test_laws import assert_settled, law, opened, stored_feedback
from tests.test_recording_together import one_by_one
from tests.world import NOW, World, build, pressed

START = 1_700_000_000_000

web_uploads = st.builds(
    lambda smiley, number, at, button, survey, visitor, rest, finding: _upload(
        smiley, number, START + at * 2_000 - at % 3, button, survey, visitor, rest, finding
    ),
    st.integers(2, 3), st.integers(1, 40), st.integers(0, 20), st.integers(0, 3), st.integers(0, 1),
    st.integers(0, 4), st.sampled_from(["", "", "", "phases", "mail", "clock", "unknown"]), st.sampled_from([0, 0, 2]),
)  # fmt: skip
"""Uploads of few smileys, ids, visitors and instants, so that they meet; the smiley is its place in the world."""

web_policies = st.builds(
    MisusePolicy,
    interval=st.just(5),
    burst_presses=st.sampled_from([0, 0, 2]),
    burst_seconds=st.just(10),
    answer_interval=st.sampled_from([0, 6, 60]),
)


def _upload(
    smiley: int, number: int, at: int, button: int, survey: int, visitor: int, rest: str, finding: int
) -> Upload:
    identity = client_key(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128), version=4))
    mailed = tuple(bytes([visitor, place]) for place in range(2 * MAX_BUTTONS)) if rest == "mail" else ()
    phases = Phases(text=Text("Good")) if rest == "phases" else None
    by = bytes([visitor]) if visitor else None
    press = Press(*identity, at, button, survey, by, 2, phases, finding, mailed)
    return Upload(-1 if rest == "unknown" else smiley, (press,), clock=NOW if rest == "clock" else None, correction=0)


def in_world(world: World, upload: Upload) -> Upload:
    """An upload with the ids of a world; its press names the survey of the smiley's point or the other one."""
    (press,) = upload.presses
    smiley = 9_999 if upload.smiley < 0 else world.smileys[upload.smiley]
    asked = int(upload.smiley == 3)
    survey = world.surveys[asked if press.survey else 1 - asked]
    return upload._replace(smiley=smiley, presses=(press._replace(survey=survey),))


TABLES = (
    "visit", "quarantine", "restatement", "departure", "changed_day", "text_feedback", "smiley_epoch", "smiley_state",
    "assignment_hour", "group_hour",
)  # fmt: skip


def stored(store: Store, world: World) -> list[object]:
    with store.read() as transaction:
        rows = [transaction.rows(f"SELECT * FROM {table} WHERE organization_id = :o", o=world.organization)
            for table in TABLES]  # fmt: skip
    return [stored_feedback(store, world), *(sorted((row[1:] for row in table), key=repr) for table in rows)]


@law
@given(st.lists(st.lists(web_uploads, min_size=1, max_size=12), min_size=1, max_size=4), web_policies, st.data())
def test_a_set_of_web_presses_is_recorded_as_one_after_the_other(
    shared_database_url: str, drawn: list[list[Upload]], policy: MisusePolicy, data: st.DataObject
) -> None:
    store = opened(shared_database_url)
    worlds = [build(store, policy=policy) for _ in range(2)]
    devices = data.draw(st.one_of(st.just([]), pressed()))
    for number, uploads in enumerate(drawn):
        terminals = [
            Upload(worlds[0].smileys[which], (press,)) for which, press in devices[number * 3 : number * 3 + 3]
        ]
        commit = data.draw(st.permutations([*(in_world(worlds[0], upload) for upload in uploads), *terminals]))
        together = intake.record(store, worlds[0].organization, commit, NOW)
        alone = one_by_one(store, worlds[1], commit)
        assert [answer for answer in together if isinstance(answer, Receipt)] == alone
        assert stored(store, worlds[0]) == stored(store, worlds[1])
    assert_settled(store, worlds[0])


@pytest.mark.parametrize(
    "drawn",
    [
        [_upload(3, 1, START, 0, 1, 1, "phases", 0), _upload(3, 2, START + 1, 1, 1, 1, "", 0)],
        [
            _upload(3, 1, START, 0, 1, 1, "mail", 0),
            _upload(3, 2, START + 2_000, 1, 1, 1, "mail", 0),
            _upload(3, 3, START, 0, 1, 0, "", 0),
        ],
    ],
    ids=["the same visitor", "an e-mail"],
)
def test_a_press_is_left_out_after_one_on_which_it_depends(shared_database_url: str, drawn: list[Upload]) -> None:
    store = opened(shared_database_url)
    worlds = [build(store, policy=MisusePolicy(answer_interval=60)) for _ in range(2)]
    commit = [in_world(worlds[0], upload) for upload in drawn]
    assert intake.record(store, worlds[0].organization, commit, NOW) == one_by_one(store, worlds[1], commit)
    assert stored(store, worlds[0]) == stored(store, worlds[1])


def test_nearly_all_messages_of_browsers_are_plain(store: Store) -> None:
    world = build(store)
    first, second, third = (
        in_world(world, _upload(3, number, START + number, 1, 1, number, "", 0)) for number in range(1, 4)
    )
    after = first._replace(presses=(first.presses[0]._replace(visitor=None, phases=Phases(text=Text("Good"))),))
    with store.begin(world.organization, NOW) as ledger:
        assert plain_uploads(ledger, [first, second, third]) == [0, 1, 2]
        assert plain_uploads(ledger, [first, second, second, third]) == [0, 3]
    intake.record(store, world.organization, [first], NOW)
    with store.begin(world.organization, NOW) as ledger:
        assert plain_uploads(ledger, [first, second]) == [1]
        assert plain_uploads(ledger, [after, second]) == [1]
