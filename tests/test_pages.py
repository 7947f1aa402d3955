"""Pages: what they load, their languages, what browsers and programs get for an error, the numbers of the overview."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from hymio import manage, results
from hymio.access import Principal, Role, operator
from hymio.period import DAY_MS, DateRange, wall_of
from hymio.results import OfSurvey
from hymio.scale import index
from hymio.store import Store, open_store
from hymio.texts import LANGUAGES, PAGE_LANGUAGES, translate
from hymio.web.browser import browser_name
from hymio.web.overview import overview
from tests.example import HELSINKI, NEW_YORK, NOW, make_example
from tests.pages import Browser, add_person
from tests.served import serving

JANE = "jane.doe@example.com"


@dataclass
class Shown:
    """The pages of an organization, with a browser in which an administrator is signed in."""

    store: Store
    http: httpx.Client
    boss: Principal
    browser: Browser
    link: str

    @property
    def pages(self) -> list[str]:
        return ["/", f"/?node={HELSINKI}", "/account", f"/password?link={self.link}", "/nothing"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """On SQLite alone: what is tested does not depend on the engine."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('pages')}/hymio.db")
    boss = operator(make_example(store).organization)
    add_person(store, boss.organization, JANE, role=Role.ADMIN)
    invited = manage.add_user(store, boss, "new@example.com", "N", "N", 1, now=NOW)
    with serving(store) as http:
        browser = Browser(http)
        browser.sign_in(JANE)
        yield Shown(store, http, boss, browser, manage.invite_user(store, boss, invited, now=NOW))
    store.close()


# --- what a page is made of ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("language", PAGE_LANGUAGES)
def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing(shown: Shown, number: int, language: str):
    browser = shown.browser if number in (0, 1, 2) else Browser(shown.http)
    browser.http.headers["Accept-Language"] = language
    if number in (0, 1, 2):
        browser.send("/account", "/account/preferences", language=language, theme="system")
    answer = browser.get(shown.pages[number])
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "script" not in policy
    for name in ("referrer-policy", "x-content-type-options", "cross-origin-opener-policy", "permissions-policy"):
        assert answer.headers[name]
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    links = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
    assert all(re.match(r"/(?!/)|#|data:image/svg", link) for link in links), links


def test_what_a_page_links_to_is_there(shown: Shown):
    for page in ("/", "/account"):
        for link in set(re.findall(r'href="(/[^"#]*)', shown.browser.get(page).text)):
            assert shown.browser.get(link.replace("&amp;", "&")).status_code == 200, link


def test_browsers_may_keep_the_style_sheet_for_good(shown: Shown):
    [address] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', shown.browser.get("/").text)
    answer = shown.http.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.content) < 22_000
    assert shown.http.get("/static/other/pages.css").status_code == 404


MARKUP = '<script>alert("1")</script>'


def test_names_and_texts_are_escaped_whatever_they_are(store: Store):
    """Names with directional overrides are refused by the set-up already; Arabic ones are not."""
    boss = operator(make_example(store).organization)
    add_person(store, boss.organization, JANE)
    manage.rename_node(store, boss, 1, MARKUP, now=NOW)
    manage.rename_node(store, boss, 2, "\u0645\u062a\u062c\u0631 'a' & <b>", now=NOW)
    manage.rename_node(store, boss, NEW_YORK, "w" * 200, now=NOW)
    with serving(store) as http:
        browser = Browser(http)
        text = browser.sign_in(JANE).text
        assert "&lt;script&gt;alert" in text
        assert "<script" not in text
        assert "&amp; &lt;b&gt;" in text
        wrong = Browser(http).sign_in('"><script>')
        assert "<script" not in wrong.text


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "is_page"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML", True),
        ("text/html, application/json", True),
        ("application/json, text/html", False),
        ("application/problem+json", False),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/nothing", "/docs/nothing", "/?node=99", "/?node=x", "/v1/nothing"])
