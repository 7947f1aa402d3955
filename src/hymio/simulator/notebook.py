"""The file in which a software terminal keeps its presses until they are acknowledged: lines of JSON, only added to.

Every line is on the disk before anything is done on the strength of it, so a terminal may be killed at any instant. A
line that was cut short by that was never acted on, and is cut off when the file is opened again.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hymio.errors import SetupError
from hymio.feedback import DEVICE_EPOCHS

GROWN = 1 << 20
"""Bytes after which a file is written anew, without what was acknowledged."""


class Noted(NamedTuple):
    """A press as the terminal noted it; `at` is ms UTC by its own clock."""

    sequence: int
    at: int
    button: int


@dataclass(slots=True)
class Notebook:
    """What a terminal knows, as of the last line of its file. `texted` is the last sequence that an SMS told of."""

    path: Path
    url: str
    token: str
    serial: str
    epoch: int
    last: int = 0
    texted: int = 0
    waiting: deque[Noted] = field(default_factory=deque)
    settings: dict[str, Any] = field(default_factory=dict)
    file: BinaryIO | None = field(default=None, repr=False)

    @property
    def oldest(self) -> Noted | None:
        """The first press that waits."""
        return self.waiting[0] if self.waiting else None


def create_notebook(path: Path, url: str, token: str, serial: str) -> Notebook:
    """A new terminal with an epoch of its own. SetupError if the file exists: it may hold presses."""
    if path.exists():
        raise SetupError(f"{path} exists already, and may hold presses that were not acknowledged")
    made = Notebook(path, url.rstrip("/"), token, serial, secrets.randbelow(DEVICE_EPOCHS))
    _write_anew(made)
    return made


def open_notebook(path: Path) -> Notebook:
    """The terminal of a file, as it was left. SetupError if it is no such file, or in use."""
    try:
        file = path.open("r+b")
    except OSError as error:
        raise SetupError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        _lock(file, path)
        content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        file.truncate(len(whole))
        file.seek(len(whole))
        return _replayed(path, file, whole)
    except BaseException:
        file.close()
        raise


def close_notebook(notebook: Notebook) -> None:
    """Lets go of the file."""
    if notebook.file is not None:
        notebook.file.close()
        notebook.file = None


def note_press(notebook: Notebook, at: int, button: int) -> Noted:
    """Keeps a press under the next sequence; it is on the disk on return."""
    made = Noted(notebook.last + 1, at, button)
    _add(notebook, {"press": made})
    _take(notebook, "press", made)
    return made


def note_acknowledged(notebook: Notebook, sequence: int) -> None:
    """Forgets the presses up to a sequence, because the server has them all."""
    _add(notebook, {"acknowledged": sequence})
    _take(notebook, "acknowledged", sequence)
    if notebook.file is not None and notebook.file.tell() > GROWN:
        _write_anew(notebook)


def note_texted(notebook: Notebook, sequence: int) -> None:
    """Remembers up to which press SMS have told; the presses stay until they are acknowledged."""
    _add(notebook, {"texted": sequence})
    _take(notebook, "texted", sequence)


def note_settings(notebook: Notebook, settings: dict[str, Any]) -> None:
    """Remembers what the server wants asked, where it changed."""
    if settings != notebook.settings:
        _add(notebook, {"settings": settings})
        _take(notebook, "settings", settings)


def _take(notebook: Notebook, name: str, value: Any) -> None:
    """What a line says, brought into what is known."""
    if name == "press":
        notebook.waiting.append(Noted(*value))
        notebook.last = max(notebook.last, value[0])
    elif name == "acknowledged":
        while notebook.waiting and notebook.waiting[0].sequence <= value:
            notebook.waiting.popleft()
    elif name == "texted":
        notebook.texted = value
    elif name == "settings":
        notebook.settings = value


def _replayed(path: Path, file: BinaryIO, content: bytes) -> Notebook:
    try:
        lines = [json.loads(line) for line in content.splitlines()]
        notebook = Notebook(path, **lines[0]["terminal"], file=file)
        for line in lines[1:]:
            for name, value in line.items():
                _take(notebook, name, value)
    except (ValueError, TypeError, LookupError) as error:
        raise SetupError(f"{path} is not the file of a software terminal") from error
    return notebook


def _add(notebook: Notebook, line: object) -> None:
    if notebook.file is None:
        raise SetupError(f"{notebook.path} is closed")
    notebook.file.write(_line(line))
    notebook.file.flush()
    os.fsync(notebook.file.fileno())


def _write_anew(notebook: Notebook) -> None:
    """Puts a file with what is known, and no more, in the place of the old one, in one step."""
    names = ("url", "token", "serial", "epoch", "last", "texted", "settings")
    head = {"terminal": {name: getattr(notebook, name) for name in names}}
    draft = notebook.path.with_name(f"{notebook.path.name}.new")
    draft.touch(mode=0o600)  # it holds the token
    file = draft.open("w+b")
    _lock(file, notebook.path)
    file.write(_line(head) + b"".join(_line({"press": each}) for each in notebook.waiting))
    file.flush()
    os.fsync(file.fileno())
    draft.replace(notebook.path)
    _sync_folder(notebook.path.parent)
    close_notebook(notebook)
    notebook.file = file


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SetupError(f"{path} is in use by another software terminal") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
