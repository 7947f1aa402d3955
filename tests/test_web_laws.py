"""Law 1 for the web: presses, repeats, scanners, robots, tests and phases, delivered in any way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import NamedTuple
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import operator
from hymio.feedback import (
    ContactDetails,
    Finding,
    Followup,
    Phases,
    Press,
    Text,
    Ui,
    Upload,
    Verdict,
    client_key,
    is_raw,
)
from hymio.gateway.digital.visitors import mailed_by
from hymio.misuse import MisusePolicy
from hymio.store import Store, open_store
from hymio.store.ledger import PhaseRows
from tests.test_laws import assert_settled, law
from tests.world import NOW, World, build, policies, wall

opened = cache(open_store)
START = int(wall("2024-03-04T10:00+00:00").timestamp()) * 1000
KEY = b"the key of a day"
BUTTONS = 5


class Sent(NamedTuple):
    """A press of a browser, and its parts as messages that each have one of them."""

    press: Press
    parts: tuple[Phases, ...]


@st.composite
def web_presses(draw: st.DrawFn) -> list[Sent]:
    """Presses close together in time: of three visitors, of two mails, some by robots; each with some answers."""
    made = []
    for _ in range(draw(st.integers(1, 8))):
        at, button = (
            START + draw(st.integers(0, 60)) * 1_000,
            draw(st.integers(0, BUTTONS - 1)),
        )
        mail = draw(st.sampled_from([None, None, "one", "two"]))
        key = client_key(UUID(int=draw(st.integers(1 << 120, (1 << 128) - 1)), version=4))
        press = Press(
            *key, at, button, 2, draw(st.sampled_from([None, b"a", b"b", b"c"])), int(Ui.LINK),
            finding=int(draw(st.sampled_from([Finding.NONE] * 5 + [Finding.ROBOT]))),
            mailed=() if mail is None else mailed_by(KEY, 1, 4, mail),
        )  # fmt: skip
        parts = draw(
            st.lists(
                st.sampled_from([
                    Phases((Followup(draw(st.integers(1, 3)), 1, 1, int(Ui.LINK)),)),
                    Phases(text=Text("Some text", spam=False, position=2)),
                    Phases(contact=ContactDetails("Aino", "aino@example.com", position=3)),
                    Phases(metadata=(("refId", "7"),)),
                ]), unique=True,
            )
        )  # fmt: skip
        made.append(Sent(press, tuple(parts)))
    return list({(each.press.epoch, each.press.sequence): each for each in made}.values())


@law
@given(st.data(), policies, policies)
def test_findings_and_tests_stand_when_the_owner_changes_his_mind(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy, later: MisusePolicy
) -> None:
    """Installing is switched between batches and the policy after them; what a press was found to be never changes.

    Some presses name a survey that is not asked: they wait in quarantine and are in no hour.
    """
    store = opened(shared_database_url)
    world = build(store, policy=replace(policy, answer_interval=30))
    publish(store, world, None, is_installing=False)
    smiley, expected = world.smileys[3], dict[tuple[int, int], bool]()
    others = data.draw(st.sets(st.integers(0, 7), max_size=2))
    sent = [each.press for each in data.draw(web_presses())]
    sent = [press._replace(survey=1) if number in others else press for number, press in enumerate(sent)]
    while sent:
        count, is_test = data.draw(st.integers(1, len(sent))), data.draw(st.booleans())
        publish(store, world, None, is_installing=is_test)
        uploads = [Upload(smiley, (press,), correction=0) for press in [*sent[:count], sent[0]]]
        intake.record(store, world.organization, uploads, NOW)
        expected |= {(press.epoch, press.sequence): is_test for press in sent[:count] if press.survey == 2}
        sent = sent[count:]
    before = {(each.epoch, each.sequence): each for each in assert_settled(store, world)}
    assert {key: each.verdict == Verdict.TEST for key, each in before.items()} == expected
    manage.set_policy(store, operator(world.organization), world.root, later, now=NOW)
    intake.resettle(store, world.organization, world.root, 0, NOW)
    after = {(each.epoch, each.sequence): each for each in assert_settled(store, world)}
    assert {key: each.finding for key, each in after.items()} == {key: each.finding for key, each in before.items()}
    assert {key: each.verdict == Verdict.TEST for key, each in after.items()} == expected


def publish(store: Store, world: World, interval: int | None, *, is_installing: bool) -> None:
    boss, smiley = operator(world.organization), world.smileys[3]
    published = manage.publish_smiley(store, boss, smiley, now=0)
    changed = replace(published, answer_interval=interval, is_installing=is_installing)
    manage.edit_publication(store, boss, smiley, changed, now=0)


@law
@given(st.data(), policies, st.sampled_from([None, 0, 10, 3600]), st.integers(0, 4).map(lambda number: number == 0))
def test_web_presses_repeats_and_phases_in_any_order(
    shared_database_url: str, data: st.DataObject, policy: MisusePolicy, interval: int | None, is_installing: bool
) -> None:
    store = opened(shared_database_url)
    world = build(store, policy=replace(policy, answer_interval=30))
    publish(store, world, interval, is_installing=is_installing)
    sent, smiley = data.draw(web_presses()), world.smileys[3]
    messages = [press._replace(phases=part) for press, parts in sent for part in (None, *parts)]
    messages += data.draw(st.lists(st.sampled_from(messages), max_size=4))
    messages = data.draw(st.permutations(messages))
    while messages:
        count = data.draw(st.integers(1, len(messages)))
        uploads = [Upload(smiley, (press,), correction=0) for press in messages[:count]]
        for receipt in intake.record(store, world.organization, uploads, NOW):
            assert isinstance(receipt, intake.Receipt)
            assert all(notice.phase is None for notice in receipt.quarantined)
        messages = messages[count:]
    feedbacks = assert_settled(store, world)
    stored = {(each.epoch, each.sequence): each for each in feedbacks}
    assert stored.keys() == {(press.epoch, press.sequence) for press, _ in sent}
    assert len(stored) == len(feedbacks), "nothing is doubled"
    raw = [each for each in feedbacks if is_raw(each.verdict)]
    reasons = Counter(each.verdict for each in raw)
    assert len(raw) == reasons.pop(int(Verdict.COUNTED), 0) + sum(reasons.values())
    if is_installing:
        assert not raw
        assert all(each.verdict == Verdict.TEST for each in feedbacks)
    assert_phases(store, world, sent)


def assert_phases(store: Store, world: World, sent: list[Sent]) -> None:
    """Everything that was answered is stored with its press."""
    smiley = world.smileys[3]
    with store.read() as transaction:
        rows = PhaseRows(transaction, world.organization, 0).at(smiley, {press.at for press, _ in sent})
    for press, parts in sent:
        expected = Phases()
        for part in parts:
            expected = Phases._make(new or old for old, new in zip(expected, part, strict=True))
        assert rows.get((press.at, smiley, press.epoch, press.sequence), Phases()) == expected
