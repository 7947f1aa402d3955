"""Erasing people's data: what goes, what stays, and that nothing that is sent or released again brings it back."""

from __future__ import annotations

import re
import threading
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import operator
from hymio.alert import AlertType
from hymio.errors import NotFound, SetupError
from hymio.feedback import (
    ContactDetails,
    Demographics,
    Metadatum,
    Phases,
    Press,
    Receipt,
    Text,
    UnusablePress,
    Upload,
    Verdict,
    client_key,
    feedback_id,
    visitor_hash,
)
from hymio.jobs import JOBS, Environment, Run
from hymio.misuse import MisusePolicy
from hymio.period import DAY_MS, SECOND_MS
from hymio.personal_data import (
    DEFAULT_DAYS,
    Contact,
    OfContact,
    OfFeedback,
    OfOrganization,
    OfPeriod,
    PersonalData,
)
from hymio.results import OfAssignment, OfNode, OfScale, OfSurvey, Phase, Query, Subject
from hymio.scale import IndexType, index
from hymio.smiley import SmileyType
from hymio.store import Store, jobs
from hymio.store.lease import Outcome
from hymio.store.messages import insert_message
from hymio.store.quarantine import newest_quarantined, quarantine_counts
from hymio.store.token_use import TokenUse
from tests.served import serving
from tests.terminals import stored
from tests.test_laws import assert_settled
from tests.world import NOW, World, build
from tests.zones import HOUR

AT = NOW - DAY_MS
DIGITAL = 3
"""The place of the digital smiley among a world's."""

OF_PEOPLE = (Phase.TEXT, Phase.CONTACT, Phase.METADATA, Phase.DEMOGRAPHICS)
ID = UUID("0d1f4f53-6a7e-4f6e-9d43-5a6f0a4f5b11")

PressId = tuple[int, int, int]
"""Smiley, epoch and sequence."""

Answered = tuple[int, int, int, object]
"""The id of a press, and what came with or after its button."""


def record(store: Store, world: World, *presses: Press, smiley: int = 0, now: int = NOW, **more: Any) -> Receipt:
    [receipt] = intake.record(store, world.organization, [Upload(world.smileys[smiley], presses, **more)], now)
    assert isinstance(receipt, Receipt)
    return receipt


def answers(store: Store, world: World, revision: int | None = None) -> list[Answered]:
    """All people's data that any listing shows, as of a revision."""
    found: list[Answered] = []
    for phase in OF_PEOPLE:
        query = Query(OfNode(world.root), results.EVERYTHING, phase, misuse=True, revision=revision)
        with results.rows(store, operator(world.organization), query, NOW) as rows:
            found += [(row.smiley, row.epoch, row.sequence, row.answer) for row in rows.rows]
    return found


def numbers(store: Store, world: World, revision: int | None = None) -> list[object]:
    """Hours, indexes and raw totals of every subject."""
    boss, found = operator(world.organization), list[object]()
    subjects: list[Subject] = [*map(OfAssignment, world.assignments), OfScale(world.root, 4)]
    for subject in [*subjects, *(OfSurvey(world.root, survey) for survey in world.surveys)]:
        hours = results.hourly(store, boss, subject, as_of=revision).buckets
        found.append([(hour.hour, hour.starts_at, hour.verdicts) for hour in hours])
        counts = [sum(column) for column in zip(*(hour.counted for hour in hours), strict=True)]
        found.append(index(counts, IndexType.HAPPY) if counts else None)
        if revision is None:
            with results.raw(store, boss, subject) as raw:
                found += [raw.total, [row._replace(answer=None) for row in raw.rows]]
    return found


PEOPLE = 4


def person(number: int) -> ContactDetails:
    return ContactDetails(f"Person {number}", f"P{number}@Example.com", f"+358 40 123 456{number}")


# --- what is sent again ----------------------------------------------------------------------------------------------

PHASES = Phases(
    text=Text("Cold soup"), contact=person(1), metadata=(("table", "12"),), demographics=Demographics(None, 40)
)


