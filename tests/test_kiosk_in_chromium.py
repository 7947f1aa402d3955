"""A kiosk in real Chromium: whatever happens to browser, server and clock, the ledger has each press once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from hymio import manage
from hymio.cli import main
from hymio.gateway.kiosk import app_files
from hymio.store import Store, open_store
from tests.kiosk_page import UNBOUND, KioskSite, kiosk_site, make_kiosk
from tests.served import serving
from tests.web_page import Present

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not here")

PIN = "2468"
HOUR_MS = 3_600_000
SHIFT = (
    "const shift = {shift}; const real = Date.now; globalThis.shift = shift; Date.now = () => real() + globalThis.shift"
)
"""A tablet's clock that is wrong by so many ms, and can be set."""

STORE = """async (number) => {
  const { kiosk } = await import("/k/app.js");
  const pressed = [];
  for (let each = 0; each < number; each++) {
    const button = (each * 7) % 4;
    await kiosk.store(button);
    pressed.push(button);
  }
  return pressed;
}"""


def within(page: Any, expression: str) -> Any:
    """The value of an expression of `kiosk`, the page's own object, which is no global."""
    return page.evaluate(f"async () => {{ const {{ kiosk }} = await import('/k/app.js'); return ({expression}) }}")


class Tablet:
    """A browser with a disk of its own, which can be killed; and what was pressed on it."""

    def __init__(self, playwright: Any, folder: Path) -> None:
        self.playwright, self.folder = playwright, folder
        self.pressed: list[tuple[int, int]] = []
        self.problems: list[str] = []

    def open(self, address: str, shift: int = 0) -> Any:
        """Opens the page, with a clock that is wrong by so many ms."""
        self.context = self.playwright.chromium.launch_persistent_context(
            str(self.folder), executable_path=str(CHROMIUM), args=["--no-sandbox"], locale="en-US",
            viewport={"width": 1024, "height": 768},
        )  # fmt: skip
        self.context.add_init_script(SHIFT.format(shift=shift))
        self.page = self.context.pages[0]
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(address)
        return self.page

    def press(self, number: int) -> None:
        """So many presses, each stored before the next."""
        before = int(time.time() * 1000)
        buttons = self.page.evaluate(STORE, number)
        self.pressed += [(before, button) for button in buttons]

    def kill(self) -> None:
        """Ends all processes of the browser at once."""
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"--user-data-dir={self.folder}".encode() in each.read_bytes():
                    os.kill(int(each.parent.name), signal.SIGKILL)
        with suppress(Exception):
            self.context.close()

    def send(self) -> None:
        """Sends until nothing waits."""
        for _ in range(50):
            within(self.page, "kiosk.sender.waitUntil = 0, kiosk.sender.now(true)")
            if within(self.page, "kiosk.queue.depth()") == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"presses wait: {within(self.page, 'kiosk.sender.state')}")


@contextmanager
def at_port(store: Store, port: int) -> Iterator[httpx.Client]:
    """The server at the address that the tablet knows."""
    with serving(store, UNBOUND.__class__(port=port, wrong_credentials=0), Present()) as http:
        yield http


def set_up(page: Any) -> None:
    """Fills in the form that an address with a code shows."""
    page.get_by_label("PIN, 4 to 8 digits").fill(PIN)
    page.get_by_label("PIN once more").fill(PIN)
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("radio", name="Very happy").wait_for()


def is_in_ledger(site: KioskSite, tablet: Tablet) -> None:
    """Press by press: the buttons in their order, at the time at which they were pressed."""
    rows = sorted(site.rows(), key=lambda row: row.sequence)
    assert [row.button for row in rows] == [button for _, button in tablet.pressed]
    assert [row.sequence for row in rows] == [*range(1, len(rows) + 1)]
    assert len({row.epoch for row in rows}) == 1
    wrong = [
        (row.sequence, row.at - at)
        for row, (at, _) in zip(rows, tablet.pressed, strict=True)
        if not -1_500 < row.at - at < 20_000
    ]
    assert wrong == []


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as made:
        yield made


