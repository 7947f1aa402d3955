"""The tables of phases: their columns, and the conversion of their rows to phases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from hymio.feedback import ContactDetails, Demographics, Followup, Metadatum, Text
from hymio.store import schema
from hymio.store.dialect import Row

Answer = Followup | Text | ContactDetails | Metadatum | Demographics


def followup_from(columns: Row) -> Followup:
    """A follow-up from the columns of its table."""
    position, option, question, ui = columns
    return Followup(option, question, position, ui)


def text_from(columns: Row) -> Text:
    """A text from the columns of its table."""
    position, ui, text, relevance, spam, masked, rephrased, english, categories, themes = columns
    is_spam = None if spam is None else bool(spam)
    words = _split(categories), _split(themes)
    return Text(text, relevance, is_spam, position, ui, masked, rephrased, english, *words)


def contact_from(columns: Row) -> ContactDetails:
    """Contact details from the columns of their table."""
    position, name, email, phone = columns
    return ContactDetails(name, email, phone, position)


def _split(words: str) -> tuple[str, ...]:
    """The words of a column that stores them separated by commas."""
    return tuple(words.split(",")) if words else ()


class AnswerTable(NamedTuple):
    """A table of phases: its columns between key and revision, and their conversion to a phase."""

    columns: tuple[str, ...]
    answer_from: Callable[[Row], Answer]


def _answer_table(table: Table, answer_from: Callable[[Row], Any]) -> AnswerTable:
    """The columns of a table of phases without key and revision, with their conversion."""
    return AnswerTable(tuple(column.name for column in list(table.columns)[5:-1]), answer_from)


ANSWERS: Final = {
    table.name: _answer_table(table, answer_from)
    for table, answer_from in (
        (schema.followup_feedback, followup_from),
        (schema.text_feedback, text_from),
        (schema.contact_feedback, contact_from),
        (schema.metadata_feedback, Metadatum._make),
        (schema.demographics_feedback, Demographics._make),
    )
}
"""The tables of phases by name."""
