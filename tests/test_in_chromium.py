"""Pages in a real Chromium, at the widths of a phone and a desk, light and dark: usable by all, without scripts too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler

from hymio import manage
from hymio.access import Role, operator
from hymio.app import DOORS
from hymio.period import DAY_MS
from hymio.serving.door import Services
from hymio.settings import Settings
from hymio.store import Store, open_store
from hymio.web import docs
from tests.example import HELSINKI, NOW, WEB, WEBSITE, make_example
from tests.pages import PASSWORD, add_person
from tests.served import serving

CHROMIUM = Path("/usr/bin/chromium")
JANE = "jane.doe@example.com"
SVEN = "sven@example.com"
"""Whose language tests change."""

SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Chromium is not here: pages are not looked at in a browser"
)


@dataclass(frozen=True)
class Site:
    """A served organization, where an administrator is Jane, and the secrets of a one-time link and a shared report."""

    address: str
    store: Store
    link: str
    shared: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('chromium')}/hymio.db")
    boss = operator(make_example(store).organization)
    jane, sven = (add_person(store, boss.organization, email, role=Role.ADMIN) for email in (JANE, SVEN))
    terms = manage.LinkTerms("March", 1, "period=2024-03&survey=1", NOW + DAY_MS, needs_sign_in=False)
    shared = manage.share_report(store, boss, jane, terms, now=NOW).secret
    manage.share_report(store, boss, sven, terms, now=NOW)
    user = manage.add_user(store, boss, "new@example.com", "N", "N", 1, now=NOW)
    manage.publish_smiley(store, boss, WEB, now=NOW)
    with serving(store) as http:
        yield Site(str(http.base_url).rstrip("/"), store, manage.invite_user(store, boss, user, now=NOW), shared)
    store.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


def sign_in(page: Any, site: Site, email: str = JANE) -> None:
    page.goto(site.address)
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_selector("h1:has-text('Acme')")


# --- what people do --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_without_scripts_a_person_signs_in_looks_around_and_signs_out(chromium: Any, site: Site, size: str):
    context = chromium.new_context(viewport=SIZES[size], java_script_enabled=False, locale="en-US")
    page = context.new_page()
    sign_in(page, site, SVEN)
    page.click(".places a:has-text('Finland')")
    assert page.inner_text("h1") == "Finland"
    page.go_back()
    assert page.inner_text("h1") == "Acme"
    page.click("a[href='/account']")
    page.select_option("#language", "sv")
    page.click("form[action='/account/preferences'] button")
    assert page.inner_text("[role=status]") == "Språk och tema är sparade."
    page.click("form[action='/sign-out'] button")
    assert page.is_visible("#password")
    context.close()


@pytest.mark.parametrize(("size", "has_scripts"), [("phone", False), ("desk", True)])
def test_a_person_filters_exports_and_shares_a_report(chromium: Any, site: Site, size: str, has_scripts: bool):
    context = chromium.new_context(viewport=SIZES[size], java_script_enabled=has_scripts, locale="en-US")
    page = context.new_page()
    sign_in(page, site)
    page.click(".title a.button")
    page.wait_for_selector("#menu-filters")
    page.click("#period-this-year")
    page.wait_for_url("**period=this-year*")
    page.click("#menu-filters")
    page.check("input[name=weekdays][value=mon]")
    page.click("#menu-filters + .panel button")
    page.wait_for_url("**weekdays=mon*")
    page.wait_for_selector("#menu-filters.on")
    page.go_back()
    page.wait_for_selector("#menu-filters:not(.on)")
    page.go_forward()
    page.wait_for_selector("#menu-filters.on")
    page.click("#menu-export")
    with page.expect_download() as download:
        page.click("#menu-export + .panel a:has-text('CSV') >> nth=0")
    assert Path(download.value.path()).read_text(encoding="utf-8-sig")
    page.click("#menu-share")
    page.check("input[name=who][value=anybody]")
    page.click("#menu-share + .panel button")
    address = page.input_value("#address")
    page.click("form[action='/sign-out'] button")
    assert page.is_visible("#password")
    context.clear_cookies()
    page.goto(address)
    assert page.is_visible("main .card")
    assert not page.is_visible("form[action='/sign-out']")
    context.close()


def press_to(page: Any, selector: str) -> None:
    """Presses Tab until an element has the focus, which must be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert width == "3px", f"the focus on {selector} cannot be seen"
            return
    raise AssertionError(f"the keyboard does not get to {selector}")


