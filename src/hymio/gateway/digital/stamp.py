"""The stamp of a page: when the server made it, signed, so that a form cannot be sent before it was read."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, NamedTuple
from uuid import UUID

from hymio.period import DAY_MS, Instant

_SIGNATURE_BYTES: Final = 16


class Stamp(NamedTuple):
    """When a page was made, and its random number."""

    made_at: Instant
    number: str

    @property
    def day(self) -> int:
        """The day (since 1970 UTC) whose key signs it."""
        return self.made_at // DAY_MS

    def text(self, key: bytes, code: str) -> str:
        """The stamp as a field of a form of a smiley."""
        return f"{self.made_at}.{self.number}.{_signature(self, key, code)}"

    def press_id(self, button: int) -> UUID:
        """The id of a press of this page: always the same for a button, so that a form that is sent twice counts once.

        Another button of the same page is another press, and a repeat of the visitor.
        """
        digest = hashlib.sha256(f"{self.number}:{button}".encode()).digest()
        return UUID(bytes=digest[:16], version=4)


def new_stamp(now: Instant) -> Stamp:
    """The stamp of a page that is made now."""
    return Stamp(now, secrets.token_hex(16))


def parsed(text: str) -> Stamp | None:
    """The stamp of a field, unverified; None if it is none."""
    at, _, rest = text.partition(".")
    number, _, _ = rest.partition(".")
    return Stamp(int(at), number) if at.isascii() and at.isdigit() and len(at) < 16 else None


def is_genuine(stamp: Stamp, text: str, key: bytes | None, code: str) -> bool:
    """Whether a field is a stamp of this server for a smiley; `key` is that of its day, None if it is gone."""
    return key is not None and hmac.compare_digest(stamp.text(key, code).encode(), text.encode("utf-8", "replace"))


def _signature(stamp: Stamp, key: bytes, code: str) -> str:
    """The keyed hash of a stamp and its smiley's code."""
    content = f"stamp:{code}:{stamp.made_at}:{stamp.number}"
    return hmac.digest(key, content.encode(), hashlib.sha256)[:_SIGNATURE_BYTES].hex()
