"""Shared links: a report as it was seen, for whoever has the address, until it expires or is revoked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from hymio import manage, report
from hymio.access import DataKind, Principal, Role, operator
from hymio.cli import app
from hymio.errors import Forbidden, NotFound, SetupError
from hymio.manage.shared_links import LEAST_ANSWERS, LONGEST_MS, USED_EVERY_MS
from hymio.period import DAY_MS
from hymio.personal_data import Contact, OfContact
from hymio.report.files import from_json
from hymio.serving.addresses import shown_path
from hymio.store import Store
from hymio.web.report_files import EXTENSIONS
from tests.example import HELSINKI, NEW_YORK, NOW, make_example
from tests.pages import PASSWORD, Browser, add_person
from tests.served import UNBOUND, serving

JANE, JOHN = "jane.doe@example.com", "john.doe@example.com"
MARCH = "period=2024-03&survey=1"
LATER = NOW + 40 * DAY_MS
"""In a month that ended: without sign-in only those are shown."""


@dataclass
class Place:
    """A served organization with a person who shares, and a clock that tests set."""

    store: Store
    http: httpx.Client
    boss: Principal
    jane: int
    now: list[int]

    def browser(self, email: str = "") -> Browser:
        browser = Browser(self.http)
        if email:
            browser.sign_in(email)
        return browser

    def share(
        self, node: int = 1, user: int | None = None, words: str = "period=2024-03&survey=1", **terms: Any
    ) -> str:
        """The address of a new link."""
        until = terms.pop("expires_at", self.now[0] + DAY_MS)
        made = manage.share_report(
            self.store, self.boss, self.jane if user is None else user,
            manage.LinkTerms("Link", node, words, until, **terms), now=self.now[0],
        )  # fmt: skip
        return f"/shared/{made.secret}"

    def status(self, address: str, browser: Browser | None = None) -> int:
        return (browser or self.browser()).get(address).status_code


@pytest.fixture
def place(store: Store) -> Iterator[Place]:
    boss, now = operator(make_example(store).organization), [LATER]
    jane = add_person(store, boss.organization, JANE)
    add_person(store, boss.organization, JOHN, NEW_YORK)
    with serving(store, UNBOUND, lambda: now[0]) as http:
        yield Place(store, http, boss, jane, now)


# --- what a link shows -----------------------------------------------------------------------------------------------


def test_a_person_shares_a_report_and_anybody_opens_it(place: Place):
    browser = place.browser(JANE)
    page = browser.send("/reports/1?period=2024-03&survey=1", "/account/links", who="anybody", days="7")
    assert page.status_code == 200, page.text
    [address] = re.findall(r'value="http://[^"/]*(/shared/[^"]*)"', page.text)
    shown = place.browser().get(address)
    assert shown.status_code == 200
    assert "How was your visit?" in shown.text
    assert "Sign out" not in shown.text
    assert "/reports/" not in shown.text
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["x-robots-tag"] == "noindex, nofollow"
    assert "set-cookie" not in shown.headers
    listed = browser.get("/account/links").text
    assert "without sign-in" in listed
    assert "last used" in listed
    assert address not in listed
    assert browser.send("/account/links", "/account/links/revoke", link="1").url.path == "/account/links"
    assert place.status(address) == 404


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_link_has_the_same_files_whatever_else_is_asked(place: Place, extension: str):
    address = place.share(needs_sign_in=False)
    file = place.http.get(f"{address}.{extension}")
    assert file.status_code == 200
    assert file.headers["referrer-policy"] == "no-referrer"
    asked = "period=2024-02&survey=2&node=2&hours=8&weekdays=mon&text=a&asOf=1&compare=year"
    assert place.http.get(f"{address}.{extension}?{asked}").content == file.content
    again = place.http.get(f"{address}.{extension}", headers={"If-None-Match": file.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_link_shows_its_survey_and_node_alone(place: Place):
    value = from_json(place.http.get(f"{place.share(2, needs_sign_in=False)}.json").content)
    assert [line.id for line in value.surveys] == [1]
    assert value.node.path == "Finland"
    assert value.withholding.minimum == LEAST_ANSWERS
    assert value.completeness is None
    table = place.http.get(f"{place.share(needs_sign_in=False)}/surveys.csv").text
    assert table.count("\r\n") == 2


def test_without_sign_in_no_number_of_few_answers_is_shown(place: Place):
    address = place.share(HELSINKI, words="period=2024-03&survey=2")
    value = from_json(place.http.get(f"{address}.json").content)
    assert value.summary is not None
    assert value.summary.is_withheld
    with_sign_in = place.share(HELSINKI, words="period=2024-03&survey=2", needs_sign_in=True)
    seen = from_json(place.browser(JANE).get(f"{with_sign_in}.json").content)
    assert seen.summary is not None
    assert seen.summary.number == 3


def test_a_survey_of_which_people_see_smaller_numbers_is_not_shared_without_sign_in(place: Place):
    address = place.share(needs_sign_in=False)
    for minimum, status in ((4, 403), (5, 200), (None, 200)):
        manage.set_minimum_answers(place.store, place.boss, 1, minimum, now=LATER)
        assert place.status(address) == status
    manage.set_minimum_answers(place.store, place.boss, None, 2, now=LATER)
    with pytest.raises(Forbidden, match="share with sign-in"):
        place.share(needs_sign_in=False)
    refused = place.browser(JANE).send("/reports/1?period=2024-03&survey=1", "/account/links", who="anybody")
    assert (refused.status_code, "share with sign-in" in refused.text) == (403, True)
    assert place.status(place.share(needs_sign_in=True), place.browser(JANE)) == 200


def test_nobody_gets_a_link_to_what_is_too_much_to_withhold(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hymio.report.source.MAX_HOURS", 1)
    browser = place.browser(JANE)
    refused = browser.send("/reports/1?period=2024-03&survey=1", "/account/links", who="anybody")
    assert refused.status_code == 400
    assert "choose a shorter period" in refused.text
    assert manage.links(place.store, place.boss) == []
    assert browser.send("/reports/1?period=2024-03&survey=1", "/account/links", who="people").status_code == 200


def test_texts_are_shown_only_if_they_are_shared(place: Place):
    without, with_texts = (
        from_json(place.http.get(f"{place.share(shows_texts=shown)}.json").content).texts for shown in (False, True)
    )
    assert without is None
    assert with_texts is not None


def test_contact_details_are_never_shown(place: Place):
    secret = place.share(shows_texts=True).removeprefix("/shared/")
    shared = manage.shared_report(place.store, secret, LATER)
    assert shared is not None
    assert shared.principal.kinds == {
        DataKind.BUTTON_FEEDBACKS, DataKind.FOLLOWUP_FEEDBACKS, DataKind.TEXT_FEEDBACKS
    }  # fmt: skip


# --- who opens it ----------------------------------------------------------------------------------------------------


def test_with_sign_in_only_people_of_the_organization_open_it(place: Place):
    address = place.share(2, needs_sign_in=True)
    browser = place.browser()
    assert "Sign in" in browser.get(address).text
    assert place.http.get(f"{address}.json").status_code == 404, "a program has no session"
    assert "Finland" in place.browser(JOHN).get(address).text, "it shows what the sharer sees, at the most"
    other = manage.create_organization(place.store, operator(), "Other", now=NOW)
    add_person(place.store, other, "mary@example.com")
    assert place.status(address, place.browser("mary@example.com")) == 404


def test_ended_links_are_answered_as_unknown_ones(place: Place):
    revoked, expired, gone = place.share(), place.share(expires_at=LATER + 1), place.share()
    manage.revoke_link(place.store, place.boss, 1, now=LATER)
    place.now[0] += 1
    secret = gone.rpartition(".")[2]
    unknown = [
        gone.replace(secret, "x" * 43), "/shared/1.1.", "/shared/x", "/shared/1.99.x",
        gone.replace("/shared/1", "/shared/2"), f"/shared/9{'9' * 30}.1.x",
    ]  # fmt: skip
    answers = [place.browser().get(address) for address in (revoked, expired, *unknown)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub('"/shared/[^"]*"', "", answer.text) for answer in answers}) == 1
    assert {place.http.get(f"{address}.json").json()["code"] for address in (revoked, expired, *unknown)} == {
        "unknown-address"
    }


def test_a_link_ends_with_its_sharers_account_and_reach(place: Place):
    user = add_person(place.store, place.boss.organization, "joe@example.com", 2)
    address, beyond = place.share(2, user), place.share(HELSINKI, user)
    assert place.status(address) == place.status(beyond) == 200
    [account] = [each for each in manage.users(place.store, place.boss) if each.id == user]
    manage.edit_user(place.store, place.boss, replace(account, node=HELSINKI), now=LATER)
    assert (place.status(address), place.status(beyond)) == (404, 200)
    manage.disable_user(place.store, place.boss, user, now=LATER)
    assert place.status(beyond) == 404
    manage.edit_user(place.store, place.boss, replace(account, login_allowed=True), now=LATER)
    assert place.status(address) == 404, "it ended for good"
    manage.remove_user(place.store, place.boss, user, now=LATER)
    assert manage.links(place.store, place.boss) == []


def test_a_fixed_period_stays_and_a_rolling_one_moves(place: Place):
    browser = place.browser(JANE)
    addresses = {}
    for kind in ("fixed", "rolling"):
        terms = {"period": kind, "who": "people", "days": "90"}
        page = browser.send("/reports/1?period=last-month&survey=1", "/account/links", **terms)
        [addresses[kind]] = re.findall(r'value="http://[^"/]*(/shared/[^"]*)"', page.text)
    place.now[0] += 31 * DAY_MS
    later = place.browser(JANE)
    first = {kind: from_json(later.get(f"{address}.json").content).period.first for kind, address in addresses.items()}
    assert {kind: day.isoformat() for kind, day in first.items()} == {"fixed": "2024-03-01", "rolling": "2024-04-01"}


# --- rules -----------------------------------------------------------------------------------------------------------


def test_nobody_shares_more_than_they_see(place: Place):
    john = place.browser(JOHN)
    form = john.get(f"/reports/{NEW_YORK}?period=2024-03").text
    token = re.findall(r'name="token" value="([^"]*)"', form)[0]
    for node in ("1", "99", "x"):
        answer = john.http.post("/account/links", data={"token": token, "node": node, "words": "period=2024-03"})
        assert answer.status_code == 404
    assert john.http.post("/account/links", data={"node": str(NEW_YORK)}).status_code == 403
    assert manage.links(place.store, place.boss) == []
    with pytest.raises(SetupError, match="does not reach"):
        place.share(1, user=place.jane + 1)
    for wrong in (LATER, LATER + LONGEST_MS + 1):
        with pytest.raises(SetupError, match="days"):
            place.share(expires_at=wrong)
    with pytest.raises(SetupError, match="too long"):
        place.share(words="a" * 3_000)


def test_an_administrator_sees_and_revokes_the_links_of_its_scope(place: Place):
    add_person(place.store, place.boss.organization, "ada@example.com", 2, Role.ADMIN)
    add_person(place.store, place.boss.organization, "root@example.com", 1, Role.ADMIN)
    place.share(2)
    place.share(NEW_YORK)
    ada, john = place.browser("ada@example.com"), place.browser(JOHN)
    assert "somebody else" in ada.get("/account/links").text
    assert JANE in place.browser("root@example.com").get("/account/links").text
    assert ada.get("/account/links").text.count("/account/links/revoke") == 1
    assert "/account/links/revoke" not in john.get("/account/links").text
    token = re.findall(r'name="token" value="([^"]*)"', john.get("/account/links").text)[0]
    assert john.http.post("/account/links/revoke", data={"token": token, "link": "2"}).status_code == 404
    ada.send("/account/links", "/account/links/revoke", link="1")
    assert [link.is_valid(LATER) for link in manage.links(place.store, place.boss)] == [True, False]


def test_use_is_written_rarely_and_only_hashes_are_stored(place: Place):
    address = place.share()
    for moment in (LATER, LATER + 1, LATER + USED_EVERY_MS):
        place.now[0] = moment
        assert place.status(address) == 200
        [link] = manage.links(place.store, place.boss)
        assert link.used_at == (LATER if moment < LATER + USED_EVERY_MS else moment)
    secret = address.rpartition(".")[2].encode()
    with place.store.read() as transaction:
        rows = transaction.rows("SELECT * FROM shared_link") + transaction.rows("SELECT * FROM audit")
    assert secret not in repr(rows).encode()
    assert shown_path(f"{address}.json") == "/shared/…"


def test_the_command_lists_and_revokes_links(place: Place, database_url: str):
    address = place.share(2, needs_sign_in=True)
    listed = CliRunner().invoke(app, ["share", "list", "Acme", "--database", database_url], env={"COLUMNS": "200"})
    assert listed.exit_code == 0, listed.output
    assert re.search(r"1\tLink\tjane.doe@example.com\t\d+\tAcme / Finland\tfalse\ttrue", listed.output), listed.output
    assert CliRunner().invoke(app, ["share", "revoke", "Acme", "1", "--database", database_url]).exit_code == 0
    assert place.status(address, place.browser(JANE)) == 404
    ended = CliRunner().invoke(app, ["share", "list", "Acme", "--database", database_url], env={"COLUMNS": "200"})
    assert "revoked" in ended.output
    with pytest.raises(NotFound, match="no link 9"):
        manage.revoke_link(place.store, place.boss, 9, now=LATER)


def test_ended_links_are_deleted_after_a_month(place: Place):
    place.share()
    organization = place.boss.organization
    assert manage.clear_links(place.store, organization, LATER + DAY_MS) == 0
    assert manage.clear_links(place.store, organization, LATER + DAY_MS + 1) == 1


def test_what_a_link_reads_no_verb_accepts(place: Place):
    secret = place.share().removeprefix("/shared/")
    shared = manage.shared_report(place.store, secret, LATER)
    assert shared is not None
    with pytest.raises(NotFound):
        report.build(place.store, shared.principal, report.parse_query(99, {}), LATER)
    assert shared.principal.role.permissions == {next(iter(shared.principal.role.permissions))}
    assert json.dumps(PASSWORD) not in repr(shared)


def test_the_erasure_of_a_person_ends_links_that_search_texts_for_the_person(place: Place):
    kept = place.share(words=f"{MARCH}&text=soup")
    searching, contact = place.share(words=f"{MARCH}&text=Cust%40Example.com"), OfContact(Contact("cust@example.com"))
    named = manage.LinkTerms("About cust@example.com", 1, MARCH, place.now[0] + DAY_MS)
    manage.share_report(place.store, place.boss, place.jane, named, now=place.now[0])
    assert place.status(searching) == 200
    assert manage.begin_erasure(place.store, place.boss, contact, {}, now=place.now[0]) == 2
    assert (place.status(searching), place.status(kept)) == (404, 200)
    assert [link.terms.words for link in manage.links(place.store, place.boss)] == [f"{MARCH}&text=soup"]
    assert manage.audit_log(place.store, place.boss, limit=1)[0].new == {"found": {}, "links": 2}
    assert manage.begin_erasure(place.store, place.boss, contact, {}, now=place.now[0]) == 0