def test_a_press_that_was_erased_takes_no_more_phases(store: Store) -> None:
    world = build(store)
    record(store, world, Press(1, 1, AT, 3, phases=Phases(text=Text("Cold soup"))), Press(1, 2, AT + 9000, 2))
    intake.erase(store, world.organization, OfFeedback((feedback_id(world.smileys[0], 1, 1),)), NOW)
    again = record(store, world, Press(1, 1, AT, 3, phases=PHASES), Press(1, 2, AT + 9000, 2, phases=PHASES))
    assert (again.stored, again.duplicates, again.quarantined) == (0, 2, ())
    assert {row[2] for row in answers(store, world)} == {2}
    rows = {(1, "contact"), (1, "text"), (1, "metadata"), (1, "demographics")}
    assert set(stored(store, world.organization, "tombstone", "sequence, phase")) == rows


def test_another_text_than_the_erased_one_is_no_conflict(store: Store) -> None:
    world = build(store)
    record(store, world, Press(1, 1, AT, 3, phases=PHASES))
    intake.erase_expired(store, world.organization, AT + 66 * DAY_MS)
    other_phases = Phases(contact=person(2), text=Text("Warm soup"))
    other = record(store, world, Press(1, 1, AT, 3, phases=other_phases), now=AT + 66 * DAY_MS)
    assert [(each.reason, each.phase) for each in other.quarantined] == [(Verdict.CONFLICT, "text")]
    assert [row[3] for row in answers(store, world) if isinstance(row[3], ContactDetails)] == []


def test_what_cannot_be_used_of_an_erased_press_brings_nothing_back(store: Store) -> None:
    world = build(store)
    smiley, keys = world.smileys[0], [(1, 1), (1, 2), (1, 3)]
    record(store, world, *(Press(1, number, AT + 9000 * number, 3, phases=PHASES) for _, number in keys))
    erasure = OfFeedback(tuple(feedback_id(smiley, *key) for key in keys))
    intake.erase(store, world.organization, erasure, NOW)
    parts = [UnusablePress(1, 2, Verdict.UNREADABLE, "cold soup of p1", part) for part in ("phase", "metadata")]
    whole = UnusablePress(1, 3, Verdict.UNREADABLE, "cold soup of p1")
    conflict = Press(1, 1, AT, 2, phases=PHASES)
    receipts = [record(store, world, conflict, unusable=(*parts, whole)) for _ in range(2)]
    assert [(receipt.new, receipt.duplicates) for receipt in receipts] == [(2, 0), (0, 2)]
    assert len(receipts[0].quarantined) == 4
    bodies = stored(store, world.organization, "quarantine", "sequence, body")
    assert bodies == [(1, f'{{"at":{AT},"button":2,"survey":null,"after":{{}}}}'), (3, "")]


def test_a_conflict_keeps_the_phases_that_are_not_too_old(store: Store) -> None:
    world = build(store)
    record(store, world, Press(1, 1, AT, 3, phases=PHASES))
    intake.erase_expired(store, world.organization, AT + 66 * DAY_MS)
    record(store, world, Press(1, 1, AT, 2, phases=PHASES), now=AT + 66 * DAY_MS)
    [(body,)] = stored(store, world.organization, "quarantine", "body")
    assert "Person" not in str(body)
    assert "Cold soup" in str(body)


def test_a_conflict_stays_one_and_its_erased_body_empty(store: Store) -> None:
    world = build(store)
    record(store, world, Press(1, 1, AT, 3))
    conflict = Press(1, 1, AT, 0, phases=Phases(contact=person(3)))
    assert record(store, world, conflict).new == 1
    erased = intake.erase(store, world.organization, OfContact(Contact("p3@example.com")), NOW)
    assert erased.rows == {PersonalData.QUARANTINED_BODIES: 1}
    again = record(store, world, conflict)
    assert (again.stored, again.duplicates, [each.reason for each in again.quarantined]) == (0, 1, [Verdict.CONFLICT])
    with store.read() as transaction:
        assert quarantine_counts(transaction, world.organization) == [(Verdict.CONFLICT, 1)]
        [row] = newest_quarantined(transaction, world.organization, 9)
    assert (row.sequence, row.at, row.body) == (1, None, "")
    assert answers(store, world) == []


