"""The script of a published smiley in real Chromium, on a page of another origin with hostile styles and a policy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hymio import manage
from hymio.feedback import Ui, Verdict
from hymio.handouts.addresses import published_tag, tag
from hymio.store import open_store
from tests.example import FOUND, NEW_YORK, WEB
from tests.test_web_page import presses
from tests.web_page import Present, WebPage, another, ask_for_recommendation, web_page

CHROMIUM = Path("/usr/bin/chromium")
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not here")

OPEN_SHADOWS = """const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function () { return attach.call(this, { mode: "open" }) }"""
"""Opens closed shadow roots for the test's own eyes."""

HOSTILE = """body * { all: unset !important; display: none !important; color: red !important }
h1 { font-size: 40px !important }
button, input, div { visibility: hidden !important; pointer-events: none !important; transform: rotate(9deg) }
div::before { content: "x" !important; display: block !important; position: fixed !important; inset: 0 !important }"""


class Site:
    """A web site of another origin, whose page has a body, policy and style sheet."""

    def __init__(self, host: str) -> None:
        self.body, self.host, self.style = "", host, HOSTILE
        self.trusted = "; require-trusted-types-for 'script'; trusted-types 'none'"
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_style = self.path == "/style.css"
                content = (site.style if is_style else site.page()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/css" if is_style else "text/html; charset=utf-8")
                self.send_header(
                    "Content-Security-Policy",
                    f"default-src 'none'; style-src 'self'; script-src 'self' {host}; connect-src {host}{site.trusted}",
                )
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Logs nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/"

    def page(self) -> str:
        return f'<!doctype html><title>Shop</title><link rel="stylesheet" href="/style.css"><h1>Shop</h1>{self.body}'


@pytest.fixture(scope="module")
def page(fresh_database: Any) -> Iterator[WebPage]:
    """A script does not depend on the engine."""
    with closing(open_store(fresh_database("sqlite"))) as store, web_page(store, "Scripts", clock=Present()) as made:
        made.edit(answer_interval=0)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def site(page: WebPage) -> Iterator[Site]:
    made = Site(str(page.http.base_url).rstrip("/"))
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab that fails the test for any error or refusal of the page's policy."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    context.add_init_script(OPEN_SHADOWS)
    made, problems = context.new_page(), list[str]()
    made.set_default_timeout(8_000)
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    made.problems = problems
    yield made
    context.close()
    assert [problem for problem in problems if "favicon" not in problem] == []


def own_tag(page: WebPage, data: str = "") -> str:
    made = tag(str(page.http.base_url).rstrip("/"), page.publication, "Did you find it?")
    return made.replace("<div ", f"<div {data} ")


def newest(page: WebPage, number: int) -> Any:
    """The newest press once there are so many, with what came after it."""
    for _ in range(100):
        rows = [row for row in presses(page) if row.at > page.clock.now - 600_000]
        if len(rows) >= number:
            break
        time.sleep(0.05)
    assert len(rows) == number
    return rows[-1]


def after(page: WebPage, number: int, is_there: Any) -> Any:
    """The phases of the newest press, once something is there."""
    for _ in range(100):
        row = newest(page, number)
        with page.store.begin(page.organization, page.clock.now) as ledger:
            phases = ledger.phases.at(WEB, [row.at]).get((row.at, WEB, row.epoch, row.sequence))
        if phases is not None and is_there(phases):
            return phases
        time.sleep(0.05)
    raise AssertionError(f"nothing more came after the button: {phases}")


@pytest.fixture
def before(page: WebPage) -> int:
    return len([row for row in presses(page) if row.at > page.clock.now - 600_000])


@needs_chromium
def test_every_step_on_a_hostile_page_with_a_strict_policy(page: WebPage, site: Site, tab: Any, before: int) -> None:
    site.body = own_tag(page, 'data-ref-id="A-7"')
    tab.goto(site.address)
    tab.get_by_role("radio", name="Unhappy", exact=True).click(delay=300)
    row = newest(page, before + 1)
    assert (row.button, row.verdict, row.ui) == (1, Verdict.COUNTED, Ui.DIGITAL), "the first tap counts at once"
    tab.get_by_role("button", name="The price").click()
    tab.get_by_role("textbox").fill("Too dear.")
    tab.get_by_role("button", name="Send").click()
    tab.get_by_label("Name").fill("  ")
    tab.get_by_label("E-mail address").fill("aino@example.com")
    tab.get_by_role("button", name="Send").click()
    tab.get_by_label("Name").fill("Aino")  # which is still there, as nobody is called by blanks
    assert tab.get_by_text("We only use this to answer you.").is_visible()
    tab.get_by_role("button", name="Send").click()
    tab.get_by_text("Thank you!").wait_for()
    phases = after(page, before + 1, lambda each: each.contact is not None)
    assert (phases.followups[0].option, phases.text.text) == (page.followup.options[1].id, "Too dear.")
    assert phases.metadata == (("refId", "A-7"),)
    assert tab.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"
    assert tab.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "40px", "nothing leaks out"


@needs_chromium
def test_the_published_tag_pops_up_or_is_embedded(page: WebPage, site: Site, tab: Any, before: int) -> None:
    base, site.style = str(page.http.base_url).rstrip("/"), "h1 { color: teal }"
    site.body = published_tag(base, page.publication, "en-US")
    tab.goto(site.address)
    tab.get_by_role("radio", name="Happy", exact=True).click(delay=300)
    assert newest(page, before + 1).button == 3
    token = page.publication.token
    site.body = published_tag(base, page.publication, "en-US").replace("init=true", "init=false") + "<p id='here'></p>"
    tab.goto(site.address)
    assert tab.get_by_role("radiogroup").count() == 0
    init = f"window.HappyOrNot.init({{ token: '{token}', embedTo: here, metadata: {{ refId: 42 }} }})"
    tab.evaluate(f"const here = document.getElementById('here'); {init}")
    tab.get_by_role("radio", name="Neutral").click(delay=300)
    assert newest(page, before + 2).button == 2
    assert after(page, before + 2, lambda each: each.metadata).metadata == (("refId", "42"),), "as text"
    globals_before = {"0", "document", "location", "top", "window"}
    added = tab.evaluate(
        "(() => { const f = document.createElement('iframe'); document.body.append(f); const clean ="
        " new Set(Object.getOwnPropertyNames(f.contentWindow)); f.remove(); return Object.getOwnPropertyNames(window)"
        ".filter((name) => !clean.has(name)) })()"
    )
    assert [name for name in added if not name.startswith("__") and name not in globals_before] == ["HappyOrNot"]


@needs_chromium
@pytest.mark.parametrize("skipped", [0, 1, 2, 3])
def test_closing_midway_keeps_the_press_and_says_how_it_was_left(
    page: WebPage, site: Site, tab: Any, before: int, skipped: int
) -> None:
    """At the follow-up question, the text, the contact details, and after all of them."""
    site.body = own_tag(page)
    tab.goto(site.address)
    tab.get_by_role("radio", name="Very unhappy").click(delay=300)
    for _ in range(skipped):
        tab.get_by_role("button", name="Skip").click()
    tab.goto("about:blank")
    assert newest(page, before + 1).verdict == Verdict.COUNTED
    phases = after(page, before + 1, lambda each: each.followups and (each.text or skipped == 0))
    assert (phases.followups[0].option, phases.followups[0].ui) == (None, Ui.SKIP if skipped else Ui.EXIT)
    assert skipped == 0 or phases.text.ui == (Ui.EXIT if skipped == 1 else Ui.SKIP)
    assert phases.contact is None


@needs_chromium
def test_a_text_that_is_too_long_is_refused_and_not_cut(page: WebPage, site: Site, tab: Any, before: int) -> None:
    site.body = own_tag(page)
    tab.goto(site.address)
    tab.get_by_role("radio", name="Neutral").click(delay=300)
    text = tab.get_by_role("textbox")
    text.fill("å" * 2_001)
    tab.get_by_role("button", name="Send").click()
    assert text.input_value() == "å" * 2_001
    assert text.evaluate("field => field.validationMessage") == "The text has 2001 characters; it may have 2000."
    text.fill("å" * 2_000)
    tab.get_by_role("button", name="Send").click()
    assert after(page, before + 1, lambda each: each.text is not None).text.text == "å" * 2_000


@needs_chromium
def test_a_press_that_could_not_be_sent_is_sent_again_and_counts_once(
    page: WebPage, site: Site, tab: Any, before: int
) -> None:
    site.body = own_tag(page)
    tab.clock.install()
    tab.goto(site.address)
    failures, sent = iter(["abort", "busy"]), []

    def unreliable(route: Any) -> None:
        sent.append(route)
        match next(failures, None):
            case "abort":
                route.abort()
            case "busy":
                headers = {
                    "Retry-After": "7",
                    "Access-Control-Allow-Origin": "*",
                    "Access-Control-Expose-Headers": "Retry-After",
                }
                route.fulfill(status=429, headers=headers)
            case _:
                route.continue_()

    tab.route("**/w/press", unreliable)
    tab.get_by_role("radio", name="Happy", exact=True).click(delay=300)
    for times, seconds in ((1, 4), (2, 4), (2, 9)):  # the server asks for 7 s, so 4 are not enough
        for _ in range(100):
            tab.wait_for_timeout(100)  # while it waits, the routes above are called
            if len(sent) >= times:
                break
        tab.wait_for_timeout(100)
        assert len(sent) == times
        tab.clock.fast_forward(seconds * 1_000)
    newest(page, before + 1)  # which is not the last one, as its browser's clock was set forward meanwhile
    tab.problems.clear()  # the browser reports both failures


@needs_chromium
def test_a_press_that_was_never_sent_goes_out_when_the_page_is_put_away(
    page: WebPage, site: Site, tab: Any, before: int
) -> None:
    site.body = own_tag(page)
    tab.goto(site.address)
    tab.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')) }")
    tab.get_by_role("radio", name="Neutral").click(delay=300)
    tab.get_by_role("button", name="Skip").click()
    tab.goto("about:blank")
    phases = after(page, before + 1, lambda each: each.text is not None)
    assert (newest(page, before + 1).button, phases.text.ui) == (2, Ui.SKIP)


OUTLINE = """() => {
  const within = document.activeElement.shadowRoot;
  return getComputedStyle(within ? within.activeElement : document.activeElement).outlineWidth;
}"""
"""How wide the ring is around what has the focus."""


def focused(tab: Any, name: str) -> str:
    """A property of the element of the script that has the focus."""
    return str(tab.evaluate(f"document.activeElement.shadowRoot.activeElement.{name}"))


@needs_chromium
def test_by_keyboard_alone(page: WebPage, site: Site, tab: Any, before: int) -> None:
    """Also on a page with shortcuts: it reads nothing that is typed, and shortcuts of the browser are no presses."""
    site.body = own_tag(page)
    tab.goto(site.address)
    tab.evaluate(
        "() => { window.keys = ''; document.onkeydown = document.onkeyup = (event) => { keys += event.key;"
        " if ('Als'.includes(event.key)) event.preventDefault() } }"
    )
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowRight")
    assert focused(tab, "textContent") == "Unhappy"
    assert tab.evaluate(OUTLINE) == "3px", "the focus is seen"
    tab.wait_for_timeout(300)
    for shortcut in ("Control+1", "Alt+2", "5"):
        tab.keyboard.press(shortcut)
    assert newest(page, before + 1).button == 4
    assert focused(tab, "outerHTML").startswith("<h2"), "a screen reader reads the next question"
    tab.keyboard.press("Tab")
    tab.evaluate("window.keys = ''")
    tab.keyboard.type("All by keys.")
    assert tab.evaluate("window.keys") == ""
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert after(page, before + 1, lambda each: each.text is not None).text.text == "All by keys."


@needs_chromium
def test_without_scripts_or_with_a_wrong_code_there_is_a_link(page: WebPage, site: Site, browser: Any) -> None:
    site.body = own_tag(page)
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(site.address)
    assert tab.get_attribute("a", "href") == f"{str(page.http.base_url).rstrip('/')}/w/{page.publication.code}"
    context.close()
    context = browser.new_context()
    tab = context.new_page()
    site.body = own_tag(page).replace(f"{page.publication.code}/w.js", "NOSUCHCODE/w.js")
    tab.goto(site.address)
    assert tab.evaluate("window.HappyOrNot") is None
    site.body = own_tag(page)
    tab.goto(site.address)
    assert tab.evaluate("document.querySelector('[data-hymio]').shadowRoot") is None, "the shadow root is closed"
    context.close()


# --- for everybody ---------------------------------------------------------------------------------------------------

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def look(tab: Any, what: str) -> None:
    """Nothing is wrong with what a tab shows, and nothing is too wide."""
    tab.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    violations = tab.evaluate("rules => axe.run(document, rules).then(result => result.violations)", RULES)
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in violations] == [], what
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), what


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_at_every_step_and_in_arabic(page: WebPage, browser: Any, scheme: str) -> None:
    question = page.store.layout(page.organization).surveys[FOUND].question
    manage.localize_question(page.store, page.boss, question, "ar", "هل وجدت ما تبحث عنه؟", now=page.clock.now)
    motion = {"light": "no-preference", "dark": "reduce"}[scheme]
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, color_scheme=scheme, bypass_csp=True, reduced_motion=motion
    )
    tab = context.new_page()
    base = f"{str(page.http.base_url).rstrip('/')}/w/{page.publication.code}"
    for step in ("", "followup", "text", "contact", "thanks", "closed"):
        query = f"?b=1&step={step}&id=0b7e1c7e-9f0b-4f0e-8f43-4be1d3f8e6a1" if step else "?lang=ar"
        tab.goto(base + query)
        look(tab, f"{step} {scheme}")
        if not step:
            assert tab.evaluate("document.documentElement.dir") == "rtl"
            tab.keyboard.press("Tab")
            tab.keyboard.press("ArrowLeft")
            assert tab.evaluate("document.activeElement.value") == "1", "the next one is on the left"
            assert tab.evaluate(OUTLINE) == "3px"
            moves = tab.evaluate("getComputedStyle(document.querySelector('.face')).transitionDuration")
            assert moves == {"no-preference": "0.12s", "reduce": "0s"}[motion]
    context.close()


