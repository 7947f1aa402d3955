"""Checks of what people type: names, texts and instants."""

from __future__ import annotations

from typing import Final

from hymio.errors import Phrase, SetupError
from hymio.hierarchy import BEGINNING
from hymio.period import Instant

_MAX_NAME: Final = 200
_MAX_TEXT: Final = 5_000
_NAME: Final = Phrase("name")
_INVISIBLE: Final = frozenset("\u00a0\u202f\u200c\u200d")
"""No-break spaces and joiners, which French, Persian and emoji are written with; `str.isprintable` refuses them."""


def check_name(name: str, kind: str = _NAME) -> None:
    """Raises SetupError unless it is 1 to 200 printable characters, not all spaces; its text contains `kind`."""
    if len(name) > _MAX_NAME or not _is_printable(name):
        raise SetupError(
            "bad-name",
            "got {kind} {name!r}; accepted are 1 to {most} printable characters",
            kind=kind,
            name=name[:40],
            most=_MAX_NAME,
        )


def check_text(text: str) -> None:
    """Raises SetupError unless it is 1 to 5,000 printable characters or newlines, not all of them spaces."""
    if len(text) > _MAX_TEXT or not _is_printable(text.replace("\n", " ")):
        raise SetupError(
            "bad-text",
            "got text {text!r}; accepted are 1 to {most} printable characters",
            text=text[:40],
            most=_MAX_TEXT,
        )


def check_instant(at: Instant | None) -> None:
    """Raises SetupError for an instant more than 2**62 ms before or after 1970, so that sums fit into 64 bits."""
    if at is not None and not BEGINNING <= at <= -BEGINNING:
        raise SetupError("bad-instant", "got the instant {at} ms; accepted are -2**62 to 2**62", at=at)


def _is_printable(text: str) -> bool:
    """Whether all characters are printable or of _INVISIBLE, and one of them is neither a space nor of these.

    Control characters, directional overrides (U+202E) and lone surrogates are not printable.
    """
    letters = set(text) - _INVISIBLE
    return all(letter.isprintable() for letter in letters) and bool(letters - {" "})
