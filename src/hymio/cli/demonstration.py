"""The steps of `hymio demo`: the example organization, a server for it, and smileys that press live."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import FrameType

import uvicorn
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape

from hymio.access import operator
from hymio.app import DOORS, make_server, open_database
from hymio.cli.command import console, hint, progress, quoted, say
from hymio.clock import now
from hymio.demo import DAYS_AHEAD, Demo, first_date, history, load, prepare, shop, table
from hymio.demo.credentials import FILE, VARIABLES, Credentials, read_credentials, write_credentials
from hymio.demo.example import WEB
from hymio.demo.history import YEAR_DAYS, Span
from hymio.demo.live import PAST_HOURS, LiveSmileys, live_smileys
from hymio.demo.web_presses import beside_checkout
from hymio.errors import HymioError, SetupError
from hymio.period import HOUR_MS
from hymio.results import reported_through
from hymio.serving.log import configure_log
from hymio.settings import Settings
from hymio.simulator.sending import UploadFailed
from hymio.store import Store

LIVE_HOURS = 1
"""Whole hours shown beside the present one while the table is drawn anew every moment."""

_ROUNDS = 40
_REDRAW_SECONDS = 2.0
_START_SECONDS = 30


def requests(first: date) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Titles and addresses of requests to try, of API v1 and of v2, for a history that begins on a date."""
    monday = next(day for day in map(history.bad_week, (first.year, first.year + 1)) if day >= first)
    week, end = f"{monday}", f"{monday + timedelta(days=7)}"
    day, after = f"{monday}", f"{monday + timedelta(days=1)}"
    v1 = (
        ("The tree with its surveys", "/v1/folders?surveys=true"),
        ("A year of results by month, misuse left out", f"/v1/surveys/3/results?date_start={first}&truncate=month"),
        ("Hour by hour, the week in which the escalator stood still",
         f"/v1/surveys/3/results?date_start={week}&date_end={end}&truncate=hour"),
        ("Raw results of one day of it, misuse kept, one second exact",
         f"/v1/surveys/3/rawresults?date_start={day}&date_end={after}"),
        ("What visitors of the web site wrote", "/v1/surveys/11/openfeedback?limit=5"),
    )  # fmt: skip
    v2 = (
        ("API v2: yesterday press by press, as CSV", "/v2/results/button-feedbacks.csv?period=yesterday"),
        ("What visitors wrote this year, the latest first",
         "/v2/results/text-feedbacks.json?period=this-year&order=desc&limit=5"),
    )  # fmt: skip
    return v1, v2


def run(settings: Settings, door: socket.socket, presses: int, seed: int, web_presses: Path | None, once: bool) -> None:
    """Makes or continues the demo in the settings' data folder and serves it until Ctrl-C, or shows it once."""
    configure_log(settings)
    folder = _writable(settings.data)
    with _store(settings) as store:
        demo = _prepared(store, folder, settings.public_url, presses, seed)
        _load(store, demo, web_presses)
        opened = shop.open_web_smiley(store, demo.organization, settings.public_url, folder, now())
        with (
            _serving(store, settings, door, demo.organization),
            live_smileys(folder / "terminals", demo.credentials, now) as smileys,
        ):
            _send_backlog(store, demo, smileys)
            if once:
                _press(smileys)
                say("[bold]The last hours[/]")
                _print_hours(store, demo)
                _print_requests(store, demo, folder, opened, server_stopped=True)
            else:
                _print_requests(store, demo, folder, opened, server_stopped=False)
                _live(store, demo, smileys)


