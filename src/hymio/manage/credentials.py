"""Clients of API v1, tokens of API v2, and whether the API and raw results are on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hymio.access import EVERY_KIND, DataKind, Permission, Principal, Role
from hymio.errors import Forbidden, NotFound, SetupError
from hymio.manage.change import (
    Batch,
    Change,
    changing,
    instant_text,
    reach_in,
    reading,
    require_own_permissions,
    whole_tree_needed,
)
from hymio.manage.checks import check_instant, check_name
from hymio.manage.secrets import hash_secret, new_client_id, new_secret
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog import credentials, rows
from hymio.store.catalog.credentials import ApiClient, ApiToken, TokenColumns
from hymio.store.catalog.directory import Kind, delete_hashes, insert_hash
from hymio.store.catalog.organizations import select_options, update_api_enabled, update_raw_results


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """The credential of a client of API v1; the token is shown once."""

    client_id: str
    token: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token's id and its secret, which is shown once."""

    id: int
    secret: str


@contextmanager
def _changing(store: Store | Batch, principal: Principal, now: Instant) -> Iterator[Change]:
    """One verb on credentials of the whole organization."""
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        change.require_whole_tree()
        yield change


# --- API v1, and the API as a whole ----------------------------------------------------------------------------------


def activate_api(store: Store | Batch, principal: Principal, *, now: Instant) -> ApiCredentials:
    """Enables the organization's API with raw results, and adds a client of API v1; existing clients stay valid."""
    with _changing(store, principal, now) as change:
        old = _flags(change)
        update_api_enabled(change.ledger, enabled=True)
        update_raw_results(change.ledger, enabled=True)
        client, credential = _new_client(change)
        change.audit("activate-api", f"client {client}", old=old, new=_flags(change))
        return credential


def rotate_api(store: Store | Batch, principal: Principal, *, now: Instant) -> ApiCredentials:
    """Adds a client of API v1 and revokes all others; whether the API and raw results are on does not change."""
    with _changing(store, principal, now) as change:
        revoked = _revoke_clients(change)
        client, credential = _new_client(change)
        change.audit("rotate-api", f"client {client}", new={"clientsRevoked": revoked})
        return credential


def revoke_api(store: Store | Batch, principal: Principal, *, now: Instant) -> None:
    """Revokes all clients and tokens, and disables the API until it is activated again."""
    with _changing(store, principal, now) as change:
        old = _flags(change)
        clients, tokens = _revoke_clients(change), credentials.revoke_tokens(change.ledger, now)
        if not (old["api"] or clients or tokens):
            return
        update_api_enabled(change.ledger, enabled=False)
        new = {**_flags(change), "clientsRevoked": clients, "tokensRevoked": tokens}
        change.audit("revoke-api", f"organization {change.ledger.organization}", old=old, new=new)


def set_raw_results(store: Store | Batch, principal: Principal, *, enabled: bool, now: Instant) -> None:
    """Sets whether raw results are part of the organization's API."""
    with _changing(store, principal, now) as change:
        old = select_options(change.ledger.transaction, change.ledger.organization).raw_results
        if old == enabled:
            return
        update_raw_results(change.ledger, enabled=enabled)
        change.audit("set-raw-results", f"organization {change.ledger.organization}", old=old, new=enabled)


def clients(store: Store | Batch, principal: Principal) -> list[ApiClient]:
    """The clients of API v1, revoked ones too, by id. Forbidden below the root, as clients read the whole tree."""
    principal.require(Permission.CHANGE_CREDENTIALS)
    with reading(store) as transaction:
        if not reach_in(store, transaction, principal).is_whole_tree:
            raise whole_tree_needed()
        return credentials.select_clients(transaction, principal.organization)


def api_flags(store: Store | Batch, principal: Principal) -> tuple[bool, bool]:
    """Whether the organization's API is activated, and whether raw results are part of it. Forbidden."""
    principal.require(Permission.READ_SETUP)
    with reading(store) as transaction:
        enabled, raw_results, _ = select_options(transaction, principal.organization)
    return enabled, raw_results


def _flags(change: Change) -> dict[str, bool]:
    """Whether the API and raw results are enabled, for the audit log."""
    enabled, raw_results, _ = select_options(change.ledger.transaction, change.ledger.organization)
    return {"api": enabled, "rawResults": raw_results}


def _new_client(change: Change) -> tuple[int, ApiCredentials]:
    """Creates a client of API v1; returns its number and credential."""
    identity = rows.next_id(change.ledger, "api_client")
    credential = ApiCredentials(new_client_id(), new_secret())
    credentials.insert_client(change.ledger, identity, credential.client_id, hash_secret(credential.token), change.now)
    insert_hash(change.ledger, Kind.V1_CLIENT, hash_secret(credential.client_id), identity)
    return identity, credential


