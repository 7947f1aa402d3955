"""Shared by all commands: options, settings, the store, output, errors and progress bars."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from typer.core import TyperOption
from typer.main import get_command

from hymio import settings
from hymio.cli import everywhere
from hymio.clock import now
from hymio.errors import HymioError, SetupError

if TYPE_CHECKING:
    from hymio.access import Principal
    from hymio.manage import Batch, Organization, Removal
    from hymio.store import Store

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER@HOST/NAME; otherwise HYMIO_DATABASE or, with a password,"
        " the file that HYMIO_DATABASE_FILE names; otherwise hymio.db in the data folder",
        show_default=False,
    ),
]
OrganizationName = Annotated[
    str, typer.Argument(metavar="ORGANIZATION", help="Name or number of the organization", show_default=False)
]
Moment = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="WHEN",
        help="2025-03-01, 2025-03-01T08:00 (local time) or with an offset such as +02:00",
        show_default=False,
    ),
]

_PIPED_WIDTH = 110
"""Width in columns of what is drawn, such as the demo's table, where it is written to a file or pipe."""


def console(*, stderr: bool = False) -> Console:
    """A console on standard output, for results, or on standard error, for everything else."""
    output = Console(stderr=stderr, highlight=False)
    if not output.is_terminal and "COLUMNS" not in os.environ:
        output = Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH)
    return output


def say(text: str) -> None:
    """Prints a line of result, with rich's markup, and never wrapped, so that it can be copied and piped."""
    console().print(text, soft_wrap=True)


def hint(text: str) -> None:
    """Prints a line that is not a result, dimmed, to standard error."""
    console(stderr=True).print(f"[dim]{text}[/]", soft_wrap=True)


def say_error(detail: str, code: str = "") -> None:
    """Prints an error as one red line to standard error, with its code in brackets at the end."""
    suffix = f" [dim]{escape(f'[{code}]')}[/]" if code else ""
    console(stderr=True).print(f"[red]error:[/] [red]{escape(' '.join(detail.split()))}[/]{suffix}", soft_wrap=True)


def _warn_of_exposed_files(context: typer.Context, config: Path | None) -> None:
    """Prints once which files with a password of the database other accounts can read.

    Nothing where they are unreadable; a line of JSON for a command with --json.
    """
    if context.find_root().meta.setdefault("hymio.warned", False):
        return
    context.find_root().meta["hymio.warned"] = True
    try:
        exposed = settings.exposed_files(os.environ, config)
    except (HymioError, OSError):  # said by whoever needs the settings
        return
    for file in exposed:
        warning = f"{file} has a password, and other accounts can read it: chmod 600 {shlex.quote(str(file))}"
        if context.params.get("as_json"):
            sys.stderr.write(json.dumps({"warning": warning}, ensure_ascii=False) + "\n")
        else:
            console(stderr=True).print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)


Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant")]


Undo = Annotated[bool, typer.Option("--undo", help="List it again; what ended stays ended")]
Archived = Annotated[bool, typer.Option("--archived", help="Also what is archived")]


def say_removal(name: str, removal: Removal | None) -> None:
    """Says what became of something that was to be deleted; None is one that is listed again."""
    if removal is None:
        say(f"{escape(name)} is listed again.")
    elif removal.value == "removed":
        say(f"{escape(name)} is deleted.")
    else:
        say(f"{escape(name)} is archived, because feedback lies there.")


def ask(question: str, *, yes: bool) -> None:
    """Asks on a terminal whether something that cannot be undone is meant, unless `yes`; a script is not asked."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)


def confirm(question: str, *, yes: bool) -> None:
    """Asks as `ask` does, but a script must say --yes. SetupError where nobody can answer."""
    if not yes and not sys.stdin.isatty():
        raise SetupError("confirmation-needed", "nobody can be asked here; say --yes to go on without a question")
    ask(question, yes=yes)


def quoted(text: str) -> str:
    """A name quoted for a shell, and escaped for rich's markup."""
    return escape(shlex.quote(text))


def how_many(number: int, noun: str) -> str:
    """A number with its noun: 1 press, 2 presses."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


# --- settings and the store -------------------------------------------------------------------------------------------


def loaded(context: typer.Context, database: str | None = None, **flags: settings.Value | None) -> settings.Settings:
    """The settings; an option after the command overrides the same option before it."""
    before = dict(context.find_root().obj or {})
    config: Path | None = before.pop("config", None)
    _warn_of_exposed_files(context, config)
    flags["database"] = database
    return settings.load(
        before | {name: value for name, value in flags.items() if value is not None}, os.environ, config
    )


@contextmanager
def opened(context: typer.Context, database: str | None, *, make: bool = False) -> Iterator[Store]:
    """The store, closed at the end. Unless `make` is set the database must exist, so that a typo makes none."""
    from hymio.store import open_store

    effective = loaded(context, database)
    if effective.log_level == "debug":  # a command logs nothing but the statements that it runs
        from hymio.serving.log import configure_log

        configure_log(effective)
    if make and not effective.database:
        effective.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(effective.database_url, make=make)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def changing(
    context: typer.Context, database: str | None, name: str
) -> Iterator[tuple[Organization, Principal, Batch]]:
    """An organization, the operator's principal in it, and a batch of changes that is committed at the end."""
    from hymio import manage

    with opened(context, database) as store:
        organization = manage.find_organization(store, name)
        with manage.batch(store, organization.id, now()) as batch:
            yield organization, operator_of(organization), batch


def operator_of(organization: Organization) -> Principal:
    """The principal of the operator who runs this process, in an organization."""
    from hymio import access

    return access.operator(organization.id, account())


def account() -> str:
    """The name of the account that runs this process, or its number, for the audit log."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except ImportError:  # no Unix
        import getpass

        return getpass.getuser()
    except KeyError:
        return f"uid {os.getuid()}"


# --- running ----------------------------------------------------------------------------------------------------------


def obey(app: typer.Typer, words: Sequence[str] | None, name: str) -> None:
    """Parses and runs the words of a command, by default those of the command line, and exits the process.

    Raises what the command raises, and the parser's errors about its words.
    """
    result = _command(app)(args=words, prog_name=name, standalone_mode=False)
    sys.exit(result if isinstance(result, int) else 0)


@cache
def _command(app: typer.Typer) -> Any:
    """The parser of all commands, made once: it takes four times as long as a small command."""
    command = get_command(app)
    if hasattr(command, "commands"):
        everywhere.spread(command)
    _show_flags_bare(command)
    return command


def _show_flags_bare(command: Any, above: typer.Context | None = None) -> None:
    """Removes the type that help would print beside flags, which take no value, in all subcommands."""
    context = typer.Context(command, parent=above, **command.context_settings)
    for parameter in command.get_params(context):
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""
    for subcommand in getattr(command, "commands", {}).values():
        _show_flags_bare(subcommand, context)


# --- progress ---------------------------------------------------------------------------------------------------------


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, none in a pipe; call the yielded function with the amount of new work."""
    output = console(stderr=True)
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=output, transient=True, disable=not output.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.update(task, advance=more)