SMALL = """() => {
  const roots = [document, ...[...document.querySelectorAll("[data-hymio]")].map((host) => host.shadowRoot)];
  return roots.flatMap((root) => [...root.querySelectorAll("button, input:not([type=hidden], .bin *), textarea")])
    .filter((each) => each.offsetWidth < 44 || each.offsetHeight < 44).map((each) => each.outerHTML);
}"""
"""What is smaller than a thumb."""


@needs_chromium
@pytest.mark.parametrize(("scheme", "lang"), [("light", "en"), ("dark", "en"), ("dark", "ar")])
def test_the_script_is_accessible_and_two_of_them_share_a_page(
    page: WebPage, site: Site, browser: Any, scheme: str, lang: str
) -> None:
    question = page.store.layout(page.organization).surveys[FOUND].question
    manage.localize_question(page.store, page.boss, question, "ar", "هل وجدت ما تبحث عنه؟", now=page.clock.now)
    context = browser.new_context(viewport={"width": 320, "height": 844}, bypass_csp=True, locale=lang)
    context.add_init_script(OPEN_SHADOWS)
    context.set_default_timeout(8_000)
    tab = context.new_page()
    site.page = lambda: (  # type: ignore[method-assign]  # a page in order, as axe looks at all of it
        f'<!doctype html><html lang="en"><meta name="color-scheme" content="{scheme}"><title>Shop</title>'
        f"<main><h1>Shop</h1>{site.body}</main></html>"
    )
    site.body = own_tag(page) + own_tag(page)
    tab.goto(site.address)
    radios = tab.get_by_role("radiogroup")
    radios.nth(1).wait_for()
    for step in ("faces", "follow-up", "text", "contact"):
        look(tab, f"{step} {scheme} {lang}")
        assert tab.evaluate(SMALL) == [], step
        if step == "faces":
            assert radios.first.get_by_role("radio").count() == 5
            first, second = (radios.first.get_by_role("radio").nth(place) for place in (0, 1))
            is_left = second.bounding_box()["x"] < first.bounding_box()["x"]
            assert is_left is (lang == "ar")
            first.focus()
            tab.keyboard.press("ArrowLeft" if is_left else "ArrowRight")
            assert focused(tab, "textContent") == second.text_content()
            radios.first.get_by_role("radio").nth(1).click(delay=300)
            assert radios.count() == 1, "the other one still asks"
        elif step != "contact":
            tab.locator(".k").click()
    ground = tab.locator(".w").first.evaluate("box => getComputedStyle(box).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(26, 32, 30)"}[scheme], "as the page around it"
    context.close()


