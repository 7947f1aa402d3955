"""Listings: typed rows, shown to people as a table and to programs as tab-separated lines, CSV or JSON.

A command returns a `Listing`, or `Listings` if it has several, and `@listing` gives it `--json`, `--csv` and `--tab`.
Where the output is no terminal, it is tab-separated. docs/command-line.md describes the forms.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias

import typer
from rich.markup import escape
from rich.table import Table

from hymio.cli.command import console, hint
from hymio.cli.instants import instant_text, timestamp
from hymio.spreadsheet import cell as quoted_cell
from hymio.spreadsheet import disarmed

if TYPE_CHECKING:
    from rich.console import RenderableType

_EMPTY: Final = "[dim]–[/]"
"""What a table shows where there is no value."""

_COLOURS: Final[Mapping[str, str]] = {
    "active": "green", "done": "green", "on": "green", "valid": "green",
    "undecided": "yellow", "upcoming": "yellow", "waiting": "yellow",
    "failed": "red",
    "discarded": "dim", "ended": "dim", "expired": "dim", "off": "dim", "revoked": "dim",
}  # fmt: skip
_CONTROLS: Final = {code: rf"\x{code:02x}" for code in (*range(32), *range(127, 160))}
"""Control characters, which a terminal would obey: anybody may send a text that has them."""

_ESCAPES: Final = _CONTROLS | str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_FOR_PEOPLE: Final = {code: text for code, text in _CONTROLS.items() if chr(code) not in "\t\n"}
_END_OF_CSV_LINE: Final = "\r\n"


class Form(Enum):
    """How a listing is written."""

    TABLE = "table"
    TAB = "tab"
    CSV = "csv"
    JSON = "json"


class Fit(StrEnum):
    """How a column of a table for people takes its room."""

    TEXT = "text"
    """Wraps where the screen is too narrow."""
    WORD = "word"
    """Never wraps."""
    STATE = "state"
    """A word that never wraps, in the colour of its meaning."""
    KEY = "key"
    """A number by which something is named: right-aligned."""
    NUMBER = "number"
    """How many: right-aligned, with commas between thousands."""
    DATA = "data"
    """Only for programs."""


_OPTIONS: Final[Mapping[Fit, Mapping[str, Any]]] = {
    Fit.TEXT: {"overflow": "fold"},
    Fit.WORD: {"no_wrap": True},
    Fit.STATE: {"no_wrap": True},
    Fit.KEY: {"no_wrap": True, "justify": "right"},
    Fit.NUMBER: {"no_wrap": True, "justify": "right"},
}


class Column(NamedTuple):
    """A column: its name in JSON and in the first line of tab and CSV, and its heading for people if it is another."""

    name: str
    fit: Fit = Fit.TEXT
    heading: str = ""


class Shown(NamedTuple):
    """A cell whose text for people, in rich's markup, is not made from the value for programs alone."""

    value: Any
    text: str


Cell: TypeAlias = Shown | str | int | float | bool | Sequence[Any] | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows with a cell for each column.

    `name` is that of the listing among several, in JSON the key, nested at each point. `nothing` is what people read
    where there are no rows, `after` what they read below them. `is_one` is a listing of always one row: an object in
    JSON, and lines of names and values for people.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    title: str = ""
    nothing: str = ""
    after: str = ""
    is_one: bool = False


@dataclass(frozen=True, slots=True)
class Listings:
    """The listings of one command, and what people see in their place, if that is not their tables."""

    parts: tuple[Listing, ...]
    picture: Callable[[], Iterable[RenderableType]] | None = None


def instant(at: int | None) -> Shown | None:
    """An instant: for programs a timestamp in UTC, or ms if no calendar has it; for people to the second."""
    return None if at is None else Shown(timestamp(at), instant_text(at))


# --- commands ---------------------------------------------------------------------------------------------------------