def test_with_the_keyboard_alone_a_person_signs_in(chromium: Any, site: Site):
    context = chromium.new_context(viewport=SIZES["desk"], locale="en-US")
    page = context.new_page()
    page.goto(site.address)
    press_to(page, ".skip")
    press_to(page, "#email")
    page.keyboard.type(JANE)
    press_to(page, "#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Acme')")
    press_to(page, "a[href='/account']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#language")
    context.close()


REPORT = f"/reports/{WEBSITE}?period=2024"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_report_is_filtered_and_the_browser_goes_back_and_forward(chromium: Any, site: Site, has_scripts: bool):
    context = chromium.new_context(viewport=SIZES["desk"], java_script_enabled=has_scripts, locale="en-US")
    page = context.new_page()
    page.goto(site.address + REPORT)
    page.fill("#email", JANE)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"**{REPORT}")
    assert page.inner_text("#answers") == "4 answers"
    page.click("#menu-filters")
    page.check("input[value=tue]")
    page.fill("#hours", "8-11")
    page.click(".filters .act button")
    page.wait_for_url(f"**{REPORT}&weekdays=tue&hours=8-11")
    page.wait_for_selector("text=No answers in this period.")
    page.go_back()
    page.wait_for_selector("#answers")
    assert page.inner_text("#menu-filters") == "Filters"
    page.go_forward()
    page.wait_for_selector("text=No answers in this period.")
    assert page.inner_text("#menu-filters").startswith("Filters: Tue")
    page.go_back()
    page.wait_for_selector("#answers")
    page.fill("#text", "opening")
    page.click("#find")
    page.wait_for_url("**text=opening*")
    page.wait_for_selector(".say")
    assert page.locator(".say").count() == 1
    context.close()


def test_a_drag_over_the_trend_opens_the_report_of_its_dates(chromium: Any, site: Site):
    context = chromium.new_context(viewport=SIZES["desk"], locale="en-US")
    page = context.new_page()
    page.goto(site.address + REPORT)
    page.fill("#email", JANE)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"**{REPORT}")
    parts = page.locator(".only-wide g[data-first]")
    first, last = (parts.nth(place).bounding_box() for place in (3, 6))
    dates = parts.nth(3).get_attribute("data-first"), parts.nth(6).get_attribute("data-last")
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 40)
    page.mouse.down()
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 60, steps=4)
    assert page.locator("g.picked").count() == 4
    page.mouse.up()
    page.wait_for_url(f"**period={dates[0]}..{dates[1]}")
    page.go_back()
    page.wait_for_url(f"**{REPORT}")
    day = parts.nth(5).get_attribute("data-first")
    parts.nth(5).click()
    page.wait_for_url(f"**period={day}..*")
    context.close()


def test_with_the_keyboard_alone_a_report_is_filtered(chromium: Any, site: Site):
    context = chromium.new_context(viewport=SIZES["desk"], locale="en-US")
    page = context.new_page()
    sign_in(page, site)
    page.goto(site.address + REPORT)
    press_to(page, "#period-today")
    press_to(page, "#menu-filters")
    page.keyboard.press("Enter")
    press_to(page, "#hours")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "menu-filters"
    page.keyboard.press("Enter")
    press_to(page, "#hours")
    page.keyboard.type("13")
    page.keyboard.press("Enter")
    page.wait_for_url("**hours=13")
    page.wait_for_selector("#menu-filters:focus")
    assert "1 answer" in page.inner_text("#status")
    press_to(page, "#heat-answers")
    page.keyboard.press("Enter")
    page.wait_for_selector("#heat-answers:focus[aria-current]")
    context.close()