def hymio(*words: str) -> None:
    """Runs a command, which must succeed."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code


def test_a_day_in_which_everything_happens(playwright: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (f"sqlite:///{tmp_path / name}.db" for name in ("first", "second"))
    archive, tablet = str(tmp_path / "backup.zip"), Tablet(playwright, tmp_path / "tablet")
    with closing(open_store(first)) as store:
        site = make_kiosk(store, "Day", Present())
        with at_port(store, 0) as http:
            port, base = http.base_url.port or 0, str(http.base_url).rstrip("/")
            page = tablet.open(f"{base}/k#{site.code()}")
            set_up(page)
            page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
            tablet.press(5)
            tablet.send()
            is_in_ledger(site, tablet)
            hymio("backup", archive, "--database", first)
        # Without a server: a visit with all its steps, and a day's presses.
        page.wait_for_timeout(450)
        tablet.pressed.append((int(time.time() * 1000), 0))
        page.get_by_role("radio", name="Very unhappy").click()
        page.wait_for_timeout(450)
        page.get_by_role("button", name="Prices").click()
        page.wait_for_timeout(450)
        page.get_by_role("textbox").fill("The soup was cold.")
        page.get_by_role("button", name="Send").click()
        page.get_by_role("status").wait_for()
        tablet.press(200)
        tablet.kill()
        # Killed, and started again without a server; then its clock is set two hours ahead, and it is killed again.
        page = tablet.open(f"{base}/k/")
        page.get_by_role("radio", name="Very happy").wait_for()
        tablet.press(50)
        page.evaluate(f"globalThis.shift = {2 * HOUR_MS}")
        tablet.press(50)
        tablet.kill()
        page = tablet.open(f"{base}/k/", shift=2 * HOUR_MS)
        page.get_by_role("radio", name="Very happy").wait_for()
        tablet.press(50)
    with closing(open_store(first)) as store, at_port(store, port) as http:
        site = site.at(http, store)
        tablet.send()
        is_in_ledger(site, tablet)
        assert site.followup_and_text(6) == ("Prices", "The soup was cold.")
        # A new version arrives, and the page takes it when it is idle; the queue is as it was.
        monkeypatch.setattr(app_files, "version", lambda: "0123456789ab")
        app_files.content.cache_clear()
        tablet.press(3)
        with page.expect_navigation():
            within(page, "kiosk.visit.idleSince = -1e6, setInterval(() => kiosk.tick(), 100), kiosk.update()")
        page.get_by_role("radio", name="Very happy").wait_for()
        assert within(page, "kiosk.version") == "0123456789ab"
        tablet.press(3)
        tablet.send()
        is_in_ledger(site, tablet)
    app_files.content.cache_clear()
    # The server is restored from the backup of the morning, and gets everything since then again, once.
    hymio("restore", archive, "--database", second)
    with closing(open_store(second)) as store, at_port(store, port) as http:
        site = site.at(http, store)
        assert len(site.rows()) == 5
        tablet.press(1)
        tablet.send()
        tablet.send()
        is_in_ledger(site, tablet)
        assert site.followup_and_text(6) == ("Prices", "The soup was cold.")
        page.get_by_role("button", name="For staff").click()
        page.get_by_label("PIN").fill(PIN)
        page.get_by_role("button", name="Open").click()
        page.get_by_text(f"All presses of today are in the ledger: {len(tablet.pressed)}.").wait_for()
        hymio("verify", "Day", "--database", second)
    tablet.kill()
    assert tablet.problems == []


# --- one browser, one server -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(fresh_database: Any) -> str:
    """A kiosk does not depend on the engine."""
    return str(fresh_database("sqlite"))


@pytest.fixture(scope="module")
def site(database: str) -> Iterator[KioskSite]:
    with closing(open_store(database)) as store, kiosk_site(store) as made:
        yield made


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
    yield made
    made.close()


def is_error(message: Any) -> bool:
    """Whether a message of the console is an error of the page, and no token that has ended."""
    return message.type == "error" and "favicon" not in message.location["url"] and "401" not in message.text


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab that fails the test for any error or refusal of the page's policy."""
    context = browser.new_context(viewport={"width": 1024, "height": 768}, locale="en-US")
    made, problems = context.new_page(), list[str]()
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("console", lambda message: problems.append(message.text) if is_error(message) else None)
    yield made
    context.close()
    assert problems == []


RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


SCROLLED = ("set-up", "staff")
"""What may be longer than a phone's screen."""


def look(tab: Any, what: str) -> None:
    """Nothing is wrong with what a tab shows, in light and dark, and nothing is too wide for a tablet or a phone."""
    tab.wait_for_timeout(450)
    for width, height, scheme in ((768, 1024, "light"), (360, 740, "dark")):
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme=scheme)
        violations = tab.evaluate(
            f"rules => {{ {AXE}; return axe.run(document, rules).then(r => r.violations) }}", RULES
        )
        assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in violations] == [], what
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), what
        assert what in SCROLLED or tab.evaluate("document.documentElement.scrollHeight <= innerHeight"), what
        small = tab.evaluate(
            "[...document.querySelectorAll('button')].filter((each) => each.offsetParent).map((each) => each"
            ".getBoundingClientRect()).filter((box) => box.width < 44 || box.height < 44).length"
        )
        assert small == 0, what


