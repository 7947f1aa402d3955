"""`python -m scripts.screens`: pictures of every page, of phone and desk, light and dark, in `docs/screens/`.

It serves the demo's organization at an instant within its history, and looks at it with Debian's Chromium.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from hymio import demo, manage
from hymio.access import operator
from hymio.app import make_server, open_database
from hymio.period import Instant, parse_timestamp
from hymio.settings import Settings

FOLDER: Final = Path(__file__).parents[1] / "docs" / "screens"
CHROMIUM: Final = "/usr/bin/chromium"
NOW: Final[Instant] = parse_timestamp("2025-12-17T13:20:00Z")
SIZES: Final = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
_PRESSES: Final = 120_000


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, demo.Demo, str]]:
    """The demo on a free port: its address, its credentials, and a one-time link."""
    settings = Settings(data=folder, port=0, wrong_credentials=0, log_level="error")
    store = open_database(settings)
    made = demo.build(store, NOW, presses=_PRESSES)
    boss = operator(made.organization)
    [user] = [user.id for user in manage.users(store, boss) if user.email.startswith("bina.")]
    link = manage.invite_user(store, boss, user, now=NOW)
    server = make_server(store, settings, lambda: NOW)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", made, link
    finally:
        server.should_exit = True
        thread.join()
        store.close()


def _pictures(page: Any, address: str, person: tuple[str, str], link: str, take: Callable[[str], None]) -> None:
    """Goes through all pages and takes a picture of each."""
    page.goto(address)
    take("sign-in")
    page.goto(f"{address}/password?link={link}")
    take("password")
    page.goto(f"{address}/nothing")
    take("not-found")
    page.goto(address)
    page.fill("#email", person[0])
    page.fill("#password", person[1])
    page.click("button.main")
    page.wait_for_selector(".shell")
    page.goto(f"{address}/account")
    page.select_option("#language", "en")
    page.click("form[action='/account/preferences'] button")
    page.wait_for_selector("[role=status]")
    page.goto(f"{address}/account")
    take("account")
    page.goto(f"{address}/?node=5")
    take("overview")


def main() -> None:
    """Takes the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (address, made, link):
        person = made.credentials.email, made.credentials.password
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for size, viewport in SIZES.items():
                for scheme in ("light", "dark"):
                    context = browser.new_context(viewport=viewport, color_scheme=scheme, locale="en-US")  # type: ignore[arg-type]  # its own type
                    page = context.new_page()

                    def take(name: str, page: Any = page, suffix: str = f"{size}-{scheme}") -> None:
                        page.screenshot(path=FOLDER / f"{name}-{suffix}.png", full_page=True)

                    _pictures(page, address, person, link, take)
                    context.close()
            browser.close()


if __name__ == "__main__":
    main()
