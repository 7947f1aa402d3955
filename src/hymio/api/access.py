"""Who is asking: the credential of a v1 request becomes a Principal, or it is refused."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.errors import Forbidden, Unauthorized
from hymio.store import Store
from hymio.store.catalog import hash_secret, v1_client

CLIENT_ID_HEADER: Final = "X-HON-Client-Id"
TOKEN_HEADER: Final = "X-HON-API-Token"  # noqa: S105  the header's name
CHALLENGE: Final = 'Basic realm="Hymio API", charset="UTF-8"'

# One text whatever was wrong: it must not tell which half of a guess was right.
_REFUSED: Final = (
    "The client identifier or the API token is missing or not valid. Send them by HTTP Basic authentication"
    f" (identifier as user name, token as password) or in the headers {CLIENT_ID_HEADER} and {TOKEN_HEADER}."
)
_NOBODY: Final = hash_secret("")


class Credential(NamedTuple):
    """What a client of API v1 shows."""

    client_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a request speaks for; v1's credentials are of a whole organization."""

    organization: int
    raw_results: bool

    def require_raw_results(self) -> None:
        """Forbidden where the organization has switched raw results off."""
        if not self.raw_results:
            raise Forbidden("Raw results are switched off for this organization.")


def authenticate(store: Store, headers: Mapping[str, str]) -> Principal:
    """The principal of a request; `headers` are looked up regardless of case.

    Raises Unauthorized for every wrong or missing credential, Forbidden where the credential is right and the
    organization's API is not activated.
    """
    credential = presented(headers)
    client = v1_client(store, credential.client_id) if credential else None
    # An unknown client costs the same comparison as a wrong token.
    stored = client.token_hash if client else _NOBODY
    given = hash_secret(credential.token) if credential else _NOBODY
    if not hmac.compare_digest(given, stored) or client is None:
        raise Unauthorized(_REFUSED)
    if not client.api_enabled:
        raise Forbidden("The API of this organization is not activated.")
    return Principal(client.organization, client.raw_results)


def presented(headers: Mapping[str, str]) -> Credential | None:
    """The credential that a request carries: the pair of headers, otherwise HTTP Basic; None where it has neither."""
    client_id, token = headers.get(CLIENT_ID_HEADER), headers.get(TOKEN_HEADER)
    if client_id is not None and token is not None:
        return Credential(client_id, token)
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    return _basic(encoded.strip()) if scheme.lower() == "basic" else None


def _basic(encoded: str) -> Credential | None:
    try:
        client_id, colon, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Credential(client_id, token) if colon else None
