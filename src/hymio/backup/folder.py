"""The folder of backups: a workspace for files that are not whole yet, names that say so, and which files are deleted.

What has a name ends in SUFFIX only once it is whole and on disk: until then it lies in a workspace, a folder that its
process keeps locked. A workspace whose process was killed is removed by the next one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hymio.errors import SetupError
from hymio.period import Instant, format_timestamp

SUFFIX: Final = ".zip"
WORKSPACE: Final = ".hymio-unfinished-"
"""How the names of workspaces begin."""

_LOCK: Final = "lock"
_NO_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, for this account alone and removed at the end; old ones without a process too."""
    _remove_abandoned(folder)
    made = Path(tempfile.mkdtemp(prefix=WORKSPACE, dir=folder))
    try:
        with (made / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    for old in folder.glob(f"{WORKSPACE}*"):
        # Another account's, or one that has just been made and is not locked yet, is left.
        with suppress(OSError), (old / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)


def require_absent(*files: Path) -> None:
    """SetupError if one of the files exists: nothing is overwritten."""
    for file in files:
        if file.exists() or file.is_symlink():
            raise SetupError("file-exists", "{file} exists already, and nothing is overwritten", file=file)


def name_whole(file: Path, name: Path) -> None:
    """Gives a file in a workspace its name, once it is on disk. SetupError if the name is taken, also just now."""
    _sync(file)
    try:
        os.link(file, name)  # unlike a rename, it fails where the name is taken
    except FileExistsError:
        require_absent(name)
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        require_absent(name)
        file.rename(name)
    _sync(name.parent)


def _sync(path: Path) -> None:
    """Has what was written to a file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def archive_name(now: Instant) -> str:
    """The name of a backup made at an instant: `hymio-20250601T071500Z.zip`."""
    digits = format_timestamp(now, 0, utc=True)[:19].replace("-", "").replace(":", "")
    return f"hymio-{digits}Z{SUFFIX}"
