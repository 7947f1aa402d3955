"""The command `hymio`. Commands import what they need when they run, so that `--help` is fast."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from hymio import __version__
from hymio.cli import (
    api,
    audit,
    backups,
    checking,
    custom,
    erasing,
    failing,
    jobs,
    organizations,
    reporting,
    running,
    shared_links,
    smileys,
    sms_gateways,
    surveys,
    tokens,
    tree,
    upkeep,
    users,
)
from hymio.cli.command import Database, obey

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A first organization in six commands: see README.md. An example with a year of history: hymio demo",
)

_RUN, _SET_UP, _LOOK_AFTER = "Run", "Set up", "Look after"

app.command("serve", rich_help_panel=_RUN)(running.serve)
app.command("demo", rich_help_panel=_RUN)(running.demo)
app.command("terminal", rich_help_panel=_RUN, context_settings=running.PASSED_ON)(running.terminal)
app.command("get", rich_help_panel=_RUN)(running.get)
app.command("bench", rich_help_panel=_RUN, context_settings=running.PASSED_ON)(running.bench)
app.add_typer(organizations.commands, name="organization", rich_help_panel=_SET_UP)
app.add_typer(tree.commands, name="node", rich_help_panel=_SET_UP)
app.add_typer(surveys.commands, name="survey", rich_help_panel=_SET_UP)
app.add_typer(smileys.commands, name="smiley", rich_help_panel=_SET_UP)
app.add_typer(custom.commands, name="custom-data", rich_help_panel=_SET_UP)
app.add_typer(users.commands, name="user", rich_help_panel=_SET_UP)
app.add_typer(shared_links.commands, name="share", rich_help_panel=_SET_UP)
api.commands.add_typer(tokens.commands, name="token")
app.add_typer(api.commands, name="api", rich_help_panel=_SET_UP)
app.add_typer(sms_gateways.commands, name="sms-gateway", rich_help_panel=_SET_UP)
app.command("sms-secret", rich_help_panel=_SET_UP)(sms_gateways.sms_secret)
app.command("report", rich_help_panel=_RUN)(reporting.report)
app.command("verify", rich_help_panel=_LOOK_AFTER)(upkeep.verify)
app.command("check", rich_help_panel=_LOOK_AFTER)(checking.check)
app.command("audit", rich_help_panel=_LOOK_AFTER)(audit.audit)
app.command("backup", rich_help_panel=_LOOK_AFTER)(backups.backup)
app.command("restore", rich_help_panel=_LOOK_AFTER)(backups.restore)
app.command("rebuild", rich_help_panel=_LOOK_AFTER)(upkeep.rebuild)
app.command("resettle", rich_help_panel=_LOOK_AFTER)(upkeep.resettle)
app.add_typer(upkeep.quarantine, name="quarantine", rich_help_panel=_LOOK_AFTER)
app.add_typer(jobs.commands, name="jobs", rich_help_panel=_LOOK_AFTER)
app.add_typer(upkeep.messages, name="message", rich_help_panel=_LOOK_AFTER)
app.command("spam", rich_help_panel=_LOOK_AFTER)(reporting.spam)
app.add_typer(erasing.erase, name="erase", rich_help_panel=_LOOK_AFTER)
app.add_typer(erasing.retention, name="retention", rich_help_panel=_LOOK_AFTER)
app.add_typer(upkeep.database, name="db", rich_help_panel=_LOOK_AFTER)


def _show_version(requested: bool) -> None:
    """Prints the version and exits."""
    if requested:
        typer.echo(f"hymio {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    database: Database = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for all files that Hymio stores; otherwise HYMIO_DATA, otherwise hymio-data"
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings file; otherwise ./hymio.toml")] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hymio stores the presses of smileys and reports results.

    Settings come from flags, from HYMIO_* in the environment or from hymio.toml, in this order of precedence.
    """
    context.obj = {"database": database, "data": data, "config": config}


GARBAGE_THRESHOLD: Final = 5_000
"""New objects after which Python looks for cycles among them.

Requests and rows make many short-lived objects and hardly any cycles: with Python's own threshold of 700, looking takes
8 % of the time of uploads of 100.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits: 0 success, 1 a negative result (`verify` found differences), 2 an error."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    gc.set_threshold(GARBAGE_THRESHOLD, *gc.get_threshold()[1:])
    try:
        obey(app, words, "hymio")
    except BrokenPipeError:
        # The reader of a pipe has ended (`hymio … | head`). Without this, Python would print another error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(failing.NEGATIVE)
    except Exception as error:  # noqa: BLE001  any error is printed as one line
        failing.end(error, as_json=failing.wants_json(words))
