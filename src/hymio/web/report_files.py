"""The files of a report at their addresses: which there are, their names, and their answers."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any, Final
from urllib.parse import quote

import msgspec
from litestar import Response
from litestar.response import Stream

from hymio import report
from hymio.access import Principal
from hymio.errors import BadRequest, NotFound, Phrase
from hymio.report import Report, ReportQuery
from hymio.report.files import SCHEMA_FILE, as_csv, as_json, as_zip
from hymio.report.pdf import as_pdf
from hymio.report.tables import TABLE_NAMES
from hymio.report.translated import in_language
from hymio.report.xlsx import MEDIA_TYPE as XLSX
from hymio.report.xlsx import as_xlsx
from hymio.serving.answers import JSON
from hymio.serving.door import Services
from hymio.texts.localization import Localization
from hymio.web.sign_in import Answer
from hymio.web.unchanged import Making, Unchanged, unchanged

MAX_TEXTS: Final = 50_000
"""Texts that a file lists; the file says how many match, and `textOffset` goes on behind them."""

MAIN_TABLE: Final = "trend"
"""The table of `/reports/NODE.csv`."""

VARY: Final = "Accept-Language, Authorization, Cookie"

_FLAGS: Final = {"true": True, "false": False}
_CHUNK_BYTES: Final = 256 << 10
_FORBIDDEN: Final = re.compile(r'[\\/:*?"<>|\s]+')
_MAX_NAME: Final = 80

Maker = Callable[[Report, Localization, str], IO[bytes]]
"""Makes the bytes of a file: of a report in a language, with a separator of CSV."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file: its extension, media type, maker, and whether a browser shows it."""

    extension: str
    media_type: str
    make: Maker
    is_shown: bool = False
    table: str = ""
    lists_hours: bool = False
    is_translated: bool = False
    """Whether the texts of the set-up are in the reader's language, as on the page; files for programs have them in
    their default locale."""

    def query(self, query: ReportQuery) -> ReportQuery:
        """The query of a file: with as many texts as a file lists and, if its tables need them, the hours."""
        texts, only_hours = replace(query.texts, limit=MAX_TEXTS), self.table == "hours"
        return replace(query, texts=texts, lists_hours=self.lists_hours, only_hours=only_hours)


def _json(value: Report, _language: Localization, _separator: str) -> IO[bytes]:
    return io.BytesIO(as_json(value))


def _csv(table: str, value: Report, _language: Localization, separator: str) -> IO[bytes]:
    return io.BytesIO(as_csv(value, table, separator))


def _zip(value: Report, _language: Localization, separator: str) -> IO[bytes]:
    return as_zip(value, separator)


def _xlsx(value: Report, language: Localization, _separator: str) -> IO[bytes]:
    return as_xlsx(value, language)


def _pdf(value: Report, language: Localization, _separator: str) -> IO[bytes]:
    return io.BytesIO(as_pdf(value, language))


_CSV: Final = "text/csv; header=present"  # the server adds the charset
_KINDS: Final = {
    "json": FileKind("json", JSON, _json, is_shown=True),
    "pdf": FileKind("pdf", "application/pdf", _pdf, is_shown=True, is_translated=True),
    "xlsx": FileKind("xlsx", XLSX, _xlsx, lists_hours=True, is_translated=True),
    "zip": FileKind("zip", "application/zip", _zip, lists_hours=True),
}

EXTENSIONS: Final = ("csv", *_KINDS)
"""What stands behind the dot of a report's address."""


