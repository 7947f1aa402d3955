"""Rows of clients of API v1 and of tokens of API v2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hymio.access import DataKind
from hymio.period import Instant
from hymio.store import schema
from hymio.store.catalog.rows import run
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token of API v2; `node` None is the whole tree, `expires_at` None is never, `used_at` is up to a minute old.

    With `csv_bom`, its CSV begins with a byte order mark.
    """

    organization: int
    id: int
    name: str
    node: int | None
    kinds: frozenset[DataKind]
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    used_at: Instant | None = None
    csv_bom: bool = False

    def is_valid(self, now: Instant) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class TokenColumns(NamedTuple):
    """The columns of a token that can be changed."""

    name: str
    node: int | None
    kinds: frozenset[DataKind]
    expires_at: Instant | None
    csv_bom: bool = False


# --- clients of API v1 -----------------------------------------------------------------------------------------------


def select_client_hash(transaction: Transaction, organization: int, client: int) -> bytes | None:
    """The hash of a client's token, unless the client was revoked."""
    text = "SELECT token_hash FROM api_client WHERE organization_id = :o AND id = :id AND revoked_at IS NULL"
    row = transaction.row(text, o=organization, id=client)
    return bytes(row[0]) if row else None


class ApiClient(NamedTuple):
    """A client of API v1: its public identifier, and until when its token was valid."""

    id: int
    client_id: str
    created_at: Instant
    revoked_at: Instant | None


def select_clients(transaction: Transaction, organization: int) -> list[ApiClient]:
    """The clients of an organization, revoked ones too, by id."""
    text = "SELECT id, client_id, created_at, revoked_at FROM api_client WHERE organization_id = :o ORDER BY id"
    return [ApiClient(*row) for row in transaction.rows(text, o=organization)]


def insert_client(ledger: Ledger, identity: int, client_id: str, token_hash: bytes, now: Instant) -> None:
    """Inserts a client."""
    ledger.transaction.insert(schema.api_client, [(ledger.organization, identity, client_id, token_hash, now, None)])


def revoke_clients(ledger: Ledger, now: Instant) -> int:
    """Revokes all clients of the organization that are not revoked; returns their number."""
    text = "UPDATE api_client SET revoked_at = :now WHERE organization_id = :o AND revoked_at IS NULL"
    return run(ledger, text, now=now)


# --- tokens of API v2 ------------------------------------------------------------------------------------------------

_SELECT = """SELECT t.id, t.name, t.node_id, t.kinds, t.created_at, t.expires_at, t.revoked_at, u.used_at, t.csv_bom
    FROM api_token t LEFT JOIN token_use u ON u.organization_id = t.organization_id AND u.token_id = t.id
    WHERE t.organization_id = :o"""


def select_tokens(transaction: Transaction, organization: int) -> list[ApiToken]:
    """The tokens of an organization, revoked and expired ones too, by id."""
    rows = transaction.rows(f"{_SELECT} ORDER BY t.id", o=organization)
    return [_token(organization, row) for row in rows]


def select_token(transaction: Transaction, organization: int, token: int) -> ApiToken | None:
    """A token, whatever its state."""
    row = transaction.row(f"{_SELECT} AND t.id = :id", o=organization, id=token)
    return _token(organization, row) if row else None


def insert_token(ledger: Ledger, identity: int, columns: TokenColumns, now: Instant) -> None:
    """Inserts a token; the hash of its secret is stored in the directory."""
    name, node, kinds, expires_at, csv_bom = columns
    revoked_at = None
    row = (ledger.organization, identity, name, node, _words(kinds), now, expires_at, revoked_at, int(csv_bom))
    ledger.transaction.insert(schema.api_token, [row])


def update_token(ledger: Ledger, token: int, columns: TokenColumns) -> None:
    """Sets the columns of a token that can be changed."""
    run(
        ledger,
        """UPDATE api_token SET name = :name, node_id = :node, kinds = :kinds, expires_at = :expires,
        csv_bom = :csv_bom WHERE organization_id = :o AND id = :token""",
        name=columns.name,
        node=columns.node,
        kinds=_words(columns.kinds),
        expires=columns.expires_at,
        csv_bom=int(columns.csv_bom),
        token=token,
    )


def revoke_tokens(ledger: Ledger, now: Instant, token: int | None = None) -> int:
    """Revokes a token, or all of the organization; returns how many were not revoked before."""
    text = "UPDATE api_token SET revoked_at = :now WHERE organization_id = :o AND revoked_at IS NULL"
    return run(ledger, text, now=now) if token is None else run(ledger, f"{text} AND id = :token", now=now, token=token)


def _words(kinds: frozenset[DataKind]) -> str:
    """Kinds of data as the column stores them, separated by commas."""
    return ",".join(kind.value for kind in DataKind if kind in kinds)


def _token(organization: int, row: Row) -> ApiToken:
    """A token from its row."""
    identity, name, node, kinds, created_at, expires_at, revoked_at, used_at, csv_bom = row
    of_data = frozenset(map(DataKind, kinds.split(",")))
    instants = created_at, expires_at, revoked_at, used_at
    return ApiToken(organization, identity, name, node, of_data, *instants, bool(csv_bom))
