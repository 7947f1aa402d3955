"""Resolves credentials to principals: of clients, tokens, smileys, SMS gateways and people."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from hymio.access import EVERY_KIND, DataKind, Permission, Principal, Role, SmsGateway, Via
from hymio.errors import Forbidden
from hymio.manage.passwords import matches, renewed
from hymio.manage.secrets import hash_secret
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog.credentials import select_client_hash, select_token
from hymio.store.catalog.directory import Kind, look_up, look_up_all
from hymio.store.catalog.organizations import select_options
from hymio.store.catalog.rows import is_id
from hymio.store.catalog.signing_in import (
    accounts_of,
    renew_password_hash,
    select_link,
    select_session,
    select_sign_in,
)
from hymio.store.catalog.smileys import select_by_serial
from hymio.store.catalog.sms_gateways import select_key
from hymio.store.catalog.users import select_account
from hymio.store.dialect import Transaction
from hymio.user import LinkKind, LoginMethod, Session, Theme, User

_NOBODY: Final = (0, 0)
"""An organization and id that no row has: with it, an unknown credential runs the same statements as a known one."""

SMS_SECRETS: Final = {SmsGateway.GENERIC: Kind.SMS_SECRET, SmsGateway.KANNEL: Kind.KANNEL_SECRET}
"""The kinds of hashes of the secrets that SMS gateways send; the other gateways sign."""

_MOST_ACCOUNTS: Final = 5
"""Accounts of one e-mail address whose passwords are compared; each takes as long as a hash."""

_FEWEST_COMPARED: Final = 2
"""Passwords that are compared at least, so that an address of one or two accounts takes as long as an unknown one."""

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
        options.raw_results, default_language=options.language, csv_bom=token.csv_bom,
    )  # fmt: skip


def device_principal(transaction: Transaction, token: str) -> Principal | None:
    """The smiley of an upload token; None for an unknown one."""
    owner = look_up(transaction, Kind.SMILEY_TOKEN, hash_secret(token))
    return None if owner is None else _device(*owner)


def device_principals(transaction: Transaction, tokens: Iterable[str]) -> dict[str, Principal]:
    """The smileys of upload tokens, by token, without unknown ones."""
    hashes = {token: hash_secret(token) for token in tokens}
    owners = look_up_all(transaction, Kind.SMILEY_TOKEN, set(hashes.values()))
    return {token: _device(*owners[digest]) for token, digest in hashes.items() if digest in owners}


def _device(organization: int, smiley: int) -> Principal:
    return Principal(organization, Role.DEVICE, Via.DEVICE, f"smiley {smiley}", smiley)


def published_principals(transaction: Transaction, words: Iterable[str]) -> dict[str, Principal]:
    """The published smileys of tokens or codes, which are public, by token or code, without unknown ones.

    Both have capitals; a code that somebody types from a poster may have small letters.
    """
    hashes = {word: hash_secret(word.upper()) for word in words}
    owners = look_up_all(transaction, Kind.WEB_SMILEY, set(hashes.values()))
    return {word: _published(*owners[digest]) for word, digest in hashes.items() if digest in owners}


def _published(organization: int, smiley: int) -> Principal:
    return Principal(organization, Role.DEVICE, Via.WEB_PAGE, f"smiley {smiley}", smiley)


def sms_principal(store: Store, secret: str, gateway: SmsGateway = SmsGateway.GENERIC) -> Principal | None:
    """The SMS gateway of a kind that sends an organization's shared secret; None for an unknown one."""
    with store.read() as transaction:
        owner = look_up(transaction, SMS_SECRETS[gateway], hash_secret(secret))
    return None if owner is None else _gateway(owner[0], gateway)


@dataclass(frozen=True, slots=True)
class SigningGateway:
    """An SMS gateway that signs its requests, with the key of the signatures."""

    principal: Principal
    key: str = field(repr=False)


def signing_gateway(store: Store, organization: int, gateway: SmsGateway) -> SigningGateway | None:
    """An organization's SMS gateway of a kind that signs; None where it has none, or the organization does not exist.

    Whoever asks must compare the signature before anything else is done for the principal.
    """
    if not is_id(organization):
        return None
    with store.read() as transaction:
        key = select_key(transaction, organization, gateway)
    return None if key is None else SigningGateway(_gateway(organization, gateway), key)


def _gateway(organization: int, gateway: SmsGateway) -> Principal:
    """The principal of an SMS gateway."""
    name = "SMS gateway" if gateway is SmsGateway.GENERIC else f"SMS gateway {gateway.value}"
    return Principal(organization, Role.DEVICE, Via.SMS_GATEWAY, name)


