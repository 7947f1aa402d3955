"""The hosted page of a published smiley, used as a browser without scripts does, and as a mail scanner does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import manage
from hymio.app import DOORS
from hymio.feedback import Feedback, Ui, Verdict
from hymio.gateway.digital.checks import MAX_TEXT
from hymio.gateway.digital.wish import Wish
from hymio.settings import Settings
from hymio.store import open_store, scan
from hymio.survey import ActivePeriod, Localized
from tests.example import FOUND, NOW, WEB, WEBSITE_FOUND
from tests.web_page import WebPage, web_page
from tests.world import wall

BLOCKED = ("survey", "feedback", "track", "intercept", "widget")
"""Words that blocking lists look for in addresses."""


@pytest.fixture(scope="module")
def page(shared_database_url: str) -> Iterator[WebPage]:
    with closing(open_store(shared_database_url)) as store, web_page(store, "Pages") as made:
        made.edit(answer_interval=0)
        yield made


class Form(HTMLParser):
    """The first form of a page: its address, hidden fields, and buttons by the text on them."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.action, self.text = "", answer.text
        self.hidden: dict[str, str] = {}
        self.buttons: dict[str, tuple[str, str]] = {}
        self._button: tuple[str, str] | None = None
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = of["action"]
        elif tag == "input" and of.get("type") == "hidden":
            self.hidden[of["name"]] = of["value"]
        elif tag == "button":
            self._button = (of.get("name", ""), of.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._button is not None and data.strip():
            self.buttons[data.strip()] = self._button
            self._button = None


class Person:
    """Somebody with a browser without scripts."""

    def __init__(self, page: WebPage, query: str = "", **headers: str) -> None:
        self.page, self.headers = page, {"User-Agent": "Lynx", **headers}
        self.answer = page.http.get(f"/w/{page.publication.code}{query}", headers=self.headers)

    def press(self, button: str, wait: int = 4_000, **typed: str) -> None:
        """Presses a button of the form, some ms after the page was shown."""
        form = Form(self.answer)
        self.page.clock.now += wait
        name, value = form.buttons[button]
        data = {**form.hidden, **typed, **({name: value} if name else {})}
        self.answer = self.page.http.post(form.action, data=data, headers=self.headers)
        while self.answer.status_code == 303:
            address = urljoin(str(self.answer.request.url), self.answer.headers["location"])
            self.answer = self.page.http.get(address, headers=self.headers)


def presses(page: WebPage) -> list[Feedback]:
    """What this test's page has stored since it began, in order of time."""
    with page.store.read() as transaction:
        return [*scan.rows_in_order(transaction, page.organization, WEBSITE_FOUND, NOW - 1, 1 << 60)]


def last(page: WebPage) -> Any:
    row = presses(page)[-1]
    with page.store.begin(page.organization, page.clock.now) as ledger:
        return row, ledger.phases.at(WEB, [row.at]).get((row.at, WEB, row.epoch, row.sequence))


def test_every_step_works_without_scripts(page: WebPage) -> None:
    person = Person(page, "?u=qr&refId=T-12&other=x")
    assert "Did you find what you were looking for?" in person.answer.text
    person.press("Unhappy")
    assert "What was missing?" in person.answer.text
    row, phases = last(page)
    assert (row.button, row.verdict, row.ui) == (1, Verdict.COUNTED, Ui.QR), "it counts before anything else is sent"
    assert phases.metadata == (("refId", "T-12"),)
    person.press("The price")
    person.press("Send", text="Too dear.")
    assert "We only use this to answer you." in person.answer.text
    person.press("Send", name="Aino", email="aino@example.com")
    assert "Thank you!" in person.answer.text
    _, phases = last(page)
    assert (phases.followups[0].option, phases.followups[0].ui) == (page.followup.options[1].id, Ui.QR)
    assert (phases.text.text, phases.contact.name, phases.contact.email) == ("Too dear.", "Aino", "aino@example.com")


def test_what_is_skipped_is_recorded_so(page: WebPage) -> None:
    person = Person(page)
    person.press("Very unhappy")
    for _ in range(3):
        person.press("Skip")
    assert "Thank you!" in person.answer.text
    row, phases = last(page)
    assert (row.button, row.ui, phases.followups[0].ui, phases.text.ui, phases.contact) == (
        0, Ui.LINK, Ui.SKIP, Ui.SKIP, None
    )  # fmt: skip


def test_a_form_that_is_sent_twice_counts_once_and_another_button_of_the_page_is_a_repeat(page: WebPage) -> None:
    page.edit(answer_interval=10)
    first, before = Person(page), len(presses(page))
    shown = first.answer
    for button, wait in (("Happy", 4_000), ("Happy", 1_000), ("Neutral", 1_000)):
        first.answer = shown
        first.press(button, wait)
    page.edit(answer_interval=0)
    assert [(row.button, row.verdict) for row in presses(page)[before:]] == [
        (3, Verdict.COUNTED), (2, Verdict.REPEAT)
    ]  # fmt: skip


def test_a_form_without_a_stamp_of_the_server_asks_once_more(page: WebPage) -> None:
    before = len(presses(page))
    for stamp in ("", "x", "9" * 30, f"{page.clock.now - 9000}.abc.{'0' * 32}"):
        data = {"step": "press", "button": "4", "survey": str(FOUND), "stamp": stamp}
        answer = page.http.post(f"/w/{page.publication.code}", data=data)
        assert (answer.status_code, "Please choose once more." in answer.text) == (200, True)
    assert len(presses(page)) == before


def test_a_text_that_is_too_long_comes_back_with_its_limit(page: WebPage) -> None:
    person = Person(page)
    person.press("Neutral")
    typed = "å" * (MAX_TEXT + 1)
    person.press("Send", text=typed)
    assert person.answer.status_code == 400
    assert f"it may have {MAX_TEXT}" in person.answer.text
    assert typed in person.answer.text, "nothing that was typed is lost"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"name": "Aino"}, "Please give your name"),
        ({"email": "aino@example.com"}, "Please give your name"),
        ({"name": "Aino", "email": "aino"}, "Please check the e-mail address."),
        ({"name": "A" * 300, "phone": "1"}, "at most 254 characters"),
    ],
)
def test_contact_details_that_lack_something_come_back(page: WebPage, typed: dict[str, str], problem: str) -> None:
    person = Person(page)
    person.press("Neutral")
    person.press("Skip")
    person.press("Send", 4_000, **typed)
    assert person.answer.status_code == 400
    assert problem in person.answer.text


