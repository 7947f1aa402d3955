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
from hymio.simulator.notebook import (
    Notebook,
    Noted,
    close_notebook,
    create_notebook,
    note_press,
    open_notebook,
)
from hymio.simulator.sending import NotTold, pause, send
from hymio.simulator.texting import texts

_chance = secrets.SystemRandom()

terminal = typer.Typer(
    help="A software terminal, for trials: press, send, and see what comes out.",
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
        note_press(notebook, now(), button)
    typer.echo(_waiting(notebook, "wait"))


@terminal.command("send")
def send_command(file: File, battery: Battery = None) -> None:
    """Tell the server everything that waits, and show its receipt."""
    notebook = open_notebook(file)
    with httpx.Client(timeout=30) as client:
        try:
            typer.echo(httpx.Response(200, json=send(notebook, client, now(), battery)).text)
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
        press = note_press(notebook, now(), random_button(notebook))
        told = _waiting(notebook, "wait")
        if time.monotonic() >= not_before:
            try:
                receipt = send(notebook, client, now())
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
    texts(notebook, now(), minutes, battery, typer.echo)
