"""The periodic backup: `hymio backup` in a process of its own, so that presses do not wait for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import IO, Final

from hymio.errors import HymioError
from hymio.jobs.run import Run
from hymio.settings import Settings, as_environment

_POLL_SECONDS: Final = 0.5
_PRIORITY: Final = 10
"""Of the process; 0 is that of others, 19 the lowest."""

_END_SECONDS: Final = 10
"""How long an interrupted backup may take to remove its unfinished files."""


def back_up(settings: Settings, run: Run) -> str:
    """Makes a backup into the folder of the settings and deletes the oldest ones; what the command printed.

    Begun again after a crash it makes another one, and what was unfinished is removed.
    """
    run.store.check()  # a new process would open the file that took the place of ours
    settings.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = [sys.executable, "-m", "hymio", "backup", str(settings.backups.absolute())]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603  this program, and a folder of the settings
            [*words, "--keep", str(settings.backup_keep)], env={**os.environ, **as_environment(settings)},
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _lower_priority(process)
        try:
            while not _has_ended(process):
                run.check()
        finally:
            _end(process)
        detail = _last_lines(said)
    if process.returncode:
        raise HymioError("backup-failed", "the backup failed: {cause}", cause=detail)
    return detail


def _lower_priority(process: subprocess.Popen[bytes]) -> None:
    """Lets the server and its database go first."""
    with suppress(OSError, AttributeError):  # it has ended already, or there are no priorities on this system
        os.setpriority(os.PRIO_PROCESS, process.pid, _PRIORITY)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Waits a moment for a process to end."""
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that still runs: it removes its files and ends, or is killed."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_lines(said: IO[bytes]) -> str:
    """What a command printed, as one line; the end of it if it is long."""
    said.seek(0)
    return " ".join(said.read().decode(errors="replace").split())[-400:]