def test_a_mail_scanner_casts_no_vote(page: WebPage) -> None:
    """It gets and prefetches every link of a mail, twice, and sends each form that it finds at once."""
    before, counted = len(presses(page)), lambda: [row for row in presses(page)[before:] if row.verdict == 0]
    links = [f"/w/{page.publication.code}?b={button}&m=person-77&u=email" for button in range(5)]
    for _ in range(2):
        for link in links:
            for method, headers in (("HEAD", {}), ("GET", {"Purpose": "prefetch", "Sec-Purpose": "prefetch"})):
                assert page.http.request(method, link, headers=headers).status_code == 200
    assert len(presses(page)) == before, "to open a page is no vote"
    for link in links:
        form = Form(page.http.get(link))
        data = {**form.hidden, "button": re.findall(r'value="(\d+)" class="chosen"', form.text)[0]}
        page.clock.now += 150
        page.http.post(form.action, data=data)
    assert [row.verdict for row in presses(page)[before:]] == [Verdict.ROBOT] * 5, "flagged, not dropped"
    assert counted() == []
    for link in links[:3]:  # one that waits before it sends
        form = Form(page.http.get(link))
        page.clock.now += 2_000
        page.http.post(form.action, data={**form.hidden, "button": link.partition("b=")[2][0]})
    assert counted() == []
    page.clock.now += 60_000
    person = Person(page, "?b=3&m=person-77&u=email")
    assert "Press once more" in person.answer.text
    person.press("Happy")
    assert [(row.button, row.ui) for row in counted()] == [(3, Ui.EMAIL)]


