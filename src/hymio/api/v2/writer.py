"""Writing rows of feedback as JSON objects or as lines of CSV, by the table of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from hymio.api.formats import END_OF_LINE, header
from hymio.api.v2.feedbacks import Column, Form, Kind, Names
from hymio.api.v2.shared_texts import SharedTexts
from hymio.results import FeedbackRow
from hymio.spreadsheet import cell, disarmed

_Value = Callable[[FeedbackRow], Any]
_Values = Callable[[Sequence[FeedbackRow]], Iterator[Any]]
"""Gives the values of one or more columns for a `%` template, one for each row."""


def body(batches: Iterable[Sequence[FeedbackRow]], kind: Kind, names: Names, separator: str | None) -> bytes:
    """Rows of a listing as CSV with a header line or, without a `separator`, as a JSON array.

    The lines of a batch are made before the next batch is asked for, so that only one batch of rows is in memory.
    """
    form: _Format = _Json() if separator is None else _Csv(separator)
    lines = chain.from_iterable(map(_line_writer(kind, names, form), batches))
    if separator is None:
        return f"[{','.join(lines)}]\n".encode()
    return f"{header((column.name for column in kind.columns), separator)}{''.join(lines)}".encode()


# --- the two formats -------------------------------------------------------------------------------------------------


class _Format(Protocol):
    """How a row is written: the text before each value, the text after the last one, and how values are written."""

    @property
    def end(self) -> str: ...

    def before(self, column: Column, *, first: bool) -> str: ...

    def pattern(self, form: Form) -> str | None:
        """The placeholder of a `%` template for values of a form; None if they need escaping."""

    def text(self, before: str, value: object) -> str:
        """A value with the text before it; empty for an optional value that is missing."""


class _Json:
    end = "}"
    _encode = staticmethod(msgspec.json.Encoder().encode)

    def before(self, column: Column, *, first: bool) -> str:
        return f'{"{" if first else ","}"{column.name}":'

    def pattern(self, form: Form) -> str | None:
        return {Form.NUMBER: "%s", Form.PLAIN: '"%s"'}.get(form)

    def text(self, before: str, value: object) -> str:
        return "" if value is None else before + self._encode(value).decode()


class _Csv(NamedTuple):
    separator: str
    end: str = END_OF_LINE

    def before(self, column: Column, *, first: bool) -> str:
        return "" if first else self.separator

    def pattern(self, form: Form) -> str | None:
        return "%s" if form in (Form.NUMBER, Form.PLAIN) and self.separator in _COMMON_SEPARATORS else None

    def text(self, before: str, value: object) -> str:
        return before + cell(_cell_text(value, self.separator), self.separator)


_COMMON_SEPARATORS: Final = (",", ";", "\t", "|")
"""With these, numbers and plain words never need quotes."""


def _cell_text(value: object, separator: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return disarmed(value, separator) if isinstance(value, str) else str(value)


shared: Final = SharedTexts()


# --- lines from the table of columns ---------------------------------------------------------------------------------


def _line_writer(kind: Kind, names: Names, form: _Format) -> Callable[[Sequence[FeedbackRow]], Iterator[str]]:
    """A function that gives a line for each row, from one `%` template for all rows.

    Its values are made column by column for all rows, which takes fewer calls of Python functions than row by row.
    """
    template, values = "", list[_Values]()
    # Clients choose separators: those of every request would be remembered until there is no memory left.
    is_shared = not isinstance(form, _Csv) or form.separator in _COMMON_SEPARATORS
    texts = shared.of(names.layout) if is_shared else {}
    for per, group in groupby(enumerate(kind.columns), key=lambda numbered: numbered[1].per):
        pieces = [_Piece(column, form.before(column, first=number == 0), names, form) for number, column in group]
        if per:
            template += "%s"
            key = (form.end, *((piece.before, piece.column.name) for piece in pieces))
            values.append(partial(_shared_texts, texts.setdefault(key, {}), attrgetter(*per), pieces))
        for piece in () if per else pieces:
            pattern = None if piece.column.optional else form.pattern(piece.column.form)
            template += "%s" if pattern is None else _escaped(piece.before) + pattern
            values.append(partial(map, piece.text if pattern is None else piece.value))
    template += _escaped(form.end)
    return lambda rows: map(template.__mod__, zip(*(values_of(rows) for values_of in values), strict=True))


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


class _Piece:
    """A column with what stands before its values, and a function that gives its value of a row."""

    __slots__ = ("_form", "before", "column", "value")

    def __init__(self, column: Column, before: str, names: Names, form: _Format) -> None:
        self.column, self.before, self._form = column, before, form
        source = column.source
        self.value: _Value = attrgetter(source) if isinstance(source, str) else partial(source, names)

    def text(self, row: FeedbackRow) -> str:
        return self._form.text(self.before, self.value(row))


def _shared_texts(
    texts: dict[Any, str], key: Callable[[FeedbackRow], Any], pieces: Sequence[_Piece], rows: Sequence[FeedbackRow]
) -> Iterator[str]:
    """The joined texts of columns for each row, made once for all rows with the same key and kept in `texts`."""
    try:
        return iter(list(map(texts.__getitem__, map(key, rows))))  # as nearly always once a few batches were written
    except KeyError:
        examples = dict(zip(map(key, rows), rows, strict=True))
        for value in examples.keys() - texts.keys():
            texts[value] = "".join([piece.text(examples[value]) for piece in pieces])
        return map(texts.__getitem__, map(key, rows))
