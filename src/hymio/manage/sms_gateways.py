"""The credentials of SMS gateways: a secret that a gateway sends, or the key with which it signs."""

from __future__ import annotations

from typing import Final

from hymio.access import Permission, Principal, SmsGateway
from hymio.errors import SetupError
from hymio.manage.change import Batch, changing, reach_in, reading, whole_tree_needed
from hymio.manage.principals import SMS_SECRETS
from hymio.manage.secrets import hash_secret, new_secret
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog.directory import delete_hashes, insert_hash, kinds_of
from hymio.store.catalog.sms_gateways import delete_key, select_gateways, select_key, upsert_key
from hymio.store.dialect import Transaction

_SECRET_BYTES: Final = 24
_ORGANIZATION: Final = 0
"""The id in the directory for a secret: an organization has one gateway of a kind, so it needs no number."""

MIN_KEY: Final = 8
MAX_KEY: Final = 200
"""Characters of a key."""


def new_sms_secret(
    store: Store | Batch, principal: Principal, gateway: SmsGateway = SmsGateway.GENERIC, *, now: Instant
) -> str:
    """Gives an SMS gateway a new secret in place of the old one; it is shown once. SetupError if it signs instead."""
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        change.require_whole_tree()
        kind = SMS_SECRETS.get(gateway)
        if kind is None:
            raise SetupError(
                "sms-gateway-signs", "{gateway} signs with a key of its own; set that", gateway=gateway.value
            )
        secret = new_secret(_SECRET_BYTES)
        delete_hashes(change.ledger, kind)
        insert_hash(change.ledger, kind, hash_secret(secret), _ORGANIZATION)
        change.audit("new-sms-secret", _subject(gateway, principal.organization))
        return secret


def set_sms_key(store: Store | Batch, principal: Principal, gateway: SmsGateway, key: str, *, now: Instant) -> None:
    """Sets the key with which an SMS gateway signs. SetupError for one that sends a secret, and for an unfit key."""
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        change.require_whole_tree()
        if not gateway.signs:
            raise SetupError(
                "sms-gateway-sends-secret", "{gateway} sends a secret that Hymio makes", gateway=gateway.value
            )
        if not (MIN_KEY <= len(key) <= MAX_KEY and key.isascii() and key.isprintable() and " " not in key):
            raise SetupError(
                "bad-sms-key",
                "the key is not one word of {least} to {most} characters of ASCII",
                least=MIN_KEY,
                most=MAX_KEY,
            )
        if select_key(change.ledger.transaction, principal.organization, gateway) != key:
            upsert_key(change.ledger, gateway, key)
            change.audit("set-sms-key", _subject(gateway, principal.organization))


def remove_sms_gateway(store: Store | Batch, principal: Principal, gateway: SmsGateway, *, now: Instant) -> None:
    """Deletes the secret or key of an SMS gateway, whose texts are refused from then on. Nothing if it has none."""
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        change.require_whole_tree()
        if gateway not in _gateways(change.ledger.transaction, principal.organization):
            return
        if gateway.signs:
            delete_key(change.ledger, gateway)
        else:
            delete_hashes(change.ledger, SMS_SECRETS[gateway])
        change.audit("remove-sms-gateway", _subject(gateway, principal.organization))


def sms_gateways(store: Store | Batch, principal: Principal) -> list[SmsGateway]:
    """The SMS gateways of the principal's organization that have a secret or key. Forbidden below the root."""
    principal.require(Permission.CHANGE_CREDENTIALS)
    with reading(store) as transaction:
        if not reach_in(store, transaction, principal).is_whole_tree:
            raise whole_tree_needed()
        there = _gateways(transaction, principal.organization)
    return [gateway for gateway in SmsGateway if gateway in there]


def _gateways(transaction: Transaction, organization: int) -> frozenset[SmsGateway]:
    """The gateways that have a secret or a key."""
    kinds = kinds_of(transaction, organization)
    sending = frozenset(gateway for gateway, kind in SMS_SECRETS.items() if kind.value in kinds)
    return sending | select_gateways(transaction, organization)


def _subject(gateway: SmsGateway, organization: int) -> str:
    """What the audit log calls a gateway; the generic one is the organization's, as it was before there were others."""
    return f"organization {organization}" if gateway is SmsGateway.GENERIC else f"SMS gateway {gateway.value}"