def _revoke_clients(change: Change) -> int:
    """Revokes all clients of API v1; returns their number."""
    delete_hashes(change.ledger, Kind.V1_CLIENT)
    return credentials.revoke_clients(change.ledger, change.now)


# --- tokens of API v2 ------------------------------------------------------------------------------------------------


def create_token(
    store: Store | Batch, principal: Principal, name: str, node: int | None = None,
    kinds: Iterable[DataKind] = EVERY_KIND, expires_at: Instant | None = None, *, csv_bom: bool = False,
    now: Instant,
) -> NewToken:  # fmt: skip
    """Creates a token whose scope is a node, or the whole tree if it is None. SetupError if the API is not activated.

    With `csv_bom`, its CSV begins with a byte order mark unless a request says otherwise.
    Forbidden if the token could read more than the principal.
    """
    columns = TokenColumns(name, node, frozenset(kinds), expires_at, csv_bom)
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        _check(change, columns)
        if not select_options(change.ledger.transaction, change.ledger.organization).api_enabled:
            raise SetupError("api-not-activated", "the organization has no API until it is activated")
        identity, secret = rows.next_id(change.ledger, "api_token"), new_secret()
        credentials.insert_token(change.ledger, identity, columns, now)
        insert_hash(change.ledger, Kind.V2_TOKEN, hash_secret(secret), identity)
        change.audit("create-token", f"token {identity}", node=node, new=_shown(columns))
        return NewToken(identity, secret)


def edit_token(
    store: Store | Batch, principal: Principal, token: int, name: str, node: int | None, kinds: Iterable[DataKind],
    expires_at: Instant | None, *, csv_bom: bool | None = None, now: Instant,
) -> None:  # fmt: skip
    """Sets a token's name, node, kinds of data and end; its secret stays, and `csv_bom` unless it is given.

    Forbidden as for `create_token`.
    """
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        old = _require_token(change, token)
        columns = TokenColumns(name, node, frozenset(kinds), expires_at, old.csv_bom if csv_bom is None else csv_bom)
        _check(change, columns)
        before = TokenColumns(old.name, old.node, old.kinds, old.expires_at, old.csv_bom)
        if columns == before:
            return
        credentials.update_token(change.ledger, token, columns)
        values = {"old": _shown(before), "new": _shown(columns)}
        change.audit("edit-token", f"token {token}", node=node, from_node=old.node, **values)


def revoke_token(store: Store | Batch, principal: Principal, token: int, *, now: Instant) -> None:
    """Revokes a token for good; one that is revoked already stays as it is."""
    with changing(store, principal, Permission.CHANGE_CREDENTIALS, now) as change:
        stored = _require_token(change, token)
        if credentials.revoke_tokens(change.ledger, now, token):
            change.audit("revoke-token", f"token {token}", node=stored.node, old=stored.name)


def tokens(store: Store | Batch, principal: Principal) -> list[ApiToken]:
    """The tokens whose node is in the principal's scope, including revoked and expired ones, by id."""
    principal.require(Permission.CHANGE_CREDENTIALS)
    with reading(store) as transaction:
        reach = reach_in(store, transaction, principal)
        stored = credentials.select_tokens(transaction, principal.organization)
    return [token for token in stored if reach.holds(token.node)]


def _require_token(change: Change, token: int) -> ApiToken:
    """The token. NotFound if it does not exist or its node is outside the scope."""
    ledger = change.ledger
    stored = credentials.select_token(ledger.transaction, ledger.organization, token) if rows.is_id(token) else None
    if stored is None or not change.reaches(stored.node):
        raise NotFound("unknown-token", "there is no token {token}", token=token)
    return stored


def _check(change: Change, columns: TokenColumns) -> None:
    """SetupError unless a token is valid; Forbidden if it could read more than the principal."""
    if columns.node is None:
        change.require_whole_tree()
    else:
        change.require_node(columns.node)
    check_instant(columns.expires_at)
    require_own_permissions(change, Role.CLIENT)
    if not columns.kinds <= change.principal.kinds:
        raise Forbidden("more-kinds-than-own", "a token cannot read kinds of data that its maker does not read")
    check_name(columns.name)
    if not columns.kinds:
        raise SetupError(
            "no-kind-of-data",
            "a token reads at least one kind of data: {kinds}",
            kinds=", ".join(kind.value for kind in DataKind),
        )


def _shown(columns: TokenColumns) -> dict[str, object]:
    """A token's columns for the audit log."""
    kinds = "all" if columns.kinds == EVERY_KIND else sorted(kind.value for kind in columns.kinds)
    shown: dict[str, object] = {
        "name": columns.name,
        "node": columns.node,
        "kinds": kinds,
        "expires": instant_text(columns.expires_at),
    }
    return {**shown, "csv_bom": True} if columns.csv_bom else shown