AsJson = Annotated[bool, typer.Option("--json", help="As JSON")]
_CSV = Annotated[bool, typer.Option("--csv", help="As CSV")]
_TAB = Annotated[bool, typer.Option("--tab", help="A row a line, with tabs; so it is in a pipe or file")]
_ONLY = Annotated[
    str | None, typer.Option("--only", metavar="TABLE", help="Only one of several tables", show_default=False)
]


def listing(*tables: str) -> Callable[[Callable[..., Listing | Listings | None]], Callable[..., None]]:
    """Makes a command of a function that returns a listing: adds the options of its form, and prints it.

    `tables` are the names of the listings where there are several; they get `--only`. A command that returns None has
    printed what it has to say.
    """

    def decorate(function: Callable[..., Listing | Listings | None]) -> Callable[..., None]:
        @wraps(function)
        def run(**values: Any) -> None:
            form = _form(json=values.pop("as_json"), csv=values.pop("as_csv"), tab=values.pop("as_tab"))
            only = _table_of(values.pop("only", None), tables)
            result = function(**values)
            if result is not None:
                write(result, form, only)

        _add_options(run, function, several=bool(tables))
        return run

    return decorate


def _add_options(run: Callable[..., None], function: Callable[..., Any], *, several: bool) -> None:
    """Gives a function the parameters of another, with the options of the form of a listing."""
    options = {"as_json": AsJson, "as_csv": _CSV, "as_tab": _TAB}
    own = list(inspect.signature(function, eval_str=True, locals=vars(typer)).parameters.values())
    added = [_parameter(name, False, kind) for name, kind in options.items()]
    if several:
        added.append(_parameter("only", None, _ONLY))
    parameters = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in (*own, *added)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # which inspect looks for
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__  # type: ignore[attr-defined]  # typer would read the parameters of that


