"""Inserts that wait are stored before they are read, undone with their savepoint, and gone with a transaction."""

from __future__ import annotations

from contextlib import suppress

from hymio.store import Store, schema
from hymio.store.dialect import Transaction
from tests.world import NOW, build


class _UndoneError(Exception):
    """What a transaction, or part of one, is undone for."""


def _insert_and_raise(transaction: Transaction, organization: int) -> None:
    transaction.insert_later(schema.revision, [(organization, 904, NOW)])
    raise _UndoneError


def _revisions(transaction: Transaction, organization: int) -> list[int]:
    rows = transaction.rows(
        "SELECT revision FROM revision WHERE organization_id = :o AND revision > 900", o=organization
    )
    return sorted(row[0] for row in rows)


def test_what_waits_is_read_undone_and_committed(store: Store) -> None:
    organization = build(store).organization
    with store.write() as transaction:
        transaction.insert_later(schema.revision, [(organization, 901, NOW)])
        transaction.insert_later(schema.revision, [(organization, 902, NOW)])
        transaction.insert_later(schema.visit, [(organization, 1, b"x", NOW)])
        assert transaction.rows("SELECT count(*) FROM ledger WHERE organization_id = :o", o=organization) == [(1,)]
        assert _revisions(transaction, organization) == [901, 902]
        transaction.insert_later(schema.revision, [(organization, 903, NOW)])
        with suppress(_UndoneError), transaction.savepoint():
            _insert_and_raise(transaction, organization)
        transaction.insert_later(schema.changed_day, [(organization, 1, 1, 905)])
    with store.read() as transaction:
        assert _revisions(transaction, organization) == [901, 902, 903]
        assert transaction.rows("SELECT day FROM changed_day WHERE organization_id = :o", o=organization) == [(1,)]


def test_what_waits_is_not_stored_without_a_commit(store: Store) -> None:
    organization = build(store).organization
    with suppress(_UndoneError), store.write() as transaction:
        _insert_and_raise(transaction, organization)
    with store.read() as transaction:
        assert _revisions(transaction, organization) == []
