"""Rows of set-up tables of one organization, all or those of some ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hymio.store.dialect import Row, Transaction

V = TypeVar("V")
Ids = Collection[int] | None
"""Which rows: those of these ids; None for all."""


@dataclass(frozen=True)
class Tables:
    """The tables of an organization as a transaction sees them."""

    transaction: Transaction
    organization: int

    def rows(self, table: str, columns: Sequence[str], ids: Ids, where: str = "") -> list[Row]:
        """Columns of rows, in order of the first two; the first is the one that `ids` are of."""
        text = f"SELECT {', '.join(columns)} FROM {table} WHERE organization_id = :o {where}"
        order = f"ORDER BY {', '.join(columns[:2])}"
        if ids is None:
            return self.transaction.rows(f"{text} {order}", o=self.organization)
        if not ids:
            return []
        within, among = self.transaction.within(columns[0], "ids"), self.transaction.among(ids)
        return self.transaction.rows(f"{text} AND {within} {order}", o=self.organization, ids=among)


def with_none_for_missing(ids: Ids, rows: Mapping[int, V]) -> dict[int, V | None]:
    """The rows, and None for each of the ids that has none; in order of ids."""
    if ids is None:
        return dict(rows)
    return {key: rows.get(key) for key in sorted(ids)}