def unreadable(sequence: int, body: str = '{"contact": {"name": "Person 3"}}') -> UnusablePress:
    return UnusablePress(1, sequence, Verdict.UNREADABLE, body)


@pytest.mark.parametrize("sequence", [0, 5])
def test_an_unreadable_press_is_recognized_after_its_body_was_erased(store: Store, sequence: int) -> None:
    world = build(store)
    record(store, world, unusable=(unreadable(sequence),))
    later = NOW + 66 * DAY_MS
    assert intake.erase_expired(store, world.organization, later) == {PersonalData.QUARANTINED_BODIES: 1}
    assert intake.erase_expired(store, world.organization, later) == {}
    assert record(store, world, unusable=(unreadable(sequence),), now=later).duplicates == 1
    assert stored(store, world.organization, "quarantine", "body") == [("",)]
    other = record(store, world, unusable=(unreadable(sequence + 1, "{}"),), now=later)
    assert (other.new, other.duplicates) == (1, 0)


def test_releasing_quarantine_brings_nothing_back(store: Store) -> None:
    world = build(store)
    with manage.batch(store, world.organization, 0) as batch:
        smiley = manage.add_smiley(batch, operator(world.organization), "LATE", "Late", SmileyType.TERMINAL, now=0).id
    upload = Upload(smiley, (Press(1, 1, AT, 3, phases=PHASES), Press(1, 2, AT + 9000, 2, phases=PHASES)))
    intake.record(store, world.organization, [upload], NOW)
    intake.erase(store, world.organization, OfFeedback((feedback_id(smiley, 1, 1),)), NOW)
    manage.place(store, operator(world.organization), smiley, world.points[0], 0, now=NOW)
    assert intake.release(store, world.organization, NOW) == 2
    assert {row[2] for row in answers(store, world)} == {2}
    intake.record(store, world.organization, [upload], NOW)
    assert {row[2] for row in answers(store, world)} == {2}
    assert_settled(store, world)


# --- how old ---------------------------------------------------------------------------------------------------------


def test_contact_details_are_kept_for_65_days_and_everything_as_long_as_is_set(store: Store) -> None:
    world = build(store)
    record(store, world, Press(1, 1, AT, 3, phases=PHASES))
    assert intake.erase_expired(store, world.organization, AT + 65 * DAY_MS) == {}
    assert intake.erase_expired(store, world.organization, AT + 65 * DAY_MS + 1) == {PersonalData.CONTACT_DETAILS: 1}
    manage.set_retention(store, operator(world.organization), PersonalData.TEXTS, 70, now=NOW)
    assert intake.erase_expired(store, world.organization, AT + 71 * DAY_MS) == {PersonalData.TEXTS: 1}
    assert {type(row[3]) for row in answers(store, world)} == {Demographics, Metadatum}
    assert intake.erase_expired(store, world.organization, AT + 2000 * DAY_MS).total() == 2
    assert answers(store, world) == []


def test_a_press_of_an_impossible_time_is_as_old_as_its_upload(store: Store) -> None:
    world = build(store)
    for sequence, at in enumerate((0, NOW + 900 * DAY_MS), 1):
        record(store, world, Press(1, sequence, at, 3, phases=Phases(contact=person(1))))
    assert intake.erase_expired(store, world.organization, NOW + 60 * DAY_MS) == {}
    assert intake.erase_expired(store, world.organization, NOW + 66 * DAY_MS) == {PersonalData.CONTACT_DETAILS: 2}