def test_the_honeypot_catches_who_fills_every_field(page: WebPage) -> None:
    person = Person(page)
    person.press("Happy", website="https://spam.example")
    row, _ = last(page)
    assert row.verdict == Verdict.ROBOT


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({"Sec-Fetch-User": "?1"}, Verdict.COUNTED),
        ({}, Verdict.ROBOT),
        ({"Sec-Fetch-User": "?0"}, Verdict.ROBOT),
    ],
)
def test_a_form_that_a_script_sends_in_chromium_is_a_robots(
    page: WebPage, headers: dict[str, str], verdict: Verdict
) -> None:
    """The headers are those that Chromium 156 sends for a click or key, and for a script of the page."""
    chromium = {"Sec-CH-UA": '"Chromium";v="156"', "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
    person = Person(page, "?b=4&m=alone&u=email", **chromium, **headers)
    person.press("Very happy")
    row, _ = last(page)
    assert row.verdict == verdict


def test_who_has_to_wait_sees_the_page_with_what_was_typed(shared_database_url: str) -> None:
    settings = Settings(port=0, web_messages=2)
    with closing(open_store(shared_database_url)) as store, web_page(store, "Waiting", settings) as page:
        person = Person(page)
        person.press("Neutral")
        before = person.answer
        for _ in range(2):
            person.answer = before
            person.press("Send", text="The blue one was sold out.")
    assert (person.answer.status_code, person.answer.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert 1 <= int(person.answer.headers["retry-after"]) <= 30
    assert "The blue one was sold out." in person.answer.text
    assert Form(person.answer).hidden["step"] == "text"


@pytest.mark.parametrize("fields", [{}, {"step": "nonsense"}, {"step": "text", "id": "x"}])
def test_a_form_that_cannot_be_read_shows_a_page_on_which_to_go_on(page: WebPage, fields: dict[str, str]) -> None:
    answer = page.http.post(f"/w/{page.publication.code}", data=fields)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "Thank you" not in answer.text
    assert Form(answer).buttons


def test_a_form_that_is_larger_than_a_message_is_not_read_to_its_end(page: WebPage) -> None:
    for body in (b"step=" + b"x" * 70_000, iter([b"step=" + b"x" * 40_000] * 2)):
        answer = page.http.post(f"/w/{page.publication.code}", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "form-too-large-for-page")


def test_forms_of_other_sites_are_refused(page: WebPage) -> None:
    person, before = Person(page), len(presses(page))
    person.headers["Sec-Fetch-Site"] = "cross-site"
    person.press("Happy")
    assert person.answer.status_code == 403
    assert len(presses(page)) == before


@pytest.mark.parametrize(
    ("period", "said"), [(("2024-01-01", "2024-02-01"), "any more"), (("2024-09-01", None), "yet")]
)
def test_a_survey_that_is_not_active_says_so(page: WebPage, period: tuple[str, str | None], said: str) -> None:
    person = Person(page)
    start, end = period
    active = ActivePeriod(wall(start), None if end is None else wall(end))
    manage.set_periods(page.store, page.boss, WEBSITE_FOUND, [active], now=NOW)
    try:
        assert f"This question is not asked {said}." in Person(page).answer.text
        person.press("Happy")
        assert f"This question is not asked {said}." in person.answer.text
        with page.store.read() as transaction:
            [*_, late] = scan.rows_in_order(transaction, page.organization, -FOUND, NOW - 1, 1 << 60)
        assert (late.button, late.verdict) == (3, Verdict.NO_SURVEY), "it waits in quarantine"
    finally:
        manage.set_periods(page.store, page.boss, WEBSITE_FOUND, [ActivePeriod(wall("2024-01-01"))], now=NOW)


def test_a_wrong_code_is_a_quiet_404(page: WebPage) -> None:
    for method in ("GET", "POST"):
        answer = page.http.request(method, "/w/NOSUCHCODE")
        assert (answer.status_code, answer.content) == (404, b"")


# --- languages -------------------------------------------------------------------------------------------------------


def test_the_language_is_the_links_then_the_browsers_then_the_surveys(page: WebPage) -> None:
    question = page.store.layout(page.organization).surveys[FOUND].question
    manage.localize_question(page.store, page.boss, question, "fi", "Löysitkö etsimäsi?", now=NOW)
    manage.localize_question(page.store, page.boss, question, "ar", "هل وجدت ما تبحث عنه؟", now=NOW)

    def shown(query: str, accepted: str) -> tuple[str, ...]:
        text = Person(page, query, **{"Accept-Language": accepted}).answer.text
        return re.findall(r'<html lang="([\w-]+)" dir="(\w+)"', text)[0]

    assert shown("", "") == ("en-US", "ltr")
    assert shown("", "sv, fi-FI;q=0.9, ar;q=0.1") == ("fi", "ltr")
    assert shown("?lang=ar-EG", "fi") == ("ar", "rtl")
    assert shown("?lang=xx-XX", "fi") == ("fi", "ltr")
    assert shown("?lang=sv", "de") == ("en-US", "ltr")
    assert "Erittäin" in Person(page, "?lang=fi").answer.text


# --- addresses and sizes ---------------------------------------------------------------------------------------------


@given(
    st.text(max_size=30) | st.sampled_from(["fi", "fi-FI", "FI_fi", "en-gb", "sv"]),
    st.text(max_size=60) | st.sampled_from(["fi-FI,fi;q=0.9", "en-GB,en;q=0.9", "sv-FI;q=0, fi", "*", "de;q=x"]),
)
def test_any_wish_has_a_locale(lang: str, accepted: str) -> None:
    texts = {"en-US": "Colour", "en-GB": "Colour", "fi-FI": "Väri"}
    assert Wish(lang, accepted).locale(Localized("en-US", texts)) in texts


@pytest.mark.parametrize(
    ("lang", "accepted", "locale"),
    [
        ("", "en-GB,en;q=0.9", "en-GB"),
        ("", "en,en-GB;q=0.9", "en-US"),
        ("", "fr-FR, en-GB;q=0.5", "en-GB"),
        ("", "en-GB;q=0, en", "en-US"),
        ("en_gb", "fi", "en-GB"),
        ("FI", "en", "fi-FI"),
        ("sv", "fi", "fi-FI"),
        ("sv", "", "en-US"),
        ("", "", "en-US"),
    ],
)
def test_a_region_of_a_language_is_chosen_where_there_is_a_text_for_it(lang: str, accepted: str, locale: str) -> None:
    texts = {"en-US": "Color", "en-GB": "Colour", "fi-FI": "Väri"}
    assert Wish(lang, accepted).locale(Localized("en-US", texts)) == locale


def test_no_public_address_has_a_word_of_blocking_lists(page: WebPage) -> None:
    [door] = [each for each in DOORS if each.name == "web smileys"]
    services: Any = type("Fake", (), {"store": page.store, "settings": type("S", (), {"web_messages": 0})})
    paths = [path for route in door.routes(services) for path in route.paths]
    assert len(paths) >= 3
    assert not [path for path in paths for word in BLOCKED if word in path.lower()]
    answer = Person(page).answer
    addresses = [answer.headers.get("location", ""), *re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)]
    assert not [address for address in addresses for word in BLOCKED if word in address.lower()]


def test_the_page_runs_nothing_but_its_own_file(page: WebPage) -> None:
    answer = Person(page).answer
    [script] = re.findall(r"<script ([^>]*)></script>", answer.text)
    assert script.startswith('src="/w/page.js?')
    assert answer.text.count("<script") == 1
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "style=" not in answer.text
    assert "set-cookie" not in answer.headers
