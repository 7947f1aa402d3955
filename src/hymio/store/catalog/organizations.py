"""Rows of organizations, the customers of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hymio.period import Instant
from hymio.store import schema
from hymio.store.catalog.rows import run
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger
from hymio.texts import SOURCE


@dataclass(frozen=True, slots=True)
class Organization:
    """A customer of this installation, whether its API is activated, and whether raw results are part of it."""

    id: int
    name: str
    api_enabled: bool
    raw_results: bool
    language: str


def select_organizations(transaction: Transaction) -> list[Organization]:
    """All organizations, by id."""
    rows = transaction.rows("SELECT id, name, api_enabled, raw_results, language FROM organization ORDER BY id")
    return [Organization(row[0], row[1], bool(row[2]), bool(row[3]), row[4]) for row in rows]


def next_organization(transaction: Transaction) -> int:
    """One more than the highest id of an organization."""
    row = transaction.row("SELECT max(id) FROM organization")
    return (row[0] if row and row[0] else 0) + 1


def is_taken(transaction: Transaction, identity: int, name: str) -> bool:
    """Whether an organization has this id or this name."""
    text = "SELECT 1 FROM organization WHERE id = :id OR name = :name"
    return transaction.row(text, id=identity, name=name) is not None


class Options(NamedTuple):
    """Whether an organization's API is activated, whether raw results are part of it, and its language."""

    api_enabled: bool
    raw_results: bool
    language: str


def select_options(transaction: Transaction, organization: int) -> Options:
    """The options of an organization; for an unknown one those of an API that is not activated, in English."""
    text = "SELECT api_enabled, raw_results, language FROM organization WHERE id = :o"
    row = transaction.row(text, o=organization)
    return Options(bool(row[0]), bool(row[1]), row[2]) if row else Options(False, False, SOURCE)


def insert_organization(transaction: Transaction, identity: int, name: str, now: Instant) -> None:
    """Inserts an organization whose API is not activated, with a ledger at revision 0."""
    transaction.insert(schema.organization, [(identity, name, now, 0, 1, SOURCE)])
    transaction.insert(schema.ledger, [(identity, 0, 0, None, 0)])


def update_api_enabled(ledger: Ledger, *, enabled: bool) -> None:
    """Sets whether the organization's API is activated."""
    run(ledger, "UPDATE organization SET api_enabled = :enabled WHERE id = :o", enabled=int(enabled))


def update_raw_results(ledger: Ledger, *, enabled: bool) -> None:
    """Sets whether raw results are part of the organization's API."""
    run(ledger, "UPDATE organization SET raw_results = :enabled WHERE id = :o", enabled=int(enabled))


def update_language(ledger: Ledger, language: str) -> None:
    """Sets the language of answers to clients that ask for none, one of `texts.LANGUAGES`."""
    run(ledger, "UPDATE organization SET language = :language WHERE id = :o", language=language)
