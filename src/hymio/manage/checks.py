"""Checks of what people type: names and texts."""

from __future__ import annotations

from typing import Final

from hymio.errors import Phrase, SetupError

_MAX_NAME: Final = 200
_MAX_TEXT: Final = 5_000
_NAME: Final = Phrase("name")


def check_name(name: str, kind: str = _NAME) -> None:
    """Raises SetupError unless it is 1 to 200 printable characters, not all of them spaces; `kind` names it there."""
    if not name.strip() or len(name) > _MAX_NAME or any(ord(letter) < ord(" ") for letter in name):
        raise SetupError(
            "bad-name",
            "got {kind} {name!r}; accepted are 1 to {most} printable characters",
            kind=kind,
            name=name[:40],
            most=_MAX_NAME,
        )


def check_text(text: str) -> None:
    """Raises SetupError unless it is 1 to 5,000 printable characters or newlines, not all of them spaces."""
    if not text.strip() or len(text) > _MAX_TEXT or any(ord(letter) < ord(" ") for letter in text if letter != "\n"):
        raise SetupError(
            "bad-text",
            "got text {text!r}; accepted are 1 to {most} printable characters",
            text=text[:40],
            most=_MAX_TEXT,
        )
