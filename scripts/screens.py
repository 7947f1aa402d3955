"""`make screens`: pictures of every page, of phone and desk, light and dark, and of a PDF's pages, in `docs/screens/`.

It serves the demo's organization at an instant within its history, and looks at it with Debian's Chromium.
"""

from __future__ import annotations

import base64
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.sync_api import sync_playwright

from hymio import demo, manage, report
from hymio.access import operator
from hymio.app import DOORS, make_server, open_database
from hymio.demo import shop
from hymio.demo.example import SHOP, WEB
from hymio.handouts.mail import mail_page
from hymio.handouts.offer import offer
from hymio.handouts.poster import Paper
from hymio.handouts.poster import document as poster_document
from hymio.period import DAY_MS, Instant, parse_timestamp
from hymio.report.paper import document
from hymio.settings import Settings
from hymio.store import Store
from hymio.texts.localization import Localization
from hymio.typesetting.process import pictures

FOLDER: Final = Path(__file__).parents[1] / "docs" / "screens"
CHROMIUM: Final = "/usr/bin/chromium"
NOW: Final[Instant] = parse_timestamp("2025-12-17T13:20:00Z")
SIZES: Final = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES: Final = ("light", "dark")
PAPER_PPI: Final = 72
_PRESSES: Final = 120_000
_MOST_PIXELS: Final = 2_600
"""Height of a picture: longer pages are cut there, so that the folder stays small."""


PERIOD: Final = "period=2025-06-01..2025-11-30"


class Served(NamedTuple):
    """A server with the demo: its address, who signs in, the secrets of a one-time link and of a shared report, and the
    code of the web smiley."""

    address: str
    made: demo.Demo
    store: Store
    link: str
    shared: str
    code: str


class Screen(NamedTuple):
    """A page to take a picture of; `link`, `shared` and `code` in its address stand for what Served says."""

    name: str
    title: str
    address: str
    language: str = "en"


BEFORE_SIGN_IN: Final = (
    Screen("sign-in", "Signing in", "/"),
    Screen("password", "Choosing a password by a one-time link", "/password?link={link}"),
    Screen("shared", "A shared report, without sign-in", "/shared/{shared}"),
    Screen("not-found", "What is not there", "/nothing"),
    Screen("smiley-page", "The page of a web smiley", "/w/{code}"),
    Screen("smiley-page-marked", "The page that a button of an e-mail opens", "/w/{code}?u=email&b=3&m=1"),
    Screen("smiley-page-arabic", "The page of a web smiley in Arabic", "/w/{code}?lang=ar", "ar"),
    Screen("shop", "The script of a web smiley on the page of a shop", "/shop"),
)
SIGNED_IN: Final = (
    Screen("overview", "The overview", "/"),
    Screen("report", "The report of a group, compared with the period before", f"/reports/2?{PERIOD}&compare=previous"),
    Screen("web", "The report of a web page, with what people wrote", f"/reports/{SHOP}?period=last-28-days"),
    Screen("account", "One's own account", "/account"),
    Screen("links", "The links that one shares", "/account/links"),
    Screen("smileys", "The web smileys", "/smileys"),
    Screen("smiley", "A web smiley: as visitors see it, and what shows it elsewhere", f"/smileys/{WEB.smiley}"),
    Screen("overview-arabic", "The overview in Arabic", "/", "ar"),
    Screen("report-arabic", "The report in Arabic", f"/reports/2?{PERIOD}", "ar"),
)


HANDOUTS: Final = (
    ("mail-en.webp", "The buttons of an e-mail", 560),
    ("mail-ar.webp", "The buttons of an e-mail in Arabic", 560),
    ("poster-a4.png", "A poster in two languages", 300),
    ("poster-arabic.png", "A poster in Arabic and English", 300),
    ("poster-tent.png", "A tent for tables, to be folded", 300),
)
"""Pictures of handouts, with words that stand for them, and how wide they are shown."""

KIOSK: Final = (
    ("kiosk-question-desk-light.webp", "The question of a kiosk", 560),
    ("kiosk-question-portrait-light.webp", "The question on an upright tablet", 300),
    ("kiosk-question-portrait-arabic.webp", "The question in Arabic", 300),
    ("kiosk-followup-desk-light.webp", "The follow-up question of a kiosk", 560),
    ("kiosk-closed-desk-dark.webp", "A kiosk outside the opening hours", 560),
    ("kiosk-staff-desk-light.webp", "The page of the staff with the proof", 560),
)
"""Pictures of the kiosk, taken by hand from its page with the survey of tests/kiosk_page.py."""