def kind_of(extension: str, table: str | None = None) -> FileKind:
    """The kind of file with an extension; `table` is that of CSV, by default MAIN_TABLE. NotFound."""
    if extension == "csv":
        name = table or MAIN_TABLE
        if name in TABLE_NAMES:
            return FileKind("csv", _CSV, partial(_csv, name), table=name, lists_hours=name == "hours")
        raise NotFound(
            "unknown-report-table", "A report has no such table; there are: {known}.", known=", ".join(TABLE_NAMES)
        )
    if extension not in _KINDS:
        known = ", ".join(f".{one}" for one in EXTENSIONS)
        raise NotFound("unknown-report-file", "A report has no such file; there are: {known}.", known=known)
    return _KINDS[extension]


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file that is asked for: its kind and query, and what else its bytes depend on."""

    kind: FileKind
    query: ReportQuery
    language: Localization
    base_url: str
    separator: str | None
    if_none_match: str
    bom: str | None = None


def file_answer(services: Services, principal: Principal, asked: FileRequest) -> Answer | Making:
    """304, or what makes the file of a report. BadRequest for a wrong parameter; NotFound and Forbidden as `build`."""
    separator, kind, language = _separator(asked.separator), asked.kind, asked.language
    mark = _mark(asked.bom, otherwise=principal.csv_bom) if kind.extension == "csv" else b""
    parts = kind.extension, kind.table, separator, mark, language.language, language.locale_name, asked.base_url
    known = unchanged(services.store, principal, asked.query, services.clock(), *parts, vary=VARY)
    if (answer := known.answer(asked.if_none_match)) is not None:
        return answer
    return partial(_file, services, principal, asked, separator, mark, known)


def _file(
    services: Services, principal: Principal, asked: FileRequest, separator: str, mark: bytes, known: Unchanged
) -> Response[Any]:
    """The file, whose bytes are made before the answer begins."""
    kind, language = asked.kind, asked.language
    value = report.build(services.store, principal, asked.query, known.moment)
    if kind.is_translated:
        layout, content = services.store.layout(principal.organization), services.store.content(principal.organization)
        value = in_language(value, layout, content, language.language)
    headers = {**known.headers(), "Content-Disposition": disposition(value, kind), "X-Robots-Tag": "noindex"}
    value = msgspec.structs.replace(value, link=asked.base_url + value.link)
    file = kind.make(value, language, separator)
    if mark:
        file = io.BytesIO(mark + file.read())
    if kind.extension == "json":
        headers["Link"] = f'</docs/schema/{SCHEMA_FILE}>; rel="describedby"'
    headers["Content-Length"] = str(file.seek(0, io.SEEK_END))
    return Stream(chunks_of(file), media_type=kind.media_type, headers=headers)


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, which is closed at the end, or when nobody reads on, as after HEAD."""
    chunks = _chunks(file)
    next(chunks)  # a generator that was never begun would not close the file
    return chunks


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        yield b""
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _mark(got: str | None, *, otherwise: bool) -> bytes:
    """What stands before CSV: a byte order mark where the request or else the token wants it. BadRequest."""
    if got is not None and got not in _FLAGS:
        raise BadRequest(parameter="csvBom", got=got, accepted=", ".join(_FLAGS))
    return b"\xef\xbb\xbf" if (otherwise if got is None else _FLAGS[got]) else b""


def _separator(got: str | None) -> str:
    """The character between two values of CSV, as in API v2. BadRequest."""
    if got is None:
        return ","
    if len(got) != 1 or got in '"\r\n':
        accepted = Phrase('one character, neither " nor the end of a line')
        raise BadRequest(parameter="csvSeparator", got=got, accepted=accepted)
    return got


# --- names of files --------------------------------------------------------------------------------------------------


def disposition(value: Report, kind: FileKind) -> str:
    """The header Content-Disposition (RFC 6266): a name from node, dates and table, once in ASCII and once in full."""
    dates = dict.fromkeys((value.period.first.isoformat(), value.period.last.isoformat()))
    end = "".join(f"-{part}" for part in (*dates, kind.table) if part) + f".{kind.extension}"
    name = _safe(value.node.name) or f"report-{value.node.id}"
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_name = _safe(re.sub(r"[^A-Za-z0-9._-]+", "", folded)) or f"report-{value.node.id}"
    word = "inline" if kind.is_shown else "attachment"
    return f"{word}; filename=\"{ascii_name}{end}\"; filename*=UTF-8''{quote(name + end, safe='')}"


def _safe(name: str) -> str:
    """A name without what a file system or a header could misread: separators, control and direction marks."""
    visible = "".join(letter for letter in name if not unicodedata.category(letter).startswith("C"))
    return _FORBIDDEN.sub("-", visible).strip("-.")[:_MAX_NAME]
