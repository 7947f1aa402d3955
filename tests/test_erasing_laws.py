"""The law of erasing: what is concerned is gone at every revision, the rest stays, and no number ever changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.feedback import ContactDetails, Demographics, Phases, Press, Receipt, Text, Upload, Verdict, feedback_id
from hymio.intake import expiring, searching
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS
from hymio.personal_data import Contact, Erasure, OfContact, OfFeedback, OfOrganization, OfPeriod, PersonalData
from hymio.results import Phase
from hymio.store import Store
from hymio.store.personal_rows import PHASES
from tests.terminals import stored
from tests.test_erasing import OF_PEOPLE, PEOPLE, PressId, answers, numbers, person
from tests.test_laws import assert_settled, law, opened
from tests.world import NOW, World, build, deliveries, policies, pressed, zone_pairs
from tests.zones import HOUR


def with_phases(upload: Upload) -> Upload:
    """An upload whose presses come with what a person by the sequence's number left."""

    def phases(press: Press) -> Phases | None:
        who, n = press.sequence % PEOPLE, press.sequence
        if n % 5 == 4:
            return None
        return Phases(
            text=Text(f"Soup {n}" if n % 2 else f"call me: +358 40 123456{who}") if n % 3 else None,
            contact=person(who) if n % 4 else None,
            metadata=(("mail", f" p{who}@example.com"), ("table", str(n))) if n % 3 == 1 else (),
            demographics=Demographics("female", n) if n % 7 == 1 else None,
        )

    return upload._replace(presses=tuple(press._replace(phases=phases(press)) for press in upload.presses))


def concerned(erasure: Erasure, press: PressId, at: int, phases: Phases, points: dict[int, int]) -> bool:
    """Whether an erasure is about a press, from plain values."""
    if isinstance(erasure, OfFeedback):
        return feedback_id(*press) in erasure.ids
    if isinstance(erasure, OfPeriod):
        return erasure.start <= at < erasure.end and erasure.node in (manage.ROOT, points.get(press[0], -1))
    if isinstance(erasure, OfContact):
        who = re.sub(r"\D", "", erasure.contact.value)[-1]
        named = (phases.contact is not None and phases.contact == person(int(who))) or bool(phases.metadata)
        written = phases.text is not None and f"123456{who}" in str(phases.text.text)
        is_mail = "@" in erasure.contact.value
        is_phone = erasure.contact.value.startswith("+")
        return str(press[2] % PEOPLE) == who and (
            (phases.contact is not None) or (is_mail and named) or (is_phone and written)
        )
    return True


erasures_of_contacts = st.builds(
    lambda number, form: OfContact(Contact(form.format(number))),
    st.integers(0, PEOPLE - 1),
    st.sampled_from(["p{}@EXAMPLE.com ", "person  {}", "+35840123456{}"]),
)


