"""`--header FILE`: a new secret goes into a new file, as a header for `curl -H @FILE`, and is not shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Header = Annotated[
    Path | None,
    typer.Option(
        "--header",
        metavar="FILE",
        help="Write the secret into this new file, as a header for curl -H @FILE, and do not show it",
        show_default=False,
    ),
]


@contextmanager
def header_file(file: Path | None) -> Iterator[Callable[..., None]]:
    """A new file that only its owner can open, as a function that writes header lines to it; does nothing for None.

    The file is made before anything is changed, and deleted if the change fails. SetupError if there is one already.
    """
    from hymio.errors import SetupError

    if file is None:
        yield lambda *_: None
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SetupError("header-exists", "{file} exists; a secret is written only to a new file", file=file) from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            yield lambda *lines: print(*lines, sep="\n", file=opened, flush=True)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
