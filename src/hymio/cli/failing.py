"""How commands end without success: one line on standard error, or one object of JSON, and an exit code.

0 is success, 1 a negative result (differences, an error response, "no" to a question), 2 an error, 130 Ctrl-C.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import typer

from hymio.cli.command import say_error
from hymio.errors import BadRequest, HymioError

NEGATIVE: Final = 1
ERROR: Final = 2

UsageError: Final = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
"""What the parser raises; Typer exports only this subclass of it."""


def wants_json(words: Sequence[str]) -> bool:
    """Whether the words of a command have `--json`, so that its error is JSON too."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


def end(error: BaseException, *, as_json: bool) -> NoReturn:
    """Prints an error, with its traceback if the log level is debug, and exits."""
    if os.environ.get("HYMIO_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exception(error)
    shown = as_hymio_error(error)
    if as_json:
        sys.stderr.write(json.dumps(_object(shown), ensure_ascii=False) + "\n")
    else:
        say_error(shown.detail, shown.code)
    sys.exit(NEGATIVE if isinstance(error, typer.Abort) else ERROR)


def as_hymio_error(error: BaseException) -> HymioError:
    """An error as one of Hymio's, with a code."""
    if isinstance(error, HymioError):
        return error
    if isinstance(error, typer.Abort):
        return BadRequest("answered-no", "nothing was changed, as the question was not answered with yes")
    if isinstance(error, UsageError):
        return _usage(error)
    if isinstance(error, OSError):
        file = f"{error.filename}: " if error.filename else ""
        return HymioError("system-error", "{cause}", cause=f"{file}{error.strerror or error}")
    return HymioError(
        "unforeseen",
        "a mistake of Hymio's, {kind}: {cause}. HYMIO_LOG_LEVEL=debug says where",
        kind=type(error).__name__,
        cause=error,
    )


def _usage(error: Any) -> HymioError:
    """The error of words that a command does not take."""
    problem = " ".join(error.format_message().split()).replace(": Value error, ", ": ")
    problem += "" if problem.endswith((".", "?")) else "."
    command = "hymio" if error.ctx is None else error.ctx.command_path
    return BadRequest("usage", "{problem} See: {command} --help", problem=problem, command=command)


def _object(error: HymioError) -> dict[str, str]:
    """An error as JSON: the members of a problem of the API that fit here, and the parameter if it is of one."""
    members = {"code": error.code, "title": error.title, "detail": " ".join(error.detail.split())}
    if isinstance(error, BadRequest):
        given = {"parameter": error.parameter, "got": error.got, "accepted": error.accepted}
        members |= {name: str(value) for name, value in given.items() if value is not None}
    return members