def _parameter(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _form(*, json: bool, csv: bool, tab: bool) -> Form:
    """The form that was asked for; otherwise a table on a terminal, and tabs elsewhere. SetupError for several."""
    from hymio.errors import SetupError

    asked = [form for form, is_asked in ((Form.JSON, json), (Form.CSV, csv), (Form.TAB, tab)) if is_asked]
    if len(asked) > 1:
        raise SetupError("one-form", "say only one of --json, --csv and --tab")
    return asked[0] if asked else Form.TABLE if on_terminal() else Form.TAB


def _table_of(name: str | None, tables: Sequence[str]) -> str | None:
    """The name of a table. SetupError if there is none of that name."""
    from hymio.errors import SetupError

    if name is not None and name not in tables:
        raise SetupError(
            "no-such-table", "there is no table {name!r}; there are: {known}", name=name, known=", ".join(tables)
        )
    return name


def on_terminal() -> bool:
    """Whether people read standard output."""
    return sys.stdout.isatty()


# --- writing ----------------------------------------------------------------------------------------------------------


def show(part: Listing) -> None:
    """Prints one listing in the midst of other output: as a table, and in a pipe or file as lines with tabs."""
    write(part, Form.TABLE if on_terminal() else Form.TAB)


def write(result: Listing | Listings, form: Form, only: str | None = None) -> None:
    """Prints listings in a form, all or only one. SetupError for CSV of several."""
    from hymio.errors import SetupError

    every = (result,) if isinstance(result, Listing) else result.parts
    parts = tuple(part for part in every if only in {None, part.name})
    if form is Form.CSV and len(parts) > 1:
        names = ", ".join(part.name for part in parts)
        raise SetupError("choose-table", "CSV has one table; say --only with one of: {known}", known=names)
    if form is Form.TABLE:
        picture = result.picture if isinstance(result, Listings) and only is None else None
        _write_for_people(parts, picture)
    else:
        sys.stdout.write(as_json(parts, nested=len(parts) != 1) if form is Form.JSON else as_lines(parts, form))
        sys.stdout.flush()
    if form in {Form.TABLE, Form.TAB}:
        _say_nothing(parts)


def print_json(values: dict[str, object]) -> None:
    """Prints one object as JSON, on one line."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")


def as_json(parts: Sequence[Listing], *, nested: bool) -> str:
    """JSON: of one listing its rows, of several an object with the rows of each by its name."""
    whole: dict[str, Any] = {}
    for part in parts:
        *path, name = part.name.split(".")
        inner = whole
        for step in path:
            inner = inner.setdefault(step, {})
        inner[name] = _objects(part)
    value = whole if nested else _objects(parts[0])
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _objects(part: Listing) -> Any:
    rows = [{column.name: _plain(value) for column, value in zip(part.columns, row, strict=True)} for row in part.rows]
    return rows[0] if part.is_one else rows


def as_lines(parts: Sequence[Listing], form: Form) -> str:
    """Tab-separated lines or CSV: the names of the columns, then a line for each row; listings apart by a line."""
    line = _csv_line if form is Form.CSV else _tab_line
    return "\n".join("".join(map(line, _texts(part))) for part in parts)


def _texts(part: Listing) -> Iterator[list[str]]:
    """The names of the columns, then the texts of each row."""
    yield [column.name for column in part.columns]
    for row in part.rows:
        yield [_text(_plain(value)) for value in row]


def _tab_line(cells: Sequence[str]) -> str:
    return "\t".join(text.translate(_ESCAPES) for text in cells) + "\n"


def _csv_line(cells: Sequence[str]) -> str:
    return ",".join(quoted_cell(disarmed(text), ",") for text in cells) + _END_OF_CSV_LINE


def _plain(value: Cell) -> Any:
    """The value of a cell for programs."""
    return value.value if isinstance(value, Shown) else value


def _text(value: Any) -> str:
    """A value in tab and CSV: nothing for none, texts of a list with commas, objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- for people -------------------------------------------------------------------------------------------------------


def _write_for_people(parts: Sequence[Listing], picture: Callable[[], Iterable[RenderableType]] | None) -> None:
    """Prints tables, or the picture in their place, and below each what people should know."""
    out = console()
    if picture is not None:
        for shown in picture():
            out.print(shown, soft_wrap=isinstance(shown, str))
    elif any(part.rows for part in parts):
        tables = [table_of(part) for part in parts if part.rows]
        for number, part_table in enumerate(tables):
            out.print(*([""] if number else []), part_table)
    for part in parts:
        if part.rows and part.after:
            hint(part.after)


def _say_nothing(parts: Sequence[Listing]) -> None:
    """Says on standard error which listings have no rows, where there is something to say of it."""
    for part in parts:
        if not part.rows and part.nothing:
            hint(part.nothing)


def table_of(part: Listing) -> Table:
    """The table of a listing; of one row, names beside values."""
    result = Table(
        title=part.title or None, title_justify="left", title_style="bold", box=None, pad_edge=False,
        header_style="bold dim", show_header=not part.is_one,
    )  # fmt: skip
    result.padding = (0, 2, 0, 0)
    cells = [(column, number) for number, column in enumerate(part.columns) if column.fit is not Fit.DATA]
    if part.is_one:
        for column, number in cells:
            if part.rows[0][number] is None:
                continue
            result.add_row(f"[dim]{_heading(column)}[/]", _visible(column, part.rows[0][number]))
        return result
    for column, _ in cells:
        result.add_column(_heading(column), **_OPTIONS[column.fit])
    for row in part.rows:
        result.add_row(*(_visible(column, row[number]) for column, number in cells))
    return result


def _heading(column: Column) -> str:
    return column.heading or column.name.replace("_", " ")


def _visible(column: Column, value: Cell) -> str:
    """The text of a cell, in rich's markup, without characters that the terminal obeys."""
    return _for_people(column, value).translate(_FOR_PEOPLE)


def _for_people(column: Column, value: Cell) -> str:
    """The text of a cell, in rich's markup."""
    if isinstance(value, Shown):
        return value.text
    if value is None or value in ("", (), {}):
        return _EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and column.fit is Fit.NUMBER:
        return f"{value:,}"
    text = escape(_text(value))
    colour = _COLOURS.get(text) if column.fit is Fit.STATE else None
    return f"[{colour}]{text}[/]" if colour else text
