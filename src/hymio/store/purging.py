"""Purging an SQLite file: the bytes of erased rows are overwritten in the file and removed from its log."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from sqlalchemy import Table

from hymio.store import MAX_PAUSE_SECONDS, Store, schema
from hymio.store.dialect import Transaction

MAX_ROWS: Final = 100_000
"""Rows of a table that is rewritten beside presses, which wait meanwhile, about 0.4 s; larger tables wait for
`hymio db vacuum`."""

LOG_WAITS: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each attempt to empty the log: the requests that read from it end soon, an export may not."""


class Purged(NamedTuple):
    """The tables that were rewritten, those that are too large, and whether the log is empty."""

    rewritten: tuple[str, ...]
    too_large: tuple[str, ...]
    is_log_empty: bool


def purge(store: Store) -> Purged:
    """Rewrites the tables from which something was erased, a commit each, and empties the log.

    What could not be done stays due. On other engines nothing is ever due.
    """
    due = _due(store)
    tables = sorted(name for name, _ in due)
    too_large = [name for name in tables if not _rewrite(store, schema.metadata.tables[name])]
    if not due:
        return Purged((), (), is_log_empty=True)
    is_log_empty = _empty_log(store)
    rewritten = tuple(name for name in tables if name not in too_large)
    if is_log_empty:
        _forget(store, {name: revisions for name, revisions in due if name in rewritten})
    return Purged(rewritten, tuple(too_large), is_log_empty)


def vacuum(store: Store) -> bool:
    """Writes the whole file anew, however large it is, and empties the log; False on other engines than SQLite.

    Unavailable where a transaction of another process goes on for too long.
    """
    due = _due(store)
    if not store.vacuum():
        return False
    if _empty_log(store):
        _forget(store, dict(due))
    return True


def _due(store: Store) -> list[tuple[str, dict[int, int]]]:
    """The tables from which rows were erased, each with the last revision of each organization that did."""
    with store.read() as transaction:
        rows = transaction.rows("SELECT name, organization_id, revision FROM purge_due ORDER BY name")
    by_name: dict[str, dict[int, int]] = {}
    for name, organization, revision in rows:
        by_name.setdefault(name, {})[organization] = revision
    return list(by_name.items())


def _rewrite(store: Store, table: Table) -> bool:
    """Rewrites a table unless it is too large; whether it did. Afterwards presses that wait get their turn."""
    with store.write() as transaction:
        began = time.monotonic()
        if _has_more_rows(transaction, table, MAX_ROWS):
            return False
        transaction.rewrite(table)
    time.sleep(min(time.monotonic() - began, MAX_PAUSE_SECONDS))
    return True


def _has_more_rows(transaction: Transaction, table: Table, number: int) -> bool:
    text = f"SELECT count(*) FROM (SELECT 1 FROM {table.name} LIMIT :most) AS found"
    [[counted]] = transaction.rows(text, most=number + 1)
    return int(counted) > number


def _empty_log(store: Store) -> bool:
    """Empties the log, with some patience; whether it did."""
    for wait in LOG_WAITS:
        time.sleep(wait)
        if store.truncate_log():
            return True
    return False


def _forget(store: Store, done: dict[str, dict[int, int]]) -> None:
    """Deletes what was due, unless more was erased meanwhile."""
    with store.write() as transaction:
        for name, revisions in done.items():
            for organization, revision in revisions.items():
                transaction.run(
                    "DELETE FROM purge_due WHERE organization_id = :o AND name = :name AND revision <= :revision",
                    o=organization,
                    name=name,
                    revision=revision,
                )