@needs_chromium
def test_numbers_by_their_keys_and_a_survey_that_has_ended(page: WebPage, site: Site, tab: Any) -> None:
    base = str(page.http.base_url).rstrip("/")
    numbers, ended = another(page, ask_for_recommendation(page)), another(page, NEW_YORK)
    site.body = tag(base, numbers, "?") + tag(base, ended, "?")
    tab.goto(site.address)
    tab.get_by_text("This question is not asked any more.").wait_for()
    assert tab.get_by_role("radio").count() == 11
    assert tab.get_by_text("Not at all likely").is_visible()
    tab.get_by_role("radio", name="0", exact=True).focus()
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate("document.querySelector('[data-hymio]').shadowRoot.activeElement.textContent") == "10"
    tab.keyboard.press("7")
    tab.get_by_text("Thank you!").wait_for()


@needs_chromium
def test_the_page_has_keys_and_says_how_a_question_was_left(page: WebPage, tab: Any, before: int) -> None:
    tab.goto(f"{str(page.http.base_url).rstrip('/')}/w/{page.publication.code}")
    assert tab.get_by_role("radiogroup", name="Did you find what you were looking for?").count() == 1
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.innerText").strip() == "Unhappy"
    tab.wait_for_timeout(900)
    tab.keyboard.press("2")
    tab.get_by_text("What was missing?").wait_for()
    row = newest(page, before + 1)
    assert (row.button, row.verdict) == (1, Verdict.COUNTED)
    tab.goto("about:blank")
    assert after(page, before + 1, lambda each: each.followups).followups[0].ui == Ui.EXIT