def _writable(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(
            "demo-folder-read-only", "{folder} cannot be written to; choose another folder with --data", folder=folder
        )
    return folder


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    store = open_database(settings)
    try:
        yield store
    finally:
        store.close()


def _prepared(store: Store, folder: Path, url: str, presses: int, seed: int) -> Demo:
    """The organization and its secrets, which are written to a file before anything uses them.

    A history that was begun keeps its number of presses and its seed, whatever the arguments are now.
    """
    stored = read_credentials(folder)
    demo = prepare(store, now(), stored)
    credentials = replace(demo.credentials, base_url=url)
    if not credentials.presses:
        first = str(first_date(store, demo.organization))
        credentials = replace(credentials, presses=presses, seed=seed, first=first)
    elif (credentials.presses, credentials.seed) != (presses, seed):
        hint(f"The history that is there stays: {credentials.presses:,} presses of seed {credentials.seed}.")
    write_credentials(folder, credentials)
    return replace(demo, credentials=credentials)


def _load(store: Store, demo: Demo, web_presses: Path | None) -> None:
    made = demo.credentials
    if not made.first:
        hint("The history that is there is of an older version of Hymio; a new --data folder gets one up to today.")
        return
    span = Span(first_date(store, demo.organization), YEAR_DAYS + DAYS_AHEAD)
    until = (now() // HOUR_MS - PAST_HOURS) * HOUR_MS
    try:
        if not sys.stderr.isatty():
            hint("Loading a year of presses, which takes about half a minute …")
        with progress("Loading a year of presses", made.presses) as advance:
            pages = web_presses or beside_checkout()
            load(store, demo.organization, span, until, made.presses, made.seed, pages, advance)
    except KeyboardInterrupt:
        hint("Stopped while loading; the next start goes on from here.")
        raise


# --- serving ----------------------------------------------------------------------------------------------------------


@contextmanager
def _serving(store: Store, settings: Settings, door: socket.socket, organization: int) -> Iterator[None]:
    """The server in a thread of its own, from its first answer until the end; SIGTERM ends it like Ctrl-C."""
    server = make_server(store, settings, doors=(*DOORS, shop.door(organization)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name="hymio-server")
    thread.start()
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        _await_start(server, thread)
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        server.should_exit = True
        thread.join()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise HymioError("server-not-started", "the server did not start; its log above says why")
        time.sleep(0.02)


# --- the smileys ------------------------------------------------------------------------------------------------------


def _send_backlog(store: Store, demo: Demo, smileys: LiveSmileys) -> None:
    """Sends presses of the last hours, over HTTP and by SMS."""
    through = reported_through(store, operator(demo.organization))
    with _upload_errors(), console(stderr=True).status("The terminals send the presses of the last hours …"):
        smileys.send_backlog(through)


def _press(smileys: LiveSmileys) -> None:
    with _upload_errors():
        for _ in range(_ROUNDS):
            smileys.press()
        smileys.send_waiting()


def _print_hours(store: Store, demo: Demo) -> None:
    out = console()
    out.print(table.last_hours(store, demo.organization, now(), PAST_HOURS, out.width), table.legend(out.width))


@contextmanager
def _upload_errors() -> Iterator[None]:
    """Turns a failed upload into an error that the command line prints."""
    try:
        yield
    except UploadFailed as error:
        raise HymioError(
            "demo-upload-failed", "a terminal could not upload its presses: {cause}", cause=error
        ) from error


def _live(store: Store, demo: Demo, smileys: LiveSmileys) -> None:
    """Redraws the table while the smileys press, until Ctrl-C; prints it once if the output is no terminal."""
    stop = threading.Event()
    pressing = threading.Thread(target=smileys.run, args=(stop,), name="hymio-live-smileys")
    pressing.start()
    out = console()
    try:
        if not out.is_terminal:
            _print_hours(store, demo)
            say("\nThe smileys press on. Ctrl-C stops them and the server.")
            stop.wait()
        with Live(console=out, auto_refresh=False) as screen:
            while not stop.wait(_REDRAW_SECONDS):
                screen.update(_picture(store, demo, out), refresh=True)
    except KeyboardInterrupt:
        hint("Stopping …")
    finally:
        stop.set()
        pressing.join()


def _picture(store: Store, demo: Demo, out: Console) -> Group:
    """The table of the last hours, as much of it as fits on the screen, and its legend."""
    hint = "[dim]The smileys press live. Ctrl-C stops them and the server.[/]"
    legend = table.legend(out.width)
    height = out.height - 2 - legend.plain.count("\n")
    return Group(hint, table.last_hours(store, demo.organization, now(), LIVE_HOURS, out.width, height), legend)


# --- requests to try --------------------------------------------------------------------------------------------------


def _print_requests(store: Store, demo: Demo, folder: Path, opened: shop.Opened, *, server_stopped: bool) -> None:
    """Prints the address of the API, and requests with their secrets that can be pasted into a shell.

    If the server has stopped, they come after the command that starts it again.
    """
    secrets, url = demo.credentials, demo.credentials.base_url
    if server_stopped:
        say(f"\nStart it again with `{_again(folder, url)}`, then:")
    say(f"\n[bold]{url}[/]  shows the results; sign in as [bold]{secrets.email}[/] with [bold]{secrets.password}[/]")
    say("Those pages are in Finnish, as Aino Virtanen's account is; the account's page changes the language")
    say(f"[bold]{url}/docs[/]  documents the API; its commands answer here after `. {quoted(str(folder / VARIABLES))}`")
    say("A web smiley to press; a press is in the table below and in the report at once:")
    say(f"  [bold]{opened.shop}[/]  the page of a shop with its tag")
    say(f"  [bold]{opened.page}[/]  its own page")
    say(f"  {escape(str(opened.poster))}  its poster")
    say(f"  [bold]{opened.kiosk}[/]  a kiosk: any browser becomes one, once; choose a PIN there")
    say(f"All secrets, also those of the smileys: {escape(str(folder / FILE))}\n")
    client = f"curl -u {secrets.client_id}:{secrets.api_token}"
    of_v1, of_v2 = requests(first_date(store, demo.organization))
    for title, path in of_v1:
        say(f"[dim]# {title}[/]")
        say(escape(f"{client} '{url}{path}'"))
    for title, path in of_v2:
        say(f"[dim]# {title}[/]")
        say(escape(f"curl -H 'X-HON-API-Token: {secrets.v2_token}' '{url}{path}'"))
    say("[dim]# Press a smiley yourself, as a visitor of the web shop; it counts each time[/]")
    say(escape(_own_press(secrets, url)))


def _again(folder: Path, url: str) -> str:
    """The command that serves this demo at the same address."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    host_option = "" if host == "127.0.0.1" else f" --host {host.strip('[]')}"
    return f"{_program()} demo --data {quoted(str(folder))}{host_option} --port {port}"


def _program() -> str:
    """How this program is called from a shell in the working directory: by its name only if that is this one."""
    called = Path(sys.argv[0])
    if called.name != "hymio":  # as a module
        return f"{quoted(os.path.relpath(sys.executable))} -m hymio"
    on_path = shutil.which("hymio")
    if on_path is not None and Path(on_path).resolve() == called.resolve():
        return "hymio"
    path = os.path.relpath(called)
    return quoted(path if os.sep in path else os.path.join(".", path))  # noqa: PTH118  which would take the dot away


_FRESH_UUID = (
    "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n'"
    r" | sed -E 's/(.{8})(.{4}).(.{3}).(.{3})(.{12})/\1-\2-4\3-8\4-\5/')"
)
"""A shell's words for a random UUID of version 4, with nothing but POSIX tools and /dev/urandom."""


def _own_press(secrets: Credentials, url: str) -> str:
    """A curl command that sends a press of the web page's visitor, another one each time that it is pasted."""
    token = secrets.token(WEB.serial)
    now = "'\"$(date +%s)\"'000"
    press = f'{{"id": "\'"{_FRESH_UUID}"\'", "at": {now}, "button": 4, "survey": {WEB.survey}}}'
    body = f'{{"presses": [{press}]}}'
    kind = "Content-Type: application/json"
    return f"curl -H 'Authorization: Bearer {token}' -H '{kind}' -d '{body}' {url}/terminal/v1/uploads"
