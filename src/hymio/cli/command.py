"""What all commands share: settings, the store, the present, and how they speak to whoever typed them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer.core import TyperOption
from typer.main import get_command

from hymio import settings
from hymio.clock import now
from hymio.errors import SetupError

if TYPE_CHECKING:
    from hymio.access import Principal
    from hymio.manage import Batch, Organization
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
OrganizationName = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its name or number", show_default=False)]
Moment = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="WHEN",
        help="2025-03-01, 2025-03-01T08:00 (on the clock there) or with an offset such as +02:00",
        show_default=False,
    ),
]

_PIPED_WIDTH = 110
"""Columns of tables that go into a file or a pipe, where nobody says how wide it is."""


def console(*, stderr: bool = False) -> Console:
    """Where to print: results go to standard output, everything else to standard error."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made = Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH)
    return made


def say(text: str) -> None:
    """Prints a line of result, never wrapped, so that it can be copied and piped; rich's markup is obeyed."""
    console().print(text, soft_wrap=True)


def hint(text: str) -> None:
    """Prints, to standard error, what is worth knowing but is not the result."""
    console(stderr=True).print(f"[dim]{text}[/]", soft_wrap=True)


def say_error(detail: str) -> None:
    """Prints what went wrong in one red line, to standard error."""
    console(stderr=True).print(f"[red]error:[/] [red]{escape(' '.join(detail.split()))}[/]", soft_wrap=True)


def quoted(text: str) -> str:
    """A name as it can be typed into a shell again, safe within markup."""
    import shlex

    return escape(shlex.quote(text))


def how_many(number: int, what: str) -> str:
    """A number with its noun: 1 press, 2 presses."""
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def table(*columns: str | tuple[str, dict[str, Any]], title: str | None = None) -> Table:
    """An empty table in the one style of all; a column is a heading or a heading with rich's options."""
    made = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold dim"
    )
    made.padding = (0, 2, 0, 0)
    for each in columns:
        heading, options = (each, {}) if isinstance(each, str) else each
        made.add_column(heading, **options)
    return made


RIGHT: dict[str, Any] = {"justify": "right", "no_wrap": True}
WHOLE: dict[str, Any] = {"no_wrap": True}
FOLDED: dict[str, Any] = {"overflow": "fold"}


# --- settings and the store -------------------------------------------------------------------------------------------


def loaded(context: typer.Context, database: str | None = None, **flags: settings.Value | None) -> settings.Settings:
    """The settings; an option given after the command goes before the same one given before it."""
    given = dict(context.find_root().obj or {})
    config: Path | None = given.pop("config", None)
    flags["database"] = database
    return settings.load(
        given | {name: value for name, value in flags.items() if value is not None}, os.environ, config
    )


@contextmanager
def opened(context: typer.Context, database: str | None, *, make: bool = False) -> Iterator[Store]:
    """The store, closed at the end. Without `make`, a SQLite file must be there: a mistyped name makes no new one."""
    from hymio.store import open_store

    chosen = loaded(context, database)
    if chosen.log_level == "debug":  # a command logs nothing but the statements that it runs
        from hymio.serving.log import configure_log

        configure_log(chosen)
    kind, _, file = chosen.database_url.partition(":///")
    if make and not chosen.database:
        chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not make and kind == "sqlite" and not Path(file).exists():
        raise SetupError(
            "no-database-file",
            "there is no database {file}. Name another with --database, or begin with: hymio organization create NAME",
            file=file,
        )
    store = open_store(chosen.database_url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def changing(
    context: typer.Context, database: str | None, name: str
) -> Iterator[tuple[Organization, Principal, Batch]]:  # fmt: skip
    """An organization, the principal of whoever types, and a batch of changes, committed at the end."""
    from hymio import manage

    with opened(context, database) as store:
        organization = manage.find_organization(store, name)
        with manage.batch(store, organization.id, now()) as batch:
            yield organization, operator_of(organization), batch


def operator_of(organization: Organization) -> Principal:
    """The principal of whoever runs this process, in an organization."""
    from hymio import access

    return access.operator(organization.id, account())


def account() -> str:
    """The name of the account that runs this process, for the audit log; its number where it has no name."""
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
    """Runs what was typed, by default on the command line, and ends the process."""
    command = get_command(app)
    _show_flags_bare(command)
    command(args=words, prog_name=name)


def _show_flags_bare(command: Any, above: typer.Context | None = None) -> None:
    """Help would name a type beside flags too, which take no value."""
    context = typer.Context(command, parent=above, **command.context_settings)
    for each in command.get_params(context):
        if isinstance(each, TyperOption) and each.is_flag:
            each.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _show_flags_bare(below, context)


# --- progress ---------------------------------------------------------------------------------------------------------


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error; what is yielded is told how much more is done. Nothing is shown in a pipe."""
    shown = console(stderr=True)
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=shown, transient=True, disable=not shown.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.update(task, advance=more)
