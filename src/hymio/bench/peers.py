"""Programs of others to compare with: found on this machine, or installed from PyPI into a temporary environment."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from rich.progress import Progress

INSTALL_SECONDS: Final = 300
"""How long pip may take for one of them."""


class Peer(NamedTuple):
    """A Python program that has a package `name`, with its version; or, without one, why there is none."""

    name: str
    python: str
    version: str
    absent: str = ""


def peer(name: str, folder: Path, progress: Progress) -> Peer:
    """Finds a package, or installs it into an environment in `folder`, which is deleted with it; it says so first."""
    if find_spec(name) is not None:
        return _with_version(name, sys.executable)
    environment = folder / f"environment-of-{name}"
    progress.console.print(f"Installing {name} from PyPI into the temporary environment {environment}")
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    task = progress.add_task(f"pip install {name}", total=None)
    try:
        has_pip = find_spec("pip") is not None  # a pip of its own takes seconds to install
        venv.create(environment, with_pip=not has_pip, symlinks=sys.platform != "win32")
        pip = [sys.executable, "-m", "pip", "--python", str(python)] if has_pip else [str(python), "-m", "pip"]
        words = [*pip, "install", "--quiet", "--disable-pip-version-check", name]
        subprocess.run(words, capture_output=True, check=True, timeout=INSTALL_SECONDS)  # noqa: S603  own words
    except (OSError, subprocess.SubprocessError) as error:
        return Peer(name, "", "", f"not installed: {name} ({_reason(error)})")
    finally:
        progress.remove_task(task)
    return _with_version(name, str(python))


def _with_version(name: str, python: str) -> Peer:
    """The package of an environment with its version."""
    program = f"from importlib.metadata import version; print(version({name!r}))"
    words = [python, "-c", program]
    ended = subprocess.run(words, capture_output=True, check=True, text=True)  # noqa: S603  own words
    return Peer(name, python, ended.stdout.strip())


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    """Why pip or the environment failed, in one line: the last one that it wrote."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"pip took more than {INSTALL_SECONDS} s"
    written = error.stderr if isinstance(error, subprocess.CalledProcessError) else None
    lines = (written or str(error).encode()).decode(errors="replace").strip().splitlines()
    return f"pip says: {lines[-1]}" if lines else "pip failed"
