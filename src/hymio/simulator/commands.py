"""`hymio terminal`: commands of the software terminal."""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import httpx
import typer

from hymio.clock import now
from hymio.errors import SetupError
from hymio.simulator.journal import (
    Journal,
    StoredPress,
    append_press,
    close_journal,
    create_journal,
    open_journal,
)
from hymio.simulator.sending import UploadFailed, backoff, send
from hymio.simulator.texting import texts

_chance = secrets.SystemRandom()

terminal = typer.Typer(
    help="A software terminal for trials: press buttons and send the presses.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

File = Annotated[Path, typer.Argument(help="The terminal's file")]
Battery = Annotated[float | None, typer.Option(help="Battery level to report, 0 to 1", min=0.0, max=1.0)]


@terminal.command("new")
def new_command(
    file: File,
    token: Annotated[
        str | None,
        typer.Option(
            help="The smiley's upload token; every account on the machine can see a flag", envvar="HYMIO_TERMINAL_TOKEN"
        ),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the token; - is standard input", allow_dash=True)
    ] = None,
    serial: Annotated[str, typer.Option(help="The smiley's serial, for its SMS")] = "",
    url: Annotated[str, typer.Option(help="Address of Hymio", envvar="HYMIO_TERMINAL_URL")] = "http://127.0.0.1:8000",
) -> None:
    """Create a terminal: a file that holds its presses.

    Example: hymio terminal new door.jsonl --token-file token.txt --serial 2415VE0A110042
    """
    secret = _token(token, token_file)
    if not re.fullmatch(r"https?://[^/\s]+\S*", url):
        raise SetupError(
            "bad-terminal-url",
            "--url: got {url}; accepted is where Hymio serves, such as http://127.0.0.1:8000",
            url=repr(url),
        )
    close_journal(create_journal(file, url, secret, serial))
    typer.echo(f"{file} is a terminal now; press it with: hymio terminal press {file} 3")


def _token(value: str | None, file: Path | None) -> str:
    """The token from a file, from standard input (`-`), or from the flag or environment variable, in this order."""
    if file is None:
        token = value or ""
    elif str(file) == "-":
        token = sys.stdin.readline()
    else:
        token = file.read_text(encoding="utf-8")
    if not re.fullmatch(r"[!-~]+", token.strip()):
        raise SetupError(
            "no-terminal-token",
            "a terminal needs its smiley's upload token, one word: --token-file FILE, or - and standard input",
        )
    return token.strip()


@terminal.command("press")
def press_command(
    file: File,
    buttons: Annotated[list[int], typer.Argument(help="Buttons to press, 0 the most negative", min=0, max=10)],
) -> None:
    """Press buttons; the presses are stored in the file until they are sent."""
    journal = open_journal(file)
    for button in buttons:
        append_press(journal, now(), button)
    typer.echo(_waiting(journal, "wait"))


@terminal.command("send")
def send_command(file: File, battery: Battery = None) -> None:
    """Upload all waiting presses, and print the receipt."""
    journal = open_journal(file)
    with httpx.Client(timeout=30) as client:
        try:
            typer.echo(httpx.Response(200, json=send(journal, client, now(), battery)).text)
        except UploadFailed as error:
            typer.echo(f"{_waiting(journal, 'still wait')}: {error}", err=True)
            raise typer.Exit(1) from error


def _waiting(journal: Journal, verb: str) -> str:
    """`1 press waits` or `3 presses wait`, for a verb in the plural."""
    count = len(journal.waiting)
    return f"1 press {verb}s" if count == 1 else f"{count} presses {verb}"


@terminal.command("run")
def run_command(
    file: File,
    every: Annotated[float, typer.Option(help="Mean seconds between presses", min=0.01)] = 5.0,
    seconds: Annotated[float, typer.Option(help="Duration in seconds; 0 is unlimited", min=0.0)] = 0.0,
) -> None:
    """Press random buttons and upload each press at once; while the server is unreachable, retry with backoff."""
    journal = open_journal(file)
    end = time.monotonic() + seconds if seconds else float("inf")
    with httpx.Client(timeout=30) as client:
        for press, outcome in live(journal, client, every):
            typer.echo(f"press {press.sequence}, button {press.button}: {outcome}")
            if time.monotonic() > end:
                return


def live(journal: Journal, client: httpx.Client, every: float) -> Iterator[tuple[StoredPress, str]]:
    """Endless random presses, `every` seconds apart on average; uploads after each, and yields it with the outcome."""
    attempt, not_before = 0, 0.0
    while True:
        time.sleep(_chance.expovariate(1 / every))
        press = append_press(journal, now(), random_button(journal))
        outcome = _waiting(journal, "wait")
        if time.monotonic() >= not_before:
            try:
                receipt = send(journal, client, now())
                attempt, outcome = 0, f"revision {receipt['revision']}"
            except UploadFailed as error:
                attempt += 1
                not_before = time.monotonic() + backoff(attempt, error.retry_after)
                outcome = f"{outcome}, {error}"
        yield press, outcome


def random_button(journal: Journal) -> int:
    """A random button; positive ones are more likely."""
    buttons = journal.settings.get("buttons") or 4
    return int(_chance.choices(range(buttons), weights=[1 + 2 * button for button in range(buttons)])[0])


@terminal.command("sms")
def sms_command(
    file: File,
    offset: Annotated[
        int | None,
        typer.Option(help="Minutes east of UTC; the default is the offset in the last receipt", min=-1080, max=1080),
    ] = None,
    battery: Battery = None,
    keyword: Annotated[str, typer.Option(help="What a shared number requires before the text")] = "",
) -> None:
    """Print the SMS of past hours whose presses were neither acknowledged nor reported by SMS."""
    journal = open_journal(file)
    if not journal.serial:
        raise SetupError(
            "no-terminal-serial",
            "a text names the serial, and {file} has none; make a terminal with: new FILE --serial SERIAL",
            file=file,
        )
    minutes = journal.settings.get("offset") if offset is None else offset
    if minutes is None:
        raise SetupError(
            "no-terminal-offset",
            "the server has not said yet what the clocks show there; send once, or say --offset MINUTES",
        )
    texts(journal, now(), minutes, battery, typer.echo, keyword)
