"""The journal of a software terminal: an append-only file of JSON lines that holds its presses until acknowledged.

Every line is synced to disk before the terminal acts on it, so the process may be killed at any time. An incomplete
last line was never acted on; opening the journal truncates it.
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

COMPACT_ABOVE_BYTES = 1 << 20
"""Size in bytes above which the journal is rewritten without acknowledged presses."""


class StoredPress(NamedTuple):
    """A press in the journal; `at` is in ms UTC on the terminal's clock."""

    sequence: int
    at: int
    button: int


@dataclass(slots=True)
class Journal:
    """The state of a terminal after replaying its journal.

    `last` is the highest sequence given, `texted` the last one reported by SMS, `waiting` the presses that are not
    acknowledged yet, in order of sequence, and `settings` those of the last receipt.
    """

    path: Path
    url: str
    token: str
    serial: str
    epoch: int
    last: int = 0
    texted: int = 0
    waiting: deque[StoredPress] = field(default_factory=deque)
    settings: dict[str, Any] = field(default_factory=dict)
    file: BinaryIO | None = field(default=None, repr=False)

    @property
    def oldest(self) -> StoredPress | None:
        """The waiting press with the lowest sequence."""
        return self.waiting[0] if self.waiting else None


def create_journal(path: Path, url: str, token: str, serial: str) -> Journal:
    """Creates the journal of a new terminal with a random epoch. SetupError if the file exists: it may hold presses."""
    if path.exists():
        raise SetupError(
            "journal-exists", "{file} exists already, and may hold presses that were not acknowledged", file=path
        )
    journal = Journal(path, url.rstrip("/"), token, serial, secrets.randbelow(DEVICE_EPOCHS))
    _compact(journal)
    return journal


def open_journal(path: Path) -> Journal:
    """Opens and locks a journal, truncates an incomplete last line and replays the others.

    SetupError if the file cannot be opened, is no journal, or is locked by another process.
    """
    try:
        file = path.open("r+b")
    except OSError as error:
        raise SetupError(
            "journal-unreadable", "{file} cannot be opened: {cause}", file=path, cause=error.strerror
        ) from error
    try:
        _lock(file, path)
        content = file.read()
        complete = content[: content.rfind(b"\n") + 1]
        file.truncate(len(complete))
        file.seek(len(complete))
        return _replayed(path, file, complete)
    except BaseException:
        file.close()
        raise


def close_journal(journal: Journal) -> None:
    """Closes the file, which releases its lock."""
    if journal.file is not None:
        journal.file.close()
        journal.file = None


def append_press(journal: Journal, at: int, button: int) -> StoredPress:
    """Appends a press with the next sequence; on return it is on disk."""
    press = StoredPress(journal.last + 1, at, button)
    _append(journal, {"press": press})
    _apply(journal, "press", press)
    return press


def append_acknowledged(journal: Journal, sequence: int) -> None:
    """Appends that the server has acknowledged all presses up to a sequence, and removes them from `waiting`."""
    _append(journal, {"acknowledged": sequence})
    _apply(journal, "acknowledged", sequence)
    if journal.file is not None and journal.file.tell() > COMPACT_ABOVE_BYTES:
        _compact(journal)


def append_texted(journal: Journal, sequence: int) -> None:
    """Appends the last sequence reported by SMS; the presses wait until they are acknowledged."""
    _append(journal, {"texted": sequence})
    _apply(journal, "texted", sequence)


def append_settings(journal: Journal, settings: dict[str, Any]) -> None:
    """Appends the settings of a receipt if they differ from the stored ones."""
    if settings != journal.settings:
        _append(journal, {"settings": settings})
        _apply(journal, "settings", settings)


def _apply(journal: Journal, name: str, value: Any) -> None:
    """Applies one journal entry, given by name and value, to the state."""
    if name == "press":
        journal.waiting.append(StoredPress(*value))
        journal.last = max(journal.last, value[0])
    elif name == "acknowledged":
        while journal.waiting and journal.waiting[0].sequence <= value:
            journal.waiting.popleft()
    elif name == "texted":
        journal.texted = value
    elif name == "settings":
        journal.settings = value


def _replayed(path: Path, file: BinaryIO, content: bytes) -> Journal:
    """The state after applying all lines of a file. SetupError if they are not those of a journal."""
    try:
        lines = [json.loads(line) for line in content.splitlines()]
        journal = Journal(path, **lines[0]["terminal"], file=file)
        for line in lines[1:]:
            for name, value in line.items():
                _apply(journal, name, value)
    except (ValueError, TypeError, LookupError) as error:
        raise SetupError("no-journal", "{file} is not the file of a software terminal", file=path) from error
    return journal


def _append(journal: Journal, line: object) -> None:
    """Writes a line and syncs it to disk."""
    if journal.file is None:
        raise SetupError("journal-closed", "{file} is closed", file=journal.path)
    journal.file.write(_line(line))
    journal.file.flush()
    os.fsync(journal.file.fileno())


def _compact(journal: Journal) -> None:
    """Atomically replaces the file by a new one that holds only the current state."""
    names = ("url", "token", "serial", "epoch", "last", "texted", "settings")
    head = {"terminal": {name: getattr(journal, name) for name in names}}
    draft = journal.path.with_name(f"{journal.path.name}.new")
    draft.touch(mode=0o600)  # it holds the token
    file = draft.open("w+b")
    _lock(file, journal.path)
    file.write(_line(head) + b"".join(_line({"press": press}) for press in journal.waiting))
    file.flush()
    os.fsync(file.fileno())
    draft.replace(journal.path)
    _sync_folder(journal.path.parent)
    close_journal(journal)
    journal.file = file


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _lock(file: BinaryIO, path: Path) -> None:
    """Locks the file for this process. SetupError if another process holds the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SetupError("journal-in-use", "{file} is in use by another software terminal", file=path) from error


def _sync_folder(folder: Path) -> None:
    """Syncs the directory entry of a renamed file to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
