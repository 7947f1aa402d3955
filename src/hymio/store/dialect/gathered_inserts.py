"""Inserts into several tables that PostgreSQL runs as one statement, each but the last in a WITH clause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import Table

MOST_WAITING_ROWS: Final = 500
"""Rows of one insert up to which it waits for others; of more, the rows take longer than the statement."""

_WORD = re.compile(r"\w+")


class WaitingInserts:
    """The inserts of a transaction that wait, at most one for each table."""

    def __init__(self) -> None:
        self._tables: set[str] = set()
        self._texts: list[str] = []
        self._values: list[object] = []

    def __bool__(self) -> bool:
        return bool(self._texts)

    def has(self, table: Table) -> bool:
        """Whether an insert into a table waits. A second one would not see its rows in ON CONFLICT."""
        return table.name in self._tables

    def may_wait_for(self, text: str) -> bool:
        """Whether a statement reads, and from none of the tables, so that it may run before what waits."""
        return text.startswith("SELECT") and self._tables.isdisjoint(_words(text))

    def add(self, table: Table, text: str, values: Sequence[object]) -> None:
        """Has a statement with its values wait."""
        self._tables.add(table.name)
        self._texts.append(text)
        self._values += values

    def take(self) -> tuple[str, list[object]]:
        """The statement of all that waits, with its values; then nothing waits."""
        text, values = _together(tuple(self._texts)) if self._texts else "", self._values
        self._tables, self._texts, self._values = set(), [], []
        return text, values


@lru_cache(maxsize=512)
def _words(text: str) -> frozenset[str]:
    """All words of a statement, among them the tables that it names."""
    return frozenset(_WORD.findall(text))


@lru_cache(maxsize=512)
def _together(texts: tuple[str, ...]) -> str:
    """One statement of several; the server runs each of them to its end."""
    *before, last = texts
    parts = [f"insert_{number} AS ({text})" for number, text in enumerate(before)]
    return f"WITH {', '.join(parts)} {last}" if parts else last