@needs_chromium
def test_in_a_frame_of_another_site_and_without_storage(page: WebPage, site: Site, browser: Any, before: int) -> None:
    context = browser.new_context(locale="en-US")
    context.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage', 'indexedDB'])"
        " Object.defineProperty(window, name, { get() { throw new DOMException('blocked', 'SecurityError') } })"
    )
    tab = context.new_page()
    address = f"{str(page.http.base_url).rstrip('/')}/w/{page.publication.code}"
    tab.set_content(f'<iframe src="{address}" width="600" height="600" sandbox="allow-forms allow-same-origin">')
    frame = tab.frame_locator("iframe")
    frame.get_by_role("button", name="Happy", exact=True).wait_for()
    tab.wait_for_timeout(900)
    frame.get_by_role("button", name="Happy", exact=True).click()
    frame.get_by_text("Would you like to tell us more?").wait_for()
    assert newest(page, before + 1).verdict == Verdict.COUNTED
    context.close()


@needs_chromium
def test_a_timeout_is_recorded_and_takes_nothing_away(page: WebPage, site: Site, tab: Any, before: int) -> None:
    """Somebody who writes for longer than a minute keeps what is written, and the answer takes the timeout's place."""
    site.body = own_tag(page)
    tab.clock.install()
    tab.goto(site.address)
    tab.get_by_role("radio", name="Very happy").click(delay=300)
    newest(page, before + 1)
    tab.get_by_role("textbox").fill("A long")
    tab.clock.fast_forward(61_000)
    assert after(page, before + 1, lambda each: each.text is not None).text.ui == Ui.TIMEOUT
    tab.get_by_role("textbox").press_sequentially(" story.")
    tab.get_by_role("button", name="Send").click()
    assert after(page, before + 1, lambda each: each.text.text).text.text == "A long story."