def test_every_step_is_accessible_and_works_by_keys(site: KioskSite, tab: Any) -> None:
    tab.goto(f"{site.base}/k#{site.code()}")
    tab.get_by_label("One-time code").wait_for()
    for axis in "xy":  # as far as the guard of the screen shifts it
        tab.evaluate(f"document.documentElement.style.setProperty('--{axis}', '6px')")
    look(tab, "set-up")
    set_up(tab)
    look(tab, "question")
    assert tab.get_by_role("radiogroup", name="How was your visit today?").get_by_role("radio").count() == 4
    before = len(site.rows())
    tab.keyboard.press("2")
    tab.get_by_role("button", name="Something else").wait_for()
    look(tab, "follow-up")
    tab.keyboard.press("1")
    tab.get_by_role("textbox").wait_for()
    look(tab, "text")
    tab.get_by_role("button", name="Skip").click()
    tab.get_by_role("status").wait_for()
    look(tab, "thanks")
    within(tab, "kiosk.visit.home()")
    tab.get_by_role("button", name="العربية").click()
    assert tab.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
    look(tab, "Arabic")
    within(tab, "kiosk.shown.hours = Array(7).fill([]), kiosk.visit.home()")
    look(tab, "closed")
    tab.get_by_role("button", name="We are closed.").click()
    tab.get_by_role("radio", name="Happy", exact=True).wait_for()
    tab.get_by_role("button", name="For staff").click()
    tab.get_by_label("PIN").fill("1111")
    tab.get_by_role("button", name="Open").click()
    tab.get_by_text("This PIN is wrong.").wait_for()
    look(tab, "PIN")
    tab.get_by_label("PIN").fill(PIN)
    tab.get_by_role("button", name="Open").click()
    tab.get_by_text("All presses of today are in the ledger: 1.").wait_for()
    look(tab, "staff")
    [row] = site.rows()[before:]
    assert (row.button, site.followup_and_text(row.sequence)) == (1, ("Waiting time", None))


OLD = """async (token) => {
  const db = await new Promise((resolve) => {
    const request = indexedDB.open("hymio-kiosk", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("presses", { keyPath: ["epoch", "sequence"] });
      request.result.createObjectStore("meta");
    };
    request.onsuccess = () => resolve(request.result);
  });
  const transaction = db.transaction(["presses", "meta"], "readwrite");
  transaction.objectStore("meta").put([{ epoch: 7, token, smiley: "1" }], "claims");
  transaction.objectStore("meta").put(2, "counter 7");
  for (const sequence of [1, 2]) {
    const at = Date.now() - 60_000 * sequence;
    transaction.objectStore("presses").put({ epoch: 7, sequence, at, button: 3, survey: SURVEY, waiting: 1 });
  }
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  db.close();
}"""
"""Makes a database of the first version of records."""


def test_records_of_an_older_version_are_sent_too(site: KioskSite, tab: Any) -> None:
    principal = manage.new_token(site.store, site.boss, site.smiley, now=site.clock.now)
    tab.goto(f"{site.base}/k/icon.svg")
    tab.evaluate(OLD.replace("SURVEY", str(site.survey)), principal)
    tab.goto(f"{site.base}/k/")
    tab.get_by_role("radio", name="Very happy").wait_for()
    for _ in range(50):
        if within(tab, "kiosk.queue.depth()") == 0:
            break
        tab.wait_for_timeout(100)
    assert [row.button for row in site.rows() if row.epoch == 7] == [3, 3]


def test_a_press_that_the_server_refuses_blocks_no_other(site: KioskSite, tab: Any) -> None:
    tab.goto(f"{site.base}/k#{site.code()}")
    set_up(tab)
    refused = {"at": 1, "button": 99, "survey": site.survey}
    within(tab, f"kiosk.queue.add(kiosk.claim.epoch, {{ ...{json.dumps(refused)}, run: kiosk.clock.run }})")
    within(tab, "kiosk.store(2)")
    within(tab, "kiosk.sender.now(true)")
    assert within(tab, "kiosk.queue.depth()") == 0
    assert within(tab, "kiosk.queue.countOf('quarantined')") == 1
    assert within(tab, "kiosk.isProven()")


def staff(tab: Any, pin: str = PIN) -> None:
    """Opens the page of the staff, or tries to."""
    if not tab.get_by_label("PIN").count():
        tab.get_by_role("button", name="For staff").click()
    tab.get_by_label("PIN").fill(pin)
    tab.get_by_role("button", name="Open").click()


