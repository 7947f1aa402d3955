"""Organizations, the customers of an installation."""

from __future__ import annotations

from dataclasses import dataclass

from hymio.errors import NotFound, SetupError
from hymio.period import Instant
from hymio.store import Store, schema
from hymio.store.catalog.changing import check_name


@dataclass(frozen=True, slots=True)
class Organization:
    """A customer of this installation and what its API may be used for."""

    id: int
    name: str
    api_enabled: bool
    raw_results: bool


def create_organization(store: Store, name: str, now: Instant, id: int | None = None) -> int:  # noqa: A002  the field's word
    """Creates an organization with an empty ledger; its id, importable. SetupError if the name or id is taken."""
    check_name(name)
    with store.write() as transaction:
        taken = transaction.rows("SELECT id, name FROM organization")
        identity = id if id is not None else max((row[0] for row in taken), default=0) + 1
        if any(row[0] == identity or row[1] == name for row in taken):
            raise SetupError(f"there is an organization {name!r} or number {identity} already")
        transaction.insert(schema.organization, [(identity, name, now, 0, 1)])
        transaction.insert(schema.ledger, [(identity, 0, 0, None, 0)])
        return identity


def organizations(store: Store) -> list[Organization]:
    """All organizations, by id."""
    with store.read() as transaction:
        rows = transaction.rows("SELECT id, name, api_enabled, raw_results FROM organization ORDER BY id")
    return [Organization(row[0], row[1], bool(row[2]), bool(row[3])) for row in rows]


def find_organization(store: Store, name_or_id: str) -> Organization:
    """An organization by its name or number. NotFound says which there are."""
    known = organizations(store)
    for each in known:
        if each.name == name_or_id or str(each.id) == name_or_id:
            return each
    names = ", ".join(f"{each.id} {each.name!r}" for each in known) or "none yet"
    raise NotFound(f"got organization {name_or_id!r}; there are: {names}")
