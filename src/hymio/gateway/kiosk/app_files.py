"""The files of the kiosk's page; their version is the hash of all of them, by which the worker knows new ones."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

PAGE_FILE: Final = "page.html"
WORKER_FILE: Final = "worker.js"

TYPES: Final = {
    "app.js": "text/javascript",
    "clock.js": "text/javascript",
    "device.js": "text/javascript",
    "dom.js": "text/javascript",
    "pin.js": "text/javascript",
    "queue.js": "text/javascript",
    "saving.js": "text/javascript",
    "sending.js": "text/javascript",
    "setup.js": "text/javascript",
    "staff.js": "text/javascript",
    "visit.js": "text/javascript",
    WORKER_FILE: "text/javascript",
    "app.css": "text/css",
    "app.webmanifest": "application/manifest+json",
    "icon.svg": "image/svg+xml",
    "icon-180.png": "image/png",
    "icon-192.png": "image/png",
}
"""The files besides the page, and their types."""

MAX_BYTES: Final = 60_000
"""Bytes of the page with all its files, as they are sent."""


@cache
def version() -> str:
    """The version of the page with all its files."""
    digest = hashlib.sha256()
    for name in (PAGE_FILE, *TYPES):
        digest.update(_stored(name))
    return digest.hexdigest()[:12]


def is_current(asked: str | None) -> bool:
    """Whether a file may be sent to whoever asked for a version, or for none."""
    return asked is None or asked == version()


@cache
def content(name: str) -> bytes:
    """A file as it is sent, small; in the worker and the page stands the version."""
    if TYPES.get(name) == "image/png":
        return _stored(name)
    return _without_comments(_stored(name)).replace(b"@VERSION@", version().encode())


def _without_comments(text: bytes) -> bytes:
    """A file of text without indentation and lines that are comments."""
    lines = (line.strip() for line in text.split(b"\n"))
    return b"\n".join(line for line in lines if line and not line.startswith(b"// "))


def _stored(name: str) -> bytes:
    return (files("hymio.gateway.kiosk") / "static" / name).read_bytes()
