"""What comes after the button, in its tables: written once, filled in where more is told, read back for one press."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from sqlalchemy import Table

from hymio.feedback import After, ContactDetails, Demographics, Followup, Text
from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Row, Transaction

Key = tuple[Instant, int, int, int]
"""A feedback's instant, smiley, epoch and sequence."""

TABLES = (
    schema.followup_feedback,
    schema.text_feedback,
    schema.contact_feedback,
    schema.metadata_feedback,
    schema.demographics_feedback,
)


def put_phases(transaction: Transaction, organization: int, phases: Iterable[tuple[Key, After]], revision: int) -> None:
    """Stores phases, in place of what is stored of them; a row keeps the revision it was born in."""
    rows: dict[Table, list[Row]] = {}
    for key, after in phases:
        for table, columns in _rows(after):
            rows.setdefault(table, []).append((organization, *key, *columns, revision))
    for table, found in rows.items():
        transaction.insert(table, found, _replacing(table))


def _rows(after: After) -> Iterator[tuple[Table, Row]]:
    for option, question, position, ui in after.followups:
        yield schema.followup_feedback, (position, option, question, ui)
    if after.text is not None:
        text, relevance, spam, position, ui, masked, rephrased, english, categories, themes = after.text
        marks = (relevance, None if spam is None else int(spam), masked, rephrased, english)
        yield schema.text_feedback, (position, ui, text, *marks, ",".join(categories), ",".join(themes))
    if after.contact is not None:
        name, email, phone, position = after.contact
        yield schema.contact_feedback, (position, name, email, phone)
    for name, value in after.metadata:
        yield schema.metadata_feedback, (name, value)
    if after.demographics is not None:
        yield schema.demographics_feedback, tuple(after.demographics)


@cache
def _replacing(table: Table) -> str:
    key = ", ".join(column.name for column in table.primary_key.columns)
    others = [column.name for column in table.columns if not column.primary_key and column.name != "revision"]
    return f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others)}"


def phases_of(transaction: Transaction, organization: int, key: Key) -> After:
    """What is stored of a press's phases."""
    return phases_at(transaction, organization, key[1], key[:1]).get(key, After())


def phases_at(
    transaction: Transaction, organization: int, smiley: int, instants: Iterable[Instant]
) -> dict[Key, After]:
    """What is stored of the phases of a smiley's presses at these instants; nothing of those that have none."""
    found: defaultdict[Key, dict[Table, list[Row]]] = defaultdict(lambda: {table: [] for table in TABLES})
    within, among = transaction.within("at", "instants"), transaction.among(instants)
    for table in TABLES:
        names = ", ".join(column.name for column in list(table.columns)[1:-1])
        text = f"SELECT {names} FROM {table.name} WHERE organization_id = :o AND smiley_id = :smiley AND {within}"
        for at, _, epoch, sequence, *columns in transaction.rows(text, o=organization, smiley=smiley, instants=among):
            found[at, smiley, epoch, sequence][table].append(tuple(columns))
    return {key: _after(*tables.values()) for key, tables in found.items()}


def _after(
    followups: list[Row], texts: list[Row], contacts: list[Row], metadata: list[Row], demographics: list[Row]
) -> After:
    return After(
        followups=tuple(
            Followup(option, question, position, ui) for position, option, question, ui in sorted(followups)
        ),
        text=next(map(text_from, texts), None),
        contact=next((ContactDetails(name, email, phone, place) for place, name, email, phone in contacts), None),
        metadata=tuple(sorted((name, value) for name, value in metadata)),
        demographics=next((Demographics(*each) for each in demographics), None),
    )


def text_from(columns: Row) -> Text:
    """A text from the columns of its table after the key, without the revision."""
    position, ui, text, relevance, spam, masked, rephrased, english, categories, themes = columns
    told = None if spam is None else bool(spam)
    return Text(
        text, relevance, told, position, ui, masked, rephrased, english, split(categories), split(themes)
    )  # fmt: skip


def split(words: str) -> tuple[str, ...]:
    """Words that are stored with commas between them."""
    return tuple(words.split(",")) if words else ()
