"""Pages in a real Chromium, at the widths of a phone and a desk, light and dark: usable by all, without scripts too."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hymio import manage
from hymio.access import Role, operator
from hymio.store import open_store
from tests.example import NOW, make_example
from tests.pages import PASSWORD, add_person
from tests.served import serving

CHROMIUM = Path("/usr/bin/chromium")
JANE = "jane.doe@example.com"
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Chromium is not here: pages are not looked at in a browser"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('chromium')}/hymio.db")
    boss = operator(make_example(store).organization)
    add_person(store, boss.organization, JANE, role=Role.ADMIN)
    with serving(store) as http:
        yield str(http.base_url)
    store.close()


@pytest.fixture(scope="module")
def link(address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    [file] = tmp_path_factory.getbasetemp().glob("chromium*/hymio.db")
    store = open_store(f"sqlite:///{file}")
    [organization] = manage.organizations(store)
    boss = operator(organization.id)
    user = manage.add_user(store, boss, "new@example.com", "N", "N", 1, now=NOW)
    secret = manage.invite_user(store, boss, user, now=NOW)
    store.close()
    return f"{address}/password?link={secret}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


def sign_in(page: Any, address: str) -> None:
    page.goto(address)
    page.fill("#email", JANE)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_selector("h1:text-is('Acme')")


@pytest.mark.parametrize("size", SIZES)
def test_without_scripts_a_person_signs_in_looks_around_and_signs_out(chromium: Any, address: str, size: str):
    context = chromium.new_context(viewport=SIZES[size], java_script_enabled=False, locale="en-US")
    page = context.new_page()
    sign_in(page, address)
    page.click(".places a:text-is('Finland')")
    assert page.inner_text("h1") == "Finland"
    page.go_back()
    assert page.inner_text("h1") == "Acme"
    page.click("text=Jane Doe")
    page.select_option("#language", "sv")
    page.click("form[action='/account/preferences'] button")
    assert page.inner_text("[role=status]") == "Språk och tema är sparade."
    page.click("text=Logga ut")
    assert page.is_visible("#password")
    context.close()


def test_with_the_keyboard_alone_a_person_signs_in(chromium: Any, address: str):
    context = chromium.new_context(viewport=SIZES["desk"], locale="en-US")
    page = context.new_page()
    page.goto(address)

    def press_to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
                assert width == "3px", f"the focus on {selector} cannot be seen"
                return
        raise AssertionError(f"the keyboard does not get to {selector}")

    press_to(".skip")
    press_to("#email")
    page.keyboard.type(JANE)
    press_to("#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text-is('Acme')")
    press_to("a[href='/account']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#language")
    context.close()


def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "language"), [("phone", "en"), ("desk", "en"), ("phone", "ar")])
def test_every_page_is_accessible_and_fits(
    chromium: Any, address: str, link: str, size: str, language: str, scheme: str
):
    context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme, locale=language)
    context.add_init_script(axe())
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)

    def look() -> None:
        found = page.evaluate("rules => axe.run(document, rules)", RULES)
        problems = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]
        assert problems == [], page.url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} is too wide"

    page.goto(address)
    look()
    page.goto(link)
    look()
    page.goto(f"{address}/nothing")
    look()
    page.goto(f"{address}/docs/settings")  # of the documentation only that nothing of it is refused
    page.goto(address)
    page.fill("#email", JANE)
    page.fill("#password", "not the password")
    page.click("button.main")
    look()
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_selector(".shell")
    page.goto(f"{address}/account")
    page.select_option("#language", language)
    page.click("form[action='/account/preferences'] button")
    look()
    page.goto(address)
    look()
    assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
    assert refused == []
    context.close()
