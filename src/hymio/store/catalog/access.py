"""Who may read an organization's results: clients of API v1, tokens of API v2, and what the API is enabled for."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from hymio.errors import SetupError
from hymio.period import Instant
from hymio.store import Store, schema
from hymio.store.catalog.changing import check_name, identity_of, must_have, run
from hymio.store.catalog.directory import V1_CLIENT, V2_TOKEN, hash_secret, look_up, remember
from hymio.store.dialect import Row
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
    """Ends all credentials, tokens too, and disables the API until it is activated again."""
    _end_clients(ledger)
    run(
        ledger,
        "UPDATE api_token SET revoked_at = :now WHERE organization_id = :o AND revoked_at IS NULL",
        now=ledger.now,
    )
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


# Tokens of API v2


class DataKind(Enum):
    """What a token may be chosen to read; the values are the scopes that its introspection tells."""

    BUTTON_FEEDBACKS = "button-feedbacks"
    FOLLOWUP_FEEDBACKS = "follow-up-feedbacks"
    TEXT_FEEDBACKS = "text-feedbacks"
    DEMOGRAPHICS = "demographics"
    CONTACT_DETAILS = "contact-details"
    METADATA = "metadata"
    EXPERIENCE_POINTS = "experience-points"
    CUSTOM_DATA = "custom-data-fields"
    SURVEYS = "surveys"
    ALERTS = "alerts"
    USERS = "users"
    SMILEYS = "smileys"


EVERY_KIND = frozenset(DataKind)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token's id and its secret, which is shown once."""

    id: int
    secret: str


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token of API v2; `node` None is the whole tree, `expires_at` None is for good, `used_at` true to a minute."""

    organization: int
    id: int
    name: str
    node: int | None
    kinds: frozenset[DataKind]
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    used_at: Instant | None = None

    def is_valid(self, now: Instant) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create_token(
    ledger: Ledger,
    name: str,
    node: int | None = None,
    kinds: Iterable[DataKind] = EVERY_KIND,
    expires_at: Instant | None = None,
) -> NewToken:
    """Makes a token for a node and all below it. SetupError where the organization's API is not activated."""
    enabled = ledger.transaction.row("SELECT api_enabled FROM organization WHERE id = :o", o=ledger.organization)
    if not enabled or not enabled[0]:
        raise SetupError("the organization has no API until it is activated: hymio api activate ORGANIZATION")
    row = _token_columns(ledger, name, node, kinds, expires_at)
    identity, secret = identity_of(ledger, "api_token"), secrets.token_urlsafe(32)
    name_, node_, kinds_, expires = row
    ledger.transaction.insert(
        schema.api_token, [(ledger.organization, identity, name_, node_, kinds_, ledger.now, expires, None)]
    )
    remember(ledger, V2_TOKEN, hash_secret(secret), identity)
    return NewToken(identity, secret)


def edit_token(
    ledger: Ledger, token: int, name: str, node: int | None, kinds: Iterable[DataKind], expires_at: Instant | None
) -> None:
    """Changes what a token is called and reaches; its secret stays."""
    must_have(ledger, "api_token", token)
    name_, node_, kinds_, expires = _token_columns(ledger, name, node, kinds, expires_at)
    run(
        ledger,
        """UPDATE api_token SET name = :name, node_id = :node, kinds = :kinds, expires_at = :expires
        WHERE organization_id = :o AND id = :token""",
        name=name_, node=node_, kinds=kinds_, expires=expires, token=token,
    )  # fmt: skip


def revoke_token(ledger: Ledger, token: int) -> None:
    """Ends a token for good."""
    must_have(ledger, "api_token", token)
    run(
        ledger,
        """UPDATE api_token SET revoked_at = :now WHERE organization_id = :o AND id = :token AND revoked_at IS NULL""",
        now=ledger.now,
        token=token,
    )


def _token_columns(
    ledger: Ledger, name: str, node: int | None, kinds: Iterable[DataKind], expires_at: Instant | None
) -> tuple[str, int | None, str, Instant | None]:
    check_name(name)
    if node is not None:
        must_have(ledger, "node", node)
    chosen = set(kinds)
    if not chosen:
        raise SetupError("a token reads at least one kind of data: " + ", ".join(each.value for each in DataKind))
    return name, node, ",".join(each.value for each in DataKind if each in chosen), expires_at


_SELECT = """SELECT t.id, t.name, t.node_id, t.kinds, t.created_at, t.expires_at, t.revoked_at, u.used_at
    FROM api_token t LEFT JOIN token_use u ON u.organization_id = t.organization_id AND u.token_id = t.id
    WHERE t.organization_id = :o"""


def tokens(store: Store, organization: int) -> list[ApiToken]:
    """The tokens of an organization, ended ones too, by id."""
    with store.read() as transaction:
        rows = transaction.rows(f"{_SELECT} ORDER BY t.id", o=organization)
    return [_token(organization, row) for row in rows]


def v2_token(store: Store, secret: str) -> ApiToken | None:
    """The token of a secret, whatever its state. An unknown one costs the same statements as a known one."""
    with store.read() as transaction:
        organization, identity = look_up(transaction, V2_TOKEN, hash_secret(secret)) or (0, 0)
        row = transaction.row(f"{_SELECT} AND t.id = :id", o=organization, id=identity)
    return _token(organization, row) if row else None


def _token(organization: int, row: Row) -> ApiToken:
    identity, name, node, kinds, *instants = row
    return ApiToken(organization, identity, name, node, frozenset(map(DataKind, kinds.split(","))), *instants)


def api_flags(store: Store, organization: int) -> tuple[bool, bool]:
    """Whether an organization's API is activated, and whether raw results are part of it."""
    with store.read() as transaction:
        row = transaction.row("SELECT api_enabled, raw_results FROM organization WHERE id = :o", o=organization)
    return (bool(row[0]), bool(row[1])) if row else (False, False)


def note_use(store: Store, token: ApiToken, now: Instant) -> None:
    """Notes that a token was used, outside the ledger: reading must not take turns with writing for it."""
    with store.write() as transaction:
        transaction.insert(
            schema.token_use,
            [(token.organization, token.id, now)],
            "ON CONFLICT (organization_id, token_id) DO UPDATE SET used_at = excluded.used_at",
        )