@needs_chromium
def test_a_page_that_changes_without_a_reload_shows_each_smiley_once(page: WebPage, site: Site, tab: Any) -> None:
    site.body, site.style, site.trusted, code = own_tag(page), "", "", page.publication.code
    tab.goto(site.address)
    radios = tab.get_by_role("radiogroup")
    radios.wait_for()
    tab.evaluate("document.querySelector('[data-hymio]').remove()")
    assert radios.count() == 0
    tab.evaluate(
        "(code) => { const main = document.createElement('main'), host = document.createElement('div');"
        " host.dataset.hymio = code; main.append(host); document.body.append(main) }",
        code,
    )
    radios.wait_for()
    tab.evaluate(
        "(code) => { const again = document.createElement('script'); again.src = document.scripts[0].src; const at ="
        " document.querySelector('main'); at.append(again); for (const token of [code, code, 'UNKNOWN'])"
        " HappyOrNot.init({ token, embedTo: at }); return new Promise((done) => again.onload = done) }",
        code,
    )
    assert radios.count() == 1, "main has one already"
    tab.evaluate(
        "(token) => { const at = document.createElement('p'); document.body.append(at);"
        " for (let times = 0; times < 2; times++) HappyOrNot.init({ token, embedTo: at }) }",
        code,
    )
    assert radios.count() == 2
