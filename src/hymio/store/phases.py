"""What comes after the button, in its tables: written once, filled in where more is told, read back for one press."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from sqlalchemy import Table

from hymio.feedback import ContactDetails, Demographics, Followup, Phases, Text
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


def put_phases(
    transaction: Transaction, organization: int, by_key: Iterable[tuple[Key, Phases]], revision: int
) -> None:
    """Inserts or updates the rows of phases by their feedback's key; an update keeps the revision of the insert."""
    rows_by_table: dict[Table, list[Row]] = {}
    for key, phases in by_key:
        for table, columns in _rows(phases):
            rows_by_table.setdefault(table, []).append((organization, *key, *columns, revision))
    for table, rows in rows_by_table.items():
        transaction.insert(table, rows, _replacing(table))


def _rows(phases: Phases) -> Iterator[tuple[Table, Row]]:
    for option, question, position, ui in phases.followups:
        yield schema.followup_feedback, (position, option, question, ui)
    if phases.text is not None:
        text, relevance, spam, position, ui, masked, rephrased, english, categories, themes = phases.text
        marks = (relevance, None if spam is None else int(spam), masked, rephrased, english)
        yield schema.text_feedback, (position, ui, text, *marks, ",".join(categories), ",".join(themes))
    if phases.contact is not None:
        name, email, phone, position = phases.contact
        yield schema.contact_feedback, (position, name, email, phone)
    for name, value in phases.metadata:
        yield schema.metadata_feedback, (name, value)
    if phases.demographics is not None:
        yield schema.demographics_feedback, tuple(phases.demographics)


@cache
def _replacing(table: Table) -> str:
    key = ", ".join(column.name for column in table.primary_key.columns)
    others = [column.name for column in table.columns if not column.primary_key and column.name != "revision"]
    return f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others)}"


def phases_of(transaction: Transaction, organization: int, key: Key) -> Phases:
    """What is stored of a press's phases."""
    return phases_at(transaction, organization, key[1], key[:1]).get(key, Phases())


def phases_at(
    transaction: Transaction, organization: int, smiley: int, instants: Iterable[Instant]
) -> dict[Key, Phases]:
    """What is stored of the phases of a smiley's presses at these instants; nothing of those that have none."""
    found: defaultdict[Key, dict[Table, list[Row]]] = defaultdict(lambda: {table: [] for table in TABLES})
    within, among = transaction.within("at", "instants"), transaction.among(instants)
    for table in TABLES:
        names = ", ".join(column.name for column in list(table.columns)[1:-1])
        text = f"SELECT {names} FROM {table.name} WHERE organization_id = :o AND smiley_id = :smiley AND {within}"
        for at, _, epoch, sequence, *columns in transaction.rows(text, o=organization, smiley=smiley, instants=among):
            found[at, smiley, epoch, sequence][table].append(tuple(columns))
    return {key: _phases(*tables.values()) for key, tables in found.items()}


def _phases(
    followups: list[Row], texts: list[Row], contacts: list[Row], metadata: list[Row], demographics: list[Row]
) -> Phases:
    return Phases(
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