def test_a_browser_gets_a_page_and_a_program_a_problem(shown: Shown, path: str, accepted: str, is_page: bool):
    answer = shown.browser.http.get(path, headers={"Accept": accepted})
    assert answer.status_code == 404
    kind = "text/html; charset=utf-8" if is_page else "application/problem+json"
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize("language", PAGE_LANGUAGES)
def test_pages_of_errors_are_in_the_language_of_the_browser(shown: Shown, language: str):
    browser = Browser(shown.http, **{"Accept-Language": language})
    answers = [browser.get(path) for path in ("/nothing", "/docs/nothing", "/password?link=1.1.x", "/shared/1.1.x")]
    answers += [browser.http.post("/account/nothing"), browser.http.post("/sign-in"), browser.http.post("/docs")]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 404, 404, 403, 405]
    titles = {403: "Forbidden", 404: "Not found", 405: "Method not allowed"}
    for answer in answers:
        assert answer.headers["content-language"] == language
        assert f"<h1>{translate(titles[answer.status_code], language)}</h1>" in answer.text


def test_a_wrong_method_and_a_challenge_keep_their_headers(shown: Shown):
    browser = Browser(shown.http)
    refused = browser.http.post("/account")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    challenged = browser.get("/v1/folders")
    assert (challenged.status_code, challenged.headers["content-type"]) == (401, "application/problem+json")
    assert challenged.headers["www-authenticate"].startswith("Basic")


def test_a_node_outside_the_subtree_is_answered_as_one_that_is_not_there(shown: Shown):
    add_person(shown.store, shown.boss.organization, "north@example.com", HELSINKI)
    browser = Browser(shown.http)
    browser.sign_in("north@example.com")
    outside, unknown = browser.get(f"/?node={NEW_YORK}"), browser.get("/?node=99")
    assert (outside.status_code, unknown.status_code) == (404, 404)
    assert outside.text.replace(str(NEW_YORK), "N") == unknown.text.replace("99", "N").replace(str(NEW_YORK), "N")


def test_programs_are_answered_in_the_languages_of_whole_catalogs(shown: Shown):
    for language in PAGE_LANGUAGES:
        answer = shown.http.get("/nothing", headers={"Accept-Language": language})
        assert answer.headers["content-language"] == (language if language in LANGUAGES else "en")


# --- the overview ----------------------------------------------------------------------------------------------------


def test_the_overview_has_the_numbers_of_the_hourly_results(store: Store):
    boss = operator(make_example(store).organization)
    layout = store.layout(boss.organization)
    answers, week = 0, timedelta(days=7)
    for node in layout.hierarchy.nodes:
        for at in (NOW, NOW + 2 * DAY_MS, NOW + 9 * DAY_MS):
            shown = overview(store, boss, node, None, "en", at)
            zone = layout.zone_of(node, at)
            today = wall_of(at, zone).date()
            for row in shown.surveys:
                subject = OfSurvey(node, row.id)
                for figure, start, end in (
                    (row.today, today, today + timedelta(days=1)),
                    (row.last, today - week, today),
                    (row.before, today - 2 * week, today - week),
                ):
                    counts = _counts(store, boss, subject, zone, start, end, row.scale.buttons)
                    assert figure.counts == counts, (node, row.question, start)
                    assert figure.index == index(counts, row.index_type)
                    answers += sum(counts)
            if shown.chosen is not None:
                assert sum(day.figure.number or 0 for day in shown.days) == shown.chosen.last.number
    assert answers > 0


def _counts(
    store: Store, boss: Principal, subject: OfSurvey, zone: ZoneInfo, start: date, end: date, buttons: int
) -> tuple[int, ...]:
    within = DateRange(start, end).instants(zone)
    buckets = results.hourly(store, boss, subject, within).buckets
    return tuple(sum(bucket.counted[button] for bucket in buckets) for button in range(buttons))


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari, iPhone"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_a_session_is_named_by_browser_and_system(user_agent: str, name: str):
    assert browser_name(user_agent) == name