@settings(law, max_examples=law.max_examples // 4)
@given(st.data(), zone_pairs, policies)
def test_what_is_erased_is_gone_at_every_revision_and_no_number_changes(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    presses = data.draw(pressed(zone=zones[0]))
    commits = [list(map(with_phases, uploads)) for uploads in data.draw(deliveries(presses, world.smileys))]
    for uploads in commits:
        intake.record(store, world.organization, uploads, NOW)
    revision = results.revision(store, operator(world.organization)).revision
    before, shown, everything = numbers(store, world), numbers(store, world, 3), answers(store, world)
    erasure = data.draw(erasures(world, presses))
    of_press = {
        (world.smileys[which], press.epoch, press.sequence): (
            press.at,
            with_phases(Upload(1, (press,))).presses[0].phases,
        )
        for which, press in presses
    }
    points = dict(zip(world.smileys, (world.points[0], world.points[0], world.points[1]), strict=False))
    gone = {key for key, (at, phases) in of_press.items() if concerned(erasure, key, at, phases or Phases(), points)}
    with pytest.MonkeyPatch.context() as small:
        small.setattr(searching, "PIECE_ROWS", 3)
        small.setattr(searching, "PAGE_ROWS", 2)
        found = intake.find(store, world.organization, erasure)
        assert intake.erase(store, world.organization, erasure, NOW) == found
    left = [row for row in everything if row[:3] not in gone]
    stored_of_gone = sum(1 for phase in OF_PEOPLE for row in all_rows(store, world, phase) if row in gone)
    assert stored_of_gone == 0
    assert answers(store, world) == answers(store, world, revision) == left
    assert (numbers(store, world), numbers(store, world, 3)) == (before, shown)
    assert intake.find(store, world.organization, erasure).rows == {}
    for uploads in commits:  # a smiley that did not hear the receipt
        for receipt in intake.record(store, world.organization, uploads, NOW):
            assert isinstance(receipt, Receipt)
            assert (receipt.stored, receipt.quarantined) == (0, still_quarantined(receipt))
    assert answers(store, world) == left
    assert numbers(store, world) == before
    assert_settled(store, world)


def still_quarantined(receipt: Receipt) -> tuple[object, ...]:
    """What a receipt says of presses in quarantine but of conflicts, of which there must be none."""
    return tuple(notice for notice in receipt.quarantined if notice.reason is Verdict.OFF_SCALE)


def all_rows(store: Store, world: World, phase: Phase) -> list[PressId]:
    """The presses of the rows of a phase, those in quarantine too."""
    return stored(store, world.organization, phase.value, "smiley_id, epoch, sequence")  # type: ignore[return-value]


@st.composite
def erasures(draw: st.DrawFn, world: World, presses: list[tuple[int, Press]]) -> Erasure:
    """Any erasure, of what is stored of these presses."""
    instants = st.sampled_from([press.at for _, press in presses])
    kind = draw(st.sampled_from(["feedback", "contact", "period", "organization"]))
    if kind == "feedback":
        chosen = draw(st.lists(st.sampled_from(presses), min_size=1, max_size=4))
        return OfFeedback(tuple(feedback_id(world.smileys[which], p.epoch, p.sequence) for which, p in chosen))
    if kind == "contact":
        return draw(erasures_of_contacts)
    if kind == "period":
        start = draw(instants)
        node = draw(st.sampled_from([world.root, *world.points]))
        return OfPeriod(node, start, start + draw(st.sampled_from([1, HOUR, 400 * DAY_MS])))
    return OfOrganization()


@settings(law, max_examples=law.max_examples // 4)
@given(st.data(), zone_pairs, policies, st.integers(1, 4000))
def test_what_is_too_old_is_erased_by_its_kind_alone_and_no_number_changes(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, age: int
) -> None:
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    presses = data.draw(pressed(zone=zones[0]))
    commits = [list(map(with_phases, uploads)) for uploads in data.draw(deliveries(presses, world.smileys))]
    for uploads in commits:
        intake.record(store, world.organization, uploads, NOW)
    days = {kind: data.draw(st.sampled_from([None, 1, 30, 1000])) for kind in PHASES}
    for kind, number in days.items():
        manage.set_retention(store, operator(world.organization), kind, number, now=NOW)
    revision = results.revision(store, operator(world.organization)).revision
    before, everything = numbers(store, world), answers(store, world)
    now = max(press.at for _, press in presses) + age * HOUR
    with pytest.MonkeyPatch.context() as small:
        small.setattr(expiring, "BATCH_ROWS", 3)
        erased = intake.erase_expired(store, world.organization, now)
    instants = {(world.smileys[which], press.epoch, press.sequence): press.at for which, press in presses}
    limits = {kind: -NOW if number is None else now - number * DAY_MS for kind, number in days.items()}
    left = [row for row in everything if instants[row[:3]] >= limits[kind_of(row[3])]]
    assert answers(store, world) == answers(store, world, revision) == left
    assert erased.total() >= len(everything) - len(left)
    assert intake.erase_expired(store, world.organization, now) == {}
    for uploads in commits:
        intake.record(store, world.organization, uploads, NOW)
    assert answers(store, world) == left
    assert numbers(store, world) == before
    assert_settled(store, world)


def kind_of(answer: object) -> PersonalData:
    kinds: dict[type, PersonalData] = {
        Text: PersonalData.TEXTS,
        ContactDetails: PersonalData.CONTACT_DETAILS,
        Demographics: PersonalData.DEMOGRAPHICS,
    }
    return kinds.get(type(answer), PersonalData.METADATA)