def test_messages_comments_and_the_audit_log_go_by_their_own_time(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    with store.begin(world.organization, NOW) as ledger:
        insert_message(ledger, NOW, "+358401234567", "hello", None, "unreadable")
    user = manage.add_user(store, boss, "jane@example.com", "Jane", "Doe", world.root, now=NOW)
    manage.add_alert_specification(store, boss, world.surveys[0], world.root, AlertType.NEGATIVE, "a=1", now=NOW)
    manage.comment_alert(store, boss, manage.open_alert(store, boss, 1, NOW, now=NOW), user, "Ask Mr. Smith", now=NOW)
    manage.set_retention(store, boss, PersonalData.AUDIT_LOG, 3_000, now=NOW)
    assert set(intake.erase_expired(store, world.organization, NOW)) == {PersonalData.AUDIT_LOG}  # of the set-up
    erased = [intake.erase_expired(store, world.organization, NOW + days * DAY_MS) for days in (65, 66, 1_096, 3_001)]
    assert erased[:3] == [{}, {PersonalData.SMS_MESSAGES: 1}, {PersonalData.ALERT_COMMENTS: 1}]
    assert set(erased[3]) == {PersonalData.AUDIT_LOG}
    assert manage.audit_log(store, boss) == []


def test_hashes_of_visitors_stay_for_the_longest_answer_interval(store: Store) -> None:
    interval = 8 * DAY_MS // SECOND_MS
    world = build(store, policy=MisusePolicy(answer_interval=interval))
    for number, visitor in enumerate((b"one", b"two")):
        press = Press(-5, number, AT + number * DAY_MS, 3, world.surveys[1], visitor)
        record(store, world, press, smiley=DIGITAL)
    assert [intake.erase_expired(store, world.organization, AT + days * DAY_MS) for days in (8, 9)] == [
        {}, {PersonalData.VISITOR_HASHES: 1},
    ]  # fmt: skip
    assert stored(store, world.organization, "visit", "visitor") == [(b"two",)]


def test_a_job_that_wakes_after_days_erases_in_its_next_run(store: Store) -> None:
    """A clock that was set ahead by mistake leaves time to notice."""
    world, clock = build(store), [NOW]
    record(store, world, Press(1, 1, AT, 3, phases=PHASES))
    environment = Environment(store, lambda: clock[0], TokenUse(), {})
    [job] = [job for job in JOBS if job.name == "erase-expired"]
    jobs.plan(store, job.name, job.every, NOW)

    def run() -> str:
        lease = jobs.claim(store, job.name, job.every, "test", clock[0])
        assert lease is not None
        said = job.function(Run(environment, threading.Event(), lease))
        with store.write() as transaction:
            jobs.finish(transaction, lease, Outcome.DONE, said, clock[0])
        return said

    clock[0] += job.every
    assert run() == ""
    clock[0] += 3_650 * DAY_MS
    assert "3650 days after the last run" in run()
    assert len(answers(store, world)) == 4
    clock[0] += job.every
    assert run() == "rows erased: contact-details 1, texts 1, metadata 1, demographics 1"
    assert answers(store, world) == []


def test_api_v2_shows_no_contact_after_the_job_ran_not_even_by_a_link_from_before(store: Store) -> None:
    world = build(store)
    boss, now = operator(world.organization), AT + 66 * DAY_MS
    record(store, world, *(Press(1, n, AT + n * 9000, 3, phases=Phases(contact=person(n))) for n in range(1, 5)))
    manage.activate_api(store, boss, now=NOW)
    headers = {"X-HON-API-Token": manage.create_token(store, boss, "Board", now=NOW).secret}
    with serving(store, now=now) as http:
        dates = {"startDate": "2096-10-01", "endDate": "2096-10-04", "limit": "2"}
        first = http.get("/v2/results/contact-details.json", params=dates, headers=headers)
        assert [row["name"] for row in first.json()] == ["Person 1", "Person 2"]
        [job] = [job for job in JOBS if job.name == "erase-expired"]
        job.function(Run(Environment(store, lambda: now, TokenUse(), {}), threading.Event()))
        link = first.links["next"]["url"]
        following = http.get(link, headers={**headers, "If-None-Match": first.headers["ETag"]})
        whole = http.get("/v2/results/contact-details.csv", params=dates, headers=headers)
    assert (following.status_code, following.json()) == (200, [])
    assert whole.text.splitlines()[1:] == []


# --- whose ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("Jane@Example.com", "jane@example.COM"),
        (" jane@example.com ", "write to Jane@ example.com, please"),
        ("+358 40 123-4567", "+358401234567"),
        ("+358401234567", "my number is +358 (40) 123 45 67."),
        ("Jane  DOE", "jane doe"),
        ("Äiti Öberg", "a\u0308iti o\u0308berg"),
    ],
)
def test_a_contact_is_found_however_it_is_written(typed: str, text: str) -> None:
    assert Contact(typed).is_in(text)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("Jane", "Jane Doe"),
        ("jane doe", "I met Jane Doe here"),
        ("jane@example.com", "jane example com"),
        ("112", "room 112"),
        ("+358401234567", "+358401234568"),
        ("jane@example.com", ""),
        ("jane@example.com", None),
    ],
)
def test_what_is_not_a_contact(typed: str, text: str | None) -> None:
    assert not Contact(typed).is_in(text)


