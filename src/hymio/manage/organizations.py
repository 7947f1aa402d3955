"""Organizations, the customers of an installation."""

from __future__ import annotations

from dataclasses import replace

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.hierarchy import BEGINNING, NodeKind
from hymio.manage.change import Batch, batch_of, changing, id_refused
from hymio.manage.checks import check_name
from hymio.period import Instant
from hymio.period import zone as zone_named
from hymio.store import Store
from hymio.store.catalog import nodes
from hymio.store.catalog.organizations import (
    Organization,
    insert_organization,
    is_taken,
    next_organization,
    select_options,
    select_organizations,
    update_language,
)
from hymio.store.catalog.rows import is_id
from hymio.store.dialect import Transaction
from hymio.store.setup.layout_rows import ZONE
from hymio.texts import LANGUAGES

ROOT = 1
"""The id of the root group that a new organization has."""


def create_organization(
    store: Store, principal: Principal, name: str, zone: str = "UTC", id: int | None = None, *, now: Instant  # noqa: A002
) -> int:  # fmt: skip
    """Creates an organization with its ledger and a root group that has its name and a time zone. Returns its id.

    `id` is the number it shall have, for an import; without it, the next free one. SetupError if the name or id is
    taken or the zone is unknown; Forbidden.
    """
    principal.require(Permission.CREATE_ORGANIZATION)
    check_name(name)
    zone_named(zone)
    with store.write() as transaction:
        identity = _new_id(transaction, name, id)
        insert_organization(transaction, identity, name, now)
        founder = replace(principal, organization=identity)
        with store.ledger_in(transaction, identity, now) as ledger, batch_of(ledger) as batch:
            _add_root(batch, founder, name, zone, now)
    return identity


def _add_root(batch: Batch, founder: Principal, name: str, zone: str, now: Instant) -> None:
    """Adds the root of a new organization's tree, with its zone."""
    with changing(batch, founder, Permission.CREATE_ORGANIZATION, now) as change:
        change.require_whole_tree()
        nodes.insert_node(change.ledger, ROOT, None, NodeKind.GROUP, name, None)
        nodes.upsert_settings(change.ledger, ROOT, ZONE, [(BEGINNING, zone)])
        subject = f"organization {founder.organization}"
        change.audit("create-organization", subject, node=ROOT, new={"name": name, "zone": zone})


def set_language(store: Store | Batch, principal: Principal, language: str, *, now: Instant) -> None:
    """Sets the language of answers to requests of the organization's clients that ask for none.

    SetupError unless it is one of `texts.LANGUAGES`; Forbidden.
    """
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        change.require_whole_tree()
        if language not in LANGUAGES:
            raise SetupError(
                "unknown-language", "got language {language!r}; accepted are {known}",
                language=language[:40], known=", ".join(LANGUAGES),
            )  # fmt: skip
        old = select_options(change.ledger.transaction, change.ledger.organization).language
        if old == language:
            return
        update_language(change.ledger, language)
        change.audit("set-language", f"organization {change.ledger.organization}", old=old, new=language)


def organizations(store: Store) -> list[Organization]:
    """All organizations of the installation, by id."""
    with store.read() as transaction:
        return select_organizations(transaction)


def find_organization(store: Store, name_or_id: str) -> Organization:
    """An organization by its name or number. NotFound, whose text lists all organizations."""
    existing = organizations(store)
    for organization in existing:
        if name_or_id in (organization.name, str(organization.id)):
            return organization
    raise NotFound(
        "no-such-organization",
        "got organization {organization!r}; there are: {known}",
        organization=name_or_id,
        known=", ".join(f"{other.id} {other.name!r}" for other in existing) or "none yet",
    )


def _new_id(transaction: Transaction, name: str, given: int | None) -> int:
    """The number of a new organization. SetupError if it or the name is taken, or it is outside 1 to MAX_ID."""
    identity = given if given is not None else next_organization(transaction)
    if not is_id(identity):
        raise id_refused("organization", identity)
    if is_taken(transaction, identity, name):
        raise SetupError(
            "organization-taken",
            "there is an organization {name!r} or number {organization} already",
            name=name,
            organization=identity,
        )
    return identity
