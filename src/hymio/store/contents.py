"""What is in a database at one moment, so that a copy can be compared with its original."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hymio.errors import DatabaseError
from hymio.store import schema
from hymio.store.dialect import Transaction


@dataclass(frozen=True, slots=True)
class OrganizationContents:
    """An organization, and the revision of its last commit."""

    id: int
    name: str
    revision: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The last migration, the organizations, and how many rows each table has."""

    migration: str
    organizations: tuple[OrganizationContents, ...]
    rows: dict[str, int]


def tables() -> list[str]:
    """The names of all tables of this version."""
    return ["alembic_version", *(table.name for table in schema.metadata.sorted_tables)]


def read_contents(transaction: Transaction, names: Iterable[str] | None = None) -> Contents:
    """What a transaction sees; `names` are the tables of the version that made the database, by default of this one."""
    [(migration,)] = transaction.rows("SELECT version_num FROM alembic_version")
    organizations = transaction.rows(
        "SELECT o.id, o.name, l.revision FROM organization o JOIN ledger l ON l.organization_id = o.id ORDER BY o.id"
    )
    rows = {name: transaction.rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in names or tables()}
    return Contents(migration, tuple(OrganizationContents(*row) for row in organizations), rows)


def require_equal(copy: Contents, original: Contents) -> None:
    """Raises DatabaseError where a copy does not hold what its original held."""
    if copy != original:
        raise DatabaseError(
            "copy-differs",
            "the copy does not hold what its manifest says: {difference}",
            difference=_difference(copy, original),
        )


def _difference(copy: Contents, original: Contents) -> str:
    names = sorted(copy.rows.keys() | original.rows.keys())
    counts = [(name, copy.rows.get(name, 0), original.rows.get(name, 0)) for name in names]
    rows = [f"{name} has {here:,} rows instead of {there:,}" for name, here, there in counts if here != there]
    return "; ".join(rows) or "organizations, revisions or the migration"