@given(st.text(max_size=30))
def test_a_contact_is_itself(value: str) -> None:
    try:
        contact = Contact(value)
    except SetupError:
        return
    assert contact.equals(value)
    assert contact.equals(f"  {value.upper().lower()} ") or value.upper().lower() != value.lower()


def test_everything_of_a_person_goes_wherever_it_is(store: Store) -> None:
    world = build(store, policy=MisusePolicy(answer_interval=60))
    organization = world.organization
    mail = person(1).email or ""
    hashed = visitor_hash(mail.lower(), organization)
    record(
        store, world, Press(1, 1, AT, 3, phases=PHASES), Press(1, 2, AT + 9000, 3, phases=PHASES._replace(contact=None))
    )
    record(store, world, Press(-9, 1, AT, 3, world.surveys[1], hashed), smiley=DIGITAL)
    record(store, world, unusable=(unreadable(0, f'[{{"mail": "{mail}"}}]'), unreadable(7, "{}")))
    with store.begin(organization, NOW) as ledger:
        insert_message(ledger, NOW, "+358 40 1234561", "hello", None, "unreadable")
        insert_message(ledger, NOW, "+358 40 7654321", f"from {mail.upper()}", None, "unreadable")
        insert_message(ledger, NOW, "+358 40 7654321", "hello", None, "unreadable")
    by_mail = intake.erase(store, organization, OfContact(Contact(mail)), NOW)
    assert by_mail == (1, {
        PersonalData.CONTACT_DETAILS: 1, PersonalData.TEXTS: 1, PersonalData.METADATA: 1, PersonalData.DEMOGRAPHICS: 1,
        PersonalData.QUARANTINED_BODIES: 1, PersonalData.SMS_MESSAGES: 1, PersonalData.VISITOR_HASHES: 1,
    })  # fmt: skip
    by_phone = intake.erase(store, organization, OfContact(Contact("+358401234561")), NOW)
    assert by_phone == (0, {PersonalData.SMS_MESSAGES: 1})
    assert {row[2] for row in answers(store, world)} == {2}
    assert sorted(stored(store, organization, "quarantine", "sequence, body")) == [(0, ""), (7, "{}")]


def test_a_visitor_is_forgotten_with_the_feedback(store: Store) -> None:
    world = build(store, policy=MisusePolicy(answer_interval=60))
    epoch, sequence = client_key(ID)
    record(store, world, Press(epoch, sequence, AT, 3, world.surveys[1], b"visitor"), smiley=DIGITAL)
    erased = intake.erase(store, world.organization, OfFeedback((ID,)), NOW)
    assert erased == (1, {PersonalData.VISITOR_HASHES: 1})
    with pytest.raises(NotFound, match="no feedback 00000000"):
        intake.find(store, world.organization, OfFeedback((UUID(int=7),)))


