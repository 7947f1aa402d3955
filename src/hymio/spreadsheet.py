"""What spreadsheets make of a text in a CSV file: none becomes a formula, whichever separator a locale expects."""

from __future__ import annotations

import re
from typing import Final

_FORMULA: Final = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER: Final = re.compile(r"-?[0-9][0-9.,]*|\+?[0-9(][0-9 ().,-]*")
"""A number or a telephone number."""

_COMMA: Final = ","
_SEPARATORS: Final = ";\t|\r\n"
"""What ends a cell in some locale; so does a comma, but a file with commas quotes the texts that have one."""


def _behind(separators: str) -> re.Pattern[str]:
    """Where a formula begins behind a separator; a spreadsheet may drop quotes before it."""
    return re.compile(rf"(?<=[{separators}])(?=[\"\s]*[=+\-@＝＋－＠])")


_IN_FILE_WITH_COMMAS: Final = _behind(_SEPARATORS)
_IN_OTHER_FILE: Final = _behind(_SEPARATORS + _COMMA)
_CELL_END: Final = re.compile(f"[{_SEPARATORS}{_COMMA}]")
_DISARMED: Final = re.compile(rf"[{_SEPARATORS}{_COMMA}]'?[\"\s]*[=+\-@＝＋－＠]")


def disarmed(text: str, separator: str = _COMMA) -> str:
    """The text with an apostrophe wherever a spreadsheet would begin a formula; numbers stay unchanged.

    That is at the start and behind what is the separator in another locale, which splits texts in quotes, too.
    `separator` is that of the file.
    """
    begun = f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
    return (_IN_FILE_WITH_COMMAS if separator == _COMMA else _IN_OTHER_FILE).sub(_apostrophe, begun)


def cell(text: str, separator: str) -> str:
    """A value of CSV: quoted if RFC 4180 requires it, and if a formula sign follows another locale's separator."""
    if separator in text or '"' in text or "\n" in text or "\r" in text or _DISARMED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _apostrophe(match: re.Match[str]) -> str:
    """An apostrophe, but before a number nothing."""
    end = _CELL_END.search(match.string, match.end())
    rest = match.string[match.end() : end.start() if end else None]
    return "" if _NUMBER.fullmatch(rest.strip().strip('"')) else "'"
