"""Resolves credentials to principals: of clients, tokens, smileys and SMS gateways."""

from __future__ import annotations

import hmac
from typing import Final

from hymio.access import Principal, Role, Via
from hymio.errors import Forbidden
from hymio.manage.secrets import hash_secret
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog.credentials import select_client_hash, select_token
from hymio.store.catalog.directory import Kind, look_up
from hymio.store.catalog.organizations import select_options
from hymio.store.catalog.smileys import select_by_serial
from hymio.store.dialect import Transaction

_NOBODY: Final = (0, 0)
"""An organization and id that no row has: with it, an unknown credential runs the same statements as a known one."""

_NO_HASH: Final = hash_secret("")


def v1_principal(store: Store, client_id: str, token: str) -> Principal | None:
    """The client of API v1 with this identifier and token; None if there is none.

    Forbidden where the pair is right and the organization's API is not activated.
    """
    with store.read() as transaction:
        organization, client = look_up(transaction, Kind.V1_CLIENT, hash_secret(client_id)) or _NOBODY
        stored = select_client_hash(transaction, organization, client)
        options = select_options(transaction, organization)
    if not hmac.compare_digest(hash_secret(token), stored or _NO_HASH) or stored is None:
        return None
    _require_enabled(enabled=options.api_enabled)
    return Principal(
        organization, Role.CLIENT, Via.V1_CLIENT, f"API v1 client {client}", client,
        raw_results=options.raw_results, default_language=options.language,
    )  # fmt: skip


def v2_principal(store: Store, secret: str, now: Instant) -> Principal | None:
    """The token of API v2 with this secret; None for one that is unknown, expired or revoked.

    Forbidden where it is valid and the organization's API is not activated.
    """
    with store.read() as transaction:
        organization, identity = look_up(transaction, Kind.V2_TOKEN, hash_secret(secret)) or _NOBODY
        token = select_token(transaction, organization, identity)
        options = select_options(transaction, organization)
    if token is None or not token.is_valid(now):
        return None
    _require_enabled(enabled=options.api_enabled)
    return Principal(
        organization, Role.CLIENT, Via.V2_TOKEN, token.name, token.id, token.node, token.kinds,
        options.raw_results, default_language=options.language,
    )  # fmt: skip


def device_principal(transaction: Transaction, token: str) -> Principal | None:
    """The smiley of an upload token; None for an unknown one."""
    owner = look_up(transaction, Kind.SMILEY_TOKEN, hash_secret(token))
    if owner is None:
        return None
    organization, smiley = owner
    return Principal(organization, Role.DEVICE, Via.DEVICE, f"smiley {smiley}", smiley)


def sms_principal(store: Store, secret: str) -> Principal | None:
    """The SMS gateway that sends an organization's shared secret; None for an unknown one."""
    with store.read() as transaction:
        owner = look_up(transaction, Kind.SMS_SECRET, hash_secret(secret))
    return None if owner is None else Principal(owner[0], Role.DEVICE, Via.SMS_GATEWAY, "SMS gateway")


def smiley_by_serial(store: Store, principal: Principal, serial: str) -> tuple[int, bytes] | None:
    """The smiley of a serial in the principal's organization, with the key of its SMS checksums."""
    with store.read() as transaction:
        return select_by_serial(transaction, principal.organization, serial)


def _require_enabled(*, enabled: bool) -> None:
    """Forbidden unless the organization's API is enabled."""
    if not enabled:
        raise Forbidden("api-not-active", "The API of this organization is not activated.")
