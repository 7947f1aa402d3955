"""Who may read an organization's results: clients of API v1, and what the API is enabled for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from hymio.store import Store, schema
from hymio.store.catalog.changing import identity_of, run
from hymio.store.catalog.directory import V1_CLIENT, hash_secret, look_up, remember
from hymio.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """What a client of API v1 shows; the token is shown once."""

    client_id: str
    token: str


@dataclass(frozen=True, slots=True)
class V1Client:
    """What is known of an API v1 client when it knocks."""

    organization: int
    token_hash: bytes
    api_enabled: bool
    raw_results: bool


def activate_api(ledger: Ledger) -> ApiCredentials:
    """Enables the organization's API, raw results included, and makes a client's credentials."""
    run(ledger, "UPDATE organization SET api_enabled = 1, raw_results = 1 WHERE id = :o")
    return _new_client(ledger)


def rotate_api(ledger: Ledger) -> ApiCredentials:
    """Makes new credentials and ends all others, without a change to what is enabled."""
    _end_clients(ledger)
    return _new_client(ledger)


def revoke_api(ledger: Ledger) -> None:
    """Ends all credentials and disables the API until it is activated again."""
    _end_clients(ledger)
    run(ledger, "UPDATE organization SET api_enabled = 0 WHERE id = :o")


def set_raw_results(ledger: Ledger, *, enabled: bool) -> None:
    """Switches raw results on or off for all API clients of the organization."""
    run(ledger, "UPDATE organization SET raw_results = :enabled WHERE id = :o", enabled=int(enabled))


def v1_client(store: Store, client_id: str) -> V1Client | None:
    """The API v1 client of an identifier, unless it was revoked."""
    with store.read() as transaction:
        found = look_up(transaction, V1_CLIENT, hash_secret(client_id))
        if found is None:
            return None
        row = transaction.row(
            "SELECT token_hash FROM api_client WHERE organization_id = :o AND id = :id AND revoked_at IS NULL",
            o=found[0],
            id=found[1],
        )
        flags = transaction.row("SELECT api_enabled, raw_results FROM organization WHERE id = :o", o=found[0])
    return V1Client(found[0], bytes(row[0]), bool(flags[0]), bool(flags[1])) if row and flags else None


def _new_client(ledger: Ledger) -> ApiCredentials:
    identity = identity_of(ledger, "api_client")
    made = ApiCredentials(secrets.token_hex(16), secrets.token_urlsafe(32))
    row = (ledger.organization, identity, made.client_id, hash_secret(made.token), ledger.now, None)
    ledger.transaction.insert(schema.api_client, [row])
    remember(ledger, V1_CLIENT, hash_secret(made.client_id), identity)
    return made


def _end_clients(ledger: Ledger) -> None:
    run(
        ledger,
        "UPDATE api_client SET revoked_at = :now WHERE organization_id = :o AND revoked_at IS NULL",
        now=ledger.now,
    )
    run(ledger, "DELETE FROM directory WHERE organization_id = :o AND kind = :kind", kind=V1_CLIENT)