def test_a_node_and_period_take_what_smileys_sent_from_there(store: Store) -> None:
    world = build(store)
    one, two = world.points
    for smiley in (0, 2):
        record(store, world, Press(1, 1, AT, 3, phases=PHASES), Press(1, 2, AT + HOUR, 3, phases=PHASES), smiley=smiley)
        record(store, world, unusable=(unreadable(9, f'{{"at": {AT}}}'),), smiley=smiley)
        with store.begin(world.organization, AT) as ledger:
            insert_message(ledger, AT, f"+{smiley}", "hello", world.smileys[smiley], "stored")
    record(store, world, Press(1, 3, AT, 9, phases=PHASES))  # off the scale: in quarantine
    erased = intake.erase(store, world.organization, OfPeriod(one, AT, AT + HOUR), NOW)
    assert (erased.feedbacks, erased.rows[PersonalData.TEXTS]) == (2, 2)
    assert (erased.rows[PersonalData.QUARANTINED_BODIES], erased.rows[PersonalData.SMS_MESSAGES]) == (1, 1)
    assert {row[:3] for row in answers(store, world)} == {
        (world.smileys[0], 1, 2), (world.smileys[2], 1, 1), (world.smileys[2], 1, 2),
    }  # fmt: skip
    assert intake.find(store, world.organization, OfPeriod(two, AT, AT + 1)).feedbacks == 1
    with pytest.raises(NotFound, match="no node 99"):
        intake.find(store, world.organization, OfPeriod(99, 0, 1))
    whole = intake.erase(store, world.organization, OfOrganization(), NOW)
    assert (whole.feedbacks, whole.rows[PersonalData.SMS_MESSAGES]) == (3, 1)
    assert answers(store, world) == []


def test_a_period_takes_what_could_not_be_read_of_its_presses(store: Store) -> None:
    world = build(store)
    parts = (UnusablePress(1, 1, Verdict.UNREADABLE, '{"contact": {"email": "p1@example.com"}}', "phase"),)
    record(store, world, Press(1, 1, AT - 7 * DAY_MS, 3), unusable=parts)
    period = OfPeriod(world.points[0], AT - 8 * DAY_MS, AT - 6 * DAY_MS)
    assert intake.erase(store, world.organization, period, NOW).rows[PersonalData.QUARANTINED_BODIES] == 1
    assert stored(store, world.organization, "quarantine", "body") == [("",)]


def test_an_organization_loses_nothing_by_the_erasure_of_another(store: Store) -> None:
    world, other = build(store), build(store)
    for each in (world, other):
        record(store, each, Press(1, 1, AT, 3, phases=PHASES))
    intake.erase(store, world.organization, OfOrganization(), NOW)
    assert (answers(store, world), len(answers(store, other))) == ([], 4)


# --- verbs -----------------------------------------------------------------------------------------------------------


def test_the_audit_log_says_what_was_erased_but_repeats_nothing_of_it(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    record(store, world, Press(1, 1, AT, 3, phases=PHASES))
    for erasure in (
        OfContact(Contact("p1@example.com")), OfFeedback((feedback_id(world.smileys[0], 1, 1),)),
        OfPeriod(world.points[0], AT, AT + 1), OfOrganization(),
    ):  # fmt: skip
        manage.begin_erasure(store, boss, erasure, {PersonalData.TEXTS: 2}, now=NOW)
    manage.set_retention(store, boss, PersonalData.TEXTS, None, now=NOW)
    log = manage.audit_log(store, boss, limit=5)
    assert [(entry.verb, entry.subject, entry.node) for entry in log] == [
        ("set-retention", "texts", None),
        ("begin-erasure", f"organization {world.organization}", None),
        ("begin-erasure", f"node {world.points[0]}", world.points[0]),
        ("begin-erasure", "feedback", None),
        ("begin-erasure", "a person", None),
    ]
    assert (log[0].old, log[0].new, log[1].new) == (1095, None, {"found": {"texts": 2}})
    assert not re.search("example.com|Person|soup", repr(log))


def test_retention_is_bounded(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization)
    assert manage.retention(store, boss) == DEFAULT_DAYS
    for days in (0, -1, 36_501):
        with pytest.raises(SetupError, match="accepted are 1 to 36500"):
            manage.set_retention(store, boss, PersonalData.TEXTS, days, now=NOW)
    manage.set_retention(store, boss, PersonalData.AUDIT_LOG, 36_500, now=NOW)
    assert manage.retention(store, boss) == {**DEFAULT_DAYS, PersonalData.AUDIT_LOG: 36_500}
    with pytest.raises(SetupError, match="before it begins"):
        manage.begin_erasure(store, boss, OfPeriod(world.root, 5, 5), {}, now=NOW)
    with pytest.raises(SetupError, match="at least 3 characters"):
        Contact(" a b ")