# --- every page ------------------------------------------------------------------------------------------------------

PAGES: dict[str, Sequence[str]] = {
    "/": ["/", f"/?node={HELSINKI}"],
    "/account": ["/account"],
    "/account/links": ["/account/links"],
    "/smileys": ["/smileys"],
    "/look": ["/look"],
    "/smileys/{smiley:str}": [f"/smileys/{WEB}"],
    "/reports/{node:str}": ["/reports/1?period=2024&compare=year", f"/reports/{HELSINKI}?period=nonsense"],
    "/docs": ["/docs"],
    "/docs/{name:str}": [page.address for page in docs.PAGES[1:]],
}
"""Addresses of each route whose answer is a page for a person who is signed in."""

PAGES_WITHOUT_SESSION: dict[str, Sequence[str]] = {
    "/": ["/"],
    "/password": ["/password?link={link}", "/password?link=other"],
    "/shared/{name:str}": ["/shared/{shared}", "/shared/other"],
    "/{nothing}": ["/nothing"],
}

NO_PAGES = {
    "/sign-in", "/look/sample.css", "/static/{version:str}/{name:str}", "/docs/schema/{name:str}", "/openapi.json",
    "/reports/{node:str}/{table:str}", "/shared/{name:str}/{table:str}", "/smileys/{smiley:str}/{name:str}",
}  # fmt: skip
"""Routes that answer something else: they lead on, or give a file."""


def test_every_route_of_pages_is_looked_at(site: Site):
    """A new page is added to the lists above."""
    services = Services.of(site.store, Settings(), lambda: NOW)
    served = {
        path
        for door in DOORS
        if door.name in ("people", "reports", "documentation")
        for route in door.routes(services)
        if isinstance(route, HTTPRouteHandler) and "GET" in route.http_methods
        for path in route.paths
    }
    assert served == {*PAGES, *PAGES_WITHOUT_SESSION, *NO_PAGES} - {"/{nothing}"}


@cache
def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def look(page: Any, address: str) -> None:
    """Opens a page and looks at it in all sizes and colours: nothing is wrong with it and nothing too wide."""
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(SIZES["phone"])
    page.goto(address)
    look_at_shown(page)
    assert refused == []


def look_at_shown(page: Any) -> None:
    """Looks at a page that is open, on a phone in light and on a desk in dark.

    Of the long documents, which differ by their words alone, only the first is looked at twice.
    """
    page.evaluate(axe())
    for size, scheme in (("phone", "light"), ("desk", "dark"))[: 1 if "/docs/" in page.url else 2]:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme)
        violations = page.evaluate("rules => axe.run(document, rules).then(result => result.violations)", RULES)
        problems = [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in violations]
        assert problems == [], f"{page.url} {size} {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} {size} is too wide"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_is_accessible_and_fits(chromium: Any, site: Site, language: str):
    context = chromium.new_context(viewport=SIZES["phone"], locale=language)
    page = context.new_page()
    for addresses in PAGES_WITHOUT_SESSION.values():
        for address in addresses:
            look(page, site.address + address.format(link=site.link, shared=site.shared))
    page.goto(site.address)
    page.fill("#email", SVEN)
    page.fill("#password", "not the password")
    page.click("button.main")
    look_at_shown(page)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_selector(".shell")
    page.goto(f"{site.address}/account")
    page.select_option("#language", language)
    page.click("form[action='/account/preferences'] button")
    look_at_shown(page)
    for route, addresses in PAGES.items():
        for address in addresses:
            if language != "en" and route == "/docs/{name:str}":  # documents are in English
                continue
            look(page, site.address + address)
            assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr"), address
    context.close()
