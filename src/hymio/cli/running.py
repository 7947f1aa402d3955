"""`hymio serve`, `demo`, `terminal`, `get` and `bench`."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from hymio.cli.command import Database, hint, loaded, obey, opened, say

if TYPE_CHECKING:
    import httpx
    from litestar.types import ASGIApp

    from hymio.settings import Settings

PASSED_ON: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
"""Settings of a command whose arguments, including `--help`, another parser reads."""

Host = Annotated[
    str | None,
    typer.Option(
        help="Address to listen on, 0.0.0.0 for all; otherwise HYMIO_HOST, otherwise 127.0.0.1", show_default=False
    ),
]
Port = Annotated[
    int | None,
    typer.Option(help="Port to listen on; otherwise HYMIO_PORT, otherwise 8000", min=0, max=65_535, show_default=False),
]


Processes = Annotated[
    int | None,
    typer.Option(
        help="Processes that serve, on PostgreSQL alone; otherwise HYMIO_PROCESSES, otherwise 1",
        min=1,
        max=64,
        show_default=False,
    ),
]


def serve(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    processes: Processes = None,
    database: Database = None,
) -> None:
    """Serve until Ctrl-C: the terminals' uploads, the SMS webhook, API v1 and its documentation.

    A password of the database belongs in hymio.toml or the file that HYMIO_DATABASE_FILE names, for your eyes alone.

    Examples: hymio serve · hymio serve --port 8080 · HYMIO_DATABASE_FILE=database.txt hymio serve
    """
    from dataclasses import replace

    settings = loaded(context, database, host=host, port=port, processes=processes)
    with listening(settings) as door:
        bound = replace(settings, port=door.getsockname()[1])
        from hymio import app

        url = bound.public_url
        run = app.serve if bound.processes == 1 else app.serve_in_processes
        run(bound, door, lambda: hint(f"Hymio serves on {url} (documentation: {url}/docs). Ctrl-C stops it."))


def listening(settings: Settings) -> socket.socket:
    """A socket bound to the settings' host and port; IPv4 if the name has both. SetupError if it cannot be bound."""
    from hymio.errors import SetupError

    try:
        family, _, _, _, address = min(
            socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM), key=lambda info: info[0]
        )
        return _bound(family, address)
    except OSError as error:
        why = error.strerror or str(error)
        raise SetupError(
            "cannot-listen",
            "cannot listen on {host} port {port}: {cause}. Choose with --host, --port",
            host=settings.host,
            port=settings.port,
            cause=why,
        ) from error


def _bound(family: int, address: Any) -> socket.socket:
    """A TCP socket bound to an address. OSError."""
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def terminal(context: typer.Context) -> None:
    """A software terminal for trials: it keeps its presses in a file until they are acknowledged.

    `hymio terminal --help` lists its commands.
    """
    from hymio.simulator.commands import terminal as software_terminal

    obey(software_terminal, context.args, "hymio terminal")


def bench(context: typer.Context) -> None:
    """Measure how fast Hymio is on this machine, compared with yardsticks measured in the same run.

    `hymio bench --help` lists the options.
    """
    from hymio.bench.command import run

    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command()(run)
    obey(alone, context.args, "hymio bench")


def demo(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for the demo, and nothing else; otherwise hymio-demo", show_default=False
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one", min=0, max=65_535)] = 8000,
    once: Annotated[bool, typer.Option("--once", help="Print everything once and exit")] = False,
    presses: Annotated[int, typer.Option(help="Presses in the year of history", min=0, max=300_000)] = 200_000,
    seed: Annotated[int, typer.Option(help="Seed of the random year")] = 1,
    web_presses: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Presses to replay as a web smiley's of 2022, as API v1 writes them; otherwise"
            " real-web-presses.json in ../shared/data beside the checkout, otherwise a sample",
            show_default=False,
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Another database than the file hymio.db in the folder", show_default=False),
    ] = None,
) -> None:
    """Show Hymio with an example: an organization with a year of history, a server, and smileys that press live.

    All files are in the folder --data, also credentials.json with all secrets.
    A second start continues with the same data.
    Deleting the folder removes the demo.

    Examples: hymio demo · hymio demo --once --port 0
    """
    from dataclasses import replace

    from hymio import settings

    # Nothing from the environment or a file: a demo must not end up in the database of a real organization.
    flags = context.find_root().obj or {}
    url, folder = database or flags.get("database") or "", data or flags.get("data") or Path("hymio-demo")
    demo_settings = settings.load({"data": folder, "host": host, "port": port, "database": url})
    with listening(demo_settings) as door:
        from hymio.cli import demonstration

        bound = replace(demo_settings, port=door.getsockname()[1])
        demonstration.run(bound, door, presses, seed, web_presses, once)


def get(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="Such as /v1/folders?surveys=true", show_default=False)],
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            "-u",
            metavar="CLIENT:TOKEN",
            envvar="HYMIO_CREDENTIALS",
            show_default=False,
            help="Credentials of the API; every account on the machine can see a flag",
        ),
    ] = None,
    user_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file with CLIENT:TOKEN; - is standard input",
            allow_dash=True,
            show_default=False,
        ),
    ] = None,
    include: Annotated[bool, typer.Option("--include", "-i", help="Also print the status and the headers")] = False,
    database: Database = None,
) -> None:
    """Make one HTTP request to Hymio without a server, and print the response. Exits with 1 if it is an error.

    Example: hymio get "/v1/surveys/1/results?truncate=day" --user-file client.txt
    """
    import asyncio

    from hymio.app import create_app
    from hymio.serving.log import configure_log

    client = user if user_file is None else _line_of(user_file)
    configure_log(loaded(context, database))
    with opened(context, database) as store:
        response = asyncio.run(_request(create_app(store, loaded(context, database), periodic=()), path, client))
    if include:
        say(f"[bold]{response.status_code} {response.reason_phrase}[/]")
        for name, value in response.headers.items():
            say(f"[dim]{escape(name)}:[/] {escape(value)}")
        say("")
    typer.echo(response.text)
    raise typer.Exit(0 if response.is_success or response.is_redirect else 1)


def _line_of(file: Path) -> str:
    """The first line of a file, or of standard input for `-`."""
    text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    return text.partition("\n")[0].strip()


async def _request(app: ASGIApp, path: str, user: str | None) -> httpx.Response:
    """One GET request to an application, which is started before and stopped afterwards."""
    import httpx

    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's names for the same protocol
    name, _, password = (user or "").partition(":")
    async with (
        _started(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://hymio", auth=(name, password) if user else None
        ) as client,
    ):
        return await client.get(path)


@asynccontextmanager
async def _started(app: ASGIApp) -> AsyncIterator[None]:
    """Runs the application's ASGI lifespan: startup before, shutdown afterwards."""
    import asyncio

    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    running = asyncio.ensure_future(app(scope, inbox.get, outbox.put))
    for event in ("startup", "shutdown"):
        await inbox.put({"type": f"lifespan.{event}"})
        message = await outbox.get()
        if message["type"] != f"lifespan.{event}.complete":
            raise RuntimeError(message.get("message", "the application did not start"))
        if event == "startup":
            yield
    await running
