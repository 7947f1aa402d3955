"""Runs the typesetter in a process of its own: its memory goes back to the system, and its time has a deadline."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from hymio.errors import Unavailable
from hymio.typesetting.glyphs import FONTS

MAX_PROCESSES: Final = 2
"""Documents of this process that are set at the same time; others wait."""

MAX_WAITING: Final = 6
"""Documents that wait for their turn, each in a thread; any further one is refused at once."""

MAX_WAIT: Final = 30.0
"""Seconds that a document waits for its turn."""

MAX_TIME: Final = 120.0
"""Seconds after which a process is ended."""

MAX_MEMORY: Final = 2 << 30
"""Bytes of memory that a process may have."""

PAGE_END: Final = b"\0\0PAGE\0\0"
"""What stands between two pictures."""

_PROGRAM: Final = Path(__file__).with_name("__main__.py")

_turns: Final = threading.BoundedSemaphore(MAX_PROCESSES)
_places: Final = threading.BoundedSemaphore(MAX_PROCESSES + MAX_WAITING)


@dataclass(frozen=True, slots=True)
class Document:
    """A document to set: a template of Typst, the values that it reads as `values`, and the date in its metadata.

    `files` are attached to it by their names. Values are data and never markup.
    """

    template: str
    values: Mapping[str, object]
    made: datetime
    files: Mapping[str, str] = field(default_factory=dict)


def typeset(document: Document) -> bytes:
    """The document as tagged PDF (PDF/UA-1); equal documents give equal bytes. Blocks: call it in a thread.

    Unavailable if too many documents wait, or if it takes more than MAX_TIME or MAX_MEMORY.
    """
    if not _places.acquire(blocking=False):
        raise _too_many()
    try:
        if not _turns.acquire(timeout=MAX_WAIT):
            raise _too_many()
        try:
            return _call(document, "pdf", 0)
        finally:
            _turns.release()
    finally:
        _places.release()


def _too_many() -> Unavailable:
    return Unavailable("too-many-documents", "Too many documents are made at the moment.", retry_after=10)


def pictures(document: Document, ppi: int = 72) -> list[bytes]:
    """The pages of the document as PNG, `ppi` pixels an inch: for looking at."""
    return _call(document, "png", ppi).split(PAGE_END)


def _call(document: Document, form: str, ppi: int) -> bytes:
    asked = {
        "template": document.template,
        "values": json.dumps({**document.values, "files": dict(document.files)}, ensure_ascii=False),
        "made": int(document.made.timestamp()),
        "format": form,
        "ppi": ppi,
        "memory": MAX_MEMORY,
        "fonts": str(FONTS),
        "page_end": PAGE_END.decode(),
    }
    body, command = json.dumps(asked).encode(), [sys.executable, "-P", str(_PROGRAM)]
    try:
        done = subprocess.run(  # noqa: S603  nothing of it comes from a request
            command, input=body, capture_output=True, timeout=MAX_TIME, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(f"not done after {MAX_TIME:g} s") from error
    if done.returncode:
        raise _failed(done.stderr.decode(errors="replace")[-2000:])
    return done.stdout


def _failed(cause: str) -> Unavailable:
    return Unavailable("document-failed", "This document cannot be made.", retry_after=60, cause=cause)