def main() -> None:
    """Takes the pictures, and writes the page that shows them."""
    FOLDER.mkdir(exist_ok=True)
    for picture in (*FOLDER.glob("*.png"), *FOLDER.glob("*.webp")):
        if picture.name not in {name for name, _, _ in KIOSK}:
            picture.unlink()
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(Path(folder)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page, address = browser.new_context(locale="en-US").new_page(), served.address
        secrets = {"link": served.link, "shared": served.shared, "code": served.code}
        for screen in BEFORE_SIGN_IN:
            _take(page, screen, address + screen.address.format(**secrets))
        _sign_in(page, address, served.made.credentials.email, served.made.credentials.password)
        language = ""
        for screen in SIGNED_IN:
            if screen.language != language:
                language = screen.language
                _speak(page, address, language)
            _take(page, screen, address + screen.address)
        _take_mail(browser.new_page(), served)
        browser.close()
        _take_paper(served)
        _take_posters(served)
    (FOLDER / "README.md").write_text(_index(), encoding="utf-8")


@contextmanager
def _served(folder: Path) -> Iterator[Served]:
    """The demo on a free port."""
    settings = Settings(data=folder, port=0, wrong_credentials=0, log_level="error")
    store = open_database(settings)
    made = demo.build(store, NOW, presses=_PRESSES)
    boss = operator(made.organization)
    [user] = [user.id for user in manage.users(store, boss) if user.email.startswith("bina.")]
    link = manage.invite_user(store, boss, user, now=NOW)
    terms = manage.LinkTerms("Summer and autumn", 2, PERIOD, NOW + 30 * DAY_MS, needs_sign_in=False)
    [aino] = [user.id for user in manage.users(store, boss) if user.email == made.credentials.email]
    shared = manage.share_report(store, boss, aino, terms, now=NOW).secret
    shop.publish(store, made.organization, NOW)
    publication = store.layout(made.organization).smileys[WEB.smiley].publication
    code = "" if publication is None else publication.code
    server = make_server(store, settings, lambda: NOW, doors=(*DOORS, shop.door(made.organization)))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", made, store, link, shared, code)
    finally:
        server.should_exit = True
        thread.join()
        store.close()


def _take(page: Any, screen: Screen, address: str) -> None:
    """Takes the pictures of a page in all sizes and colours; in Arabic one of each size."""
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in SCHEMES if screen.language == "en" else SCHEMES[:1]:
            page.emulate_media(color_scheme=scheme)
            page.goto(address)
            height = min(_MOST_PIXELS, page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({**viewport, "height": max(height, viewport["height"])})
            (FOLDER / f"{screen.name}-{size}-{scheme}.webp").write_bytes(_picture(page))
            page.set_viewport_size(viewport)


def _picture(page: Any) -> bytes:
    """What a page shows as WebP, a third of the size of PNG; Playwright itself has no WebP."""
    session = page.context.new_cdp_session(page)
    return base64.b64decode(session.send("Page.captureScreenshot", {"format": "webp", "quality": 80})["data"])


def _take_paper(served: Served) -> None:
    """Takes the pictures of the pages of a PDF."""
    boss = operator(served.made.organization)
    value = report.build(served.store, boss, report.ReportQuery(2, PERIOD.partition("=")[2]), NOW)
    for number, picture in enumerate(pictures(document(value, Localization("en", "en-GB")), PAPER_PPI), start=1):
        (FOLDER / f"paper-{number:02}.png").write_bytes(picture)


def _take_mail(page: Any, served: Served) -> None:
    """Takes the pictures of the buttons of an e-mail, as browsers show them."""
    shown = offer(served.store, operator(served.made.organization), served.address, WEB.smiley, NOW)
    for locale in ("en-US", "ar"):
        page.set_viewport_size({"width": 640, "height": 260})
        page.set_content(mail_page(shown, "*|UNIQID|*", locale), wait_until="networkidle")
        (FOLDER / f"mail-{locale.partition('-')[0]}.webp").write_bytes(_picture(page))


def _take_posters(served: Served) -> None:
    """Takes the pictures of a poster and a table tent."""
    base = "https://smile.birch.example"
    shown = offer(served.store, operator(served.made.organization), base, WEB.smiley, NOW)
    for name, locales, paper in (
        ("a4", ("en-US", "fi-FI"), Paper.A4), ("arabic", ("ar", "en-US"), Paper.A5), ("tent", ("en-US",), Paper.TENT),
    ):  # fmt: skip
        [picture] = pictures(poster_document(shown, locales, paper, NOW), PAPER_PPI)
        (FOLDER / f"poster-{name}.png").write_bytes(picture)


def _sign_in(page: Any, address: str, email: str, password: str) -> None:
    """Signs in by the form."""
    page.goto(address)
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button.main")
    page.wait_for_selector(".shell")


def _speak(page: Any, address: str, language: str) -> None:
    """Chooses a language on the page of the account."""
    page.goto(f"{address}/account")
    page.select_option("#language", language)
    page.click("form[action='/account/preferences'] button")
    page.wait_for_selector("[role=status]")


def _index() -> str:
    """The page that shows the pictures."""
    parts = ["# Screens\n", "<!-- Made by `make screens` from the demo's organization. Change it there. -->"]
    for screen in (*BEFORE_SIGN_IN, *SIGNED_IN):
        shown = [path.name for path in sorted(FOLDER.glob(f"{screen.name}-*.webp")) if _is_of(path, screen)]
        parts.append(f"\n## {screen.title}\n")
        parts += [f'<img src="{name}" alt="{_alternative(screen, name)}" width="{_width(name)}">' for name in shown]
    parts.append("\n## The pages of the report as PDF\n")
    papers = sorted(path.name for path in FOLDER.glob("paper-*.png"))
    parts += [f'<img src="{name}" alt="Page {number} of the PDF" width="360">' for number, name in enumerate(papers, 1)]
    parts.append("\n## The buttons of an e-mail, and posters\n")
    parts += [f'<img src="{name}" alt="{alternative}" width="{width}">' for name, alternative, width in HANDOUTS]
    parts.append("\n## The kiosk\n")
    parts += [f'<img src="{name}" alt="{alternative}" width="{width}">' for name, alternative, width in KIOSK]
    return "\n".join(parts) + "\n"


def _is_of(path: Path, screen: Screen) -> bool:
    """Whether a picture is of a page, and not of another one whose name begins alike."""
    return path.stem.rpartition("-")[0].rpartition("-")[0] == screen.name


def _alternative(screen: Screen, name: str) -> str:
    """What stands for a picture in words."""
    size, scheme = name.removesuffix(".webp").split("-")[-2:]
    return f"{screen.title}, {'on a phone' if size == 'phone' else 'on a desk'}, {scheme}"


def _width(name: str) -> int:
    """How wide a picture is shown."""
    return 180 if "-phone-" in name else 560


if __name__ == "__main__":
    main()
