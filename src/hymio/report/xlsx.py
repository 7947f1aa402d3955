"""A report as a workbook (XLSX): a first sheet that says what it is of, then one sheet a table.

Texts are always strings, so that no program runs one as a formula or follows it as a link. Rows are written to
temporary files as they are made. The bytes depend on the report, its language and the version of XlsxWriter alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final, cast

from hymio.errors import Phrase
from hymio.report.files import SPOOLED_BYTES
from hymio.report.headings import TABLE_TITLES, heading_of
from hymio.report.query import WEEKDAYS
from hymio.report.tables import Plain, Table, tables
from hymio.report.values import Report
from hymio.texts.localization import Localization

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

MAX_TEXT: Final = 32_767
"""UTF-16 units of a text that a cell can hold, by Microsoft's limits of Excel."""

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_MONDAY: Final = date(2024, 1, 1)
_GREEN, _PALE, _GREY = "#0F766E", "#ECFDF5", "#57534E"
_NOT_IN_XML: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""What a file in XML cannot hold: lone surrogates and noncharacters; XlsxWriter escapes control characters itself."""

_DIGITS: Final = {
    "answers": "#,##0",
    "share": "0.0 %",
    "relevance": "0.00",
    "p": "0.0000",
    "correctedP": "0.0000",
    "z": "0.00",
    "score": "0.00",
    "indexShown": "#,##0.##",
    "change": "+0.##;-0.##;0",
}
"""The formats of numbers by column; other fractions have two decimals, other whole numbers no groups."""

PAUSE_EVERY_ROWS, PAUSE_SECONDS = 20, 0.0005
"""Writing a sheet never leaves the interpreter by itself: without pauses, presses at 500/s beside it took a median of
120 ms and 99 of 100 in 430 ms, with them 14 and 60 to 136 ms. A year by hour has 380 pauses."""

_WIDE: Final = {"text": 60, "english": 60, "question": 40, "option": 30, "name": 30, "feedbackId": 38}
_NARROWEST, _MOST_WIDTH = 9, 24


def as_xlsx(report: Report, language: Localization) -> IO[bytes]:
    """The workbook of a report, at its end; the caller closes it."""
    from xlsxwriter import Workbook  # noqa: PLC0415  only a request for a workbook needs it

    output = cast("IO[bytes]", SpooledTemporaryFile(SPOOLED_BYTES))  # noqa: SIM115  the caller closes it
    with Workbook(output, _OPTIONS) as workbook:
        workbook.set_properties(
            {
                "title": report.node.path,
                "author": "Hymio",
                "created": report.made_at.astimezone(UTC).replace(tzinfo=None),
            }
        )
        book = _Book(workbook, report, language)
        about, *others = tables(report)
        book.about(about, others)
        for table in others:
            if table.rows:
                book.sheet(table)
    return output


class _Book:
    """A workbook that is being written: its formats, and how its language names things."""

    def __init__(self, workbook: Workbook, report: Report, language: Localization) -> None:
        self._workbook, self._report, self._language = workbook, report, language
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}

    def about(self, about: Table, others: Sequence[Table]) -> None:
        """The first sheet: what the report is of, and the rows of every table, those without a sheet too."""
        sheet = self._new_sheet(about.name)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 60)
        sheet.hide_gridlines(2)
        sheet.set_row(0, 30)
        self._text(sheet, 0, 0, self._report.node.path, self._format(bold=True, font_size=18, font_color=_GREEN))
        row = 2
        for name, value in about.rows:
            if value is not None:
                self._text(sheet, row, 0, self._word(heading_of(str(name))), self._format(font_color=_GREY))
                self._about_value(sheet, row, value)
                row += 1
        row = self._notes(sheet, row + 1)
        self._contents(sheet, row + 1, others)

    def _about_value(self, sheet: Worksheet, row: int, value: Plain) -> None:
        """A value of the first sheet; a time is a text, so that its zone stands with it."""
        if isinstance(value, datetime):
            value = value.isoformat(" ", "minutes")
        style = self._format(align="left", **({"num_format": "yyyy-mm-dd"} if isinstance(value, date) else {}))
        self._cell(sheet, row, 1, value, style)

    def _notes(self, sheet: Worksheet, row: int) -> int:
        """What a reader of the numbers has to know."""
        notes = (
            Phrase("Times are local times of the zone or zones above, with their difference from UTC beside them."),
            Phrase("Empty cells are numbers that are withheld, because too few people answered, or that do not exist."),
            Phrase(
                "A text of more than {most} characters goes on in further columns at the right of its sheet.",
                most=MAX_TEXT,
            ),
        )
        for note in notes:
            self._text(sheet, row, 0, self._word(note), self._format(italic=True, font_color=_GREY))
            row += 1
        return row

    def _contents(self, sheet: Worksheet, row: int, others: Sequence[Table]) -> None:
        """The tables with their numbers of rows."""
        for column, heading in enumerate((Phrase("Table"), Phrase("Rows"))):
            self._text(sheet, row, column, self._word(heading), self._head_format())
        for number, table in enumerate(others, row + 1):
            self._text(sheet, number, 0, self._word(TABLE_TITLES[table.name]), None)
            sheet.write_number(number, 1, len(table.rows), self._format(num_format="#,##0", align="left"))

    def sheet(self, table: Table) -> None:
        """A table: its heads, which stay in view, and its rows."""
        sheet = self._new_sheet(table.name)
        writers = list(self._columns(sheet, table))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(table.rows), len(writers) - 1)
        for number, row in enumerate(table.rows, 1):
            for writer in writers:
                writer(number, row)
            if number % PAUSE_EVERY_ROWS == 0:
                time.sleep(PAUSE_SECONDS)

    def _columns(self, sheet: Worksheet, table: Table) -> Iterator[Callable[[int, tuple[Plain, ...]], None]]:
        """Writes the heads, and gives a function for each column of the sheet that writes its cell of a row.

        A time has a second column, its difference from UTC; a text that is too long has further ones at the end. Flags
        of withheld answers are left out where nothing is withheld.
        """
        column, long_texts = 0, list[tuple[int, str, int]]()
        for place, name in enumerate(table.columns):
            values = [row[place] for row in table.rows]
            if name.lower().endswith("leftout") and not any(values):
                continue
            heading, kind = self._word(heading_of(name)), type(next((one for one in values if one is not None), None))
            width = min(max(len(heading) + 3, _NARROWEST), _MOST_WIDTH)
            if kind is datetime:
                self._head(sheet, column, self._zoned(heading), 18)
                self._head(sheet, column + 1, "UTC", _NARROWEST)
                yield partial(self._datetime, sheet, column, place, self._format(num_format="yyyy-mm-dd hh:mm"))
                column += 2
                continue
            self._head(sheet, column, heading, _WIDE.get(name, width))
            if kind is str:
                yield partial(self._string, sheet, column, place, 0, self._translated(name))
                parts = max(len(_parts(str(one))) for one in values if one is not None)
                long_texts += [(place, heading, part) for part in range(1, parts)]
            else:
                yield partial(self._plain, sheet, column, place, self._number_format(name, kind))
            column += 1
        for column, (place, heading, part) in enumerate(long_texts, column):  # noqa: B020  numbers go on
            self._head(sheet, column, f"{heading} ({part + 1})", 40)
            yield partial(self._string, sheet, column, place, part, str)

    # Cells

    def _datetime(
        self, sheet: Worksheet, column: int, place: int, style: Any, number: int, row: tuple[Plain, ...]
    ) -> None:
        value = row[place]
        if isinstance(value, datetime):
            sheet.write_datetime(number, column, value.replace(tzinfo=None), style)
            sheet.write_string(number, column + 1, _offset_text(value.utcoffset()))

    def _string(
        self, sheet: Worksheet, column: int, place: int, part: int, translated: Callable[[str], str], number: int,
        row: tuple[Plain, ...],
    ) -> None:  # fmt: skip
        value = row[place]
        parts = () if value is None else _parts(translated(str(value)))
        if part < len(parts):
            wrapped = self._format(text_wrap=True, valign="top") if len(parts[part]) > 40 else None
            sheet.write_string(number, column, parts[part], wrapped)

    def _plain(
        self, sheet: Worksheet, column: int, place: int, style: Any, number: int, row: tuple[Plain, ...]
    ) -> None:
        value = row[place]
        if value is not None:
            self._cell(sheet, number, column, value, style)

    def _cell(self, sheet: Worksheet, row: int, column: int, value: Plain, style: Any) -> None:
        """A value by its type."""
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value, style)
        elif isinstance(value, (int, float)):
            sheet.write_number(row, column, value, style)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, style)
        elif value is not None:
            self._text(sheet, row, column, str(value), style)

    def _text(self, sheet: Worksheet, row: int, column: int, text: str, style: Any) -> None:
        """A text on the first sheet; what does not fit into one cell is in the next ones."""
        for number, part in enumerate(_parts(text)):
            sheet.write_string(row, column + number, part, style)

    # Names and formats

    def _new_sheet(self, table: str) -> Worksheet:
        sheet = self._workbook.add_worksheet(self._word(TABLE_TITLES[table]))
        if self._language.direction == "rtl":
            sheet.right_to_left()
        return cast("Worksheet", sheet)

    def _word(self, text: str) -> str:
        return self._language.text(text)

    def _translated(self, column: str) -> Callable[[str], str]:
        """How the texts of a column are shown: weekdays by their names, all others as they are."""
        return self._weekday if column == "weekday" else str

    def _weekday(self, word: str) -> str:
        return self._language.short_day(_MONDAY + timedelta(days=WEEKDAYS.index(word)))

    def _zoned(self, heading: str) -> str:
        """The heading of a time, with its zone if there is only one."""
        return f"{heading} ({self._report.zones[0]})" if len(self._report.zones) == 1 else heading

    def _head(self, sheet: Worksheet, column: int, heading: str, width: int) -> None:
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, heading, self._head_format())

    def _head_format(self) -> Any:
        return self._format(bold=True, font_color="#FFFFFF", bg_color=_GREEN, text_wrap=True, valign="vcenter")

    def _number_format(self, column: str, kind: type) -> Any:
        """The format of a column's numbers, dates or flags."""
        if kind is date:
            return self._format(num_format="yyyy-mm-dd")
        if kind is bool:
            return self._format(align="left")
        if column.startswith("compared"):
            column = column[len("compared")].lower() + column[len("compared") + 1 :]
        pattern = _DIGITS.get(column, "#,##0.00" if kind is float else "0")
        return self._format(num_format=pattern)

    def _format(self, **properties: object) -> Any:
        """A format of the workbook; equal ones are one."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._workbook.add_format(properties)
        return self._formats[key]


@lru_cache(64)
def _offset_text(offset: timedelta | None) -> str:
    """A difference from UTC, as `+02:00`."""
    minutes = 0 if offset is None else round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _parts(text: str) -> tuple[str, ...]:
    """A text in parts of at most MAX_TEXT UTF-16 units, of which a character beyond the first plane takes two."""
    text = _NOT_IN_XML.sub("\ufffd", text)
    if len(text) * 2 <= MAX_TEXT or len(text.encode("utf-16-le")) <= 2 * MAX_TEXT:
        return (text,)
    parts, start, units = list[str](), 0, 0
    for place, letter in enumerate(text):
        size = 2 if ord(letter) > 0xFFFF else 1
        if units + size > MAX_TEXT:
            parts.append(text[start:place])
            start, units = place, 0
        units += size
    return (*parts, text[start:])
