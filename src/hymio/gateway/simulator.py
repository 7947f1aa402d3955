"""A software terminal: it keeps presses in a file until they are acknowledged, and tells them over HTTP or by SMS."""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice, takewhile
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from hymio.errors import SetupError
from hymio.feedback import HourReport
from hymio.gateway.notebook import (
    Notebook,
    Noted,
    close_notebook,
    create_notebook,
    note_acknowledged,
    note_press,
    note_settings,
    note_texted,
    open_notebook,
)
from hymio.gateway.sketch import MOST_PRESSES
from hymio.gateway.sms_text import encode

HOUR_MS = 3_600_000
LONGEST_WAIT = 300.0
"""Seconds between tries at most, when a server stays away."""

_TOO_LARGE = 413
_PASSING = (408, 425, 429)

_chance = secrets.SystemRandom()


class NotTold(Exception):
    """The server did not take an upload, so nothing was forgotten; `retry_after` is in seconds, if it said so.

    If `lasting`, trying again will not help until somebody mends something.
    """

    def __init__(
        self, detail: str, *, lasting: bool = False, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail)
        self.lasting = lasting
        self.retry_after = retry_after
        self.status = status


def upload_of(notebook: Notebook, clock: int, battery: float | None = None, most: int = MOST_PRESSES) -> dict[str, Any]:
    """The next upload: the oldest presses that wait, and what the terminal says of itself. Without any, a heartbeat.

    `reportedThrough` is the clock or, where some presses must wait for another upload, the first of their instants.
    """
    presses = list(islice(notebook.waiting, most))
    left = (each.at for each in islice(notebook.waiting, most, None))
    said: dict[str, Any] = {
        "epoch": notebook.epoch,
        "presses": [{"sequence": each.sequence, "at": each.at, "button": each.button} for each in presses],
        "clock": clock,
        "reportedThrough": min([clock, *left]),
        "firmware": "hymio software terminal",
    }
    return said if battery is None else said | {"battery": battery}


def send(notebook: Notebook, client: httpx.Client, clock: int, battery: float | None = None) -> dict[str, Any]:
    """Tells the server once what waits, in as many uploads as it takes; the last receipt. NotTold.

    Whatever was in doubt, because an answer was lost, is simply told again: the server knows it by its sequence.
    """
    most = MOST_PRESSES
    while True:
        body = upload_of(notebook, clock, battery, most)
        try:
            receipt = _post(notebook, client, body)
        except NotTold as error:
            if error.status != _TOO_LARGE or len(body["presses"]) < 2:
                raise
            most = len(body["presses"]) // 2
            continue
        if body["presses"]:
            note_acknowledged(notebook, body["presses"][-1]["sequence"])
        note_settings(notebook, receipt["settings"])
        if not notebook.waiting:
            return receipt


def send_until_told(
    notebook: Notebook,
    client: httpx.Client,
    clock: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
    tries: int = 1000,
) -> dict[str, Any]:
    """Tells the server what waits, trying again while it is away or busy, a little less often each time. NotTold."""
    for attempt in range(1, tries + 1):
        try:
            return send(notebook, client, clock())
        except NotTold as error:
            if error.lasting or attempt == tries:
                raise
            sleep(pause(attempt, error.retry_after))
    raise NotTold("no try was allowed")


