"""What browsers send to published smileys: presses, what comes after them, and what is refused of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from itertools import count, permutations
from typing import Any
from uuid import uuid4

import pytest

from hymio import intake, manage, report
from hymio.access import operator
from hymio.feedback import Finding, Ui, Verdict
from hymio.gateway.digital.checks import MAX_TEXT
from hymio.report.query import ReportQuery
from hymio.settings import Settings
from hymio.store import open_store
from hymio.store.visitor_keys import forget_keys
from hymio.survey import ActivePeriod
from tests.example import FOUND, NOW, PLACED, VISIT, WEBSITE, WEBSITE_FOUND, make_example
from tests.web_page import WebPage, another, web_page
from tests.world import wall

DAY = 86_400_000
_names = count(1)


@pytest.fixture(scope="module")
def page(shared_database_url: str) -> Iterator[WebPage]:
    """One published smiley on each engine in turn; nothing of what these tests send is a repeat unless they say so."""
    with closing(open_store(shared_database_url)) as store, web_page(store, f"Web {next(_names)}") as made:
        yield made


# --- the first tap, and what comes after it ---------------------------------------------------------------------------


def test_the_first_tap_counts_at_once_and_a_retry_never_doubles(page: WebPage) -> None:
    message = page.message(3)
    answers = [page.send(message) for _ in range(3)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {})] * 3
    stored = page.stored(message)
    assert (stored.button, stored.verdict, stored.at, stored.ui) == (3, Verdict.COUNTED, NOW, Ui.DIGITAL)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_what_comes_after_attaches_in_any_order(page: WebPage, order: tuple[int, ...]) -> None:
    press, option = page.message(1, ui="qr"), page.followup.options[1].id
    parts: list[dict[str, object]] = [
        {},
        {"followup": {"question": page.followup.id, "option": option, "ui": "qr"}},
        {"text": {"text": "The blue one.", "ui": "qr"}},
        {"contact": {"name": "Aino", "email": "aino@example.com"}},
    ]
    for index in order:
        page.clock.now += 1500
        sent = page.send({**press, "clock": page.clock.now, **parts[index]})
        assert (sent.status_code, sent.json()) == (200, {})
    phases = page.phases(press)
    assert [followup.option for followup in phases.followups] == [option]
    assert (phases.text.text, phases.contact.email) == ("The blue one.", "aino@example.com")
    assert page.stored(press).verdict == Verdict.COUNTED


def test_an_answer_may_name_the_id_alone(page: WebPage) -> None:
    press = page.message(0)
    page.send(press)
    assert page.send({"smiley": press["smiley"], "id": press["id"], "text": {"text": "Later."}}).status_code == 200
    assert page.phases(press).text.text == "Later."


@pytest.mark.parametrize("left", ["exit", "skip", "timeout"])
def test_how_a_question_was_left_gives_way_to_an_answer_in_either_order(page: WebPage, left: str) -> None:
    question, option = page.followup.id, page.followup.options[0].id
    marks = {"followup": {"question": question, "ui": left}, "text": {"ui": left}}
    answers = {"followup": {"question": question, "option": option, "ui": "digital"}, "text": {"text": "Yes."}}
    for first, second in ((marks, answers), (answers, marks)):
        press = page.message(1)
        assert [page.send({**press, **part}).json() for part in (first, second)] == [{}, {}]
        phases = page.phases(press)
        assert ([each.option for each in phases.followups], phases.text.text) == ([option], "Yes.")
    alone = page.message(1)
    page.send({**alone, **marks})
    phases = page.phases(alone)
    assert {phases.followups[0].ui, phases.text.ui} == {Ui[left.upper()]}


def test_a_text_is_marked_as_spam_and_masked_and_kept_as_it_was_written(page: WebPage) -> None:
    spam, rude = page.message(1, text={"text": "asdf"}), page.message(1, lang="fi", text={"text": "Vittu mikä jono"})
    for message in (spam, rude, rude):
        assert page.send(message).json() == {}
    assert (page.phases(spam).text.spam, page.phases(spam).text.masked) == (True, None)
    text = page.phases(rude).text
    assert (text.text, text.masked, text.spam) == ("Vittu mikä jono", "***** mikä jono", False)


def test_texts_that_a_database_cannot_store_are_stored_with_other_characters(page: WebPage) -> None:
    contact = {"name": "A\0", "email": "a\0@b", "phone": "1\0"}
    message = page.message(1, metadata={"refId": "1\0"}, mail="\0", contact=contact, text={"text": "So\0so so"})
    assert page.send(message).json() == {}
    phases = page.phases(message)
    stored = (phases.contact.name, phases.contact.email, phases.contact.phone, phases.text.text, phases.metadata[0][1])
    assert all("\ufffd" in text for text in stored)


def test_only_metadata_that_the_survey_accepts_is_stored(page: WebPage) -> None:
    press = page.message(4, metadata={"refId": "A-1", "email": "somebody@example.com", "table": "x" * 1001})
    page.send(press)
    assert page.phases(press).metadata == (("refId", "A-1"),)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_wrong_code_is_a_quiet_404(page: WebPage) -> None:
    for code in ("NOSUCHCODE", "0" * 32):
        answer = page.send(page.message(smiley=code), Origin="https://shop.example")
        assert (answer.status_code, answer.content) == (404, b"")
        assert answer.headers["access-control-allow-origin"] == "https://shop.example", "so that the script goes away"


def test_token_and_code_are_the_same_smiley(page: WebPage) -> None:
    message = page.message(2, smiley=page.publication.token)
    assert page.send(message).status_code == 200
    assert page.send({**message, "smiley": page.publication.code, "text": {"text": "Same."}}).json() == {}
    assert page.phases(message).text.text == "Same."


def test_a_text_that_is_too_long_is_refused_with_its_limit_and_the_press_stays(page: WebPage) -> None:
    press = page.message(1)
    page.send(press)
    answer = page.send({**press, "text": {"text": "x" * (MAX_TEXT + 1)}})
    assert answer.status_code == 400
    assert answer.json()["code"] == "text-too-long"
    assert str(MAX_TEXT) in answer.json()["detail"]
    assert page.phases(press) is None
    assert page.stored(press).verdict == Verdict.COUNTED
    whole = "å" * MAX_TEXT
    page.send({**press, "text": {"text": whole}})
    assert page.phases(press).text.text == whole


def test_answers_to_other_questions_are_refused(page: WebPage) -> None:
    followup = page.followup
    wrong = (
        page.message(4, followup={"question": followup.id, "option": followup.options[0].id}),  # the positive side
        page.message(1, followup={"question": followup.id, "option": 99}),
        page.message(1, followup={"question": 99}),
        page.message(1, survey=VISIT, followup={"question": followup.id}),
    )
    for message in wrong:
        answer = page.send(message)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-parameter"), answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"button": 5}, {"survey": 99}, {"survey": (1 << 53) - 1},
        {"followup": {"question": 0}}, {"followup": {}}, {"followup": {"ui": "digital"}},
        {"followup": {"option": 0, "ui": "skip"}}, {"followup": {"option": 0, "ui": "timeout"}},
        {"text": {}},
        {"text": {"ui": "qr"}}, {"text": {"text": "Answered.", "ui": "exit"}},
        {"contact": {"name": "A"}}, {"contact": {"name": "A", "email": None}}, {"contact": {"name": " ", "phone": "1"}},
        {"contact": {"name": "A", "email": "nobody"}},
    ],
)  # fmt: skip
def test_an_answer_that_says_nothing_or_contradicts_itself_is_refused(page: WebPage, wrong: dict[str, Any]) -> None:
    if "followup" in wrong:
        followup = page.followup
        option = {"option": followup.options[wrong["followup"]["option"]].id} if "option" in wrong["followup"] else {}
        wrong = {"followup": {"question": followup.id, **wrong["followup"], **option}}
    message = page.message(**{"button": 1, **wrong})
    assert page.send(message).status_code == 400
    with pytest.raises(ValueError, match="unpack"):
        page.stored(message)


@pytest.mark.parametrize("blank", ["", " \n\t"])
def test_a_text_of_blanks_is_a_question_that_was_skipped(page: WebPage, blank: str) -> None:
    message = page.message(1, text={"text": blank, "ui": "digital"})
    assert page.send(message).json() == {}
    text = page.phases(message).text
    assert (text.text, text.ui, text.spam) == (None, Ui.SKIP, None)


@pytest.mark.parametrize("part", ["text", "contact"])
def test_an_answer_that_the_survey_does_not_ask_for_is_refused_and_the_press_stays(page: WebPage, part: str) -> None:
    before = page.store.content(page.organization).flow(FOUND)
    manage.set_flow(
        page.store, page.boss, replace(before, asks_text=part != "text", asks_contact=part != "contact"), now=NOW
    )
    try:
        press = page.message(1)
        page.send(press)
        answers = {"text": {"text": "Unasked."}, "contact": {"name": "A", "phone": "1"}}
        whole = {**press, part: answers[part]}
        bare = {"smiley": press["smiley"], "id": press["id"], part: answers[part]}
        for message in (whole, bare):
            answer = page.send(message)
            assert (answer.status_code, answer.json()["code"]) == (400, "answer-not-asked")
    finally:
        manage.set_flow(page.store, page.boss, before, now=NOW)
    assert (page.stored(press).verdict, page.phases(press)) == (Verdict.COUNTED, None)


def test_a_code_may_be_typed_in_small_letters(page: WebPage) -> None:
    code = page.publication.code.lower()
    assert page.http.get(f"/w/{code}").status_code == 200
    message = page.message(2, smiley=code)
    assert page.send(message).json() == {}
    assert page.stored(message).verdict == Verdict.COUNTED


def test_an_answer_attaches_to_no_other_press(page: WebPage) -> None:
    press = page.message(1)
    page.send(press)
    unknown = page.send({"smiley": press["smiley"], "id": str(uuid4()), "text": {"text": "Whose?"}})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-press")
    other = page.send({**press, "button": 2, "text": {"text": "Not mine."}})
    assert (other.status_code, other.json()["code"]) == (409, "press-differs")
    assert page.phases(press) is None


def test_an_answer_attaches_to_no_press_of_another_organization(page: WebPage) -> None:
    press = page.message(1)
    page.send(press)
    stranger = make_example(page.store, f"Stranger {next(_names)}").organization
    published = manage.publish_smiley(page.store, operator(stranger), 4, now=NOW)
    answer = page.send({"smiley": published.code, "id": press["id"], "text": {"text": "Hm."}})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-press")
    assert page.phases(press) is None


def test_a_contradicting_answer_is_named_and_the_first_one_stays(page: WebPage) -> None:
    press = page.message(1)
    page.send({**press, "text": {"text": "One."}})
    assert page.send({**press, "text": {"text": "Two."}}).json() == {"refused": ["text"]}
    assert page.phases(press).text.text == "One."


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"id": 7}', b'{"id": "0b7e1c7e-9f0b-1f0e-8f43-4be1d3f8e6a1"}', b"\xff", b"[" * 5000]
)
def test_what_is_no_message_is_refused(page: WebPage, body: bytes) -> None:
    answer = page.http.post("/w/press", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_large_body_is_refused(page: WebPage) -> None:
    answer = page.http.post("/w/press", content=b"x" * (65 << 10))
    assert answer.status_code == 413


def test_a_survey_that_has_ended_is_said_to_be_closed_and_its_presses_wait_in_quarantine(page: WebPage) -> None:
    periods = [ActivePeriod(wall("2024-01-01"), wall("2024-03-01"))]
    manage.set_periods(page.store, page.boss, WEBSITE_FOUND, periods, now=NOW)
    try:
        message = page.message()
        assert page.send(message).json() == {"closed": True}
        assert page.stored(message).verdict == Verdict.NO_SURVEY
    finally:
        manage.set_periods(page.store, page.boss, WEBSITE_FOUND, [ActivePeriod(wall("2024-01-01"))], now=NOW)
    intake.release(page.store, page.organization, NOW)
    assert page.stored(message).verdict == Verdict.COUNTED


# --- origins ---------------------------------------------------------------------------------------------------------


def test_pages_of_other_origins_may_read_the_answer_where_they_may_send(page: WebPage) -> None:
    answer = page.send(page.message(), Origin="https://shop.example")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]
    asked = page.http.options(
        "/w/press",
        headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"},
    )
    assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "POST")


def test_of_a_list_of_origins_others_store_nothing(page: WebPage) -> None:
    page.edit(origins=("https://shop.example",))
    try:
        good, bad = page.message(), page.message()
        assert page.send(good, Origin="https://shop.example").status_code == 200
        own = str(page.http.base_url).rstrip("/")
        assert page.send(page.message(), Origin=own).status_code == 200
        for headers in ({"Origin": "https://other.example"}, {"Origin": "null"}, {}):
            answer = page.send(bad, **headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "origin-refused")
            assert answer.headers.get("access-control-allow-origin") == headers.get("Origin"), "the script reads it"
        assert page.stored(good).verdict == Verdict.COUNTED
        with pytest.raises(ValueError, match="unpack"):
            page.stored(bad)
    finally:
        page.edit(origins=())


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "clock", "age"),
    [
        (0, 0, 0),
        (-7_000, -2_000, 5_000),  # sent five seconds later
        (-90_000_000, -10_000, 0),  # older than a day: forged, or asleep for days
        (-10 * DAY, -10 * DAY + 700, 700),  # a clock that is ten days behind
        (3 * DAY, 3 * DAY + 700, 700),  # and one that is three days ahead
        (5_000, 0, 0),  # pressed after it was sent
        (None, None, 0),
        (-4_000, None, 4_000),
        (4_000, None, 0),
        (-(1 << 52), None, 0),
    ],
)
def test_the_servers_time_is_the_truth_within_a_day(page: WebPage, at: int | None, clock: int | None, age: int) -> None:
    message = page.message()
    for name, difference in (("at", at), ("clock", clock)):
        message[name] = None if difference is None else page.clock.now + difference
    assert page.send(message).json() == {}
    assert page.stored(message).at == page.clock.now - age
    page.clock.now += 60_000
    if clock is not None:
        message["clock"] += 60_000
    assert page.send({**message, "text": {"text": "Later."}}).json() == {}
    assert page.stored(message).at == page.clock.now - 60_000 - age


# --- misuse ----------------------------------------------------------------------------------------------------------


def test_a_changed_mind_is_a_repeat_and_the_first_press_stands(page: WebPage) -> None:
    agent = f"One browser {uuid4()}"
    first, second = page.message(0), page.message(4)
    page.send(first, agent=agent)
    page.clock.now += 3_000
    page.send({**second, "at": page.clock.now, "clock": page.clock.now}, agent=agent)
    other = page.message(2)
    page.send(other, agent=f"Another {uuid4()}")
    assert [page.stored(each).verdict for each in (first, second, other)] == [
        Verdict.COUNTED, Verdict.REPEAT, Verdict.COUNTED
    ]  # fmt: skip
    page.clock.now += 60_000
    third = page.message(1)
    page.send(third, agent=agent)
    assert page.stored(third).verdict == Verdict.COUNTED


def test_an_owners_interval_is_instead_of_the_policys(page: WebPage) -> None:
    agent = f"Patient {uuid4()}"
    page.edit(answer_interval=3600)
    try:
        verdicts = []
        for _ in range(3):
            message = page.message()
            page.send(message, agent=agent)
            verdicts.append(page.stored(message).verdict)
            page.clock.now += 1_900_000
    finally:
        page.edit(answer_interval=10)
    assert verdicts == [Verdict.COUNTED, Verdict.REPEAT, Verdict.COUNTED]


def test_no_address_is_stored_and_the_key_of_the_day_is_gone_two_days_later(page: WebPage) -> None:
    def keys() -> dict[int, bytes]:
        with page.store.read() as transaction:
            return {day: bytes(key) for day, key in transaction.rows("SELECT day, key FROM visitor_key")}

    agent = f"Agent {uuid4()}"
    page.send(page.message(), agent=agent)
    today = page.clock.now // DAY
    assert today in keys()
    page.clock.now += 2 * DAY
    page.send(page.message(), agent=agent)
    assert today not in keys()
    assert len(set(keys().values())) == len(keys())
    later = page.clock.now // DAY + 1
    forget_keys(page.store, later)
    assert keys(), "yesterday's is kept"
    forget_keys(page.store, later + 1)
    assert not keys(), "also where nobody comes any more"


@pytest.mark.parametrize(
    "robot", [{"website": "https://spam.example"}, {"dwell": 40}, {"dwell": -1}], ids=["honeypot", "dwell", "negative"]
)
def test_robots_are_flagged_and_not_dropped(page: WebPage, robot: dict[str, object]) -> None:
    message = page.message(4, **robot)
    assert page.send(message).json() == {}
    assert (page.stored(message).verdict, page.stored(message).finding) == (Verdict.ROBOT, Finding.ROBOT)


def test_proof_of_work_is_off_unless_the_owner_asks_for_it(page: WebPage) -> None:
    page.edit(work_bits=8)
    try:
        without, wrong, right = page.message(), page.message(work="x"), page.message()
        right["work"] = next(
            str(number) for number in count() if sha256(f"{right['id']}:{number}".encode()).digest()[0] == 0
        )
        while sha256(f"{wrong['id']}:x".encode()).digest()[0] == 0:
            wrong["id"] = str(uuid4())
        for message in (without, wrong, right):
            page.send(message)
    finally:
        page.edit(work_bits=0)
    assert [page.stored(each).verdict for each in (without, wrong, right)] == [
        Verdict.ROBOT, Verdict.ROBOT, Verdict.COUNTED
    ]  # fmt: skip


def test_values_of_one_mail_within_ten_seconds_are_a_scanners_until_a_person_presses(page: WebPage) -> None:
    mail, sent = str(uuid4()), []
    for button in (0, 1, 2, 3, 4):
        sent.append(page.message(button, mail=mail, ui="email"))
        page.send(sent[-1])
        page.clock.now += 400
    assert {page.stored(each).verdict for each in sent} == {Verdict.SCANNER}
    page.clock.now += 60_000
    person, again = page.message(3, mail=mail, ui="email"), None
    page.send(person)
    assert page.stored(person).verdict == Verdict.COUNTED
    page.clock.now += 60_000
    again = page.message(1, mail=mail, ui="email")
    page.send(again)
    assert page.stored(again).verdict == Verdict.REPEAT
    assert list(intake.verify(page.store, page.organization)) == []


@pytest.mark.parametrize("field", ["*|UNIQID|*", "{{ contact.id }}", "%recipient.id%", "[ID]", "${id}", "##ID##", " "])
def test_a_merge_field_that_nobody_filled_in_does_not_make_all_recipients_one(page: WebPage, field: str) -> None:
    sent = [page.message(button, mail=field, ui="email") for button in (3, 0, 3)]
    for message in sent:
        page.send(message)
        page.clock.now += 1_000
    assert [page.stored(message).verdict for message in sent] == [Verdict.COUNTED] * 3


@pytest.mark.parametrize("is_robot_first", [True, False])
def test_a_robot_with_another_value_shows_that_the_other_is_a_scanners_too(page: WebPage, is_robot_first: bool) -> None:
    mail = str(uuid4())
    robot, slow = page.message(0, mail=mail, dwell=1), page.message(1, mail=mail)
    for message in (robot, slow) if is_robot_first else (slow, robot):
        page.send(message)
    assert [page.stored(each).verdict for each in (robot, slow)] == [Verdict.ROBOT, Verdict.SCANNER]
    page.clock.now += 60_000
    alone, person = page.message(2, mail=str(uuid4()), dwell=1), page.message(3, mail=mail)
    page.send(alone)
    page.send(person)
    assert page.stored(person).verdict == Verdict.COUNTED


def test_a_robots_value_alone_does_not_take_the_persons_answer_away(page: WebPage) -> None:
    mail = str(uuid4())
    robot, person = page.message(0, mail=mail, dwell=1), page.message(3, mail=mail)
    page.send(robot)
    page.clock.now += 60_000
    page.send({**person, "at": page.clock.now, "clock": page.clock.now})
    assert [page.stored(each).verdict for each in (robot, person)] == [Verdict.ROBOT, Verdict.COUNTED]


def test_presses_while_installing_are_tests_and_left_out_also_after_a_resettle(page: WebPage) -> None:
    page.edit(is_installing=True)
    try:
        message = page.message(2, text={"text": "Only trying."})
        page.send(message)
    finally:
        page.edit(is_installing=False)
    assert page.stored(message).verdict == Verdict.TEST
    intake.resettle(page.store, page.organization, WEBSITE, 0, page.clock.now)
    intake.rebuild(page.store, page.organization, page.clock.now)
    assert page.stored(message).verdict == Verdict.TEST
    assert list(intake.verify(page.store, page.organization)) == []


def test_a_press_while_installing_that_waits_in_quarantine_is_a_test_when_it_is_released(page: WebPage) -> None:
    point = manage.add_point(page.store, page.boss, "Not asked yet", 1, now=PLACED)
    smiley = another(page, point)
    smileys = page.store.layout(page.organization).smileys.values()
    number = next(each.id for each in smileys if each.publication == smiley)
    tested = replace(smiley, is_installing=True)
    messages = [page.message(3, smiley=smiley.code) for _ in range(2)]
    for message, publication in zip(messages, (tested, smiley), strict=True):
        manage.edit_publication(page.store, page.boss, number, publication, now=page.clock.now)
        assert page.send(message).json() == {"closed": True}
    manage.assign(page.store, page.boss, point, FOUND, [ActivePeriod(wall("2024-01-01"))], now=PLACED)
    intake.release(page.store, page.organization, page.clock.now)
    verdicts = [page.stored(message, number).verdict for message in messages]
    assert verdicts == [Verdict.TEST, Verdict.COUNTED]
    assert list(intake.verify(page.store, page.organization)) == []


def test_reports_add_up_with_presses_of_programs_and_scanners(page: WebPage) -> None:
    mail = str(uuid4())
    for message in (page.message(1, website="x"), page.message(1, mail=mail), page.message(2, mail=mail)):
        page.send(message)
    query = ReportQuery(WEBSITE, "2024")
    misuse = report.build(page.store, page.boss, query, page.clock.now + DAY).misuse
    assert misuse is not None
    assert (misuse.robot >= 1, misuse.scanner >= 2) == (True, True)
    reasons = misuse.closed + misuse.repeat + misuse.burst + misuse.interval + misuse.robot + misuse.scanner
    assert misuse.raw == misuse.counted + reasons


@pytest.mark.parametrize(
    ("typed", "stored"), [("One \ud83d", "One \ufffd"), ("\\ud83d \0", "\\ud83d \ufffd"), ("😀", "😀")]
)
def test_what_no_database_can_store_is_replaced_and_the_rest_stays(page: WebPage, typed: str, stored: str) -> None:
    message = page.message(2)
    body = json.dumps({**message, "text": {"text": typed}}).encode()
    assert page.http.post("/w/press", content=body).json() == {}
    assert page.phases(message).text.text == stored


def test_at_the_same_moment_each_press_is_stored_once(page: WebPage) -> None:
    messages = [page.message(number % 5) for number in range(12)]
    parts = [{**message, "text": {"text": f"At once {number}."}} for number, message in enumerate(messages)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(page.send, [*messages, *parts, *messages]))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers} == {"{}"}
    assert [page.phases(message).text.text for message in messages] == [part["text"]["text"] for part in parts]


# --- how many --------------------------------------------------------------------------------------------------------


def test_an_address_that_sends_too_many_has_to_wait(shared_database_url: str) -> None:
    settings = Settings(port=0, web_messages=3)
    with closing(open_store(shared_database_url)) as store, web_page(store, f"Web {next(_names)}", settings) as page:
        answers = [page.send(page.message(), Origin="https://shop.example") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["access-control-expose-headers"] == "Retry-After"
    assert refused.headers["access-control-allow-origin"] == "https://shop.example"