def test_a_visit_ends_as_it_began(site: KioskSite, tab: Any) -> None:
    """Whatever arrives meanwhile; and a question that is shown already is not drawn anew under a finger."""
    tab.goto(f"{site.base}/k#{site.code()}")
    set_up(tab)
    before = len(site.rows())
    tab.evaluate("globalThis.drawn = document.querySelector('h1')")
    within(tab, "kiosk.tick()")
    assert tab.evaluate("drawn.isConnected")
    tab.wait_for_timeout(450)
    tab.get_by_role("radio", name="Very unhappy").dblclick()
    tab.get_by_role("button", name="Prices").wait_for()
    within(tab, "kiosk.shown = { ...kiosk.shown, survey: 1, followups: {}, text: false }, kiosk.tick()")
    tab.wait_for_timeout(450)
    tab.get_by_role("button", name="Prices").click()
    tab.get_by_role("textbox").wait_for()
    within(tab, "kiosk.sender.now(true)")
    [row] = site.rows()[before:]
    with site.store.begin(site.organization, site.clock.now) as ledger:
        phases = ledger.phases.at(site.smiley, [row.at])[(row.at, site.smiley, row.epoch, row.sequence)]
    assert len(phases.followups) == 1


def test_a_wrong_pin_waits_also_after_the_page_was_loaded_anew(site: KioskSite, tab: Any) -> None:
    from playwright.sync_api import expect

    tab.goto(f"{site.base}/k#{site.code()}")
    set_up(tab)
    for _ in range(5):
        staff(tab, "1111")
        expect(tab.get_by_label("PIN")).to_have_value("")
    tab.reload()
    tab.get_by_role("radio", name="Very happy").wait_for()
    staff(tab)
    tab.get_by_text("Too many wrong PINs. Wait").wait_for()


def test_two_tabs_are_one_kiosk(site: KioskSite, tab: Any) -> None:
    tab.goto(f"{site.base}/k#{site.code()}")
    set_up(tab)
    other = tab.context.new_page()
    other.goto(f"{site.base}/k/")
    other.get_by_text("Hymio is open in another window of this browser.").wait_for()
    assert other.get_by_role("radio").count() == 0
    # Even where a browser has no locks, a sequence is given once.
    add = "Promise.all(Array.from({{ length: 20 }}, () => queue.add(7, {{ at: 1, run: 1, button: 0 }})))"
    other.evaluate(
        f"import('/k/queue.js').then((it) => it.openQueue()).then((queue) => void (globalThis.done = {add.format()}))"
    )
    given = [*within(tab, add.format().replace("queue.", "kiosk.queue.")), *other.evaluate("done")]
    assert sorted(given) == [*range(1, 41)]
    tab.goto("about:blank")
    other.get_by_role("radio", name="Very happy").wait_for()


def test_what_a_tablet_cannot_send_comes_home_as_a_file(
    site: KioskSite, tab: Any, database: str, tmp_path: Path
) -> None:
    tab.goto(f"{site.base}/k#{site.code()}")
    set_up(tab)
    before, file = len(site.rows()), tmp_path / "saved.json"
    manage.new_token(site.store, site.boss, site.smiley, now=site.clock.now)
    within(tab, "kiosk.store(0).then((press) => kiosk.storePhase(press, { position: 2, text: { text: 'Cold.' } }))")
    within(tab, "kiosk.clock.begin('jump').then(() => kiosk.store(3))")
    staff(tab)
    tab.get_by_text("The server refuses this tablet.").wait_for()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save what waits as a file").click()
    download.value.save_as(file)
    # As if the clock of the second press had been an hour ahead; and the file is taken in later.
    saved = json.loads(file.read_text())
    saved["uploads"][1]["upload"]["clock"] += HOUR_MS
    file.write_text(json.dumps(saved))
    for _ in range(2):
        hymio("smiley", "import", "Kiosks", str(file), "--database", database)
    epoch = within(tab, "kiosk.claim.epoch")
    first, second = sorted((row for row in site.rows() if row.epoch == epoch), key=lambda row: row.sequence)
    assert [first.button, second.button, len(site.rows())] == [0, 3, before + 2]
    assert abs(first.at - second.at - HOUR_MS) < 60_000
    assert manage.audit_log(site.store, site.boss)[0].verb == "begin-import"
    # A new code, and the tablet sends everything itself: nothing is doubled.
    tab.get_by_role("button", name="New one-time code").click()
    tab.get_by_label("One-time code").fill(site.code())
    set_up(tab)
    within(tab, "kiosk.sender.now(true)")
    assert (within(tab, "kiosk.queue.depth()"), len(site.rows())) == (0, before + 2)
    within(tab, "kiosk.shown = { ...kiosk.shown, survey: null }")
    staff(tab)
    tab.get_by_text("This smiley asks nothing").wait_for()