def pause(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait before the next try: what the server said, or up to twice as long each time, by chance.

    By chance, so that ten thousand terminals that lost the same server do not come back in the same second.
    """
    least = retry_after or 0.0
    return least + _chance.uniform(0.1, min(LONGEST_WAIT, 0.5 * 2.0 ** min(attempt, 20)))


def hours_of(presses: Iterable[Noted], epoch: int, offset: int) -> Iterator[HourReport]:
    """Presses without a gap in their sequence as what an SMS says of their local hours; `offset` in minutes east."""

    def hour(press: Noted) -> int:
        return (press.at + offset * 60_000) // HOUR_MS

    for number, within in groupby(presses, key=hour):
        members = list(within)
        counts = [0] * (1 + max(each.button for each in members))
        for each in members:
            counts[each.button] += 1
        yield HourReport(epoch, members[0].sequence, number * HOUR_MS - offset * 60_000, tuple(counts))


def texts(
    notebook: Notebook,
    now: int,
    offset: int,
    battery: float | None = None,
    deliver: Callable[[str], object] = lambda _: None,
) -> list[str]:
    """The SMS that tell the hours which are over and of which no SMS has told yet.

    Each is handed to `deliver`; if that raises, nothing is noted as told, and the same texts are made the next time.
    """
    untold = (each for each in notebook.waiting if each.sequence > notebook.texted)
    over = list(takewhile(lambda each: _is_over(each, now, offset), untold))
    key = hashlib.sha256(b"hymio-sms:" + notebook.token.encode()).digest()[:16]
    through = (now + offset * 60_000) // HOUR_MS * HOUR_MS - offset * 60_000
    hours = list(hours_of(over, notebook.epoch, offset))
    made = encode(notebook.serial, hours, key, offset=offset, reported_through=through, battery=battery)
    for text in made:
        deliver(text)
    if over:
        note_texted(notebook, over[-1].sequence)
    return made


def _is_over(press: Noted, now: int, offset: int) -> bool:
    return (press.at + offset * 60_000) // HOUR_MS < (now + offset * 60_000) // HOUR_MS


def _post(notebook: Notebook, client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {notebook.token}"}
    try:
        answer = client.post(f"{notebook.url}/terminal/v1/uploads", json=body, headers=headers)
        if answer.is_success:
            receipt: dict[str, Any] = answer.json()
            return receipt
    except (httpx.TransportError, ValueError) as error:
        raise NotTold(f"no answer: {error}") from error
    detail, status, wait = (
        f"{answer.status_code}: {answer.text}",
        answer.status_code,
        answer.headers.get("Retry-After", ""),
    )
    lasting = answer.is_client_error and status not in _PASSING
    raise NotTold(detail, lasting=lasting, retry_after=float(wait) if wait.isdecimal() else None, status=status)


# The command

terminal = typer.Typer(
    help="A software terminal, for trials: press, send, and see what comes out.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

File = Annotated[Path, typer.Argument(help="The terminal's file")]
Battery = Annotated[float | None, typer.Option(help="Battery level to report, 0 to 1", min=0.0, max=1.0)]


def _now() -> int:
    return time.time_ns() // 1_000_000


@terminal.command("new")
def new_command(
    file: File,
    token: Annotated[
        str | None,
        typer.Option(help="The smiley's upload token; as a flag, whoever lists processes can see it",
                     envvar="HYMIO_TERMINAL_TOKEN"),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file that holds it; - is standard input", allow_dash=True)
    ] = None,
    serial: Annotated[str, typer.Option(help="The smiley's serial, for its SMS")] = "",
    url: Annotated[str, typer.Option(help="Where Hymio serves", envvar="HYMIO_TERMINAL_URL")] = "http://127.0.0.1:8000",
) -> None:  # fmt: skip
    """Make a terminal: a file that keeps its presses.

    Example: hymio terminal new door.jsonl --token-file token.txt --serial 2415VE0A110042
    """
    secret = _token(token, token_file)
    if not re.fullmatch(r"https?://[^/\s]+\S*", url):
        raise SetupError(f"--url: got {url!r}; accepted is where Hymio serves, such as http://127.0.0.1:8000")
    close_notebook(create_notebook(file, url, secret, serial))
    typer.echo(f"{file} is a terminal now; press it with: hymio terminal press {file} 3")


def _token(told: str | None, file: Path | None) -> str:
    """The token from wherever it was given; a file goes first, as it was asked for in so many words."""
    if file is None:
        found = told or ""
    elif str(file) == "-":
        found = sys.stdin.readline()
    else:
        found = file.read_text(encoding="utf-8")
    if not re.fullmatch(r"[!-~]+", found.strip()):
        raise SetupError(
            "a terminal needs its smiley's upload token, one word: --token-file FILE, or - and standard input"
        )
    return found.strip()


@terminal.command("press")
def press_command(
    file: File,
    buttons: Annotated[list[int], typer.Argument(help="Buttons to press, 0 the most negative", min=0, max=10)],
) -> None:
    """Press buttons; the presses wait in the file until they are sent."""
    notebook = open_notebook(file)
    for button in buttons:
        note_press(notebook, _now(), button)
    typer.echo(_waiting(notebook, "wait"))


@terminal.command("send")
def send_command(file: File, battery: Battery = None) -> None:
    """Tell the server everything that waits, and show its receipt."""
    notebook = open_notebook(file)
    with httpx.Client(timeout=30) as client:
        try:
            typer.echo(httpx.Response(200, json=send(notebook, client, _now(), battery)).text)
        except NotTold as error:
            typer.echo(f"{_waiting(notebook, 'still wait')}: {error}", err=True)
            raise typer.Exit(1) from error


def _waiting(notebook: Notebook, verb: str) -> str:
    """How many presses do what a verb in the plural says."""
    count = len(notebook.waiting)
    return f"1 press {verb}s" if count == 1 else f"{count} presses {verb}"


@terminal.command("run")
def run_command(
    file: File,
    every: Annotated[float, typer.Option(help="Mean seconds between presses", min=0.01)] = 5.0,
    seconds: Annotated[float, typer.Option(help="How long to press; 0 for ever", min=0.0)] = 0.0,
) -> None:
    """Press at random and tell the server at once; while it is away, keep pressing and try again."""
    notebook = open_notebook(file)
    end = time.monotonic() + seconds if seconds else float("inf")
    with httpx.Client(timeout=30) as client:
        for press, told in live(notebook, client, every):
            typer.echo(f"press {press.sequence}, button {press.button}: {told}")
            if time.monotonic() > end:
                return


def live(notebook: Notebook, client: httpx.Client, every: float) -> Iterator[tuple[Noted, str]]:
    """Presses at random for ever, `every` seconds on average, and tells what waits; each press with how that went."""
    attempt, not_before = 0, 0.0
    while True:
        time.sleep(_chance.expovariate(1 / every))
        press = note_press(notebook, _now(), random_button(notebook))
        told = _waiting(notebook, "wait")
        if time.monotonic() >= not_before:
            try:
                receipt = send(notebook, client, _now())
                attempt, told = 0, f"revision {receipt['revision']}"
            except NotTold as error:
                attempt += 1
                not_before = time.monotonic() + pause(attempt, error.retry_after)
                told = f"{told}, {error}"
        yield press, told


def random_button(notebook: Notebook) -> int:
    """A button as people press them: mostly the positive ones."""
    buttons = notebook.settings.get("buttons") or 4
    return int(_chance.choices(range(buttons), weights=[1 + 2 * button for button in range(buttons)])[0])


@terminal.command("sms")
def sms_command(
    file: File,
    offset: Annotated[
        int | None,
        typer.Option(help="Minutes east of UTC; by default what the server said last", min=-1080, max=1080),
    ] = None,
    battery: Battery = None,
) -> None:
    """Print the texts that tell the hours which are over and were neither sent nor texted."""
    notebook = open_notebook(file)
    if not notebook.serial:
        raise SetupError(
            f"a text names the serial, and {file} has none; make a terminal with: new FILE --serial SERIAL"
        )
    minutes = notebook.settings.get("offset") if offset is None else offset
    if minutes is None:
        raise SetupError("the server has not said yet what the clocks show there; send once, or say --offset MINUTES")
    texts(notebook, _now(), minutes, battery, typer.echo)