def smiley_by_serial(store: Store, principal: Principal, serial: str) -> tuple[int, bytes] | None:
    """The smiley of a serial in the principal's organization, with the key of its SMS checksums."""
    with store.read() as transaction:
        return select_by_serial(transaction, principal.organization, serial)


def _require_enabled(*, enabled: bool) -> None:
    """Forbidden unless the organization's API is enabled."""
    if not enabled:
        raise Forbidden("api-not-active", "The API of this organization is not activated.")


# --- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person in a browser: the principal, the account, the session, and the theme of pages."""

    principal: Principal
    user: User
    session: Session
    theme: Theme

    @property
    def may_change_smileys(self) -> bool:
        """Whether pages show the way to web smileys."""
        return self.principal.may(Permission.CHANGE_SMILEYS)


@dataclass(frozen=True, slots=True)
class Invited:
    """A person who opened a one-time link that can still be used."""

    principal: Principal
    user: User
    kind: LinkKind


def password_principal(store: Store, email: str, password: str) -> Principal | None:
    """The user with this address and password who may sign in; None for all others, after as much work.

    If several organizations have such a user, that of the first one. A stored hash with older parameters is replaced.
    Unavailable if too many people sign in at once.
    """
    with store.read() as transaction:
        accounts = accounts_of(transaction, email, _MOST_ACCOUNTS)
    nobody = [_NOBODY] * (_FEWEST_COMPARED - len(accounts))
    for organization, user in accounts + nobody:
        with store.read() as transaction:
            principal = person_principal(transaction, organization, user)
            stored = select_sign_in(transaction, organization, user).password_hash
        if matches(password, stored) and principal is not None:
            _renew_hash(store, principal[0], password, stored or "")
            return principal[0]
    return None


def _renew_hash(store: Store, principal: Principal, password: str, stored: str) -> None:
    """Replaces the hash of a password whose parameters are not those of today; nobody's change, so not audited."""
    new = renewed(password, stored)
    if new is not None:
        with store.write() as transaction:
            renew_password_hash(transaction, principal.organization, principal.id, stored, new)


def has_password(store: Store, principal: Principal, password: str) -> bool:
    """Whether a password is that of the person who asks. Unavailable as above."""
    with store.read() as transaction:
        stored = select_sign_in(transaction, principal.organization, principal.id).password_hash
    return matches(password, stored)


def session_principal(store: Store, secret: str, now: Instant) -> SignedIn | None:
    """The person with a session of this secret; None if it is unknown or ended, or the person may not sign in."""
    organization, identity, key = parts_of(secret)
    with store.read() as transaction:
        stored = select_session(transaction, organization, identity)
        if stored is None or not hmac.compare_digest(stored[1], hash_secret(key)) or not stored[0].is_valid(now):
            return None
        person = person_principal(transaction, organization, stored[0].user)
        theme = select_sign_in(transaction, organization, stored[0].user).theme
    return None if person is None else SignedIn(*person, stored[0], theme)


def link_principal(store: Store, secret: str, now: Instant) -> Invited | None:
    """The person with a one-time link of this secret; None if it is unknown, used or expired."""
    organization, user, key = parts_of(secret)
    with store.read() as transaction:
        link = select_link(transaction, organization, user)
        if link is None or not hmac.compare_digest(link.hash, hash_secret(key)) or link.expires_at <= now:
            return None
        person = person_principal(transaction, organization, user)
    return None if person is None else Invited(*person, link.kind)


def parts_of(secret: str) -> tuple[int, int, str]:
    """Organization, id and random part of a secret; numbers that no row has, if it is none."""
    organization, _, rest = secret.partition(".")
    identity, _, key = rest.partition(".")
    numbers = [
        int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0 for text in (organization, identity)
    ]
    if not all(map(is_id, numbers)):
        return *_NOBODY, key
    return numbers[0], numbers[1], key


def person_principal(transaction: Transaction, organization: int, user: int) -> tuple[Principal, User] | None:
    """The principal of a user who may sign in by password, and the account."""
    stored = select_account(transaction, organization, user)
    if stored is None or not stored.login_allowed or stored.login_method is not LoginMethod.EMAIL_PASSWORD:
        return None
    sees_contacts = Permission.READ_CONTACT_DETAILS in stored.role.permissions
    kinds = EVERY_KIND if sees_contacts else EVERY_KIND - {DataKind.CONTACT_DETAILS}
    options = select_options(transaction, organization)
    principal = Principal(
        organization, stored.role, Via.SESSION, stored.email, stored.id, stored.node, kinds,
        language=stored.locale.partition("-")[0], default_language=options.language,
    )  # fmt: skip
    return principal, stored
