"""Encoding of rows as JSON or CSV; the extension of the path selects the format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from hymio.spreadsheet import cell, disarmed

JSON: Final = "application/json; charset=utf-8"
CSV: Final = "text/csv; header=present"

BOM: Final = b"\xef\xbb\xbf"
"""The byte order mark by which Excel knows that CSV is UTF-8."""

END_OF_LINE: Final = "\r\n"


class Format(Enum):
    """The formats by extension, with their media types; the server adds the charset, UTF-8, to text types."""

    JSON = "json"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        return JSON if self is Format.JSON else CSV


def encoded(rows: Sequence[Struct], kind: type[Struct], output_format: Format, separator: str) -> bytes:
    """Rows as a JSON array, or as CSV with a header line; `kind` is the class of the rows."""
    if output_format is Format.JSON:
        return msgspec.json.encode(rows) + b"\n"
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    lines = [header(names, separator), *(_line(row, separator) for row in rows)]
    return "".join(lines).encode()


def header(names: Iterable[str], separator: str) -> str:
    """The header line of CSV."""
    return separator.join(cell(name, separator) for name in names) + END_OF_LINE


def _line(row: Struct, separator: str) -> str:
    """One row as a line of CSV."""
    values = (getattr(row, name) for name in row.__struct_fields__)
    return separator.join(cell(_text(value, separator), separator) for value in values) + END_OF_LINE


def _text(value: Any, separator: str) -> str:
    """A value as CSV writes it: empty for a missing one, `true` or `false`, lists separated by commas."""
    if value is UNSET or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_text(item, separator) for item in value)
    return disarmed(str(value), separator) if isinstance(value, str) else str(value)
