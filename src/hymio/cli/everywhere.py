"""The options of every command, `--database`, `--data` and `--config`: they stand anywhere on the command line."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperOption

PANEL: Final = "Options of every command"
_NAMES: Final = ("database", "data", "config")


def spread(root: Any) -> None:
    """Gives the options of the root command to all commands below that have none of that name.

    A command whose words another parser reads keeps its own.
    """
    options = [parameter for parameter in root.params if parameter.name in _NAMES]
    for option in options:
        option.rich_help_panel = PANEL
    for command in root.commands.values():
        _add(command, options)


def _add(command: Any, options: list[TyperOption]) -> None:
    """Adds options to a command and to all below it."""
    if command.context_settings.get("ignore_unknown_options"):
        return
    own = {parameter.name: parameter for parameter in command.params}
    for option in options:
        if option.name in own:
            own[option.name].rich_help_panel = PANEL
        else:
            command.params.append(_stored(option))
    for below in getattr(command, "commands", {}).values():
        _add(below, options)


def _stored(option: TyperOption) -> TyperOption:
    """An option whose value goes to where that of the root command is, over which it takes precedence."""
    stored = copy(option)
    stored.expose_value, stored.callback = False, _store  # type: ignore[assignment]  # the parser passes its own kinds
    return stored


def _store(context: typer.Context, parameter: Any, value: Any) -> None:
    """Keeps the value of an option for `loaded`."""
    if value is not None:
        flags = context.find_root().ensure_object(dict)
        flags[parameter.name] = value if parameter.name == "database" else Path(value)
