"""What a spreadsheet makes of a text: one that it would run as a formula is disarmed."""

from __future__ import annotations

import re
from typing import Final

_FORMULA: Final = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER: Final = re.compile(r"-?[0-9][0-9.,]*|\+?[0-9(][0-9 ().,-]*")
"""A number or a telephone number."""


def disarmed(text: str) -> str:
    """The text, prefixed with an apostrophe if a spreadsheet would run it as a formula; numbers stay unchanged."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
