"""A report as JSON, and its tables as CSV."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Final, cast

import msgspec

from hymio.report.tables import TABLE_NAMES, Plain, table
from hymio.report.values import Report, schema
from hymio.spreadsheet import cell, disarmed

SCHEMA_FILE: Final = "report.json"

SPOOLED_BYTES: Final = 4 << 20
"""Bytes of a file that are in memory; a larger one is a temporary file."""


def as_json(report: Report) -> bytes:
    """The report as JSON by the schema of `values.schema`; dates and times in ISO 8601 with their offset."""
    return msgspec.json.encode(report) + b"\n"


def encoded_schema() -> bytes:
    """The JSON Schema of `as_json`, as it is served at /docs/schema/SCHEMA_FILE."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema()}
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"


def from_json(body: bytes) -> Report:
    """The report of JSON that `as_json` wrote. msgspec.ValidationError."""
    return msgspec.json.decode(body, type=Report)


def as_csv(report: Report, name: str, separator: str = ",") -> bytes:
    """One table of a report as CSV in UTF-8: a header line, CRLF, RFC 4180 quotes, and empty cells for no value.

    The table `about` says period, zones, filters, revision, number of answers, when it was made, and the link. A text
    that a spreadsheet would run as a formula is prefixed with an apostrophe. KeyError for an unknown table.
    """
    shown = table(report, name)
    header = separator.join(cell(column, separator) for column in shown.columns)
    lines = (separator.join([_cell(value, separator) for value in row]) for row in shown.rows)
    return "".join(f"{line}\r\n" for line in (header, *lines)).encode()


def as_zip(report: Report, separator: str = ",") -> IO[bytes]:
    """All tables of a report as CSV, in a zip file; the caller closes it. Its bytes depend on the report alone."""
    output = cast("IO[bytes]", SpooledTemporaryFile(SPOOLED_BYTES))  # noqa: SIM115  the caller closes it
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in TABLE_NAMES:
            entry = zipfile.ZipInfo(f"{name}.csv")  # dated 1980, so that the bytes are those of the tables
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, as_csv(report, name, separator))
    return output


_COMMON_SEPARATORS: Final = (",", ";", "\t", "|")
"""With these, numbers, flags and dates never need quotes."""


def _cell(value: Plain, separator: str) -> str:
    """A cell of CSV, quoted where RFC 4180 requires it."""
    if type(value) is int and separator in _COMMON_SEPARATORS:  # most cells of hours
        return str(value)
    text = _text(value, separator)
    return text if separator in _COMMON_SEPARATORS and not isinstance(value, str) else cell(text, separator)


def _text(value: Plain, separator: str) -> str:
    """A cell as text: flags in lower case as in JSON, numbers in full."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, str):
        return disarmed(value, separator)
    return repr(value)
