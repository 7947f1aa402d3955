"""Signing in: passwords, sessions, one-time links, forms, delays, and what a person sees of the tree."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from threading import Event
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from hymio import manage
from hymio.access import DataKind, Permission, Principal, Role, operator
from hymio.errors import Forbidden, NotFound, SetupError, TooManyRequests, Unavailable
from hymio.jobs import JOBS
from hymio.jobs.table import clear_expired
from hymio.manage import passwords, principals
from hymio.manage.passwords import check_password, matches
from hymio.serving.backoff import FREE_ATTEMPTS, FREE_OF_ADDRESS, LONGEST_SECONDS, SECONDS_OF_ADDRESS, Backoff
from hymio.serving.password_threads import PasswordThreads
from hymio.store import Store, open_store, schema
from hymio.store.catalog.signing_in import select_sign_in
from hymio.user import SESSION_IDLE_MS, SESSION_MS, LinkKind, LoginMethod
from hymio.web.asked import own_address
from hymio.web.cookies import form_token
from tests.example import HELSINKI, NEW_YORK, NOW, make_example
from tests.pages import PASSWORD, Browser, add_person, forms_of, token_of
from tests.served import UNBOUND, serving
from tests.test_laws import law

JANE = "jane.doe@example.com"
ACME = "<h1><bdi>Acme</bdi></h1>"
REFUSED = "The e-mail address or the password is not right."
opened = cache(open_store)


@dataclass
class Place:
    """A served organization, its operator, and a clock that tests set."""

    store: Store
    http: httpx.Client
    boss: Principal
    now: list[int]

    def browser(self, **headers: str) -> Browser:
        return Browser(self.http, **headers)

    def jane(self, node: int = 1, role: Role = Role.USER, **more: Any) -> int:
        return add_person(self.store, self.boss.organization, JANE, node, role, **more)


@pytest.fixture
def place(store: Store) -> Iterator[Place]:
    boss, now = operator(make_example(store).organization), [NOW]
    with serving(store, UNBOUND, lambda: now[0]) as http:
        yield Place(store, http, boss, now)


# --- the way in and out ----------------------------------------------------------------------------------------------


def test_a_person_signs_in_sees_the_overview_and_signs_out(place: Place):
    place.jane()
    browser = place.browser()
    assert "Sign in" in browser.get("/").text
    overview = browser.sign_in(JANE.upper())
    assert (overview.status_code, overview.url.path) == (200, "/")
    assert ACME in overview.text
    session = browser.cookies["hymio-session"]
    assert "Sign in" in browser.send("/", "/sign-out").text
    assert "hymio-session" not in browser.cookies
    stolen = place.browser()
    stolen.http.cookies.set("hymio-session", session)
    assert "Sign in" in stolen.get("/").text


def test_signing_in_leads_to_the_page_that_was_asked_for(place: Place):
    place.jane()
    for asked in ("/account", f"/?node={HELSINKI}", f"/?node={HELSINKI}&survey=2"):
        browser = place.browser()
        form = browser.get(asked)
        assert (form.status_code, 'action="/sign-in"' in form.text) == (200, True)
        wrong = browser.http.post("/sign-in", data={**_sign_in_fields(form.text), "email": JANE, "password": "wrong"})
        fields = {**_sign_in_fields(wrong.text), "email": JANE, "password": PASSWORD}
        answer = browser.http.post("/sign-in", data=fields)
        assert (answer.status_code, str(answer.url.raw_path, "ascii")) == (200, asked)
        assert browser.get(f"/?to={quote(asked)}").url.path == asked.partition("?")[0]


def _sign_in_fields(page: str) -> dict[str, str]:
    return next(form.fields for form in forms_of(page) if form.action == "/sign-in")


@given(st.text(max_size=12) | st.from_regex(r"[/\\]{1,3}[a-z:@.?#\\ \t%0-9]{0,9}", fullmatch=True))
def test_no_address_leads_to_another_server(text: str):
    """Judged by what browsers do: tabs and newlines are dropped, and a backslash is a slash."""
    address = own_address(text)
    assert address in (text, "/")
    read = re.sub(r"[\t\r\n]", "", address).strip("".join(map(chr, range(33)))).replace("\\", "/")
    assert read.startswith("/")
    assert not read.startswith("//")
    assert urlsplit(urljoin("https://hymio.example/", read)).netloc == "hymio.example"


def test_whoever_may_not_sign_in_is_told_the_same(place: Place):
    def pages() -> set[tuple[int, str]]:
        answers = [
            place.browser().sign_in(email, password)
            for email, password in (
                (JANE, "not the password"), ("nobody@example.com", PASSWORD), ("off@example.com", PASSWORD),
                ("sso@example.com", PASSWORD), ("new@example.com", PASSWORD), (JANE, ""), ("", ""), ("\0", PASSWORD),
            )
        ]  # fmt: skip
        return {(answer.status_code, re.sub(r' value="[^"]*"', "", answer.text)) for answer in answers}

    place.jane()
    boss = place.boss
    manage.disable_user(place.store, boss, add_person(place.store, boss.organization, "off@example.com"), now=NOW)
    add_person(place.store, boss.organization, "sso@example.com", login_method=LoginMethod.SINGLE_SIGN_ON)
    manage.add_user(place.store, boss, "new@example.com", "N", "N", 1, now=NOW)
    [(status, text)] = pages()
    assert status == 403
    assert REFUSED in text


def test_what_an_administrator_changes_acts_at_once(place: Place):
    user = place.jane()
    browser = place.browser()
    browser.sign_in(JANE)
    [account] = [each for each in manage.users(place.store, place.boss) if each.id == user]
    manage.edit_user(place.store, place.boss, replace(account, node=NEW_YORK), now=NOW)
    assert "<h1><bdi>New York</bdi></h1>" in browser.get("/").text
    manage.disable_user(place.store, place.boss, user, now=NOW)
    assert "Sign in" in browser.get("/").text
    manage.edit_user(place.store, place.boss, replace(account, login_allowed=True), now=NOW)
    assert "Sign in" in browser.get("/").text, "the session ended for good"


@pytest.mark.parametrize(
    ("steps", "is_over"),
    [
        ([SESSION_IDLE_MS - 1], False),
        ([SESSION_IDLE_MS], True),
        ([SESSION_IDLE_MS // 2] * 3, False),
        ([SESSION_IDLE_MS // 2] * (2 * SESSION_MS // SESSION_IDLE_MS), True),
    ],
)
def test_a_session_ends_without_use_and_after_its_longest_time(place: Place, steps: list[int], is_over: bool):
    place.jane()
    browser = place.browser()
    browser.sign_in(JANE)
    for step in steps:
        place.now[0] += step
        text = browser.get("/").text
    assert ('action="/sign-in"' in text) is is_over


def test_the_address_finds_the_account_of_each_organization_by_its_password(store: Store):
    first, second = make_example(store).organization, make_example(store, "Birch").organization
    for organization, password in ((first, "the first password"), (second, "the second password")):
        add_person(store, organization, JANE, password=password)
        principal = manage.password_principal(store, JANE, password)
        assert principal is not None
        assert principal.organization == organization
    assert manage.password_principal(store, JANE, "the third password") is None


def test_an_address_that_was_changed_or_removed_finds_nobody(store: Store):
    boss = operator(make_example(store).organization)
    user = add_person(store, boss.organization, JANE)
    [account] = manage.users(store, boss)
    manage.edit_user(store, boss, replace(account, email="Jane@example.com"), now=NOW)
    assert manage.password_principal(store, JANE, PASSWORD) is None
    assert manage.password_principal(store, "jane@EXAMPLE.com", PASSWORD) is not None
    manage.remove_user(store, boss, user, now=NOW)
    assert manage.password_principal(store, "jane@example.com", PASSWORD) is None
    with store.read() as transaction:
        for table in ("account_email", "user_sign_in", "user_session", "sign_in_link"):
            assert transaction.rows(f"SELECT * FROM {table} WHERE organization_id = :o", o=boss.organization) == []


# --- cookies and forms -----------------------------------------------------------------------------------------------


def test_over_https_cookies_are_bound_to_the_host(place: Place):
    place.jane()
    headers = {"Accept": "text/html", "X-Forwarded-Proto": "https"}
    page = place.http.get("/", headers=headers)
    assert re.fullmatch(r"__Host-hymio-form=\S+; HttpOnly; Path=/; SameSite=lax; Secure", page.headers["set-cookie"])
    assert page.headers["strict-transport-security"].startswith("max-age=")
    cookie = page.headers["set-cookie"].partition(";")[0]
    fields = {"token": form_token(cookie.partition("=")[2]), "email": JANE, "password": PASSWORD}
    answer = place.http.post("/sign-in", data=fields, headers={**headers, "Cookie": cookie})
    sent = [value for name, value in answer.headers.multi_items() if name == "set-cookie"]
    assert any(
        re.fullmatch(r"__Host-hymio-session=\S+; HttpOnly; Max-Age=\d+; Path=/; SameSite=lax; Secure", value)
        for value in sent
    ), sent


ACTIONS = (
    "/sign-in",
    "/sign-out",
    "/language",
    "/password",
    "/account/preferences",
    "/account/password",
    "/account/sessions",
)


def test_a_form_that_is_not_from_a_page_of_this_browser_changes_nothing(place: Place):
    """Without a token, with that of another browser, and sent by a page of another site."""
    place.jane()
    signed_in, other, new = place.browser(), place.browser(), place.browser()
    signed_in.sign_in(JANE)
    foreign = token_of(other)
    with place.store.read() as transaction:
        before = transaction.rows("SELECT revision FROM ledger ORDER BY organization_id")
    for action in ACTIONS:
        browser = new if action in ("/sign-in", "/language", "/password") else signed_in
        own = token_of(browser)
        for token, headers in (("", {}), (foreign, {}), (own, {"Sec-Fetch-Site": "cross-site"})):
            fields = {"token": token, "email": JANE, "password": PASSWORD}
            answer = browser.http.post(action, data=fields, headers=headers)
            assert (answer.status_code, "form-refused" in answer.text) == (403, True), (action, token, headers)
    with place.store.read() as transaction:
        assert transaction.rows("SELECT revision FROM ledger ORDER BY organization_id") == before


def test_a_form_of_an_ended_session_leads_to_the_form_of_signing_in(place: Place):
    user = place.jane()
    browser = place.browser()
    browser.sign_in(JANE)
    page = browser.get("/account").text
    manage.end_sessions(place.store, place.boss, user, now=NOW)
    for form in forms_of(page):
        assert browser.http.post(form.action, data=form.fields).status_code in (200, 403)
    assert "Sign in" in browser.get("/").text


# --- one-time links --------------------------------------------------------------------------------------------------


def test_a_link_works_once_and_ends_all_sessions(place: Place):
    user = place.jane()
    browser = place.browser()
    browser.sign_in(JANE)
    link = manage.reset_password(place.store, place.boss, user, now=NOW)
    invited = place.browser()
    page = f"/password?link={link}"
    assert invited.get(page).headers["referrer-policy"] == "no-referrer"
    new = "another good password"
    assert "not the same" in invited.send(page, "/password", password=new, again=new + "!").text
    assert "Sign in" in browser.get("/").text, "a reset ends all sessions"
    assert place.browser().sign_in(JANE).status_code == 403, "and the old password"
    assert "at least 12 characters" in invited.send(page, "/password", password="short", again="short").text
    assert ACME in invited.send(page, "/password", password=new, again=new).text
    assert "Sign in" in browser.get("/").text
    assert place.browser().sign_in(JANE).status_code == 403
    assert place.browser().sign_in(JANE, new).status_code == 200
    used = place.browser().get(page)
    assert (used.status_code, "link-ended" in used.text) == (404, True)


@pytest.mark.parametrize("kind", LinkKind)
def test_a_link_expires_and_a_new_one_replaces_it(store: Store, kind: LinkKind):
    boss = operator(make_example(store).organization)
    user = manage.add_user(store, boss, JANE, "Jane", "Doe", 1, now=NOW)
    make = manage.invite_user if kind is LinkKind.INVITATION else manage.reset_password
    first = make(store, boss, user, now=NOW)
    invited = manage.link_principal(store, first, NOW + kind.lasts_ms - 1)
    assert invited is not None
    assert (invited.kind, invited.principal.id) == (kind, user)
    assert manage.link_principal(store, first, NOW + kind.lasts_ms) is None
    with pytest.raises(NotFound):
        manage.set_password(store, invited.principal, user, PASSWORD, first, now=NOW + kind.lasts_ms)
    second = make(store, boss, user, now=NOW)
    assert manage.link_principal(store, first, NOW) is None
    with pytest.raises(NotFound):
        manage.set_password(store, invited.principal, user, PASSWORD, first, now=NOW)
    manage.set_password(store, invited.principal, user, PASSWORD, second, now=NOW)
    assert manage.link_principal(store, second, NOW) is None


def test_who_may_not_sign_in_by_password_gets_no_link(store: Store):
    boss = operator(make_example(store).organization)
    user = manage.add_user(store, boss, JANE, "J", "D", 1, login_method=LoginMethod.SINGLE_SIGN_ON, now=NOW)
    for make in (manage.invite_user, manage.reset_password):
        with pytest.raises(SetupError, match="may not sign in"):
            make(store, boss, user, now=NOW)


@given(st.text(max_size=60) | st.from_regex(r"[0-9]{1,22}\.[0-9]{1,22}\.[A-Za-z]{0,5}", fullmatch=True))
def test_no_text_is_somebodys_session_or_link(shared_database_url: str, secret: str):
    store = opened(shared_database_url)
    assert manage.session_principal(store, secret, NOW) is None
    assert manage.link_principal(store, secret, NOW) is None


# --- one's own account -----------------------------------------------------------------------------------------------


def test_a_person_changes_the_password_and_the_other_browsers_are_signed_out(place: Place):
    place.jane()
    browser, other = place.browser(), place.browser()
    browser.sign_in(JANE)
    other.sign_in(JANE)
    new = "a password that is new"
    fields = {"password": new, "again": new}
    assert "present password is not right" in browser.send("/account", "/account/password", present="x", **fields).text
    changed = browser.send("/account", "/account/password", present=PASSWORD, **fields)
    assert "The new password is set" in changed.text
    assert "Sign in" in other.get("/").text
    assert place.browser().sign_in(JANE, new).status_code == 200


def test_a_person_chooses_language_and_theme(place: Place):
    user = place.jane()
    browser = place.browser()
    browser.sign_in(JANE)
    page = browser.send("/account", "/account/preferences", language="ar", theme="dark").text
    assert '<html lang="ar" dir="rtl" data-theme="dark">' in page
    [account] = [each for each in manage.users(place.store, place.boss) if each.id == user]
    assert account.locale == "ar"
    browser.send("/", "/sign-out")
    assert '<html lang="ar" dir="rtl" data-theme="dark">' in browser.get("/").text
    assert '<html lang="ar" dir="rtl" data-theme="dark">' in browser.get("/nothing").text
    page = browser.send("/", "/sign-in", email=JANE, password=PASSWORD).text
    assert '<html lang="ar" dir="rtl" data-theme="dark">' in page


def test_a_person_ends_one_session_or_all_others(place: Place):
    place.jane()
    browsers = [place.browser() for _ in range(4)]
    for browser in browsers:
        browser.sign_in(JANE)
    first, second, third, fourth = browsers
    identity = second.cookies["hymio-session"].split(".")[1]
    first.send("/account", "/account/sessions", session=identity)
    signed_in = [ACME in browser.get("/").text for browser in browsers]
    assert signed_in == [True, False, True, True]
    page = first.get("/account").text
    token = forms_of(page)[0].fields["token"]
    first.http.post("/account/sessions", data={"token": token})
    assert [ACME in browser.get("/").text for browser in (first, third, fourth)] == [
        True,
        False,
        False,
    ]


def test_nobody_ends_or_sees_the_sessions_of_another(place: Place):
    place.jane()
    other = add_person(place.store, place.boss.organization, "other@example.com")
    browser, victim = place.browser(), place.browser()
    browser.sign_in(JANE)
    victim.sign_in("other@example.com")
    identity = victim.cookies["hymio-session"].split(".")[1]
    token = forms_of(browser.get("/account").text)[0].fields["token"]
    browser.http.post("/account/sessions", data={"token": token, "session": identity})
    assert ACME in victim.get("/").text
    signed_in = manage.session_principal(place.store, browser.cookies["hymio-session"], NOW)
    assert signed_in is not None
    assert {each.user for each in manage.sessions(place.store, signed_in.principal, NOW)} == {signed_in.user.id}
    with pytest.raises(Forbidden, match="own account"):
        manage.end_sessions(place.store, signed_in.principal, other, now=NOW)


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_neither_secrets_nor_passwords_lie_in_the_database_or_the_audit_log(place: Place):
    user = place.jane()
    browser = place.browser()
    browser.sign_in(JANE)
    link = manage.reset_password(place.store, place.boss, user, now=NOW)
    secrets = [PASSWORD, link.rpartition(".")[2], browser.cookies["hymio-session"].rpartition(".")[2]]
    with place.store.read() as transaction:
        for table in schema.metadata.sorted_tables:
            content = repr(transaction.rows(f"SELECT * FROM {table.name}"))
            assert not any(secret in content for secret in secrets), table.name
        audit = repr(transaction.rows("SELECT old_value, new_value, subject FROM audit"))
    assert "argon2" not in audit
    verbs = {entry.verb for entry in manage.audit_log(place.store, place.boss, limit=100)}
    assert {"set-password", "begin-session", "reset-password"} <= verbs


def test_the_job_deletes_what_has_ended_and_nothing_else(store: Store):
    boss = operator(make_example(store).organization)
    user = add_person(store, boss.organization, JANE)
    for age in (SESSION_MS, SESSION_IDLE_MS, SESSION_IDLE_MS - 1):
        manage.begin_session(store, boss, user, now=NOW - age)
    manage.invite_user(store, boss, user, now=NOW - LinkKind.INVITATION.lasts_ms)
    assert manage.clear_sessions(store, boss.organization, NOW) == 3
    with store.read() as transaction:
        assert len(transaction.rows("SELECT id FROM user_session")) == 1
        assert transaction.rows("SELECT user_id FROM sign_in_link") == []
    assert manage.clear_sessions(store, boss.organization, NOW) == 0
    assert clear_expired in [job.function for job in JOBS]


def test_principals_of_people_have_their_role_node_and_kinds(store: Store):
    boss = operator(make_example(store).organization)
    for role in (Role.USER, Role.ADMIN, Role.PARTNER):
        email = f"{role.value.lower()}@example.com"
        user = add_person(store, boss.organization, email, HELSINKI, role, locale="sv-FI")
        principal = manage.password_principal(store, email, PASSWORD)
        assert principal is not None
        assert (principal.role, principal.node, principal.id, principal.language) == (role, HELSINKI, user, "sv")
        sees_contacts = role is not Role.USER
        assert principal.may(Permission.READ_CONTACT_DETAILS) is sees_contacts
        assert (DataKind.CONTACT_DETAILS in principal.kinds) is sees_contacts


def test_a_hash_with_other_parameters_is_renewed_at_the_next_sign_in(store: Store, monkeypatch: pytest.MonkeyPatch):
    boss = operator(make_example(store).organization)
    user = add_person(store, boss.organization, JANE)

    def stored() -> str:
        with store.read() as transaction:
            return select_sign_in(transaction, boss.organization, user).password_hash or ""

    before = stored()
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert manage.password_principal(store, JANE, "not the password") is None
    assert stored() == before
    assert manage.password_principal(store, JANE, PASSWORD) is not None
    assert "m=16,t=2,p=1" in stored()
    after = stored()
    assert manage.password_principal(store, JANE, PASSWORD) is not None
    assert stored() == after


def test_as_many_hashes_are_computed_for_an_unknown_address_as_for_a_known_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    calls: list[str | None] = []
    monkeypatch.setattr(principals, "matches", lambda _password, stored: calls.append(stored))
    for name in ("Acme", "Birch"):
        boss = operator(make_example(store, name).organization)
        for email in (JANE, f"{name.lower()}@example.com"):
            add_person(store, boss.organization, email)
    for email in (JANE, "acme@example.com", "nobody@example.com", ""):
        calls.clear()
        assert manage.password_principal(store, email, "not the password") is None
        assert len(calls) == 2, email


# --- many at once ----------------------------------------------------------------------------------------------------


def test_sign_ins_take_no_thread_of_pages_and_are_bounded():
    """Two hashes run, others wait, more are refused; meanwhile another thread is free."""

    async def crowd() -> tuple[list[object], str]:
        threads, gate = PasswordThreads(threads=2, most=5), Event()
        with threads.running():
            calls = [asyncio.ensure_future(threads.run(gate.wait, 60)) for _ in range(5)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable, match="Too many people"):
                await threads.run(str)
            free = await asyncio.to_thread(lambda: "free")
            calls[4].cancel()
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):  # the request has ended, its work has not
                await threads.run(str)
            gate.set()
            answers = await asyncio.gather(*calls, return_exceptions=True)
            await threads.run(str)
            return list(answers), free

    answers, free = asyncio.run(crowd())
    assert answers[:4] == [True] * 4
    assert isinstance(answers[4], asyncio.CancelledError)
    assert free == "free"


@law
@given(st.data())
def test_nobody_opens_a_page_of_a_node_outside_the_subtree(shared_database_url: str, data: st.DataObject):
    """Outside the subtree and unknown are answered alike."""
    from hymio.web.overview import overview
    from tests.verbs import NOWHERE, organizations

    store = opened(shared_database_url)
    grown = data.draw(organizations(store))
    principal = _person_at(store, grown.organization, data.draw(st.sampled_from(list(grown.parents))))
    for node in [*grown.parents, NOWHERE]:
        if grown.reaches(principal, node):
            shown = overview(store, principal, node, None, "en", NOW)
            seen = {shown.node.id, *(each.id for each in (*shown.path, *shown.children))}
            seen |= {line.node.id for line in shown.ranking} | {line.node for line in shown.silent}
            assert all(grown.reaches(principal, each) for each in seen)
        else:
            with pytest.raises(NotFound, match=rf"^there is no node {node}$"):
                overview(store, principal, node, None, "en", NOW)


def _person_at(store: Store, organization: int, node: int) -> Principal:
    from hymio.access import Via

    layout = store.layout(organization)
    assert node in layout.hierarchy.nodes
    return Principal(organization, Role.USER, Via.SESSION, "Jane", 1, node)


# --- guesses ---------------------------------------------------------------------------------------------------------


def test_wrong_passwords_delay_the_next_attempt(place: Place):
    place.jane()
    for _ in range(FREE_ATTEMPTS):
        assert place.browser().sign_in(JANE, "wrong password").status_code == 403
    for email, password in ((JANE, "wrong password"), (JANE, PASSWORD)):
        late = place.browser().sign_in(email, password)
        assert (late.status_code, int(late.headers["retry-after"])) == (429, 1)
        assert "Too many wrong passwords" in late.text
    assert place.browser().sign_in("nobody@example.com", PASSWORD).status_code == 403


@given(st.integers(1, 40))
def test_each_wrong_password_doubles_the_wait_up_to_a_bound(wrong: int):
    now = [0.0]
    backoff = Backoff(lambda: now[0])
    for _ in range(wrong):
        backoff.note_wrong("Jane@example.com", "192.0.2.1")
    expected = 0.0 if wrong < FREE_ATTEMPTS else min(LONGEST_SECONDS, 2.0 ** (wrong - FREE_ATTEMPTS))
    if expected:
        now[0] = expected - 0.5
        with pytest.raises(TooManyRequests) as caught:
            backoff.require_turn("jane@example.com", "198.51.100.1")
        assert caught.value.retry_after == 1
    now[0] = expected
    backoff.require_turn("jane@example.com", "198.51.100.1")


def test_a_stranger_does_not_keep_the_person_out():
    backoff = Backoff(lambda: 0.0)
    backoff.note_right("jane@example.com", "192.0.2.1")
    for _ in range(20):
        backoff.note_wrong("jane@example.com", "198.51.100.1")
    with pytest.raises(TooManyRequests):
        backoff.require_turn("jane@example.com", "198.51.100.1")
    backoff.require_turn("jane@example.com", "192.0.2.1")


def test_one_password_for_many_accounts_is_delayed_by_address_and_not_for_the_person_next_door():
    now = [0.0]
    backoff = Backoff(lambda: now[0])
    backoff.note_right("jane@example.com", "192.0.2.1")
    for number in range(FREE_OF_ADDRESS):
        backoff.require_turn(f"person{number}@example.com", "192.0.2.1")
        backoff.note_wrong(f"person{number}@example.com", "192.0.2.1")
    with pytest.raises(TooManyRequests) as caught:
        backoff.require_turn("another@example.com", "192.0.2.1")
    assert caught.value.retry_after == SECONDS_OF_ADDRESS
    backoff.require_turn("jane@example.com", "192.0.2.1")
    backoff.require_turn("another@example.com", "198.51.100.1")
    now[0] = SECONDS_OF_ADDRESS
    backoff.require_turn("another@example.com", "192.0.2.1")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("eleven char", "password-too-short"),
        ("a" * 257, "password-too-long"),
        ("abcdabcdabcd", "password-too-easy"),
        ("Jane.Doe@Example.com", "password-too-easy"),
        ("twelve chars", None),
        ("\ud800 is no letter", None),
    ],
)
def test_which_passwords_are_accepted(password: str, code: str | None):
    if code is None:
        check_password(password, JANE)
        return
    with pytest.raises(SetupError) as caught:
        check_password(password, JANE)
    assert caught.value.code == code


def test_no_password_is_that_of_nobody():
    assert not matches("nobody's", None)
    assert not matches("", None)
    assert not matches("x", "no hash")
