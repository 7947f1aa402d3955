"""The rows of phases in their tables: stored, completed when a press is sent again with more, read for comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from sqlalchemy import Table

from hymio.feedback import Demographics, Phases
from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Row, Transaction
from hymio.store.phases import contact_from, followup_from, text_from

Key = tuple[Instant, int, int, int]
"""A feedback's instant, smiley, epoch and sequence."""

_TABLES = (
    schema.followup_feedback,
    schema.text_feedback,
    schema.contact_feedback,
    schema.metadata_feedback,
    schema.demographics_feedback,
)


class PhaseRows:
    """The rows of phases of an organization, in one transaction; `revision` is that of new rows."""

    def __init__(self, transaction: Transaction, organization: int, revision: int) -> None:
        self._transaction = transaction
        self._organization = organization
        self._revision = revision

    def put(self, phases: Iterable[tuple[Key, Phases]]) -> None:
        """Inserts phases or replaces stored ones; a replaced row keeps its revision."""
        rows: dict[Table, list[Row]] = {}
        for key, of_press in phases:
            for table, columns in _rows(of_press):
                rows.setdefault(table, []).append((self._organization, *key, *columns, self._revision))
        for table, of_table in rows.items():
            self._transaction.insert(table, of_table, _replacing(table))

    def at(self, smiley: int, instants: Iterable[Instant]) -> dict[Key, Phases]:
        """The stored phases of a smiley's presses at these instants, without presses that have none."""
        stored: defaultdict[Key, dict[Table, list[Row]]] = defaultdict(lambda: {table: [] for table in _TABLES})
        within, among = self._transaction.within("at", "instants"), self._transaction.among(instants)
        for table in _TABLES:
            names = ", ".join(column.name for column in list(table.columns)[1:-1])
            text = f"SELECT {names} FROM {table.name} WHERE organization_id = :o AND smiley_id = :smiley AND {within}"
            rows = self._transaction.rows(text, o=self._organization, smiley=smiley, instants=among)
            for at, _, epoch, sequence, *columns in rows:
                stored[at, smiley, epoch, sequence][table].append(tuple(columns))
        return {key: _phases(*tables.values()) for key, tables in stored.items()}


def _rows(phases: Phases) -> Iterator[tuple[Table, Row]]:
    """The rows of a press's phases with their tables: the columns between key and revision."""
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
    """SQL: an inserted row replaces the columns of a stored one, except its key and revision."""
    key = ", ".join(column.name for column in table.primary_key.columns)
    others = [column.name for column in table.columns if not column.primary_key and column.name != "revision"]
    return f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others)}"


def _phases(
    followups: list[Row], texts: list[Row], contacts: list[Row], metadata: list[Row], demographics: list[Row]
) -> Phases:
    """The phases of a press from its rows in each table."""
    return Phases(
        followups=tuple(map(followup_from, sorted(followups))),
        text=next(map(text_from, texts), None),
        contact=next(map(contact_from, contacts), None),
        metadata=tuple(sorted((name, value) for name, value in metadata)),
        demographics=next((Demographics(*columns) for columns in demographics), None),
    )
