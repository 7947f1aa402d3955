"""The tables of answers, that is of what comes after a button: their columns, and an answer from a row of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from hymio.feedback import ContactDetails, Demographics, Followup, Metadatum, Text
from hymio.store import schema
from hymio.store.dialect import Row

Answer = Followup | Text | ContactDetails | Metadatum | Demographics


def followup_from(columns: Row) -> Followup:
    position, option, question, ui = columns
    return Followup(option, question, position, ui)


def text_from(columns: Row) -> Text:
    position, ui, text, relevance, spam, masked, rephrased, english, categories, themes = columns
    is_spam = None if spam is None else bool(spam)
    words = _split(categories), _split(themes)
    return Text(text, relevance, is_spam, position, ui, masked, rephrased, english, *words)


def contact_from(columns: Row) -> ContactDetails:
    position, name, email, phone = columns
    return ContactDetails(name, email, phone, position)


def _split(words: str) -> tuple[str, ...]:
    """Words that are stored with commas between them."""
    return tuple(words.split(",")) if words else ()


class AnswerTable(NamedTuple):
    """A table of answers: its columns after the press's key and before the revision, and the answer made of them."""

    columns: tuple[str, ...]
    made: Callable[[Row], Answer]


def _answer_table(table: Table, made: Callable[[Row], Any]) -> AnswerTable:
    return AnswerTable(tuple(column.name for column in list(table.columns)[5:-1]), made)


ANSWERS: Final = {
    table.name: _answer_table(table, made)
    for table, made in (
        (schema.followup_feedback, followup_from),
        (schema.text_feedback, text_from),
        (schema.contact_feedback, contact_from),
        (schema.metadata_feedback, Metadatum._make),
        (schema.demographics_feedback, Demographics._make),
    )
}
"""By the name of the table."""
